//! Which MAC has an interface for which none was given?

use packet::{MacAddr, SegmentId, VirtualAddr};

/// The MAC of an interface for which none was given: `02`, the exclusive or
/// of the segment id's three octets, and the four octets of its first
/// address. It is locally administered, of the kind that administrators may
/// assign (IEEE 802c), differs from that of every other address in the
/// segment, and is the same on every host.
pub fn derive_mac(segment: SegmentId, address: VirtualAddr) -> MacAddr {
    let [_, x, y, z] = segment.get().to_be_bytes();
    let [a, b, c, d] = address.to_bits().to_be_bytes();
    MacAddr::new([0x02, x ^ y ^ z, a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example() {
        let segment = SegmentId::new(0xa001).unwrap();
        let address = VirtualAddr::new("10.0.0.3".parse().unwrap());
        let mac = derive_mac(segment, address);
        assert_eq!(mac.to_string(), "02:a1:0a:00:00:03");
        assert!(mac.is_unicast());
    }
}
