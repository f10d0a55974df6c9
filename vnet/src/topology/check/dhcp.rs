//! Can the nodes of a segment use what DHCP is to tell them, and is there room
//! for it?

use std::collections::HashMap;

use packet::VirtualAddr;

use super::super::text::DhcpText;
use crate::compiled::{Dhcp, DhcpRoute, Ipv4Subnet};
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;

/// What name servers, domain and routes may take of a message, in bytes: every
/// client takes 312 bytes of options (RFC 2131 §2), and the others want theirs.
const ROOM: usize = 220;

/// Of an option, its code and length.
const OPTION: usize = 2;

/// Checks the `dhcp` of a segment of that name and subnet.
pub(super) fn check(
    text: &DhcpText,
    segment: &str,
    subnet: Ipv4Subnet,
    out: &mut Diagnostics,
) -> Dhcp {
    let on_link = |what, address: &Located<VirtualAddr>, out: &mut Diagnostics| {
        is_on_link(what, address, segment, subnet, out);
    };
    if let Some(router) = &text.router {
        on_link("router", router, out);
    }
    if let Some(pool) = &text.pool {
        let (first, last) = pool.value;
        for end in [first, last] {
            let end = Located::new(end, &pool.place);
            on_link("pool's end", &end, out);
        }
    }
    for server in text.dns.iter().filter(|s| !s.value.is_unicast()) {
        let message = format!(
            "dns {} is not an address that a station can have",
            server.value
        );
        out.error(
            &server.place,
            message,
            "use the name server's unicast address",
        );
    }
    let mut seen: HashMap<Ipv4Subnet, &Place> = HashMap::new();
    for route in &text.routes {
        on_link("via", &route.via, out);
        let to = &route.to;
        if let Some(before) = seen.insert(to.value, &to.place) {
            let message = format!(
                "dhcp of segment \"{segment}\" already has a route to {} at {}",
                to.value,
                before.seen_from(&to.place)
            );
            out.error(&to.place, message, "keep one of the two");
        }
    }
    let routes = text.routes.iter().map(|route| DhcpRoute {
        to: route.to.value,
        via: route.via.value,
    });
    let dhcp = Dhcp {
        router: text.router.as_ref().map(|router| router.value),
        dns: text.dns.iter().map(|server| server.value).collect(),
        domain: text.domain.clone(),
        lease: text.lease,
        routes: routes.collect(),
    };
    let needed = room(&dhcp);
    if needed > ROOM {
        let message = format!(
            "dns, domain and routes of segment \"{segment}\" take {needed} bytes of a DHCP \
             message, and {ROOM} is all that fits"
        );
        let remedy = "list fewer of them; several routes can often be one with a shorter prefix";
        out.error(&text.place, message, remedy);
    }
    dhcp
}

/// A node reaches its next hops without one.
fn is_on_link(
    what: &str,
    address: &Located<VirtualAddr>,
    segment: &str,
    subnet: Ipv4Subnet,
    out: &mut Diagnostics,
) {
    let value = address.value;
    let reserved = subnet.length() < 31 && subnet.network() == value.ipv4();
    let fault = if !subnet.contains(value) {
        "is outside"
    } else if reserved || subnet.broadcast() == Some(value) {
        "is nobody's address in"
    } else {
        return;
    };
    let message = format!("{what} {value} {fault} {subnet}, the subnet of segment \"{segment}\"");
    let remedy = format!("use the address of a router in {subnet}");
    out.error(&address.place, message, remedy);
}

/// What name servers, domain and routes take, the default route included.
fn room(dhcp: &Dhcp) -> usize {
    let list = |len: usize| if len == 0 { 0 } else { OPTION + len };
    let routes = dhcp.routes.iter();
    let routes: usize = routes
        .map(|route| 1 + usize::from(route.to.length()).div_ceil(8) + 4)
        .sum();
    let default = if routes == 0 { 0 } else { 5 };
    let domain = dhcp.domain.as_ref().map_or(0, String::len);
    list(dhcp.dns.len() * 4) + list(domain) + list(routes + default)
}
