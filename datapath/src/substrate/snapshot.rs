//! What the fast path needs to know of the substrate: for each host, which
//! next hops lead there, and what Ethernet header gets a packet to them.
//!
//! Plain data: the control thread makes a new [`UplinkTable`] whenever
//! [`super::SubstrateHost::revision`] changed, and workers read it.

use core::net::Ipv6Addr;
use core::num::NonZeroU32;

use arrayvec::ArrayVec;
use packet::{IpProtocol, Locator, MacAddr};
use vnet::compiled::{HostId, PortId};

use super::address::{ALL_NODES, is_solicited_node};
use super::neighbor::NeighborState;

/// Most next hops among which one destination's flows are spread.
pub const MAX_ECMP: usize = 8;

/// A next hop that some route uses, by its place in
/// [`UplinkTable::next_hops`]. It keeps its number for as long as a route
/// needs it; after that the number may be given to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NextHopId(pub u32);

impl NextHopId {
    /// The place in [`UplinkTable::next_hops`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The next hops to one host; empty where no route leads there (and for this
/// host itself).
pub type NextHops = ArrayVec<NextHopId, MAX_ECMP>;

/// Everything a worker needs to send to the substrate, and to know what on it
/// is meant for the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UplinkTable {
    /// Rises with every change.
    pub revision: u64,
    /// Hop limit of packets that start here.
    pub hop_limit: u8,
    /// The uplinks, in the order of the configuration.
    pub uplinks: Vec<UplinkFacts>,
    /// Every next hop that a route to a peer uses.
    pub next_hops: Vec<NextHopEntry>,
    /// Which of them lead to a host, indexed by [`HostId`]. Lists the next
    /// hops whose MAC is known; if there are none, those that are being
    /// resolved; if there are none either, the failed ones.
    pub by_host: Vec<NextHops>,
    /// What is addressed to the host itself.
    pub own: OwnAddresses,
}

/// One uplink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkFacts {
    /// The port.
    pub port: PortId,
    /// Its MAC.
    pub mac: MacAddr,
    /// Largest IPv6 packet the link carries, in bytes.
    pub mtu: u16,
    /// Where this machine's kernel hears of the link, if it does.
    pub kernel: Option<KernelPath>,
    /// The configured address; `None` until it is proved unique (RFC 4862
    /// §5.4), and for ever if it is a duplicate.
    pub address: Option<Ipv6Addr>,
    /// The link-local address, likewise.
    pub link_local: Option<Ipv6Addr>,
    /// Is the link up?
    pub up: bool,
}

/// The way between an uplink and this machine's own kernel, which has its
/// services behind the uplink's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelPath {
    /// The port whose other end is the kernel's interface.
    pub port: PortId,
    /// Packets per second that one worker may hand to the kernel, and as many
    /// at once as come in a twentieth of a second.
    pub rate: NonZeroU32,
}

/// How to reach one next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextHopEntry {
    /// Its number.
    pub id: NextHopId,
    /// The port that leads to it.
    pub port: PortId,
    /// Largest IPv6 packet that port's link carries, in bytes.
    pub mtu: u16,
    /// Ethernet source: the port's MAC.
    pub source_mac: MacAddr,
    /// Ethernet destination; `None` while unknown: hold or drop the packet.
    pub destination_mac: Option<MacAddr>,
    /// What is known of its reachability.
    pub state: NeighborState,
    /// Its address on the link.
    pub address: Ipv6Addr,
}

impl UplinkTable {
    /// The next hop for a packet to this host whose flow hashes to `hash`;
    /// `None` if no route leads there. One flow, one next hop.
    pub fn next_hop(&self, host: HostId, hash: u32) -> Option<&NextHopEntry> {
        let hops = self.by_host.get(host.0 as usize)?;
        let count = u32::try_from(hops.len()).ok()?;
        let pick = hash.checked_rem(count)?;
        self.next_hops.get(hops.get(pick as usize)?.index())
    }

    /// The facts about a port, if it is an uplink.
    pub fn uplink(&self, port: PortId) -> Option<&UplinkFacts> {
        self.uplinks.iter().find(|uplink| uplink.port == port)
    }

    /// The uplink whose kernel is behind a port, if any.
    pub fn of_kernel(&self, port: PortId) -> Option<&UplinkFacts> {
        let leads = |uplink: &&UplinkFacts| uplink.kernel.is_some_and(|kernel| kernel.port == port);
        self.uplinks.iter().find(leads)
    }
}

/// Which destination addresses are the host's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    locator: Option<Locator>,
    /// The locator is on-link: any solicited-node group may be about it.
    on_link: bool,
    addresses: Vec<Ipv6Addr>,
    /// Ordered.
    groups: Vec<Ipv6Addr>,
}

impl OwnAddresses {
    /// Own addresses: everything under `locator` whose segment is 0,
    /// `addresses`, and the joined `groups`.
    pub fn new(
        locator: Locator,
        on_link: bool,
        addresses: Vec<Ipv6Addr>,
        mut groups: Vec<Ipv6Addr>,
    ) -> Self {
        groups.sort_unstable();
        groups.dedup();
        Self {
            locator: Some(locator),
            on_link,
            addresses,
            groups,
        }
    }

    /// The locator; `None` only in a default value.
    pub const fn locator(&self) -> Option<Locator> {
        self.locator
    }

    /// Is a packet to this address for the host itself? Its own addresses
    /// (tentative ones included: duplicate detection must hear), segment 0 of
    /// the locator, and the groups it listens to.
    pub fn is_for_host(&self, destination: Ipv6Addr) -> bool {
        if destination.is_multicast() {
            return destination == ALL_NODES
                || (self.on_link && is_solicited_node(destination))
                || self.groups.binary_search(&destination).is_ok();
        }
        self.locator
            .is_some_and(|locator| is_segment_zero(locator, destination))
            || self.addresses.contains(&destination)
    }

    /// Is it an address that this machine's kernel may use: the host's own, but
    /// none under the locator, not even in its segment 0? What lies there is
    /// the tenants' and the vswitch's.
    pub fn is_kernels(&self, address: Ipv6Addr) -> bool {
        let under_locator = self.locator.is_some_and(|l| l.contains(address));
        !under_locator && self.addresses.contains(&address)
    }

    /// Is a packet to a *tenant's* address nevertheless the host's to answer?
    ///
    /// Where the locator is on-link, neighbours probe tenants' addresses by
    /// unicast neighbour solicitations (RFC 4861 §7.3.3). Between vswitches
    /// ICMPv6 carries echo and errors only, so these two types are never a
    /// tenant's. `icmp_kind` is the first byte after the IPv6 header.
    pub fn is_neighbor_discovery(
        &self,
        destination: Ipv6Addr,
        next_header: IpProtocol,
        icmp_kind: u8,
    ) -> bool {
        self.on_link
            && next_header == IpProtocol::ICMPV6
            && matches!(
                icmp_kind,
                packet::nd::NEIGHBOR_SOLICITATION | packet::nd::NEIGHBOR_ADVERTISEMENT
            )
            && self.locator.is_some_and(|l| l.contains(destination))
    }
}

/// Does the address lie under the locator with segment bits 0?
pub(super) fn is_segment_zero(locator: Locator, address: Ipv6Addr) -> bool {
    let [.., a, b, c, _, _, _, _] = address.octets();
    locator.contains(address) && [a, b, c] == [0; 3]
}
