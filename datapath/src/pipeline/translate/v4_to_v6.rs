//! The IPv4 header in IPv6's terms (RFC 7915 §4.1). Pure: a header in, one or
//! two headers out. What TTL becomes is the caller's: between vswitches it
//! travels in the flow label, with external systems it is the hop limit.

use core::net::Ipv6Addr;

use packet::IpProtocol;
use packet::fragment::{FRAGMENT_LEN, FragmentHeader};
use packet::ipv4::Ipv4Header;
use packet::ipv6::{FlowLabel, IPV6_LEN, Ipv6Fields, Ipv6Header};
use zerocopy::IntoBytes;

/// The addresses of a packet in IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The sender's.
    pub source: Ipv6Addr,
    /// The receiver's.
    pub destination: Ipv6Addr,
}

/// How TTL and DF travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hops {
    /// IPv6's flow label. RFC 7915 says 0.
    pub flow_label: FlowLabel,
    /// IPv6's hop limit. RFC 7915 says: the TTL, less the translator's hop.
    pub hop_limit: u8,
}

/// The IPv6 headers that stand for an IPv4 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// The header.
    pub v6: Ipv6Header,
    /// What follows it, where the packet is a fragment; never for a whole
    /// packet (RFC 8021: no atomic fragments).
    pub fragment: Option<FragmentHeader>,
}

/// The headers of a packet with `payload_len` bytes behind its IPv4 header,
/// options not counted.
///
/// The protocol is copied but for ICMP (§4.1, "Next Header"); the caller has
/// seen to it that it may be.
pub fn headers(v4: &Ipv4Header, payload_len: u16, addresses: Addresses, hops: Hops) -> Headers {
    let next_header = match v4.protocol {
        IpProtocol::ICMP => IpProtocol::ICMPV6,
        other => other,
    };
    let fragment = v4.fragment();
    // §4.1: the identification goes into the low 16 bits, the high ones are 0.
    let identification = u32::from(v4.identification());
    let fragment = fragment
        .is_fragment()
        .then(|| FragmentHeader::new(next_header, fragment, identification));
    let extra = if fragment.is_some() { FRAGMENT_LEN } else { 0 };
    let v6 = Ipv6Header::new(&Ipv6Fields {
        source: addresses.source,
        destination: addresses.destination,
        traffic_class: v4.traffic_class,
        flow_label: hops.flow_label,
        next_header: fragment.map_or(next_header, |_| IpProtocol::FRAGMENT),
        hop_limit: hops.hop_limit,
        // A packet that would be too long is refused before.
        payload_len: payload_len.saturating_add(u16::try_from(extra).unwrap_or(0)),
    });
    Headers { v6, fragment }
}

impl Headers {
    /// Their length together, in bytes: 40 or 48.
    #[expect(clippy::len_without_is_empty, reason = "there is always a header")]
    pub const fn len(&self) -> usize {
        match self.fragment {
            None => IPV6_LEN,
            Some(_) => IPV6_LEN + FRAGMENT_LEN,
        }
    }

    /// Writes them at the front of `bytes`.
    ///
    /// # Errors
    /// `bytes` is too short, and unspecified then.
    pub fn write(&self, bytes: &mut [u8]) -> Result<(), packet::NoRoom> {
        let no_room = |_| packet::NoRoom;
        self.v6.write_to_prefix(bytes).map_err(no_room)?;
        if let Some(fragment) = &self.fragment {
            let rest = bytes.get_mut(IPV6_LEN..).ok_or(packet::NoRoom)?;
            fragment.write_to_prefix(rest).map_err(|_| packet::NoRoom)?;
        }
        Ok(())
    }
}
