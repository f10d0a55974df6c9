//! How must a packet cross the fabric? The product's description (its chapter
//! on the rewrite) written out as a list: what a changed header would lose goes
//! raw.

use super::bench::plan::Station;
use super::groups::is_oddly_addressed;
use super::ipv4::Packet;

/// How a packet travels between two hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// IPv6's header instead of IPv4's: 20 bytes more.
    Rewritten,
    /// The same, and a fragment header: 28 bytes more.
    Fragment,
    /// The frame in EtherIP: 56 bytes more.
    Raw(Why),
    /// ICMP other than echo, of which only the contents tell: raw unless what
    /// arrives is the same.
    ByContents,
}

/// Why a packet goes raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Options,
    ReservedFlag,
    FragmentOfIcmp,
    /// More follow, but it does not end at a multiple of 8 (RFC 8200 §4.5).
    FragmentLength,
    /// It ends beyond what a datagram of 65535 bytes holds.
    FragmentEnd,
    /// It has no byte.
    FragmentEmpty,
    /// The protocol may not be a next header.
    Protocol,
    /// 0xffff, IPv4's other zero, where a delta knows one.
    ChecksumAllOnes,
    /// ICMP that is neither echo nor an error, or is not whole.
    Icmp,
    /// Sent from 0.0.0.0, by a DHCP client.
    Nobodys,
    /// For many, but its address is not that of the frame's MAC.
    NotItsGroup,
    /// Not IP at all.
    NotIp,
}

/// Of an IPv4 packet that is small enough.
pub fn carriage(packet: &Packet<'_>) -> Carriage {
    match reason(packet) {
        Some(why) => Carriage::Raw(why),
        None if packet.protocol == 1 && !is_plain_echo(packet) => Carriage::ByContents,
        None if packet.is_fragment() => Carriage::Fragment,
        None => Carriage::Rewritten,
    }
}

/// The same to a station, or to the many behind a port.
pub fn carriage_to(to: &Station, packet: &Packet<'_>) -> Carriage {
    if is_oddly_addressed(to, packet) {
        return Carriage::Raw(Why::NotItsGroup);
    }
    carriage(packet)
}

fn reason(packet: &Packet<'_>) -> Option<Why> {
    let len = packet.payload.len();
    let fragment = packet.is_fragment();
    let never = [0, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140];
    let reasons = [
        (packet.source == [0; 4], Why::Nobodys),
        (!packet.options.is_empty(), Why::Options),
        (packet.reserved, Why::ReservedFlag),
        (never.contains(&packet.protocol), Why::Protocol),
        (packet.protocol == 1 && fragment, Why::FragmentOfIcmp),
        (packet.more && !len.is_multiple_of(8), Why::FragmentLength),
        (
            fragment && packet.offset + 20 + len > 65_535,
            Why::FragmentEnd,
        ),
        (fragment && len == 0, Why::FragmentEmpty),
        (
            matches!(packet.protocol, 1 | 6 | 33)
                && packet.checksum() == Some(0xffff)
                && !is_echo_of_nothing(packet),
            Why::ChecksumAllOnes,
        ),
        (
            packet.protocol == 1 && !may_be_translated(packet),
            Why::Icmp,
        ),
    ];
    let mut reasons = reasons.into_iter().filter(|(holds, _)| *holds);
    reasons.next().map(|(_, why)| why)
}

fn is_plain_echo(packet: &Packet<'_>) -> bool {
    let echo = matches!(packet.payload, [0 | 8, 0, _, _, _, _, _, _, ..]);
    echo && !is_echo_of_nothing(packet)
}

/// An echo reply whose right checksum is 0xffff: nothing else in it is not 0.
pub fn is_echo_of_nothing(packet: &Packet<'_>) -> bool {
    let bytes = packet.payload.iter();
    let besides = bytes.clone().take(2).chain(bytes.skip(4));
    let echo = packet.protocol == 1 && !packet.is_fragment() && packet.payload.len() >= 8;
    echo && besides.copied().all(|byte| byte == 0)
}

/// Only echo and errors have a counterpart in ICMPv6.
fn may_be_translated(packet: &Packet<'_>) -> bool {
    match packet.payload {
        [0 | 8, code, ..] => *code == 0 && packet.payload.len() >= 8,
        [3 | 11 | 12, ..] => packet.payload.len() >= 8 + 20,
        _ => false,
    }
}

/// Must this ICMP error be translated? The textbook's must: unreachable host
/// or port, fragmentation needed, time exceeded, with right checksums, about a
/// packet of the receiver's as our hosts deliver them (DF, id 0), with 8 bytes
/// of its TCP or UDP or more, and no extension.
pub fn is_textbook_error(packet: &Packet<'_>) -> bool {
    let [kind, code, _, _, a, b, c, d, quoted @ ..] = packet.payload else {
        return false;
    };
    let mtu = u16::from_be_bytes([*c, *d]);
    let known = match (kind, code) {
        (3, 1 | 3) | (11, 0 | 1) => [a, b, c, d].iter().all(|byte| **byte == 0),
        (3, 4) => (*a, *b) == (0, 0) && (1280..=9000).contains(&mtu),
        _ => false,
    };
    // Read as if it were all there.
    let mut whole = quoted.to_vec();
    let total = whole
        .get(2..4)
        .map_or(0, |len| u16::from_be_bytes([len[0], len[1]]));
    whole.resize(whole.len().max(usize::from(total)), 0);
    let Some(inner) = Packet::read(&whole) else {
        return false;
    };
    let right = super::bench::check::ones_sum(packet.payload) == 0;
    let plain = inner.options.is_empty() && !inner.reserved && !inner.is_fragment();
    let ours = (inner.source, inner.destination) == (packet.destination, packet.source);
    let as_delivered = inner.dont_fragment && inner.id == 0;
    let enough = (28..=512).contains(&quoted.len()) && quoted.len() <= inner.len();
    let transport = matches!(inner.protocol, 6 | 17) && inner.payload.len() >= 20;
    let checksum_at = if inner.protocol == 6 { 16 } else { 6 };
    let not_ones = quoted
        .get(20 + checksum_at..)
        .and_then(|rest| rest.get(..2))
        != Some(&[0xff; 2]);
    known && right && plain && ours && as_delivered && enough && transport && not_ones
}
