//! What arrives from the fabric: from other hosts, from routers, from forgers.

use core::net::Ipv6Addr;

use packet::build::{Frame, Ipv6, Payload};
use packet::{EtherType, IpProtocol, MacAddr, SubstrateAddr};

use super::super::names::*;
use super::super::plan::{Site, router_mac};
use super::super::random::Random;
use super::{ANYBODY, AWKWARD, ETHER_TYPES, MANY, ipv4, payload, spoilt, transport};

/// A frame for R's uplink.
pub fn from_substrate(random: &mut Random) -> Vec<u8> {
    if random.once_in(10) {
        let len = random.below(120);
        return random.bytes(len);
    }
    let frame = if random.once_in(5) {
        router_error(random)
    } else {
        packet(random)
    };
    spoilt(random, frame)
}

/// A pair of neighbours, the first on S and the second on R, or many there.
fn neighbours(random: &mut Random) -> (u32, Node, Node) {
    let segment = random.pick(&[FRONT, FRONT, FRONT, BACK, LAN, LOOSE, FAR, 1]);
    let (theirs, ours): (&[Node], &[Node]) = match segment {
        BACK => (&[G_BACK], &[C, E_BACK, F_BACK]),
        LAN => (&[X], &[B]),
        LOOSE => (&[K], &[I, M]),
        _ => (&[G], &[A, D, E, F]),
    };
    let ours = if random.once_in(8) {
        random.pick(&MANY)
    } else {
        random.pick(ours)
    };
    (segment, random.pick(theirs), ours)
}

/// A substrate address, mostly the right one.
fn address(random: &mut Random, site: Site, segment: u32, node: Node) -> SubstrateAddr {
    let node = if random.once_in(12) {
        random.pick(&ANYBODY)
    } else {
        node
    };
    let mut address = site.substrate(segment, node.ip);
    if let Some(behind) = behind(node).filter(|_| random.once_in(8)) {
        address.address = super::super::plan::ip_of(behind);
        address.slot = packet::Slot::new(node.ip[3]).unwrap();
        address.forward = true;
    }
    if random.once_in(30) {
        address.slot = packet::Slot::new(random.u8() & 63).unwrap();
    }
    if random.once_in(20) {
        address.segment = super::super::segment(random.pick(&[FRONT, BACK, LAN, LOOSE]));
    }
    address.forward ^= random.once_in(40);
    address.group = node.mac.is_group() != random.once_in(40);
    address
}

fn to_uplink(random: &mut Random) -> Frame {
    let destination = if random.once_in(30) {
        random.pick(&[MacAddr::BROADCAST, router_mac(3), A.mac])
    } else {
        Site::R.uplink_mac(R_UPLINKS[0])
    };
    Frame::between(router_mac(0), destination)
}

/// What another host sends, or somebody in its name.
fn packet(random: &mut Random) -> Vec<u8> {
    let (segment, theirs, ours) = neighbours(random);
    let from = if random.once_in(30) { Site::R } else { Site::S };
    let source = address(random, from, segment, theirs);
    let destination = if random.once_in(30) {
        SubstrateAddr {
            locator: Site::S.locator(),
            ..source
        }
        .to_ipv6()
    } else if random.once_in(30) {
        random.pick(&[Site::R.address(), Site::R.locator().network()])
    } else {
        address(random, Site::R, segment, ours).to_ipv6()
    };
    let mut ip = to_uplink(random)
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
    match random.below(16) {
        0 => {
            let data = payload(random);
            ip.protocol(random.u8(), &data)
        }
        1 => {
            let data = payload(random);
            ip.protocol(random.pick(&AWKWARD), &data)
        }
        2 => {
            let data = payload(random);
            ip.icmp((random.u8(), 0), (random.u16(), 1), &data)
        }
        3..5 => ip.protocol(97, &raw(random, theirs, ours)),
        5..7 => ip.protocol(44, &fragment(random)),
        // An error of a node, translated by its vswitch.
        7..9 => {
            let about = of_ours(random, segment, ours, theirs);
            let kind = (random.pick(&[1, 2, 3, 4]), random.u8() & 7);
            let word = (0, random.u16() & 0x3fff);
            ip.icmp(kind, word, &about)
        }
        _ => carrying(random, ip),
    }
}

fn carrying(random: &mut Random, ip: Ipv6) -> Vec<u8> {
    let data = payload(random);
    match transport(random, &data) {
        Payload {
            protocol: IpProtocol::ICMP,
            ..
        } => ip.icmp_echo(random.u16(), 1, &data),
        other => ip.carrying(other),
    }
}

/// A fragment header and what follows it: mostly as vswitches write it.
fn fragment(random: &mut Random) -> Vec<u8> {
    let next_header = random.pick(&[6, 17, 17, 33, 50, 132, 136, 1, 44, 58, 97]);
    let place = random.u16() >> random.below(16);
    let mut bytes = vec![next_header, 0];
    bytes.extend((place & !6).to_be_bytes());
    let high = if random.once_in(16) { random.u16() } else { 0 };
    bytes.extend(high.to_be_bytes());
    bytes.extend(random.u16().to_be_bytes());
    let mut data = payload(random);
    if !random.once_in(8) {
        data.truncate(data.len() / 8 * 8);
    }
    bytes.extend(data);
    bytes
}

/// EtherIP with a frame inside: between whom it says outside, or forged.
fn raw(random: &mut Random, from: Node, to: Node) -> Vec<u8> {
    let one = |random: &mut Random, node: Node| {
        if random.once_in(10) {
            random.pick(&ANYBODY)
        } else {
            node
        }
    };
    let frame = Frame::between(one(random, from).mac, one(random, to).mac);
    let frame = if random.once_in(20) {
        frame.vlan(VLAN_FRONT)
    } else {
        frame
    };
    let inside = match random.below(6) {
        0 => {
            let data = payload(random);
            frame.carrying(EtherType::new(random.pick(&ETHER_TYPES)), &data)
        }
        1 => frame.ipv4([0; 4], [255; 4]).udp(68, 67, b"dhcp"),
        _ => {
            let mut address = |node| {
                let node = one(random, node);
                let behind = behind(node).filter(|_| random.once_in(4));
                behind.unwrap_or(node.ip)
            };
            let (source, destination) = (address(from), address(to));
            ipv4(random, frame.ipv4(source, destination))
        }
    };
    let mut bytes = if random.once_in(20) {
        vec![random.u8(), random.u8()]
    } else {
        vec![0x30, 0]
    };
    bytes.extend(inside);
    bytes
}

/// A substrate packet as R may have sent it, or its beginning.
fn of_ours(random: &mut Random, segment: u32, from: Node, to: Node) -> Vec<u8> {
    let source = address(random, Site::R, segment, from);
    let destination = address(random, Site::S, segment, to);
    let mut ip = Frame::between(router_mac(0), router_mac(1))
        .ipv6(source.to_ipv6(), destination.to_ipv6())
        .hop_limit(random.u8())
        .traffic_class(random.u8())
        .flow_label(random.next() as u32);
    if random.once_in(2) {
        // Of a large packet only the beginning is there.
        ip = ip.payload_len(1460);
    }
    let frame = match random.below(4) {
        0 => ip.protocol(97, &raw(random, from, to)),
        1 => ip.protocol(44, &fragment(random)),
        _ => carrying(random, ip),
    };
    let mut packet = frame[14..].to_vec();
    packet.truncate(random.pick(&[40, 47, 48, 56, 80, 1232, 1232, 1232]));
    packet
}

/// What a router of the fabric says of a packet of ours.
fn router_error(random: &mut Random) -> Vec<u8> {
    let (segment, theirs, ours) = neighbours(random);
    let about = of_ours(random, segment, ours, theirs);
    let source = <[u8; 16]>::try_from(&about[8..24]).unwrap();
    let receiver = if random.once_in(20) {
        address(random, Site::R, segment, ours).to_ipv6()
    } else {
        Ipv6Addr::from(source)
    };
    let router = Ipv6Addr::new(0xfd00, 0, 0, 0xfe, 0, 0, 0, random.u16());
    let kind = (random.pick(&[1, 1, 2, 2, 2, 3, 4, 100]), random.u8() & 7);
    // Packet Too Big: mostly less than a large packet, and more than a small.
    let mtu = if random.once_in(8) {
        random.u16()
    } else {
        1270 + random.below(240) as u16
    };
    let ip = to_uplink(random).ipv6(router, receiver);
    ip.hop_limit(random.u8()).icmp(kind, (0, mtu), &about)
}
