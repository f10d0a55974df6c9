//! `ListRouters` and `ShowRouter`.

use control_api::v1;
use control_api::v1::router_part::Part;
use tonic::Status;
use vnet::compiled::Ipv4Subnet;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Route, RouteNextHop, Router, RouterLeg};
use crate::control::wire;

pub(in crate::control) fn list(
    source: &dyn ControlSource,
    request: &v1::ListRoutersRequest,
) -> Result<Pages<v1::ListRoutersReply>, Status> {
    let routers = routers(source, request.network.as_deref())?;
    let legs = routers.into_iter().flat_map(legs);
    Ok(pages(legs, |legs| v1::ListRoutersReply { legs }))
}

pub(in crate::control) fn show(
    source: &dyn ControlSource,
    request: &v1::ShowRouterRequest,
) -> Result<Pages<v1::ShowRouterReply>, Status> {
    let mut found = routers(source, request.network.as_deref())?;
    found.retain(|router| router.name == request.name);
    let several = found.len() > 1;
    let Some(found) = found.pop().filter(|_| !several) else {
        return Err(not_one(source, request));
    };
    let routes = source.router_routes(&found);
    let router = Part::Router(router(&found));
    let legs = found.legs.into_iter().map(|of| Part::Leg(leg(of)));
    let routes = routes.into_iter().map(|of| Part::Route(route(of)));
    let parts = core::iter::once(router).chain(legs).chain(routes);
    let parts = parts.map(|part| v1::RouterPart { part: Some(part) });
    Ok(pages(parts, |parts| v1::ShowRouterReply { parts }))
}

fn routers(source: &dyn ControlSource, network: Option<&str>) -> Result<Vec<Router>, Status> {
    source.routers(network).ok_or_else(|| {
        let name = network.unwrap_or_default();
        Status::not_found(format!(
            "there is no network \"{name}\"; see: vswitchctl export"
        ))
    })
}

/// None has the name, or several have.
fn not_one(source: &dyn ControlSource, request: &v1::ShowRouterRequest) -> Status {
    let name = &request.name;
    let all = source.routers(request.network.as_deref());
    let named = all.into_iter().flatten().filter(|r| r.name == *name);
    let networks: Vec<String> = named.map(|router| router.network).collect();
    if networks.is_empty() {
        return Status::not_found(format!(
            "there is no router \"{name}\"{}; see: vswitchctl router list",
            match &request.network {
                Some(network) => format!(" in network \"{network}\""),
                None => String::new(),
            }
        ));
    }
    Status::invalid_argument(format!(
        "several networks have a router \"{name}\"; say which with --network: {}",
        networks.join(", ")
    ))
}

/// What a router's entries in the list are: one per leg, or one without.
fn legs(mut of: Router) -> Vec<v1::RouterLeg> {
    let legs = core::mem::take(&mut of.legs);
    let router = Some(router(&of));
    if legs.is_empty() {
        return vec![v1::RouterLeg { router, leg: None }];
    }
    let legs = legs.into_iter().map(|of| v1::RouterLeg {
        router: router.clone(),
        leg: Some(v1::Leg {
            counters: None,
            ..leg(of)
        }),
    });
    legs.collect()
}

fn router(router: &Router) -> v1::Router {
    v1::Router {
        name: router.name.clone(),
        network: router.network.clone(),
        entity: router.entity.clone(),
        source: router.source.map(|address| address.to_bits()),
        routes: u32::try_from(router.routes).unwrap_or(u32::MAX),
    }
}

fn leg(leg: RouterLeg) -> v1::Leg {
    v1::Leg {
        segment: Some(wire::segment(leg.segment)),
        subnet: Some(prefix(leg.subnet)),
        addresses: leg.addresses.iter().map(|a| a.to_bits()).collect(),
        mac: wire::mac(leg.mac),
        mtu: leg.mtu.into(),
        proxy_arp: leg.proxy_arp,
        counters: Some(v1::LegCounters {
            in_packets: leg.passed.in_packets,
            in_bytes: leg.passed.in_octets,
            out_packets: leg.passed.out_packets,
            out_bytes: leg.passed.out_octets,
            out_discarded_packets: leg.passed.out_discards,
        }),
    }
}

fn route(route: Route) -> v1::Route {
    v1::Route {
        to: Some(prefix(route.to)),
        next_hops: route.next_hops.into_iter().map(next_hop).collect(),
    }
}

fn next_hop(hop: RouteNextHop) -> v1::RouteNextHop {
    v1::RouteNextHop {
        router: hop.router,
        address: hop.address.map(|address| address.to_bits()),
        segment: hop.segment.map(wire::segment),
    }
}

fn prefix(subnet: Ipv4Subnet) -> v1::Prefix {
    v1::Prefix {
        network: subnet.network().to_bits(),
        length: subnet.length().into(),
    }
}
