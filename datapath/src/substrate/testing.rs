//! What the tests of several rooms need: configurations of few words.

use core::net::Ipv6Addr;

use packet::{Locator, MacAddr};
use vnet::compiled::{HostId, PortId};

use super::{Announce, Limits, RouteConfig, RouteVia, SubstrateConfig, UplinkConfig};

pub(super) fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

pub(super) fn locator(text: &str) -> Locator {
    text.parse().unwrap()
}

pub(super) fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

/// Uplink `port` has MAC `02:…:a<port>` and the address `::a` of
/// `fd00:0:0:ff::/64`, port 1 of `fe::/64`, and so on. A route without
/// gateways is on-link.
pub(super) fn uplink(port: u16, routes: &[(&str, &[&str])]) -> UplinkConfig {
    let routes = routes.iter().map(|(to, gateways)| RouteConfig {
        to: to.parse().unwrap(),
        via: if gateways.is_empty() {
            RouteVia::OnLink
        } else {
            RouteVia::Gateways(gateways.iter().map(|g| address(g)).collect())
        },
    });
    UplinkConfig {
        kernel: None,
        port: PortId(port),
        mac: mac(0xa0 + u8::try_from(port).unwrap()),
        address: Ipv6Addr::new(0xfd00, 0, 0, 0xff - port, 0, 0, 0, 0xa),
        prefix_length: 64,
        mtu: 1500,
        routes: routes.collect(),
    }
}

/// Host 1 of `hosts` is `fd00:0:0:b::/64`, its only peer.
pub(super) fn config(own: &str, uplinks: Vec<UplinkConfig>) -> SubstrateConfig {
    SubstrateConfig {
        locator: locator(own),
        announce: Announce::Routed,
        uplinks,
        hop_limit: 64,
        peers: vec![(HostId(1), locator("fd00:0:0:b::/64"))],
        dad_transmits: 1,
        held: super::Held::default(),
        limits: Limits::default(),
        seed: 42,
    }
}
