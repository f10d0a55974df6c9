//! Do routes lead in circles?
//!
//! All addresses whose longest prefix among all routes of a network is the same
//! go the same way. Routers that are linked to a prefix end the way, so a circle
//! is made of static routes; the longest of these is some router's own, and all
//! others of the circle hold it. So it is enough to follow every static route
//! from its own router, and to look for its prefix at those that follow.

use std::collections::{HashMap, HashSet};

use packet::VirtualAddr;

use crate::compiled::{Ipv4Subnet, NextHop, Router, RouterId};

/// A circle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle {
    /// For these destinations, where nothing more specific is drawn.
    pub(super) to: Ipv4Subnet,
    /// The routers, each once, in order.
    pub(super) around: Vec<RouterId>,
}

/// Circles reported at most: who has drawn more has one mistake, not many.
const REPORTED: usize = 10;

/// The circles, the first few of them.
pub(super) fn find(routers: &[Router]) -> Vec<Circle> {
    let tables: Vec<Table<'_>> = routers.iter().map(Table::of).collect();
    let mut circles = Vec::new();
    let mut met = HashSet::new();
    for (id, router) in (0..).map(RouterId).zip(routers) {
        for route in &router.routes {
            let mut search = Search {
                tables: &tables,
                to: route.to,
                done: HashSet::new(),
                path: Vec::new(),
            };
            let Some(around) = search.visit(id) else {
                continue;
            };
            let mut same = around.clone();
            same.sort_unstable();
            if met.insert((route.to, same)) {
                circles.push(Circle {
                    to: route.to,
                    around,
                });
            }
            if circles.len() == REPORTED {
                return circles;
            }
        }
    }
    circles
}

/// A router's routes by prefix.
struct Table<'a> {
    routes: HashMap<Ipv4Subnet, &'a [NextHop]>,
    linked: HashSet<Ipv4Subnet>,
}

impl<'a> Table<'a> {
    fn of(router: &'a Router) -> Self {
        let routes = router.routes.iter();
        Self {
            routes: routes
                .map(|route| (route.to, route.via.as_slice()))
                .collect(),
            linked: router.legs.iter().map(|leg| leg.subnet).collect(),
        }
    }

    /// Where it sends what the whole prefix holds.
    fn next_hops(&self, to: Ipv4Subnet) -> &'a [NextHop] {
        let first = VirtualAddr::new(to.network());
        let wider = (0..=to.length()).rev();
        for prefix in wider.filter_map(|length| Ipv4Subnet::around(first, length)) {
            if self.linked.contains(&prefix) {
                return &[];
            }
            if let Some(via) = self.routes.get(&prefix) {
                return via;
            }
        }
        &[]
    }
}

struct Search<'a> {
    tables: &'a [Table<'a>],
    to: Ipv4Subnet,
    /// From these there is no circle.
    done: HashSet<RouterId>,
    /// The way here.
    path: Vec<RouterId>,
}

impl Search<'_> {
    /// Depth first, without recursion: a drawing may be as deep as it is large.
    fn visit(&mut self, start: RouterId) -> Option<Vec<RouterId>> {
        let mut open = vec![Step::Enter(start)];
        while let Some(step) = open.pop() {
            let router = match step {
                Step::Enter(router) => router,
                Step::Leave(router) => {
                    self.path.pop();
                    self.done.insert(router);
                    continue;
                }
            };
            if self.done.contains(&router) {
                continue;
            }
            if let Some(at) = self.path.iter().position(|passed| *passed == router) {
                return self.path.get(at..).map(<[RouterId]>::to_vec);
            }
            self.path.push(router);
            open.push(Step::Leave(router));
            let table = self.tables.get(router.0 as usize);
            let next = table.map_or(&[][..], |table| table.next_hops(self.to));
            open.extend(next.iter().filter_map(|hop| match hop {
                NextHop::Router { router, .. } => Some(Step::Enter(*router)),
                NextHop::Station { .. } => None,
            }));
        }
        None
    }
}

enum Step {
    Enter(RouterId),
    Leave(RouterId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiled::{Leg, Route};

    fn prefix(text: &str) -> Ipv4Subnet {
        let (network, length) = text.split_once('/').unwrap();
        Ipv4Subnet::new(network.parse().unwrap(), length.parse().unwrap()).unwrap()
    }

    /// A router linked to a prefix, with routes to prefixes via routers.
    fn router(linked: &str, routes: &[(&str, &[u32])]) -> Router {
        let via = |id: &u32| NextHop::Router {
            router: RouterId(*id),
            by: None,
        };
        let route = |(to, hops): &(&str, &[u32])| Route {
            to: prefix(to),
            via: hops.iter().map(via).collect(),
        };
        Router {
            name: String::new(),
            network: 0,
            legs: vec![Leg {
                segment: packet::SegmentId::new(1).unwrap(),
                subnet: prefix(linked),
                mtu: 1500,
                mac: packet::MacAddr::ZERO,
                addresses: Vec::new(),
                proxy_arp: false,
            }],
            source: None,
            routes: routes.iter().map(route).collect(),
        }
    }

    #[test]
    fn a_circle_is_found_once_however_wide_its_routes_are() {
        let routers = [
            router(
                "10.0.0.0/24",
                &[("10.9.0.0/16", &[1]), ("10.1.0.0/24", &[1])],
            ),
            router("10.1.0.0/24", &[("10.0.0.0/8", &[2])]),
            router("10.2.0.0/24", &[("0.0.0.0/0", &[0]), ("10.0.0.0/24", &[0])]),
        ];
        let around = [0, 1, 2].map(RouterId).to_vec();
        let to = prefix("10.9.0.0/16");
        assert_eq!(find(&routers), [Circle { to, around }]);
    }

    #[test]
    fn who_is_linked_to_the_destination_ends_the_way() {
        let routers = [
            router("10.0.0.0/24", &[("10.1.0.0/16", &[1])]),
            router("10.1.0.0/16", &[("10.0.0.0/8", &[0])]),
        ];
        // What is in none of the segments goes to and fro, though.
        let to = prefix("10.0.0.0/8");
        assert_eq!(find(&routers), []);
        let more = [
            router("10.0.0.0/24", &[("0.0.0.0/0", &[1])]),
            router("10.1.0.0/16", &[("10.0.0.0/8", &[0])]),
        ];
        let around = vec![RouterId(1), RouterId(0)];
        assert_eq!(find(&more), [Circle { to, around }]);
    }

    #[test]
    fn one_of_several_equal_ways_is_enough() {
        let routers = [
            router("10.0.0.0/24", &[("10.3.0.0/24", &[1, 2])]),
            router("10.3.0.0/24", &[]),
            router("10.2.0.0/24", &[("10.3.0.0/24", &[0])]),
        ];
        assert_eq!(find(&routers).len(), 1);
    }
}
