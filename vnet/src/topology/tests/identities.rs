//! Addresses that are not drawn as one interface's own.

use super::*;
use crate::compiled::{AddressPolicy, Learn};

const DRAWING: &str = "\
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: pooled, id: 0x00a002, subnet: 10.0.5.0/24, dhcp: { pool: 10.0.5.8-10.0.5.11 } }
nodes:
  - { name: a, host: r, port: p0, segment: front, address: 10.0.0.2 }
  - { name: c, host: s, port: q, segment: front, address: 10.0.0.4, dhcp-server: true }
  - { name: l, host: r, port: p1, segment: front, mac: 02:00:00:00:00:1a, policy: learn, learn: { most: 3, age: 1m } }
  - { name: m, host: s, port: q, segment: front, mac: 02:00:00:00:00:1b, policy: learn }
  - { name: u, host: r, port: p2, segment: front, mac: 02:00:00:00:00:2a, policy: dhcp }
  - { name: fixed, host: s, port: q, segment: pooled, address: 10.0.5.9 }
  - { name: x, host: r, port: p3, segment: pooled, mac: 02:00:00:00:00:30, policy: dhcp }
  - { name: y, host: s, port: q, segment: pooled, mac: 02:00:00:00:00:31, policy: dhcp }
  - { name: z, host: s, port: q, segment: pooled, mac: 02:00:00:00:00:32, policy: dhcp }
shared:
  - { address: 10.0.0.100, segment: front, nodes: [c, a], mac: 00:00:5e:00:01:01 }
";

const PORTS: [&str; 4] = ["p0", "p1", "p2", "p3"];

#[test]
fn both_hosts_compile_the_same_identities() {
    let (here, said) = compiled(DRAWING, &around("r", &PORTS));
    assert_eq!(said, "");
    let (there, said) = compiled(DRAWING, &around("s", &["q"]));
    assert_eq!(said, "");
    let of = |compiled: &Compiled| -> Vec<_> {
        let claimants = compiled.claimants.iter();
        claimants
            .map(|c| (c.segment, c.identity, c.mac, c.policy))
            .collect()
    };
    assert_eq!(of(&here), of(&there));
    assert_eq!(here.shared, there.shared);
    let front = SegmentId::new(0xa001).unwrap();
    let claimants = here.claimants.iter().filter(|c| c.segment == front);
    let anchors = claimants.filter(|c| c.identity.is_anchor());
    let found: Vec<_> = anchors
        .map(|c| (c.mac.octets()[5], c.policy, c.interface.is_some()))
        .collect();
    let learn = |most, age| AddressPolicy::Learn(Learn { most, age });
    assert_eq!(found.len(), 3);
    for wanted in [
        (0x1a, learn(3, 60), true),
        (0x1b, learn(1, 300), false),
        (0x2a, AddressPolicy::Dhcp, true),
    ] {
        assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
    }
    // An anchor leads to its interface as an address would.
    let l = here.claimants.iter().find(|c| c.mac.octets()[5] == 0x1a);
    let mapping = here.mapping(front, l.unwrap().identity).unwrap();
    assert_eq!(mapping.interface, l.unwrap().interface);
    let shared = here.shared(front, VirtualAddr::new([10, 0, 0, 100].into()));
    let claimants = &shared.unwrap().claimants;
    let claimants: Vec<_> = claimants.iter().map(|a| a.ipv4().octets()[3]).collect();
    assert_eq!(claimants, [2, 4]);
    let a = here.interfaces.iter().find(|i| i.node == "a").unwrap();
    assert_eq!(here.shared_macs(a).count(), 1);
}

#[test]
fn a_pool_gives_each_client_an_address_that_nobody_has() {
    let (compiled, _) = compiled(DRAWING, &around("r", &PORTS));
    let pooled = SegmentId::new(0xa002).unwrap();
    let given = compiled.mappings.iter().filter(|m| m.segment == pooled);
    let mut given: Vec<_> = given
        .map(|m| (m.address.ipv4().octets()[3], m.mac.octets()[5]))
        .collect();
    given.sort_unstable();
    let addresses: Vec<_> = given.iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, [8, 9, 10, 11]);
    // Who goes takes its own away, and nobody else's.
    let without: String = DRAWING.lines().filter(|l| !l.contains("name: z,")).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    );
    let (fewer, _) = super::compiled(&without, &around("r", &PORTS));
    for mapping in fewer.mappings.iter().filter(|m| m.segment == pooled) {
        let before = compiled.mapping(pooled, mapping.address).unwrap();
        assert_eq!(before.mac, mapping.mac);
    }
    let small = DRAWING.replace("10.0.5.8-10.0.5.11", "10.0.5.8-10.0.5.10");
    let (_, said) = super::compiled(&small, &around("r", &PORTS));
    assert!(said.contains("has no address for node \"z\""), "{said}");
}

#[test]
fn who_waits_for_an_address_needs_somebody_who_gives_one() {
    let text = DRAWING.replace(", dhcp-server: true", "");
    let (_, said) = compiled(&text, &around("r", &PORTS));
    assert!(said.contains("node \"u\" waits for an address"), "{said}");
}

#[test]
fn two_behind_one_port_cannot_send_from_one_mac() {
    let text = DRAWING.replace("name: c, host: s, port: q,", "name: c, host: r, port: p0,");
    let (_, said) = compiled(&text, &around("r", &PORTS));
    assert!(said.contains("cannot be told apart"), "{said}");
    let (_, said) = compiled(
        &text.replace(", mac: 00:00:5e:00:01:01", ""),
        &around("r", &PORTS),
    );
    assert_eq!(said, "");
}
