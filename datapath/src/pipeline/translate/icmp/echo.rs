//! Echo between ICMPv4 and ICMPv6 (RFC 7915 §4.2, §5.2), in place: the type
//! changes, and the checksum's pseudo-header comes or goes. The data is not
//! read. RFC 7915 does not look at the code; between two vswitches one other than
//! 0 goes raw.

use packet::IpProtocol;
use packet::checksum::{self, Delta, Sum};
use packet::icmp::{ICMP_LEN, v4, v6};
use packet::ipv6::Ipv6Header;

use super::{Peer, Untranslatable};

/// Turns an ICMPv4 echo into an ICMPv6 echo for the packet with this header.
///
/// # Errors
/// [`Untranslatable::Kind`] for all but type 8 and 0 with code 0,
/// [`Untranslatable::Malformed`] for less than 8 bytes, [`Untranslatable::Lossy`]
/// for a checksum that [`to_v4`] would not restore. `payload` is as it was then.
pub fn to_v6(payload: &mut [u8], outer: &Ipv6Header) -> Result<(), Untranslatable> {
    if payload.len() < ICMP_LEN {
        return Err(Untranslatable::Malformed);
    }
    if !comes_back(payload) {
        return Err(Untranslatable::Lossy);
    }
    let pseudo = pseudo_header(outer, payload.len());
    retype(
        payload,
        Peer::Vswitch,
        kind_v6,
        Delta::new(Sum::ZERO, pseudo),
    )
}

/// Turns an ICMPv6 echo into an ICMPv4 echo.
///
/// # Errors
/// [`Untranslatable::Kind`] for all but type 128 and 129 with code 0,
/// [`Untranslatable::Malformed`] for less than 8 bytes. `payload` is as it was
/// then.
pub fn to_v4(payload: &mut [u8], outer: &Ipv6Header) -> Result<(), Untranslatable> {
    if payload.len() < ICMP_LEN {
        return Err(Untranslatable::Malformed);
    }
    let pseudo = pseudo_header(outer, payload.len());
    whole_to_v4(payload, Peer::Vswitch, pseudo)
}

/// Is the message an echo that [`to_v6`] translates?
pub fn survives(payload: &[u8]) -> bool {
    let is_echo = matches!(payload, [v4::ECHO_REQUEST | v4::ECHO_REPLY, 0, ..]);
    is_echo && payload.len() >= ICMP_LEN && comes_back(payload)
}

/// As [`to_v6`] for the beginning of a message, at least its checksum; `pseudo`
/// has the length of the whole.
///
/// # Errors
/// As [`to_v6`], but what [`to_v4`] would not restore is translated too, and with
/// external systems any code.
pub(in crate::pipeline::translate) fn quoted_to_v6(
    payload: &mut [u8],
    peer: Peer,
    pseudo: Sum,
) -> Result<(), Untranslatable> {
    retype(payload, peer, kind_v6, Delta::new(Sum::ZERO, pseudo))
}

/// As [`to_v4`] for the beginning of a message, at least its checksum; `pseudo`
/// has the length of the whole. `zeros_follow`: what is not here is known to be
/// nothing but zeros, or nothing at all.
///
/// # Errors
/// As [`to_v4`], but with external systems any code is translated.
pub(in crate::pipeline::translate) fn quoted_to_v4(
    payload: &mut [u8],
    peer: Peer,
    pseudo: Sum,
    zeros_follow: bool,
) -> Result<(), Untranslatable> {
    if zeros_follow {
        whole_to_v4(payload, peer, pseudo)
    } else {
        retype(payload, peer, kind_v4, Delta::new(pseudo, Sum::ZERO))
    }
}

fn whole_to_v4(payload: &mut [u8], peer: Peer, pseudo: Sum) -> Result<(), Untranslatable> {
    retype(payload, peer, kind_v4, Delta::new(pseudo, Sum::ZERO))?;
    if only_zeros(payload) {
        // An echo reply with identifier, sequence and data zero. Its sum is
        // zero, so its checksum is 0xffff, which no delta yields: in IPv4 there
        // is no pseudo-header that makes a sum differ from zero.
        payload.iter_mut().skip(2).take(2).for_each(|b| *b = 0xff);
    }
    Ok(())
}

/// One's complement has two zeros, and [`to_v4`] yields 0xffff for a message of
/// zeros and 0 for all others.
fn comes_back(payload: &[u8]) -> bool {
    let Some((&[kind, code, a, b], rest)) = payload.split_first_chunk::<4>() else {
        return false;
    };
    match [a, b] {
        [0xff, 0xff] => [kind, code] == [0, 0] && only_zeros(rest),
        [0, 0] => !only_zeros(payload),
        _ => true,
    }
}

/// Looks no further than the first byte that is not zero.
fn only_zeros(payload: &[u8]) -> bool {
    payload.iter().all(|byte| *byte == 0)
}

const fn kind_v6(kind: u8) -> Option<u8> {
    match kind {
        v4::ECHO_REQUEST => Some(v6::ECHO_REQUEST),
        v4::ECHO_REPLY => Some(v6::ECHO_REPLY),
        _ => None,
    }
}

const fn kind_v4(kind: u8) -> Option<u8> {
    match kind {
        v6::ECHO_REQUEST => Some(v4::ECHO_REQUEST),
        v6::ECHO_REPLY => Some(v4::ECHO_REPLY),
        _ => None,
    }
}

fn pseudo_header(outer: &Ipv6Header, len: usize) -> Sum {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    checksum::pseudo_header_v6(outer.address_sum(), len, IpProtocol::ICMPV6)
}

/// Replaces the type of a message that shows at least its checksum.
fn retype(
    payload: &mut [u8],
    peer: Peer,
    counterpart: fn(u8) -> Option<u8>,
    pseudo: Delta,
) -> Result<(), Untranslatable> {
    let first = payload.first_chunk_mut::<4>();
    let [kind, code, a, b] = first.ok_or(Untranslatable::Malformed)?;
    let new = counterpart(*kind).filter(|_| peer == Peer::External || *code == 0);
    let new = new.ok_or(Untranslatable::Kind)?;
    let word = |kind| Sum::word(u16::from_be_bytes([kind, 0]));
    let delta = Delta::new(word(*kind), word(new)).and(pseudo);
    let checksum = delta.apply(u16::from_be_bytes([*a, *b]));
    *kind = new;
    [*a, *b] = checksum.to_be_bytes();
    Ok(())
}
