//! The IPv6 header in IPv4's terms (RFC 7915 §5.1, §5.1.1). Pure: one or two
//! headers in, a header out.

use packet::fragment::FragmentHeader;
use packet::ipv4::{Ipv4Fields, Ipv4Header};
use packet::ipv6::Ipv6Header;
use packet::{Fragment, IpProtocol, VirtualAddr};

/// What the IPv6 header does not say, or says elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The sender.
    pub source: VirtualAddr,
    /// The receiver.
    pub destination: VirtualAddr,
    /// Time to live.
    pub ttl: u8,
    /// The DF flag.
    pub dont_fragment: bool,
    /// The identification of a packet that is no fragment; a fragment has its
    /// own in its header.
    pub identification: u16,
}

/// The header of a packet with `payload_len` bytes behind all its IPv6 headers.
///
/// The protocol is copied but for ICMPv6 (§5.1, "Protocol").
pub fn header(
    v6: &Ipv6Header,
    fragment: Option<&FragmentHeader>,
    payload_len: u16,
    restored: Restored,
) -> Ipv4Header {
    let next_header = fragment.map_or(v6.next_header, |fragment| fragment.next_header);
    Ipv4Header::new(&Ipv4Fields {
        source: restored.source,
        destination: restored.destination,
        traffic_class: v6.traffic_class(),
        ttl: restored.ttl,
        protocol: match next_header {
            IpProtocol::ICMPV6 => IpProtocol::ICMP,
            other => other,
        },
        dont_fragment: restored.dont_fragment,
        identification: fragment.map_or(restored.identification, low_16_bits),
        fragment: fragment.map_or(Fragment::WHOLE, FragmentHeader::fragment),
        payload_len,
    })
}

/// §5.1.1: the low-order 16 bits of the fragment header's identification.
fn low_16_bits(fragment: &FragmentHeader) -> u16 {
    let [_, _, high, low] = fragment.identification().to_be_bytes();
    u16::from_be_bytes([high, low])
}
