//! The phantom routers of all segments, by (locator, segment, slot): who is meant
//! by a substrate address that has the forward bit.

use hashbrown::HashMap;
use packet::{MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::compiled::{Compiled, HostId, MappingKind, PhantomRouter};

use super::mapping::{Destination, MappingEntry, MappingKey, Origin};

/// The phantom routers, on whichever host.
#[derive(Debug, Default)]
pub struct PhantomTable {
    by_slot: HashMap<(HostId, SegmentId, Slot), Box<PhantomRouter>>,
}

/// A phantom router of a segment, as those see it who send to its MAC.
#[derive(Debug, Clone)]
pub struct SegmentPhantom {
    /// Its own addresses, at least one.
    addresses: Box<[VirtualAddr]>,
}

impl PhantomTable {
    pub(super) fn new(compiled: &Compiled) -> Self {
        let phantoms = compiled.phantoms.iter();
        let by_slot = phantoms.map(|one| {
            let key = (one.host, one.segment, one.slot);
            (key, Box::new(one.clone()))
        });
        Self {
            by_slot: by_slot.collect(),
        }
    }

    /// The one with this slot.
    pub fn at(&self, host: HostId, segment: SegmentId, slot: Slot) -> Option<&PhantomRouter> {
        let found = self.by_slot.get(&(host, segment, slot))?;
        Some(found)
    }

    /// Where a packet goes that has the forward bit in its destination.
    pub fn destination(
        &self,
        host: HostId,
        segment: SegmentId,
        slot: Slot,
        to: VirtualAddr,
    ) -> Option<Destination> {
        let found = self.at(host, segment, slot)?;
        let entry = MappingEntry {
            kind: MappingKind::Phantom,
            mac: found.mac,
            host,
            slot,
            interface: found.interface,
            origin: Origin::Drawn,
        };
        Destination::new(MappingKey::new(segment, to), &entry).forwarding(to)
    }
}

impl SegmentPhantom {
    /// The one to ask for where a packet to this address goes: `None`, if the
    /// address is its own, or nobody's who could be reached through it.
    pub fn passes_on(&self, to: VirtualAddr) -> Option<VirtualAddr> {
        let own = self.addresses.contains(&to) || !to.is_unicast();
        self.addresses.first().copied().filter(|_| !own)
    }
}

/// The phantom routers of each segment, by MAC.
pub(super) fn by_mac(compiled: &Compiled) -> HashMap<SegmentId, HashMap<MacAddr, SegmentPhantom>> {
    let mut segments: HashMap<SegmentId, HashMap<MacAddr, SegmentPhantom>> = HashMap::new();
    for one in &compiled.phantoms {
        let phantom = SegmentPhantom {
            addresses: one.addresses.as_slice().into(),
        };
        let of_segment = segments.entry(one.segment).or_default();
        of_segment.insert(one.mac, phantom);
    }
    segments
}
