//! The logical routers, as a listing shows them.

use datapath::books::LegNumbers;
use packet::{MacAddr, VirtualAddr};
use vnet::compiled::Ipv4Subnet;

use super::SegmentLabel;

/// A logical router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// Its name, unique in its network.
    pub name: String,
    /// The virtual network it belongs to.
    pub network: String,
    /// The tenant that owns the network.
    pub entity: String,
    /// Where its errors come from about what came by no segment.
    pub source: Option<VirtualAddr>,
    /// Its interfaces.
    pub legs: Vec<RouterLeg>,
    /// How many routes it has, those to its own segments not counted.
    pub routes: usize,
}

/// A logical router's interface to a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterLeg {
    /// The segment.
    pub segment: SegmentLabel,
    /// The segment's range.
    pub subnet: Ipv4Subnet,
    /// The router's addresses there, at least one.
    pub addresses: Vec<VirtualAddr>,
    /// Its MAC there.
    pub mac: MacAddr,
    /// The segment's MTU, in bytes.
    pub mtu: u16,
    /// Does it answer ARP for what it would route?
    pub proxy_arp: bool,
    /// What this host has passed on by it.
    pub passed: LegNumbers,
}

/// A logical router's route to what it is not linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The destinations.
    pub to: Ipv4Subnet,
    /// The next hops: each flow takes one of them.
    pub next_hops: Vec<RouteNextHop>,
}

/// Who gets a packet from a logical router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteNextHop {
    /// The logical router that it is; `None`: a station.
    pub router: Option<String>,
    /// Its address, if there is a segment between the two.
    pub address: Option<VirtualAddr>,
    /// That segment.
    pub segment: Option<SegmentLabel>,
}
