//! `segments:` as written.

use packet::{EtherType, MplsLabel, SegmentId, VlanId};

use super::{DhcpText, Reported, dhcp, multicast};
use crate::compiled::{Ipv4Subnet, Multicast, UnknownMac};
use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Located, Node, scalar};

/// The smallest MTU of a segment, in bytes: the datagram that every IPv4 host
/// must take (RFC 791 §3.1, RFC 1122 §3.3.2), and the longest ICMP error (RFC
/// 1812 §4.3.2.3). So whatever a node is told fits its segment, and raw and
/// rewritten alike it fits the least IPv6 path (1280 bytes).
pub const MIN_MTU: u16 = 576;
/// The largest, in bytes: what jumbo frames carry.
pub const MAX_MTU: u16 = 16_000;
/// The MTU of a segment that says none, in bytes.
pub const DEFAULT_MTU: u16 = 1500;

#[derive(Debug)]
pub(in super::super) struct SegmentText {
    pub(in super::super) name: Located<String>,
    pub(in super::super) id: Option<Located<SegmentId>>,
    pub(in super::super) subnet: Option<Located<Ipv4Subnet>>,
    /// `Err`: what was written is no VLAN id.
    pub(in super::super) vlan: Result<Option<Located<VlanId>>, Reported>,
    /// `Err`: what was written is no label.
    pub(in super::super) label: Result<Option<Located<MplsLabel>>, Reported>,
    pub(in super::super) mtu: Located<u16>,
    pub(in super::super) unknown_mac: UnknownMac,
    pub(in super::super) ethertypes: Vec<EtherType>,
    pub(in super::super) dhcp: Option<DhcpText>,
    pub(in super::super) multicast: Multicast,
}

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<SegmentText> {
    let mut fields = Fields::of(node, "a segment", out)?;
    let name = fields.need("name", "a name, unique in the network", out);
    let name = name.and_then(|node| scalar::name(node, "segment", out));
    if let Some(name) = &name {
        fields.what = format!("segment \"{}\"", name.value);
    }
    let id = fields.need(
        "id",
        "a number unique in the installation, e.g. 0x00a001",
        out,
    );
    let id = id.and_then(|node| scalar::parsed(node, "segment id", out));
    let subnet = fields.need("subnet", "an IPv4 prefix, e.g. 10.0.0.0/24", out);
    let subnet = subnet.and_then(|node| super::subnet(node, "subnet", out));
    let subnet = subnet.filter(|subnet| is_unicast(subnet, out));
    let vlan = match fields.get("vlan", out) {
        Some(node) => vlan(node, out).map(Some).ok_or(Reported),
        None if fields.has("vlan") => Err(Reported),
        None => Ok(None),
    };
    let label = match fields.get("label", out) {
        Some(node) => label(node, out).map(Some).ok_or(Reported),
        None if fields.has("label") => Err(Reported),
        None => Ok(None),
    };
    let mtu = fields.get("mtu", out);
    let mtu = mtu.and_then(|node| scalar::number(node, "mtu", MIN_MTU..=MAX_MTU, out));
    let unknown_mac = fields.get("unknown-mac", out);
    let choices = [("drop", UnknownMac::Drop), ("resolve", UnknownMac::Resolve)];
    let unknown_mac = unknown_mac.and_then(|n| scalar::choice(n, "unknown-mac", &choices, out));
    let ethertypes = super::ethertypes::read(&mut fields, out);
    let dhcp = fields.get("dhcp", out);
    let dhcp = dhcp.and_then(|node| dhcp::read(node, &fields.what, out));
    let multicast = fields.get("multicast", out);
    let multicast = multicast.and_then(|node| multicast::read(node, &fields.what, out));
    fields.finish(out);
    let name = name?;
    Some(SegmentText {
        id,
        subnet,
        vlan,
        label,
        mtu: mtu.unwrap_or_else(|| Located::new(DEFAULT_MTU, &name.place)),
        unknown_mac: unknown_mac.unwrap_or_default(),
        ethertypes,
        dhcp,
        multicast: multicast.unwrap_or_default(),
        name,
    })
}

fn vlan(node: &Node, out: &mut Diagnostics) -> Option<Located<VlanId>> {
    let number = scalar::number(node, "vlan", 1..=4094_u16, out)?;
    let id = VlanId::new(number.value).ok()?;
    Some(Located::new(id, &number.place))
}

fn label(node: &Node, out: &mut Diagnostics) -> Option<Located<MplsLabel>> {
    let labels = MplsLabel::MIN..=MplsLabel::MAX;
    let number = scalar::number(node, "label", labels, out)?;
    let label = MplsLabel::new(number.value).ok()?;
    Some(Located::new(label, &number.place))
}

/// Every address of a subnet must be one that a station can have.
fn is_unicast(subnet: &Located<Ipv4Subnet>, out: &mut Diagnostics) -> bool {
    let first = subnet.value.network();
    let last = subnet.value.broadcast().map_or(first, |b| b.ipv4());
    let unicast = |a: core::net::Ipv4Addr| packet::VirtualAddr::new(a).is_unicast();
    let loopback_inside = first.octets()[0] < 127 && last.octets()[0] >= 127;
    if unicast(first) && unicast(last) && !loopback_inside {
        return true;
    }
    let message = format!(
        "subnet {} has addresses that no station can have",
        subnet.value
    );
    let remedy = "use a unicast range: nothing of 0.0.0.0/8, 127.0.0.0/8, or from 224.0.0.0 on";
    out.error(&subnet.place, message, remedy);
    false
}
