//! Listings of the logical routers, as they were drawn.

use datapath::books::LegNumbers;
use vnet::compiled::{self, Compiled, LegId, NextHop, RouterId};

use super::Observer;
use super::names::label;
use crate::control::source::{Route, RouteNextHop, Router, RouterLeg};

impl Observer {
    pub(super) fn shown_routers(&self, network: Option<&str>) -> Option<Vec<Router>> {
        let in_force = self.show.in_force();
        let passed = |router, leg| {
            let leg = in_force.drawn.routes.leg(router, leg);
            leg.map_or_else(LegNumbers::default, |leg| self.counts.leg(leg.line))
        };
        routers(&in_force.compiled, network, passed)
    }

    pub(super) fn shown_routes(&self, router: &Router) -> Vec<Route> {
        routes(&self.show.in_force().compiled, router)
    }
}

/// The routers of a network, or of all; `None`: there is no such network.
fn routers(
    compiled: &Compiled,
    network: Option<&str>,
    passed: impl Fn(RouterId, LegId) -> LegNumbers,
) -> Option<Vec<Router>> {
    let place = |name| compiled.networks.iter().position(|n| n.name == name);
    let only = match network {
        Some(name) => Some(place(name)?),
        None => None,
    };
    let drawn = (0..).map(RouterId).zip(&compiled.routers);
    let wanted = drawn.filter(|(_, router)| only.is_none_or(|only| router.network == only));
    Some(
        wanted
            .filter_map(|(id, router)| {
                let network = router_network(compiled, router)?;
                Some(shown(compiled, router, network, |leg| passed(id, leg)))
            })
            .collect(),
    )
}

fn router_network<'c>(
    compiled: &'c Compiled,
    router: &compiled::Router,
) -> Option<&'c compiled::Network> {
    compiled.networks.get(router.network)
}

fn shown(
    compiled: &Compiled,
    router: &compiled::Router,
    network: &compiled::Network,
    passed: impl Fn(LegId) -> LegNumbers,
) -> Router {
    let legs = (0..).map(LegId).zip(&router.legs);
    let legs = legs.map(|(id, leg)| RouterLeg {
        passed: passed(id),
        segment: label(compiled, leg.segment),
        subnet: leg.subnet,
        addresses: leg.addresses.clone(),
        mac: leg.mac,
        mtu: leg.mtu,
        proxy_arp: leg.proxy_arp,
    });
    Router {
        name: router.name.clone(),
        network: network.name.clone(),
        entity: network.entity.clone(),
        source: router.source,
        legs: legs.collect(),
        routes: router.routes.len(),
    }
}

/// The routes of one router.
fn routes(compiled: &Compiled, of: &Router) -> Vec<Route> {
    let is_it = |router: &&compiled::Router| {
        let network = router_network(compiled, router);
        router.name == of.name && network.is_some_and(|network| network.name == of.network)
    };
    let found = compiled.routers.iter().find(is_it);
    let routes = found.into_iter().flat_map(|router| {
        let next_hops = |route: &compiled::Route| {
            let via = route.via.iter();
            via.filter_map(|hop| next_hop(compiled, router, *hop))
                .collect()
        };
        router.routes.iter().map(move |route| Route {
            to: route.to,
            next_hops: next_hops(route),
        })
    });
    routes.collect()
}

fn next_hop(compiled: &Compiled, from: &compiled::Router, hop: NextHop) -> Option<RouteNextHop> {
    match hop {
        NextHop::Router { router, by } => {
            let router = compiled.routers.get(router.0 as usize)?;
            let leg = by.and_then(|by| router.legs.get(by.0 as usize));
            Some(RouteNextHop {
                router: Some(router.name.clone()),
                address: leg.and_then(|leg| leg.addresses.first().copied()),
                segment: leg.map(|leg| label(compiled, leg.segment)),
            })
        }
        NextHop::Station { by, address } => {
            let leg = from.legs.get(by.0 as usize)?;
            Some(RouteNextHop {
                router: None,
                address: Some(address),
                segment: Some(label(compiled, leg.segment)),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::drawings;

    fn drawn(compiled: &Compiled, network: Option<&str>) -> Option<Vec<Router>> {
        routers(compiled, network, |_, _| LegNumbers::default())
    }

    #[test]
    fn routers_are_listed_by_network_with_their_legs() {
        let compiled = drawings::two_networks();
        let all = drawn(&compiled, None).unwrap();
        let names = |routers: &[Router]| -> Vec<String> {
            let names = routers.iter();
            names.map(|r| format!("{}/{}", r.network, r.name)).collect()
        };
        assert_eq!(names(&all), ["z/j", "z/l", "z/m", "y/j"]);
        let y = drawn(&compiled, Some("y")).unwrap();
        assert_eq!(names(&y), ["y/j"]);
        assert_eq!(drawn(&compiled, Some("x")), None);
        let l = &all[1];
        let legs: Vec<_> = l.legs.iter().map(|leg| leg.segment.name.as_str()).collect();
        assert_eq!((legs, l.routes), (vec!["far", "link"], 1));
        assert_eq!(l.source, Some(drawings::address("10.1.5.1")));
    }

    #[test]
    fn next_hops_are_named_and_placed() {
        let compiled = drawings::two_networks();
        let all = drawn(&compiled, None).unwrap();
        let said: Vec<String> = routes(&compiled, &all[0])
            .iter()
            .map(|route| {
                let hops = route.next_hops.iter().map(|hop| {
                    let segment = hop.segment.as_ref().map(|segment| segment.name.as_str());
                    let address = hop.address.map(|address| address.to_string());
                    format!("{:?} {address:?} {segment:?}", hop.router)
                });
                format!("{}: {}", route.to, hops.collect::<Vec<_>>().join(", "))
            })
            .collect();
        assert_eq!(
            said,
            [
                "10.1.5.0/24: Some(\"l\") None None",
                "10.0.5.0/24: Some(\"m\") Some(\"10.0.0.254\") Some(\"front\")",
                "10.7.0.0/16: None Some(\"10.0.0.9\") Some(\"front\")",
                "10.8.0.0/16: Some(\"l\") None None, Some(\"m\") Some(\"10.0.0.254\") Some(\"front\")",
            ]
        );
        assert_eq!(routes(&compiled, &all[3]), [], "of the same name elsewhere");
    }
}
