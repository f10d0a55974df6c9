//! Who may be told that a packet was discarded, and what? (RFC 7915 §4.4, §5.4;
//! RFC 1122 §3.2.2; RFC 4443 §2.4 e.) The message is the caller's to make and to
//! limit: it knows from which address.

use core::net::Ipv6Addr;

use packet::icmp::{v4, v6};
use packet::ipv4::Ipv4Header;
use packet::{IpProtocol, VirtualAddr};

/// What an IPv4 sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V4Error {
    /// Time to live exceeded in transit: 11/0.
    TimeExceeded,
    /// Fragmentation needed and DF set: 3/4.
    FragmentationNeeded {
        /// The largest IPv4 packet that will do, in bytes.
        mtu: u16,
    },
    /// Source route failed: 3/5.
    SourceRouteFailed,
    /// Communication administratively prohibited: 3/13, for whatever RFC 7915
    /// names no other error.
    Prohibited,
}

impl V4Error {
    /// Type, code, and the last four bytes of the ICMP header.
    pub const fn message(self) -> (u8, u8, [u8; 4]) {
        match self {
            Self::TimeExceeded => (v4::TIME_EXCEEDED, 0, [0; 4]),
            Self::FragmentationNeeded { mtu } => {
                let [high, low] = mtu.to_be_bytes();
                (v4::UNREACHABLE, 4, [0, 0, high, low])
            }
            Self::SourceRouteFailed => (v4::UNREACHABLE, 5, [0; 4]),
            Self::Prohibited => (v4::UNREACHABLE, 13, [0; 4]),
        }
    }
}

/// What an IPv6 sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V6Error {
    /// Hop limit exceeded in transit: 3/0.
    TimeExceeded,
    /// Packet too big: 2/0.
    PacketTooBig {
        /// The largest IPv6 packet that will do, in bytes.
        mtu: u32,
    },
    /// Erroneous header field: 4/0.
    ParameterProblem {
        /// Which byte of the packet, from its IPv6 header on.
        pointer: u32,
    },
    /// Communication administratively prohibited: 1/1, for whatever RFC 7915
    /// names no other error.
    Prohibited,
}

impl V6Error {
    /// Type, code, and the last four bytes of the ICMPv6 header.
    pub const fn message(self) -> (u8, u8, [u8; 4]) {
        match self {
            Self::TimeExceeded => (v6::TIME_EXCEEDED, 0, [0; 4]),
            Self::PacketTooBig { mtu } => (v6::PACKET_TOO_BIG, 0, mtu.to_be_bytes()),
            Self::ParameterProblem { pointer } => (v6::PARAMETER_PROBLEM, 0, pointer.to_be_bytes()),
            Self::Prohibited => (v6::UNREACHABLE, 1, [0; 4]),
        }
    }
}

/// May there be an ICMP error about this packet? Never about an error, a later
/// fragment, to many, or from nobody (RFC 1122 §3.2.2).
pub(super) fn may_tell_v4(header: &Ipv4Header, payload: &[u8]) -> bool {
    header.source().is_unicast()
        && !to_many(header.destination())
        && !header.fragment().is_later()
        && (header.protocol != IpProtocol::ICMP
            || payload.first().is_some_and(|kind| !v4::is_error(*kind)))
}

/// Multicast and limited broadcast.
const fn to_many(destination: VirtualAddr) -> bool {
    let address = destination.ipv4();
    address.is_multicast() || address.is_broadcast()
}

/// May there be this ICMPv6 error about a packet between these two, with
/// `icmp` the ICMPv6 message in it if it is one?
pub(super) fn may_tell_v6(
    error: V6Error,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    icmp: Option<&[u8]>,
) -> bool {
    let too_big = matches!(error, V6Error::PacketTooBig { .. });
    // RFC 4443 §2.4 e.3: to many, only Packet Too Big (path MTUs of groups).
    let to_many = destination.is_multicast() && !too_big;
    let from_nobody = !is_station(source);
    let about = match (icmp, error) {
        (None, _) => true,
        // RFC 7915 §5.4: unless the packet is itself an ICMPv6 message.
        (Some(_), V6Error::Prohibited) => false,
        (Some(message), _) => message
            .first()
            .is_some_and(|kind| !v6::is_error(*kind) && *kind != REDIRECT),
    };
    about && !to_many && !from_nobody
}

/// RFC 4443 §2.4 e.2: no error about a redirect.
const REDIRECT: u8 = 137;

/// An address from which a packet can come through a router: not unspecified,
/// loopback, multicast or link-local (RFC 4291 §2.5.2, §2.5.3, §2.5.6, §2.7).
pub(super) const fn is_station(source: Ipv6Addr) -> bool {
    !source.is_unspecified()
        && !source.is_loopback()
        && !source.is_multicast()
        && !source.is_unicast_link_local()
}
