//! Frames of every kind, whole and spoilt, for both sides of host R.
//!
//! * [`nodes`]: what nodes send. [`substrate`]: what arrives from the fabric,
//!   from other hosts, from routers and from forgers. [`kernel`]: what the
//!   host's own kernel has to do with. [`dhcp`]: what clients of DHCP send.

mod dhcp;
mod kernel;
mod nodes;
mod substrate;

use packet::build::{Checksum, Frame, Ipv4, Payload};
use packet::{IpProtocol, MacAddr};

use super::names::*;
use super::random::Random;

pub use kernel::{from_kernel, to_host};
pub use nodes::from_node;
pub use substrate::from_substrate;

/// Whom a frame may name: everybody, and some who are nobody.
/// Everybody, and groups.
const MANY: [Node; 4] = [
    many([0xff; 6], [255; 4]),
    many([0xff; 6], [10, 0, 0, 255]),
    many([1, 0, 0x5e, 0, 0, 251], [224, 0, 0, 251]),
    many([1, 0, 0x5e, 0x7f, 0xff, 0xfe], [239, 255, 255, 254]),
];

const fn many(mac: [u8; 6], ip: Ip) -> Node {
    Node {
        mac: MacAddr::new(mac),
        ip,
        port: 0,
    }
}

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

/// Allowed on no segment, or on the one that `ends` allows it on.
const ETHER_TYPES: [u16; 6] = [0x88cc, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x0800];

/// Those that may never be a next header, and ICMP.
const AWKWARD: [u8; 12] = [0, 1, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140];

/// An IPv4 packet of any kind that the builder knows.
pub fn ipv4(random: &mut Random, mut ip: Ipv4) -> Vec<u8> {
    ip = ip.ttl(random.u8()).tos(random.u8()).id(random.u16());
    if random.once_in(2) {
        ip = ip.dont_fragment();
    }
    if random.once_in(16) {
        ip = ip.options(&options(random));
    }
    if random.once_in(12) {
        ip = ip.fragment(random.u16() >> random.below(16), random.once_in(2));
    }
    if random.once_in(40) {
        ip = ip.reserved_flag();
    }
    if random.once_in(16) {
        ip = ip.checksum(random.pick(&[
            Checksum::Wrong,
            Checksum::Exactly(0),
            Checksum::Exactly(0xffff),
        ]));
    }
    if random.once_in(60) {
        ip = ip.total_len(random.u16() % 200);
    }
    if random.once_in(60) {
        ip = ip.version_ihl(random.u8());
    }
    let data = payload(random);
    match random.below(12) {
        0 => ip.protocol(random.u8(), &data),
        1 => ip.protocol(random.pick(&AWKWARD), &data),
        2 => {
            let kind = (random.pick(&[3, 3, 3, 11, 12, 4, 5]), random.u8() & 7);
            let rest = (random.u16() & 0xff, random.u16() & 0x3fff);
            ip.icmp(kind, rest, &quoted_ipv4(random))
        }
        _ => ip.carrying(transport(random, &data)),
    }
}

/// Lists that are whole, and bytes that are none.
fn options(random: &mut Random) -> Vec<u8> {
    const WHOLE: [&[u8]; 6] = [
        &[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        &[148, 4, 0, 0],
        &[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[131, 7, 4, 10, 0, 0, 1],
        &[1, 137, 7, 4, 10, 0, 0, 1],
        &[136, 4, 0xab, 0xcd],
    ];
    let len = random.below(41);
    match random.below(3) {
        0 => random.bytes(len),
        1 => random.pick(&WHOLE).to_vec(),
        _ => [random.pick(&WHOLE), random.pick(&WHOLE)].concat(),
    }
}

/// The beginning of an IPv4 packet, or all of it, for an error about it.
fn quoted_ipv4(random: &mut Random) -> Vec<u8> {
    let (from, to) = (
        random.pick(&[G, G, K, A, X]),
        random.pick(&[A, D, E, F, I, B]),
    );
    let mut ip = Frame::between(from.mac, to.mac).ipv4(from.ip, to.ip);
    ip = ip.ttl(random.u8()).tos(random.u8());
    if !random.once_in(8) {
        ip = ip.dont_fragment();
    }
    if random.once_in(8) {
        ip = ip.id(random.u16()).fragment(random.u16() >> 8, true);
    }
    let data = payload(random);
    let mut packet = ip.carrying(transport(random, &data)).split_off(14);
    packet.truncate(random.pick(&[28, 48, 128, 548, 4096]));
    packet
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
        1..3 => 1400 + random.below(200),
        3..10 => 0,
        _ => random.below(80),
    };
    if random.once_in(16) {
        vec![0; len]
    } else {
        random.bytes(len)
    }
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
