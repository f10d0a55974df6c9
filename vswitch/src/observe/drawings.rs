//! A drawing that tests ask about: the worked example's routers, and a network
//! of others with the same addresses.

use std::sync::Arc;

use packet::VirtualAddr;
use vnet::compiled::{Compiled, Host};
use vnet::diagnostic::Diagnostics;
use vnet::topology::{KnownPort, PortPurpose, Surroundings, Topology};

const Z: &str = "\
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, mtu: 1400 }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24 }
  - { name: link, id: 0x00a004, subnet: 10.9.0.0/30 }
  - { name: alone, id: 0x00a005, subnet: 10.3.0.0/24 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1 }]
    routes:
      - { to: 10.1.5.0/24, via: l }
      - { to: 10.0.5.0/24, via: 10.0.0.254 }
      - { to: 10.7.0.0/16, via: 10.0.0.9 }
      - { to: 10.8.0.0/16, via: [l, m] }
  - name: l
    interfaces:
      - { segment: far, address: 10.1.5.1 }
      - { segment: link, address: 10.9.0.1 }
    routes: [{ to: 10.0.0.0/8, via: j }]
  - name: m
    interfaces:
      - { segment: front, address: 10.0.0.254 }
      - { segment: back, address: 10.0.5.254 }
      - { segment: link, address: 10.9.0.2 }
    routes: [{ to: 10.1.5.0/24, via: l }, { to: 10.8.0.0/16, via: l }]
nodes:
  - { name: a, host: r, port: p, segment: front, address: 10.0.0.2 }
  - { name: c, host: s, segment: back, address: 10.0.5.1 }
  - { name: g, host: s, segment: front, address: 10.0.0.9 }
  - { name: h, host: s, segment: far, address: 10.1.5.3 }
  - { name: i, host: s, segment: alone, address: 10.3.0.3 }
";

const Y: &str = "\
network: y
segments: [{ name: front, id: 0x00b001, subnet: 10.0.0.0/24 }]
routers: [{ name: j, interfaces: [{ segment: front, address: 10.0.0.1 }] }]
nodes: [{ name: a, host: s, segment: front, address: 10.0.0.2 }]
";

pub(crate) fn two_networks() -> Compiled {
    let [this, other] = [("r", 1), ("s", 2)].map(|(name, locator)| Host {
        name: name.to_owned(),
        locator: packet::Locator::from_bits(locator),
    });
    let around = Surroundings {
        this,
        others: vec![other],
        ports: vec![Some(KnownPort {
            name: "p".to_owned(),
            purpose: PortPurpose::Nodes,
        })],
    };
    let mut out = Diagnostics::default();
    let files = [("z.yaml", Z), ("y.yaml", Y)].map(|(name, text)| {
        let file: Arc<std::path::Path> = std::path::Path::new(name).into();
        (file, text)
    });
    let topology = Topology::read(files, &mut out);
    let compiled = topology.compile(&around, None, &mut out);
    assert!(!compiled.routers.is_empty(), "{:?}", out.into_sorted());
    compiled
}

pub(super) fn address(text: &str) -> VirtualAddr {
    VirtualAddr::new(text.parse().unwrap())
}
