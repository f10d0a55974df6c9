//! Who is where: the worked example in the form that tables are filled from.
//! A test may change a [`Plan`] before it makes a host of it.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use datapath::substrate::{
    KernelPath, NeighborState, NextHopEntry, NextHopId, NextHops, OwnAddresses, UplinkFacts,
    UplinkTable,
};
use datapath::tables::{
    Drawn, FlowTable, HostTable, ListenerTable, LoadedHosts, MappingEntry, MappingKey,
    MappingWriter, MoveTable, Origin, PathMtus, PortEntry, PortOffloads, PortRole, Tables,
};
use packet::{Locator, MacAddr, Slot, SubstrateAddr, VirtualAddr, VlanId};
use vnet::compiled::{
    AddressPolicy, Claimant, Compiled, Host, HostId, Interface, InterfaceId, Ipv4Subnet, Leg,
    LegId, LinkType, Management, Mapping, MappingKind, Multicast, Network, NextHop, PhantomRouter,
    PortId, Route, Router, RouterId, Segment, Shared, Snmp, Switch, UnknownMac,
};
use vnet::secret::Secret;

use super::host;
use super::names::*;

/// A host of the example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    R,
    S,
}

impl Site {
    pub fn locator(self) -> Locator {
        let text = match self {
            Self::R => "fd00:0:0:a::/64",
            Self::S => "fd00:0:0:b::/64",
        };
        text.parse().unwrap()
    }

    /// Its own address on its uplink.
    pub fn address(self) -> Ipv6Addr {
        let text = match self {
            Self::R => "fd00:0:0:ff::a",
            Self::S => "fd00:0:0:ff::b",
        };
        text.parse().unwrap()
    }

    /// The link-local one on its first uplink.
    pub fn link_local(self) -> Ipv6Addr {
        let text = match self {
            Self::R => "fe80::a",
            Self::S => "fe80::b",
        };
        text.parse().unwrap()
    }

    pub fn uplinks(self) -> Vec<PortId> {
        match self {
            Self::R => R_UPLINKS.map(PortId).to_vec(),
            Self::S => vec![PortId(S_UPLINK)],
        }
    }

    pub fn uplink_mac(self, port: u16) -> MacAddr {
        let host = match self {
            Self::R => 0x0a,
            Self::S => 0x0b,
        };
        MacAddr::new([2, 0xfa, 0, 0, host, port as u8])
    }

    /// The substrate address of a virtual address here.
    pub fn substrate(self, segment_id: u32, ip: Ip) -> SubstrateAddr {
        SubstrateAddr::ordinary(self.locator(), segment(segment_id), ip_of(ip))
    }
}

pub fn ip_of(ip: Ip) -> VirtualAddr {
    VirtualAddr::new(ip.into())
}

/// The MAC of the fabric's router behind an uplink.
pub fn router_mac(at: u16) -> MacAddr {
    MacAddr::new([2, 0xff, 0, 0, 0, at as u8])
}

/// (name, site, node, second address, segment, tag, link)
pub type Station = (
    &'static str,
    Site,
    Node,
    Option<Ip>,
    u32,
    Option<u16>,
    LinkType,
);

pub const STATIONS: [Station; 15] = {
    use LinkType::{Access, Trunk, TrunkNative};
    use Site::{R, S};
    const V: Option<u16> = Some(VLAN_FRONT);
    const W: Option<u16> = Some(VLAN_BACK);
    [
        ("a", R, A, None, FRONT, None, Access),
        ("c", R, C, None, BACK, None, Access),
        ("b", R, B, None, LAN, None, Access),
        ("d", R, D, Some(D_SECOND), FRONT, V, Trunk),
        ("e", R, E, None, FRONT, V, Trunk),
        ("e", R, E_BACK, None, BACK, W, Trunk),
        ("f", R, F, None, FRONT, None, TrunkNative),
        ("f", R, F_BACK, None, BACK, W, TrunkNative),
        ("i", R, I, None, LOOSE, None, Access),
        ("m", R, M, None, LOOSE, None, Access),
        ("g", S, G, None, FRONT, V, TrunkNative),
        ("g", S, G_BACK, None, BACK, None, TrunkNative),
        ("h", S, H, None, FAR, None, Access),
        ("k", S, K, None, LOOSE, None, Access),
        ("x", S, X, None, LAN, None, Access),
    ]
};

/// What a host's tables are made from.
#[derive(Debug, Clone)]
pub struct Plan {
    pub site: Site,
    pub compiled: Compiled,
    pub uplinks: UplinkTable,
    /// How many ports there are, uplinks included.
    pub ports: usize,
    /// What each port's sending side does by itself.
    pub offloads: Vec<PortOffloads>,
    /// What a router has said of the path to the other host.
    pub path_mtu: Option<u16>,
    /// Where clients have said that segments have members.
    pub loaded_hosts: LoadedHosts,
    /// Who has moved lately.
    pub moves: MoveTable,
    /// Mappings that were learned.
    pub learned: Vec<(MappingKey, MappingEntry)>,
    /// Who has joined which group; where that is not known, all hear all.
    pub listeners: ListenerTable,
}

impl Plan {
    /// The worked example, as `site` has it: one next hop to the other host.
    pub fn of(site: Site) -> Self {
        let other = match site {
            Site::R => Site::S,
            Site::S => Site::R,
        };
        let host = |site: Site| Host {
            name: format!("{site:?}"),
            locator: site.locator(),
        };
        let mut compiled = Compiled {
            hosts: vec![host(site), host(other)],
            networks: vec![network("z", Some(snmp())), network("y", None)],
            segments: vec![
                a_segment("front", FRONT, 0, [10, 0, 0, 0], Some(VLAN_FRONT)),
                a_segment("back", BACK, 0, [10, 0, 5, 0], Some(VLAN_BACK)),
                a_segment("far", FAR, 0, [10, 1, 5, 0], None),
                a_segment("loose", LOOSE, 0, [10, 2, 0, 0], None),
                a_segment("lan", LAN, 1, [10, 0, 0, 0], None),
            ],
            ..Compiled::default()
        };
        compiled.segments[3].unknown_mac = UnknownMac::Resolve;
        for station in STATIONS {
            place(&mut compiled, &station, site);
        }
        for (router, segment_id) in [(J, FRONT), (L, FAR)] {
            compiled.mappings.push(Mapping {
                segment: segment(segment_id),
                address: ip_of(router.ip),
                kind: MappingKind::Router,
                mac: router.mac,
                host: HostId(0),
                slot: Slot::ZERO,
                interface: None,
            });
        }
        compiled.routers = routers();
        let uplinks = uplink_table(site);
        let ports = usize::from(site.uplinks().last().unwrap().0) + 1;
        Self {
            site,
            compiled,
            uplinks,
            ports,
            offloads: vec![PortOffloads::default(); ports],
            path_mtu: None,
            loaded_hosts: LoadedHosts::default(),
            moves: MoveTable::default(),
            learned: Vec::new(),
            listeners: ListenerTable::default(),
        }
    }

    /// With uplinks that carry IPv6 packets of so many bytes.
    pub fn uplink_mtu(mut self, mtu: u16) -> Self {
        for uplink in &mut self.uplinks.uplinks {
            uplink.mtu = mtu;
        }
        for hop in &mut self.uplinks.next_hops {
            hop.mtu = mtu;
        }
        self
    }

    /// With segments whose IPv4 packets have at most so many bytes.
    pub fn segment_mtu(mut self, mtu: u16) -> Self {
        for segment in &mut self.compiled.segments {
            segment.mtu = mtu;
        }
        let routers = &mut self.compiled.routers;
        for leg in routers.iter_mut().flat_map(|router| &mut router.legs) {
            leg.mtu = mtu;
        }
        self
    }

    /// With a path to the other host on which a router has said that packets
    /// of so many bytes get through.
    pub fn path_mtu(mut self, mtu: u16) -> Self {
        self.path_mtu = Some(mtu);
        self
    }

    /// With ports whose sending side does all this.
    pub fn offloading(mut self, offloads: PortOffloads) -> Self {
        self.offloads.fill(offloads);
        self
    }

    /// With a kernel on the first uplink, behind the port after all others, that
    /// is given so many packets per second. The host has its link-local address,
    /// too; `on_link`: and announces its locator.
    pub fn kernel(mut self, rate: u32, on_link: bool) -> Self {
        let uplink = &mut self.uplinks.uplinks[0];
        uplink.kernel = Some(KernelPath {
            port: PortId(self.ports as u16),
            rate: NonZeroU32::new(rate).unwrap(),
        });
        self.ports += 1;
        self.offloads.push(PortOffloads::default());
        let (site, locator) = (self.site, self.site.locator());
        let first = Ipv6Addr::from_bits(locator.network().to_bits() | 1);
        let mut addresses = vec![site.address(), site.link_local()];
        addresses.extend(on_link.then_some(first));
        let groups = addresses.iter().map(|a| solicited(*a)).collect();
        self.uplinks.own = OwnAddresses::new(locator, on_link, addresses, groups);
        self
    }

    /// With a node that forwards for these prefixes in a segment, in the slot of
    /// its address's last six bits.
    pub fn phantom(mut self, segment_id: u32, node: Node, prefixes: &[(Ip, u8)]) -> Self {
        let slot = Slot::new(node.ip[3] % 64).unwrap();
        let subnet = self.segment(segment_id).subnet;
        let own = |m: &&mut Mapping| m.segment == segment(segment_id) && m.mac == node.mac;
        let mappings = self.compiled.mappings.iter_mut().filter(own);
        let mut addresses = Vec::new();
        let mut first = None;
        for mapping in mappings {
            mapping.kind = MappingKind::Phantom;
            mapping.slot = slot;
            addresses.push(mapping.address);
            first.get_or_insert(*mapping);
        }
        let first = first.unwrap();
        let prefix = |&(network, length): &(Ip, u8)| Ipv4Subnet::new(network.into(), length);
        self.compiled.phantoms.push(PhantomRouter {
            segment: first.segment,
            subnet,
            addresses,
            mac: first.mac,
            host: first.host,
            slot,
            interface: first.interface,
            forwards: prefixes.iter().map(|p| prefix(p).unwrap()).collect(),
        });
        self
    }

    /// With routes to everything else by these stations of `front`.
    pub fn default_of_j(self, via: &[Node]) -> Self {
        self.by_phantoms(([0; 4], 0), via)
    }

    /// With routes to a prefix: L's to J, and J's to these stations of `front`.
    pub fn by_phantoms(mut self, (network, length): (Ip, u8), via: &[Node]) -> Self {
        let hop = |node: &Node| NextHop::Station {
            by: LegId(0),
            address: ip_of(node.ip),
        };
        let to = Ipv4Subnet::new(network.into(), length).unwrap();
        let via = via.iter().map(hop).collect();
        let to_j = NextHop::Router {
            router: RouterId(0),
            by: None,
        };
        let [j, l, ..] = self.compiled.routers.as_mut_slice() else {
            panic!("J and L are there");
        };
        j.routes.push(Route { to, via });
        l.routes.push(Route {
            to,
            via: vec![to_j],
        });
        self
    }

    /// The mapping of a node in a segment.
    pub fn mapping(&mut self, segment_id: u32, ip: Ip) -> &mut Mapping {
        let mappings = &mut self.compiled.mappings;
        mappings
            .iter_mut()
            .find(|m| m.segment == segment(segment_id) && m.address == ip_of(ip))
            .unwrap()
    }

    /// Lets a node of a segment come by addresses in that way.
    pub fn claimant(&mut self, segment_id: u32, node: Node, policy: AddressPolicy) {
        let of = *self.mapping(segment_id, node.ip);
        let interfaces = self.compiled.interfaces.iter_mut();
        let is_its = |i: &&mut Interface| (i.segment, i.mac) == (of.segment, of.mac);
        for interface in interfaces.filter(is_its) {
            interface.policy = policy;
        }
        let claimants = &mut self.compiled.claimants;
        claimants.retain(|c| (c.segment, c.identity) != (of.segment, of.address));
        claimants.push(Claimant {
            segment: of.segment,
            identity: of.address,
            addresses: vec![of.address],
            mac: of.mac,
            host: of.host,
            interface: of.interface,
            policy,
        });
        claimants.sort_by_key(|c| (c.segment, c.identity));
    }

    /// The same, without an address of its own: with this anchor.
    pub fn anchored(&mut self, segment_id: u32, node: Node, policy: AddressPolicy, anchor: Ip) {
        for interface in &mut self.compiled.interfaces {
            if (interface.segment, interface.mac) == (segment(segment_id), node.mac) {
                interface.addresses = vec![ip_of(anchor)];
            }
        }
        self.mapping(segment_id, node.ip).address = ip_of(anchor);
        self.claimant(segment_id, Node { ip: anchor, ..node }, policy);
    }

    /// Lets nodes of `front` share an address.
    pub fn share(&mut self, ip: Ip, mac: Option<MacAddr>, nodes: &[Node]) {
        for node in nodes {
            self.claimant(FRONT, *node, AddressPolicy::Fixed);
        }
        let mut claimants: Vec<_> = nodes.iter().map(|node| ip_of(node.ip)).collect();
        claimants.sort_unstable();
        self.compiled.shared.push(Shared {
            segment: segment(FRONT),
            address: ip_of(ip),
            mac,
            claimants,
        });
        self.compiled.shared.sort_by_key(|s| (s.segment, s.address));
    }

    /// An address of `front` that was learned of a claimant.
    pub fn learn(&mut self, ip: Ip, node: Node, mac: MacAddr) {
        let claimant = self.compiled.claimant(segment(FRONT), ip_of(node.ip));
        let claimant = claimant.unwrap();
        let entry = MappingEntry {
            kind: MappingKind::Node,
            mac,
            host: claimant.host,
            slot: Slot::ZERO,
            interface: claimant.interface,
            origin: Origin::Learned,
        };
        let key = MappingKey::new(segment(FRONT), ip_of(ip));
        self.learned.push((key, entry));
    }

    pub fn segment(&mut self, segment_id: u32) -> &mut Segment {
        let segments = &mut self.compiled.segments;
        segments
            .iter_mut()
            .find(|s| s.id == segment(segment_id))
            .unwrap()
    }

    /// With so many next hops to the other host, spread over the uplinks.
    pub fn paths(mut self, count: u16) -> Self {
        let uplinks = self.site.uplinks();
        self.uplinks.next_hops = (0..count)
            .map(|at| next_hop(self.site, at, uplinks[usize::from(at) % uplinks.len()]))
            .collect();
        self.uplinks.by_host[1] = (0..u32::from(count)).map(NextHopId).collect();
        self
    }

    pub fn tables(&self) -> Tables {
        let drawn = Drawn::new(&self.compiled, &self.entries());
        let path_mtus = PathMtus::new(2);
        if let Some(mtu) = self.path_mtu {
            path_mtus.lower(HostId(1), mtu, Duration::ZERO);
        }
        let mappings = &self.compiled.mappings;
        let room = mappings.len() + self.learned.len();
        let mut writer = MappingWriter::filled(room, mappings).unwrap();
        let mut staged = writer.stage();
        for (key, entry) in &self.learned {
            staged.put(*key, *entry).unwrap();
        }
        staged.commit();
        Tables {
            version: writer.version(),
            hosts: Arc::new(HostTable::of(&self.compiled.hosts)),
            mappings: Arc::clone(writer.table()),
            drawn: Arc::new(drawn),
            loaded_hosts: Arc::new(self.loaded_hosts.clone()),
            listeners: Arc::new(self.listeners.clone()),
            uplinks: Arc::new(self.uplinks.clone()),
            used: Arc::default(),
            path_mtus: Arc::new(path_mtus),
            flows: Arc::new(FlowTable::new(1024)),
            week: Arc::default(),
            moves: Arc::new(self.moves.clone()),
        }
    }

    /// The ports, as the tables need them.
    pub fn entries(&self) -> Vec<Option<PortEntry>> {
        let entry = |(port, offloads): (u16, &PortOffloads)| {
            let id = PortId(port);
            Some(PortEntry {
                name: format!("port {port}").into(),
                role: if self.site.uplinks().contains(&id) {
                    PortRole::Uplink
                } else if self.uplinks.of_kernel(id).is_some() {
                    PortRole::Kernel
                } else {
                    PortRole::Node
                },
                offloads: *offloads,
            })
        };
        (0..).zip(&self.offloads).map(entry).collect()
    }

    pub fn host(&self) -> host::Host {
        host::Host::new(self.site, self.tables())
    }
}

/// The logical switch of `front`, in [`with_switch`].
pub const SWITCH: Node = Node {
    port: 0,
    mac: MacAddr::new([2, 0, 0, 0, 0, 0x5c]),
    ip: [10, 0, 0, 250],
};

/// As R has it, with a logical switch in `front`.
pub fn with_switch() -> Plan {
    let mut plan = Plan::of(Site::R);
    let front = segment(FRONT);
    plan.compiled.switches.push(Switch {
        name: "sw".to_owned(),
        network: 0,
        segment: front,
        management: Some(Management {
            address: ip_of(SWITCH.ip),
            mac: SWITCH.mac,
        }),
    });
    plan.compiled.mappings.push(Mapping {
        segment: front,
        address: ip_of(SWITCH.ip),
        kind: MappingKind::Switch,
        mac: SWITCH.mac,
        host: HostId(0),
        slot: Slot::ZERO,
        interface: None,
    });
    plan
}

/// The devices of Z answer SNMP, those of Y do not.
pub fn snmp() -> Snmp {
    Snmp {
        community: Secret::new("z"),
        contact: String::new(),
        location: String::new(),
    }
}

fn network(name: &str, snmp: Option<Snmp>) -> Network {
    Network {
        snmp,
        name: name.to_owned(),
        entity: name.to_uppercase(),
    }
}

fn a_segment(name: &str, id: u32, network: usize, subnet: Ip, vlan: Option<u16>) -> Segment {
    Segment {
        id: segment(id),
        name: name.to_owned(),
        network,
        subnet: Ipv4Subnet::new(Ipv4Addr::from(subnet), 24).unwrap(),
        vlan: vlan.map(|id| VlanId::new(id).unwrap()),
        label: None,
        mtu: 1500,
        unknown_mac: UnknownMac::Drop,
        ethertypes: Vec::new(),
        dhcp: None,
        multicast: Multicast::default(),
        has_dhcp_server: false,
    }
}

/// J and L, and the link between them, which is no segment.
fn routers() -> Vec<Router> {
    let prefix = |network: Ip, length| Ipv4Subnet::new(network.into(), length).unwrap();
    let router = |name: &str, node: Node, id, subnet, other, to| Router {
        name: name.to_owned(),
        network: 0,
        legs: vec![Leg {
            segment: segment(id),
            subnet,
            mtu: 1500,
            mac: node.mac,
            addresses: vec![ip_of(node.ip)],
            proxy_arp: false,
        }],
        source: Some(ip_of(node.ip)),
        routes: vec![Route {
            to,
            via: vec![NextHop::Router {
                router: RouterId(other),
                by: None,
            }],
        }],
    };
    let (front, far) = (prefix([10, 0, 0, 0], 24), prefix([10, 1, 5, 0], 24));
    vec![
        router("j", J, FRONT, front, 1, prefix([10, 1, 0, 0], 16)),
        router("l", L, FAR, far, 0, front),
    ]
}

fn place(compiled: &mut Compiled, station: &Station, here: Site) {
    let &(name, site, node, second, segment_id, tag, link) = station;
    let addresses: Vec<VirtualAddr> = [Some(node.ip), second]
        .into_iter()
        .flatten()
        .map(ip_of)
        .collect();
    let id = (site == here).then_some(InterfaceId(compiled.interfaces.len() as u32));
    for &address in &addresses {
        compiled.mappings.push(Mapping {
            segment: segment(segment_id),
            address,
            kind: MappingKind::Node,
            mac: node.mac,
            host: HostId(u32::from(site != here)),
            slot: Slot::ZERO,
            interface: id,
        });
    }
    if let Some(id) = id {
        compiled.interfaces.push(Interface {
            id,
            node: name.to_owned(),
            port: PortId(node.port),
            segment: segment(segment_id),
            tags: tag.map(|id| VlanId::new(id).unwrap()).into(),
            link,
            mac: node.mac,
            addresses,
            dhcp_server: false,
            policy: AddressPolicy::Fixed,
        });
    }
}

fn next_hop(site: Site, at: u16, port: PortId) -> NextHopEntry {
    NextHopEntry {
        id: NextHopId(u32::from(at)),
        port,
        mtu: 1600,
        source_mac: site.uplink_mac(port.0),
        destination_mac: Some(router_mac(at)),
        state: NeighborState::Reachable,
        address: Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 1 + at),
    }
}

/// The group in which an address is solicited (RFC 4291 §2.7.1).
pub fn solicited(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(0xff02_0000_0000_0000_0000_0001_ff00_0000 | address.to_bits() & 0xff_ffff)
}

fn uplink_table(site: Site) -> UplinkTable {
    let uplinks = site.uplinks();
    let facts = |port: &PortId| UplinkFacts {
        kernel: None,
        port: *port,
        mac: site.uplink_mac(port.0),
        mtu: 1600,
        address: Some(site.address()),
        link_local: None,
        up: true,
    };
    let solicited = solicited(site.address());
    UplinkTable {
        revision: 1,
        hop_limit: 64,
        uplinks: uplinks.iter().map(facts).collect(),
        next_hops: vec![next_hop(site, 0, uplinks[0])],
        by_host: vec![NextHops::new(), NextHops::from_iter([NextHopId(0)])],
        own: OwnAddresses::new(site.locator(), false, vec![site.address()], vec![solicited]),
    }
}
