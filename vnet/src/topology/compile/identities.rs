//! Who may come to have addresses that were not drawn as its own?

use std::collections::HashMap;

use packet::{Tags, VirtualAddr};

use super::Compiler;
use crate::compiled::{AddressPolicy, Claimant, Compiled, HostId, InterfaceId, PortId, Shared};
use crate::topology::{Network, NodeInterface, SharedAddress};

impl Compiler<'_> {
    /// An interface, on whichever host. It stays among the claimants if it has
    /// reason to be: see [`finish`].
    pub(super) fn claimant(
        &mut self,
        interface: &NodeInterface,
        host: HostId,
        local: Option<InterfaceId>,
    ) {
        let station = &interface.station;
        let segment = self.topology.segment(station.segment);
        if let (Some(segment), Some(&identity)) = (segment, station.addresses.first()) {
            self.compiled.claimants.push(Claimant {
                segment: segment.id,
                identity,
                addresses: station.addresses.clone(),
                mac: station.mac,
                host,
                interface: local,
                policy: interface.policy,
            });
        }
    }

    pub(super) fn shared(&mut self, shared: &SharedAddress, network: &Network) {
        let Some(segment) = self.topology.segment(shared.segment) else {
            return;
        };
        let nodes = shared.nodes.iter();
        let nodes = nodes.filter_map(|node| network.nodes.get(*node));
        let interfaces = nodes.flat_map(|node| &node.interfaces);
        let stations = interfaces.map(|interface| &interface.station);
        let stations = stations.filter(|station| station.segment == shared.segment);
        let mut claimants: Vec<VirtualAddr> = stations
            .filter_map(|station| station.addresses.first().copied())
            .collect();
        claimants.sort_unstable();
        let owner = format!("shared address {}", shared.address);
        self.compiled
            .names
            .insert((segment.id, shared.address), owner);
        self.compiled.shared.push(Shared {
            segment: segment.id,
            address: shared.address,
            mac: shared.mac,
            claimants,
        });
        self.one_sender_each(shared);
    }

    /// Of those that send from a shared MAC, no two may be behind one port with
    /// one tag: nobody could tell them apart.
    fn one_sender_each(&mut self, shared: &SharedAddress) {
        let (Some(mac), Some(segment)) = (shared.mac, self.topology.segment(shared.segment)) else {
            return;
        };
        let compiled = &self.compiled;
        let Some(of) = compiled.shared.last() else {
            return;
        };
        let mut behind: HashMap<(PortId, Tags), &str> = HashMap::new();
        for interface in &compiled.interfaces {
            let identity = interface.addresses.first();
            let shares = identity.is_some_and(|identity| of.claimants.contains(identity));
            if interface.segment != segment.id || !shares {
                continue;
            }
            let place = (interface.port, interface.tags);
            if let Some(other) = behind.insert(place, &interface.node) {
                let message = format!(
                    "nodes \"{other}\" and \"{}\" cannot be told apart: both send from the shared \
                     mac {mac} behind one port",
                    interface.node
                );
                let remedy = "give them ports or tags of their own, or remove mac";
                self.out.error(&shared.place, message, remedy);
                return;
            }
        }
    }
}

/// Orders what was found, and leaves out whoever may claim nothing.
pub(super) fn finish(compiled: &mut Compiled) {
    let Compiled {
        claimants, shared, ..
    } = compiled;
    shared.sort_by_key(|shared| (shared.segment, shared.address));
    let mut sharing: Vec<_> = shared
        .iter()
        .flat_map(|of| of.claimants.iter().map(|identity| (of.segment, *identity)))
        .collect();
    sharing.sort_unstable();
    claimants.retain(|claimant| {
        let key = (claimant.segment, claimant.identity);
        claimant.policy != AddressPolicy::Fixed || sharing.binary_search(&key).is_ok()
    });
    claimants.sort_by_key(|claimant| (claimant.segment, claimant.identity));
}
