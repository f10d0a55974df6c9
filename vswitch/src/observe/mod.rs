//! What the daemon shows of itself: the control socket's questions, answered
//! from what workers publish. Nothing here can delay a packet.
//!
//! * `counters`: every number with its name, unit and meaning.
//! * `books`: whether every packet is accounted for.
//! * `groups`: who listens to which group.
//! * `uplinks`: the host's own addresses on the fabric.
//! * `mappings`: where virtual addresses are.
//! * `mtu`: how large packets to other hosts may be.
//! * `segments`: the networks and their segments.
//! * `routers`: the logical routers; `route`: which way a packet takes through
//!   them.
//! * `rules`: the access rules, and the flows that they permit.
//! * `switches`: the logical switches.
//! * `names`: segments, networks, nodes by name.

mod books;
mod counters;
/// What is drawn for an interface of this host, and what it has learned besides.
fn addresses(interface: &vnet::compiled::Interface, learned: &LearnedMappings) -> Vec<VirtualAddr> {
    let drawn = interface.addresses.iter().filter(|a| !a.is_anchor());
    let identity = interface.addresses.first();
    let its = learned.iter().filter(|(key, learned)| {
        learned.is_here() && key.segment == interface.segment && identity == Some(&learned.by)
    });
    let mut its: Vec<_> = its.map(|(key, _)| key.address).collect();
    its.sort_unstable();
    drawn.copied().chain(its).collect()
}

#[cfg(test)]
pub(crate) mod drawings;
mod groups;
mod mappings;
mod mtu;
mod names;
mod route;
mod routers;
mod rules;
mod segments;
mod switches;
mod uplinks;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datapath::books::{Ledger, Patience, Reading};
use datapath::substrate::{AddressInfo, UplinkTable};
use datapath::tables::PortRole;
use packet::{SegmentId, SubstrateAddr, VirtualAddr};
use parking_lot::Mutex;
use vnet::compiled::PortId;

pub use self::counters::LastSeen;
pub use self::mtu::MtuPaths;
pub(crate) use self::rules::this_minute;
use crate::commit::claims::LearnedMappings;
use crate::commit::{SharedPublisher, Showcase};
use crate::config::HostConfig;
use crate::control::source::{
    AddressNames, Books, ControlSource, Counter, CounterFilter, Flow, FlowPlace, GroupMember,
    Interface, Mapping, MappingKey, MtuPath, Neighbor, Network, Port, PortRole as ShownRole, Route,
    RouteQuestion, RouteRefusal, RouteWay, Router, Rule, Segment, Status, Switch, Table, Traffic,
    Uplink, Worker, WorkerQueue,
};
use crate::ports::live::{LivePorts, WorkerIndex};
use crate::slow_path::SubstrateView;
use crate::snmp::Counts;

/// How long a question waits for the workers' burst boundaries, in all.
const PATIENCE: Duration = Duration::from_millis(50);

/// A worker, as far as listings show it.
pub struct ShownWorker {
    /// The core it is pinned to.
    pub core: Option<u16>,
    /// Its books.
    pub ledger: Arc<Ledger>,
}

/// The running daemon, seen from outside.
pub struct Observer {
    /// What was configured.
    pub config: Arc<HostConfig>,
    /// What is in force, as it changes.
    pub show: Arc<Showcase>,
    /// The tables, for those who list them.
    pub publisher: SharedPublisher,
    /// The file that keeps the state, if there is one.
    pub state_file: Option<PathBuf>,
    /// The workers.
    pub workers: Vec<ShownWorker>,
    /// The books of the threads that take what workers hand up: the slow path's,
    /// and that of logical devices' agents.
    pub upper_ledgers: [Arc<Ledger>; 2],
    /// What all threads have done for logical devices.
    pub counts: Counts,
    /// The substrate side's state.
    pub substrate: Arc<Mutex<SubstrateView>>,
    /// The ports, as they come and go.
    pub ports: Arc<LivePorts>,
    /// DPDK's version, if it runs.
    pub dpdk: Option<String>,
    /// Time zero.
    pub started: Instant,
    /// When which drop counter rose last.
    pub last_seen: Mutex<LastSeen>,
}

/// The books of all threads in sum, at (nearly) one moment.
pub(crate) struct Readings {
    pub(crate) workers: Vec<Reading>,
    pub(crate) slow: Reading,
}

impl Observer {
    /// Reads everybody's sums: first the slow path's, so that what it has
    /// taken from the workers is in their numbers already. What it gives them
    /// between the readings shows as a difference, until the next.
    pub(crate) fn readings(&self, patience: &Patience) -> Readings {
        let mut slow = Reading::default();
        for ledger in &self.upper_ledgers {
            slow += ledger.read(patience);
        }
        let workers = self.workers.iter();
        Readings {
            slow,
            workers: workers.map(|worker| worker.ledger.read(patience)).collect(),
        }
    }

    /// What must be done about once a second: notes which drop counters have
    /// risen, and lets the ports look after themselves.
    pub fn every_second(&self) {
        for port in self.ports.now().iter() {
            port.tend();
        }
        self.tend_access();
        let drops = self.drops(&Patience::of(PATIENCE));
        self.last_seen.lock().note(&drops, self.started.elapsed());
    }

    /// The host's own addresses on the fabric, and its uplinks.
    pub(crate) fn addresses(&self) -> (Vec<AddressInfo>, Arc<UplinkTable>) {
        let view = self.substrate.lock();
        (view.addresses.clone(), Arc::clone(&view.uplinks))
    }

    /// What needs the operator's attention.
    fn attention(&self) -> Vec<String> {
        let mut attention = self.show.attention();
        let tables = self.show.tables().into_iter();
        let nearly_full = tables.filter(|table| table.alarm).map(|table| {
            format!(
                "table {} is nearly full: {} of {}; raise tables.{} in the configuration, then \
                 restart",
                table.name,
                table.used,
                table.capacity.unwrap_or_default(),
                table.name
            )
        });
        attention.extend(nearly_full);
        attention
    }

    pub(crate) fn port_name(&self, port: PortId) -> String {
        self.ports.now().name(port).unwrap_or("?").to_owned()
    }

    fn role(&self, port: PortId) -> ShownRole {
        let in_force = self.show.in_force();
        let mut interfaces = in_force.compiled.interfaces.iter();
        match self.config.role(port) {
            PortRole::Uplink => ShownRole::Substrate,
            PortRole::Kernel => ShownRole::Kernel,
            PortRole::Node if interfaces.any(|i| i.port == port) => ShownRole::Node,
            PortRole::Node => ShownRole::Unused,
        }
    }

    fn uplink_mtu(&self, port: PortId) -> Option<u16> {
        let uplinks = &self.config.substrate.uplinks;
        uplinks
            .iter()
            .find(|uplink| uplink.port == port)
            .map(|uplink| uplink.mtu)
    }
}

impl ControlSource for Observer {
    fn status(&self) -> Status {
        let in_force = self.show.in_force();
        let ports = self.ports.now();
        let numbered = (0..).map(WorkerIndex).zip(&self.workers);
        let workers = numbered.map(|(index, worker)| {
            let work = worker.ledger.work();
            let queue = |&(port, queue): &(PortId, u16)| WorkerQueue {
                port: self.port_name(port),
                queue,
            };
            Worker {
                core: worker.core.map(u32::from),
                polls: work.polls.get(),
                idle_polls: work.idle_polls.get(),
                queues: ports.queues_of(index).iter().map(queue).collect(),
            }
        });
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.config.host.clone(),
            locator: self.config.substrate.locator,
            uptime: self.started.elapsed(),
            revision: self.show.revision().0,
            topology_revision: in_force.topology_revision().0,
            reverts_at: in_force.reverts_at(),
            state_file: self.state_file.clone(),
            attention: self.attention(),
            pid: std::process::id(),
            dpdk: self.dpdk.clone(),
            workers: workers.collect(),
            duplicates: self.duplicate_addresses(),
        }
    }

    fn ports(&self) -> Vec<Port> {
        let patience = &Patience::of(PATIENCE);
        let in_force = self.show.in_force();
        let rows = in_force.drawn.ports.rows();
        let ports = self.ports.now();
        ports
            .iter()
            .filter_map(|port| {
                let (id, info) = (port.id(), port.info()?);
                let output = rows.output(id).map(|id| self.output(id, patience));
                let output = output.unwrap_or_default();
                Some(Port {
                    name: info.name,
                    kind: info.kind.to_owned(),
                    device: info.device,
                    role: self.role(id),
                    mac: info.mac,
                    mtu: self.uplink_mtu(id).unwrap_or(info.mtu),
                    link: info.link,
                    speed_mbps: info.speed_mbps,
                    queues: info.rx_queues,
                    offloads: info.offloads,
                    received: Traffic {
                        packets: info.counters.rx_packets,
                        bytes: info.counters.rx_bytes,
                    },
                    sent: Traffic {
                        packets: output.sent,
                        bytes: output.sent_bytes,
                    },
                    missed_packets: info.counters.rx_missed + info.counters.rx_errors,
                    tx_dropped_packets: output.dropped(),
                })
            })
            .collect()
    }

    fn interfaces(&self) -> Vec<Interface> {
        let in_force = self.show.in_force();
        let compiled = &in_force.compiled;
        let phantoms = compiled.phantoms.iter();
        let phantoms: HashMap<_, _> = phantoms
            .filter_map(|phantom| Some((phantom.interface?, phantom)))
            .collect();
        let learned = self.show.learned.lock().clone();
        let listed = |interface: &vnet::compiled::Interface| {
            let phantom = phantoms.get(&interface.id);
            Interface {
                node: interface.node.clone(),
                port: self.port_name(interface.port),
                segment: self.segment_label(interface.segment),
                tags: interface.tags,
                link: interface.link,
                mac: interface.mac,
                addresses: addresses(interface, &learned),
                forwards: phantom.map_or_else(Vec::new, |phantom| phantom.forwards.clone()),
                slot: phantom.map(|phantom| phantom.slot),
            }
        };
        compiled.interfaces.iter().map(listed).collect()
    }

    fn mapping_keys(
        &self,
        from: MappingKey,
        only: Option<SegmentId>,
        limit: usize,
    ) -> Vec<MappingKey> {
        self.smallest_keys(from, only, limit)
    }

    fn mappings(&self, keys: &[MappingKey]) -> Vec<Mapping> {
        self.listed_mappings(keys)
    }

    fn neighbors(&self) -> Vec<Neighbor> {
        let view = self.substrate.lock();
        let shown = view.neighbors.iter().zip(&view.held);
        shown
            .map(|(neighbor, held)| Neighbor {
                port: self.port_name(neighbor.port),
                address: neighbor.address,
                mac: neighbor.mac,
                state: neighbor.state,
                router: neighbor.router,
                since: self.started.elapsed().saturating_sub(neighbor.since),
                held_packets: u32::try_from(*held).unwrap_or(u32::MAX),
            })
            .collect()
    }

    fn groups(&self) -> Vec<GroupMember> {
        self.shown_groups()
    }

    fn uplinks(&self) -> Vec<Uplink> {
        self.shown_uplinks()
    }

    fn mtu_paths(&self) -> Vec<MtuPath> {
        self.shown_mtu_paths()
    }

    fn routed_mtu_paths(&self, to: VirtualAddr) -> Vec<MtuPath> {
        self.shown_routed_mtu_paths(to)
    }

    fn networks(&self) -> Vec<Network> {
        self.shown_networks()
    }

    fn segments(&self, network: Option<&str>) -> Option<Vec<Segment>> {
        self.shown_segments(network)
    }

    fn routers(&self, network: Option<&str>) -> Option<Vec<Router>> {
        self.shown_routers(network)
    }

    fn switches(&self, network: Option<&str>) -> Option<Vec<Switch>> {
        self.shown_switches(network)
    }

    fn router_routes(&self, router: &Router) -> Vec<Route> {
        self.shown_routes(router)
    }

    fn rules(&self, network: Option<&str>) -> Option<Vec<Rule>> {
        self.shown_rules(network)
    }

    fn flows(
        &self,
        from: FlowPlace,
        only: Option<SegmentId>,
        limit: usize,
    ) -> (Vec<Flow>, Option<FlowPlace>) {
        self.shown_flows(from, only, limit)
    }

    fn route(&self, question: &RouteQuestion) -> Result<RouteWay, RouteRefusal> {
        self.way_of(question)
    }

    fn counters(&self, filter: &CounterFilter) -> Vec<Counter> {
        self.all_counters(filter)
    }

    fn books(&self) -> Books {
        self.read_books()
    }

    fn tables(&self) -> Vec<Table> {
        self.show.tables()
    }

    fn names(&self, address: &SubstrateAddr) -> AddressNames {
        self.address_names(address)
    }
}
