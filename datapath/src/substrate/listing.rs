//! What the host shows of itself to people.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::MacAddr;
use vnet::compiled::PortId;

use super::dad::{AddressKind, AddressState};
use super::host::SubstrateHost;
use super::neighbor::NeighborState;
use super::neighbor_cache::Entry;
use super::routes::LinkAddress;
use super::snapshot::NextHopId;

/// A neighbour, for listings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeighborInfo {
    /// The uplink it is on.
    pub port: PortId,
    /// Its address.
    pub address: Ipv6Addr,
    /// Its MAC, if known.
    pub mac: Option<MacAddr>,
    /// What is known of its reachability.
    pub state: NeighborState,
    /// When that state began, on the clock that was passed in.
    pub since: Duration,
    /// It says that it is a router.
    pub router: bool,
    /// Set if a route leads through it; otherwise it was learned.
    pub next_hop: Option<NextHopId>,
}

/// An address of the host, for listings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressInfo {
    /// The uplink it is on.
    pub port: PortId,
    /// The address.
    pub address: Ipv6Addr,
    /// Where it comes from.
    pub kind: AddressKind,
    /// Whether it may be used.
    pub state: AddressState,
    /// When that state began, on the clock that was passed in.
    pub since: Duration,
}

impl SubstrateHost {
    /// All neighbours, by uplink and address.
    pub fn neighbors(&self) -> Vec<NeighborInfo> {
        let info = |(at, entry): (LinkAddress, &Entry)| {
            Some(NeighborInfo {
                port: self.uplink(at.uplink).ok()?.port,
                address: at.address,
                mac: entry.neighbor.mac(),
                state: entry.neighbor.state(),
                since: entry.neighbor.since(),
                router: entry.neighbor.router(),
                next_hop: entry.next_hop,
            })
        };
        self.neighbors.iter().filter_map(info).collect()
    }

    /// All addresses of the host, by uplink.
    pub fn addresses(&self) -> Vec<AddressInfo> {
        self.uplinks
            .iter()
            .flat_map(|uplink| {
                uplink.addresses.iter().map(|own| AddressInfo {
                    port: uplink.port,
                    address: own.address,
                    kind: own.kind,
                    state: own.state(),
                    since: own.since(),
                })
            })
            .collect()
    }
}
