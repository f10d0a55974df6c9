//! Where packets go: static routes, longest prefix first, equal ones together.

use core::net::Ipv6Addr;

use packet::{Ipv6Prefix, Locator};

use super::address::host_of;
use super::config::{RouteVia, SubstrateConfig};

/// An uplink, by its place in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct UplinkIndex(pub(super) usize);

/// A neighbour: an address on the link of one uplink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct LinkAddress {
    pub(super) uplink: UplinkIndex,
    pub(super) address: Ipv6Addr,
}

#[derive(Clone, Copy, Debug)]
struct Route {
    to: Ipv6Prefix,
    uplink: UplinkIndex,
    /// `None`: on-link.
    gateway: Option<Ipv6Addr>,
}

/// The routes of all uplinks.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    /// Longest prefix first.
    routes: Vec<Route>,
}

impl Routes {
    pub(super) fn new(config: &SubstrateConfig) -> Self {
        let mut routes = Vec::new();
        for (index, uplink) in config.uplinks.iter().enumerate() {
            let uplink_index = UplinkIndex(index);
            let mut add = |to, gateway| {
                routes.push(Route {
                    to,
                    uplink: uplink_index,
                    gateway,
                });
            };
            // A wrong length was refused by the check of the configuration.
            if let Ok(connected) = uplink.connected() {
                add(connected, None);
            }
            for route in &uplink.routes {
                match &route.via {
                    RouteVia::OnLink => add(route.to, None),
                    RouteVia::Gateways(gateways) => {
                        gateways.iter().for_each(|g| add(route.to, Some(*g)));
                    }
                }
            }
        }
        routes.sort_by_key(|route| core::cmp::Reverse(route.to.length()));
        Self { routes }
    }

    /// Every gateway of every route.
    pub(super) fn gateways(&self) -> impl Iterator<Item = LinkAddress> + '_ {
        self.routes.iter().filter_map(|route| {
            Some(LinkAddress {
                uplink: route.uplink,
                address: route.gateway?,
            })
        })
    }

    /// The next hops to everything under a locator. A route to a part of it
    /// does not count: a host's packets all go one way.
    pub(super) fn to_locator(&self, locator: Locator) -> Vec<LinkAddress> {
        let whole = Ipv6Prefix::of_locator(locator);
        self.best(|route| route.to.covers(whole), host_of(locator))
    }

    /// The next hops to an address that is not link-local.
    pub(super) fn to_address(&self, address: Ipv6Addr) -> Vec<LinkAddress> {
        self.best(|route| route.to.contains(address), address)
    }

    /// The next hops of the longest prefixes that match; on a link itself, the
    /// neighbour is `on_link`.
    fn best(&self, matches: impl Fn(&Route) -> bool, on_link: Ipv6Addr) -> Vec<LinkAddress> {
        let mut matching = self.routes.iter().filter(|r| matches(r)).peekable();
        let Some(longest) = matching.peek().map(|route| route.to) else {
            return Vec::new();
        };
        let mut hops: Vec<LinkAddress> = Vec::new();
        for route in matching.take_while(|route| route.to == longest) {
            let hop = LinkAddress {
                uplink: route.uplink,
                address: route.gateway.unwrap_or(on_link),
            };
            if !hops.contains(&hop) {
                hops.push(hop);
            }
        }
        hops
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{address, config, locator, uplink};
    use super::*;

    fn routes(per_uplink: &[&[(&str, &[&str])]]) -> Routes {
        let uplinks = (0..).zip(per_uplink).map(|(port, r)| uplink(port, r));
        Routes::new(&config("fd00:0:0:a::/64", uplinks.collect()))
    }

    fn shown(hops: &[LinkAddress]) -> Vec<String> {
        hops.iter()
            .map(|hop| format!("{}@{}", hop.address, hop.uplink.0))
            .collect()
    }

    #[test]
    fn the_longest_prefix_wins() {
        let table = routes(&[&[
            ("::/0", &["fd00:0:0:ff::1"]),
            ("fd00:0:0:b::/64", &["fd00:0:0:ff::2"]),
        ]]);
        let to = |text: &str| shown(&table.to_address(address(text)));
        assert_eq!(to("2001:db8::1"), ["fd00:0:0:ff::1@0"]);
        assert_eq!(to("fd00:0:0:b::1"), ["fd00:0:0:ff::2@0"]);
        assert_eq!(to("fd00:0:0:ff::9"), ["fd00:0:0:ff::9@0"], "connected");
        let b = table.to_locator(locator("fd00:0:0:b::/64"));
        assert_eq!(shown(&b), ["fd00:0:0:ff::2@0"]);
    }

    #[test]
    fn equal_routes_of_all_uplinks_share_the_load() {
        let table = routes(&[
            &[("::/0", &["fd00:0:0:ff::1", "fd00:0:0:ff::2"])],
            &[("::/0", &["fd00:0:0:fe::1"])],
        ]);
        let hops = table.to_locator(locator("fd00:0:0:b::/64"));
        let expect = ["fd00:0:0:ff::1@0", "fd00:0:0:ff::2@0", "fd00:0:0:fe::1@1"];
        assert_eq!(shown(&hops), expect);
        assert_eq!(table.gateways().count(), 3);
    }

    #[test]
    fn an_on_link_locator_is_reached_through_its_host() {
        let table = routes(&[&[("fd00:0:0:b::/64", &[]), ("::/0", &["fd00:0:0:ff::1"])]]);
        let hops = table.to_locator(locator("fd00:0:0:b::/64"));
        assert_eq!(shown(&hops), ["fd00:0:0:b::1@0"]);
        let one = table.to_address(address("fd00:0:0:b::7"));
        assert_eq!(shown(&one), ["fd00:0:0:b::7@0"]);
    }

    #[test]
    fn a_route_to_a_part_of_a_locator_does_not_lead_to_the_locator() {
        let table = routes(&[&[("fd00:0:0:b::1/128", &["fd00:0:0:ff::1"])]]);
        assert!(table.to_locator(locator("fd00:0:0:b::/64")).is_empty());
        assert!(!table.to_address(address("fd00:0:0:b::1")).is_empty());
        assert!(table.to_address(address("fd00:0:0:b::2")).is_empty());
    }
}
