//! What RFC 7915 says, clause by clause: packets in, packets out, read by an
//! independent parser and by sums written out.

mod icmp;
mod properties;
mod to_v4;
mod to_v6;

use core::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{IpPayloadSlice, Ipv4Slice, Ipv6Slice, SlicedPacket};
use packet::build::{self, Frame};
use packet::{IpProtocol, MacAddr, VirtualAddr};

use super::answer::{V4Error, V6Error};
use super::rfc6052::{Prefix, TwoPrefixes};
use super::{AddressMap, Outcome, Settings, Way};
use crate::pipeline::translate::mtu::NextHops;

/// A system of the IPv4 side, and how IPv6 sees it.
const FOUR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const FOUR_IN_SIX: &str = "2001:db8:4::192.0.2.1";
/// A system of the IPv6 side, and how IPv4 sees it.
const SIX: &str = "2001:db8:6::198.51.100.2";
const SIX_IN_FOUR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// A router of the IPv6 side, which has no IPv4 address.
const ROUTER: &str = "2001:db8:ffff::1";
/// What the identification generator gives.
const ID: u16 = 0x1d1d;

fn six(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn v4() -> build::Ipv4 {
    Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(FOUR, SIX_IN_FOUR)
}

fn v6() -> build::Ipv6 {
    Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(SIX), six(FOUR_IN_SIX))
}

/// The packet in a frame.
fn packet(frame: &[u8]) -> &[u8] {
    &frame[14..]
}

fn map() -> TwoPrefixes {
    let prefix = |text| Prefix::new(six(text), 96).unwrap();
    TwoPrefixes {
        converted: prefix("2001:db8:4::"),
        translatable: prefix("2001:db8:6::"),
    }
}

/// Translates with these choices.
struct Translator {
    settings: Settings,
    next_hops: NextHops,
    map: Box<dyn AddressMap>,
}

impl Translator {
    fn new() -> Self {
        Self {
            settings: Settings::default(),
            next_hops: NextHops::UNKNOWN,
            map: Box::new(map()),
        }
    }

    /// One that has no address for anybody.
    fn nowhere() -> Self {
        Self {
            map: Box::new(Nowhere),
            ..Self::new()
        }
    }

    #[track_caller]
    fn to_v6(&self, frame: &[u8]) -> (Outcome<V4Error>, Vec<Vec<u8>>) {
        let (outcome, packets) = self.to_v6_unread(frame);
        packets.iter().for_each(|packet| assert_sound_v6(packet));
        (outcome, packets)
    }

    #[track_caller]
    fn to_v6_unread(&self, frame: &[u8]) -> (Outcome<V4Error>, Vec<Vec<u8>>) {
        let mut packets = Vec::new();
        let mut sink = |head: &[u8], body: &[u8]| packets.push([head, body].concat());
        let outcome = super::to_v6::to_v6(packet(frame), &self.way(), &mut sink);
        check(outcome, &packets);
        (outcome, packets)
    }

    #[track_caller]
    fn to_v4(&self, frame: &[u8]) -> (Outcome<V6Error>, Vec<Vec<u8>>) {
        let (outcome, packets) = self.to_v4_unread(frame);
        packets.iter().for_each(|packet| assert_sound_v4(packet));
        (outcome, packets)
    }

    #[track_caller]
    fn to_v4_unread(&self, frame: &[u8]) -> (Outcome<V6Error>, Vec<Vec<u8>>) {
        let mut packets = Vec::new();
        let mut sink = |head: &[u8], body: &[u8]| packets.push([head, body].concat());
        let mut identify = |_: VirtualAddr, _: VirtualAddr, _: IpProtocol| ID;
        let outcome = super::to_v4::to_v4(packet(frame), &self.way(), &mut identify, &mut sink);
        check(outcome, &packets);
        (outcome, packets)
    }

    fn way(&self) -> Way<'_> {
        Way {
            map: &*self.map,
            settings: &self.settings,
            next_hops: self.next_hops,
        }
    }
}

struct Nowhere;

impl AddressMap for Nowhere {
    fn converted(&self, _: VirtualAddr) -> Option<Ipv6Addr> {
        None
    }

    fn translatable(&self, _: VirtualAddr) -> Option<Ipv6Addr> {
        None
    }

    fn converted_back(&self, _: Ipv6Addr) -> Option<VirtualAddr> {
        None
    }

    fn translatable_back(&self, _: Ipv6Addr) -> Option<VirtualAddr> {
        None
    }
}

#[track_caller]
fn check<E>(outcome: Outcome<E>, packets: &[Vec<u8>]) {
    let said = match outcome {
        Outcome::Translated(count) => count,
        Outcome::Answer(..) | Outcome::Dropped(_) => 0,
    };
    assert_eq!(said, packets.len(), "the outcome says how many");
}

/// The one packet that becomes of this IPv4 packet.
#[track_caller]
fn one_v6(frame: &[u8]) -> Vec<u8> {
    let (outcome, mut packets) = Translator::new().to_v6(frame);
    assert_eq!(outcome, Outcome::Translated(1));
    packets.remove(0)
}

/// The one packet that becomes of this IPv6 packet.
#[track_caller]
fn one_v4(frame: &[u8]) -> Vec<u8> {
    let (outcome, mut packets) = Translator::new().to_v4(frame);
    assert_eq!(outcome, Outcome::Translated(1));
    packets.remove(0)
}

/// The headers parse, and what is whole has a right checksum.
fn assert_sound_v6(packet: &[u8]) {
    SlicedPacket::from_ip(packet).unwrap();
    let ip = Ipv6Slice::from_slice(packet).unwrap();
    let (source, destination) = (ip.header().source(), ip.header().destination());
    assert_payload(ip.payload(), &[source, destination].concat());
}

fn assert_sound_v4(packet: &[u8]) {
    SlicedPacket::from_ip(packet).unwrap();
    let ip = Ipv4Slice::from_slice(packet).unwrap();
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    let (source, destination) = (header.source, header.destination);
    assert_payload(ip.payload(), &[source, destination].concat());
}

fn assert_payload(payload: &IpPayloadSlice<'_>, addresses: &[u8]) {
    if !payload.fragmented {
        let sum = transport_sum(payload.ip_number.0, payload.payload, addresses);
        assert_eq!(sum, 0, "{:02x?}", payload.payload);
    }
}

/// 0 if the transport's checksum is right, or there is none.
fn transport_sum(protocol: u8, payload: &[u8], addresses: &[u8]) -> u16 {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let pseudo = [addresses, &len, &[0, protocol]].concat();
    match protocol {
        1 => ones_sum(payload),
        17 if addresses.len() == 8 && payload[6..8] == [0, 0] => 0,
        6 | 17 | 33 | 58 | 136 => ones_sum(&[&pseudo, payload].concat()),
        _ => 0,
    }
}

/// RFC 1071 written out.
fn ones_sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair[0], low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(0xffff - sum).unwrap()
}

/// The datagram's payload out of the payloads of its pieces, in order.
fn put_together_v6(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = Vec::new();
    for (nth, packet) in packets.iter().enumerate() {
        let ip = Ipv6Slice::from_slice(packet).unwrap();
        let (_, fragment) = fragment_of(packet);
        assert_eq!(
            usize::from(fragment.fragment_offset.value()) * 8,
            whole.len()
        );
        assert_eq!(fragment.more_fragments, nth + 1 < packets.len());
        whole.extend_from_slice(ip.payload().payload);
    }
    whole
}

/// The fragment header, and what the IPv6 header says comes first.
fn fragment_of(packet: &[u8]) -> (u8, etherparse::Ipv6FragmentHeader) {
    let (fragment, _) = etherparse::Ipv6FragmentHeader::from_slice(&packet[40..]).unwrap();
    (packet[6], fragment)
}
