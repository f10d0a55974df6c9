//! What the configuration file says of the substrate, in the substrate host's
//! words.

use core::num::NonZeroU32;

use datapath::substrate::{
    Held, KernelPath, Limits, RouteConfig, RouteVia, SubstrateConfig, UplinkConfig,
};
use packet::MacAddr;
use vnet::compiled::{Host, HostId};

use crate::config::{self, HostConfig};

/// The substrate host's configuration, given all hosts that mappings lead to,
/// the MACs of all ports, each in order, how many workers there are, and the
/// addresses and next hops that were in use until a moment ago.
pub fn of(
    config: &HostConfig,
    hosts: &[Host],
    macs: &[MacAddr],
    workers: u16,
    held: Held,
    seed: u64,
) -> SubstrateConfig {
    let substrate = &config.substrate;
    let hosts = (0..).map(HostId).zip(hosts);
    SubstrateConfig {
        locator: substrate.locator,
        announce: substrate.announce,
        uplinks: substrate
            .uplinks
            .iter()
            .map(|uplink| UplinkConfig {
                kernel: kernel(config, uplink, workers),
                ..self::uplink(uplink, macs)
            })
            .collect(),
        hop_limit: substrate.hop_limit,
        peers: hosts.map(|(id, host)| (id, host.locator)).collect(),
        dad_transmits: 1,
        held,
        limits: Limits::default(),
        seed,
    }
}

fn uplink(uplink: &config::Uplink, macs: &[MacAddr]) -> UplinkConfig {
    let route = |route: &config::Route| RouteConfig {
        to: route.to,
        via: match &route.via {
            config::Via::OnLink => RouteVia::OnLink,
            config::Via::NextHops(hops) => RouteVia::Gateways(hops.clone()),
        },
    };
    UplinkConfig {
        port: uplink.port,
        mac: macs
            .get(usize::from(uplink.port.0))
            .copied()
            .unwrap_or(MacAddr::ZERO),
        address: uplink.address,
        prefix_length: uplink.prefix_length,
        mtu: uplink.mtu,
        routes: uplink.routes.iter().map(route).collect(),
        kernel: None,
    }
}

/// Each of the workers that poll the uplink gets its share of the rate.
fn kernel(config: &HostConfig, uplink: &config::Uplink, workers: u16) -> Option<KernelPath> {
    let kernel = uplink.kernel.as_ref()?;
    let port = config.ports.get(usize::from(uplink.port.0));
    let polling = port.map_or(1, |port| port.queues).min(workers).max(1);
    let share = kernel.rate.get().div_ceil(u32::from(polling));
    Some(KernelPath {
        port: kernel.port,
        rate: NonZeroU32::new(share).unwrap_or(kernel.rate),
    })
}
