//! An ICMPv6 error message in ICMPv4 (RFC 7915 §5.2).

use core::net::Ipv6Addr;

use packet::VirtualAddr;
use packet::checksum::Sum;
use packet::icmp::{ICMP_LEN, IcmpHeader, v4, v6};
use packet::ipv4::Ipv4Header;
use zerocopy::{FromBytes, IntoBytes};

use super::extension::{self, Unit};
use super::quoted::V6;
use super::{Peer, Untranslatable, pseudo_header};
use crate::pipeline::translate::mtu::{self, NextHops};
use crate::pipeline::translate::v4_to_v6::Addresses;

/// What the translation of a message to IPv4 needs to know beside it.
#[derive(Clone, Copy)]
pub struct ToV4<'a> {
    /// The message's own addresses in IPv6.
    pub outer: Addresses,
    /// Who sent it.
    pub peer: Peer,
    /// What bounds the MTU that it reports.
    pub mtu: NextHops,
    /// The quoted packet's DSCP and ECN in IPv4, if not those it has.
    pub type_of_service: Option<u8>,
    /// The quoted packet's source and destination in IPv4. Between two vswitches
    /// it is [`super::embedded`].
    pub quoted: &'a dyn Fn(Ipv6Addr, Ipv6Addr) -> Option<(VirtualAddr, VirtualAddr)>,
}

/// Writes in `out` the ICMPv4 message that stands for an ICMPv6 error, both from
/// the first byte of the ICMP header on; gives its length in bytes, which is not
/// above that of `message` but where an extension is padded (RFC 4884 §4). Echo
/// is not for here: see [`super::echo`].
///
/// # Errors
/// Why there is none. `out` is unspecified then.
pub fn to_v4(message: &[u8], cx: &ToV4<'_>, out: &mut [u8]) -> Result<usize, Untranslatable> {
    let icmp = IcmpHeader::ref_from_prefix(message);
    let (icmp, body) = icmp.map_err(|_| Untranslatable::Malformed)?;
    let meaning = meaning(icmp)?;
    let sum = Sum::of(message).and(pseudo_header(cx.outer, message.len()));
    if sum.checksum() != 0 {
        return Err(Untranslatable::Checksum);
    }
    let attribute = match icmp.kind {
        v6::UNREACHABLE | v6::TIME_EXCEEDED => {
            let [attribute, ..] = icmp.word().to_be_bytes();
            attribute
        }
        // RFC 4884 §4.6: the others have no length attribute.
        _ => 0,
    };
    let parts = extension::split(body, attribute, Unit::V6);
    let mut quoted = V6::parse(parts.datagram, cx.peer)?;
    if !parts.extension.is_empty() {
        quoted = quoted.unpadded();
    }
    let out = out.split_at_mut_checked(ICMP_LEN);
    let (front, behind) = out.ok_or(Untranslatable::TooLong)?;
    let addresses = (cx.quoted)(quoted.header.source(), quoted.header.destination());
    let written = quoted.write_v4(cx.peer, addresses, behind)?;
    if let Some(type_of_service) = cx.type_of_service {
        let header = Ipv4Header::mut_from_prefix(behind);
        let (header, _) = header.map_err(|_| Untranslatable::TooLong)?;
        header.traffic_class = type_of_service;
        header.seal(&[]);
    }
    let appended = extension::append(behind, written.len, parts.extension, Unit::V4);
    if (written.cut || appended.cut) && cx.peer == Peer::Vswitch {
        return Err(Untranslatable::TooLong);
    }
    let [c, d] = match meaning.word {
        Word::Mtu => {
            mtu::to_fragmentation_needed(icmp.word(), quoted.carriage(), cx.mtu).to_be_bytes()
        }
        Word::Zero | Word::Pointer(_) => [0, 0],
    };
    let first = match meaning.word {
        Word::Pointer(pointer) => pointer,
        Word::Zero | Word::Mtu => 0,
    };
    let word = u32::from_be_bytes([first, appended.attribute, c, d]);
    let mut header = IcmpHeader::new(meaning.kind, meaning.code, word);
    let body = behind.get(..appended.len).ok_or(Untranslatable::TooLong)?;
    let sum = Sum::of(header.as_bytes()).and(Sum::of(body));
    header.checksum = sum.checksum().into();
    front.copy_from_slice(header.as_bytes());
    Ok(ICMP_LEN + appended.len)
}

/// An ICMPv4 error's header, but for what depends on its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    kind: u8,
    code: u8,
    word: Word,
}

/// What the last four bytes of the header are, beside the length attribute in
/// the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing.
    Zero,
    /// An MTU in the last two.
    Mtu,
    /// A pointer in the first.
    Pointer(u8),
}

/// RFC 7915 §5.2, type by type and code by code.
fn meaning(icmp: &IcmpHeader) -> Result<Meaning, Untranslatable> {
    use v6::{parameter, unreachable};
    let unreachable = |code| Meaning {
        kind: v4::UNREACHABLE,
        code,
        word: Word::Zero,
    };
    Ok(match (icmp.kind, icmp.code) {
        (v6::UNREACHABLE, code) => match code {
            unreachable::NO_ROUTE | unreachable::BEYOND_SCOPE | unreachable::ADDRESS => {
                unreachable(v4::unreachable::HOST)
            }
            unreachable::PROHIBITED => unreachable(v4::unreachable::HOST_PROHIBITED),
            unreachable::PORT => unreachable(v4::unreachable::PORT),
            _ => return Err(Untranslatable::Kind),
        },
        // RFC 4443 §3.2: whatever its code.
        (v6::PACKET_TOO_BIG, _) => Meaning {
            word: Word::Mtu,
            ..unreachable(v4::unreachable::FRAGMENTATION_NEEDED)
        },
        (v6::TIME_EXCEEDED, code) => Meaning {
            kind: v4::TIME_EXCEEDED,
            code,
            word: Word::Zero,
        },
        (v6::PARAMETER_PROBLEM, parameter::FIELD) => Meaning {
            kind: v4::PARAMETER_PROBLEM,
            code: v4::parameter::POINTER,
            word: Word::Pointer(pointer(icmp.word()).ok_or(Untranslatable::Pointer)?),
        },
        (v6::PARAMETER_PROBLEM, parameter::NEXT_HEADER) => unreachable(v4::unreachable::PROTOCOL),
        _ => return Err(Untranslatable::Kind),
    })
}

/// RFC 7915, figure 6: the field of the IPv4 header that stands for a field of
/// the IPv6 header, both in bytes.
const fn pointer(v6: u32) -> Option<u8> {
    match v6 {
        // Version.
        0 => Some(0),
        // Traffic class.
        1 => Some(1),
        // Payload length.
        4 | 5 => Some(2),
        // Next header.
        6 => Some(9),
        // Hop limit.
        7 => Some(8),
        // Source.
        8..=23 => Some(12),
        // Destination.
        24..=39 => Some(16),
        // Flow label; extension headers and payload.
        _ => None,
    }
}
