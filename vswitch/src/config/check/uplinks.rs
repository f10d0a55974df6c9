//! Can this host stand on the fabric with these addresses and routes?

use core::net::Ipv6Addr;
use std::collections::HashMap;

use packet::{Ipv6Prefix, Locator};
use vnet::compiled::PortId;
use vnet::diagnostic::{Diagnostics, Place};
use vnet::yaml::Located;
use vnet::yaml::nearest::did_you_mean;

use super::kernel::Kernels;
use crate::config::read::{HostText, RouteText, UplinkText, ViaText};
use crate::config::{Route, Uplink, Via};

pub(super) fn check(text: &HostText, uplinks: &[UplinkText], out: &mut Diagnostics) -> Vec<Uplink> {
    let mut ports: HashMap<&str, &Place> = HashMap::new();
    let mut addresses: HashMap<Ipv6Addr, &Place> = HashMap::new();
    let mut kernels = Kernels::default();
    let mut checked = Vec::new();
    for uplink in uplinks {
        let port = uplink.port.as_ref().and_then(|port| {
            if let Some(before) = ports.get(port.value.as_str()) {
                let before = before.seen_from(&port.place);
                let message = format!("port \"{}\" is already an uplink at {before}", port.value);
                out.error(&port.place, message, "list each port once");
                return None;
            }
            ports.insert(&port.value, &port.place);
            port_id(text, port, out)
        });
        if let Some(address) = &uplink.address {
            own_address(text, address, out);
            let own = address.value.0;
            if let Some(before) = addresses.get(&own) {
                let before = before.seen_from(&address.place);
                let message = format!("address {own} is already that of the uplink at {before}");
                let remedy = "give each uplink an address of its own";
                out.error(&address.place, message, remedy);
            } else {
                addresses.insert(own, &address.place);
            }
        }
        let routes = routes(uplink, out);
        let kernel = uplink.kernel.as_ref();
        let kernel = kernel.and_then(|kernel| kernels.check(text, kernel, out));
        if let (Some(port), Some(address), Some(mtu)) = (port, &uplink.address, &uplink.mtu) {
            checked.push(Uplink {
                port,
                address: address.value.0,
                prefix_length: address.value.1,
                mtu: mtu.value,
                routes,
                kernel,
            });
        }
    }
    checked
}

pub(super) fn port_id(
    text: &HostText,
    port: &Located<String>,
    out: &mut Diagnostics,
) -> Option<PortId> {
    let position = (text.ports.iter()).position(|known| known.name.value == port.value);
    if let Some(position) = position {
        return u16::try_from(position).ok().map(PortId);
    }
    let message = format!("there is no port \"{}\"", port.value);
    let known = text.ports.iter().map(|known| known.name.value.as_str());
    let remedy = did_you_mean(&port.value, known, || {
        format!("add {{ name: {}, pci: ... }} to ports", port.value)
    });
    out.error(&port.place, message, remedy);
    None
}

/// An address that one machine on the fabric can have, and no tenant's.
fn own_address(text: &HostText, address: &Located<(Ipv6Addr, u8)>, out: &mut Diagnostics) {
    let (own, length) = address.value;
    let place = &address.place;
    let prefix = Ipv6Prefix::containing(own, length);
    if own.is_multicast() || own.is_unspecified() || own.is_loopback() {
        let message = format!("address {own} is not one that a host can have");
        let remedy = "use a unicast address of the fabric's subnet, e.g. fd00:0:0:ff::a/64";
        out.error(place, message, remedy);
    } else if own.is_unicast_link_local() {
        let message =
            format!("address {own} is link-local, so nobody behind a router can reach it");
        let remedy =
            "use an address of the fabric's subnet; the link-local one is made from the port's MAC";
        out.error(place, message, remedy);
    } else if length < 127 && prefix.network() == own {
        let message =
            format!("address {own}/{length} is the subnet's own address (every router's)");
        let remedy = format!("use another address of {prefix}, e.g. {}", {
            Ipv6Addr::from_bits(own.to_bits() | 0xa)
        });
        out.error(place, message, remedy);
    } else if let Some((name, locator)) = holder(text, own) {
        let message = format!("address {own} lies in the locator of host \"{name}\" ({locator})");
        let remedy = "use an address of the subnet between this host and its router; \
                      what is in a locator belongs to tenants";
        out.error(place, message, remedy);
    }
}

/// The host whose locator contains an address.
fn holder(text: &HostText, address: Ipv6Addr) -> Option<(&str, Locator)> {
    let own = text.substrate.as_ref().and_then(|s| s.locator.as_ref());
    let this = text.host.as_ref().zip(own);
    let others = (text.hosts.iter()).filter_map(|h| Some((&h.name, h.locator.as_ref()?)));
    let mut all = this.into_iter().chain(others);
    let (name, locator) = all.find(|(_, locator)| locator.value.contains(address))?;
    Some((&name.value, locator.value))
}

fn routes(uplink: &UplinkText, out: &mut Diagnostics) -> Vec<Route> {
    let mut seen: HashMap<Ipv6Prefix, &Place> = HashMap::new();
    let mut routes = Vec::new();
    for route in &uplink.routes {
        own_port(uplink, route, out);
        let via = match &route.via {
            ViaText::OnLink => Some(Via::OnLink),
            ViaText::NextHops(hops) => next_hops(uplink, hops, out),
        };
        let Some(to) = &route.to else { continue };
        if let Some(before) = seen.get(&to.value) {
            let before = before.seen_from(&to.place);
            let message = format!("there already is a route to {} at {before}", to.value);
            let remedy = "write one route; several next hops go into a list: via: [a, b]";
            out.error(&to.place, message, remedy);
            continue;
        }
        seen.insert(to.value, &to.place);
        if let Some(via) = via {
            routes.push(Route { to: to.value, via });
        }
    }
    routes
}

fn next_hops(
    uplink: &UplinkText,
    hops: &[Located<Ipv6Addr>],
    out: &mut Diagnostics,
) -> Option<Via> {
    let mut via: Vec<Ipv6Addr> = Vec::new();
    for hop in hops {
        next_hop(uplink, hop, out);
        if via.contains(&hop.value) {
            let message = format!("next hop {} is listed twice", hop.value);
            out.error(&hop.place, message, "list each next hop once");
        } else {
            via.push(hop.value);
        }
    }
    (!via.is_empty()).then_some(Via::NextHops(via))
}

/// A route may name its uplink's port, and no other.
fn own_port(uplink: &UplinkText, route: &RouteText, out: &mut Diagnostics) {
    if let (Some(own), Some(port)) = (&uplink.port, &route.port)
        && own.value != port.value
    {
        let message = format!(
            "this route leads through port \"{}\", but belongs to uplink \"{}\"",
            port.value, own.value
        );
        let remedy = format!(
            "move the route to uplink \"{}\", or remove port",
            port.value
        );
        out.error(&port.place, message, remedy);
    }
}

/// A neighbour, and another machine than this one.
fn next_hop(uplink: &UplinkText, hop: &Located<Ipv6Addr>, out: &mut Diagnostics) {
    let Some(own) = &uplink.address else { return };
    let (address, length) = own.value;
    let prefix = Ipv6Prefix::containing(address, length);
    let via = hop.value;
    if via == address {
        let message = format!("via {via} is this host's own address");
        out.error(&hop.place, message, "name the router's address");
    } else if via.is_multicast() || via.is_unspecified() || via.is_loopback() {
        let message = format!("via {via} is not one router's address");
        let remedy = format!("use the router's address: one of {prefix}, or its link-local one");
        out.error(&hop.place, message, remedy);
    } else if !via.is_unicast_link_local() && !prefix.contains(via) {
        let message = format!("via {via} is not on the link: the uplink's subnet is {prefix}");
        let remedy = format!("use the router's address: one of {prefix}, or its link-local one");
        out.error(&hop.place, message, remedy);
    }
}
