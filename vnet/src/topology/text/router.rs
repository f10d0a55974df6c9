//! `routers:` as written.

use packet::VirtualAddr;

use super::StationText;
use crate::compiled::Ipv4Subnet;
use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Located, Node, fields, scalar};

#[derive(Debug)]
pub(in super::super) struct RouterText {
    pub(in super::super) name: Located<String>,
    pub(in super::super) interfaces: Vec<LegText>,
    /// What it says its errors come from, where no interface does.
    pub(in super::super) source: Option<Located<VirtualAddr>>,
    pub(in super::super) routes: Vec<RouteText>,
}

#[derive(Debug)]
pub(in super::super) struct RouteText {
    pub(in super::super) to: Located<Ipv4Subnet>,
    /// One, or several of equal cost.
    pub(in super::super) via: Vec<Located<NextHop>>,
}

#[derive(Debug)]
pub(in super::super) struct LegText {
    pub(in super::super) station: StationText,
    pub(in super::super) proxy_arp: bool,
}

#[derive(Debug)]
pub(in super::super) enum NextHop {
    Router(String),
    Address(VirtualAddr),
}

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<RouterText> {
    let mut fields = Fields::of(node, "a router", out)?;
    let name = fields.need("name", "a name, unique in the network", out);
    let name = name.and_then(|node| scalar::name(node, "router", out));
    if let Some(name) = &name {
        fields.what = format!("router \"{}\"", name.value);
    }
    let interfaces = fields.list("interfaces", out);
    let interfaces = interfaces.iter().filter_map(|item| {
        let mut inner = Fields::of(item, format!("an interface of {}", fields.what), out)?;
        let station = super::station(&mut inner, &item.place, out);
        let proxy_arp = inner.get("proxy-arp", out);
        let proxy_arp = proxy_arp.and_then(|node| scalar::boolean(node, "proxy-arp", out));
        inner.finish(out);
        Some(LegText {
            station,
            proxy_arp: proxy_arp.unwrap_or(false),
        })
    });
    let interfaces = interfaces.collect();
    let source = fields.get("source", out);
    let source = source.and_then(|node| super::address(node, out));
    let routes = fields.list("routes", out);
    let routes = routes.iter().filter_map(|item| {
        let inner = Fields::of(item, format!("a route of {}", fields.what), out)?;
        route(inner, out)
    });
    let routes = routes.collect();
    fields.finish(out);
    Some(RouterText {
        name: name?,
        interfaces,
        source,
        routes,
    })
}

fn route(mut fields: Fields<'_>, out: &mut Diagnostics) -> Option<RouteText> {
    let to = fields.need("to", "an IPv4 prefix, e.g. 10.1.5.0/24", out);
    let to = to.and_then(|node| super::subnet(node, "to", out));
    let via = fields.need("via", "a router's name, or an address on its segment", out);
    let hops = via.map(fields::one_or_many).unwrap_or_default();
    if let (Some(node), []) = (via, hops) {
        let message = format!("{} has an empty list of next hops", fields.what);
        out.error(&node.place, message, "name at least one");
    }
    let via: Vec<_> = hops.iter().filter_map(|node| next_hop(node, out)).collect();
    fields.finish(out);
    // What could not be read has been reported.
    (!via.is_empty()).then_some(())?;
    Some(RouteText { to: to?, via })
}

fn next_hop(node: &Node, out: &mut Diagnostics) -> Option<Located<NextHop>> {
    // A name may begin with digits, so an address is tried first.
    let text = scalar::name(node, "via", out)?;
    let hop = match text.value.parse::<core::net::Ipv4Addr>() {
        Ok(address) => NextHop::Address(VirtualAddr::new(address)),
        Err(_) => NextHop::Router(text.value),
    };
    Some(Located::new(hop, &text.place))
}
