//! To and from systems that have no vswitch in front of them: RFC 7915 to the
//! letter, stateless. Between two vswitches transparency is the rule instead,
//! and nothing here applies. docs/rfc7915.md says clause by clause where each
//! thing is.
//!
//! Pure: a packet (from its IP header on) in; packets out, into a sink.
//!
//! * [`to_v6`], [`to_v4`]: the two directions (§4, §5).
//! * [`answer`]: what the sender of a refused packet is told, and when nobody
//!   may be told anything (§4.4, §5.4).
//! * [`cut`]: pieces of what is too long (§4.1, §5.1.1).
//! * [`source_route`]: the IPv4 options that are not just ignored (§4.1).
//! * [`chain`]: IPv6 extension headers (§5.1, §5.1.1).
//! * [`front`]: the changed beginning of a payload.
//! * [`udp`]: datagrams without a checksum (§4.5).
//! * [`icmp`]: messages, whole ones (§4.2, §4.3, §5.2, §5.3).
//! * [`rfc6052`]: the address mapping of §6.
//!
//! Exits: [`Outcome`].

pub mod answer;
pub mod chain;
pub mod cut;
pub mod front;
pub mod icmp;
pub mod rfc6052;
pub mod source_route;
pub mod to_v4;
pub mod to_v6;
pub mod udp;

#[cfg(test)]
mod tests;

use core::net::Ipv6Addr;

use packet::{IpProtocol, VirtualAddr};

use super::icmp::Untranslatable;
use super::mtu::{IPV6_MIN_MTU, NextHops};

/// What becomes of a packet; `E` is the error that its sender can be told in
/// its own IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<E> {
    /// So many packets went into the sink, in order: more than one where it was
    /// too long.
    Translated(usize),
    /// Discarded; its sender is to be told, within the caller's rate limit
    /// (§4.4, §5.4), and the reason to be counted.
    Answer(E, Why),
    /// Discarded; the reason is to be counted, and nobody to be told.
    Dropped(Why),
}

/// Why a packet is not translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its headers contradict its length, or its header checksum is wrong
    /// (RFC 1812 §5.2.2).
    Malformed,
    /// No station may send with its source address (§4.1, §5.1; RFC 1812
    /// §5.3.7). Silent.
    IllegalSource,
    /// The address mapping has no address of the other version (§6), or none
    /// that a station can have (§8).
    NoAddress,
    /// Its TTL or hop limit ends here (§4.1, §5.1).
    TimeExceeded,
    /// It asks for a route of its own: an IPv4 source route that is not at its
    /// end, an IPv6 routing header with segments left (§4.1, §5.1).
    SourceRouted,
    /// It is too long for the next hop, and may not be cut (§1.4, §4.1).
    TooBig,
    /// IGMP: its messages are for one link, or for routers that must not be
    /// neighbours across a translator (§4.2). Silent.
    Igmp,
    /// A protocol number that means something else in the other version: in IPv6
    /// it would speak to the fabric, or be ICMPv4 that nobody has translated.
    /// Not RFC 7915's: §4.1 and §5.1 would copy it.
    ForeignProtocol(IpProtocol),
    /// A piece of an ICMP message: its checksum covers the rest (§1.2).
    IcmpFragment,
    /// A UDP datagram without a checksum, which IPv6 wants: in pieces, or not
    /// to be computed. To be reported with what is said here (§4.5).
    UdpWithoutChecksum(Ends),
    /// An extension header inside a fragment. To be logged (§5.1.1).
    ExtensionHeaders,
    /// An ICMP message without a counterpart, or whose checksum is wrong: a new
    /// one would hide that (§4.2, §4.3, §5, §5.2, §5.3). Silent.
    Icmp(Untranslatable),
}

/// Between whom a datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The sender, in IPv4.
    pub source: VirtualAddr,
    /// The receiver, in IPv4.
    pub destination: VirtualAddr,
    /// Their ports.
    pub ports: (u16, u16),
}

/// A stateless mapping of addresses (§6). RFC 6052's names: a system of the
/// IPv4 side is seen in IPv6 by an IPv4-converted address; a system of the IPv6
/// side has an IPv4-translatable one.
pub trait AddressMap {
    /// The IPv6 address that stands for a system of the IPv4 side.
    fn converted(&self, v4: VirtualAddr) -> Option<Ipv6Addr>;
    /// The IPv6 address of the system that is known in IPv4 by this one.
    fn translatable(&self, v4: VirtualAddr) -> Option<Ipv6Addr>;
    /// The system of the IPv4 side for which this address stands.
    fn converted_back(&self, v6: Ipv6Addr) -> Option<VirtualAddr>;
    /// The IPv4 address by which this system of the IPv6 side is known.
    fn translatable_back(&self, v6: Ipv6Addr) -> Option<VirtualAddr>;
}

/// What an administrator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Where IPv4 allows cutting, IPv6 packets are kept to so many bytes (§4.1
    /// "lowest-ipv6-mtu"); less than 1280 is taken for 1280.
    pub lowest_ipv6_mtu: u16,
    /// What becomes of IPv4's type of service (§4.1, "Traffic Class").
    pub traffic_class: TrafficClass,
    /// What becomes of IPv6's traffic class (§5.1, "Type of Service").
    pub type_of_service: TypeOfService,
    /// What becomes of whole UDP datagrams without a checksum (§4.5).
    pub udp_without_checksum: UdpWithoutChecksum,
    /// The source of an ICMP error that comes from where no IPv4 address is
    /// (RFC 6791 §3.2).
    pub nameless: VirtualAddr,
}

impl Default for Settings {
    /// RFC 7915's defaults, and the IPv4 dummy address (RFC 7600 §4.8).
    fn default() -> Self {
        Self {
            lowest_ipv6_mtu: IPV6_MIN_MTU,
            traffic_class: TrafficClass::Copied,
            type_of_service: TypeOfService::Copied,
            udp_without_checksum: UdpWithoutChecksum::Computed,
            nameless: VirtualAddr::from_bits(0xc000_0008),
        }
    }
}

/// What becomes of DSCP and ECN on the way to IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficClass {
    /// Copied, all eight bits.
    Copied,
    /// Ignored, and zero in IPv6.
    Zero,
}

impl TrafficClass {
    /// What it is, if not as it was.
    const fn instead(self) -> Option<u8> {
        match self {
            Self::Copied => None,
            Self::Zero => Some(0),
        }
    }
}

/// What becomes of DSCP and ECN on the way to IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeOfService {
    /// Copied, all eight bits.
    Copied,
    /// Ignored, and this in IPv4.
    Always(u8),
}

impl TypeOfService {
    /// What it is, if not as it was.
    const fn instead(self) -> Option<u8> {
        match self {
            Self::Copied => None,
            Self::Always(always) => Some(always),
        }
    }
}

/// What becomes of whole UDP datagrams without a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UdpWithoutChecksum {
    /// They get one: the only case in which payload is read.
    Computed,
    /// They are discarded.
    Dropped,
}

/// All that is known besides the packet.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The addresses.
    pub map: &'a dyn AddressMap,
    /// The administrator's choices.
    pub settings: &'a Settings,
    /// How much the next hops carry, where known.
    pub next_hops: NextHops,
}

/// Where packets go: the headers with what was changed behind them, then the
/// rest, which stayed as it was.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8], &[u8]);

/// A packet is discarded, and its sender told if `error` says what.
#[derive(Debug, Clone, Copy)]
struct Refusal<E> {
    why: Why,
    error: Option<E>,
}

impl<E> Refusal<E> {
    const fn silent(why: Why) -> Self {
        Self { why, error: None }
    }

    const fn told(why: Why, error: E) -> Self {
        Self {
            why,
            error: Some(error),
        }
    }

    /// `may_tell`: may there be an error about this packet at all?
    fn outcome(self, may_tell: bool) -> Outcome<E> {
        match self.error {
            Some(error) if may_tell => Outcome::Answer(error, self.why),
            _ => Outcome::Dropped(self.why),
        }
    }
}
