//! Do the files contradict themselves or each other?
//!
//! * [`segments`]: names, ids, VLANs; what a name refers to.
//! * [`stations`]: addresses and MACs inside their segments.
//! * [`links`]: access and trunk, and the tag that follows.
//! * [`routers`]: legs and routes.
//! * `switches`: one in a segment at most.
//! * [`phantoms`]: nodes that forward for others.
//! * [`dhcp`]: what a segment's nodes are told.
//! * [`rules`]: whom the access rules mean.
//! * [`shared`]: addresses that several nodes share.

mod dhcp;
mod links;
mod phantoms;
mod routers;
mod rules;
mod segments;
mod shared;
mod stations;
mod switches;

use std::collections::{HashMap, HashSet};

use super::text::{NetworkText, StationText, Whereabouts};
use super::{At, Network, Node, NodeInterface, StaticMapping, Topology};
use crate::compiled::AddressPolicy;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;
use segments::Names;
use stations::Stations;

/// Checks what was written and resolves its names.
pub(super) fn check(texts: Vec<NetworkText>, out: &mut Diagnostics) -> Topology {
    let mut once = Once::new("network");
    let (mut networks, mut segments) = (Vec::new(), Vec::new());
    let mut names = Names::new();
    for (index, text) in texts.iter().enumerate() {
        once.claim(
            &text.name,
            "give one of them another name; one network is one document",
            out,
        );
        names.define(index, &text.segments, &mut segments, out);
    }
    let mut stations = Stations::new(&segments);
    for (index, text) in texts.iter().enumerate() {
        for station in all_stations(text) {
            if let Some(segment) = names.silently(index, station.segment.as_ref()) {
                stations.declare(segment, &station.addresses);
            }
        }
        for shared in &text.shared {
            if let Some(segment) = names.silently(index, shared.segment.as_ref()) {
                stations.declare(segment, shared.address.as_slice());
            }
        }
    }
    for (index, text) in texts.into_iter().enumerate() {
        let mut rooms = Rooms {
            network: index,
            names: &names,
            stations: &mut stations,
            out,
        };
        networks.push(rooms.network(text));
    }
    Topology {
        networks: networks.into(),
        segments: segments.into(),
    }
}

fn all_stations(text: &NetworkText) -> impl Iterator<Item = &StationText> {
    let routers = text.routers.iter().flat_map(|router| &router.interfaces);
    let routers = routers.map(|leg| &leg.station);
    let switches = text.switches.iter().map(|switch| &switch.station);
    let nodes = text.nodes.iter().flat_map(|node| &node.interfaces);
    let nodes = nodes.map(|interface| &interface.station);
    let mappings = text.mappings.iter().map(|mapping| &mapping.station);
    routers.chain(switches).chain(nodes).chain(mappings)
}

/// What the checks of one network share.
struct Rooms<'a> {
    network: usize,
    names: &'a Names,
    stations: &'a mut Stations,
    out: &'a mut Diagnostics,
}

impl Rooms<'_> {
    fn network(&mut self, text: NetworkText) -> Network {
        let mut once = Once::new("router, switch or node");
        let remedy = "give one of them another name";
        for router in &text.routers {
            once.claim(&router.name, remedy, self.out);
        }
        for switch in &text.switches {
            once.claim(&switch.name, remedy, self.out);
        }
        for node in &text.nodes {
            once.claim(&node.name, remedy, self.out);
        }
        let routers = self.routers(text.routers);
        let switches = self.switches(text.switches);
        let mut nodes = Vec::new();
        for node in text.nodes {
            if self.out.full() {
                break;
            }
            let owner = format!("node \"{}\"", node.name.value);
            let interfaces = self.node_interfaces(&node, &owner);
            if let Some(host) = node.host {
                nodes.push(Node {
                    name: node.name,
                    place: node.place,
                    host,
                    port: node.port,
                    interfaces,
                });
            }
        }
        let mappings = text.mappings.into_iter().filter_map(|mapping| {
            if self.out.full() {
                return None;
            }
            let (owner, at) = match mapping.at? {
                Whereabouts::Host(host) => {
                    let owner = format!("a static mapping to host \"{}\"", host.value);
                    (owner, At::Host(host))
                }
                Whereabouts::Locator(locator) => {
                    let owner = format!("a static mapping to {}", locator.value);
                    (owner, At::Locator(locator))
                }
            };
            let station = self.station(&mapping.station, &owner)?;
            let phantom = self.phantom(mapping.phantom.as_ref(), &owner, station.segment);
            Some(StaticMapping {
                station,
                at,
                phantom,
            })
        });
        let mappings = mappings.collect();
        let access = self.access(text.access, &nodes);
        let shared = self.shared(text.shared, &nodes);
        self.somebody_gives(&nodes);
        Network {
            name: text.name,
            entity: text.entity,
            snmp: text.snmp,
            routers,
            switches,
            nodes,
            mappings,
            access,
            shared,
        }
    }

    /// Who is to come by an address through DHCP needs somebody who gives it.
    fn somebody_gives(&mut self, nodes: &[Node]) {
        let interfaces = || nodes.iter().flat_map(|node| &node.interfaces);
        let servers = interfaces().filter(|interface| interface.dhcp_server);
        let served: HashSet<_> = servers.map(|server| server.station.segment).collect();
        for node in nodes {
            for NodeInterface {
                station, policy, ..
            } in &node.interfaces
            {
                let waits = *policy == AddressPolicy::Dhcp
                    && station.addresses.iter().all(|address| address.is_anchor());
                if waits && !served.contains(&station.segment) {
                    let message = format!(
                        "node \"{}\" waits for an address by DHCP, and nobody gives one in its \
                         segment",
                        node.name.value
                    );
                    let remedy = "give the segment dhcp: { pool: FIRST-LAST }, the interface an \
                                  address, or a server's interface dhcp-server: true";
                    self.out.error(&station.place, message, remedy);
                }
            }
        }
    }

    fn node_interfaces(&mut self, node: &super::text::NodeText, owner: &str) -> Vec<NodeInterface> {
        let link = self.link(node);
        let mut interfaces = Vec::new();
        for text in &node.interfaces {
            let Some(station) = self.station(&text.station, owner) else {
                continue;
            };
            let tagging = link
                .as_ref()
                .and_then(|link| link.tagging(station.segment, &text.station, owner, self.out));
            if let Some((link, tags)) = tagging {
                let phantom = self.phantom(text.phantom.as_ref(), owner, station.segment);
                interfaces.push(NodeInterface {
                    phantom,
                    station,
                    link,
                    tags,
                    dhcp_server: text.dhcp_server,
                    policy: text.policy,
                });
            }
        }
        interfaces
    }
}

/// Names that may be there once.
struct Once {
    what: &'static str,
    seen: HashMap<String, Place>,
}

impl Once {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            seen: HashMap::new(),
        }
    }

    fn claim(&mut self, name: &Located<String>, remedy: &str, out: &mut Diagnostics) {
        if name.value.is_empty() {
            return; // It could not be read, which was reported.
        }
        if let Some(before) = self.seen.get(&name.value) {
            let what = self.what;
            let before = before.seen_from(&name.place);
            let message = format!("{what} \"{}\" is already defined at {before}", name.value);
            out.error(&name.place, message, remedy);
            return;
        }
        self.seen.insert(name.value.clone(), name.place.clone());
    }
}
