//! Everything the pipeline reads, under one root: a change of configuration is
//! atomic for packets, because a burst reads one root.

pub mod access;
mod atomics;
pub mod claims;
pub mod dhcp;
pub mod flows;
pub mod groups;
pub mod hosts;
pub mod listeners;
pub mod mapping;
pub mod marks;
pub mod moves;
pub mod path_mtu;
pub mod phantoms;
pub mod ports;
pub mod publish;
pub mod routes;
pub mod switches;
pub mod week_clock;

use core::net::Ipv6Addr;
use std::sync::Arc;

use arrayvec::ArrayVec;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::{Compiled, HostId};

pub use access::{AccessTable, NetworkAccess, Ruling};
pub use claims::{ClaimTable, Right};
pub use dhcp::DhcpService;
pub use flows::FlowTable;
pub use groups::{GroupTable, LoadedHosts, Members};
pub use hosts::HostTable;
pub use listeners::{Listener, ListenerTable, Listeners, SegmentListeners, Sources};
pub use mapping::{
    Destination, MappingEntry, MappingKey, MappingTable, MappingWriter, Origin, Staged, TableFull,
    TableStats, TableVersion,
};
pub use marks::UseMarks;
pub use moves::MoveTable;
pub use path_mtu::PathMtus;
pub use phantoms::{PhantomTable, SegmentPhantom};
pub use ports::{Interface, PortEntry, PortOffloads, PortRole, PortTable, Segment, SegmentRouter};
pub use routes::{At, End, Leg, RouteTable, Walk};
pub use switches::{LogicalSwitch, SwitchTable};
pub use week_clock::WeekClock;

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
    /// Which other hosts have a segment's members, as clients have loaded it.
    pub loaded_hosts: Arc<LoadedHosts>,
    /// Who has joined which group, as the slow path has learned it.
    pub listeners: Arc<ListenerTable>,
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
    /// Who has begun to talk with whom: written by workers.
    pub flows: Arc<FlowTable>,
    /// What time it is, for rules.
    pub week: Arc<WeekClock>,
    /// Who has moved lately, and from where.
    pub moves: Arc<MoveTable>,
}

/// What the tenants drew of this host: replaced whole when that changes.
#[derive(Debug)]
pub struct Drawn {
    /// Ports, the interfaces behind them, segments.
    pub ports: PortTable,
    /// The logical routers.
    pub routes: RouteTable,
    /// The logical switches that can be reached.
    pub switches: SwitchTable,
    /// Who hears what is for all of a segment.
    pub groups: GroupTable,
    /// The nodes that forward for others.
    pub phantoms: PhantomTable,
    /// Who may send what to whom.
    pub access: AccessTable,
    /// Who may come to have further addresses.
    pub claims: ClaimTable,
}

impl Tables {
    /// The mapping of a virtual address.
    pub fn mapping(&self, segment: SegmentId, address: VirtualAddr) -> Option<MappingEntry> {
        let found = self.destination(segment, address)?;
        Some(found.entry())
    }

    /// Where a virtual address is.
    pub fn destination(&self, segment: SegmentId, address: VirtualAddr) -> Option<Destination> {
        self.mappings
            .find(self.version, MappingKey::new(segment, address))
    }

    /// Where the virtual addresses of a burst are, in their order: looked up
    /// together, which costs one wait for memory instead of one each.
    #[inline]
    pub fn destinations(
        &self,
        keys: impl Iterator<Item = Option<MappingKey>>,
    ) -> ArrayVec<Option<Destination>, BURST> {
        self.mappings.find_all(self.version, keys)
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
            routes: RouteTable::new(compiled, &rows),
            switches: SwitchTable::new(compiled),
            groups: GroupTable::new(compiled),
            phantoms: PhantomTable::new(compiled),
            access: AccessTable::new(compiled),
            claims: ClaimTable::new(compiled),
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
            routes: RouteTable::new(compiled, &rows),
            switches: SwitchTable::new(compiled),
            groups: GroupTable::new(compiled),
            phantoms: PhantomTable::new(compiled),
            access: self.access.followed_by(compiled),
            claims: ClaimTable::new(compiled),
            ports: PortTable::new(compiled, ports, rows),
        }
    }
}
