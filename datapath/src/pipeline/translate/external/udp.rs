//! A UDP datagram without a checksum, on its way to IPv6, which wants one
//! (RFC 7915 §4.5; RFC 8200 §8.1).

use packet::IpProtocol;
use packet::checksum::{self, Sum};

/// The ports of a datagram; zeros where it has not even these.
pub fn ports(datagram: &[u8]) -> (u16, u16) {
    let [a, b, c, d] = datagram.first_chunk().copied().unwrap_or_default();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// The checksum of a whole datagram that has none, between IPv6 addresses of
/// this sum; `None` if its length field contradicts its length.
pub fn checksum_v6(datagram: &[u8], addresses: Sum) -> Option<u16> {
    let [high, low] = *datagram.get(4..6)?.first_chunk::<2>()?;
    let len = u16::from_be_bytes([high, low]);
    // RFC 768: the length is at least the header's; what IP carries behind the
    // datagram is not covered.
    let datagram = datagram.get(..usize::from(len)).filter(|_| len >= 8)?;
    let pseudo = checksum::pseudo_header_v6(addresses, u32::from(len), IpProtocol::UDP);
    match pseudo.and(Sum::of(datagram)).checksum() {
        // RFC 768: a computed zero is sent as all ones.
        0 => Some(0xffff),
        sum => Some(sum),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATAGRAM: [u8; 11] = [0, 53, 0x30, 0x39, 0, 11, 0, 0, b'a', b'b', b'c'];

    /// RFC 7915 §4.5: computed over the pseudo-header and the datagram.
    #[test]
    fn a_computed_checksum_makes_the_sum_all_ones() {
        let addresses = Sum::of(&[0x20, 0x01, 0x0d, 0xb8]);
        let mut datagram = DATAGRAM;
        let sum = checksum_v6(&datagram, addresses).unwrap();
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        let pseudo = checksum::pseudo_header_v6(addresses, 11, IpProtocol::UDP);
        assert_eq!(pseudo.and(Sum::of(&datagram)).fold(), 0xffff);
        // What IP carries behind the datagram is not covered.
        let longer = [&DATAGRAM[..], &[1, 2, 3]].concat();
        assert_eq!(checksum_v6(&longer, addresses), Some(sum));
    }

    #[test]
    fn a_computed_zero_is_all_ones() {
        // An address sum that makes the rest zero.
        let pseudo = checksum::pseudo_header_v6(Sum::ZERO, 11, IpProtocol::UDP);
        let rest = pseudo.and(Sum::of(&DATAGRAM)).fold();
        assert_eq!(checksum_v6(&DATAGRAM, Sum::word(!rest)), Some(0xffff));
    }

    #[test]
    fn a_length_that_is_not_the_datagrams_has_no_checksum() {
        for len in [0, 7, 12, 0xff] {
            let mut datagram = DATAGRAM;
            datagram[5] = len;
            assert_eq!(checksum_v6(&datagram, Sum::ZERO), None, "{len}");
        }
        assert_eq!(checksum_v6(&DATAGRAM[..5], Sum::ZERO), None);
    }
}
