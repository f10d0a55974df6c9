//! Does the packet say which way it wants to go? Source routing is refused with
//! ICMP 3/5, wherever it leads: what RFC 1812 §5.3.13.4 lets a router's
//! administrator choose is the rule here.

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::IPV4_LEN;
use packet::ipv4_options::{Ipv4Options, MalformedOption};

use crate::pipeline::batch::IpTuple;

/// Has the IPv4 packet of a bare frame a loose or strict source route among its
/// options, even a malformed one? What stands behind a malformed option is not
/// looked at.
pub fn is_source_routed(frame: &[u8], ip: &IpTuple) -> bool {
    let options = ETHERNET_LEN + IPV4_LEN..ETHERNET_LEN + usize::from(ip.header_len);
    let options = frame.get(options).unwrap_or_default();
    Ipv4Options::new(options).any(|option| {
        let kind = option.map_or_else(|MalformedOption { kind }| kind, |option| option.kind);
        kind.is_source_route()
    })
}

#[cfg(test)]
mod tests {
    use packet::MacAddr;
    use packet::build::Frame;
    use packet::ipv4::Ipv4Header;
    use zerocopy::FromBytes;

    use super::*;

    fn routed(options: &[u8]) -> bool {
        let frame = Frame::between(MacAddr::ZERO, MacAddr::ZERO);
        let frame = frame.ipv4([1; 4], [2; 4]).options(options).udp(1, 2, b"x");
        let (header, _) = Ipv4Header::ref_from_prefix(&frame[ETHERNET_LEN..]).unwrap();
        is_source_routed(&frame, &IpTuple::of_header(header))
    }

    #[test]
    fn a_source_route_is_refused_wherever_it_leads_and_however_it_is_written() {
        for kind in [131, 137] {
            assert!(routed(&[kind, 7, 4, 10, 0, 0, 9, 0]));
            assert!(routed(&[kind, 7, 8, 10, 0, 0, 9, 0]), "at its end");
            assert!(routed(&[1, 7, 3, 4, kind, 3, 4, 0]), "behind others");
            assert!(routed(&[1, 1, 1, kind]), "without a length");
            assert!(routed(&[kind, 200, 4, 0]), "too long");
            assert!(!routed(&[0, kind, 3, 4]), "behind the list's end");
            assert!(!routed(&[7, 1, kind, 3]), "behind a malformed option");
        }
        assert!(!routed(&[]));
        assert!(!routed(&[7, 7, 4, 0, 0, 0, 0, 0]));
    }
}
