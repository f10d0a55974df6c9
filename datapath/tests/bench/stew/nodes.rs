//! What nodes send.

use packet::build::Frame;
use packet::{EtherType, MacAddr};

use super::super::names::*;
use super::super::plan::Site;
use super::super::random::Random;
use super::{ANYBODY, ETHER_TYPES, MANY, dhcp, ipv4, spoilt};

/// R's senders with the tag their link wants.
const SENDERS: [(Node, Option<u16>); 10] = [
    (A, None),
    (C, None),
    (B, None),
    (D, Some(VLAN_FRONT)),
    (E, Some(VLAN_FRONT)),
    (E_BACK, Some(VLAN_BACK)),
    (F, None),
    (F_BACK, Some(VLAN_BACK)),
    (I, None),
    (M, None),
];

/// What is asked of a router: stations, another router, nobody, no way, and what
/// is never routed.
const BEYOND: [Ip; 10] = [
    H.ip,
    H.ip,
    H.ip,
    F.ip,
    L.ip,
    [10, 1, 5, 99],
    [10, 1, 9, 9],
    [8, 8, 8, 8],
    [10, 1, 5, 255],
    [127, 0, 0, 1],
];

/// A frame for a node port of R, and the port.
pub fn from_node(random: &mut Random) -> (u16, Vec<u8>) {
    if random.once_in(10) {
        let len = random.below(120);
        return (random.below(9) as u16, random.bytes(len));
    }
    let (node, tag) = random.pick(&SENDERS);
    let frame = well_formed(random, node, tag);
    let port = if random.once_in(40) {
        random.below(9) as u16
    } else {
        node.port
    };
    (port, spoilt(random, frame))
}

fn well_formed(random: &mut Random, node: Node, tag: Option<u16>) -> Vec<u8> {
    // Often a neighbour, so that many frames arrive somewhere.
    let to = if random.once_in(4) {
        random.pick(&ANYBODY)
    } else if random.once_in(12) {
        random.pick(&MANY)
    } else {
        neighbour(random, node)
    };
    let to_dhcp = random.once_in(12);
    let mac = match to_dhcp && !random.once_in(4) {
        true => MacAddr::BROADCAST,
        false => to.mac,
    };
    let mut frame = Frame::between(node.mac, mac);
    if let Some(tag) = tag {
        frame = frame.tag(EtherType::DOT1Q, tag | random.u16() & 0xf000);
    }
    if random.once_in(50) {
        frame = frame.vlan(random.u16() & 0x0fff);
    }
    if to_dhcp {
        return dhcp::client(random, frame, node);
    }
    match random.below(12) {
        0 => arp(random, &frame, node, to),
        1 => frame
            .ipv6(Site::R.address(), Site::S.address())
            .icmp((133, 0), (0, 0), b""),
        2 => {
            let other = random.u16();
            let ether_type = random.pick(&[other, ETHER_TYPES[0], random_kind(other)]);
            let data = super::payload(random);
            frame.carrying(EtherType::new(ether_type), &data)
        }
        _ => {
            let destination = if random.once_in(20) {
                random.pick(&ANYBODY).ip
            } else if let Some(behind) = behind(to).filter(|_| random.once_in(4)) {
                behind
            } else if to.mac == J.mac && !random.once_in(3) {
                random.pick(&BEYOND)
            } else {
                to.ip
            };
            let source = if random.once_in(20) {
                random.pick(&ANYBODY).ip
            } else if let Some(behind) = behind(node).filter(|_| random.once_in(4)) {
                behind
            } else {
                node.ip
            };
            if to.mac == J.mac && random.once_in(6) {
                let asked = super::payload(random);
                return frame.ipv4(source, destination).udp(1, 161, &asked);
            }
            ipv4(random, frame.ipv4(source, destination))
        }
    }
}

fn random_kind(number: u16) -> u16 {
    ETHER_TYPES[usize::from(number) % ETHER_TYPES.len()]
}

/// Somebody of the same segment.
fn neighbour(random: &mut Random, node: Node) -> Node {
    match node {
        C | E_BACK | F_BACK => random.pick(&[C, E_BACK, F_BACK, G_BACK]),
        B => X,
        I | M => random.pick(&[I, M, K]),
        _ => random.pick(&[A, D, E, F, G, G, G, J]),
    }
}

fn arp(random: &mut Random, frame: &Frame, node: Node, to: Node) -> Vec<u8> {
    match random.below(5) {
        0 => frame.arp_probe(to.ip),
        1 => frame.arp_announcement(node.ip),
        2 => frame.arp_reply(node.ip, to.ip),
        _ => frame.arp_request(node.ip, to.ip),
    }
}
