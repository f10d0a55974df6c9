//! Everything the pipeline reads, under one root: a change of configuration is
//! atomic for packets, because a burst reads one root.

pub mod mapping;
pub mod marks;
pub mod path_mtu;
pub mod ports;
pub mod publish;

use core::net::Ipv6Addr;
use std::sync::Arc;

use hashbrown::HashSet;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::{Compiled, HostId, InterfaceId, MappingKind, PortId};

pub use mapping::{MappingEntry, MappingTable};
pub use marks::UseMarks;
pub use path_mtu::PathMtus;
pub use ports::{Interface, PortOffloads, PortRole, PortTable, Segment, SegmentRouter};

use crate::substrate::UplinkTable;

/// One consistent state of the whole configuration, and of the neighbours.
#[derive(Debug, Clone)]
pub struct Tables {
    /// What the tenants drew.
    pub drawn: Arc<Drawn>,
    /// How the substrate is reached.
    pub uplinks: Arc<UplinkTable>,
    /// Which next hops are used: written by workers.
    pub used: Arc<UseMarks>,
    /// What routers said of the paths to other hosts: written by workers.
    pub path_mtus: Arc<PathMtus>,
}

/// The tables that change when a configuration does.
#[derive(Debug)]
pub struct Drawn {
    /// Ports, the interfaces behind them, segments.
    pub ports: PortTable,
    /// (segment, virtual address) → where it is.
    pub mappings: MappingTable,
    /// The locator of each host, by [`HostId`]; this host's first.
    pub locators: Vec<Locator>,
    /// The same, to be searched.
    known_locators: HashSet<Locator>,
}

/// Where a packet goes: a copy of what the mapping says, for later stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// The segment it is in.
    pub segment: SegmentId,
    /// Its virtual address.
    pub address: VirtualAddr,
    /// The mapping.
    pub entry: MappingEntry,
}

impl Drawn {
    /// Fills the tables for ports of which `uplinks` lead to the substrate.
    pub fn new(compiled: &Compiled, ports: usize, uplinks: &[PortId]) -> Self {
        Self {
            ports: PortTable::new(compiled, ports, uplinks),
            mappings: MappingTable::new(&compiled.mappings),
            locators: compiled.hosts.iter().map(|host| host.locator).collect(),
            known_locators: compiled.hosts.iter().map(|host| host.locator).collect(),
        }
    }

    /// The same, on ports that do this by themselves, in their order.
    #[must_use]
    pub fn with_offloads(self, offloads: &[PortOffloads]) -> Self {
        for (port, offloads) in (0..).map(PortId).zip(offloads) {
            self.ports.set_offloads(port, *offloads);
        }
        self
    }

    /// Where a virtual address is.
    pub fn destination(&self, segment: SegmentId, address: VirtualAddr) -> Option<Destination> {
        let entry = *self.mappings.find(segment, address)?;
        Some(Destination {
            segment,
            address,
            entry,
        })
    }

    /// The locator of a host.
    pub fn locator(&self, host: HostId) -> Option<Locator> {
        self.locators.get(host.0 as usize).copied()
    }

    /// Does the address lie under a host's locator?
    pub fn is_under_a_locator(&self, address: Ipv6Addr) -> bool {
        self.known_locators.contains(&Locator::of(address))
    }

    /// This host's own locator.
    pub fn own_locator(&self) -> Option<Locator> {
        self.locators.first().copied()
    }
}

impl Destination {
    /// The interface on this host that it is, if it is here.
    pub fn interface(&self) -> Option<InterfaceId> {
        self.entry.interface
    }

    /// Is it the same interface under another address, perhaps?
    pub fn is_same_interface(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.segment, it.entry.host, it.entry.slot, it.entry.mac);
        of(self) == of(other)
    }

    /// The MAC that the segment's nodes know it by.
    pub fn mac(&self) -> MacAddr {
        self.entry.mac
    }

    /// Is it a logical router's address?
    pub fn is_router(&self) -> bool {
        self.entry.kind == MappingKind::Router
    }
}
