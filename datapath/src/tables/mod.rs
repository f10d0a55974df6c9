//! Everything the pipeline reads, under one root: a change of configuration is
//! atomic for packets, because a burst reads one root.

mod atomics;
pub mod hosts;
pub mod mapping;
pub mod marks;
pub mod path_mtu;
pub mod ports;
pub mod publish;

use core::net::Ipv6Addr;
use std::sync::Arc;

use arrayvec::ArrayVec;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::{Compiled, HostId, InterfaceId, MappingKind};

pub use hosts::HostTable;
pub use mapping::{
    MappingEntry, MappingKey, MappingTable, MappingWriter, Origin, Staged, TableFull, TableStats,
    TableVersion,
};
pub use marks::UseMarks;
pub use path_mtu::PathMtus;
pub use ports::{Interface, PortEntry, PortOffloads, PortRole, PortTable, Segment, SegmentRouter};

use crate::books::Rows;
use crate::pipeline::BURST;
use crate::substrate::UplinkTable;

/// One consistent state of the whole configuration, and of the neighbours.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Which state of the mappings belongs to it.
    pub version: TableVersion,
    /// Ports, the interfaces behind them, segments.
    pub drawn: Arc<Drawn>,
    /// The hosts that mappings point to.
    pub hosts: Arc<HostTable>,
    /// (segment, virtual address) → where it is: shared by all roots.
    pub mappings: Arc<MappingTable>,
    /// How the substrate is reached.
    pub uplinks: Arc<UplinkTable>,
    /// Which next hops are used: written by workers.
    pub used: Arc<UseMarks>,
    /// What routers said of the paths to other hosts: written by workers.
    pub path_mtus: Arc<PathMtus>,
}

/// What the tenants drew of this host: replaced whole when that changes.
#[derive(Debug)]
pub struct Drawn {
    /// Ports, the interfaces behind them, segments.
    pub ports: PortTable,
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

impl Tables {
    /// The mapping of a virtual address.
    pub fn mapping(&self, segment: SegmentId, address: VirtualAddr) -> Option<MappingEntry> {
        self.mappings
            .find(self.version, MappingKey::new(segment, address))
    }

    /// Where a virtual address is.
    pub fn destination(&self, segment: SegmentId, address: VirtualAddr) -> Option<Destination> {
        let entry = self.mapping(segment, address)?;
        Some(Destination {
            segment,
            address,
            entry,
        })
    }

    /// Where the virtual addresses of a burst are, in their order: looked up
    /// together, which costs one wait for memory instead of one each.
    #[inline]
    pub fn destinations(
        &self,
        keys: impl Iterator<Item = Option<MappingKey>>,
    ) -> ArrayVec<Option<Destination>, BURST> {
        let keys: ArrayVec<_, BURST> = keys.take(BURST).collect();
        let found = self
            .mappings
            .find_all::<BURST>(self.version, keys.iter().copied());
        let destination = |(key, entry): (Option<MappingKey>, Option<MappingEntry>)| {
            let MappingKey { segment, address } = key?;
            Some(Destination {
                segment,
                address,
                entry: entry?,
            })
        };
        keys.into_iter().zip(found).map(destination).collect()
    }

    /// Does anybody in the segment have this MAC?
    pub fn has_mac(&self, segment: SegmentId, mac: MacAddr) -> bool {
        self.mappings.has_mac(self.version, segment, mac)
    }

    /// An address of whoever in the segment has this MAC.
    pub fn address_of(&self, segment: SegmentId, mac: MacAddr) -> Option<VirtualAddr> {
        self.mappings.address_of(self.version, segment, mac)
    }

    /// The locator of a host.
    pub fn locator(&self, host: HostId) -> Option<Locator> {
        self.hosts.locator(host)
    }

    /// Does the address lie under a host's locator?
    pub fn is_under_a_locator(&self, address: Ipv6Addr) -> bool {
        self.hosts.at(address).is_some()
    }

    /// This host's own locator.
    pub fn own_locator(&self) -> Option<Locator> {
        self.hosts.own_locator()
    }
}

impl Drawn {
    /// Fills the tables for a first configuration, and the ports that there
    /// are, in the order of their ids; `None` is one that is gone.
    pub fn new(compiled: &Compiled, ports: &[Option<PortEntry>]) -> Self {
        let rows = Rows::new(compiled, ports);
        Self {
            ports: PortTable::new(compiled, ports, rows),
        }
    }

    /// The tables for the configuration that follows this one: whatever has a
    /// line of the books keeps it. The ledgers must have room for
    /// [`PortTable::rows`] before this is published.
    #[must_use]
    pub fn followed_by(&self, compiled: &Compiled, ports: &[Option<PortEntry>]) -> Self {
        let rows = self.ports.rows().extended(compiled, ports);
        Self {
            ports: PortTable::new(compiled, ports, rows),
        }
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
