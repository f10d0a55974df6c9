//! Listings of the networks and their segments, as they were drawn.

use std::collections::HashMap;

use packet::SegmentId;
use vnet::compiled::{Compiled, MappingKind};

use super::Observer;
use super::names::label;
use crate::control::source::{Network, Segment, SegmentRouter};

impl Observer {
    pub(super) fn shown_networks(&self) -> Vec<Network> {
        networks(&self.show.in_force().compiled)
    }

    pub(super) fn shown_segments(&self, network: Option<&str>) -> Option<Vec<Segment>> {
        segments(&self.show.in_force().compiled, network)
    }
}

/// How much there is of something in each segment.
type Counts = HashMap<SegmentId, usize>;

fn counts(of: impl Iterator<Item = SegmentId>) -> Counts {
    let mut counts = Counts::new();
    for segment in of {
        *counts.entry(segment).or_default() += 1;
    }
    counts
}

fn here(compiled: &Compiled) -> Counts {
    counts(compiled.interfaces.iter().map(|i| i.segment))
}

fn addresses(compiled: &Compiled) -> Counts {
    let mappings = compiled.mappings.iter();
    let of_nodes = mappings.filter(|mapping| mapping.kind != MappingKind::Router);
    counts(of_nodes.map(|mapping| mapping.segment))
}

fn networks(compiled: &Compiled) -> Vec<Network> {
    let (here, addresses) = (here(compiled), addresses(compiled));
    let drawn = compiled.networks.iter();
    let mut networks: Vec<Network> = drawn
        .map(|network| Network {
            name: network.name.clone(),
            entity: network.entity.clone(),
            ..Network::default()
        })
        .collect();
    for segment in &compiled.segments {
        if let Some(network) = networks.get_mut(segment.network) {
            network.segments += 1;
            network.interfaces += here.get(&segment.id).copied().unwrap_or(0);
            network.addresses += addresses.get(&segment.id).copied().unwrap_or(0);
        }
    }
    for router in &compiled.routers {
        if let Some(network) = networks.get_mut(router.network) {
            network.routers += 1;
        }
    }
    networks
}

/// The segments of a network, or of all; `None`: there is no such network.
fn segments(compiled: &Compiled, network: Option<&str>) -> Option<Vec<Segment>> {
    let place = |name| compiled.networks.iter().position(|n| n.name == name);
    let only = match network {
        Some(name) => Some(place(name)?),
        None => None,
    };
    let (here, addresses) = (here(compiled), addresses(compiled));
    let mut routers: HashMap<SegmentId, Vec<SegmentRouter>> = HashMap::new();
    for router in &compiled.routers {
        for leg in &router.legs {
            let of = routers.entry(leg.segment).or_default();
            of.extend(leg.addresses.iter().map(|address| SegmentRouter {
                name: router.name.clone(),
                address: *address,
                mac: leg.mac,
            }));
        }
    }
    let wanted = compiled.segments.iter();
    let wanted = wanted.filter(|segment| only.is_none_or(|only| segment.network == only));
    let shown = wanted.map(|segment| Segment {
        segment: label(compiled, segment.id),
        subnet: segment.subnet,
        vlan: segment.vlan,
        label: segment.label,
        mtu: segment.mtu,
        unknown_mac: segment.unknown_mac,
        ethertypes: segment.ethertypes.clone(),
        answers_dhcp: segment.dhcp.is_some(),
        routers: routers.remove(&segment.id).unwrap_or_default(),
        interfaces: here.get(&segment.id).copied().unwrap_or(0),
        addresses: addresses.get(&segment.id).copied().unwrap_or(0),
    });
    Some(shown.collect())
}
