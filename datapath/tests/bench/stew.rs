//! Frames of every kind, whole and spoilt, for both sides of host R.

use packet::build::{Checksum, Frame, Ipv4, Payload};
use packet::{EtherType, IpProtocol, MacAddr, SubstrateAddr};

use super::names::*;
use super::plan::{Site, router_mac};
use super::random::Random;

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

/// Whom a frame may name: everybody, and some who are nobody.
const ANYBODY: [Node; 19] = [
    A,
    B,
    C,
    D,
    E,
    E_BACK,
    F,
    F_BACK,
    I,
    M,
    G,
    G_BACK,
    H,
    K,
    X,
    J,
    L,
    Node {
        mac: MacAddr::BROADCAST,
        ip: [255; 4],
        port: 0,
    },
    Node {
        mac: NOBODY,
        ip: [10, 0, 0, 99],
        port: 9,
    },
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
    } else {
        neighbour(random, node)
    };
    let mut frame = Frame::between(node.mac, to.mac);
    if let Some(tag) = tag {
        frame = frame.tag(EtherType::DOT1Q, tag | random.u16() & 0xf000);
    }
    if random.once_in(50) {
        frame = frame.vlan(random.u16() & 0x0fff);
    }
    match random.below(12) {
        0 => arp(random, &frame, node, to),
        1 => frame
            .ipv6(Site::R.address(), Site::S.address())
            .icmp((133, 0), (0, 0), b""),
        2 => frame.carrying(EtherType::new(random.u16()), &random.bytes(46)),
        _ => {
            let destination = if random.once_in(20) {
                random.pick(&ANYBODY).ip
            } else {
                to.ip
            };
            let source = if random.once_in(20) {
                random.pick(&ANYBODY).ip
            } else {
                node.ip
            };
            ipv4(random, frame.ipv4(source, destination))
        }
    }
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

/// An IPv4 packet of any kind that the builder knows.
pub fn ipv4(random: &mut Random, mut ip: Ipv4) -> Vec<u8> {
    ip = ip.ttl(random.u8()).tos(random.u8()).id(random.u16());
    if random.once_in(2) {
        ip = ip.dont_fragment();
    }
    if random.once_in(30) {
        let len = random.below(41);
        let options = random.bytes(len);
        ip = ip.options(&options);
    }
    if random.once_in(30) {
        ip = ip.fragment(random.u16(), random.once_in(2));
    }
    if random.once_in(30) {
        ip = ip.checksum(random.pick(&[Checksum::Wrong, Checksum::Exactly(0)]));
    }
    if random.once_in(60) {
        ip = ip.total_len(random.u16() % 200);
    }
    if random.once_in(60) {
        ip = ip.version_ihl(random.u8());
    }
    let data = payload(random);
    if random.once_in(6) {
        return ip.protocol(random.u8(), &data);
    }
    ip.carrying(transport(random, &data))
}

/// An upper-layer packet of any kind that the builder knows.
pub fn transport(random: &mut Random, data: &[u8]) -> Payload {
    let (a, b) = (random.u16(), random.u16());
    match random.below(7) {
        0 => Payload::tcp(a, b, random.next() as u32, random.u8(), data),
        1 => Payload::udp(a, b, data),
        2 => Payload::udp_lite(a, b, data),
        3 => Payload::dccp(a, b, data),
        4 => Payload::sctp(a, b, random.next() as u32, data),
        5 => {
            let kind = (random.u8(), random.u8());
            Payload::icmp(IpProtocol::ICMP, kind, (a, b), data)
        }
        _ => {
            let kind = (random.pick(&[0, 8]), 0);
            Payload::icmp(IpProtocol::ICMP, kind, (a, b), data)
        }
    }
}

/// Data of mostly small, at times large, size; at times all zeros.
pub fn payload(random: &mut Random) -> Vec<u8> {
    let len = match random.below(40) {
        0 => random.below(1600),
        1..10 => 0,
        _ => random.below(80),
    };
    if random.once_in(16) {
        vec![0; len]
    } else {
        random.bytes(len)
    }
}

/// A frame for R's uplink.
pub fn from_substrate(random: &mut Random) -> Vec<u8> {
    if random.once_in(10) {
        let len = random.below(120);
        return random.bytes(len);
    }
    let destination_mac = if random.once_in(30) {
        random.pick(&[MacAddr::BROADCAST, router_mac(3), A.mac])
    } else {
        Site::R.uplink_mac(R_UPLINKS[0])
    };
    let segment = random.pick(&[FRONT, FRONT, FRONT, BACK, LAN, LOOSE, FAR, 1]);
    let at = |random: &mut Random, site: Site, nodes: &[Node]| {
        let node = if random.once_in(8) {
            random.pick(&ANYBODY)
        } else {
            random.pick(nodes)
        };
        let mut address = site.substrate(segment, node.ip);
        if random.once_in(30) {
            address.slot = packet::Slot::new(random.u8() & 63).unwrap();
        }
        if random.once_in(20) {
            address.segment = super::segment(random.pick(&[FRONT, BACK, LAN, LOOSE]));
        }
        address.forward = random.once_in(40);
        address.group = random.once_in(40);
        address
    };
    let (theirs, ours): (&[Node], &[Node]) = match segment {
        BACK => (&[G_BACK], &[C, E_BACK, F_BACK]),
        LAN => (&[X], &[B]),
        LOOSE => (&[K], &[I, M]),
        _ => (&[G], &[A, D, E, F]),
    };
    let from = if random.once_in(30) { Site::R } else { Site::S };
    let source = at(random, from, theirs);
    let destination = if random.once_in(30) {
        SubstrateAddr {
            locator: Site::S.locator(),
            ..source
        }
        .to_ipv6()
    } else if random.once_in(30) {
        random.pick(&[Site::R.address(), Site::R.locator().network()])
    } else {
        at(random, Site::R, ours).to_ipv6()
    };
    let mut ip = Frame::between(router_mac(0), destination_mac)
        .ipv6(source.to_ipv6(), destination)
        .hop_limit(random.u8())
        .traffic_class(random.u8())
        .flow_label(random.next() as u32);
    if random.once_in(40) {
        ip = ip.payload_len(random.u16() % 200);
    }
    if random.once_in(60) {
        ip = ip.version(random.u8() & 15);
    }
    let data = payload(random);
    let frame = match random.below(6) {
        0 => ip.protocol(random.u8(), &data),
        1 => ip.icmp((random.u8(), 0), (random.u16(), 1), &data),
        2 => ip.icmp_echo(random.u16(), 1, &data),
        _ => match transport(random, &data) {
            Payload {
                protocol: IpProtocol::ICMP,
                ..
            } => ip.icmp_echo(1, 1, &data),
            other => ip.carrying(other),
        },
    };
    spoilt(random, frame)
}

/// At times: some bytes changed, cut short, or with more at the end.
fn spoilt(random: &mut Random, mut frame: Vec<u8>) -> Vec<u8> {
    match random.below(10) {
        0 => frame.truncate(random.below(frame.len() + 1)),
        1 => {
            let more = random.below(64);
            frame.extend(random.bytes(more));
        }
        2..5 => {
            for _ in 0..1 + random.below(4) {
                // Mostly in the headers.
                let within = if random.once_in(4) { frame.len() } else { 60 };
                let at = random.below(frame.len().min(within).max(1));
                if let Some(byte) = frame.get_mut(at) {
                    *byte = if random.once_in(2) {
                        random.u8()
                    } else {
                        *byte ^ 1 << random.below(8)
                    };
                }
            }
            if random.once_in(2) {
                mend_header_checksum(&mut frame);
            }
        }
        _ => {}
    }
    frame
}

/// Makes the checksum of a bare or tagged IPv4 header right, so that the
/// change behind it is looked at.
fn mend_header_checksum(frame: &mut [u8]) {
    let at = match frame.get(12..14) {
        Some([0x08, 0x00]) => 14,
        Some([0x81, 0x00]) => 18,
        _ => return,
    };
    let Some(header) = frame.get_mut(at..) else {
        return;
    };
    let len = header
        .first()
        .map_or(0, |first| usize::from(first & 15) * 4);
    if let Some(header) = header.get_mut(..len)
        && len >= 20
    {
        header[10..12].fill(0);
        let sum = packet::checksum::of(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}
