//! What the control socket asks of the daemon: one method per verb, answered
//! with plain values. The daemon implements [`ControlSource`]; everything
//! about sockets, messages and permissions stays on this side of it.

mod books;
mod group;
mod mtu;
mod route;
mod router;
mod rule;
mod switch;

use core::net::Ipv6Addr;
use core::time::Duration;
use std::path::PathBuf;
use std::time::SystemTime;

use datapath::pipeline::How;
pub use datapath::substrate::NeighborState;
use datapath::substrate::{AddressKind, AddressState};
pub use datapath::tables::{MappingKey, PortOffloads};
use packet::{
    EtherType, Locator, MacAddr, MplsLabel, SegmentId, Slot, SubstrateAddr, Tags, VirtualAddr,
    VlanId,
};
use vnet::compiled::{Ipv4Subnet, LinkType, MappingKind, UnknownMac};

pub use self::books::{Books, InputBook, OutputBook, WholeBook};
pub use self::group::GroupMember;
pub use self::mtu::{LearnedMtu, MtuLimits, MtuNextHop, MtuPath, MtuWay};
pub use self::route::{
    RouteDestination, RouteEnd, RouteFrom, RouteHop, RouteQuestion, RouteRefusal, RouteWay,
};
pub use self::router::{Route, RouteNextHop, Router, RouterLeg};
pub use self::rule::{Flow, FlowEnd, FlowPlace, Rule, RuleAction, RuleKind};
pub use self::switch::{Switch, SwitchPort};
pub use crate::ports::LinkState;

use crate::config::Announce;

/// The running daemon as the control socket sees it.
///
/// Methods are called on the control thread, between its other duties: they
/// read counters and tables, return at once and never wait for a worker. An
/// answer is complete when returned, so a client that reads slowly holds
/// nothing of the daemon's.
pub trait ControlSource: Send + Sync + 'static {
    /// Who this daemon is and how its workers fare.
    fn status(&self) -> Status;

    /// Every port, in the order of the configuration.
    fn ports(&self) -> Vec<Port>;

    /// Every interface attached to this host, in the order of the listing.
    fn interfaces(&self) -> Vec<Interface>;

    /// The keys of mappings, in order: the first ones that are not below
    /// `from`, of one segment or of all. Fewer than `limit`: there are no more.
    /// Goes through the whole table, so it can take a second where there are
    /// millions: not for the control thread.
    fn mapping_keys(
        &self,
        from: MappingKey,
        only: Option<SegmentId>,
        limit: usize,
    ) -> Vec<MappingKey>;

    /// The mappings of these keys, without those that are gone.
    fn mappings(&self, keys: &[MappingKey]) -> Vec<Mapping>;

    /// The neighbour caches of the substrate ports.
    fn neighbors(&self) -> Vec<Neighbor>;

    /// Who listens to which group, by segment, group and place.
    fn groups(&self) -> Vec<GroupMember>;

    /// The ports to the fabric, in the order of the configuration, with the
    /// host's own addresses there.
    fn uplinks(&self) -> Vec<Uplink>;

    /// How large packets may be: the paths from the segments with interfaces
    /// here to every host with interfaces in them, by segment id; this host
    /// first.
    fn mtu_paths(&self) -> Vec<MtuPath>;

    /// The paths from those segments across logical routers to whoever has this
    /// address, in the same order: one per segment, none where it is reached
    /// otherwise or not at all.
    fn routed_mtu_paths(&self, to: VirtualAddr) -> Vec<MtuPath>;

    /// The networks, in the order of the files.
    fn networks(&self) -> Vec<Network>;

    /// The segments, of one network or of all, ordered by id; `None`: there is no
    /// such network.
    fn segments(&self, network: Option<&str>) -> Option<Vec<Segment>>;

    /// The logical routers, of one network or of all, in the order of the files;
    /// `None`: there is no such network.
    fn routers(&self, network: Option<&str>) -> Option<Vec<Router>>;

    /// The logical switches, of one network or of all, in the order of the files;
    /// `None`: there is no such network.
    fn switches(&self, network: Option<&str>) -> Option<Vec<Switch>>;

    /// The routes of one logical router.
    fn router_routes(&self, router: &Router) -> Vec<Route>;

    /// The access rules, of one network or of all that have some, and behind each
    /// network's what becomes of the rest; `None`: there is no such network.
    fn rules(&self, network: Option<&str>) -> Option<Vec<Rule>>;

    /// About `limit` flows from a place on, those with an end in a segment or
    /// all, and where the listing goes on; there may be none on the way.
    fn flows(
        &self,
        from: FlowPlace,
        only: Option<SegmentId>,
        limit: usize,
    ) -> (Vec<Flow>, Option<FlowPlace>);

    /// Which way would a packet take?
    ///
    /// # Errors
    /// [`RouteRefusal`]: what was asked is not clear.
    fn route(&self, question: &RouteQuestion) -> Result<RouteWay, RouteRefusal>;

    /// The counters. Those that [`CounterFilter::keeps`] refuses are filtered
    /// out afterwards; the filter is passed so that they need not be made.
    fn counters(&self, filter: &CounterFilter) -> Vec<Counter>;

    /// The books, read so that they can balance: every worker's numbers from
    /// one burst boundary.
    fn books(&self) -> Books;

    /// Capacity, occupancy and memory of the tables.
    fn tables(&self) -> Vec<Table>;

    /// What is known here of the parts of a substrate address.
    fn names(&self, address: &SubstrateAddr) -> AddressNames;
}

/// Who the daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The daemon's version, e.g. `0.1.0`.
    pub version: String,
    /// The host's name in the configuration.
    pub host: String,
    /// The substrate /64 this host owns.
    pub locator: Locator,
    /// How long the daemon has been running.
    pub uptime: Duration,
    /// The revision of the last commit.
    pub revision: u64,
    /// The revision of the topology that is in force.
    pub topology_revision: u64,
    /// When that goes back by itself, unless confirmed.
    pub reverts_at: Option<SystemTime>,
    /// The file that keeps the state; `None`: nothing survives a restart.
    pub state_file: Option<PathBuf>,
    /// What needs the operator's attention, a sentence each.
    pub attention: Vec<String>,
    /// The daemon's process id.
    pub pid: u32,
    /// DPDK's version; `None` where the daemon runs without it.
    pub dpdk: Option<String>,
    /// The workers, by index.
    pub workers: Vec<Worker>,
    /// Own addresses that another station has.
    pub duplicates: Vec<DuplicateAddress>,
}

/// A table that the workers read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name: `mappings`, `hosts`, …
    pub name: &'static str,
    /// Entries that fit; `None`: only memory limits them.
    pub capacity: Option<u64>,
    /// Entries in use.
    pub used: u64,
    /// Entries that wait until no worker reads them.
    pub waiting: u64,
    /// Memory set aside, in bytes; the system gives it as it is touched.
    pub reserved_bytes: u64,
    /// Memory that the entries take, in bytes.
    pub used_bytes: u64,
    /// The occupancy above which there is an alarm, in percent.
    pub alarm_percent: Option<u8>,
    /// The occupancy is above that.
    pub alarm: bool,
    /// What it holds, in words.
    pub description: &'static str,
}

/// An own address that another station on the link has, so that it is not
/// used (RFC 4862 §5.4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateAddress {
    /// The uplink's port.
    pub port: String,
    /// The address.
    pub address: Ipv6Addr,
}

/// A poll-mode worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// The core it is pinned to; `None` where it is not pinned.
    pub core: Option<u32>,
    /// Turns of its loop.
    pub polls: u64,
    /// Turns that found nothing to do.
    pub idle_polls: u64,
    /// The queues it serves.
    pub queues: Vec<WorkerQueue>,
}

/// A port's queue, as served by one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerQueue {
    /// The port's name.
    pub port: String,
    /// The queue's number on that port, from 0.
    pub queue: u16,
}

/// A port of this host's vswitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name in the configuration.
    pub name: String,
    /// The word that chose its kind in the configuration: `pci`, `tap`,
    /// `af_packet`, `vhost`, `pcap`, `memory` …
    pub kind: String,
    /// What that word was given: a PCI address, a path, an interface's name.
    pub device: String,
    /// What is behind it.
    pub role: PortRole,
    /// Its own MAC address.
    pub mac: MacAddr,
    /// The largest frame payload (IP packet) it carries, in bytes.
    pub mtu: u16,
    /// Whether it has a carrier.
    pub link: LinkState,
    /// Its speed in Mbit/s, where the device says.
    pub speed_mbps: Option<u32>,
    /// How many queues it has in each direction.
    pub queues: u16,
    /// What its sending side does by itself.
    pub offloads: PortOffloads,
    /// Frames received.
    pub received: Traffic,
    /// Frames sent.
    pub sent: Traffic,
    /// Frames lost before the vswitch saw them (no buffer, full ring, a frame that
    /// the port cannot take).
    pub missed_packets: u64,
    /// Frames that the device did not take, or could not send.
    pub tx_dropped_packets: u64,
}

/// What is behind a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRole {
    /// Tenants' nodes.
    Node,
    /// The fabric.
    Substrate,
    /// The kernel of this host, for its own frames on an uplink.
    Kernel,
    /// Nothing: the configuration uses it nowhere.
    Unused,
}

/// Packets and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// How many.
    pub packets: u64,
    /// Their length, Ethernet header included, FCS not.
    pub bytes: u64,
}

/// A segment with everything a listing prints of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentLabel {
    /// Its id.
    pub id: SegmentId,
    /// Its name.
    pub name: String,
    /// The virtual network it belongs to.
    pub network: String,
    /// The tenant that owns the network.
    pub entity: String,
}

/// A virtual network, and how much there is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The tenant that owns it.
    pub entity: String,
    /// Its segments.
    pub segments: usize,
    /// Its logical routers.
    pub routers: usize,
    /// Its interfaces on this host.
    pub interfaces: usize,
    /// The addresses drawn in it, on whichever host, but for routers'.
    pub addresses: usize,
}

/// A segment, with what was drawn of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Which it is.
    pub segment: SegmentLabel,
    /// The range its addresses come from.
    pub subnet: Ipv4Subnet,
    /// The tag that trunk links show for it.
    pub vlan: Option<VlanId>,
    /// The MPLS label that links show for it which go by labels.
    pub label: Option<MplsLabel>,
    /// The largest IPv4 packet, in bytes.
    pub mtu: u16,
    /// What becomes of frames to MACs that nobody has.
    pub unknown_mac: UnknownMac,
    /// What may pass besides IPv4 and ARP.
    pub ethertypes: Vec<EtherType>,
    /// Are DHCP clients answered from the drawing?
    pub answers_dhcp: bool,
    /// The logical routers' addresses there.
    pub routers: Vec<SegmentRouter>,
    /// Its interfaces on this host.
    pub interfaces: usize,
    /// The addresses drawn in it, on whichever host, but for routers'.
    pub addresses: usize,
}

/// A logical router's interface to a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRouter {
    /// The router's name.
    pub name: String,
    /// Its address there.
    pub address: VirtualAddr,
    /// Its MAC there.
    pub mac: MacAddr,
}

/// A node's attachment to a segment on a port of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The node's name.
    pub node: String,
    /// The port it is behind.
    pub port: String,
    /// The segment it is in.
    pub segment: SegmentLabel,
    /// What is on its frames.
    pub tags: Tags,
    /// How its link carries VLANs.
    pub link: LinkType,
    /// Its MAC address.
    pub mac: MacAddr,
    /// Its virtual addresses.
    pub addresses: Vec<VirtualAddr>,
    /// What it forwards for.
    pub forwards: Vec<Ipv4Subnet>,
    /// Its slot on this host, if it forwards.
    pub slot: Option<Slot>,
}

/// Where a virtual address really is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The segment.
    pub segment: SegmentLabel,
    /// The virtual address.
    pub address: VirtualAddr,
    /// What the address belongs to.
    pub kind: MappingKind,
    /// The node's or router's name, where known here.
    pub name: Option<String>,
    /// The host it is on, by name.
    pub host: String,
    /// That host's locator.
    pub locator: Locator,
    /// Its slot there.
    pub slot: Slot,
    /// The MAC that ARP answers give for it.
    pub mac: MacAddr,
    /// The port it is behind, where it is on this host.
    pub port: Option<String>,
    /// When it must be asked for again; `None`: configured, never.
    pub expires: Option<Duration>,
    /// Who says so.
    pub origin: MappingOrigin,
    /// Of a learned one, how.
    pub learned: Option<Learned>,
}

/// Who says where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingOrigin {
    /// The topology.
    Drawn,
    /// A client's transaction.
    Loaded,
    /// An interface that may have claimed it.
    Learned,
}

/// How a mapping was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// By what it was claimed last.
    pub how: How,
    /// Since when who has it has it.
    pub since: SystemTime,
    /// How long ago it was heard of.
    pub heard_ago: Duration,
    /// How often it has gone from one interface to another.
    pub moves: u64,
}

/// An entry of a substrate port's neighbour cache (RFC 4861 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbor {
    /// The substrate port.
    pub port: String,
    /// The neighbour's IPv6 address.
    pub address: Ipv6Addr,
    /// Its MAC address, once known.
    pub mac: Option<MacAddr>,
    /// What is known of its reachability.
    pub state: NeighborState,
    /// It announced itself as a router.
    pub router: bool,
    /// Since when it is in this state.
    pub since: Duration,
    /// Packets that wait for its MAC address.
    pub held_packets: u32,
}

/// A port to the fabric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// The port's name.
    pub port: String,
    /// The largest IPv6 packet on it, in bytes.
    pub mtu: u16,
    /// Whether it has a carrier.
    pub link: LinkState,
    /// How the fabric learns where the host's locator is.
    pub announce: Announce,
    /// Neighbours on it that routes lead through.
    pub next_hops: u32,
    /// Those of them whose MAC address is known.
    pub next_hops_resolved: u32,
    /// The host's own addresses on it.
    pub addresses: Vec<UplinkAddress>,
}

/// An address of the host itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UplinkAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// Where it comes from.
    pub kind: AddressKind,
    /// Whether it may be used.
    pub state: AddressState,
    /// How long it has been in this state.
    pub since: Duration,
}

/// One number that the daemon counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The port it belongs to; `None`: no port in particular.
    pub port: Option<String>,
    /// The segment it belongs to; `None`: not known or none.
    pub segment: Option<SegmentLabel>,
    /// Its name: a drop reason (`spoofed-address`) or an event.
    pub name: String,
    /// Whether it counts drops.
    pub kind: CounterKind,
    /// What it counts in: `packets`, `bytes`, …
    pub unit: String,
    /// The number.
    pub value: u64,
    /// What it means, in one sentence.
    pub description: String,
    /// What to do about it; `None` where nothing is wrong.
    pub remedy: Option<String>,
    /// How long ago it last rose; `None`: never, or not recorded.
    pub last_seen: Option<Duration>,
}

/// What sort of thing a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterKind {
    /// Packets dropped, by reason.
    Drop,
    /// Anything else.
    Event,
}

/// Which counters are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CounterFilter {
    /// Only drops.
    pub drops_only: bool,
    /// Only those of this port.
    pub port: Option<String>,
    /// Also those that are zero.
    pub zeros: bool,
}

impl CounterFilter {
    /// Is this counter wanted?
    pub fn keeps(&self, counter: &Counter) -> bool {
        (self.zeros || counter.value != 0)
            && (!self.drops_only || counter.kind == CounterKind::Drop)
            && (self.port.is_none() || self.port == counter.port)
    }
}

/// Names for the parts of a substrate address, as far as this host knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressNames {
    /// The host that owns the locator.
    pub host: Option<String>,
    /// The segment.
    pub segment: Option<SegmentLabel>,
    /// What has the virtual address in that segment (or, with the forward
    /// bit, what has the slot).
    pub owner: Option<AddressOwner>,
}

/// What has a virtual address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressOwner {
    /// Node or router.
    pub kind: MappingKind,
    /// Its name.
    pub name: String,
}
