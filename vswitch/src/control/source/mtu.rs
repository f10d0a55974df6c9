//! How large packets may be on their way to other hosts, as a listing shows it.

use core::net::Ipv6Addr;
use core::time::Duration;

use super::SegmentLabel;

/// How large packets may be on the way from this host's interfaces in a segment
/// to those on some host, in the same segment or behind logical routers. All
/// sizes are of IP packets, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtuPath {
    /// The segment.
    pub segment: SegmentLabel,
    /// The host it leads to, by name.
    pub host: String,
    /// The segment it leads to, where logical routers are between.
    pub to_segment: Option<SegmentLabel>,
    /// What the segment promises its nodes, or the narrowest segment on the way.
    pub segment_mtu: u16,
    /// Where it leads.
    pub way: MtuWay,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MtuWay {
    /// To this very host.
    SameHost,
    /// Nowhere: no route leads to the host.
    NoRoute,
    /// Over the substrate.
    Substrate {
        /// The next hops among which flows are spread.
        next_hops: Vec<MtuNextHop>,
        /// What the fabric's routers have said, if anything.
        learned: Option<LearnedMtu>,
        /// The largest IPv6 packet that is sent there.
        path_mtu: u16,
        /// What follows from it.
        limits: MtuLimits,
    },
}

/// A next hop, and its link's MTU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtuNextHop {
    /// The uplink's port.
    pub port: String,
    /// Its address on the link.
    pub address: Ipv6Addr,
    /// The largest IPv6 packet that the link carries.
    pub mtu: u16,
}

/// A path MTU that a router's Packet Too Big has taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LearnedMtu {
    /// The largest IPv6 packet that gets there.
    pub mtu: u16,
    /// In how long that is forgotten (RFC 8201 §4).
    pub holds_for: Duration,
}

/// The largest IPv4 packet that passes in one piece, by how it travels; never
/// more than what the segment promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MtuLimits {
    /// An ordinary packet, rewritten.
    pub whole: u16,
    /// A fragment, rewritten.
    pub fragment: u16,
    /// What travels raw.
    pub raw: u16,
}
