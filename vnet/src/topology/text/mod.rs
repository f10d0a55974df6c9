//! A topology file as it was written: typed, not yet checked against itself
//! or against other files. What could not be read is `None`, reported, and
//! not held against whatever refers to it.

mod dhcp;
mod ethertypes;
mod link;
mod multicast;
mod node;
mod router;
mod rules;
mod segment;
mod shared;
mod snmp;
mod switch;

use std::path::Path;
use std::sync::Arc;

use packet::{MacAddr, VirtualAddr};

pub(super) use dhcp::DhcpText;
pub(super) use link::{By, Lanes};
pub(super) use node::{MappingText, NodeText, PhantomText, Whereabouts};
pub(super) use router::{NextHop, RouteText, RouterText};
pub(super) use rules::{AccessText, GroupText, PeerKind, PeerText, RuleText};
pub(super) use segment::SegmentText;
pub use segment::{DEFAULT_MTU, MAX_MTU, MIN_MTU};
pub(super) use shared::SharedText;
pub(super) use switch::SwitchText;

use crate::compiled::{Ipv4Subnet, Snmp};
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::{Fields, Located, Node, fields, scalar, tree};

/// One document: one virtual network.
#[derive(Debug)]
pub(super) struct NetworkText {
    pub(super) name: Located<String>,
    pub(super) entity: String,
    pub(super) snmp: Option<Snmp>,
    pub(super) segments: Vec<SegmentText>,
    pub(super) routers: Vec<RouterText>,
    pub(super) switches: Vec<SwitchText>,
    pub(super) nodes: Vec<NodeText>,
    pub(super) mappings: Vec<MappingText>,
    pub(super) access: AccessText,
    pub(super) shared: Vec<SharedText>,
}

/// Something with a MAC and addresses in a segment: a node's interface, a
/// router's, or one that a static mapping stands for.
#[derive(Debug)]
pub(super) struct StationText {
    pub(super) place: Place,
    pub(super) segment: Option<Located<String>>,
    pub(super) addresses: Vec<Located<VirtualAddr>>,
    /// None is written, and none need be: it will come by one.
    pub(super) may_lack_address: bool,
    /// One of its segment's pool, if there is one.
    pub(super) from_pool: bool,
    /// `Err`: what was written is no MAC.
    pub(super) mac: Result<Option<Located<MacAddr>>, Reported>,
}

/// It was wrong, and `out` says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported;

/// Reads one document of a topology file, which begins at a line of it.
pub(super) fn read(
    file: &Arc<Path>,
    first_line: u32,
    text: &str,
    out: &mut Diagnostics,
) -> Option<NetworkText> {
    let root = tree::read_document(file, first_line, text, out)?;
    let mut fields = Fields::of(&root, "the network", out)?;
    let name = fields.need("network", "a name, e.g. z", out);
    let name = name.and_then(|node| scalar::name(node, "network", out));
    if let Some(name) = &name {
        fields.what = format!("network \"{}\"", name.value);
    }
    let entity = fields.get("entity", out);
    let entity = entity.and_then(|node| scalar::name(node, "entity", out));

    let mut network = NetworkText {
        entity: match (entity, &name) {
            (Some(entity), _) => entity.value,
            (None, Some(name)) => name.value.clone(),
            (None, None) => String::new(),
        },
        name: name.unwrap_or_else(|| Located::new(String::new(), &root.place)),
        snmp: snmp::read(&mut fields, out),
        segments: Vec::new(),
        routers: Vec::new(),
        switches: Vec::new(),
        nodes: Vec::new(),
        mappings: Vec::new(),
        access: AccessText::default(),
        shared: Vec::new(),
    };
    for item in fields.list("segments", out) {
        network.segments.extend(segment::read(item, out));
        if out.full() {
            return None;
        }
    }
    for item in fields.list("routers", out) {
        network.routers.extend(router::read(item, out));
        if out.full() {
            return None;
        }
    }
    for item in fields.list("switches", out) {
        network.switches.extend(switch::read(item, out));
        if out.full() {
            return None;
        }
    }
    for item in fields.list("nodes", out) {
        network.nodes.extend(node::read(item, out));
        if out.full() {
            return None;
        }
    }
    for item in fields.list("mappings", out) {
        network.mappings.extend(node::read_mapping(item, out));
        if out.full() {
            return None;
        }
    }
    network.access = rules::read(&mut fields, out);
    if out.full() {
        return None;
    }
    for item in fields.list("shared", out) {
        network.shared.extend(shared::read(item, out));
        if out.full() {
            return None;
        }
    }
    fields.finish(out);
    Some(network)
}

/// The keys that every station has. `place` is where the station is written.
fn station(fields: &mut Fields<'_>, place: &Place, out: &mut Diagnostics) -> StationText {
    let addresses = addresses(fields, out);
    station_with(addresses, fields, place, out)
}

/// A station of which no address need be written.
fn addressless(fields: &mut Fields<'_>, place: &Place, out: &mut Diagnostics) -> StationText {
    let written = fields.has("address") || fields.has("addresses");
    let addresses = if written {
        addresses(fields, out)
    } else {
        // Known, for what finish() proposes.
        let _ = (fields.get("address", out), fields.get("addresses", out));
        Vec::new()
    };
    let mut station = station_with(addresses, fields, place, out);
    station.may_lack_address = !written;
    station
}

fn station_with(
    addresses: Vec<Located<VirtualAddr>>,
    fields: &mut Fields<'_>,
    place: &Place,
    out: &mut Diagnostics,
) -> StationText {
    let segment = fields.need("segment", "the segment's name", out);
    let segment = segment.and_then(|node| scalar::name(node, "segment", out));
    StationText {
        place: place.clone(),
        segment,
        addresses,
        may_lack_address: false,
        from_pool: false,
        mac: mac(fields, out),
    }
}

/// `address: one`, or `addresses: [some]`.
fn addresses(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Vec<Located<VirtualAddr>> {
    if !fields.has("addresses") {
        let node = fields.need("address", "an IPv4 address of the segment's subnet", out);
        // Known, for what finish() proposes.
        let _ = fields.get("addresses", out);
        let one = node.and_then(|node| address(node, out));
        return one.into_iter().collect();
    }
    if let Some(node) = fields.get("address", out) {
        let message = format!("{} has both address and addresses", fields.what);
        out.error(&node.place, message, "move it into addresses");
    }
    let Some(node) = fields.get("addresses", out) else {
        return Vec::new();
    };
    let items = fields::items(node, "addresses", out);
    if items.is_empty() && matches!(node.value, tree::Value::List(_)) {
        let message = format!("{} has an empty list of addresses", fields.what);
        out.error(&node.place, message, "list at least one address");
    }
    let read = items.iter().filter_map(|item| address(item, out));
    read.collect()
}

fn address(node: &Node, out: &mut Diagnostics) -> Option<Located<VirtualAddr>> {
    ipv4(node, "address", out)
}

fn ipv4(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Located<VirtualAddr>> {
    let address: Located<core::net::Ipv4Addr> =
        scalar::parsed_as(node, what, "an IPv4 address", "10.0.0.2", out)?;
    Some(Located::new(VirtualAddr::new(address.value), &node.place))
}

fn mac(
    fields: &mut Fields<'_>,
    out: &mut Diagnostics,
) -> Result<Option<Located<MacAddr>>, Reported> {
    let Some(node) = fields.get("mac", out) else {
        return if fields.has("mac") {
            Err(Reported)
        } else {
            Ok(None)
        };
    };
    let mac: Located<MacAddr> = scalar::parsed(node, "mac", out).ok_or(Reported)?;
    if mac.value.is_unicast() {
        return Ok(Some(mac));
    }
    let message = if mac.value.is_group() {
        format!("mac {} is a group address, not one station's", mac.value)
    } else {
        format!("mac {} is all zero: no station has it", mac.value)
    };
    let remedy = "use a station's own address: the first octet is even, e.g. 02:00:00:00:00:01; \
                  or leave mac out, and one is derived";
    out.error(&mac.place, message, remedy);
    Err(Reported)
}

/// An IPv4 subnet or route destination without host bits.
fn subnet(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Located<Ipv4Subnet>> {
    let text = fields::text(node, what, out)?;
    let parts = text.value.split_once('/').and_then(|(address, length)| {
        let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        let length = length.parse::<u8>().ok().filter(|&l| digits && l <= 32)?;
        Some((address.parse::<core::net::Ipv4Addr>().ok()?, length))
    });
    let Some((address, length)) = parts else {
        let text = text.value.escape_debug();
        let message = format!("{what}: \"{text}\" is not an IPv4 prefix");
        out.error(
            &node.place,
            message,
            "write address/length, e.g. 10.0.0.0/24",
        );
        return None;
    };
    if let Some(subnet) = Ipv4Subnet::new(address, length) {
        return Some(Located::new(subnet, &node.place));
    }
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    let network = core::net::Ipv4Addr::from_bits(address.to_bits() & mask);
    let message = format!("{what} {address}/{length} has bits set after its prefix");
    out.error(&node.place, message, format!("write {network}/{length}"));
    None
}
