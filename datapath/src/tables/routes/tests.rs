//! The table against what each router would say by itself.

use core::net::Ipv4Addr;

use packet::{MacAddr, SegmentId, VirtualAddr};
use proptest::prelude::*;
use vnet::compiled::{Compiled, Ipv4Subnet, Leg as DrawnLeg, LegId, NextHop, Route, RouterId};

use super::*;

fn prefix(network: u32, length: u8) -> Ipv4Subnet {
    Ipv4Subnet::around(VirtualAddr::from_bits(network), length).unwrap()
}

fn address(bits: u32) -> VirtualAddr {
    VirtualAddr::from_bits(bits)
}

fn segment(id: u32) -> SegmentId {
    SegmentId::new(id).unwrap()
}

/// A router with a leg in each of these segments, `10.0.n.0/24`, as `.r`.
fn router(id: u8, segments: &[u8], routes: Vec<Route>) -> vnet::compiled::Router {
    let leg = |n: &u8| DrawnLeg {
        segment: segment(u32::from(*n) + 1),
        subnet: prefix(u32::from_be_bytes([10, 0, *n, 0]), 24),
        mtu: 1500 - u16::from(*n),
        mac: MacAddr::new([2, 0, 0, 0, id, *n]),
        addresses: vec![Ipv4Addr::new(10, 0, *n, id).into()],
        proxy_arp: false,
    };
    vnet::compiled::Router {
        name: format!("r{id}"),
        network: 0,
        legs: segments.iter().map(leg).collect(),
        source: None,
        routes,
    }
}

fn via(to: Ipv4Subnet, routers: &[u32]) -> Route {
    let hop = |id: &u32| NextHop::Router {
        router: RouterId(*id),
        by: None,
    };
    Route {
        to,
        via: routers.iter().map(hop).collect(),
    }
}

fn table(routers: Vec<vnet::compiled::Router>) -> RouteTable {
    let compiled = Compiled {
        routers,
        ..Compiled::default()
    };
    let rows = Rows::new(&compiled, &[]);
    RouteTable::new(&compiled, &rows)
}

fn entry(router: u32) -> At {
    At {
        router: RouterId(router),
        by: Some(LegId(0)),
    }
}

const ALL: u32 = 0;

#[test]
fn a_way_ends_in_a_segment_at_a_router_or_nowhere() {
    let table = table(vec![
        router(1, &[0, 1], vec![via(prefix(ALL, 0), &[1])]),
        router(2, &[1, 2], vec![via(prefix(0x0a00_0000, 24), &[0])]),
    ]);
    let walk = |to: [u8; 4], ttl| table.walk(entry(0), Ipv4Addr::from(to).into(), ttl, || 0);
    let far = walk([10, 0, 2, 9], 9);
    assert_eq!(
        (far.end, far.hops, far.mtu),
        (End::Segment(LegId(1)), 2, 1498)
    );
    assert_eq!(far.last.router, RouterId(1));
    assert_eq!(walk([10, 0, 1, 9], 9).end, End::Segment(LegId(1)));
    assert_eq!(walk([10, 0, 0, 1], 1).end, End::Own, "needs no more TTL");
    let other = walk([10, 0, 1, 2], 9);
    assert_eq!(
        (other.end, other.hops),
        (End::Own, 1),
        "in a segment of both"
    );
    assert_eq!(other.last.by, Some(LegId(0)), "and came by it");
    assert_eq!(walk([10, 0, 2, 2], 9).end, End::Own);
    let everyone = walk([10, 0, 2, 255], 2);
    assert_eq!(everyone.end, End::Broadcast, "though its TTL ends there");
    let lost = walk([8, 8, 8, 8], 9);
    assert_eq!((lost.end, lost.hops), (End::NoRoute, 1));
    let mut met = Vec::new();
    let seen = table.walk_past(
        entry(0),
        address(0x0a00_0209),
        9,
        || 0,
        |at| met.push(at.router.0),
    );
    assert_eq!((seen, met), (far, vec![0, 1]), "whoever looks on");
    for (ttl, hops) in [(0, 0), (1, 0), (2, 1)] {
        let expired = walk([10, 0, 2, 9], ttl);
        assert_eq!((expired.end, expired.hops), (End::Expired, hops));
    }
}

#[test]
fn a_circle_ends_somewhere() {
    let table = table(vec![
        router(1, &[0], vec![via(prefix(ALL, 0), &[1])]),
        router(2, &[1], vec![via(prefix(ALL, 0), &[0])]),
    ]);
    let walk = |ttl| table.walk(entry(0), address(0x0808_0808), ttl, || 0);
    assert_eq!((walk(255).end, walk(255).hops), (End::Expired, MAX_HOPS));
    assert_eq!((walk(4).hops, walk(4).last.router), (3, RouterId(1)));
}

#[test]
fn equal_ways_are_used_alike_each_flow_on_its_own() {
    let far = prefix(0x0a00_0900, 24);
    let mut routers = vec![router(1, &[0], vec![via(far, &[1, 2, 3])])];
    routers.extend((2..=4).map(|id| router(id, &[9], Vec::new())));
    let table = table(routers);
    let mut taken = [0_u32; 4];
    for flow in 0..3000_u32 {
        let flow = flow.wrapping_mul(0x9e37_79b9);
        let walk = || table.walk(entry(0), address(0x0a00_0963), 9, || flow);
        assert_eq!(walk(), walk());
        taken[walk().last.router.0 as usize] += 1;
    }
    assert!(
        taken[1..].iter().all(|n| (900..1100).contains(n)),
        "{taken:?}"
    );
}

proptest! {
    /// The longest prefix wins, whatever else a router has.
    #[test]
    fn the_longest_prefix_is_found(
        prefixes in prop::collection::btree_map((0..8_u32, 0..=32_u8), 0..40_u32, 0..30),
        asked in prop::collection::vec((0..8_u32, any::<u32>(), 0..=32_u32), 30),
    ) {
        // Few networks, so that they hold one another.
        let network = |n: u32| n.wrapping_mul(0x2492_4925);
        let mut routes: Vec<Route> = Vec::new();
        for ((n, length), to) in prefixes {
            let to = via(prefix(network(n), length), &[to + 1]);
            if routes.iter().all(|route| route.to != to.to) {
                routes.push(to);
            }
        }
        let mut routers = vec![router(1, &[], routes.clone())];
        // Where a walk ends, so that one sees where it went.
        routers.extend((0..40).map(|_| router(2, &[], Vec::new())));
        let table = table(routers);
        for (n, noise, kept) in asked {
            let keep = u32::MAX.checked_shl(32 - kept).unwrap_or(0);
            let to = address(network(n) & keep | noise & !keep);
            let longest = routes.iter().filter(|route| route.to.contains(to));
            let longest = longest.max_by_key(|route| route.to.length());
            let walk = table.walk(entry(0), to, 9, || 0);
            prop_assert_eq!(walk.end, End::NoRoute);
            let reached = (walk.hops == 1).then_some(walk.last.router);
            let expected = longest.map(|route| match route.via[0] {
                NextHop::Router { router, .. } => router,
                NextHop::Station { .. } => unreachable!(),
            });
            prop_assert_eq!(reached, expected);
        }
    }
}
