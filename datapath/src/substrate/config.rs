//! What the substrate side is told: addresses, routes, peers; and what of that
//! cannot work.

use core::net::Ipv6Addr;
use std::collections::BTreeMap;

use packet::{Ipv6Prefix, Locator, MacAddr, PrefixError};
use vnet::compiled::{HostId, PortId};

use super::address::is_unicast;
use super::snapshot::{KernelPath, MAX_ECMP, is_segment_zero};

/// The smallest MTU of a link that carries IPv6, in bytes (RFC 8200 §5).
pub const MIN_MTU: u16 = 1280;

/// How the fabric learns where the locator is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Announce {
    /// The fabric has a route to the locator via the uplink's address.
    #[default]
    Routed,
    /// The locator is on-link: the host answers neighbour solicitations for
    /// every address under it.
    OnLink,
}

/// Where a route leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouteVia {
    /// To these routers on the link, flows spread among them. Not empty, at
    /// most [`MAX_ECMP`].
    Gateways(Vec<Ipv6Addr>),
    /// The destinations are on the link themselves. A peer's locator that is
    /// on-link is reached through number 1 of its segment 0: one neighbour per
    /// host, not one per tenant's address.
    OnLink,
}

/// A static route of one uplink.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteConfig {
    /// Destinations.
    pub to: Ipv6Prefix,
    /// Where to.
    pub via: RouteVia,
}

/// One uplink.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UplinkConfig {
    /// The port.
    pub port: PortId,
    /// Its MAC, from which the link-local address is made.
    pub mac: MacAddr,
    /// The host's address on this uplink.
    pub address: Ipv6Addr,
    /// Length of the on-link prefix around the address, 0 to 128.
    pub prefix_length: u8,
    /// Largest IPv6 packet of the link, in bytes; at least [`MIN_MTU`].
    pub mtu: u16,
    /// Static routes through this uplink.
    pub routes: Vec<RouteConfig>,
    /// Where this machine's kernel hears of the uplink, if it does.
    pub kernel: Option<KernelPath>,
}

impl UplinkConfig {
    /// The prefix that is on-link because the address is in it.
    pub(super) fn connected(&self) -> Result<Ipv6Prefix, PrefixError> {
        Ipv6Prefix::around(self.address, self.prefix_length)
    }
}

/// Bounds against a hostile or broken fabric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Neighbours known beyond the configured next hops. The longest unused
    /// learned ones go first.
    pub learned_neighbors: usize,
    /// Echo replies per second, and as many at once.
    pub echo_replies_per_second: u32,
    /// Neighbour advertisements per second, and as many at once: so many for
    /// the host's own addresses, and so many for tenants' on an on-link locator.
    pub advertisements_per_second: u32,
    /// Multicast groups reported beyond the host's own, for tenants' addresses
    /// where the locator is on-link.
    pub tenant_groups: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            learned_neighbors: 1024,
            echo_replies_per_second: 200,
            advertisements_per_second: 1000,
            tenant_groups: 4096,
        }
    }
}

/// What a host had until a moment ago.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// Its own addresses.
    pub addresses: Vec<HeldAddress>,
    /// The next hops that it knew.
    pub neighbors: Vec<HeldNeighbor>,
}

/// An address that was in use, and the MAC that its neighbours know it by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldAddress {
    /// The uplink's.
    pub mac: MacAddr,
    /// The address.
    pub address: Ipv6Addr,
}

/// A neighbour whose MAC was known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldNeighbor {
    /// The MAC of the uplink that leads there.
    pub uplink: MacAddr,
    /// The neighbour's address on that link.
    pub address: Ipv6Addr,
    /// Its MAC.
    pub mac: MacAddr,
}

/// Everything the substrate side is told at its start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubstrateConfig {
    /// This host's /64.
    pub locator: Locator,
    /// How the fabric learns where it is.
    pub announce: Announce,
    /// The uplinks, at least one.
    pub uplinks: Vec<UplinkConfig>,
    /// Hop limit of packets that start here, 1 to 255; 64 is usual.
    pub hop_limit: u8,
    /// The hosts whose next hops must be known. This host may be among them.
    pub peers: Vec<(HostId, Locator)>,
    /// `DupAddrDetectTransmits` of RFC 4862 §5.1: 1 is usual, 0 trusts the
    /// addresses unseen.
    pub dad_transmits: u8,
    /// Addresses that this host had in use until a moment ago: those that are
    /// still its own stay in use, and are asked for meanwhile.
    /// And next hops that it knew: they are used on uplinks whose addresses were
    /// held, and asked again soon.
    pub held: Held,
    /// Bounds.
    pub limits: Limits,
    /// Seeds the random delays; any number, different on each host.
    pub seed: u64,
}

/// A substrate configuration that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstrateConfigError {
    /// Nothing to send through.
    #[error("substrate.ports is empty; name at least one port that leads to the fabric")]
    NoUplink,
    /// Packets would die at once.
    #[error("substrate hop limit 0 lets no packet leave; use 1 to 255 (64 is usual)")]
    HopLimit,
    /// Two uplinks are one port.
    #[error("uplink port {} is named twice; each port is one uplink", port.0)]
    DuplicatePort {
        /// The port.
        port: PortId,
    },
    /// Not an address for a station.
    #[error("uplink port {}: MAC {mac} is a group or zero; use a unicast MAC", port.0)]
    Mac {
        /// The port.
        port: PortId,
        /// The MAC.
        mac: MacAddr,
    },
    /// Not an address for a host.
    #[error("uplink port {}: address {address} {problem}", port.0)]
    Address {
        /// The port.
        port: PortId,
        /// The address.
        address: Ipv6Addr,
        /// What is wrong with it and what to use.
        problem: &'static str,
    },
    /// Two uplinks have one address.
    #[error("uplink port {}: address {address} is already another uplink's; give each its own", port.0)]
    DuplicateAddress {
        /// The port.
        port: PortId,
        /// The address.
        address: Ipv6Addr,
    },
    /// Not a prefix length.
    #[error("uplink port {}: {source}", port.0)]
    Prefix {
        /// The port.
        port: PortId,
        /// What is wrong.
        source: PrefixError,
    },
    /// Too small for IPv6.
    #[error("uplink port {}: mtu {mtu} is below {MIN_MTU}, the least that IPv6 allows", port.0)]
    Mtu {
        /// The port.
        port: PortId,
        /// The MTU in bytes.
        mtu: u16,
    },
    /// A route without a gateway, or with too many on all uplinks together.
    #[error("uplink port {}: route to {to} has {count} next hops, counting other uplinks' routes \
        to it; give 1 to {MAX_ECMP}", port.0)]
    Gateways {
        /// The port.
        port: PortId,
        /// The route.
        to: Ipv6Prefix,
        /// How many it has.
        count: usize,
    },
    /// A gateway that no frame can be sent to.
    #[error("uplink port {}: route to {to} via {gateway}, which is not a neighbour on this uplink; \
        use an address in its prefix or a link-local one", port.0)]
    GatewayNotOnLink {
        /// The port.
        port: PortId,
        /// The route.
        to: Ipv6Prefix,
        /// The gateway.
        gateway: Ipv6Addr,
    },
    /// A gateway that is this host.
    #[error("uplink port {}: route to {to} via {gateway}, which is this host itself", port.0)]
    GatewayIsSelf {
        /// The port.
        port: PortId,
        /// The route.
        to: Ipv6Prefix,
        /// The gateway.
        gateway: Ipv6Addr,
    },
}

impl SubstrateConfig {
    /// Checks that the parts can work together.
    ///
    /// # Errors
    /// The first [`SubstrateConfigError`] found.
    pub fn check(&self) -> Result<(), SubstrateConfigError> {
        use SubstrateConfigError as Error;
        if self.uplinks.is_empty() {
            return Err(Error::NoUplink);
        }
        if self.hop_limit == 0 {
            return Err(Error::HopLimit);
        }
        let mut seen: Vec<&UplinkConfig> = Vec::new();
        for uplink in &self.uplinks {
            let port = uplink.port;
            if seen.iter().any(|other| other.port == port) {
                return Err(Error::DuplicatePort { port });
            }
            if seen.iter().any(|other| other.address == uplink.address) {
                let address = uplink.address;
                return Err(Error::DuplicateAddress { port, address });
            }
            self.check_uplink(uplink)?;
            seen.push(uplink);
        }
        self.check_spread()
    }

    /// Flows are spread among the next hops of all uplinks together.
    fn check_spread(&self) -> Result<(), SubstrateConfigError> {
        let mut counts = BTreeMap::new();
        for uplink in &self.uplinks {
            for route in &uplink.routes {
                let count = counts.entry(route.to).or_insert(0);
                *count += match &route.via {
                    RouteVia::Gateways(gateways) => gateways.len(),
                    RouteVia::OnLink => 1,
                };
                if *count > MAX_ECMP {
                    return Err(SubstrateConfigError::Gateways {
                        port: uplink.port,
                        to: route.to,
                        count: *count,
                    });
                }
            }
        }
        Ok(())
    }

    fn check_uplink(&self, uplink: &UplinkConfig) -> Result<(), SubstrateConfigError> {
        use SubstrateConfigError as Error;
        let &UplinkConfig {
            port,
            mac,
            address,
            mtu,
            ..
        } = uplink;
        if !mac.is_unicast() {
            return Err(Error::Mac { port, mac });
        }
        if let Some(problem) = self.address_problem(address) {
            return Err(Error::Address {
                port,
                address,
                problem,
            });
        }
        let connected = uplink
            .connected()
            .map_err(|source| Error::Prefix { port, source })?;
        if mtu < MIN_MTU {
            return Err(Error::Mtu { port, mtu });
        }
        let on_link = |gateway: Ipv6Addr| {
            gateway.is_unicast_link_local()
                || connected.contains(gateway)
                || uplink
                    .routes
                    .iter()
                    .any(|r| r.via == RouteVia::OnLink && r.to.contains(gateway))
        };
        for route in &uplink.routes {
            let RouteVia::Gateways(gateways) = &route.via else {
                continue;
            };
            let to = route.to;
            let count = gateways.len();
            if count == 0 || count > MAX_ECMP {
                return Err(Error::Gateways { port, to, count });
            }
            for &gateway in gateways {
                if !is_unicast(gateway) || !on_link(gateway) {
                    return Err(Error::GatewayNotOnLink { port, to, gateway });
                }
                let own = super::address::link_local(mac);
                if [address, own].contains(&gateway) || self.locator.contains(gateway) {
                    return Err(Error::GatewayIsSelf { port, to, gateway });
                }
            }
        }
        Ok(())
    }

    fn address_problem(&self, address: Ipv6Addr) -> Option<&'static str> {
        if !is_unicast(address) {
            return Some("is not a unicast address; use one of the link's prefix");
        }
        if address.is_unicast_link_local() {
            return Some("is link-local, which the port has anyway; use one of the link's prefix");
        }
        if self.locator.contains(address) && !is_segment_zero(self.locator, address) {
            return Some(
                "lies among the tenants' addresses of the locator; use segment 0 or another prefix",
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{address, config, mac, uplink};
    use super::*;

    fn refused(change: impl FnOnce(&mut SubstrateConfig)) -> String {
        let via: &[&str] = &["fd00:0:0:ff::1"];
        let mut config = config(
            "fd00:0:0:a::/64",
            vec![uplink(3, &[]), uplink(0, &[("::/0", via)])],
        );
        assert_eq!(config.check(), Ok(()));
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    fn via(gateways: &[&str]) -> RouteVia {
        RouteVia::Gateways(gateways.iter().map(|g| address(g)).collect())
    }

    #[test]
    fn what_cannot_work_is_refused_with_port_and_remedy() {
        let check = |found: String, parts: &[&str]| {
            for part in parts {
                assert!(found.contains(part), "{found}");
            }
        };
        check(
            refused(|c| c.uplinks.clear()),
            &["substrate.ports is empty"],
        );
        check(refused(|c| c.hop_limit = 0), &["hop limit 0", "1 to 255"]);
        check(
            refused(|c| c.uplinks[1].port = c.uplinks[0].port),
            &["port 3", "twice"],
        );
        check(
            refused(|c| c.uplinks[1].mac = MacAddr::BROADCAST),
            &["port 0", "ff:ff", "unicast"],
        );
        let wrong = |text: &'static str| refused(move |c| c.uplinks[1].address = address(text));
        check(wrong("ff02::1"), &["port 0", "ff02::1", "not a unicast"]);
        check(wrong("fe80::1"), &["link-local"]);
        check(wrong("fd00:0:0:a:0:a001::1"), &["tenants", "segment 0"]);
        check(wrong("fd00:0:0:fc::a"), &["already another uplink's"]);
        check(
            refused(|c| c.uplinks[1].prefix_length = 129),
            &["port 0", "129", "0 to 128"],
        );
        check(refused(|c| c.uplinks[1].mtu = 1279), &["mtu 1279", "1280"]);
        let route = |gateways: &'static [&str]| {
            refused(move |c| c.uplinks[1].routes[0].via = via(gateways))
        };
        check(route(&[]), &["::/0", "0 next hops", "1 to 8"]);
        check(
            route(&["fd00:0:0:fe::1"]),
            &["::/0", "fe::1", "not a neighbour"],
        );
        check(route(&["ff02::2"]), &["not a neighbour"]);
        check(route(&["fd00:0:0:ff::a"]), &["this host itself"]);
        check(route(&["fe80::ff:fe00:a0"]), &["this host itself"]);
        let many = refused(|c| {
            c.uplinks[0].routes.push(RouteConfig {
                to: Ipv6Prefix::ALL,
                via: via(&["fe80::1", "fe80::2", "fe80::3", "fe80::4"]),
            });
            c.uplinks[1].routes[0].via =
                via(&["fe80::1", "fe80::2", "fe80::3", "fe80::4", "fe80::5"]);
        });
        check(many, &["9 next hops", "1 to 8"]);
    }

    #[test]
    fn a_gateway_may_be_link_local_or_on_an_on_link_route() {
        let routes: &[(&str, &[&str])] = &[
            ("fd00:1::/32", &["fe80::1"]),
            ("fd00:0:0:77::/64", &[]),
            ("::/0", &["fd00:0:0:77::1"]),
        ];
        let config = config("fd00:0:0:a::/64", vec![uplink(0, routes)]);
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.uplinks[0].mac, mac(0xa0));
    }
}
