//! Ids, by the names that people gave them.

use packet::{SegmentId, SubstrateAddr, VirtualAddr};
use vnet::compiled::{Mapping as CompiledMapping, MappingKind};

use super::Observer;
use crate::control::source::{
    AddressNames, AddressOwner, Mapping, MappingKey, MappingOrigin, SegmentLabel,
};

impl Observer {
    pub(super) fn known_segment(&self, id: SegmentId) -> Option<SegmentLabel> {
        let compiled = &self.config.compiled;
        let segment = compiled.segments.iter().find(|segment| segment.id == id)?;
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
        self.config.compiled.names.get(&(segment, address)).cloned()
    }

    pub(super) fn mapping(&self, mapping: &CompiledMapping) -> Mapping {
        let compiled = &self.config.compiled;
        let host = compiled.hosts.get(mapping.host.0 as usize);
        let interface = mapping.interface.and_then(|id| compiled.interface(id));
        Mapping {
            segment: self.segment_label(mapping.segment),
            address: mapping.address,
            kind: mapping.kind,
            name: self.owner(mapping.segment, mapping.address),
            host: host.map(|host| host.name.clone()).unwrap_or_default(),
            locator: host.map_or(self.config.substrate.locator, |host| host.locator),
            slot: mapping.slot,
            mac: mapping.mac,
            port: interface.map(|interface| self.port_name(interface.port)),
            expires: None,
            origin: MappingOrigin::Drawn,
        }
    }

    pub(super) fn address_names(&self, address: &SubstrateAddr) -> AddressNames {
        let hosts = self.config.compiled.hosts.iter();
        let key = MappingKey::new(address.segment, address.address);
        let kind = self
            .mappings
            .get(&key)
            .map_or(MappingKind::Node, |mapping| mapping.kind);
        AddressNames {
            host: hosts
                .clone()
                .find(|h| h.locator == address.locator)
                .map(|h| h.name.clone()),
            segment: self.known_segment(address.segment),
            owner: self
                .owner(address.segment, address.address)
                .map(|name| AddressOwner { kind, name }),
        }
    }
}
