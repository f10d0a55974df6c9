//! Echo between ICMPv4 and ICMPv6 (RFC 7915 §4.2, §5.2): the type changes, and
//! the checksum's pseudo-header comes or goes.

use packet::IpProtocol;
use packet::checksum::{self, Delta, Sum};
use packet::icmp::{IcmpHeader, v4, v6};
use packet::ipv6::Ipv6Header;
use zerocopy::FromBytes;

use crate::pipeline::verdict::DropReason;

/// Turns an ICMPv4 echo into an ICMPv6 echo for the packet with this header.
///
/// # Errors
/// `icmp-needs-raw` for everything else.
pub fn to_v6(payload: &mut [u8], outer: &Ipv6Header) -> Result<(), DropReason> {
    let pseudo = pseudo_header(payload, outer);
    if only_zeros(payload) {
        // An echo reply with a wrong checksum, which would come back right:
        // see `to_v4`.
        return Err(DropReason::IcmpNeedsRaw);
    }
    let (header, _) = IcmpHeader::mut_from_prefix(payload).map_err(|_| DropReason::IcmpNeedsRaw)?;
    let kind = match (header.kind, header.code) {
        (v4::ECHO_REQUEST, 0) => v6::ECHO_REQUEST,
        (v4::ECHO_REPLY, 0) => v6::ECHO_REPLY,
        _ => return Err(DropReason::IcmpNeedsRaw),
    };
    retype(header, kind, Delta::new(Sum::ZERO, pseudo));
    Ok(())
}

/// Turns an ICMPv6 echo into an ICMPv4 echo.
///
/// # Errors
/// `unexpected-next-header` for everything else: no vswitch sends it.
pub fn to_v4(payload: &mut [u8], outer: &Ipv6Header) -> Result<(), DropReason> {
    let pseudo = pseudo_header(payload, outer);
    let (header, _) =
        IcmpHeader::mut_from_prefix(payload).map_err(|_| DropReason::UnexpectedNextHeader)?;
    let kind = match (header.kind, header.code) {
        (v6::ECHO_REQUEST, 0) => v4::ECHO_REQUEST,
        (v6::ECHO_REPLY, 0) => v4::ECHO_REPLY,
        _ => return Err(DropReason::UnexpectedNextHeader),
    };
    retype(header, kind, Delta::new(pseudo, Sum::ZERO));
    if only_zeros(payload) {
        // An echo reply with identifier, sequence and data zero. Its sum is
        // zero, so its checksum is 0xffff, which no delta yields: in IPv4 there
        // is no pseudo-header that makes a sum differ from zero.
        payload.iter_mut().skip(2).take(2).for_each(|b| *b = 0xff);
    }
    Ok(())
}

/// Looks no further than the first byte that is not zero.
fn only_zeros(payload: &[u8]) -> bool {
    payload.iter().all(|byte| *byte == 0)
}

fn pseudo_header(payload: &[u8], outer: &Ipv6Header) -> Sum {
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    checksum::pseudo_header_v6(outer.address_sum(), len, IpProtocol::ICMPV6)
}

fn retype(header: &mut IcmpHeader, kind: u8, pseudo: Delta) {
    let word = |kind| Sum::word(u16::from_be_bytes([kind, header.code]));
    let delta = Delta::new(word(header.kind), word(kind)).and(pseudo);
    header.checksum = delta.apply(header.checksum.get()).into();
    header.kind = kind;
}
