//! A daemon that is none: host R of the worked example, with numbers that the
//! tests know.

mod access;
mod networks;
mod routing;

use core::net::Ipv6Addr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use datapath::snooping::How;
use datapath::substrate::{AddressKind, AddressState};
use datapath::tables::Sources;
use packet::{Locator, MacAddr, SegmentId, Slot, SubstrateAddr, Tags, VirtualAddr, VlanId};
use vnet::compiled::{Ipv4Subnet, LinkType, MappingKind};
use vswitch::config::Announce;
use vswitch::control::source::{
    AddressNames, AddressOwner, Books, ControlSource, Counter, CounterFilter, CounterKind,
    DuplicateAddress, Flow, FlowPlace, GroupMember, InputBook, Interface, LearnedMtu, LinkState,
    Mapping, MappingKey, MappingOrigin, MtuLimits, MtuNextHop, MtuPath, MtuWay, Neighbor,
    NeighborState, Network, OutputBook, Port, PortOffloads, PortRole, Route, RouteQuestion,
    RouteRefusal, RouteWay, Router, Rule, Segment, SegmentLabel, Status, Switch, Table, Traffic,
    Uplink, UplinkAddress, WholeBook, Worker, WorkerQueue,
};

use crate::administration::FakeAdministration;

/// The host's own address on the fabric.
const OWN: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 0xa);

#[derive(Default)]
pub(crate) struct Fake {
    /// Mappings beyond those of the example.
    pub(crate) more_mappings: u32,
    /// Packets that the books lose.
    pub(crate) lost: u64,
    /// Another station has the configured address.
    pub(crate) duplicate: bool,
    /// A router has said that only so much gets to host s.
    pub(crate) learned_mtu: Option<u16>,
    /// No route leads to host s.
    pub(crate) no_route: bool,
    /// Two networks have a router of one name.
    pub(crate) two_routers: bool,
    /// How often the table of mappings was read.
    pub(crate) mapping_reads: Arc<AtomicUsize>,
    /// What carries out changes.
    pub(crate) administration: Arc<FakeAdministration>,
}

pub(crate) fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

fn address(text: &str) -> VirtualAddr {
    VirtualAddr::new(text.parse().unwrap())
}

fn locator(text: &str) -> Locator {
    text.parse().unwrap()
}

fn segment(id: u32, name: &str) -> SegmentLabel {
    SegmentLabel {
        id: SegmentId::new(id).unwrap(),
        name: name.to_owned(),
        network: "z".to_owned(),
        entity: "Z".to_owned(),
    }
}

fn front() -> SegmentLabel {
    segment(0xa001, "front")
}

impl Fake {
    fn to_s(&self) -> MtuWay {
        let path_mtu = self.learned_mtu.unwrap_or(9000);
        let passes = |overhead: u16| 1500.min(path_mtu - overhead);
        MtuWay::Substrate {
            next_hops: vec![MtuNextHop {
                port: "uplink0".to_owned(),
                address: "fd00:0:0:ff::1".parse().unwrap(),
                mtu: 9000,
            }],
            learned: self.learned_mtu.map(|mtu| LearnedMtu {
                mtu,
                holds_for: Duration::from_secs(492),
            }),
            path_mtu,
            limits: MtuLimits {
                whole: passes(20),
                fragment: passes(28),
                raw: passes(56),
            },
        }
    }

    /// The place of the first mapping that is not below a key. Addresses follow
    /// each other, so that the place follows from the key.
    fn place_of(&self, from: MappingKey) -> u32 {
        let (mut low, mut high) = (0, 3 + self.more_mappings);
        while low < high {
            let middle = low.midpoint(high);
            match self.mapping(middle) {
                Some(mapping) if key(&mapping) < from => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    fn mapping(&self, index: u32) -> Option<Mapping> {
        let remote = |index: u32, name: Option<&str>| Mapping {
            segment: front(),
            address: VirtualAddr::from_bits(0x0a00_0001 + index),
            kind: MappingKind::Node,
            name: name.map(str::to_owned),
            host: "s".to_owned(),
            locator: locator("fd00:0:0:b::/64"),
            slot: Slot::ZERO,
            mac: mac("02:00:00:00:00:03"),
            port: None,
            expires: Some(Duration::from_secs(288)),
            origin: MappingOrigin::Drawn,
            learned: None,
        };
        match index {
            0 => Some(Mapping {
                kind: MappingKind::Router,
                name: Some("j".to_owned()),
                host: "r".to_owned(),
                locator: locator("fd00:0:0:a::/64"),
                mac: mac("00:01:42:09:88:73"),
                expires: None,
                origin: MappingOrigin::Drawn,
                ..remote(0, None)
            }),
            1 => Some(Mapping {
                name: Some("a".to_owned()),
                host: "r".to_owned(),
                locator: locator("fd00:0:0:a::/64"),
                mac: mac("00:05:02:0b:27:44"),
                port: Some("vm-a".to_owned()),
                expires: None,
                origin: MappingOrigin::Drawn,
                ..remote(1, None)
            }),
            2 => Some(remote(2, Some("g"))),
            _ if index < 3 + self.more_mappings => Some(Mapping {
                expires: None,
                origin: MappingOrigin::Loaded,
                ..remote(index, None)
            }),
            _ => None,
        }
    }
}

fn key(mapping: &Mapping) -> MappingKey {
    MappingKey::new(mapping.segment.id, mapping.address)
}

impl ControlSource for Fake {
    fn status(&self) -> Status {
        Status {
            version: "0.1.0".to_owned(),
            host: "r".to_owned(),
            locator: locator("fd00:0:0:a::/64"),
            uptime: Duration::from_millis(7_385_250),
            revision: 812,
            topology_revision: 809,
            reverts_at: None,
            state_file: Some("/var/lib/vswitch/state.redb".into()),
            attention: Vec::new(),
            pid: 4711,
            dpdk: Some("22.11.9".to_owned()),
            workers: vec![Worker {
                core: Some(2),
                polls: 12_345_678,
                idle_polls: 12_197_529,
                queues: vec![
                    WorkerQueue {
                        port: "uplink0".to_owned(),
                        queue: 0,
                    },
                    WorkerQueue {
                        port: "vm-a".to_owned(),
                        queue: 0,
                    },
                ],
            }],
            duplicates: if self.duplicate {
                vec![DuplicateAddress {
                    port: "uplink0".to_owned(),
                    address: OWN,
                }]
            } else {
                Vec::new()
            },
        }
    }

    fn uplinks(&self) -> Vec<Uplink> {
        let configured = UplinkAddress {
            address: OWN,
            kind: AddressKind::Configured,
            state: if self.duplicate {
                AddressState::Duplicate
            } else {
                AddressState::Preferred
            },
            since: Duration::from_millis(7_384_000),
        };
        let link_local = UplinkAddress {
            address: "fe80::ff:fe00:a01".parse().unwrap(),
            kind: AddressKind::LinkLocal,
            state: AddressState::Preferred,
            since: Duration::from_millis(7_384_250),
        };
        let uplink0 = Uplink {
            port: "uplink0".to_owned(),
            mtu: 9000,
            link: LinkState::Up,
            announce: Announce::Routed,
            next_hops: 2,
            next_hops_resolved: 1,
            addresses: vec![configured, link_local],
        };
        vec![uplink0]
    }

    fn ports(&self) -> Vec<Port> {
        let uplink = Port {
            name: "uplink0".to_owned(),
            kind: "pci".to_owned(),
            device: "0000:3b:00.0".to_owned(),
            role: PortRole::Substrate,
            mac: mac("02:00:00:00:0a:01"),
            mtu: 9000,
            link: LinkState::Up,
            speed_mbps: Some(25_000),
            queues: 1,
            offloads: PortOffloads {
                checksum: true,
                segmentation: true,
            },
            received: Traffic {
                packets: 1_234_567,
                bytes: 987_654_321,
            },
            sent: Traffic {
                packets: 42,
                bytes: 4200,
            },
            missed_packets: 0,
            tx_dropped_packets: 7,
        };
        let node = Port {
            name: "vm-a".to_owned(),
            kind: "tap".to_owned(),
            device: "vm-a".to_owned(),
            role: PortRole::Node,
            mac: mac("02:00:00:00:0a:02"),
            mtu: 1500,
            link: LinkState::Unknown,
            speed_mbps: None,
            offloads: PortOffloads::default(),
            ..uplink.clone()
        };
        vec![uplink, node]
    }

    fn networks(&self) -> Vec<Network> {
        networks::networks()
    }

    fn segments(&self, network: Option<&str>) -> Option<Vec<Segment>> {
        networks::segments(network)
    }

    fn interfaces(&self) -> Vec<Interface> {
        let a = Interface {
            node: "a".to_owned(),
            port: "vm-a".to_owned(),
            segment: front(),
            tags: Tags::NONE,
            link: LinkType::Access,
            mac: mac("00:05:02:0b:27:44"),
            addresses: vec![address("10.0.0.2")],
            forwards: Vec::new(),
            slot: None,
        };
        let c = Interface {
            node: "c".to_owned(),
            port: "site-trunk".to_owned(),
            segment: segment(0xa002, "back"),
            tags: VlanId::new(200).ok().into(),
            link: LinkType::Trunk,
            mac: mac("02:00:00:00:00:0c"),
            addresses: vec![address("10.0.5.1"), address("10.0.5.11")],
            forwards: Ipv4Subnet::new([192, 168, 7, 0].into(), 24)
                .into_iter()
                .collect(),
            slot: Slot::new(1).ok(),
        };
        vec![a, c]
    }

    fn mapping_keys(
        &self,
        from: MappingKey,
        only: Option<SegmentId>,
        limit: usize,
    ) -> Vec<MappingKey> {
        self.mapping_reads.fetch_add(1, Ordering::Relaxed);
        let from_there = (self.place_of(from)..).map_while(|at| Some(key(&self.mapping(at)?)));
        let wanted = from_there.filter(|key| only.is_none_or(|s| s == key.segment));
        wanted.take(limit).collect()
    }

    fn mappings(&self, keys: &[MappingKey]) -> Vec<Mapping> {
        self.mapping_reads.fetch_add(1, Ordering::Relaxed);
        let found = keys.iter().filter_map(|wanted| {
            let mapping = self.mapping(self.place_of(*wanted))?;
            (key(&mapping) == *wanted).then_some(mapping)
        });
        found.collect()
    }

    fn neighbors(&self) -> Vec<Neighbor> {
        vec![
            Neighbor {
                port: "uplink0".to_owned(),
                address: "fd00:0:0:ff::1".parse().unwrap(),
                mac: Some(mac("02:00:00:00:00:ff")),
                state: NeighborState::Reachable,
                router: true,
                since: Duration::from_secs(12),
                held_packets: 0,
            },
            Neighbor {
                port: "uplink0".to_owned(),
                address: "fe80::2".parse().unwrap(),
                mac: None,
                state: NeighborState::Incomplete,
                router: false,
                since: Duration::from_millis(400),
                held_packets: 3,
            },
        ]
    }

    fn groups(&self) -> Vec<GroupMember> {
        let mdns = VirtualAddr::new("239.7.7.7".parse().unwrap());
        let member = |group, node: &str, how, sources, seconds| GroupMember {
            segment: front(),
            group,
            host: "r".to_owned(),
            node: Some(node.to_owned()),
            port: Some(format!("vm-{node}")),
            how,
            sources,
            expires: Duration::from_secs(seconds),
        };
        let source = VirtualAddr::new("10.0.0.3".parse().unwrap());
        vec![
            member(None, "e", How::Querier, Sources::All, 241),
            member(
                Some(mdns),
                "a",
                How::V3,
                Sources::Only([source].into()),
                187,
            ),
            member(Some(mdns), "c", How::V2, Sources::All, 190),
            GroupMember {
                host: "s".to_owned(),
                node: None,
                port: None,
                how: How::Host,
                ..member(Some(mdns), "", How::Host, Sources::All, 202)
            },
        ]
    }

    fn mtu_paths(&self) -> Vec<MtuPath> {
        let path = |segment, host: &str, way| MtuPath {
            segment,
            host: host.to_owned(),
            to_segment: None,
            segment_mtu: 1500,
            way,
        };
        vec![
            path(front(), "r", MtuWay::SameHost),
            path(
                front(),
                "s",
                if self.no_route {
                    MtuWay::NoRoute
                } else {
                    self.to_s()
                },
            ),
            path(segment(0xa002, "back"), "r", MtuWay::SameHost),
        ]
    }

    fn routed_mtu_paths(&self, to: VirtualAddr) -> Vec<MtuPath> {
        routing::mtu_paths(to, self.to_s())
    }

    fn routers(&self, network: Option<&str>) -> Option<Vec<Router>> {
        routing::routers(network, self.two_routers)
    }

    fn switches(&self, network: Option<&str>) -> Option<Vec<Switch>> {
        routing::switches(network)
    }

    fn router_routes(&self, router: &Router) -> Vec<Route> {
        routing::routes(router)
    }

    fn rules(&self, network: Option<&str>) -> Option<Vec<Rule>> {
        access::rules(network)
    }

    fn flows(
        &self,
        from: FlowPlace,
        _: Option<SegmentId>,
        _: usize,
    ) -> (Vec<Flow>, Option<FlowPlace>) {
        access::flows(from)
    }

    fn route(&self, question: &RouteQuestion) -> Result<RouteWay, RouteRefusal> {
        routing::way(question)
    }

    fn counters(&self, _: &CounterFilter) -> Vec<Counter> {
        let spoofed = Counter {
            port: Some("vm-a".to_owned()),
            segment: Some(front()),
            name: "spoofed-address".to_owned(),
            kind: CounterKind::Drop,
            unit: "packets".to_owned(),
            value: 3,
            description: "the sender's address is not its interface's".to_owned(),
            remedy: Some("give node a that address, or allow it".to_owned()),
            last_seen: Some(Duration::from_secs(2)),
        };
        let not_proven = Counter {
            port: Some("uplink0".to_owned()),
            segment: None,
            name: "source-not-proven".to_owned(),
            value: 17_000,
            description: "the fabric delivered it from a place where its sender is not".to_owned(),
            remedy: Some("see where it comes from: compare with mapping list".to_owned()),
            last_seen: Some(Duration::from_millis(20)),
            ..spoofed.clone()
        };
        let never = Counter {
            name: "unknown-tag".to_owned(),
            value: 0,
            last_seen: None,
            ..spoofed.clone()
        };
        let forwarded = Counter {
            name: "forwarded".to_owned(),
            kind: CounterKind::Event,
            value: 1_000_000,
            description: "packets passed on to a port".to_owned(),
            remedy: None,
            last_seen: None,
            ..spoofed.clone()
        };
        let host = Counter {
            port: None,
            segment: None,
            name: "host.icmp-unknown".to_owned(),
            value: 5,
            description: "An ICMPv6 message of a type that the host has no use for.".to_owned(),
            ..forwarded.clone()
        };
        vec![forwarded, spoofed, never, not_proven, host]
    }

    fn books(&self) -> Books {
        let lost = self.lost;
        Books {
            inputs: vec![
                InputBook {
                    port: "uplink0".to_owned(),
                    segment: None,
                    received: 20,
                    extra_fragments: 0,
                    copies: 0,
                    forwarded: 0,
                    answered: 2,
                    punted: 1,
                    held: 0,
                    dropped: 17,
                },
                InputBook {
                    port: "vm-a".to_owned(),
                    segment: Some(front()),
                    received: 1003 + lost,
                    extra_fragments: 2,
                    copies: 4,
                    forwarded: 1006,
                    answered: 0,
                    punted: 0,
                    held: 0,
                    dropped: 3,
                },
            ],
            outputs: vec![OutputBook {
                port: "uplink0".to_owned(),
                offered: 1008,
                sent: 1007,
                tx_dropped: 1,
            }],
            whole: WholeBook {
                received: 1023 + lost,
                generated: 2,
                copies: 4,
                extra_fragments: 2,
                sent: 1007,
                consumed: 3,
                held: 0,
                dropped: 21,
            },
        }
    }

    fn tables(&self) -> Vec<Table> {
        let mappings = Table {
            name: "mappings",
            capacity: Some(12_000_000),
            used: 10_000_003,
            waiting: 17,
            reserved_bytes: 805_306_368,
            used_bytes: 671_088_841,
            alarm_percent: Some(80),
            alarm: true,
            description: "where each virtual address is",
        };
        let hosts = Table {
            name: "hosts",
            capacity: None,
            used: 2,
            waiting: 0,
            reserved_bytes: 65_536,
            used_bytes: 64,
            alarm_percent: None,
            alarm: false,
            description: "the hosts and their locators",
        };
        vec![mappings, hosts]
    }

    fn names(&self, of: &SubstrateAddr) -> AddressNames {
        let known = (0..3).filter_map(|i| self.mapping(i));
        let owner = known
            .filter(|m| m.segment.id == of.segment && m.address == of.address)
            .find_map(|m| Some((m.kind, m.name?)))
            .map(|(kind, name)| AddressOwner { kind, name });
        AddressNames {
            host: (of.locator == locator("fd00:0:0:b::/64")).then(|| "s".to_owned()),
            segment: (of.segment.get() == 0xa001).then(front),
            owner,
        }
    }
}
