//! The topology as one host's tables need it: where is everything, and who is
//! behind which of this host's ports?

mod identities;
mod loops;
mod phantoms;
mod routers;

use std::collections::{HashMap, HashSet};

use packet::{MacAddr, OuterTag, Slot, Tags, VirtualAddr};

use crate::compiled::{
    Compiled, Host, HostId, Interface, InterfaceId, Management, Mapping, MappingKind, Network,
    NextHop, PhantomRouter, PortId, RouterId, Segment, Switch,
};
use crate::diagnostic::{Diagnostics, Place};
use crate::topology::ids::{HostIds, InterfaceIds, InterfaceKey};
use crate::topology::{At, Node, NodeInterface, Phantom, SegmentIndex, Station, Topology};
use crate::yaml::Located;
use crate::yaml::nearest::did_you_mean;
use phantoms::{Asking, Slots};

/// What a topology stands in: hosts and ports that it refers to by name.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// This host.
    pub this: Host,
    /// The other hosts of the installation.
    pub others: Vec<Host>,
    /// This host's ports; [`PortId`] is the place in this list. `None`: there
    /// is no port with that id (any more).
    pub ports: Vec<Option<KnownPort>>,
}

/// A port of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPort {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: PortPurpose,
}

/// What a port of this host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortPurpose {
    /// Nodes may be behind it.
    Nodes,
    /// It leads to the fabric.
    Uplink,
    /// It leads to the host's own kernel.
    Kernel,
}

impl Topology {
    /// The compiled form for one host. What is wrong goes to `out`; if that
    /// has errors, the result lacks what they are about and must not be used.
    ///
    /// `before` is the form in use: its hosts and interfaces keep their ids,
    /// and none of its ids is given to something else. Other than the first
    /// host's name, nothing about this host may have changed since.
    pub fn compile(
        &self,
        around: &Surroundings,
        before: Option<&Compiled>,
        out: &mut Diagnostics,
    ) -> Compiled {
        let mut compiler = Compiler::new(self, around, before, out);
        compiler.assign_slots();
        for network in self.networks.iter() {
            for router in &network.routers {
                for leg in &router.interfaces {
                    compiler.map(
                        &leg.station,
                        MappingKind::Router,
                        HostId(0),
                        Slot::ZERO,
                        None,
                    );
                    compiler.name(&leg.station, &router.name.value);
                }
            }
            for switch in &network.switches {
                if let Some(station) = &switch.station {
                    let kind = MappingKind::Switch;
                    compiler.map(station, kind, HostId(0), Slot::ZERO, None);
                    compiler.name(station, &switch.name.value);
                }
            }
            for node in &network.nodes {
                if compiler.out.full() {
                    break;
                }
                compiler.node(node);
            }
            for shared in &network.shared {
                compiler.shared(shared, network);
            }
            for mapping in &network.mappings {
                if compiler.out.full() {
                    break;
                }
                if let Some(host) = compiler.elsewhere(&mapping.at) {
                    compiler.map_node(&mapping.station, mapping.phantom.as_ref(), host, None);
                }
            }
        }
        compiler.warn_of_loops();
        let compiled = compiler.finish();
        warn_of_next_hops(&compiled, out);
        compiled
    }
}

struct Compiler<'a> {
    topology: &'a Topology,
    around: &'a Surroundings,
    out: &'a mut Diagnostics,
    compiled: Compiled,
    hosts: HostIds<'a>,
    interfaces: InterfaceIds,
    /// The slots of phantom routers.
    slots: Slots,
    /// The ports by name.
    ports: HashMap<&'a str, (PortId, &'a KnownPort)>,
    /// Who is meant by (port, tags, source MAC).
    behind: HashMap<(PortId, Tags, MacAddr), (&'a str, &'a Place)>,
    /// Who is meant by ARP that no label or tag tells apart, where there are
    /// labels at all.
    unlabelled: Option<HashMap<Unlabelled, (&'a str, &'a Place)>>,
}

/// What is known of ARP on a link whose segments go by labels: it has none.
type Unlabelled = (PortId, Option<OuterTag>, MacAddr, VirtualAddr);

impl<'a> Compiler<'a> {
    fn new(
        topology: &'a Topology,
        around: &'a Surroundings,
        before: Option<&Compiled>,
        out: &'a mut Diagnostics,
    ) -> Self {
        let networks = topology.networks.iter().map(|network| Network {
            name: network.name.value.clone(),
            entity: network.entity.clone(),
            snmp: network.snmp.clone(),
        });
        let nodes = topology.networks.iter().flat_map(|network| &network.nodes);
        let interfaces = nodes.flat_map(|node| &node.interfaces);
        let servers: HashSet<SegmentIndex> = interfaces
            .filter(|interface| interface.dhcp_server)
            .map(|interface| interface.station.segment)
            .collect();
        let numbered = (0..).map(SegmentIndex).zip(topology.segments.iter());
        let segments = numbered.map(|(index, segment)| Segment {
            id: segment.id,
            name: segment.name.value.clone(),
            network: segment.network,
            subnet: segment.subnet,
            vlan: segment.vlan,
            label: segment.label,
            mtu: segment.mtu.value,
            unknown_mac: segment.unknown_mac,
            ethertypes: segment.ethertypes.clone(),
            dhcp: segment.dhcp.clone(),
            multicast: segment.multicast.clone(),
            has_dhcp_server: servers.contains(&index),
        });
        let ports = (0..).map(PortId).zip(&around.ports);
        let ports = ports.filter_map(|(id, port)| {
            let port = port.as_ref()?;
            Some((port.name.as_str(), (id, port)))
        });
        let has_labels = topology.segments.iter().any(|s| s.label.is_some());
        let compiled = Compiled {
            topology: topology.clone(),
            routers: routers::compile(topology),
            switches: switches(topology),
            access: topology
                .networks
                .iter()
                .filter_map(|network| network.access.clone())
                .collect(),
            networks: networks.collect(),
            segments: segments.collect(),
            ..Compiled::default()
        };
        Self {
            topology,
            around,
            out,
            compiled,
            hosts: HostIds::new(around, before),
            interfaces: InterfaceIds::new(before),
            slots: Slots::new(),
            ports: ports.collect(),
            behind: HashMap::new(),
            unlabelled: has_labels.then(HashMap::new),
        }
    }

    fn node(&mut self, node: &'a Node) {
        let Some(host) = self.host(&node.host) else {
            return;
        };
        let port = if host == HostId(0) {
            let Some(port) = self.port(node) else {
                return;
            };
            Some(port)
        } else {
            None
        };
        for interface in &node.interfaces {
            let local = port.and_then(|port| self.attach(node, interface, port));
            self.map_node(&interface.station, interface.phantom.as_ref(), host, local);
            self.claimant(interface, host, local);
            self.name(&interface.station, &node.name.value);
        }
    }

    /// The host of that name; reported if it is unknown.
    fn host(&mut self, name: &Located<String>) -> Option<HostId> {
        if let Some(id) = self.hosts.named(&name.value) {
            return Some(id);
        }
        let message = format!("there is no host \"{}\"", name.value);
        let hosts = core::iter::once(&self.around.this).chain(&self.around.others);
        let known = hosts.map(|host| host.name.as_str());
        let remedy = did_you_mean(&name.value, known, || {
            let name = &name.value;
            format!("add {{ name: {name}, locator: its /64 }} to hosts in the host's configuration")
        });
        self.out.error(&name.place, message, remedy);
        None
    }

    /// The port of this host that a node is behind.
    fn port(&mut self, node: &Node) -> Option<PortId> {
        let this = &self.around.this.name;
        let Some(name) = &node.port else {
            let message = format!(
                "node \"{}\" is on host \"{this}\", but has no port",
                node.name.value
            );
            let remedy = format!("add port: one of those in the configuration of host \"{this}\"");
            self.out.error(&node.place, message, remedy);
            return None;
        };
        let Some(&(id, port)) = self.ports.get(name.value.as_str()) else {
            let message = format!("host \"{this}\" has no port \"{}\"", name.value);
            let known = self.around.ports.iter().flatten();
            let known = known.filter(|port| port.purpose == PortPurpose::Nodes);
            let remedy = did_you_mean(&name.value, known.map(|port| port.name.as_str()), || {
                format!("add it to ports in the configuration of host \"{this}\"")
            });
            self.out.error(&name.place, message, remedy);
            return None;
        };
        let (what, remedy) = match port.purpose {
            PortPurpose::Nodes => return Some(id),
            PortPurpose::Uplink => (
                "an uplink",
                "put the node behind a port of its own; an uplink leads to the fabric only",
            ),
            PortPurpose::Kernel => (
                "the host's own kernel's",
                "put the node behind a port of its own; nothing of a tenant's reaches the kernel",
            ),
        };
        let message = format!(
            "node \"{}\" is behind port \"{}\", which is {what}",
            node.name.value, name.value
        );
        self.out.error(&name.place, message, remedy);
        None
    }

    fn attach(
        &mut self,
        node: &'a Node,
        interface: &'a NodeInterface,
        port: PortId,
    ) -> Option<InterfaceId> {
        let station = &interface.station;
        let key = (port, interface.tags, station.mac);
        if let Some((other, place)) = self.behind.get(&key) {
            let place = place.seen_from(&station.place);
            let port = self.around.ports.get(usize::from(port.0));
            let port = port.and_then(Option::as_ref);
            let port = port.map_or("", |port| port.name.as_str());
            let tag = match interface.tags.inner {
                Some(_) => format!("with {}", interface.tags),
                None => interface.tags.to_string(),
            };
            let message = format!(
                "node \"{}\" cannot be told from node \"{other}\" at {place}: both send from \
                 mac {} behind port \"{port}\", {tag}",
                node.name.value, station.mac
            );
            let remedy =
                "give one of them another mac, another port, or a tag of its own (a trunk)";
            self.out.error(&station.place, message, remedy);
            return None;
        }
        self.behind.insert(key, (&node.name.value, &station.place));
        self.told_by_arp(node, interface, port)?;
        let segment = self.topology.segment(station.segment)?;
        let id = self.interfaces.of(InterfaceKey {
            port,
            tags: interface.tags,
            mac: station.mac,
            segment: segment.id,
        })?;
        self.compiled.interfaces.push(Interface {
            id,
            node: node.name.value.clone(),
            port,
            segment: segment.id,
            tags: interface.tags,
            link: interface.link,
            mac: station.mac,
            addresses: station.addresses.clone(),
            dhcp_server: interface.dhcp_server,
            policy: interface.policy,
        });
        Some(id)
    }

    /// ARP on a link by labels has none: the sender's address must say who it is.
    fn told_by_arp(
        &mut self,
        node: &'a Node,
        interface: &'a NodeInterface,
        port: PortId,
    ) -> Option<()> {
        let Some(known) = self.unlabelled.as_mut() else {
            return Some(());
        };
        let (tags, station) = (interface.tags, &interface.station);
        if tags.inner_vlan().is_some() {
            return Some(());
        }
        for &address in &station.addresses {
            let key = (port, tags.outer, station.mac, address);
            let Some((other, place)) = known.insert(key, (&node.name.value, &station.place)) else {
                continue;
            };
            let place = place.seen_from(&station.place);
            let message = format!(
                "node \"{}\" cannot be told from node \"{other}\" at {place} by its ARP, which has \
                 no label: both have address {address} and mac {}",
                node.name.value, station.mac
            );
            let remedy = "give one of them another mac, or a tag of its own (by: vlan)";
            self.out.error(&station.place, message, remedy);
            return None;
        }
        Some(())
    }

    /// The host that a static mapping leads to.
    fn elsewhere(&mut self, at: &At) -> Option<HostId> {
        let (host, place) = match at {
            At::Host(name) => (self.host(name)?, &name.place),
            At::Locator(locator) => (self.hosts.at(locator.value)?, &locator.place),
        };
        if host == HostId(0) {
            let this = &self.around.this.name;
            let message =
                format!("this mapping leads to host \"{this}\" itself, where nobody has it");
            let remedy = "describe the node under nodes, with its port";
            self.out.error(place, message, remedy);
            return None;
        }
        Some(host)
    }

    /// Gives phantom routers their slots, before anything is mapped.
    fn assign_slots(&mut self) {
        let (topology, hosts) = (self.topology, &mut self.hosts);
        let mut all = Vec::new();
        for network in topology.networks.iter() {
            for node in &network.nodes {
                // One that is unknown is reported when it is mapped.
                let Some(host) = hosts.named(&node.host.value) else {
                    continue;
                };
                for interface in &node.interfaces {
                    all.extend(interface.phantom.as_ref().map(|phantom| Asking {
                        host,
                        station: &interface.station,
                        phantom,
                    }));
                }
            }
            for mapping in &network.mappings {
                let Some(phantom) = &mapping.phantom else {
                    continue;
                };
                let host = match &mapping.at {
                    At::Host(name) => hosts.named(&name.value),
                    At::Locator(locator) => hosts.at(locator.value),
                };
                all.extend(host.map(|host| Asking {
                    host,
                    station: &mapping.station,
                    phantom,
                }));
            }
        }
        let names = |host, segment| {
            let segment = topology.segment(segment);
            let segment = segment.map_or("", |segment| segment.name.value.as_str());
            (hosts.name(host).to_owned(), segment.to_owned())
        };
        self.slots = phantoms::assign(all, names, self.out);
    }

    fn map_node(
        &mut self,
        station: &Station,
        phantom: Option<&Phantom>,
        host: HostId,
        interface: Option<InterfaceId>,
    ) {
        let first = station.addresses.first();
        let slot = first.and_then(|first| self.slots.get(&(station.segment, *first)));
        // Without a slot it stands for nobody, which was reported.
        let (Some(phantom), Some(&slot)) = (phantom, slot) else {
            return self.map(station, MappingKind::Node, host, Slot::ZERO, interface);
        };
        self.map(station, MappingKind::Phantom, host, slot, interface);
        let Some(segment) = self.topology.segment(station.segment) else {
            return;
        };
        self.compiled.phantoms.push(PhantomRouter {
            segment: segment.id,
            subnet: segment.subnet,
            addresses: station.addresses.clone(),
            mac: station.mac,
            host,
            slot,
            interface,
            forwards: phantom.forwards.clone(),
        });
    }

    fn map(
        &mut self,
        station: &Station,
        kind: MappingKind,
        host: HostId,
        slot: Slot,
        interface: Option<InterfaceId>,
    ) {
        let Some(segment) = self.topology.segment(station.segment) else {
            return;
        };
        let mapping = |&address: &VirtualAddr| Mapping {
            segment: segment.id,
            address,
            kind,
            mac: station.mac,
            host,
            slot,
            interface,
        };
        let mappings = station.addresses.iter().map(mapping);
        self.compiled.mappings.extend(mappings);
    }

    fn name(&mut self, station: &Station, name: &str) {
        let Some(segment) = self.topology.segment(station.segment) else {
            return;
        };
        let names = station
            .addresses
            .iter()
            .map(|address| ((segment.id, *address), name.to_owned()));
        self.compiled.names.extend(names);
    }

    /// A drawing may have loops, as a real network may: packets end there by
    /// their TTL. Nobody wants it, though.
    fn warn_of_loops(&mut self) {
        let mut routers = Vec::new();
        for network in self.topology.networks.iter() {
            routers.extend(&network.routers);
        }
        let name = |id: &RouterId| routers.get(id.0 as usize).map(|router| &router.name);
        for found in loops::find(&self.compiled.routers) {
            let names: Vec<_> = found.around.iter().filter_map(name).collect();
            let Some(first) = names.first() else { continue };
            let around = names.iter().chain(&names[..1]);
            let around: Vec<_> = around.map(|name| name.value.as_str()).collect();
            let message = format!(
                "packets to {} go round in circles: {}",
                found.to,
                around.join(" -> ")
            );
            let remedy = "correct one of these routers' routes; until then such packets end when \
                          their TTL does";
            self.out.warn(&first.place, message, remedy);
        }
    }

    fn finish(self) -> Compiled {
        let mut compiled = self.compiled;
        compiled.hosts = self.hosts.into_hosts();
        compiled.interfaces.sort_by_key(|interface| interface.id);
        compiled.segments.sort_by_key(|segment| segment.id);
        let order = |mapping: &Mapping| (mapping.segment, mapping.address);
        compiled.mappings.sort_by_key(order);
        identities::finish(&mut compiled);
        default_routers(&mut compiled);
        compiled
    }
}

/// A node passes nothing on that does not forward for anybody.
fn warn_of_next_hops(compiled: &Compiled, out: &mut Diagnostics) {
    let drawn = compiled.topology.networks.iter();
    let drawn = drawn.flat_map(|network| &network.routers);
    for (router, drawn) in compiled.routers.iter().zip(drawn) {
        let hops = router.routes.iter();
        let hops = hops.flat_map(|route| route.via.iter().map(|hop| (route.to, *hop)));
        for (to, hop) in hops {
            let NextHop::Station { by, address } = hop else {
                continue;
            };
            let leg = router.legs.get(by.0 as usize);
            let owner = leg.and_then(|leg| compiled.mapping(leg.segment, address));
            let Some(owner) = owner.filter(|owner| owner.kind == MappingKind::Node) else {
                continue;
            };
            let name = compiled.names.get(&(owner.segment, address));
            let name = name.map_or_else(|| address.to_string(), |name| format!("node \"{name}\""));
            let message = format!(
                "router \"{}\" has a route to {to} via {address}, but {name} forwards for nobody",
                router.name
            );
            let remedy = "give the node's interface forwards: [prefixes], those it stands for in \
                          that segment; until then such packets are dropped (next-hop-no-router)";
            out.warn(&drawn.name.place, message, remedy);
        }
    }
}

/// The logical switches of all networks.
fn switches(topology: &Topology) -> Vec<Switch> {
    let mut all = Vec::new();
    for (network, of) in topology.networks.iter().enumerate() {
        all.extend(of.switches.iter().filter_map(|switch| {
            let management = switch.station.as_ref().and_then(|station| {
                Some(Management {
                    address: *station.addresses.first()?,
                    mac: station.mac,
                })
            });
            Some(Switch {
                name: switch.name.value.clone(),
                network,
                segment: topology.segment(switch.segment)?.id,
                management,
            })
        }));
    }
    all
}

/// Where DHCP is told no default router, it is the logical router that answers
/// for its segment: the one with the lowest address.
fn default_routers(compiled: &mut Compiled) {
    let Compiled {
        segments, mappings, ..
    } = compiled;
    for segment in segments {
        let Some(dhcp) = segment.dhcp.as_mut().filter(|dhcp| dhcp.router.is_none()) else {
            continue;
        };
        let first = mappings.partition_point(|mapping| mapping.segment < segment.id);
        let here = mappings.get(first..).unwrap_or_default().iter();
        let mut here = here.take_while(|mapping| mapping.segment == segment.id);
        let router = here.find(|mapping| mapping.kind == MappingKind::Router);
        dhcp.router = router.map(|mapping| mapping.address);
    }
}
