//! `nodes:` and `mappings:` as written.

use packet::{Locator, Slot};

use super::StationText;
use super::link::{self, Link};
use crate::compiled::{AddressPolicy, Ipv4Subnet, Learn};
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::{Fields, Located, Node, Value, fields, scalar};

#[derive(Debug)]
pub(in super::super) struct NodeText {
    pub(in super::super) name: Located<String>,
    pub(in super::super) place: Place,
    pub(in super::super) host: Option<Located<String>>,
    pub(in super::super) port: Option<Located<String>>,
    pub(in super::super) link: Option<Located<Link>>,
    pub(in super::super) interfaces: Vec<InterfaceText>,
}

#[derive(Debug)]
pub(in super::super) struct InterfaceText {
    pub(in super::super) station: StationText,
    /// May it answer DHCP clients?
    pub(in super::super) dhcp_server: bool,
    pub(in super::super) phantom: Option<PhantomText>,
    /// How it comes by further addresses.
    pub(in super::super) policy: AddressPolicy,
}

/// What an interface stands for besides its addresses.
#[derive(Debug)]
pub(in super::super) struct PhantomText {
    pub(in super::super) forwards: Vec<Located<Ipv4Subnet>>,
    pub(in super::super) slot: Option<Located<Slot>>,
}

/// How many addresses an interface learns where it does not say.
const DEFAULT_MOST: u16 = 1;
/// The most that one may learn.
const MOST: u16 = 64;
/// For how long a silent one keeps an address, where it does not say, in seconds.
const DEFAULT_AGE: u32 = 300;
/// The shortest and the longest of these times, in seconds.
const AGES: core::ops::RangeInclusive<u32> = 5..=86_400;

/// Where something is that is described elsewhere.
#[derive(Debug)]
pub(in super::super) enum Whereabouts {
    Host(Located<String>),
    Locator(Located<Locator>),
}

#[derive(Debug)]
pub(in super::super) struct MappingText {
    pub(in super::super) station: StationText,
    pub(in super::super) at: Option<Whereabouts>,
    pub(in super::super) phantom: Option<PhantomText>,
}

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<NodeText> {
    let mut fields = Fields::of(node, "a node", out)?;
    let name = fields.need("name", "a name, unique in the network", out);
    let name = name.and_then(|node| scalar::name(node, "node", out));
    if let Some(name) = &name {
        fields.what = format!("node \"{}\"", name.value);
    }
    let host = fields.need("host", "the host it is on", out);
    let host = host.and_then(|node| scalar::name(node, "host", out));
    let port = fields.get("port", out);
    let port = port.and_then(|node| scalar::name(node, "port", out));
    let link = match fields.get("link", out) {
        Some(node) => link::read(node, out),
        None => Some(Located::new(Link::ACCESS, &node.place)),
    };
    let interfaces = if fields.has("interfaces") {
        listed(&mut fields, out)
    } else {
        let short = interface(&mut fields, &node.place, out);
        // Known, for what finish() proposes.
        let _ = fields.get("interfaces", out);
        vec![short]
    };
    fields.finish(out);
    Some(NodeText {
        name: name?,
        place: node.place.clone(),
        host,
        port,
        link,
        interfaces,
    })
}

fn interface(fields: &mut Fields<'_>, place: &Place, out: &mut Diagnostics) -> InterfaceText {
    let policy = policy(fields, out);
    let station = match policy {
        AddressPolicy::Fixed => super::station(fields, place, out),
        AddressPolicy::Learn(_) => super::addressless(fields, place, out),
        AddressPolicy::Dhcp => StationText {
            from_pool: true,
            ..super::addressless(fields, place, out)
        },
    };
    let dhcp_server = fields.get("dhcp-server", out);
    let dhcp_server = dhcp_server.and_then(|node| scalar::boolean(node, "dhcp-server", out));
    InterfaceText {
        station,
        dhcp_server: dhcp_server.unwrap_or(false),
        phantom: phantom(fields, out),
        policy,
    }
}

/// `forwards: PREFIX` or `[PREFIXES]`, and perhaps `slot: NUMBER`.
fn phantom(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Option<PhantomText> {
    let forwards = fields.get("forwards", out);
    let slot = fields.get("slot", out);
    let Some(node) = forwards else {
        if let Some(slot) = slot.filter(|_| !fields.has("forwards")) {
            let message = format!("{} has a slot, but forwards for nobody", fields.what);
            let remedy =
                "add forwards: [prefixes], or leave slot out: only what forwards needs one";
            out.error(&slot.place, message, remedy);
        }
        return None;
    };
    let items = fields::one_or_many(node);
    if items.is_empty() {
        let message = format!(
            "{} has an empty list of prefixes to forward for",
            fields.what
        );
        out.error(
            &node.place,
            message,
            "list at least one, or leave forwards out",
        );
    }
    let prefixes = items.iter();
    let prefixes = prefixes.filter_map(|item| super::subnet(item, "forwards", out));
    let forwards: Vec<_> = prefixes.collect();
    let slot = slot.and_then(|node| scalar::number(node, "slot", 0..=63_u8, out));
    let slot = slot.and_then(|slot| {
        let value = Slot::new(slot.value).ok()?;
        Some(Located::new(value, &slot.place))
    });
    // What could not be read has been reported.
    (!forwards.is_empty()).then_some(PhantomText { forwards, slot })
}

/// `policy: fixed`, `dhcp`, or `learn` with `learn: { most: 4, age: 5m }`.
fn policy(fields: &mut Fields<'_>, out: &mut Diagnostics) -> AddressPolicy {
    let learn = AddressPolicy::Learn(Learn {
        most: DEFAULT_MOST,
        age: DEFAULT_AGE,
    });
    let choices = [
        ("fixed", AddressPolicy::Fixed),
        ("dhcp", AddressPolicy::Dhcp),
        ("learn", learn),
    ];
    let policy = fields.get("policy", out);
    let policy = policy.and_then(|node| scalar::choice(node, "policy", &choices, out));
    let policy = policy.unwrap_or_default();
    let Some(node) = fields.get("learn", out) else {
        return policy;
    };
    if !matches!(policy, AddressPolicy::Learn(_)) {
        let message = format!("{} has learn, and does not learn addresses", fields.what);
        out.error(&node.place, message, "add policy: learn, or remove learn");
        return policy;
    }
    let Some(mut inner) = Fields::of(node, format!("learn of {}", fields.what), out) else {
        return policy;
    };
    let most = inner.get("most", out);
    let most = most.and_then(|node| scalar::number(node, "most", 1..=MOST, out));
    let age = inner.get("age", out);
    let age = age.and_then(|node| scalar::seconds(node, "age", AGES, out));
    inner.finish(out);
    AddressPolicy::Learn(Learn {
        most: most.map_or(DEFAULT_MOST, |most| most.value),
        age: age.map_or(DEFAULT_AGE, |age| age.value),
    })
}

/// `interfaces: [...]`; the node's own `mac` is what they have by default.
fn listed(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Vec<InterfaceText> {
    let of_interfaces = [
        "segment",
        "address",
        "addresses",
        "dhcp-server",
        "forwards",
        "slot",
        "policy",
        "learn",
    ];
    for key in of_interfaces {
        if let Some(node) = fields.get(key, out) {
            let message = format!("{} has both {key} and interfaces", fields.what);
            out.error(&node.place, message, "move it into an item of interfaces");
        }
    }
    let default = super::mac(fields, out);
    let Some(node) = fields.get("interfaces", out) else {
        return Vec::new();
    };
    let items = fields::items(node, "interfaces", out);
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        let message = format!("{} has an empty list of interfaces", fields.what);
        out.error(&node.place, message, "list at least one interface");
    }
    let read = items.iter().filter_map(|item| {
        let mut inner = Fields::of(item, format!("an interface of {}", fields.what), out)?;
        let mut interface = interface(&mut inner, &item.place, out);
        inner.finish(out);
        if let Ok(None) = interface.station.mac {
            interface.station.mac = default.clone();
        }
        Some(interface)
    });
    read.collect()
}

pub(super) fn read_mapping(node: &Node, out: &mut Diagnostics) -> Option<MappingText> {
    let mut fields = Fields::of(node, "a mapping", out)?;
    let station = super::station(&mut fields, &node.place, out);
    let host = fields.get("host", out);
    let locator = fields.get("locator", out);
    let at = match (host, locator) {
        (Some(node), None) => scalar::name(node, "host", out).map(Whereabouts::Host),
        (None, Some(node)) => scalar::parsed(node, "locator", out).map(Whereabouts::Locator),
        (Some(_), Some(node)) => {
            let message = "a mapping has both host and locator";
            out.error(&node.place, message, "keep one of the two");
            None
        }
        (None, None) => {
            if !fields.has("host") && !fields.has("locator") {
                let remedy = "add host: a name, or locator: its /64, e.g. fd00:0:0:b::/64";
                out.error(&node.place, "a mapping does not say where it leads", remedy);
            }
            None
        }
    };
    let phantom = phantom(&mut fields, out);
    fields.finish(out);
    Some(MappingText {
        station,
        at,
        phantom,
    })
}
