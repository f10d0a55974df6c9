//! The model's logical routers: J and L, as two Linux machines with a cable
//! between them forward and answer (RFC 1812). Plain tables, one step at a time.

use packet::MacAddr;

use super::bench::check::ones_sum;
use super::bench::plan::{STATIONS, Station};
use super::bench::{F, FAR, FRONT, G, Ip, J, L, Node};
use super::compare::seal;
use super::draft::pseudo_header;
use super::ipv4::Packet;
use super::switch::{Fate, Speaker, ethernet, is, refused_by, station_at};

/// A logical router.
#[derive(Debug, PartialEq, Eq)]
pub struct Router {
    pub segment: u32,
    pub node: Node,
    /// Network, prefix length, where to.
    routes: [(Ip, u32, Hop); 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    /// Into its own segment.
    Segment,
    /// Over the cable.
    Cable,
    /// To a node in its own segment, which forwards.
    Node(Node),
}

const ROUTERS: [Router; 2] = [
    Router {
        segment: FRONT,
        node: J,
        routes: [
            ([10, 0, 0, 0], 24, Hop::Segment),
            ([10, 1, 0, 0], 16, Hop::Cable),
            ([192, 168, 6, 0], 24, Hop::Node(F)),
            ([192, 168, 7, 0], 24, Hop::Node(G)),
        ],
    },
    Router {
        segment: FAR,
        node: L,
        routes: [
            ([10, 1, 5, 0], 24, Hop::Segment),
            ([10, 0, 0, 0], 24, Hop::Cable),
            ([192, 168, 6, 0], 24, Hop::Cable),
            ([192, 168, 7, 0], 24, Hop::Cable),
        ],
    },
];

/// A segment's router.
pub fn router_of(segment: u32) -> Option<&'static Router> {
    ROUTERS.iter().find(|router| router.segment == segment)
}

/// Can stations of these two segments reach each other, and over a router?
pub fn are_linked(one: u32, other: u32) -> bool {
    router_of(one).is_some() && router_of(other).is_some()
}

/// What routers make of a packet for a router's MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routed {
    /// It goes to this station, from that MAC, with its TTL so much lower.
    To(&'static Station, MacAddr, u8),
    /// Or else.
    Ends(Fate),
}

/// Walks from the sender's router to where the packet ends up. `mtu`: that of
/// the sender's segment.
pub fn route(
    from: &'static Station,
    first: &'static Router,
    packet: &Packet<'_>,
    mtu: u16,
) -> Routed {
    // RFC 1812 §5.3.7, §4.2.2.11: nobody, this host, groups, class E.
    let odd = |ip: Ip| matches!(ip[0], 0 | 127 | 224..);
    if odd(packet.source) || odd(packet.destination) {
        return Routed::Ends(Fate::Nothing);
    }
    let to = packet.destination;
    let (mut at, mut crossed) = (first, 0);
    loop {
        let says = |kind, crossed| {
            let about = lowered(packet, crossed);
            let about = Packet::read(&about).unwrap();
            Routed::Ends(refused_by(at.speaks_to(from), &about, kind, 0))
        };
        if to == at.node.ip {
            let came = lowered(packet, crossed);
            let came = Packet::read(&came).unwrap();
            return Routed::Ends(answer(from, at, &came, mtu));
        }
        // Linux looks the route up before it looks at the TTL.
        let Some(hop) = at.look_up(to) else {
            return says((3, 0), crossed);
        };
        if hop == Hop::Segment && to[3] == 255 {
            // RFC 2644; and no error about a broadcast.
            return Routed::Ends(Fate::Nothing);
        }
        if packet.ttl.saturating_sub(crossed) <= 1 {
            return says((11, 0), crossed);
        }
        crossed += 1;
        if hop == Hop::Cable {
            let mut others = ROUTERS.iter();
            at = others.find(|other| *other != at).unwrap();
            continue;
        }
        let next = match hop {
            Hop::Node(node) => node.ip,
            _ => to,
        };
        return match station_at(at.segment, next) {
            Some(station) => Routed::To(station, at.node.mac, crossed),
            None => says((3, 1), crossed),
        };
    }
}

impl Router {
    /// The longest prefix that holds it.
    fn look_up(&self, to: Ip) -> Option<Hop> {
        let holds = |(network, length, _): &&(Ip, u32, Hop)| {
            let cut = |ip: Ip| u32::from_be_bytes(ip) >> (32 - length);
            cut(*network) == cut(to)
        };
        let routes = self.routes.iter().filter(holds);
        routes.max_by_key(|route| route.1).map(|route| route.2)
    }

    /// As a station hears it: RFC 1812 §4.3.2.4, from the address of the leg by
    /// which the error leaves, and if that is no leg, from its only address.
    /// Whoever is not its neighbour hears it from its own router, one hop on.
    pub fn speaks_to(&self, to: &Station) -> Speaker {
        let near = router_of(to.4).unwrap();
        Speaker {
            mac: near.node.mac,
            ip: self.node.ip,
            ttl: if near == self { 64 } else { 63 },
        }
    }
}

/// The packet with its TTL lower by so many routers, and its checksum right.
pub fn lowered(packet: &Packet<'_>, by: u8) -> Vec<u8> {
    let mut bytes = packet.bytes.to_vec();
    if by > 0 {
        bytes[8] -= by;
        seal(&mut bytes[..packet.header_len]);
    }
    bytes
}

/// What a router answers of itself (RFC 1122 §3.2.2).
fn answer(from: &'static Station, at: &Router, packet: &Packet<'_>, mtu: u16) -> Fate {
    if packet.is_fragment() {
        return Fate::Nothing;
    }
    let speaker = at.speaks_to(from);
    let answered = |bytes: Vec<u8>| Fate::Answered(ethernet(speaker.mac, from, 0x0800, &bytes));
    match packet.protocol {
        1 if packet.len() > usize::from(mtu) => Fate::Nothing,
        1 => echo(packet, speaker.ttl).map_or(Fate::Nothing, |replies| {
            let [one, other] = replies.map(answered);
            if one == other {
                one
            } else {
                Fate::Either(Box::new([one, other]))
            }
        }),
        6 => reset(packet, speaker.ttl).map_or(Fate::Nothing, answered),
        17 if !is_sound_udp(packet) => Fate::Nothing,
        // Its agent hears it, who is not part of the pipeline.
        17 if packet.payload[2..4] == 161_u16.to_be_bytes() => Fate::Nothing,
        17 => refused_by(speaker, packet, (3, 3), 0),
        _ => refused_by(speaker, packet, (3, 2), 0),
    }
}

/// RFC 792: addresses exchanged, type 0, the rest as it came. Twice, as the
/// checksum of nothing but zeros has two right values.
fn echo(packet: &Packet<'_>, ttl: u8) -> Option<[Vec<u8>; 2]> {
    let sound = packet.payload.len() >= 8 && ones_sum(packet.payload) == 0;
    if !sound || packet.payload[0] != 8 {
        return None;
    }
    let mut header = packet.bytes[..packet.header_len].to_vec();
    header[8] = ttl;
    header[12..16].copy_from_slice(&packet.destination);
    header[16..20].copy_from_slice(&packet.source);
    seal(&mut header);
    let mut message = packet.payload.to_vec();
    message[0] = 0;
    message[2..4].fill(0);
    let sum = ones_sum(&message);
    let other = if sum == 0xffff { 0 } else { sum };
    Some([sum, other].map(|sum| {
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        [&header[..], &message].concat()
    }))
}

/// RFC 9293 §3.5.2, group 1, and §3.10.7.1.
fn reset(packet: &Packet<'_>, ttl: u8) -> Option<Vec<u8>> {
    let segment = packet.payload;
    let header = usize::from(segment.get(12)? >> 4) * 4;
    let pseudo = pseudo_header(packet.source, packet.destination, 6, segment.len());
    let right = ones_sum(&[&pseudo, segment].concat()) == 0;
    let flags = segment[13..].first()?;
    if header < 20 || header > segment.len() || !right || flags & 0x04 != 0 {
        return None;
    }
    let text = (segment.len() - header) as u32;
    let (syn, fin) = (u32::from(flags >> 1 & 1), u32::from(flags & 1));
    let sequence = u32::from_be_bytes(segment[4..8].try_into().unwrap());
    let mut tcp = [&segment[2..4], &segment[..2]].concat();
    if flags & 0x10 != 0 {
        tcp.extend(&segment[8..12]);
        tcp.extend([0, 0, 0, 0, 0x50, 0x04]);
    } else {
        let next = sequence.wrapping_add(text + syn + fin);
        tcp.extend([0; 4]);
        tcp.extend(next.to_be_bytes());
        tcp.extend([0x50, 0x14]);
    }
    tcp.extend([0; 6]);
    let pseudo = pseudo_header(packet.destination, packet.source, 6, 20);
    let sum = ones_sum(&[pseudo, tcp.clone()].concat());
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut reset = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, ttl, 6, 0, 0];
    reset.extend(packet.destination);
    reset.extend(packet.source);
    seal(&mut reset);
    reset.extend(tcp);
    Some(reset)
}

/// RFC 1122 §4.1.3.4: a datagram that is damaged is discarded in silence.
fn is_sound_udp(packet: &Packet<'_>) -> bool {
    let [_, _, _, _, high, low, a, b, ..] = *packet.payload else {
        return false;
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if len < 8 || len > packet.payload.len() {
        return false;
    }
    let pseudo = pseudo_header(packet.source, packet.destination, 17, len);
    let right = ones_sum(&[&pseudo, &packet.payload[..len]].concat()) == 0;
    [a, b] == [0, 0] || right
}

/// The station behind the routers of a segment that has an address.
pub fn routed_to(segment: u32, address: Ip) -> Option<&'static Station> {
    let mut stations = STATIONS.iter();
    stations.find(|to| are_linked(segment, to.4) && is(to, address))
}
