//! ICMP in the other version's terms (RFC 7915 §4.2, §4.3, §5.2, §5.3), as
//! pure functions over bytes.
//!
//! * [`echo`]: echo, in place; the data is not read.
//! * [`to_v6`], [`to_v4`]: error messages, from one slice into another, the
//!   packet they quote translated too (`quoted`), what is appended to it carried
//!   along (`extension`, RFC 4884).
//! * [`to_v6_if_it_comes_back`]: the same between two vswitches, where nothing
//!   may be lost: `round_trip`.
//! * [`returned_to_v4`]: a packet of ours as one of the fabric's own routers
//!   quotes it.
//!
//! What has no counterpart is [`Untranslatable`]: between vswitches it goes raw,
//! elsewhere it is dropped.

pub mod echo;
mod error_to_v4;
mod error_to_v6;
mod extension;
mod quoted;
mod returned;
mod round_trip;
#[cfg(test)]
mod tests;

use core::net::Ipv6Addr;

use packet::checksum::{self, Sum};
use packet::{IpProtocol, SubstrateAddr, VirtualAddr};

pub use self::error_to_v4::{ToV4, to_v4};
pub use self::error_to_v6::{ToV6, to_v6};
pub use self::returned::{Returned, returned_to_v4};
pub use self::round_trip::{Scratch, to_v6_if_it_comes_back};

use super::v4_to_v6::Addresses;

/// The longest ICMPv6 error message in bytes: with its IPv6 header it fits
/// IPv6's least MTU (RFC 4443 §2.4 c).
pub const MAX_ERROR_V6: usize = 1280 - packet::ipv6::IPV6_LEN;

/// Who is on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A vswitch. TTL and DF of the quoted packet travel in its flow label, and
    /// nothing may be cut off.
    Vswitch,
    /// Anybody else: RFC 7915 to the letter. The quoted packet's TTL is its hop
    /// limit, and what is too long is cut off.
    External,
}

/// Why a message has no counterpart in the other version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untranslatable {
    /// The type or code: "silently drop" in RFC 7915 §4.2 and §5.2.
    #[error("its type and code mean nothing in the other version")]
    Kind,
    /// A parameter problem in a field that the other header does not have:
    /// RFC 7915, figures 3 and 6.
    #[error("its pointer points to a field that the other version does not have")]
    Pointer,
    /// Shorter than its header, or what it quotes is no IP header
    /// (RFC 792, RFC 4443 §2.1).
    #[error("it is cut short, or what it quotes is no IP packet")]
    Malformed,
    /// Its own checksum is wrong. An update would have to keep it so
    /// (RFC 7915 §4.2, §5.2); but for echo, checksums are made anew here.
    #[error("its checksum is wrong")]
    Checksum,
    /// It quotes ICMP other than an unfragmented echo: no second quoted header
    /// is translated (RFC 7915 §4.3, §5.3), and no fragmented ICMP (§1.2: the
    /// pseudo-header has the length of the whole).
    #[error("it quotes ICMP that is not an unfragmented echo")]
    QuotedIcmp,
    /// It quotes a protocol whose number means something else in the other
    /// version (RFC 8200 §4), or an extension header behind a fragment header
    /// (RFC 7915 §5.1.1).
    #[error("it quotes a protocol that the other version has not")]
    QuotedProtocol,
    /// It quotes a source-routed packet on its way (RFC 7915 §5.1).
    #[error("it quotes a packet with a routing header that is not used up")]
    QuotedRoute,
    /// The quoted packet's addresses have no counterpart (RFC 7915 §6).
    #[error("it quotes addresses that have no counterpart")]
    QuotedAddress,
    /// Longer than an error message may be (RFC 4443 §2.4 c), or than the room
    /// given.
    #[error("it would be too long")]
    TooLong,
    /// The way back would not restore it, byte for byte.
    #[error("it would not come back as it is")]
    Lossy,
}

/// The virtual addresses that a pair of substrate addresses contains: how the
/// packets that vswitches quote to each other are read.
pub fn embedded(source: Ipv6Addr, destination: Ipv6Addr) -> Option<(VirtualAddr, VirtualAddr)> {
    let address = |address| Some(SubstrateAddr::from_ipv6(address).ok()?.address);
    Some((address(source)?, address(destination)?))
}

/// The sum of the pseudo-header of an ICMPv6 message (RFC 4443 §2.3).
fn pseudo_header(addresses: Addresses, message_len: usize) -> Sum {
    let sum = Sum::of(&addresses.source.octets()).and(Sum::of(&addresses.destination.octets()));
    let len = u32::try_from(message_len).unwrap_or(u32::MAX);
    checksum::pseudo_header_v6(sum, len, IpProtocol::ICMPV6)
}
