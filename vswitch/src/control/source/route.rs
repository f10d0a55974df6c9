//! Which way a packet would take through the drawn networks.

use packet::{IpProtocol, MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::MappingKind;

use super::{Rule, SegmentLabel};

/// A packet whose way is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteQuestion {
    /// Who sends it.
    pub from: RouteFrom,
    /// Where to.
    pub to: VirtualAddr,
    /// The network in which its sender is, if that was said.
    pub network: Option<String>,
    /// The router that its sender gives it to; `None`: the first of the segment
    /// that leads there.
    pub router: Option<String>,
    /// What it carries.
    pub protocol: IpProtocol,
    /// From and to which port.
    pub ports: (u16, u16),
}

/// Who sends a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteFrom {
    /// Whoever is in this segment.
    Segment(SegmentId),
    /// Whoever has this address.
    Address(VirtualAddr),
}

/// Why there is no answer about a way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteRefusal {
    /// The network is not known.
    #[error("there is no network \"{0}\"; see: vswitchctl export")]
    NoSuchNetwork(String),
    /// The segment is not known, or not in the network.
    #[error("there is no segment {}{}; see: vswitchctl export", .0, in_network(.1))]
    NoSuchSegment(SegmentId, Option<String>),
    /// No node has the sender's address.
    #[error(
        "no node has address {}{}: name a sender's address, or its segment's id; \
         see: vswitchctl mapping list",
        .0,
        in_network(.1)
    )]
    NoSuchSender(VirtualAddr, Option<String>),
    /// Several have the sender's address.
    #[error("several have address {address}; say which by its segment: {}", named(.segments))]
    SeveralSenders {
        /// The address.
        address: VirtualAddr,
        /// The segments in which somebody has it.
        segments: Vec<SegmentLabel>,
    },
    /// The segment does not have that router.
    #[error("segment {segment} has no router \"{name}\"; it has: {}", or_none(.known))]
    NoSuchRouter {
        /// The name that was given.
        name: String,
        /// The segment's id.
        segment: SegmentId,
        /// The routers that it has.
        known: Vec<String>,
    },
}

fn in_network(network: &Option<String>) -> String {
    let of = network.iter().map(|name| format!(" in network \"{name}\""));
    of.collect()
}

fn named(segments: &[SegmentLabel]) -> String {
    let named = segments.iter().map(|segment| {
        let (id, name, network) = (segment.id, &segment.name, &segment.network);
        format!("{id} ({name}, network {network})")
    });
    named.collect::<Vec<_>>().join(", ")
}

fn or_none(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        some => some.join(", "),
    }
}

/// The way of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteWay {
    /// The segment where it is sent.
    pub from_segment: SegmentLabel,
    /// Its sender's address; `None`: nobody is in the segment.
    pub from: Option<VirtualAddr>,
    /// The logical routers to which it comes.
    pub hops: Vec<RouteHop>,
    /// How it ends.
    pub end: RouteEnd,
    /// The segment in which it ends; `None`: it ends at a router.
    pub to_segment: Option<SegmentLabel>,
    /// Who has the address; or the next hop that is no router.
    pub destination: RouteDestination,
    /// The largest packet that all segments on the way take, in bytes, if it
    /// gets there.
    pub mtu: Option<u16>,
    /// The access rule, or the default, that decides about it, if its network has
    /// rules.
    pub rule: Option<Rule>,
    /// The other routers of the sender's segment.
    pub other_routers: Vec<String>,
}

/// A logical router on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteHop {
    /// Its name.
    pub router: String,
    /// Where its errors come from about what came this way.
    pub address: VirtualAddr,
    /// The segment by which the packet comes to it.
    pub segment: Option<SegmentLabel>,
    /// Does the sender hear its errors?
    pub heard: bool,
    /// Did the flow choose among several equal ways from here?
    pub chosen_by_flow: bool,
}

/// Who is at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDestination {
    /// Its address.
    pub address: VirtualAddr,
    /// What it belongs to; `None`: nobody known has it.
    pub kind: Option<MappingKind>,
    /// The node's or router's name, where known.
    pub name: Option<String>,
    /// The host it is on.
    pub host: Option<String>,
    /// Its MAC.
    pub mac: Option<MacAddr>,
}

/// How a packet's way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteEnd {
    /// With whoever has the address.
    Delivered,
    /// At a router that has the address itself.
    Router,
    /// Nobody in the last segment has the address.
    Nobody,
    /// There is no router in the sender's segment.
    NoRouter,
    /// The last router has no route there.
    NoRoute,
    /// A node that forwards for others gets it.
    Forwarded,
    /// The last router would pass it to a node that forwards for nobody.
    Station,
    /// It comes to the last router again and again.
    Circle,
    /// There are more routers on the way than a packet crosses.
    TooFar,
    /// No router passes such an address on.
    NotRoutable,
    /// It would get there, but access rules refuse it.
    Refused,
}
