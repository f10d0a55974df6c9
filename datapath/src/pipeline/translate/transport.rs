//! The transport's checksum, brought up to date with the new pseudo-header
//! (RFC 7915 §4.5, §5.5) by incremental update (RFC 1624).
//!
//! The payload is never read. In a fragmented datagram the field is in whichever
//! fragment covers its bytes: fragments begin at multiples of 8, and no
//! transport's checksum lies across one.

use packet::checksum::Delta;
use packet::{Fragment, IpProtocol, TransportChecksum};

/// Applies the change of the pseudo-header's addresses to the checksum of TCP,
/// UDP, UDP-Lite and DCCP, if `payload`, which stands at `fragment` of its
/// datagram, has it. A datagram too short to have one stays as it is.
pub fn update(
    payload: &mut [u8],
    protocol: IpProtocol,
    fragment: Fragment,
    state: TransportChecksum,
    delta: Delta,
) {
    let Some(field) = field_mut(payload, protocol, fragment) else {
        return;
    };
    let old = u16::from_be_bytes(*field);
    let new = match state {
        // The field is a sum, not its complement, and no special value.
        TransportChecksum::Partial => !delta.apply(!old),
        TransportChecksum::Complete => {
            let never_zero = matches!(protocol, IpProtocol::UDP | IpProtocol::UDP_LITE);
            if never_zero && old == 0 {
                // RFC 768: no checksum. It stays none between two vswitches.
                // RFC 3828 §3.1: illegal, and so it must arrive.
                return;
            }
            match delta.apply(old) {
                // RFC 768, RFC 3828 §3.1: a computed zero is sent as all ones.
                0 if never_zero => 0xffff,
                new => new,
            }
        }
    };
    *field = new.to_be_bytes();
}

/// The checksum field, if these bytes of the datagram have it.
pub fn field(payload: &[u8], protocol: IpProtocol, fragment: Fragment) -> Option<u16> {
    let at = protocol.checksum_offset()?.checked_sub(fragment.offset())?;
    let field = payload.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*field))
}

fn field_mut(payload: &mut [u8], protocol: IpProtocol, fragment: Fragment) -> Option<&mut [u8; 2]> {
    let at = protocol.checksum_offset()?.checked_sub(fragment.offset())?;
    payload.get_mut(at..)?.first_chunk_mut::<2>()
}
