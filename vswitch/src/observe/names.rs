//! Ids, by the names that people gave them.

use packet::{SegmentId, SubstrateAddr, VirtualAddr};
use vnet::compiled::{Compiled, MappingKind};

use super::Observer;
use crate::control::source::{AddressNames, AddressOwner, SegmentLabel};

/// A segment's names, as far as it has any.
pub(super) fn label(compiled: &Compiled, id: SegmentId) -> SegmentLabel {
    let nameless = || SegmentLabel {
        id,
        name: String::new(),
        network: String::new(),
        entity: String::new(),
    };
    known(compiled, id).unwrap_or_else(nameless)
}

fn known(compiled: &Compiled, id: SegmentId) -> Option<SegmentLabel> {
    let segment = compiled.segment(id)?;
    let network = compiled.networks.get(segment.network)?;
    Some(SegmentLabel {
        id,
        name: segment.name.clone(),
        network: network.name.clone(),
        entity: network.entity.clone(),
    })
}

impl Observer {
    pub(super) fn known_segment(&self, id: SegmentId) -> Option<SegmentLabel> {
        known(&self.show.in_force().compiled, id)
    }

    pub(super) fn segment_label(&self, id: SegmentId) -> SegmentLabel {
        label(&self.show.in_force().compiled, id)
    }

    fn owner(&self, segment: SegmentId, address: VirtualAddr) -> Option<String> {
        self.show
            .in_force()
            .compiled
            .names
            .get(&(segment, address))
            .cloned()
    }

    pub(super) fn address_names(&self, address: &SubstrateAddr) -> AddressNames {
        let in_force = self.show.in_force();
        let hosts = &in_force.hosts;
        let host = hosts.iter().find(|host| host.locator == address.locator);
        let tables = self.publisher.lock().pin();
        let entry = tables.mapping(address.segment, address.address);
        let kind = entry.map_or(MappingKind::Node, |entry| entry.kind);
        // With the forward bit, the slot says who is meant.
        let phantom = |id| {
            let phantoms = &in_force.drawn.phantoms;
            let phantom = phantoms.at(id, address.segment, address.slot)?;
            let name = self.owner(address.segment, *phantom.addresses.first()?)?;
            let kind = MappingKind::Phantom;
            Some(AddressOwner { kind, name })
        };
        let by_slot = || tables.hosts.at(address.to_ipv6()).and_then(phantom);
        let by_address = || {
            let name = self.owner(address.segment, address.address)?;
            Some(AddressOwner { kind, name })
        };
        AddressNames {
            host: host.map(|host| host.name.clone()),
            segment: self.known_segment(address.segment),
            owner: match address.forward {
                true => by_slot(),
                false => by_address(),
            },
        }
    }
}
