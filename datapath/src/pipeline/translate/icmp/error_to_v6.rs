//! An ICMPv4 error message in ICMPv6 (RFC 7915 §4.2).

use packet::checksum::{self, Sum};
use packet::icmp::{ICMP_LEN, IcmpHeader, v4, v6};
use packet::{VirtualAddr, ipv6::IPV6_LEN};
use zerocopy::{FromBytes, IntoBytes};

use super::extension::{self, Unit};
use super::quoted::V4;
use super::{MAX_ERROR_V6, Peer, Untranslatable, pseudo_header};
use crate::pipeline::translate::mtu::{self, Carriage, NextHops};
use crate::pipeline::translate::v4_to_v6::Addresses;

/// What the translation of a message to IPv6 needs to know beside it.
#[derive(Clone, Copy)]
pub struct ToV6<'a> {
    /// The message's own addresses in IPv6.
    pub outer: Addresses,
    /// Who receives it.
    pub peer: Peer,
    /// What bounds the MTU that it reports.
    pub mtu: NextHops,
    /// The quoted packet's DSCP and ECN in IPv6, if not those it has.
    pub traffic_class: Option<u8>,
    /// The quoted packet's source and destination in IPv6.
    pub quoted: &'a dyn Fn(VirtualAddr, VirtualAddr) -> Option<Addresses>,
}

/// Writes in `out` the ICMPv6 message that stands for an ICMPv4 error, both from
/// the first byte of the ICMP header on; gives its length in bytes, at most
/// [`MAX_ERROR_V6`]. Echo is not for here: see [`super::echo`].
///
/// # Errors
/// Why there is none. `out` is unspecified then.
pub fn to_v6(message: &[u8], cx: &ToV6<'_>, out: &mut [u8]) -> Result<usize, Untranslatable> {
    let icmp = IcmpHeader::ref_from_prefix(message);
    let (icmp, body) = icmp.map_err(|_| Untranslatable::Malformed)?;
    let meaning = meaning(icmp)?;
    if checksum::of(message) != 0 {
        return Err(Untranslatable::Checksum);
    }
    let [_, attribute, a, b] = icmp.word().to_be_bytes();
    let parts = extension::split(body, attribute, Unit::V4);
    let mut quoted = V4::parse(parts.datagram)?;
    if !parts.extension.is_empty() {
        quoted = quoted.unpadded();
    }
    if let Some(traffic_class) = cx.traffic_class {
        quoted.header.traffic_class = traffic_class;
    }
    let room = out.len().min(MAX_ERROR_V6);
    let out = out
        .get_mut(..room)
        .and_then(|out| out.split_at_mut_checked(ICMP_LEN));
    let (front, behind) = out.ok_or(Untranslatable::TooLong)?;
    let addresses = (cx.quoted)(quoted.header.source(), quoted.header.destination());
    let written = quoted.write_v6(cx.peer, addresses, behind)?;
    let mut cut = written.cut;
    let mut len = written.len;
    let word = match meaning.word {
        Word::Length => {
            let appended = extension::append(behind, len, parts.extension, Unit::V6);
            len = appended.len;
            cut |= appended.cut;
            u32::from_be_bytes([appended.attribute, 0, 0, 0])
        }
        Word::Mtu => {
            let carriage = match cx.peer {
                Peer::Vswitch => quoted.carriage(),
                Peer::External => Carriage::Rewritten,
            };
            let advertised = u16::from_be_bytes([a, b]);
            let total_len = u16::try_from(quoted.header.total_len()).unwrap_or(u16::MAX);
            mtu::to_packet_too_big(advertised, total_len, carriage, cx.mtu)
        }
        Word::Pointer(pointer) => u32::from(pointer),
    };
    if cut && cx.peer == Peer::Vswitch {
        return Err(Untranslatable::TooLong);
    }
    let mut header = IcmpHeader::new(meaning.kind, meaning.code, word);
    let body = behind.get(..len).ok_or(Untranslatable::TooLong)?;
    let sum = Sum::of(header.as_bytes()).and(Sum::of(body));
    let sum = sum.and(pseudo_header(cx.outer, ICMP_LEN + len));
    header.checksum = sum.checksum().into();
    front.copy_from_slice(header.as_bytes());
    Ok(ICMP_LEN + len)
}

/// An ICMPv6 error's header, but for what depends on its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    kind: u8,
    code: u8,
    word: Word,
}

/// What the last four bytes of the header are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// RFC 4884's length attribute, and zeros.
    Length,
    /// An MTU; there is no place for a length attribute, and so no extension.
    Mtu,
    /// A pointer; no extension either.
    Pointer(u8),
}

/// RFC 7915 §4.2, type by type and code by code.
fn meaning(icmp: &IcmpHeader) -> Result<Meaning, Untranslatable> {
    use v4::{parameter, unreachable};
    let unreachable = |code| Meaning {
        kind: v6::UNREACHABLE,
        code,
        word: Word::Length,
    };
    Ok(match (icmp.kind, icmp.code) {
        (v4::UNREACHABLE, code) => match code {
            unreachable::NET
            | unreachable::HOST
            | unreachable::SOURCE_ROUTE_FAILED
            | unreachable::NET_UNKNOWN
            | unreachable::HOST_UNKNOWN
            | unreachable::SOURCE_ISOLATED
            | unreachable::NET_TOS
            | unreachable::HOST_TOS => unreachable(v6::unreachable::NO_ROUTE),
            unreachable::NET_PROHIBITED
            | unreachable::HOST_PROHIBITED
            | unreachable::PROHIBITED
            | unreachable::PRECEDENCE_CUTOFF => unreachable(v6::unreachable::PROHIBITED),
            unreachable::PORT => unreachable(v6::unreachable::PORT),
            unreachable::PROTOCOL => Meaning {
                kind: v6::PARAMETER_PROBLEM,
                code: v6::parameter::NEXT_HEADER,
                word: Word::Pointer(NEXT_HEADER_AT),
            },
            unreachable::FRAGMENTATION_NEEDED => Meaning {
                kind: v6::PACKET_TOO_BIG,
                code: 0,
                word: Word::Mtu,
            },
            _ => return Err(Untranslatable::Kind),
        },
        (v4::TIME_EXCEEDED, code) => Meaning {
            kind: v6::TIME_EXCEEDED,
            code,
            word: Word::Length,
        },
        (v4::PARAMETER_PROBLEM, parameter::POINTER | parameter::BAD_LENGTH) => {
            let [at, ..] = icmp.word().to_be_bytes();
            Meaning {
                kind: v6::PARAMETER_PROBLEM,
                code: v6::parameter::FIELD,
                word: Word::Pointer(pointer(at).ok_or(Untranslatable::Pointer)?),
            }
        }
        _ => return Err(Untranslatable::Kind),
    })
}

/// Where IPv6's next header is, in bytes.
const NEXT_HEADER_AT: u8 = 6;

/// RFC 7915, figure 3: the field of the IPv6 header that stands for a field of
/// the IPv4 header, both in bytes.
const fn pointer(v4: u8) -> Option<u8> {
    match v4 {
        // Version; type of service.
        0 | 1 => Some(v4),
        // Length.
        2 | 3 => Some(4),
        // Time to live.
        8 => Some(7),
        // Protocol.
        9 => Some(NEXT_HEADER_AT),
        // Source.
        12..=15 => Some(8),
        // Destination.
        16..=19 => Some(24),
        // Identification, fragment, checksum; options.
        _ => None,
    }
}

const _: () = assert!(MAX_ERROR_V6 + IPV6_LEN == mtu::IPV6_MIN_MTU as usize);
