//! The model of what is for many: a plain switch sends it to everybody else in
//! the segment, and on the fabric each group has an address.

use packet::MacAddr;

use super::bench::plan::{STATIONS, Station};
use super::bench::{D, G, Ip, Node, Site};
use super::ipv4::Packet;

/// The group of what is addressed to none, or not as its MAC says.
pub const RAW_GROUP: Ip = [239, 255, 255, 254];

/// A group that not everybody has joined …
pub const JOINED: Ip = [239, 7, 7, 7];
/// … but these, all of `front`: one on each host.
pub const MEMBERS: [Node; 2] = [D, G];
/// A group that nobody may hear.
pub const WITHHELD: Ip = [239, 66, 0, 1];
/// The number of IGMP: what it says is the switch's, and random bytes say nothing.
const IGMP: u8 = 2;

/// Does nobody hear what is for this group, or of this kind?
pub fn is_for_nobody(packet: &Packet<'_>) -> bool {
    [RAW_GROUP, WITHHELD].contains(&packet.destination) || packet.protocol == IGMP
}

/// Does this node hear what is for a group that has this MAC, too?
fn hears(node: Node, to: Option<Ip>) -> bool {
    match to {
        // Everybody's, and those of one link.
        Some([224, 0, 0, _] | [..224 | 240.., ..]) | None => true,
        Some(JOINED) => MEMBERS.iter().any(|member| member.ip == node.ip),
        Some(_) => false,
    }
}

/// Everybody else in a segment who hears it, as one station for each port and tag behind
/// which there is somebody: its MAC is the group's, and its address that by
/// which the fabric knows the group.
pub fn everybody_else(from: &Station, mac: MacAddr, to: Option<Ip>) -> Vec<Station> {
    let to = to.filter(|to| is_macs(from, *to, mac));
    let mut wires: Vec<Station> = Vec::new();
    let others = STATIONS.iter().filter(|s| s.4 == from.4 && s.2 != from.2);
    let others = others.filter(|s| hears(s.2, to));
    for &(name, site, node, _, segment, tag, link) in others {
        if wires.iter().any(|wire| is_at(wire, site, node.port, tag)) {
            continue;
        }
        let all = Node {
            mac,
            ip: to.unwrap_or(RAW_GROUP),
            ..node
        };
        wires.push((name, site, all, None, segment, tag, link));
    }
    wires
}

/// Is a station behind this port and tag?
pub fn is_at(station: &Station, site: Site, port: u16, tag: Option<u16>) -> bool {
    (station.1, station.2.port, station.5) == (site, port, tag)
}

/// RFC 919 §7, RFC 1112 §6.4: the MAC for everybody or for a group.
fn is_macs(from: &Station, to: Ip, mac: MacAddr) -> bool {
    let [x, y, z, _] = from.2.ip;
    match to {
        [255, 255, 255, 255] => mac == MacAddr::BROADCAST,
        _ if to == [x, y, z, 255] => mac == MacAddr::BROADCAST,
        [224..=239, a, b, c] => mac == MacAddr::new([1, 0, 0x5e, a & 0x7f, b, c]),
        _ => false,
    }
}

pub fn is_group(mac: MacAddr) -> bool {
    mac.octets()[0] & 1 != 0
}

/// Does a packet to such a station travel as the frame that it is, because its
/// addresses do not say for whom the frame is?
pub fn is_oddly_addressed(to: &Station, packet: &Packet<'_>) -> bool {
    is_group(to.2.mac) && (to.2.ip != packet.destination || to.2.ip == RAW_GROUP)
}
