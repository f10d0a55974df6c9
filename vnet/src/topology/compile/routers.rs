//! The logical routers as the tables need them: who is the next hop of each
//! route, and by which leg does the packet come to it?

use std::collections::HashMap;

use packet::VirtualAddr;

use crate::compiled::{Leg, LegId, NextHop, Route, Router, RouterId};
use crate::topology::{self, Network, SegmentIndex, Topology};

/// The routers of all networks, in the order of the files.
pub(super) fn compile(topology: &Topology) -> Vec<Router> {
    let mut all = Vec::new();
    for (index, network) in topology.networks.iter().enumerate() {
        let first = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let drawn = Drawn::of(network, first);
        let routers = network.routers.iter();
        all.extend(routers.map(|router| drawn.compile(topology, index, router)));
    }
    all
}

/// The routers of one network.
struct Drawn {
    /// The id of the first.
    first: u32,
    /// Whose address is this?
    owners: HashMap<(SegmentIndex, VirtualAddr), (usize, LegId)>,
    /// The first leg of a router in a segment.
    legs: HashMap<(usize, SegmentIndex), LegId>,
}

impl Drawn {
    fn of(network: &Network, first: u32) -> Self {
        let (mut owners, mut legs) = (HashMap::new(), HashMap::new());
        for (index, router) in network.routers.iter().enumerate() {
            for (leg, of) in (0..).map(LegId).zip(&router.interfaces) {
                let segment = of.station.segment;
                legs.entry((index, segment)).or_insert(leg);
                for address in &of.station.addresses {
                    owners.insert((segment, *address), (index, leg));
                }
            }
        }
        Self {
            first,
            owners,
            legs,
        }
    }

    fn compile(&self, topology: &Topology, network: usize, router: &topology::Router) -> Router {
        let legs: Vec<Leg> = (router.interfaces.iter())
            .filter_map(|leg| {
                let segment = topology.segment(leg.station.segment)?;
                Some(Leg {
                    segment: segment.id,
                    subnet: segment.subnet,
                    mtu: segment.mtu.value,
                    mac: leg.station.mac,
                    addresses: leg.station.addresses.clone(),
                    proxy_arp: leg.proxy_arp,
                })
            })
            .collect();
        let lowest = legs.iter().flat_map(|leg| &leg.addresses).min().copied();
        Router {
            name: router.name.value.clone(),
            network,
            source: router.source.or(lowest),
            routes: (router.routes.iter())
                .map(|route| Route {
                    to: route.to,
                    via: (route.via.iter())
                        .filter_map(|hop| self.next_hop(topology, router, hop))
                        .collect(),
                })
                .collect(),
            legs,
        }
    }

    fn next_hop(
        &self,
        topology: &Topology,
        from: &topology::Router,
        to: &topology::NextHop,
    ) -> Option<NextHop> {
        match *to {
            topology::NextHop::Router(index) => {
                let segments = from.interfaces.iter().map(|leg| leg.station.segment);
                let shared = |segment| self.legs.get(&(index, segment)).copied();
                Some(NextHop::Router {
                    router: self.id(index),
                    by: segments.map(shared).find(Option::is_some).flatten(),
                })
            }
            topology::NextHop::Address(address) => {
                let on_link = |leg: &&topology::RouterInterface| {
                    let segment = topology.segment(leg.station.segment);
                    segment.is_some_and(|segment| segment.subnet.contains(address))
                };
                let mut legs = (0..).map(LegId).zip(&from.interfaces);
                let (by, leg) = legs.find(|(_, leg)| on_link(leg))?;
                let owner = self.owners.get(&(leg.station.segment, address));
                Some(match owner {
                    Some(&(index, its)) => NextHop::Router {
                        router: self.id(index),
                        by: Some(its),
                    },
                    None => NextHop::Station { by, address },
                })
            }
        }
    }

    fn id(&self, index: usize) -> RouterId {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        RouterId(self.first.saturating_add(index))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Diagnostics;

    const DRAWING: &str = "
network: z
segments:
  - { name: lan, id: 1, subnet: 10.0.0.0/24 }
  - { name: link, id: 2, subnet: 10.0.1.0/24 }
  - { name: far, id: 3, subnet: 10.0.2.0/24 }
routers:
  - name: j
    interfaces: [{ segment: lan, address: 10.0.0.1 }, { segment: link, address: 10.0.1.1 }]
    routes:
      - { to: 10.0.2.0/24, via: [l, 10.0.1.3] }
      - { to: 10.9.0.0/16, via: 10.0.0.9 }
      - { to: 0.0.0.0/0, via: k }
  - { name: k, source: 192.0.2.1, routes: [{ to: 10.0.0.0/8, via: j }] }
  - name: l
    interfaces:
      - { segment: far, address: 10.0.2.1 }
      - { segment: link, addresses: [10.0.1.2, 10.0.1.3] }
";

    fn routers() -> Vec<Router> {
        let mut out = Diagnostics::default();
        let file: Arc<Path> = Path::new("z.yaml").into();
        let topology = Topology::read([(file, DRAWING)], &mut out);
        assert_eq!(out.into_sorted(), []);
        compile(&topology)
    }

    fn via(router: u32, by: Option<u32>) -> NextHop {
        NextHop::Router {
            router: RouterId(router),
            by: by.map(LegId),
        }
    }

    #[test]
    fn a_next_hop_is_a_router_however_it_is_named_or_a_station() {
        let routers = routers();
        let hops: Vec<_> = routers[0].routes.iter().map(|r| r.via.clone()).collect();
        let station = NextHop::Station {
            by: LegId(0),
            address: VirtualAddr::new([10, 0, 0, 9].into()),
        };
        let to_l = via(2, Some(1));
        assert_eq!(
            hops,
            [vec![to_l, to_l], vec![station], vec![via(1, None)]],
            "by a segment of both, by address, and by none"
        );
        assert_eq!(routers[1].routes[0].via, [via(0, None)]);
    }

    #[test]
    fn errors_come_from_the_source_given_or_the_lowest_address() {
        let sources: Vec<_> = routers().iter().map(|r| r.source.unwrap()).collect();
        let expected = [[10, 0, 0, 1], [192, 0, 2, 1], [10, 0, 1, 2]];
        assert_eq!(
            sources,
            expected.map(|octets| VirtualAddr::new(octets.into()))
        );
    }
}
