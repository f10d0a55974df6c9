//! (segment, virtual address) → where it is; and which MACs a segment has.

use hashbrown::HashMap;
use packet::{MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId, Mapping, MappingKind};

/// Where an interface really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingEntry {
    /// What the address belongs to.
    pub kind: MappingKind,
    /// The MAC that the segment's nodes know it by.
    pub mac: MacAddr,
    /// The host it is on.
    pub host: HostId,
    /// Its slot there.
    pub slot: Slot,
    /// Set where it is attached to this host.
    pub interface: Option<InterfaceId>,
}

/// The mapping table. Exact keys of 56 bits in a `u64`; the hash is seeded per
/// process, because tenants choose the keys.
#[derive(Debug, Default)]
pub struct MappingTable {
    entries: HashMap<u64, MappingEntry>,
    /// An address of each MAC's owner: the first that was mapped.
    macs: HashMap<(SegmentId, MacAddr), VirtualAddr>,
}

impl MappingTable {
    /// A table of these mappings; a later one of the same key wins.
    pub fn new(mappings: &[Mapping]) -> Self {
        let mut table = Self::default();
        for mapping in mappings {
            let entry = MappingEntry {
                kind: mapping.kind,
                mac: mapping.mac,
                host: mapping.host,
                slot: mapping.slot,
                interface: mapping.interface,
            };
            table
                .entries
                .insert(key(mapping.segment, mapping.address), entry);
            let mac = (mapping.segment, mapping.mac);
            table.macs.entry(mac).or_insert(mapping.address);
        }
        table
    }

    /// The mapping of an address.
    pub fn find(&self, segment: SegmentId, address: VirtualAddr) -> Option<&MappingEntry> {
        self.entries.get(&key(segment, address))
    }

    /// Does anybody in the segment have this MAC?
    pub fn has_mac(&self, segment: SegmentId, mac: MacAddr) -> bool {
        self.macs.contains_key(&(segment, mac))
    }

    /// An address of whoever in the segment has this MAC.
    pub fn address_of(&self, segment: SegmentId, mac: MacAddr) -> Option<VirtualAddr> {
        self.macs.get(&(segment, mac)).copied()
    }

    /// How many mappings there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is the table empty?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn key(segment: SegmentId, address: VirtualAddr) -> u64 {
    u64::from(segment.get()) << 32 | u64::from(address.to_bits())
}
