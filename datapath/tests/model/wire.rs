//! What crosses the fabric, as strangers read it: valid IPv6 in the eyes of an
//! independent parser, from and to the right locators, with checksums that are
//! right wherever the sender's were.

use etherparse::{Ipv6ExtensionSlice, Ipv6Slice};

use super::Judged;
use super::bench::check::{ones_sum, pseudo_sum};
use super::bench::plan::Station;
use super::bench::{Ip, Site};
use super::carriage::is_textbook_error;
use super::draft::pseudo_header;
use super::ensure;
use super::groups::is_group;
use super::ipv4::Packet;
use super::phantoms::{self, passes_on};
use super::switch::is;

/// A packet between two hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    Rewritten(Rewritten),
    Raw(Raw),
}

/// EtherIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    pub traffic_class: u8,
    /// The Ethernet frame inside.
    pub frame: Vec<u8>,
}

/// IPv6 that stands for IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    pub source: [u8; 16],
    pub destination: [u8; 16],
    pub traffic_class: u8,
    pub ttl: u8,
    pub dont_fragment: bool,
    pub protocol: u8,
    /// Offset in bytes, more, identification.
    pub fragment: Option<(usize, bool, u32)>,
    pub payload: Vec<u8>,
}

/// These may follow an IPv6 header only if they were meant: extension headers,
/// ICMPv4, AH, and what could be taken for the fabric's or a vswitch's own.
const NEVER: [u8; 11] = [0, 1, 43, 44, 51, 59, 60, 97, 135, 139, 140];

/// Reads what one station sent another.
pub fn read(frame: &[u8], from: &Station, to: &Station, path_mtu: u16) -> Judged<Wire> {
    ensure(frame.get(12..14) == Some(&[0x86, 0xdd]), "IPv6, untagged")?;
    let bytes = &frame[14..];
    ensure(
        bytes.len() <= usize::from(path_mtu),
        "larger than the path allows",
    )?;
    let ip = Ipv6Slice::from_slice(bytes).map_err(|fault| fault.to_string())?;
    let header = ip.header();
    ensure(
        usize::from(header.payload_length()) == bytes.len() - 40,
        "payload length",
    )?;
    ensure(header.hop_limit() == 64, "the substrate's own hop limit")?;
    ends_are(header.source(), from)?;
    ends_are(header.destination(), to)?;
    let payload = ip.payload();
    let (next_header, protocol) = (header.next_header().0, payload.ip_number.0);
    if next_header == 97 {
        let inside = payload.payload.strip_prefix(&[0x30, 0]);
        let inside = inside.ok_or("RFC 3378 §2: version 3, reserved bits 0")?;
        ensure(
            inside.len() >= 14 && inside[12..14] != [0x81, 0],
            "a bare frame",
        )?;
        return Ok(Wire::Raw(Raw {
            traffic_class: header.traffic_class(),
            frame: inside.to_vec(),
        }));
    }
    let mut fragment = None;
    for (at, extension) in ip.extensions().clone().into_iter().enumerate() {
        let Ipv6ExtensionSlice::Fragment(header) = extension else {
            return Err(format!("extension header in {frame:02x?}"));
        };
        let offset = usize::from(header.fragment_offset().value()) * 8;
        let more = header.more_fragments();
        // RFC 8021, RFC 8200 §4.5.
        ensure(at == 0 && (more || offset != 0), "an atomic fragment")?;
        ensure(
            header.slice()[1] == 0 && header.slice()[3] & 6 == 0,
            "reserved bits",
        )?;
        let len = payload.payload.len();
        ensure(!more || len % 8 == 0, "a fragment of odd length")?;
        ensure(
            offset + len <= 65_535,
            "a fragment beyond the longest packet",
        )?;
        fragment = Some((offset, more, header.identification()));
    }
    ensure(!NEVER.contains(&protocol), "a tenant speaks to the fabric")?;
    ensure(fragment.is_none() || protocol != 58, "a fragment of ICMP")?;
    let label = header.flow_label().value();
    Ok(Wire::Rewritten(Rewritten {
        source: header.source(),
        destination: header.destination(),
        traffic_class: header.traffic_class(),
        ttl: (label >> 12) as u8,
        dont_fragment: label >> 11 & 1 == 1,
        protocol,
        fragment,
        payload: payload.payload.to_vec(),
    }))
}

/// The address of a virtual address there, written out: locator, no slot and
/// no flags, segment id, IPv4 address.
pub fn address(site: Site, segment: u32, ip: Ip) -> [u8; 16] {
    let host = if site == Site::R { 0x0a } else { 0x0b };
    let [_, a, b, c] = segment.to_be_bytes();
    let [w, x, y, z] = ip;
    [0xfd, 0, 0, 0, 0, 0, 0, host, 0, a, b, c, w, x, y, z]
}

/// The same of a station, or of a group: which has the lowest bit of the byte
/// before the segment id.
fn address_at(station: &Station, ip: Ip) -> [u8; 16] {
    if passes_on(station, ip) {
        return phantoms::address(station, ip);
    }
    let mut address = address(station.1, station.4, ip);
    address[8] |= u8::from(is_group(station.2.mac));
    address
}

fn ends_are(seen: [u8; 16], station: &Station) -> Judged {
    let has = |ip: Ip| address_at(station, ip) == seen;
    let embedded: Ip = seen[12..].try_into().unwrap();
    let passed_on = passes_on(station, embedded) && has(embedded);
    let right = has(station.2.ip) || station.3.is_some_and(has) || passed_on;
    ensure(right, "not an address of the station")
}

impl Rewritten {
    /// Does it say what this IPv4 packet said?
    pub fn says(&self, packet: &Packet<'_>, from: &Station, to: &Station) -> Judged {
        let ends = (
            address_at(from, packet.source),
            address_at(to, packet.destination),
        );
        ensure((self.source, self.destination) == ends, "addresses")?;
        ensure(self.traffic_class == packet.tos, "DSCP and ECN")?;
        ensure(self.ttl == packet.ttl, "TTL in the flow label")?;
        ensure(
            self.dont_fragment == packet.dont_fragment,
            "DF in the flow label",
        )?;
        let protocol = if packet.protocol == 1 {
            58
        } else {
            packet.protocol
        };
        ensure(self.protocol == protocol, "next header")?;
        let fragment = packet
            .is_fragment()
            .then(|| (packet.offset, packet.more, u32::from(packet.id)));
        ensure(self.fragment == fragment, "fragment header")?;
        match protocol {
            58 => {
                self.icmp_is_as_right_as(packet)?;
                self.icmp_says(packet, from, to)
            }
            _ if packet.is_fragment() => self.payload_is_but_for_checksum(packet),
            _ => {
                self.payload_is_but_for_checksum(packet)?;
                self.checksum_is_as_right_as(packet.source, packet.destination, packet.payload)
            }
        }
    }

    /// The checksum, in whichever fragment it is, makes up for the addresses:
    /// then it is as right as it was (RFC 7915 §4.5).
    fn payload_is_but_for_checksum(&self, packet: &Packet<'_>) -> Judged {
        let mut expected = packet.payload.to_vec();
        let at = packet.checksum_at();
        if let Some(at) = at
            && self.payload.len() == expected.len()
        {
            let [old, new] = [packet.payload, &self.payload[..]].map(|p| p[at..at + 2].to_vec());
            let v4 = ones_sum(&[&packet.source[..], &packet.destination, &old].concat());
            let v6 = ones_sum(&[&self.source[..], &self.destination, &new].concat());
            let none = matches!(self.protocol, 17 | 136) && old == [0, 0];
            let same = if none { old == new } else { v4 == v6 };
            ensure(same, "the checksum does not make up for the addresses")?;
            expected[at..at + 2].copy_from_slice(&new);
        }
        ensure(self.payload == expected, "the payload was changed")
    }

    /// The transport checksum of a whole datagram is right if and only if it
    /// was; and none stays none.
    pub fn checksum_is_as_right_as(&self, source: Ip, destination: Ip, datagram: &[u8]) -> Judged {
        let (at, none) = match self.protocol {
            6 => (16, false),
            17 | 136 => (6, true),
            33 => (6, false),
            _ => return Ok(()),
        };
        let Some(field) = datagram.get(at..at + 2) else {
            return Ok(());
        };
        if none && field == [0, 0] {
            return ensure(self.payload[at..at + 2] == [0, 0], "a checksum was made");
        }
        // RFC 768, RFC 3828 §3.1: a computed zero is sent as all ones.
        ensure(
            !none || self.payload[at..at + 2] != [0, 0],
            "the checksum was lost",
        )?;
        let pseudo = pseudo_header(source, destination, self.protocol, datagram.len());
        let was = ones_sum(&[&pseudo, datagram].concat()) == 0;
        ensure((self.sum() == 0) == was, "the checksum's rightness changed")
    }

    /// 0 if the checksum is right.
    fn sum(&self) -> u16 {
        let addresses = [self.source, self.destination].concat();
        pseudo_sum(&addresses, self.protocol, &self.payload)
    }

    fn icmp_is_as_right_as(&self, packet: &Packet<'_>) -> Judged {
        let was = ones_sum(packet.payload) == 0;
        ensure(
            (self.sum() == 0) == was,
            "the ICMP checksum's rightness changed",
        )?;
        let echo = matches!(self.payload[..], [128 | 129, 0, ..]);
        let error = matches!(self.payload[..], [1..=4, ..]);
        ensure(echo || (error && was), "neither echo nor a sound error")?;
        // RFC 4443 §2.4 c.
        ensure(
            echo || self.payload.len() <= 1280 - 40,
            "an error of more than 1280 bytes",
        )?;
        ensure(
            echo || self.payload.get(8).is_some_and(|b| b >> 4 == 6),
            "quotes no IPv6",
        )
    }

    /// RFC 7915 §4.2 for echo, and for the errors that the textbook knows.
    fn icmp_says(&self, packet: &Packet<'_>, from: &Station, to: &Station) -> Judged {
        let (v4, v6) = (packet.payload, &self.payload[..]);
        let kind = match (v4[0], v4[1]) {
            (8, 0) => [128, 0],
            (0, 0) => [129, 0],
            _ if !is_textbook_error(packet) => return Ok(()),
            (3, 1) => [1, 0],
            (3, 3) => [1, 4],
            (3, 4) => [2, 0],
            (_, code) => [3, code],
        };
        ensure(v6[..2] == kind, "ICMPv6 type and code")?;
        if kind[0] >= 128 {
            return ensure(v6[4..] == v4[4..], "the echo's data were changed");
        }
        let mtu = if kind[0] == 2 {
            u32::from(u16::from_be_bytes([v4[6], v4[7]])) + 20
        } else {
            0
        };
        ensure(v6[4..8] == mtu.to_be_bytes(), "the error's second word")?;
        let (inner4, inner6) = (&v4[8..], &v6[8..]);
        let quoted: Ip = inner4[12..16].try_into().unwrap();
        let about: Ip = inner4[16..20].try_into().unwrap();
        let ends = [address(to.1, to.4, quoted), address(from.1, from.4, about)];
        // What a phantom router passes on may be for anybody, even its sender.
        let is_theirs = is(to, quoted) && is(from, about);
        ensure(
            !is_theirs || inner6[8..40] == ends.concat(),
            "the quoted packet's addresses",
        )?;
        let label = u32::from(inner4[8]) << 12 | 0x800;
        let first = 0x6000_0000 | u32::from(inner4[1]) << 20 | label;
        let seen = u32::from_be_bytes(inner6[..4].try_into().unwrap());
        ensure(
            seen & !0x7ff == first,
            "the quoted packet's class, TTL and DF",
        )?;
        let len = u16::from_be_bytes([inner4[2], inner4[3]]) - 20;
        ensure(
            inner6[4..6] == len.to_be_bytes(),
            "the quoted packet's length",
        )?;
        ensure(inner6[6] == inner4[9], "the quoted packet's next header")?;
        // Ports, which every node looks at.
        ensure(
            inner6[40..44] == inner4[20..24],
            "the quoted packet's ports",
        )
    }
}
