//! Ids, by the names that people gave them.

use packet::{SegmentId, SubstrateAddr, VirtualAddr};
use vnet::compiled::MappingKind;

use super::Observer;
use crate::control::source::{AddressNames, AddressOwner, SegmentLabel};

impl Observer {
    pub(super) fn known_segment(&self, id: SegmentId) -> Option<SegmentLabel> {
        let compiled = &self.show.in_force().compiled;
        let at = compiled.segments.binary_search_by_key(&id, |s| s.id).ok()?;
        let segment = compiled.segments.get(at)?;
        let network = compiled.networks.get(segment.network)?;
        Some(SegmentLabel {
            id,
            name: segment.name.clone(),
            network: network.name.clone(),
            entity: network.entity.clone(),
        })
    }

    pub(super) fn segment_label(&self, id: SegmentId) -> SegmentLabel {
        let nameless = || SegmentLabel {
            id,
            name: String::new(),
            network: String::new(),
            entity: String::new(),
        };
        self.known_segment(id).unwrap_or_else(nameless)
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
        let hosts = &self.show.in_force().hosts;
        let host = hosts.iter().find(|host| host.locator == address.locator);
        let tables = self.publisher.lock().pin();
        let entry = tables.mapping(address.segment, address.address);
        let kind = entry.map_or(MappingKind::Node, |entry| entry.kind);
        AddressNames {
            host: host.map(|host| host.name.clone()),
            segment: self.known_segment(address.segment),
            owner: self
                .owner(address.segment, address.address)
                .map(|name| AddressOwner { kind, name }),
        }
    }
}
