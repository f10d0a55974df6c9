//! `substrate:` as written.

use core::net::Ipv6Addr;
use core::num::NonZeroU32;
use core::time::Duration;

use packet::{Ipv6Prefix, PrefixError};
use vnet::diagnostic::Diagnostics;
use vnet::yaml::{Fields, Located, Node, Value, fields, scalar};

use super::{KernelText, RouteText, SubstrateText, UplinkText, ViaText, ports};
use crate::config::Announce;
use crate::config::substrate::address_and_length;

/// Every IPv6 link carries this much (RFC 8200 §5), in bytes.
const MIN_MTU: u16 = 1280;
const DEFAULT_MTU: u16 = 1500;
const DEFAULT_HOP_LIMIT: u8 = 64;
/// Longer than a change takes from the first host to the last.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// In seconds.
const MAX_GRACE: u32 = 86_400;
/// Packets per second for the kernel: more than a terminal, a clock and a routing
/// protocol need, and a load that a tap's worker hardly feels.
const DEFAULT_RATE: NonZeroU32 = NonZeroU32::new(20_000).unwrap();
/// More than a tap takes.
const MAX_RATE: NonZeroU32 = NonZeroU32::new(100_000_000).unwrap();

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<SubstrateText> {
    let mut fields = Fields::of(node, "substrate", out)?;
    let locator = fields.need("locator", "this host's /64, e.g. fd00:0:0:a::/64", out);
    let locator = locator.and_then(|node| scalar::parsed(node, "locator", out));
    let announce = fields.get("announce", out);
    let choices = [("routed", Announce::Routed), ("on-link", Announce::OnLink)];
    let announce = announce.and_then(|node| scalar::choice(node, "announce", &choices, out));
    let hop_limit = fields.get("hop-limit", out);
    let hop_limit = hop_limit.and_then(|n| scalar::number(n, "hop-limit", 1..=255_u8, out));
    let move_grace = fields.get("move-grace", out);
    let move_grace = move_grace.and_then(|n| scalar::seconds(n, "move-grace", 0..=MAX_GRACE, out));
    let uplinks = if fields.has("uplinks") {
        uplinks(&mut fields, out)
    } else {
        let port = one_port(&mut fields, out);
        let uplink = uplink(&mut fields, "substrate".to_owned(), port, out);
        // Known, for what finish() proposes.
        let _ = fields.get("uplinks", out);
        vec![uplink]
    };
    fields.finish(out);
    Some(SubstrateText {
        locator,
        announce: announce.unwrap_or_default(),
        hop_limit: hop_limit.map_or(DEFAULT_HOP_LIMIT, |limit| limit.value),
        move_grace: move_grace.map_or(DEFAULT_GRACE, |grace| {
            Duration::from_secs(grace.value.into())
        }),
        uplinks,
    })
}

/// `uplinks: [{ port, address, routes, mtu }]`.
fn uplinks(outer: &mut Fields<'_>, out: &mut Diagnostics) -> Vec<UplinkText> {
    for key in ["ports", "address", "routes", "mtu", "kernel", "kernel-rate"] {
        if let Some(node) = outer.get(key, out) {
            let message = format!("substrate has both {key} and uplinks");
            out.error(&node.place, message, "move it into an item of uplinks");
        }
    }
    let Some(node) = outer.get("uplinks", out) else {
        return Vec::new();
    };
    let items = fields::items(node, "uplinks", out);
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        let remedy = "list at least one: { port: ..., address: ..., routes: [...] }";
        out.error(
            &node.place,
            "uplinks is empty: no way to the fabric",
            remedy,
        );
    }
    let read = items.iter().filter_map(|item| {
        let mut fields = Fields::of(item, "an uplink", out)?;
        let port = fields.need("port", "the name of one of ports", out);
        let port = port.and_then(|node| scalar::name(node, "port", out));
        if let Some(port) = &port {
            fields.what = format!("uplink \"{}\"", port.value);
        }
        let what = fields.what.clone();
        let uplink = uplink(&mut fields, what, port, out);
        fields.finish(out);
        Some(uplink)
    });
    read.collect()
}

/// `ports: [one]`: the short form is for one uplink.
fn one_port(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Option<Located<String>> {
    let node = fields.need("ports", "[the uplink's port]", out)?;
    let items = fields::one_or_many(node);
    match items {
        [one] => scalar::name(one, "port", out),
        [] => {
            let remedy = "name the uplink's port: ports: [uplink0]";
            out.error(
                &node.place,
                "substrate.ports is empty: no way to the fabric",
                remedy,
            );
            None
        }
        [_, second, ..] => {
            let message = "substrate has several ports, but address and routes are per uplink";
            let remedy = "write uplinks: [{ port: ..., address: ..., routes: [...] }, ...] \
                          in place of ports, address, routes, mtu and kernel";
            out.error(&second.place, message, remedy);
            None
        }
    }
}

/// What every uplink has.
fn uplink(
    fields: &mut Fields<'_>,
    what: String,
    port: Option<Located<String>>,
    out: &mut Diagnostics,
) -> UplinkText {
    let own = fields.need("address", "its address there, e.g. fd00:0:0:ff::a/64", out);
    let own = own.and_then(|node| address(node, out));
    let mtu = match fields.get("mtu", out) {
        Some(node) => scalar::number(node, "mtu", MIN_MTU..=super::MAX_MTU, out),
        None if fields.has("mtu") => None,
        None => Some(Located::new(DEFAULT_MTU, fields.place)),
    };
    let routes = fields.list("routes", out);
    let routes = routes.iter().filter_map(|node| route(node, &what, out));
    let routes = routes.collect();
    let kernel = kernel(fields, &what, out);
    UplinkText {
        what,
        port,
        address: own,
        mtu,
        routes,
        kernel,
    }
}

/// `kernel: TAP` or `kernel: { port: PORT }`, and `kernel-rate`.
fn kernel(fields: &mut Fields<'_>, what: &str, out: &mut Diagnostics) -> Option<KernelText> {
    let node = fields.get("kernel", out);
    let rate_node = fields.get("kernel-rate", out);
    let rate = rate_node
        .and_then(|node| scalar::number(node, "kernel-rate", NonZeroU32::MIN..=MAX_RATE, out));
    let rate = rate.map_or(DEFAULT_RATE, |rate| rate.value);
    let Some(node) = node else {
        if let Some(node) = rate_node {
            let message = format!("{what} has kernel-rate, but no kernel");
            let remedy = "add kernel: the name of a tap to make, e.g. host0; or remove kernel-rate";
            out.error(&node.place, message, remedy);
        }
        return None;
    };
    if let Value::Scalar(_) = node.value {
        let name = ports::interface(node, "kernel", out)?;
        return Some(KernelText {
            port: Located::new(name, &node.place),
            is_own_tap: true,
            rate,
        });
    }
    let mut fields = Fields::of(node, format!("kernel of {what}"), out)?;
    let port = fields.need("port", "the name of one of ports", out);
    let port = port.and_then(|node| scalar::name(node, "port", out));
    fields.finish(out);
    Some(KernelText {
        port: port?,
        is_own_tap: false,
        rate,
    })
}

/// `address/length`.
fn address(node: &Node, out: &mut Diagnostics) -> Option<Located<(Ipv6Addr, u8)>> {
    let text = fields::text(node, "address", out)?;
    if let Some(parts) = address_and_length(&text.value) {
        return Some(Located::new(parts, &node.place));
    }
    let message = match text.value.parse::<Ipv6Addr>() {
        Ok(_) => format!("address {} has no prefix length", text.value),
        Err(_) => format!(
            "address: \"{}\" is not an IPv6 address with its prefix length",
            text.value.escape_debug()
        ),
    };
    out.error(
        &node.place,
        message,
        "write address/length, e.g. fd00:0:0:ff::a/64",
    );
    None
}

/// `{ to: prefix, via: one or several }`.
fn route(node: &Node, what: &str, out: &mut Diagnostics) -> Option<RouteText> {
    let mut fields = Fields::of(node, format!("a route of {what}"), out)?;
    let to = fields.need("to", "an IPv6 prefix, e.g. ::/0", out);
    let to = to.and_then(|node| prefix(node, out));
    let via = fields.need("via", "the router's address on the uplink", out);
    let hops = via.map_or(&[][..], fields::one_or_many);
    if let Some(node) = via.filter(|_| hops.is_empty()) {
        out.error(
            &node.place,
            "via lists no next hop",
            "name at least one router",
        );
    }
    let via = if via
        .is_some_and(|node| matches!(&node.value, Value::Scalar(text) if text == "on-link"))
    {
        ViaText::OnLink
    } else {
        let hops = hops.iter().filter_map(|node| {
            let is = "an IPv6 address or on-link";
            scalar::parsed_as(node, "via", is, "fd00:0:0:ff::1", out)
        });
        ViaText::NextHops(hops.collect())
    };
    let port = fields.get("port", out);
    let port = port.and_then(|node| scalar::name(node, "port", out));
    fields.finish(out);
    Some(RouteText { to, via, port })
}

fn prefix(node: &Node, out: &mut Diagnostics) -> Option<Located<Ipv6Prefix>> {
    let text = fields::text(node, "to", out)?;
    let (message, remedy) = match text.value.parse() {
        Ok(prefix) => return Some(Located::new(prefix, &node.place)),
        Err(PrefixError::HostBits { meant, .. }) => (
            format!("to: \"{}\" has bits set after the prefix", text.value),
            format!("write {meant}"),
        ),
        Err(PrefixError::Syntax(_) | PrefixError::Length(_)) => (
            format!("to: \"{}\" is not an IPv6 prefix", text.value),
            "write address/length, e.g. fd00::/32 or ::/0".to_owned(),
        ),
    };
    out.error(&node.place, message, remedy);
    None
}
