//! The compiled form: what one host's tables hold of everything its tenants
//! drew. Names are resolved, defaults are filled in, conflicts are gone.

use core::net::Ipv4Addr;
use std::collections::HashMap;

use packet::{EtherType, Locator, MacAddr, MplsLabel, SegmentId, Slot, Tags, VirtualAddr, VlanId};

use crate::secret::Secret;
use crate::topology::Topology;

mod rules;

pub use rules::{
    AccessRules, Action, DAY, Peers, PortRange, Refusal, Rule, Service, WEEK, WeekMinute, Window,
};

/// A port of this host's vswitch, by its place in
/// [`crate::topology::Surroundings::ports`]. It stays the port's own while
/// the port is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PortId(pub u16);

/// An interface that is attached to this host: what is behind one port, with
/// one tag and one MAC, in one segment. It stays the interface's own from one
/// compiled form to the next, so the numbers in use may have gaps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct InterfaceId(pub u32);

/// A logical router, by its place in [`Compiled::routers`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RouterId(pub u32);

/// A leg of a logical router, by its place in [`Router::legs`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LegId(pub u32);

/// A host of the installation, by its place in [`Compiled::hosts`]. It stays
/// the locator's own while the process lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct HostId(pub u32);

/// Everything one vswitch needs to know of the networks it takes part in.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// The hosts that mappings point to, by id; this host is the first. Hosts
    /// are only ever added, each locator once.
    pub hosts: Vec<Host>,
    /// The virtual networks.
    pub networks: Vec<Network>,
    /// The segments, ordered by id.
    pub segments: Vec<Segment>,
    /// The rules of the networks that have some, each network once.
    pub access: Vec<AccessRules>,
    /// The logical routers of all networks.
    pub routers: Vec<Router>,
    /// The logical switches of all networks, at most one in a segment.
    pub switches: Vec<Switch>,
    /// The interfaces attached to this host's ports, ordered by id.
    pub interfaces: Vec<Interface>,
    /// The phantom routers of all segments, on whichever host.
    pub phantoms: Vec<PhantomRouter>,
    /// Where every known (segment, virtual address) is, local ones included,
    /// ordered by these, each once.
    pub mappings: Vec<Mapping>,
    /// The interfaces, on whichever host, that may come to have more addresses
    /// than were drawn, ordered by segment and identity.
    pub claimants: Vec<Claimant>,
    /// The addresses that several of them share, ordered by segment and address.
    pub shared: Vec<Shared>,
    /// Who has an address, by name (node or router), for listings.
    pub names: HashMap<(SegmentId, VirtualAddr), String>,
    /// What it was compiled from.
    pub topology: Topology,
}

impl Compiled {
    /// The host with that id.
    pub fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(id.0 as usize)
    }

    /// The interface with that id.
    pub fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        let found = self.interfaces.binary_search_by_key(&id, |i| i.id).ok()?;
        self.interfaces.get(found)
    }

    /// The segment with that id.
    pub fn segment(&self, id: SegmentId) -> Option<&Segment> {
        let found = self.segments.binary_search_by_key(&id, |s| s.id).ok()?;
        self.segments.get(found)
    }

    /// The interface that may claim addresses and has this identity.
    pub fn claimant(&self, segment: SegmentId, identity: VirtualAddr) -> Option<&Claimant> {
        let key = |claimant: &Claimant| (claimant.segment, claimant.identity);
        let found = self
            .claimants
            .binary_search_by_key(&(segment, identity), key);
        self.claimants.get(found.ok()?)
    }

    /// The interface on a host that may have an address, known by that MAC: what
    /// it learns is not held against its segment's range.
    pub fn claimant_of(
        &self,
        segment: SegmentId,
        address: VirtualAddr,
        mac: MacAddr,
        host: HostId,
    ) -> Option<&Claimant> {
        let shared = self.shared(segment, address);
        let first = self.claimants.partition_point(|c| c.segment < segment);
        let claimants = self.claimants.get(first..).unwrap_or_default().iter();
        let mut claimants = claimants.take_while(|c| c.segment == segment);
        claimants.find(|claimant| {
            let may = match shared {
                Some(shared) => {
                    shared.mac.unwrap_or(claimant.mac) == mac
                        && shared.claimants.contains(&claimant.identity)
                }
                None => claimant.policy != AddressPolicy::Fixed && claimant.mac == mac,
            };
            may && claimant.host == host
        })
    }

    /// What is declared of an address that several interfaces share.
    pub fn shared(&self, segment: SegmentId, address: VirtualAddr) -> Option<&Shared> {
        let key = |shared: &Shared| (shared.segment, shared.address);
        let found = self.shared.binary_search_by_key(&(segment, address), key);
        self.shared.get(found.ok()?)
    }

    /// The MACs besides its own that an interface of this host may send from.
    pub fn shared_macs(&self, interface: &Interface) -> impl Iterator<Item = MacAddr> {
        let segment = interface.segment;
        let first = self
            .shared
            .partition_point(|shared| shared.segment < segment);
        let shared = self.shared.get(first..).unwrap_or_default().iter();
        let shared = shared.take_while(move |shared| shared.segment == segment);
        let identity = interface.addresses.first().copied();
        let its = shared.filter(move |of| identity.is_some_and(|it| of.claimants.contains(&it)));
        its.filter_map(|shared| shared.mac)
    }

    /// Where (segment, virtual address) is.
    pub fn mapping(&self, segment: SegmentId, address: VirtualAddr) -> Option<&Mapping> {
        let key = |mapping: &Mapping| (mapping.segment, mapping.address);
        let found = self.mappings.binary_search_by_key(&(segment, address), key);
        self.mappings.get(found.ok()?)
    }
}

/// A machine that runs a vswitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name in the configuration; a locator written without a host gets
    /// its own text as name.
    pub name: String,
    /// Its substrate /64.
    pub locator: Locator,
}

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name, unique in the installation.
    pub name: String,
    /// The tenant on whose behalf it exists.
    pub entity: String,
    /// Who may ask its logical devices by SNMP, and what they say of
    /// themselves; `None`: they do not listen.
    pub snmp: Option<Snmp>,
}

/// What a network's logical devices need to answer SNMP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snmp {
    /// What a question must know to be answered.
    pub community: Secret,
    /// Whom to call (`sysContact`); may be empty.
    pub contact: String,
    /// Where the devices are (`sysLocation`); may be empty.
    pub location: String,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its id, unique in the installation.
    pub id: SegmentId,
    /// Its name, unique in its network.
    pub name: String,
    /// Index into [`Compiled::networks`].
    pub network: usize,
    /// The range its addresses come from.
    pub subnet: Ipv4Subnet,
    /// The tag that trunk links show for it.
    pub vlan: Option<VlanId>,
    /// The MPLS label that links show for it which go by labels.
    pub label: Option<MplsLabel>,
    /// The largest IPv4 packet that nodes may send, in bytes.
    pub mtu: u16,
    /// What becomes of a frame to a MAC that nobody in the segment has.
    pub unknown_mac: UnknownMac,
    /// What may pass between its nodes besides IPv4 and ARP: neither of those,
    /// no tag, not IPv6; ordered by number, each once. The same on every host.
    pub ethertypes: Vec<EtherType>,
    /// What its nodes are told by DHCP; `None`: they are told nothing.
    pub dhcp: Option<Dhcp>,
    /// How multicasts reach its nodes. The same on every host.
    pub multicast: Multicast,
    /// A node of the segment, on whichever host, is its DHCP server.
    pub has_dhcp_server: bool,
}

/// What the nodes of a segment are told by DHCP, besides their addresses and
/// what else is known of the segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// The default router. In the compiled form it is, where none is drawn, the
    /// logical router of the segment with the lowest address.
    pub router: Option<VirtualAddr>,
    /// The name servers, in order of preference.
    pub dns: Vec<VirtualAddr>,
    /// The domain that names are looked up in.
    pub domain: Option<String>,
    /// For how long an address is given, in seconds.
    pub lease: u32,
    /// Further routes, each destination once.
    pub routes: Vec<DhcpRoute>,
}

/// How multicasts reach the nodes of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multicast {
    /// Each group only those that have joined it; `None`: all of them.
    pub snooping: Option<Snooping>,
    /// What reaches nobody, ordered.
    pub withheld: Vec<Ipv4Subnet>,
}

/// How a segment learns who has joined which group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snooping {
    /// Between two questions to all (`[Query Interval]`, RFC 3376 §8.2), in
    /// seconds.
    pub query_interval: u32,
}

impl Default for Snooping {
    fn default() -> Self {
        Self {
            query_interval: 125,
        }
    }
}

impl Default for Multicast {
    fn default() -> Self {
        Self {
            snooping: Some(Snooping::default()),
            withheld: Vec::new(),
        }
    }
}

impl Multicast {
    /// Does this group reach nobody?
    pub fn withholds(&self, group: VirtualAddr) -> bool {
        self.withheld.iter().any(|prefix| prefix.contains(group))
    }
}

/// A route that nodes are told by DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DhcpRoute {
    /// The destinations.
    pub to: Ipv4Subnet,
    /// The next hop, in the segment.
    pub via: VirtualAddr,
}

/// What becomes of a frame to a unicast MAC that nobody in the segment has
/// (a stale ARP entry). Nothing is ever flooded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownMac {
    /// Drop it, by reason.
    #[default]
    Drop,
    /// Deliver it to whoever has the destination address now.
    Resolve,
}

/// A logical router: every vswitch does its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// Its name, unique in its network.
    pub name: String,
    /// Index into [`Compiled::networks`].
    pub network: usize,
    /// Its interfaces.
    pub legs: Vec<Leg>,
    /// Where its errors come from, if the packet in error came by no segment
    /// of its own; `None` if it has no address at all.
    pub source: Option<VirtualAddr>,
    /// Where it sends what is for none of its segments, each destination once.
    pub routes: Vec<Route>,
}

/// A logical switch: a segment's named device, which every vswitch is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Its name, unique in its network.
    pub name: String,
    /// Index into [`Compiled::networks`].
    pub network: usize,
    /// The segment whose interfaces are its ports.
    pub segment: SegmentId,
    /// Where it can be reached itself, if it can.
    pub management: Option<Management>,
}

/// Where a logical switch can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Management {
    /// Its address.
    pub address: VirtualAddr,
    /// Its MAC.
    pub mac: MacAddr,
}

/// A logical router's interface to a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The segment.
    pub segment: SegmentId,
    /// The segment's range, which the router reaches by this leg.
    pub subnet: Ipv4Subnet,
    /// The segment's MTU.
    pub mtu: u16,
    /// Its MAC there.
    pub mac: MacAddr,
    /// Its addresses there, at least one.
    pub addresses: Vec<VirtualAddr>,
    /// Does it answer ARP for what it would route (RFC 1027)?
    pub proxy_arp: bool,
}

/// A logical router's route to what it is not linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The destinations.
    pub to: Ipv4Subnet,
    /// The next hops, at least one: the flow's hash picks.
    pub via: Vec<NextHop>,
}

/// Who gets a packet from a logical router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextHop {
    /// Another logical router.
    Router {
        /// Which.
        router: RouterId,
        /// The leg by which the packet comes to it; `None` on a link between
        /// the two that is no segment.
        by: Option<LegId>,
    },
    /// An address that no logical router has.
    Station {
        /// The leg by which the packet leaves.
        by: LegId,
        /// The address.
        address: VirtualAddr,
    },
}

/// An IPv4 subnet: a network address and a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ipv4Subnet {
    network: Ipv4Addr,
    length: u8,
}

impl Ipv4Subnet {
    /// A subnet; `None` if the length exceeds 32 or host bits are set.
    pub fn new(network: Ipv4Addr, length: u8) -> Option<Self> {
        let subnet = Self { network, length };
        (length <= 32 && network.to_bits() & !subnet.mask() == 0).then_some(subnet)
    }

    /// The subnet of that length that contains an address; `None` if the
    /// length exceeds 32.
    pub fn around(address: VirtualAddr, length: u8) -> Option<Self> {
        let shift = 32_u32.checked_sub(u32::from(length))?;
        let mask = u32::MAX.checked_shl(shift).unwrap_or(0);
        Self::new(Ipv4Addr::from_bits(address.to_bits() & mask), length)
    }

    /// The network address.
    pub const fn network(self) -> Ipv4Addr {
        self.network
    }

    /// The prefix length, 0 to 32.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Does the subnet contain the address?
    pub fn contains(self, address: VirtualAddr) -> bool {
        address.to_bits() & self.mask() == self.network.to_bits()
    }

    /// The address that means "everyone in the subnet" (RFC 919 §7); none in
    /// a /31 (RFC 3021) or /32.
    pub fn broadcast(self) -> Option<VirtualAddr> {
        (self.length < 31).then(|| VirtualAddr::from_bits(self.network.to_bits() | !self.mask()))
    }

    fn mask(self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.length))
            .unwrap_or(0)
    }
}

impl core::fmt::Display for Ipv4Subnet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

/// A node's attachment to one segment, on a port of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Which it is.
    pub id: InterfaceId,
    /// The node's name, unique in its network.
    pub node: String,
    /// The port it is behind.
    pub port: PortId,
    /// The segment it is in.
    pub segment: SegmentId,
    /// What is on its frames: no inner tag on access links and for the native VLAN.
    pub tags: Tags,
    /// How its node sees the port, for listings.
    pub link: LinkType,
    /// Its MAC address.
    pub mac: MacAddr,
    /// Its virtual addresses, at least one: an anchor, where none is drawn (see
    /// [`VirtualAddr::is_anchor`]).
    pub addresses: Vec<VirtualAddr>,
    /// May it answer DHCP clients?
    pub dhcp_server: bool,
    /// How it comes by further addresses.
    pub policy: AddressPolicy,
}

/// How an interface comes by addresses besides those that were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressPolicy {
    /// It does not.
    #[default]
    Fixed,
    /// A DHCP server gives it one: its lease is learned.
    Dhcp,
    /// It takes what is free: what it sends from is learned.
    Learn(Learn),
}

/// What an interface may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learn {
    /// How many addresses at once.
    pub most: u16,
    /// For how long one that sends nothing keeps an address, in seconds.
    pub age: u32,
}

impl core::fmt::Display for AddressPolicy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Fixed => f.write_str("fixed"),
            Self::Dhcp => f.write_str("dhcp"),
            Self::Learn(Learn { most, age }) => write!(f, "learn (most {most}, age {age} s)"),
        }
    }
}

/// An interface, on whichever host, that may come to have more addresses than
/// were drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Its segment.
    pub segment: SegmentId,
    /// The first of its addresses as drawn, by which other hosts know it: an
    /// anchor, where none is drawn.
    pub identity: VirtualAddr,
    /// All that are drawn, its identity included.
    pub addresses: Vec<VirtualAddr>,
    /// Its MAC.
    pub mac: MacAddr,
    /// The host it is on.
    pub host: HostId,
    /// Which it is, if that is this host.
    pub interface: Option<InterfaceId>,
    /// How it comes by addresses.
    pub policy: AddressPolicy,
}

/// An address that several interfaces share: whichever claimed it last has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The segment.
    pub segment: SegmentId,
    /// The address.
    pub address: VirtualAddr,
    /// The MAC that goes with it (VRRP's virtual MAC); `None`: that of whoever
    /// has it.
    pub mac: Option<MacAddr>,
    /// The identities of those that may have it.
    pub claimants: Vec<VirtualAddr>,
}

/// A node's interface that stands for further addresses in its segment: those
/// that the node forwards for. They need not be drawn anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhantomRouter {
    /// The segment.
    pub segment: SegmentId,
    /// The segment's range: whatever the prefixes hold, nobody stands for an
    /// address in it.
    pub subnet: Ipv4Subnet,
    /// Its own addresses there, at least one.
    pub addresses: Vec<VirtualAddr>,
    /// Its MAC there.
    pub mac: MacAddr,
    /// The host it is on.
    pub host: HostId,
    /// Which it is of those in its segment on that host.
    pub slot: Slot,
    /// Set where it is attached to this host.
    pub interface: Option<InterfaceId>,
    /// What it stands for, each prefix once.
    pub forwards: Vec<Ipv4Subnet>,
}

impl PhantomRouter {
    /// Does it stand for the address?
    pub fn forwards(&self, address: VirtualAddr) -> bool {
        address.is_unicast()
            && !self.subnet.contains(address)
            && self.forwards.iter().any(|prefix| prefix.contains(address))
    }
}

/// How a node's link carries its VLANs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// One VLAN, untagged.
    Access,
    /// Several VLANs, all tagged.
    Trunk,
    /// Several VLANs, tagged, and this one (the native) is untagged.
    TrunkNative,
}

impl LinkType {
    /// The word for it in files and listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Trunk => "trunk",
            Self::TrunkNative => "native",
        }
    }
}

/// What a mapping's address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingKind {
    /// A computing node.
    Node,
    /// A computing node that forwards for others.
    Phantom,
    /// A logical router's interface: on no host, emulated on every one.
    Router,
    /// A logical switch's management address: likewise.
    Switch,
}

impl MappingKind {
    /// The word for it in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Phantom => "phantom",
            Self::Router => "router",
            Self::Switch => "switch",
        }
    }

    /// Is it a machine somewhere, and no device that only exists as
    /// configuration?
    pub const fn is_node(self) -> bool {
        matches!(self, Self::Node | Self::Phantom)
    }
}

/// Where an interface really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// The segment.
    pub segment: SegmentId,
    /// The virtual address.
    pub address: VirtualAddr,
    /// What it belongs to.
    pub kind: MappingKind,
    /// The MAC that ARP answers give for it.
    pub mac: MacAddr,
    /// The host it is on (for a router: this one).
    pub host: HostId,
    /// Its slot there; a phantom router's is used for what it forwards only.
    pub slot: Slot,
    /// Set where it is attached to this host.
    pub interface: Option<InterfaceId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_know_their_members() {
        let subnet = Ipv4Subnet::new(Ipv4Addr::new(10, 0, 5, 0), 24).unwrap();
        let address = |a: &str| VirtualAddr::new(a.parse().unwrap());
        assert!(subnet.contains(address("10.0.5.255")) && !subnet.contains(address("10.0.6.0")));
        assert_eq!(subnet.broadcast(), Some(address("10.0.5.255")));
        assert_eq!(Ipv4Subnet::around(address("10.0.5.255"), 24), Some(subnet));
        let all = Ipv4Subnet::new(Ipv4Addr::UNSPECIFIED, 0).unwrap();
        assert_eq!(Ipv4Subnet::around(address("10.0.5.1"), 0), Some(all));
        assert_eq!(Ipv4Subnet::around(address("10.0.5.1"), 33), None);
        assert!(all.contains(address("255.255.255.255")));
        assert_eq!(Ipv4Subnet::new(Ipv4Addr::new(10, 0, 5, 1), 24), None);
        assert_eq!(
            Ipv4Subnet::new(Ipv4Addr::new(10, 0, 5, 0), 31)
                .unwrap()
                .broadcast(),
            None
        );
    }
}
