//! `dhcp:` of a segment as written.

use packet::VirtualAddr;

use crate::compiled::Ipv4Subnet;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::{Fields, Located, Node, Value, fields, scalar};

/// The lease of a segment that says none, in seconds.
const DEFAULT_LEASE: u32 = 3600;
/// The shortest, in seconds: a client asks anew after half of it.
const MIN_LEASE: u32 = 10;
/// The longest, in seconds: a year.
const MAX_LEASE: u32 = 31_536_000;

/// The longest domain name, in bytes without its last dot (RFC 1035 §2.3.4).
const MAX_DOMAIN: usize = 253;
/// The longest part of it.
const MAX_LABEL: usize = 63;

#[derive(Debug)]
pub(in super::super) struct DhcpText {
    pub(in super::super) place: Place,
    pub(in super::super) router: Option<Located<VirtualAddr>>,
    pub(in super::super) dns: Vec<Located<VirtualAddr>>,
    pub(in super::super) domain: Option<String>,
    pub(in super::super) lease: u32,
    pub(in super::super) routes: Vec<RouteText>,
    /// From the first to the last.
    pub(in super::super) pool: Option<Located<(VirtualAddr, VirtualAddr)>>,
}

#[derive(Debug)]
pub(in super::super) struct RouteText {
    pub(in super::super) to: Located<Ipv4Subnet>,
    pub(in super::super) via: Located<VirtualAddr>,
}

/// `true`, `false`, or a map; `owner` is the segment, for messages.
pub(super) fn read(node: &Node, owner: &str, out: &mut Diagnostics) -> Option<DhcpText> {
    if let Value::Scalar(word) = &node.value {
        let wanted = match word.as_str() {
            "true" => true,
            "false" => false,
            other => {
                let message = format!("dhcp cannot be \"{}\"", other.escape_debug());
                let remedy = "write true, or { router: ADDRESS, dns: [ADDRESSES], lease: 1h }";
                out.error(&node.place, message, remedy);
                false
            }
        };
        return wanted.then(|| DhcpText::bare(&node.place));
    }
    let mut fields = Fields::of(node, format!("dhcp of {owner}"), out)?;
    let router = fields.get("router", out);
    let router = router.and_then(|node| super::ipv4(node, "router", out));
    let dns = fields.get("dns", out).map(fields::one_or_many);
    let dns = dns.unwrap_or_default().iter();
    let dns = dns.filter_map(|node| super::ipv4(node, "dns", out));
    let dns = dns.collect();
    let domain = fields.get("domain", out);
    let domain = domain.and_then(|node| domain_name(node, out));
    let lease = fields.get("lease", out);
    let lease = lease.and_then(|node| scalar::seconds(node, "lease", MIN_LEASE..=MAX_LEASE, out));
    let routes = fields.list("routes", out);
    let routes = routes.iter().filter_map(|item| {
        let inner = Fields::of(item, format!("a route of {}", fields.what), out)?;
        route(inner, out)
    });
    let routes = routes.collect();
    let pool = fields.get("pool", out);
    let pool = pool.and_then(|node| pool_of(node, out));
    fields.finish(out);
    Some(DhcpText {
        router,
        dns,
        domain,
        lease: lease.map_or(DEFAULT_LEASE, |lease| lease.value),
        routes,
        pool,
        ..DhcpText::bare(&node.place)
    })
}

impl DhcpText {
    fn bare(place: &Place) -> Self {
        Self {
            place: place.clone(),
            router: None,
            dns: Vec::new(),
            domain: None,
            lease: DEFAULT_LEASE,
            routes: Vec::new(),
            pool: None,
        }
    }
}

/// `10.0.0.100-10.0.0.199`.
fn pool_of(node: &Node, out: &mut Diagnostics) -> Option<Located<(VirtualAddr, VirtualAddr)>> {
    let text = fields::text(node, "pool", out)?.value;
    let address = |text: &str| text.trim().parse().ok().map(VirtualAddr::new);
    let parts = text.split_once('-');
    let parts = parts.and_then(|(first, last)| Some((address(first)?, address(last)?)));
    if let Some((first, last)) = parts.filter(|(first, last)| first <= last) {
        return Some(Located::new((first, last), &node.place));
    }
    let message = format!("pool \"{}\" is no range of addresses", text.escape_debug());
    let remedy = "write the first and the last, e.g. 10.0.0.100-10.0.0.199";
    out.error(&node.place, message, remedy);
    None
}

fn route(mut fields: Fields<'_>, out: &mut Diagnostics) -> Option<RouteText> {
    let to = fields.need("to", "an IPv4 prefix, e.g. 10.1.0.0/16", out);
    let to = to.and_then(|node| super::subnet(node, "to", out));
    let via = fields.need("via", "an address on the segment", out);
    let via = via.and_then(|node| super::ipv4(node, "via", out));
    fields.finish(out);
    Some(RouteText { to: to?, via: via? })
}

/// Letters, digits and hyphens between dots (RFC 1123 §2.1).
fn domain_name(node: &Node, out: &mut Diagnostics) -> Option<String> {
    let name = fields::text(node, "domain", out)?.value;
    let is_label = |label: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let hyphens = label.starts_with('-') || label.ends_with('-');
        (1..=MAX_LABEL).contains(&label.len()) && !hyphens && label.bytes().all(allowed)
    };
    if name.len() <= MAX_DOMAIN && name.split('.').all(is_label) {
        return Some(name);
    }
    let message = format!("domain \"{}\" is not a domain name", name.escape_debug());
    let remedy = "write labels of letters, digits and '-' with dots between them, e.g. example.org";
    out.error(&node.place, message, remedy);
    None
}
