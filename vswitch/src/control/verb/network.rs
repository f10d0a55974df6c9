//! `ListNetworks`.

use control_api::v1;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Network};

pub(in crate::control) fn list(source: &dyn ControlSource) -> Pages<v1::ListNetworksReply> {
    pages(source.networks().into_iter().map(network), |networks| {
        v1::ListNetworksReply { networks }
    })
}

fn network(network: Network) -> v1::Network {
    v1::Network {
        name: network.name,
        entity: network.entity,
        segments: count(network.segments),
        routers: count(network.routers),
        interfaces: count(network.interfaces),
        addresses: count(network.addresses),
    }
}

/// A number of things as a message has it.
pub(super) fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
