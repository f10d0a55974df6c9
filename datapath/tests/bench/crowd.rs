//! Many other routers and segments, for what must not depend on them.

use core::net::Ipv4Addr;

use packet::{MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::compiled::{
    HostId, Ipv4Subnet, Leg, Mapping, MappingKind, NextHop, Route, RouterId, Segment,
};

use super::plan::Plan;

/// The plan with so many more routers.
pub fn among(mut plan: Plan, others: u32) -> Plan {
    for other in 0..others {
        add_router(&mut plan, other);
    }
    plan
}

/// One more router with ten segments of its own, a node of the other host in
/// each; J and L know all of them, and it knows the way back.
fn add_router(plan: &mut Plan, other: u32) {
    let compiled = &mut plan.compiled;
    let like = (compiled.segments[0].clone(), compiled.routers[1].clone());
    let mut router = like.1;
    router.legs.clear();
    router.routes = vec![
        route(compiled.segments[0].subnet, 0),
        route(compiled.segments[2].subnet, 1),
    ];
    for part in 0..10 {
        let number = other * 10 + part;
        let network = Ipv4Addr::from_bits(0x1000_0000 + number * 256);
        let segment = Segment {
            id: SegmentId::new(0x10_0000 + number).unwrap(),
            subnet: Ipv4Subnet::new(network, 24).unwrap(),
            ..like.0.clone()
        };
        let [_, _, a, b] = number.to_be_bytes();
        let mapping = |last: u8, kind, host| Mapping {
            segment: segment.id,
            address: VirtualAddr::from_bits(network.to_bits() + u32::from(last)),
            kind,
            mac: MacAddr::new([2, 0x10, last, 0, a, b]),
            host: HostId(host),
            slot: Slot::ZERO,
            interface: None,
        };
        let (leg, node) = (
            mapping(1, MappingKind::Router, 0),
            mapping(2, MappingKind::Node, 1),
        );
        router.legs.push(Leg {
            segment: segment.id,
            subnet: segment.subnet,
            mtu: segment.mtu,
            mac: leg.mac,
            addresses: vec![leg.address],
            proxy_arp: false,
        });
        compiled.mappings.extend([leg, node]);
        for known in &mut compiled.routers[..2] {
            known.routes.push(route(segment.subnet, 2 + other));
        }
        compiled.segments.push(segment);
    }
    compiled.routers.push(router);
}

fn route(to: Ipv4Subnet, router: u32) -> Route {
    Route {
        to,
        via: vec![NextHop::Router {
            router: RouterId(router),
            by: None,
        }],
    }
}
