//! Error messages both ways. The packets that they quote are built in both
//! versions by `packet::build`; checksums are summed by etherparse.

mod extensions;
mod kinds;
mod quotes;
mod random;
mod returned;
mod round_trip;

use core::net::{Ipv4Addr, Ipv6Addr};

use etherparse::checksum::Sum16BitWords;
use packet::build::{Frame, Ipv4, Ipv6, Payload};
use packet::icmp::IcmpHeader;
use packet::{Locator, MacAddr, SegmentId, SubstrateAddr, VirtualAddr, checksum};
use zerocopy::IntoBytes;

use super::*;
use crate::pipeline::translate::mtu::NextHops;

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const G: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);

fn frame() -> Frame {
    let mac = |text: &str| text.parse::<MacAddr>().unwrap();
    Frame::between(mac("00:05:02:0b:27:44"), mac("02:00:00:00:00:03"))
}

/// A packet from A to G, as the node sent it.
fn v4() -> Ipv4 {
    frame().ipv4(A, G)
}

/// A packet from A to G, as the substrate carries it.
fn v6() -> Ipv6 {
    let Addresses {
        source,
        destination,
    } = forth();
    frame().ipv6(source, destination)
}

/// The IP packet in a frame.
fn ip(frame: &[u8]) -> &[u8] {
    &frame[14..]
}

fn six(locator: u64, address: VirtualAddr) -> Ipv6Addr {
    let locator = Locator::from_bits(0xfd00_0000_0000_0000 | locator);
    SubstrateAddr::ordinary(locator, SegmentId::new(0xa001).unwrap(), address).to_ipv6()
}

/// Sources are on host R, destinations on host S.
fn addresses(source: VirtualAddr, destination: VirtualAddr) -> Option<Addresses> {
    Some(Addresses {
        source: six(0xa, source),
        destination: six(0xb, destination),
    })
}

fn nowhere(_: VirtualAddr, _: VirtualAddr) -> Option<Addresses> {
    None
}

/// From A to G.
fn forth() -> Addresses {
    addresses(A.into(), G.into()).unwrap()
}

/// From G to A: where the errors go.
fn back() -> Addresses {
    let Addresses {
        source,
        destination,
    } = forth();
    Addresses {
        source: destination,
        destination: source,
    }
}

fn error_v4(kind: (u8, u8), word: u32, body: &[u8]) -> Vec<u8> {
    let mut header = IcmpHeader::new(kind.0, kind.1, word);
    header.checksum = checksum::of(&[header.as_bytes(), body].concat()).into();
    [header.as_bytes(), body].concat()
}

fn error_v6(kind: (u8, u8), word: u32, body: &[u8]) -> Vec<u8> {
    let mut header = IcmpHeader::new(kind.0, kind.1, word);
    let bytes = [header.as_bytes(), body].concat();
    header.checksum = sum_v6(&bytes).to_be().into();
    [header.as_bytes(), body].concat()
}

/// The checksum of an ICMPv4 message as etherparse sums it, 0 if it has the
/// right one.
fn sum_v4(message: &[u8]) -> u16 {
    Sum16BitWords::new().add_slice(message).ones_complement()
}

/// Of an ICMPv6 message from G to A, likewise.
fn sum_v6(message: &[u8]) -> u16 {
    let len = u32::try_from(message.len()).unwrap();
    Sum16BitWords::new()
        .add_16bytes(back().source.octets())
        .add_16bytes(back().destination.octets())
        .add_4bytes(len.to_be_bytes())
        .add_2bytes([0, 58])
        .add_slice(message)
        .ones_complement()
}

fn to_six(message: &[u8], peer: Peer) -> Result<Vec<u8>, Untranslatable> {
    to_six_by(message, peer, NextHops::UNKNOWN)
}

fn to_six_by(message: &[u8], peer: Peer, mtu: NextHops) -> Result<Vec<u8>, Untranslatable> {
    let cx = ToV6 {
        outer: back(),
        peer,
        mtu,
        traffic_class: None,
        quoted: &addresses,
    };
    let mut out = [0xa5; MAX_ERROR_V6 + 100];
    let len = to_v6(message, &cx, &mut out)?;
    assert!(len <= MAX_ERROR_V6);
    assert_eq!(
        sum_v6(&out[..len]),
        0,
        "etherparse finds the checksum wrong"
    );
    Ok(out[..len].to_vec())
}

fn to_four(message: &[u8], peer: Peer) -> Result<Vec<u8>, Untranslatable> {
    to_four_by(message, peer, NextHops::UNKNOWN)
}

fn to_four_by(message: &[u8], peer: Peer, mtu: NextHops) -> Result<Vec<u8>, Untranslatable> {
    let cx = ToV4 {
        outer: back(),
        peer,
        mtu,
        type_of_service: None,
        quoted: &embedded,
    };
    let mut out = [0xa5; 2048];
    let len = to_v4(message, &cx, &mut out)?;
    assert_eq!(
        sum_v4(&out[..len]),
        0,
        "etherparse finds the checksum wrong"
    );
    Ok(out[..len].to_vec())
}

fn round_trip(message: &[u8]) -> Result<Vec<u8>, Untranslatable> {
    let mut scratch = Scratch::default();
    to_v6_if_it_comes_back(message, back(), &addresses, &mut scratch).map(<[u8]>::to_vec)
}
