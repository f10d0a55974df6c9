//! The ports that are open now, as everybody but the workers sees them.
//!
//! Ports come and go while packets flow. Who looks takes the set as it is
//! ([`LivePorts::now`]) and goes through it; a port that is closed meanwhile
//! says nothing any more.

use std::sync::Arc;

use datapath::tables::{PortEntry, PortOffloads, PortRole};
use packet::MacAddr;
use parking_lot::RwLock;
use vnet::compiled::PortId;
use vnet::topology::{KnownPort, PortPurpose};

use super::info::{PortInfo, PortMonitor};
use crate::config::PortConfig;

/// The most ports that a daemon has at a time, and the most ids it gives.
pub const MAX_PORTS: u16 = 256;

/// A worker, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerIndex(pub u16);

/// An open port.
pub struct LivePort {
    id: PortId,
    config: PortConfig,
    role: PortRole,
    mac: MacAddr,
    polled_by: Vec<WorkerIndex>,
    monitor: RwLock<Option<Box<dyn PortMonitor>>>,
}

/// What a port is from its opening to its end.
pub(crate) struct PortFacts {
    pub(crate) id: PortId,
    pub(crate) config: PortConfig,
    pub(crate) role: PortRole,
    pub(crate) mac: MacAddr,
    /// By receive queue.
    pub(crate) polled_by: Vec<WorkerIndex>,
}

impl LivePort {
    pub(crate) fn new(facts: PortFacts, monitor: Box<dyn PortMonitor>) -> Self {
        Self {
            id: facts.id,
            config: facts.config,
            role: facts.role,
            mac: facts.mac,
            polled_by: facts.polled_by,
            monitor: RwLock::new(Some(monitor)),
        }
    }

    /// Its id.
    pub fn id(&self) -> PortId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// What it was opened from.
    pub fn config(&self) -> &PortConfig {
        &self.config
    }

    /// What is behind it.
    pub fn role(&self) -> PortRole {
        self.role
    }

    /// Its MAC.
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Who polls its receive queues, queue by queue.
    pub fn polled_by(&self) -> &[WorkerIndex] {
        &self.polled_by
    }

    /// What the device is and does now; `None` once it is closed.
    pub fn info(&self) -> Option<PortInfo> {
        self.monitor.read().as_ref().map(|monitor| monitor.info())
    }

    /// What its sending side does by itself now: [`PortMonitor::offloads`].
    pub fn offloads(&self) -> PortOffloads {
        let monitor = self.monitor.read();
        monitor
            .as_ref()
            .map_or_else(PortOffloads::default, |monitor| monitor.offloads())
    }

    /// To be called about once a second: [`PortMonitor::tend`].
    pub fn tend(&self) {
        if let Some(monitor) = self.monitor.read().as_ref() {
            monitor.tend();
        }
    }

    /// Takes the device away from all who look, and waits for those that are
    /// looking. Whoever drops it, drops it last, if its queues are gone.
    pub(crate) fn close(&self) -> Option<Box<dyn PortMonitor>> {
        self.monitor.write().take()
    }
}

impl core::fmt::Debug for LivePort {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LivePort")
            .field("id", &self.id)
            .field("name", &self.config.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The ports at one moment, by id. Ids may be missing in between.
#[derive(Debug, Clone, Default)]
pub struct PortSet {
    places: Vec<Option<Arc<LivePort>>>,
}

impl PortSet {
    /// One more than the highest id.
    pub fn ids(&self) -> usize {
        self.places.len()
    }

    /// The open ports, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<LivePort>> {
        self.places.iter().flatten()
    }

    /// The port of an id.
    pub fn get(&self, id: PortId) -> Option<&Arc<LivePort>> {
        self.places.get(usize::from(id.0))?.as_ref()
    }

    /// The port of a name.
    pub fn find(&self, name: &str) -> Option<&Arc<LivePort>> {
        self.iter().find(|port| port.name() == name)
    }

    /// The name of the port of an id.
    pub fn name(&self, id: PortId) -> Option<&str> {
        self.get(id).map(|port| port.name())
    }

    /// By id, the largest IP packet that each port carries, in bytes.
    pub fn mtus(&self) -> Vec<Option<u16>> {
        self.by_id(|port| port.config().mtu)
    }

    /// By id, the ports as the tables know them.
    pub fn entries(&self) -> Vec<Option<PortEntry>> {
        self.by_id(|port| PortEntry {
            name: port.name().into(),
            role: port.role(),
            offloads: port.offloads(),
        })
    }

    /// By id, what a topology is compiled around.
    pub fn known(&self) -> Vec<Option<KnownPort>> {
        self.by_id(|port| KnownPort {
            name: port.name().to_owned(),
            purpose: match port.role() {
                PortRole::Node => PortPurpose::Nodes,
                PortRole::Uplink => PortPurpose::Uplink,
                PortRole::Kernel => PortPurpose::Kernel,
            },
        })
    }

    /// The receive queues that a worker polls.
    pub fn queues_of(&self, worker: WorkerIndex) -> Vec<(PortId, u16)> {
        let of_port = |port: &Arc<LivePort>| {
            let id = port.id;
            let queues = (0..).zip(port.polled_by.clone());
            queues.filter_map(move |(queue, by)| (by == worker).then_some((id, queue)))
        };
        self.iter().flat_map(of_port).collect()
    }

    fn by_id<T>(&self, of: impl Fn(&LivePort) -> T) -> Vec<Option<T>> {
        let places = self.places.iter();
        places
            .map(|place| place.as_ref().map(|port| of(port)))
            .collect()
    }

    /// The set with one more port.
    pub(crate) fn with(&self, port: Arc<LivePort>) -> Self {
        let at = usize::from(port.id.0);
        let mut places = self.places.clone();
        if places.len() <= at {
            places.resize(at + 1, None);
        }
        if let Some(place) = places.get_mut(at) {
            *place = Some(port);
        }
        Self { places }
    }

    /// The set without a port.
    pub(crate) fn without(&self, id: PortId) -> Self {
        let mut places = self.places.clone();
        if let Some(place) = places.get_mut(usize::from(id.0)) {
            *place = None;
        }
        while let Some(None) = places.last() {
            places.pop();
        }
        Self { places }
    }
}

/// The ports as they change.
#[derive(Debug, Default)]
pub struct LivePorts {
    now: RwLock<Arc<PortSet>>,
}

impl LivePorts {
    /// The ports at this moment.
    pub fn now(&self) -> Arc<PortSet> {
        Arc::clone(&self.now.read())
    }

    /// Only who plugs and unplugs may.
    pub(crate) fn set(&self, ports: PortSet) {
        *self.now.write() = Arc::new(ports);
    }
}
