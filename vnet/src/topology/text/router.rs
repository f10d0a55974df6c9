//! `routers:` as written.

use packet::VirtualAddr;

use super::StationText;
use crate::compiled::Ipv4Subnet;
use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Located, Node, scalar};

#[derive(Debug)]
pub(in super::super) struct RouterText {
    pub(in super::super) name: Located<String>,
    pub(in super::super) interfaces: Vec<StationText>,
    pub(in super::super) routes: Vec<RouteText>,
}

#[derive(Debug)]
pub(in super::super) struct RouteText {
    pub(in super::super) to: Located<Ipv4Subnet>,
    pub(in super::super) via: Located<NextHop>,
}

#[derive(Debug)]
pub(in super::super) enum NextHop {
    Router(String),
    Address(VirtualAddr),
}

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<RouterText> {
    let mut fields = Fields::of(node, "a router", out)?;
    let name = fields.need("name", "a name, unique in the network", out);
    let name = name.and_then(|node| scalar::name(node, "router", out));
    if let Some(name) = &name {
        fields.what = format!("router \"{}\"", name.value);
    }
    let interfaces = fields.list("interfaces", out);
    let interfaces = interfaces.iter().filter_map(|item| {
        let mut inner = Fields::of(item, format!("an interface of {}", fields.what), out)?;
        let station = super::station(&mut inner, &item.place, out);
        inner.finish(out);
        Some(station)
    });
    let interfaces = interfaces.collect();
    let routes = fields.list("routes", out);
    let routes = routes.iter().filter_map(|item| {
        let inner = Fields::of(item, format!("a route of {}", fields.what), out)?;
        route(inner, out)
    });
    let routes = routes.collect();
    fields.finish(out);
    Some(RouterText {
        name: name?,
        interfaces,
        routes,
    })
}

fn route(mut fields: Fields<'_>, out: &mut Diagnostics) -> Option<RouteText> {
    let to = fields.need("to", "an IPv4 prefix, e.g. 10.1.5.0/24", out);
    let to = to.and_then(|node| super::subnet(node, "to", out));
    let via = fields.need("via", "a router's name, or an address on its segment", out);
    let via = via.and_then(|node| {
        // A name may begin with digits, so an address is tried first.
        let text = scalar::name(node, "via", out)?;
        let hop = match text.value.parse::<core::net::Ipv4Addr>() {
            Ok(address) => NextHop::Address(VirtualAddr::new(address)),
            Err(_) => NextHop::Router(text.value),
        };
        Some(Located::new(hop, &text.place))
    });
    fields.finish(out);
    Some(RouteText { to: to?, via: via? })
}
