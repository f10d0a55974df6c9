//! The model: what one plain switch per segment, whose ports a path of limited
//! size may lie behind, makes of a frame; [`super::routers`] has what is for a
//! logical router. Written from the product's
//! description; slow, obvious, over plain bytes.

use packet::MacAddr;

use super::bench::first_match::Decision;
use super::bench::plan::{STATIONS, Station};
use super::bench::{FRONT, Ip, LOOSE, Site};
use super::brief;
use super::carriage::{Carriage, carriage_to};
use super::groups::{everybody_else, is_for_nobody, is_group};
use super::ipv4::Packet;
use super::phantoms::{passes_on, stands_for};
use super::routers::{Routed, lowered, route, router_of};
use super::rules;

/// What may pass besides IPv4 and ARP.
pub const EXTRA_ETHERTYPE: (u32, u16) = (FRONT, 0x88cc);

/// The sizes that hold in a case, in bytes, and whether rules do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The segments' MTU.
    pub segment: u16,
    /// The largest IPv6 packet that gets from host to host.
    pub path: u16,
    /// Access rules hold.
    pub ruled: bool,
}

/// What a tenant sees of a frame that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// This node gets this frame.
    Delivered(Station, Vec<u8>),
    /// This node gets it as IPv4 fragments.
    Cut(Station, Vec<u8>),
    /// Whoever is behind each of these ports and tags gets a copy, and each has
    /// its fate.
    Many(Vec<(Station, Fate)>),
    /// The sender gets this answer.
    Answered(Vec<u8>),
    /// The sender gets an ICMP error about its packet.
    Refused(Refusal),
    /// The contents decide whether the packet travels as a header or raw, and
    /// so whether it fits: one or the other.
    Either(Box<[Fate; 2]>),
    /// Nobody hears of it.
    Nothing,
}

/// An ICMP "destination unreachable" or "time exceeded" (RFC 792, RFC 1191).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Type and code.
    pub kind: (u8, u8),
    pub mtu: u16,
    pub from: Speaker,
    /// What it is about …
    pub packet: Vec<u8>,
    /// … and how much of that is known to whoever says it, in bytes.
    pub known: usize,
}

/// Who says so: a router, and where a segment has none, the MAC the frame was
/// for and the address that RFC 7600 reserves for who has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    pub mac: MacAddr,
    pub ip: Ip,
    /// The TTL of what arrives.
    pub ttl: u8,
}

impl Fate {
    /// In a line.
    pub fn describe(&self) -> String {
        match self {
            Self::Delivered(to, frame) => format!("{} gets {}", to.0, brief(frame)),
            Self::Cut(to, frame) => format!("{} gets the pieces of {}", to.0, brief(frame)),
            Self::Answered(frame) => format!("answered with {}", brief(frame)),
            Self::Refused(refusal) => {
                let Refusal {
                    kind: (kind, code),
                    mtu,
                    from,
                    packet,
                    known: _,
                } = refusal;
                let about = brief(packet);
                format!("{kind}/{code}, mtu {mtu}, from {from:?} about {about}")
            }
            Self::Many(copies) => {
                let copies = copies.iter();
                let copies = copies.map(|(to, fate)| {
                    format!("at {:?}'s port {}: {}", to.1, to.2.port, fate.describe())
                });
                copies.collect::<Vec<_>>().join("\n")
            }
            Self::Either(fates) => format!("{} or {}", fates[0].describe(), fates[1].describe()),
            Self::Nothing => "nobody hears of it".to_owned(),
        }
    }
}

/// A frame as it was sent, read.
struct Frame<'a> {
    destination: MacAddr,
    source: MacAddr,
    /// Tag control information.
    tag: Option<u16>,
    ether_type: u16,
    payload: &'a [u8],
}

/// Who has an address in a segment.
#[derive(Clone, Copy)]
enum Owner {
    Router(MacAddr),
    Station(&'static Station),
}

/// What becomes of a frame that came in at a port.
pub fn fate(sizes: Sizes, site: Site, port: u16, bytes: &[u8]) -> Fate {
    let Some(frame) = Frame::read(bytes) else {
        return Fate::Nothing;
    };
    let Some(from) = sender(site, port, &frame) else {
        return Fate::Nothing;
    };
    match frame.ether_type {
        0x0800 => match Packet::read(frame.payload) {
            Some(packet) => fate_of_ip(sizes, from, &frame, &packet),
            None => Fate::Nothing,
        },
        0x0806 => fate_of_arp(from, &frame),
        other => fate_of_other(sizes, from, &frame, other),
    }
}

/// Who sends this, by (port, tag, source MAC), a priority tag being none.
pub fn sender_of(site: Site, port: u16, bytes: &[u8]) -> Option<&'static Station> {
    sender(site, port, &Frame::read(bytes)?)
}

fn sender(site: Site, port: u16, frame: &Frame<'_>) -> Option<&'static Station> {
    let tag = frame.tag.map(|control| control & 0x0fff);
    let tag = tag.filter(|id| *id != 0);
    STATIONS
        .iter()
        .find(|s| (s.1, s.2.port, s.5, s.2.mac) == (site, port, tag, frame.source))
}

fn fate_of_ip(
    sizes: Sizes,
    from: &'static Station,
    frame: &Frame<'_>,
    packet: &Packet<'_>,
) -> Fate {
    let segment = from.4;
    let destination = frame.destination;
    let dhcp = is_dhcp_request(packet);
    // Whoever has no address yet speaks to servers that it knows.
    let speaks = is(from, packet.source) || stands_for(from, packet.source);
    if !speaks && (!dhcp || is_group(destination)) {
        return Fate::Nothing;
    }
    // Nobody of the example may answer DHCP clients.
    if is_dhcp_reply(packet) {
        return Fate::Nothing;
    }
    // Whoever chooses a way is refused before anybody asks where it leads.
    if packet.is_source_routed() {
        return refused(from, destination, packet, (3, 5), 0);
    }
    if is_group(destination) && is_for_nobody(packet) {
        return Fate::Nothing;
    }
    let forbidden = |to_segment| {
        let to = (to_segment, packet.destination);
        match rules::permit(from, to, packet) {
            _ if !sizes.ruled => None,
            Decision::Pass => None,
            Decision::TooShort => Some(Fate::Nothing),
            Decision::Refuse(_) => Some(refused(from, destination, packet, (3, 13), 0)),
        }
    };
    if is_group(destination) {
        if let Some(fate) = forbidden(segment) {
            return fate;
        }
        let whom = everybody_else(from, destination, Some(packet.destination));
        return to_each(whom, |to| {
            let way = Way {
                from,
                to,
                destination,
                source: from.2.mac,
                hops: 0,
            };
            carried(sizes, &way, packet)
        });
    }
    let way = |to, source, hops| Way {
        from,
        to,
        destination,
        source,
        hops,
    };
    if let Some(router) = router_of(segment).filter(|router| router.node.mac == destination) {
        return match route(from, router, packet, sizes.segment) {
            Routed::To(to, mac, hops) => {
                // The fabric tells another host of the same segment nothing of
                // a router: there it comes from its sender.
                let is_told = to.4 != segment || to.1 == from.1;
                let source = if is_told { mac } else { from.2.mac };
                forbidden(to.4).unwrap_or_else(|| carried(sizes, &way(to, source, hops), packet))
            }
            Routed::Ends(fate) => fate,
        };
    }
    // By destination MAC; an unknown one is resolved by address where the
    // segment says so; nothing is flooded.
    let to = match owner(segment, packet.destination) {
        _ if dhcp => station_with(segment, destination),
        _ if passing_on(segment, destination, packet.destination).is_some() => {
            passing_on(segment, destination, packet.destination)
        }
        Some(Owner::Station(to)) => {
            let by_address = segment == LOOSE && !somebody_has(segment, destination);
            (to.2.mac == destination || by_address).then_some(to)
        }
        _ => None,
    };
    let Some(to) = to.filter(|to| !core::ptr::eq(from, *to)) else {
        return Fate::Nothing;
    };
    forbidden(segment).unwrap_or_else(|| carried(sizes, &way(to, from.2.mac, 0), packet))
}

/// Every copy goes its own way.
fn to_each(whom: Vec<Station>, fate: impl Fn(&Station) -> Fate) -> Fate {
    if whom.is_empty() {
        return Fate::Nothing;
    }
    let copy = |to| (to, fate(&to));
    Fate::Many(whom.into_iter().map(copy).collect())
}

/// From a node to a node.
struct Way<'a> {
    from: &'a Station,
    to: &'a Station,
    /// The MAC to which it was sent …
    destination: MacAddr,
    /// … and from which it arrives.
    source: MacAddr,
    /// Routers on the way.
    hops: u8,
}

fn carried(sizes: Sizes, way: &Way<'_>, packet: &Packet<'_>) -> Fate {
    let segment_mtu = sizes.segment;
    let by = |overhead: u16| {
        let limit = segment_mtu.min(sizes.path - overhead);
        by_size(limit, way, packet)
    };
    if way.from.1 == way.to.1 {
        return by_size(segment_mtu, way, packet);
    }
    match carriage_to(way.to, packet) {
        Carriage::Rewritten => by(20),
        Carriage::Fragment => by(28),
        Carriage::Raw(_) => by(56),
        Carriage::ByContents if by(20) == by(56) => by(20),
        Carriage::ByContents => Fate::Either(Box::new([by(20), by(56)])),
    }
}

fn by_size(limit: u16, way: &Way<'_>, packet: &Packet<'_>) -> Fate {
    let whole = || ethernet(way.source, way.to, 0x0800, &lowered(packet, way.hops));
    if packet.len() <= usize::from(limit) {
        Fate::Delivered(*way.to, whole())
    } else if packet.dont_fragment {
        // The whole way's MTU is known where it begins.
        refused(way.from, way.destination, packet, (3, 4), limit)
    } else if packet.offset + packet.payload.len() > 65_536 {
        // No offset says where its last byte belongs.
        Fate::Nothing
    } else {
        Fate::Cut(*way.to, whole())
    }
}

/// The segment's router says no, or whoever stands in for one; never about what
/// was for many (RFC 1122 §3.2.2).
pub fn refused(
    from: &Station,
    destination: MacAddr,
    packet: &Packet<'_>,
    kind: (u8, u8),
    mtu: u16,
) -> Fate {
    if is_group(destination) {
        return Fate::Nothing;
    }
    let nobody = Speaker {
        mac: destination,
        ip: [192, 0, 0, 8],
        ttl: 64,
    };
    let speaker = router_of(from.4).map_or(nobody, |router| router.speaks_to(from));
    refused_by(speaker, packet, kind, mtu)
}

/// RFC 1122 §3.2.2: never an error about an error, about a later fragment,
/// about what is for many, or to nobody.
pub fn refused_by(from: Speaker, packet: &Packet<'_>, kind: (u8, u8), mtu: u16) -> Fate {
    let about_icmp = packet.payload.first().filter(|_| packet.protocol == 1);
    let is_query = matches!(about_icmp, Some(0 | 8 | 13..=18));
    let to_many = matches!(packet.destination, [224..=239, ..] | [255, 255, 255, 255]);
    let to_nobody = packet.source == [0; 4];
    if packet.offset != 0 || packet.is_icmp_error() || to_many || to_nobody {
        return Fate::Nothing;
    }
    let refusal = Fate::Refused(Refusal {
        kind,
        mtu,
        from,
        packet: packet.bytes.to_vec(),
        known: packet.len(),
    });
    if packet.protocol == 1 && !is_query {
        // Nobody can say whether an unknown type is an error.
        return Fate::Either(Box::new([refusal, Fate::Nothing]));
    }
    refusal
}

/// RFC 2131 §4.1: a server's, to a client; or the beginning of one.
fn is_dhcp_reply(packet: &Packet<'_>) -> bool {
    let ports = packet.payload.get(..4) == Some(&[0, 67, 0, 68]);
    packet.source != [0; 4] && packet.protocol == 17 && packet.offset == 0 && ports
}

/// RFC 2131 §4.1: a client that has no address yet.
fn is_dhcp_request(packet: &Packet<'_>) -> bool {
    let ports = packet.payload.get(..4) == Some(&[0, 68, 0, 67]);
    packet.source == [0; 4] && packet.protocol == 17 && !packet.is_fragment() && ports
}

/// Who has this MAC and forwards what is for this address.
fn passing_on(segment: u32, mac: MacAddr, to: Ip) -> Option<&'static Station> {
    station_with(segment, mac).filter(|station| passes_on(station, to))
}

fn station_with(segment: u32, mac: MacAddr) -> Option<&'static Station> {
    STATIONS.iter().find(|s| s.4 == segment && s.2.mac == mac)
}

/// RFC 826, RFC 5227: the switch knows who has which address.
fn fate_of_arp(from: &'static Station, frame: &Frame<'_>) -> Fate {
    let Some(&[0, 1, 8, 0, 6, 4, 0, operation, ref addresses @ ..]) = frame.payload.get(..28)
    else {
        return Fate::Nothing;
    };
    let ip = |at: usize| -> Ip { addresses[at..at + 4].try_into().unwrap() };
    let (sender_mac, sender, target) = (&addresses[..6], ip(6), ip(16));
    let honest = sender_mac == from.2.mac.octets() && (sender == [0; 4] || is(from, sender));
    let question = operation == 1 && !is(from, target);
    let Some(owner) = owner(from.4, target).filter(|_| honest && question) else {
        return Fate::Nothing;
    };
    let mut reply = vec![0, 1, 8, 0, 6, 4, 0, 2];
    reply.extend(owner.mac().octets());
    reply.extend(target);
    reply.extend(from.2.mac.octets());
    reply.extend(sender);
    Fate::Answered(ethernet(owner.mac(), from, 0x0806, &reply))
}

/// Whatever else the segment lets pass goes by MAC, as it is.
fn fate_of_other(sizes: Sizes, from: &'static Station, frame: &Frame<'_>, kind: u16) -> Fate {
    let permitted =
        |to: Ip| !sizes.ruled || rules::permit_other(from, (from.4, to)) == Decision::Pass;
    if is_group(frame.destination) {
        if !permitted([239, 255, 255, 254]) {
            return Fate::Nothing;
        }
        let whom = everybody_else(from, frame.destination, None);
        return to_each(whom, |to| other_carried(sizes, (from, to), frame, kind));
    }
    let to = station_with(from.4, frame.destination);
    let to = to.filter(|to| !core::ptr::eq(*to, from));
    let Some(to) = to.filter(|to| permitted(to.2.ip)) else {
        return Fate::Nothing;
    };
    other_carried(sizes, (from, to), frame, kind)
}

fn other_carried(
    sizes: Sizes,
    (from, to): (&Station, &Station),
    frame: &Frame<'_>,
    kind: u16,
) -> Fate {
    let path = if from.1 == to.1 {
        u16::MAX
    } else {
        sizes.path - 56
    };
    let limit = sizes.segment.min(path);
    if (from.4, kind) != EXTRA_ETHERTYPE || frame.payload.len() > usize::from(limit) {
        return Fate::Nothing;
    }
    Fate::Delivered(*to, ethernet(from.2.mac, to, kind, frame.payload))
}

fn owner(segment: u32, address: Ip) -> Option<Owner> {
    let router = router_of(segment).filter(|router| router.node.ip == address);
    if let Some(router) = router {
        return Some(Owner::Router(router.node.mac));
    }
    station_at(segment, address).map(Owner::Station)
}

/// The station of a segment that has an address.
pub fn station_at(segment: u32, address: Ip) -> Option<&'static Station> {
    STATIONS.iter().find(|s| s.4 == segment && is(s, address))
}

impl Owner {
    fn mac(self) -> MacAddr {
        match self {
            Self::Router(mac) => mac,
            Self::Station(station) => station.2.mac,
        }
    }
}

fn somebody_has(segment: u32, mac: MacAddr) -> bool {
    STATIONS.iter().any(|s| s.4 == segment && s.2.mac == mac)
        || router_of(segment).is_some_and(|router| router.node.mac == mac)
}

pub fn is(station: &Station, address: Ip) -> bool {
    station.2.ip == address || station.3 == Some(address)
}

impl<'a> Frame<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mac = |at: usize| Some(MacAddr::new(bytes.get(at..at + 6)?.try_into().ok()?));
        let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let (tag, at) = match word(12)? {
            0x8100 => (Some(word(14)?), 16),
            _ => (None, 12),
        };
        Some(Self {
            destination: mac(0)?,
            source: mac(6)?,
            tag,
            ether_type: word(at)?,
            payload: bytes.get(at + 2..)?,
        })
    }
}

/// A frame to a station, with the tag that its link wants.
pub fn ethernet(source: MacAddr, to: &Station, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [to.2.mac.octets(), source.octets()].concat();
    if let Some(vlan) = to.5 {
        bytes.extend([0x81, 0]);
        bytes.extend(vlan.to_be_bytes());
    }
    bytes.extend(ether_type.to_be_bytes());
    bytes.extend(payload);
    bytes
}
