use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::compiled::{Compiled, Host, HostId, InterfaceId, MappingKind};

mod identities;
mod links;
mod rules;

/// The drawing of the hands-on sketch, but for its rules.
const DRAWING: &str = "\
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }      # VLAN Q of the example
  - { name: back,  id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
  - { name: far,   id: 0x00a003, subnet: 10.1.5.0/24 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1, mac: 00:01:42:09:88:73 }]
    routes: [{ to: 10.1.5.0/24, via: l }]
  - name: l
    interfaces: [{ segment: far, address: 10.1.5.1, mac: 00:01:42:cd:11:01 }]
    routes: [{ to: 10.0.0.0/24, via: j }]
nodes:
  - { name: a, host: r, port: vm-a, link: access, segment: front, address: 10.0.0.2, mac: 00:05:02:0b:27:44 }
  - name: g
    host: s
    port: vm-g
    link: { trunk: [front], native: back }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.4 }]
";

fn host(name: &str, locator: &str) -> Host {
    Host {
        name: name.to_owned(),
        locator: locator.parse().unwrap(),
    }
}

/// The surroundings of host `this` of r and s.
fn around(this: &str, ports: &[&str]) -> Surroundings {
    let mut hosts = vec![host("r", "fd00:0:0:a::/64"), host("s", "fd00:0:0:b::/64")];
    let this = hosts.iter().position(|host| host.name == this).unwrap();
    let port = |name: &&str| {
        Some(KnownPort {
            name: (*name).to_owned(),
            purpose: PortPurpose::Nodes,
        })
    };
    Surroundings {
        this: hosts.remove(this),
        others: hosts,
        ports: ports.iter().map(port).collect(),
    }
}

fn compiled(text: &str, around: &Surroundings) -> (Compiled, String) {
    let mut out = Diagnostics::default();
    let topology = Topology::read([(Path::new("z.yaml").into(), text)], &mut out);
    let compiled = topology.compile(around, None, &mut out);
    let mut said = String::new();
    for diagnostic in out.into_sorted() {
        writeln!(said, "{diagnostic}").unwrap();
    }
    (compiled, said)
}

#[test]
fn the_drawing_compiles_for_either_host() {
    let (r, said) = compiled(DRAWING, &around("r", &["vm-a"]));
    assert_eq!(said, "");
    let (s, said) = compiled(DRAWING, &around("s", &["vm-g"]));
    assert_eq!(said, "");
    // Without `entity`, the network's own name.
    assert_eq!(r.networks[0].entity, "z");
    assert_eq!(r.interfaces.len(), 1);
    let tags = s
        .interfaces
        .iter()
        .map(|i| (i.link, i.tags.inner_vlan().map(VlanId::get)));
    let tags: Vec<_> = tags.collect();
    assert_eq!(
        tags,
        [(LinkType::Trunk, Some(100)), (LinkType::TrunkNative, None)]
    );
    let where_is = |compiled: &Compiled, address: &str| {
        let address = VirtualAddr::new(address.parse().unwrap());
        let mappings = &compiled.mappings;
        let found = mappings.iter().find(|m| m.address == address).copied();
        found.unwrap()
    };
    assert_eq!(where_is(&r, "10.0.0.2").interface, Some(InterfaceId(0)));
    assert_eq!(where_is(&s, "10.0.0.2").interface, None);
    assert_eq!(where_is(&s, "10.0.0.2").host, HostId(1));
    assert_eq!(where_is(&s, "10.0.5.4").interface, Some(InterfaceId(1)));
    // A router is on every host.
    for compiled in [&r, &s] {
        let router = where_is(compiled, "10.0.0.1");
        assert_eq!((router.kind, router.host), (MappingKind::Router, HostId(0)));
    }
    // Both hosts derive the same MAC.
    assert_eq!(where_is(&r, "10.0.0.3").mac, where_is(&s, "10.0.0.3").mac);
}

#[test]
fn groups_are_snooped_unless_it_says_otherwise() {
    let text = "\
network: z
segments:
  - { name: plain, id: 1, subnet: 10.0.0.0/24 }
  - { name: quick, id: 2, subnet: 10.0.1.0/24, multicast: { query-interval: 10s, withhold: 239.0.0.0/8 } }
  - { name: not, id: 3, subnet: 10.0.2.0/24, multicast: { snooping: false } }
";
    let (r, said) = compiled(text, &around("r", &["p"]));
    assert_eq!(said, "");
    let snoops = |at: usize| r.segments[at].multicast.snooping.map(|s| s.query_interval);
    assert_eq!([0, 1, 2].map(snoops), [Some(125), Some(10), None]);
    let group = |text: &str| VirtualAddr::new(text.parse().unwrap());
    let quick = &r.segments[1].multicast;
    assert!(quick.withholds(group("239.255.0.1")) && !quick.withholds(group("238.1.1.1")));
    let wrong = text
        .replace("10s", "3s")
        .replace("239.0.0.0/8", "[10.0.0.0/8, 0.0.0.0/0, nothing]");
    let wrong = wrong.replace(
        "snooping: false",
        "snooping: false, query-interval: 1m, querier: me",
    );
    let (_, said) = compiled(&wrong, &around("r", &["p"]));
    for part in [
        "\"3s\" is out of range",
        "10.0.0.0/8 has addresses that are no groups",
        "0.0.0.0/0 has",
        "\"nothing\" is not an IPv4 prefix",
        "but no snooping",
        "querier",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn dhcp_has_defaults_and_its_router_is_the_segments_own() {
    let text = "\
network: z
segments:
  - { name: plain, id: 1, subnet: 10.0.0.0/24 }
  - { name: bare, id: 2, subnet: 10.0.1.0/24, dhcp: true }
  - { name: own, id: 3, subnet: 10.0.2.0/24, dhcp: { lease: 2m, dns: 10.9.0.53 } }
  - name: all
    id: 4
    subnet: 10.0.3.0/24
    dhcp:
      router: 10.0.3.9
      dns: [10.9.0.53, 10.9.0.54]
      domain: z.example.org
      lease: 1d
      routes: [{ to: 10.1.0.0/16, via: 10.0.3.8 }]
  - { name: not, id: 5, subnet: 10.0.4.0/24, dhcp: false }
routers:
  - { name: k, interfaces: [{ segment: own, address: 10.0.2.7 }, { segment: all, address: 10.0.3.1 }] }
  - { name: j, interfaces: [{ segment: own, address: 10.0.2.5 }] }
nodes:
  - { name: a, host: r, port: p, segment: own, address: 10.0.2.2, dhcp-server: true }
  - { name: b, host: r, port: p, interfaces: [{ segment: all, address: 10.0.3.2 }] }
";
    let (r, said) = compiled(text, &around("r", &["p"]));
    assert_eq!(said, "");
    let address = |text: &str| VirtualAddr::new(text.parse().unwrap());
    let dhcp: Vec<_> = r.segments.iter().map(|s| s.dhcp.clone()).collect();
    let bare = crate::compiled::Dhcp {
        router: None,
        dns: Vec::new(),
        domain: None,
        lease: 3600,
        routes: Vec::new(),
    };
    assert_eq!((&dhcp[0], &dhcp[1], &dhcp[4]), (&None, &Some(bare), &None));
    let own = dhcp[2].as_ref().unwrap();
    assert_eq!(own.router, Some(address("10.0.2.5")), "the lowest");
    assert_eq!(
        (own.lease, own.dns.as_slice()),
        (120, &[address("10.9.0.53")][..])
    );
    let all = dhcp[3].as_ref().unwrap();
    assert_eq!((all.router, all.lease), (Some(address("10.0.3.9")), 86_400));
    assert_eq!(all.domain.as_deref(), Some("z.example.org"));
    assert_eq!(all.routes[0].via, address("10.0.3.8"));
    let servers: Vec<bool> = r.interfaces.iter().map(|i| i.dhcp_server).collect();
    assert_eq!(servers, [true, false]);
}

#[test]
fn several_interfaces_may_share_a_port_if_tag_or_mac_differ() {
    let text = "\
network: z
segments:
  - { name: front, id: 1, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 2, subnet: 10.0.5.0/24, vlan: 200 }
nodes:
  - { name: a, host: r, port: site, link: { trunk: [front] }, segment: front, address: 10.0.0.2 }
  - { name: b, host: r, port: site, link: { trunk: [front] }, segment: front, address: 10.0.0.3 }
  - name: c
    host: r
    port: site
    mac: 02:00:00:00:00:01
    link: { trunk: [front, back] }
    interfaces: [{ segment: front, address: 10.0.0.4 }, { segment: back, addresses: [10.0.5.4, 10.0.5.5] }]
";
    let (r, said) = compiled(text, &around("r", &["site"]));
    assert_eq!(said, "");
    assert_eq!(r.interfaces.len(), 4);
    assert_eq!(r.mappings.len(), 5);
    let macs: Vec<String> = r.interfaces.iter().map(|i| i.mac.to_string()).collect();
    // The node's mac is that of its interfaces.
    assert_eq!(macs[2..], ["02:00:00:00:00:01", "02:00:00:00:00:01"]);
}

#[test]
fn mappings_lead_to_known_hosts_and_to_locators() {
    let text = "\
network: z
segments:
  - { name: front, id: 1, subnet: 10.0.0.0/31 }
  - { name: back, id: 2, subnet: 10.0.1.0/24 }
mappings:
  # Both addresses of a /31 are stations' (RFC 3021).
  - { segment: front, address: 10.0.0.0, host: s }
  - { segment: front, address: 10.0.0.1, locator: fd00:0:0:b::/64 }
  # One interface with two addresses.
  - { segment: back, address: 10.0.1.1, locator: fd00:0:0:d::/64, mac: 02:00:00:00:00:01 }
  - { segment: back, address: 10.0.1.2, locator: fd00:0:0:d::/64, mac: 02:00:00:00:00:01 }
";
    let (r, said) = compiled(text, &around("r", &[]));
    assert_eq!(said, "");
    let hosts: Vec<&str> = r.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["r", "s", "fd00:0:0:d::/64"]);
    let at: Vec<u32> = r.mappings.iter().map(|mapping| mapping.host.0).collect();
    assert_eq!(at, [1, 1, 2, 2]);
}

const PHANTOMS: &str = "\
network: z
segments:
  - { name: front, id: 1, subnet: 10.0.0.0/24 }
  - { name: back, id: 2, subnet: 10.0.5.0/24 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1 }]
    routes: [{ to: 0.0.0.0/0, via: [10.0.0.9, 10.0.0.2] }]
nodes:
  - { name: a, host: r, port: p, segment: front, address: 10.0.0.2 }
  - { name: f, host: s, segment: front, address: 10.0.0.9, forwards: 10.9.0.0/16 }
  - { name: g, host: s, segment: front, address: 10.0.0.73, forwards: [10.9.0.0/16, 0.0.0.0/0] }
  - { name: h, host: s, segment: front, address: 10.0.0.20, forwards: 10.9.0.0/16, slot: 9 }
  - { name: i, host: r, port: p, segment: front, address: 10.0.0.10, forwards: 10.9.0.0/16 }
  - { name: k, host: s, segment: back, address: 10.0.5.9, forwards: 10.0.0.0/8 }
mappings:
  - { segment: back, address: 10.0.5.10, locator: \"fd00:0:0:d::/64\", forwards: 10.9.0.0/16, slot: 0 }
";

#[test]
fn every_host_finds_the_same_slots() {
    let slots = |compiled: &Compiled| {
        let phantoms = compiled.phantoms.iter();
        let locator = |host| compiled.host(host).unwrap().locator;
        let mut slots: Vec<_> = phantoms
            .map(|p| (p.addresses[0], (locator(p.host), p.slot.get())))
            .collect();
        slots.sort_unstable();
        slots
    };
    let (r, said) = compiled(PHANTOMS, &around("r", &["p"]));
    assert!(said.contains("router \"j\" has a route to 0.0.0.0/0 via 10.0.0.2, but node \"a\""));
    assert_eq!(said.matches("remedy").count(), 1, "{said}");
    let text = PHANTOMS.replace("host: s,", "host: s, port: q,");
    let (s, _) = compiled(&text, &around("s", &["q"]));
    assert_eq!(slots(&r), slots(&s));
    let numbers: Vec<u8> = slots(&r).iter().map(|(_, (_, slot))| *slot).collect();
    // h's 9 is given, f and g follow it; i is on another host, k in another segment.
    assert_eq!(numbers, [10, 10, 9, 11, 9, 0]);
    let kinds = |kind| r.mappings.iter().filter(|m| m.kind == kind).count();
    assert_eq!(
        (kinds(MappingKind::Phantom), kinds(MappingKind::Node)),
        (6, 1)
    );
    let own = |c: &Compiled| c.phantoms.iter().filter(|p| p.interface.is_some()).count();
    assert_eq!((own(&r), own(&s)), (1, 4));
}

#[test]
fn nobody_forwards_in_its_own_segment() {
    let (r, _) = compiled(PHANTOMS, &around("r", &["p"]));
    let address = |text: &str| VirtualAddr::new(text.parse().unwrap());
    let g = r.phantoms.iter().find(|p| p.forwards.len() == 2).unwrap();
    for there in ["8.8.8.8", "10.9.0.1", "10.0.5.1"] {
        assert!(g.forwards(address(there)), "{there}");
    }
    for not in [
        "10.0.0.77",
        "10.0.0.255",
        "127.0.0.1",
        "224.0.0.1",
        "0.0.0.0",
    ] {
        assert!(!g.forwards(address(not)), "{not}");
    }
}

#[test]
fn what_nobody_can_forward_for_is_refused() {
    let text = "\
network: z
segments: [{ name: front, id: 1, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: s, segment: front, address: 10.0.0.2, forwards: 10.0.0.128/25 }
  - { name: b, host: s, segment: front, address: 10.0.0.3, forwards: [10.9.0.0/16, 10.9.0.0/16] }
  - { name: c, host: s, segment: front, address: 10.0.0.4, forwards: 239.0.0.0/8 }
  - { name: d, host: s, segment: front, address: 10.0.0.5, forwards: 10.9.0.1/16 }
  - { name: e, host: s, segment: front, address: 10.0.0.6, forwards: [] }
  - { name: f, host: s, segment: front, address: 10.0.0.7, slot: 3 }
  - { name: g, host: s, segment: front, address: 10.0.0.8, forwards: 10.9.0.0/16, slot: 64 }
  - { name: h, host: s, segment: front, address: 10.0.0.9, forwards: 10.8.0.0/16, slot: 5 }
  - { name: i, host: s, segment: front, address: 10.0.0.10, forwards: 10.8.0.0/16, slot: 5 }
";
    let (_, said) = compiled(text, &around("r", &[]));
    let expected = [
        "z.yaml:4:70: node \"a\" cannot forward for 10.0.0.128/25: it lies in 10.0.0.0/24",
        "z.yaml:5:84: node \"b\" already forwards for 10.9.0.0/16 at",
        "z.yaml:6:70: node \"c\" cannot forward for 239.0.0.0/8: no station is there",
        "forwards 10.9.0.1/16 has bits set after its prefix",
        "node \"e\" has an empty list of prefixes to forward for",
        "node \"f\" has a slot, but forwards for nobody",
        "slot 64 is out of range",
        "slot 5 of segment \"front\" on host \"s\" is already taken at",
    ];
    let mut rest = said.as_str();
    for wanted in expected {
        let at = rest.find(wanted);
        let at = at.unwrap_or_else(|| panic!("{wanted} is missing in {rest}"));
        rest = &rest[at + wanted.len()..];
    }
}

#[test]
fn more_than_a_locator_has_slots_for_are_refused() {
    let mut text = String::from(
        "network: z\nsegments: [{ name: front, id: 1, subnet: 10.0.0.0/24 }]\nnodes:\n",
    );
    for n in 1..=65 {
        let line = format!("segment: front, address: 10.0.0.{n}, forwards: 10.9.0.0/16");
        writeln!(text, "  - {{ name: n{n}, host: s, {line} }}").unwrap();
    }
    let (_, said) = compiled(&text, &around("r", &[]));
    let expected = "host \"s\" has more than 64 interfaces that forward in segment \"front\"";
    assert_eq!(said.matches(expected).count(), 1, "{said}");
    let (r, said) = compiled(
        &text.replace("name: n65, host: s", "name: n65, host: r, port: p"),
        &around("r", &["p"]),
    );
    assert_eq!(said, "");
    assert_eq!(r.phantoms.len(), 65);
}

#[test]
fn ethertypes_are_the_same_however_they_are_written() {
    let text = "\
network: z
segments:
  - { name: none, id: 1, subnet: 10.0.0.0/24 }
  - { name: empty, id: 2, subnet: 10.0.0.0/24, ethertypes: [] }
  - { name: words, id: 3, subnet: 10.0.0.0/24, ethertypes: [ptp, lldp, pppoe-discovery] }
  - { name: numbers, id: 4, subnet: 10.0.0.0/24, ethertypes: [0x88cc, 0X88F7, 0x8863] }
  - { name: bounds, id: 5, subnet: 10.0.0.0/24, ethertypes: [0xffff, 0x600] }
";
    let (r, said) = compiled(text, &around("r", &[]));
    assert_eq!(said, "");
    let lists = r.segments.iter().map(|segment| &segment.ethertypes);
    let lists: Vec<Vec<u16>> = lists
        .map(|list| list.iter().map(|e| e.get()).collect())
        .collect();
    let both = vec![0x8863, 0x88cc, 0x88f7];
    assert_eq!(
        lists,
        [vec![], vec![], both.clone(), both, vec![0x0600, 0xffff]]
    );
}

#[test]
fn one_fault_does_not_hide_others_nor_cause_more() {
    let text = "\
network: z
segments:
  - { name: front, id: 0, subnet: 10.0.0.0/24, vlan: 5000 }
  - { name: back, id: 2, subnet: 10.0.1.0/24, vlan: 7000 }
nodes:
  - { name: a, host: r, port: p, link: { trunk: [front] }, segment: front, address: 10.9.9.9 }
  - { name: b, host: r, port: p, link: { trunk: [back] }, segment: back, address: 10.9.9.9 }
";
    let (_, said) = compiled(text, &around("r", &["p"]));
    let messages: Vec<&str> = said.lines().filter(|l| !l.starts_with("  ")).collect();
    assert_eq!(
        messages,
        [
            "z.yaml:3:24: segment id 0x0 is out of range",
            "z.yaml:3:54: vlan 5000 is out of range",
            "z.yaml:4:53: vlan 7000 is out of range",
            "z.yaml:7:83: address 10.9.9.9 is outside 10.0.1.0/24, the subnet of segment \"back\"",
        ]
    );
}

#[test]
fn a_router_links_no_overlapping_segments_in_whatever_order() {
    let text = |order: [&str; 4]| {
        let mut text = "network: z\nsegments:\n".to_owned();
        for (id, name) in (1..).zip(["8", "16", "24", "25"]) {
            // 10.0.0.0/8, 10.1.0.0/16 inside of it, two more apart.
            let network = ["10.0.0.0", "10.1.0.0", "11.0.0.0", "11.0.1.0"][id - 1];
            let line = format!("name: s{name}, id: {id}, subnet: {network}/{name}");
            writeln!(text, "  - {{ {line} }}").unwrap();
        }
        text.push_str("routers:\n  - name: j\n    interfaces:\n");
        for leg in order {
            writeln!(text, "      - {{ {leg} }}").unwrap();
        }
        text
    };
    let legs = [
        "segment: s8, address: 10.1.0.1",
        "segment: s16, address: 10.1.0.1",
        "segment: s24, address: 11.0.0.1",
        "segment: s25, address: 11.0.1.1",
    ];
    for turn in 0..4 {
        let mut order = legs;
        order.rotate_left(turn);
        let (_, said) = compiled(&text(order), &around("r", &[]));
        let wide_first = turn != 1;
        let expected = if wide_first {
            "segments \"s8\" (10.0.0.0/8) and \"s16\" (10.1.0.0/16), whose subnets overlap"
        } else {
            "segments \"s16\" (10.1.0.0/16) and \"s8\" (10.0.0.0/8), whose subnets overlap"
        };
        assert_eq!(said.matches("overlap").count(), 1, "{said}");
        assert!(said.contains(expected), "{said}");
    }
    // Two legs in one segment are none of that.
    let twice = [legs[0], "segment: s8, address: 10.0.0.9", legs[2], legs[3]];
    let (_, said) = compiled(&text(twice), &around("r", &[]));
    assert!(!said.contains("overlap"), "{said}");
}

#[test]
fn a_large_topology_takes_no_quadratic_time() {
    let mut text = String::from(
        "network: z\nsegments: [{ name: front, id: 1, subnet: 10.0.0.0/8 }]\nnodes:\n",
    );
    let count = 20_000_u32;
    for n in 1..=count {
        let address = core::net::Ipv4Addr::from_bits(0x0a00_0000 + n);
        let on = if n % 2 == 0 { "r, port: p" } else { "s" };
        let line = "segment: front, address:";
        writeln!(text, "  - {{ name: n{n}, host: {on}, {line} {address} }}").unwrap();
    }
    let (r, said) = compiled(&text, &around("r", &["p"]));
    assert_eq!(said, "");
    assert_eq!(r.mappings.len(), count as usize);
    assert_eq!(r.interfaces.len(), count as usize / 2);
}
