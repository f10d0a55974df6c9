//! The datagram around what is for the switch itself.

use packet::IpProtocol;
use packet::checksum::{self, Sum};

/// A UDP header, in bytes.
pub(in crate::pipeline) const UDP_LEN: usize = 8;

/// What a datagram between two addresses carries; `None` where its length
/// contradicts it, or its checksum, which is looked at if it is `complete`.
pub(super) fn payload(datagram: &[u8], addresses: Sum, complete: bool) -> Option<&[u8]> {
    let &[_, _, _, _, a, b, c, d] = datagram.first_chunk::<UDP_LEN>()?;
    let len = u16::from_be_bytes([a, b]);
    let datagram = datagram.get(..usize::from(len))?;
    // RFC 768: zero is none.
    let has_sum = complete && [c, d] != [0, 0];
    let right = || sum(datagram, len, addresses).checksum() == 0;
    if has_sum && !right() {
        return None;
    }
    datagram.get(UDP_LEN..)
}

/// Writes the header in front of a datagram that is otherwise there. `None`, if
/// it is too short or too long to have one.
pub(super) fn write(datagram: &mut [u8], ports: (u16, u16), addresses: Sum) -> Option<()> {
    let len = u16::try_from(datagram.len()).ok()?;
    let [p, q, l] = [ports.0, ports.1, len].map(u16::to_be_bytes);
    let header = datagram.first_chunk_mut::<UDP_LEN>()?;
    *header = [p[0], p[1], q[0], q[1], l[0], l[1], 0, 0];
    let sum = match sum(datagram, len, addresses).checksum() {
        // RFC 768: a computed zero is sent as all ones.
        0 => 0xffff,
        sum => sum,
    };
    datagram.get_mut(6..8)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

/// The pseudo-header has the same words in IPv4 and in IPv6, where the length
/// fits 16 bits.
fn sum(datagram: &[u8], len: u16, addresses: Sum) -> Sum {
    let pseudo = checksum::pseudo_header_v6(addresses, u32::from(len), IpProtocol::UDP);
    pseudo.and(Sum::of(datagram))
}
