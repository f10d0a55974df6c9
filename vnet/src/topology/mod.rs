//! The networks that tenants drew, checked: what the files of one host say
//! together, without contradictions, names resolved as far as the files go.
//! What depends on the host (which hosts and ports there are) is checked by
//! [`Topology::compile`].

mod check;
mod compile;
mod derive_mac;
mod ids;
pub mod networks;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;
use std::sync::Arc;

use packet::{EtherType, Locator, MacAddr, MplsLabel, SegmentId, Slot, Tags, VirtualAddr, VlanId};

use crate::compiled::{
    AccessRules, AddressPolicy, Dhcp, Ipv4Subnet, LinkType, Multicast, Snmp, UnknownMac,
};
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;
use networks::NetworkTexts;

pub use compile::{KnownPort, PortPurpose, Surroundings};
pub use derive_mac::derive_mac;
pub use text::{DEFAULT_MTU, MAX_MTU, MIN_MTU};

/// The virtual networks of all topology files of one host. A copy shares
/// them.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    /// The networks, in the order of the files.
    pub networks: Arc<Vec<Network>>,
    /// The segments of all networks.
    pub segments: Arc<Vec<Segment>>,
}

/// The place of a segment in [`Topology::segments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentIndex(usize);

/// One virtual network.
#[derive(Debug)]
pub struct Network {
    /// Its name.
    pub name: Located<String>,
    /// The tenant on whose behalf it exists.
    pub entity: String,
    /// How its logical devices answer SNMP, if they do.
    pub snmp: Option<Snmp>,
    /// Its logical routers.
    pub routers: Vec<Router>,
    /// Its logical switches, at most one in a segment.
    pub switches: Vec<Switch>,
    /// Its computing nodes, on whichever host.
    pub nodes: Vec<Node>,
    /// Interfaces that are described elsewhere.
    pub mappings: Vec<StaticMapping>,
    /// Who may talk to whom; `None`: nothing is said of it.
    pub access: Option<AccessRules>,
    /// Addresses that several nodes share.
    pub shared: Vec<SharedAddress>,
}

/// A layer-2 broadcast domain.
#[derive(Debug)]
pub struct Segment {
    /// Its name, unique in its network.
    pub name: Located<String>,
    /// The index of its network in [`Topology::networks`].
    pub network: usize,
    /// Its id, unique in the installation.
    pub id: SegmentId,
    /// The range its addresses come from.
    pub subnet: Ipv4Subnet,
    /// The tag that trunk links show for it.
    pub vlan: Option<VlanId>,
    /// The MPLS label that links show for it which go by labels.
    pub label: Option<MplsLabel>,
    /// The largest IPv4 packet that nodes may send, in bytes.
    pub mtu: Located<u16>,
    /// What becomes of a frame to a MAC that nobody in the segment has.
    pub unknown_mac: UnknownMac,
    /// What may pass besides IPv4 and ARP, ordered.
    pub ethertypes: Vec<EtherType>,
    /// What its nodes are told by DHCP, as drawn.
    pub dhcp: Option<Dhcp>,
    /// The first and the last address that those of its nodes get of which DHCP
    /// is to give one and none is written.
    pub pool: Option<(VirtualAddr, VirtualAddr)>,
    /// How multicasts reach its nodes.
    pub multicast: Multicast,
}

/// Something with a MAC and addresses in a segment.
#[derive(Debug)]
pub struct Station {
    /// Where it is written.
    pub place: Place,
    /// Its segment.
    pub segment: SegmentIndex,
    /// Its addresses; at least one unless an error was reported. Where none is
    /// written, an anchor: see [`VirtualAddr::is_anchor`].
    pub addresses: Vec<VirtualAddr>,
    /// Its MAC, as given or derived.
    pub mac: MacAddr,
}

/// A logical router.
#[derive(Debug)]
pub struct Router {
    /// Its name.
    pub name: Located<String>,
    /// Its legs.
    pub interfaces: Vec<RouterInterface>,
    /// Where its errors come from, if its packets came by no segment of its
    /// own; by default its lowest address.
    pub source: Option<VirtualAddr>,
    /// Its static routes.
    pub routes: Vec<Route>,
}

/// A logical router's leg in a segment.
#[derive(Debug)]
pub struct RouterInterface {
    /// Its segment, addresses and MAC.
    pub station: Station,
    /// Does it answer ARP for what it would route (RFC 1027)?
    pub proxy_arp: bool,
}

/// A logical switch.
#[derive(Debug)]
pub struct Switch {
    /// Its name.
    pub name: Located<String>,
    /// The segment whose device it is.
    pub segment: SegmentIndex,
    /// Its address and MAC, if it has them.
    pub station: Option<Station>,
}

/// A logical router's static route.
#[derive(Debug)]
pub struct Route {
    /// The destinations.
    pub to: Ipv4Subnet,
    /// Where they are reached: at any of these, by the flow's hash.
    pub via: Vec<NextHop>,
}

/// The next hop of a logical router's route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextHop {
    /// Another logical router of the network, by index into
    /// [`Network::routers`].
    Router(usize),
    /// An address on one of the router's segments.
    Address(VirtualAddr),
}

/// A computing node.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: Located<String>,
    /// Where it is written.
    pub place: Place,
    /// The host it is on.
    pub host: Located<String>,
    /// The port of that host that it is behind.
    pub port: Option<Located<String>>,
    /// Its interfaces.
    pub interfaces: Vec<NodeInterface>,
}

/// A node's attachment to a segment.
#[derive(Debug)]
pub struct NodeInterface {
    /// Its segment, addresses and MAC.
    pub station: Station,
    /// How its link carries its segment.
    pub link: LinkType,
    /// What is on its frames.
    pub tags: Tags,
    /// May it answer DHCP clients?
    pub dhcp_server: bool,
    /// What it stands for besides its addresses.
    pub phantom: Option<Phantom>,
    /// How it comes by further addresses.
    pub policy: AddressPolicy,
}

/// What a phantom router stands for in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phantom {
    /// The prefixes, each once, at least one.
    pub forwards: Vec<Ipv4Subnet>,
    /// Its slot on its host, if that is given.
    pub slot: Option<Located<Slot>>,
}

/// An address that several nodes share: whichever claimed it last has it.
#[derive(Debug)]
pub struct SharedAddress {
    /// Where it is written.
    pub place: Place,
    /// Its segment.
    pub segment: SegmentIndex,
    /// The address.
    pub address: VirtualAddr,
    /// The MAC that goes with it, if one does.
    pub mac: Option<MacAddr>,
    /// The nodes, by index into [`Network::nodes`], each once, at least one
    /// unless an error was reported.
    pub nodes: Vec<usize>,
}

/// An interface whose node is described elsewhere.
#[derive(Debug)]
pub struct StaticMapping {
    /// Its segment, addresses and MAC.
    pub station: Station,
    /// Where it is.
    pub at: At,
    /// What it stands for besides its addresses.
    pub phantom: Option<Phantom>,
}

/// Where an interface is that is described elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// On a host, by name.
    Host(Located<String>),
    /// On the host with this locator.
    Locator(Located<Locator>),
}

impl Topology {
    /// Reads and checks topology files, given as name and text: each document
    /// of a file is one network. What is wrong goes to `out`; if that has
    /// errors, the topology lacks what they are about and must not be used.
    pub fn read<'t>(
        files: impl IntoIterator<Item = (Arc<Path>, &'t str)>,
        out: &mut Diagnostics,
    ) -> Self {
        let mut texts = Vec::new();
        for (file, text) in files {
            for document in networks::documents(&file, text, out) {
                texts.extend(text::read(&file, document.first_line, &document.text, out));
            }
        }
        check::check(texts, out)
    }

    /// The same for the networks of a set. Those in use come first: it is the
    /// others that contradict them.
    pub fn of(networks: &NetworkTexts, out: &mut Diagnostics) -> Self {
        let (in_use, new): (Vec<_>, Vec<_>) = networks.iter().partition(|n| n.in_use);
        let texts = in_use.into_iter().chain(new).filter_map(|network| {
            let file = network.shown_as();
            text::read(&file, network.first_line, &network.text, out)
        });
        let texts = texts.collect();
        check::check(texts, out)
    }

    /// The segment at an index that this topology gave out.
    pub fn segment(&self, index: SegmentIndex) -> Option<&Segment> {
        self.segments.get(index.0)
    }

    /// The nodes of all networks that are on a host.
    pub fn nodes_on<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Node> {
        let nodes = self.networks.iter().flat_map(|network| &network.nodes);
        nodes.filter(move |node| node.host.value == host)
    }
}
