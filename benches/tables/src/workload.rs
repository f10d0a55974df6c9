//! The keys, and which of them are asked for.

use datapath::tables::{MappingEntry, MappingKey, Origin};
use packet::{MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::compiled::{HostId, MappingKind};

/// Keys looked up together: a burst of packets.
pub const BURST: usize = 32;

/// Addresses in use per segment, one after the other, as tenants number them.
const PER_SEGMENT: u32 = 1000;

/// The key of a mapping, by its number.
pub fn key(number: u32) -> MappingKey {
    let address = 0x0a00_0002 + number % PER_SEGMENT;
    MappingKey::new(segment(number), VirtualAddr::from_bits(address))
}

/// A key like it that no mapping has.
pub fn absent(number: u32) -> MappingKey {
    let address = 0x0b00_0002 + number % PER_SEGMENT;
    MappingKey::new(segment(number), VirtualAddr::from_bits(address))
}

/// Where a mapping is; `round` says how often it has moved.
pub fn entry(number: u32, round: u32) -> MappingEntry {
    let [a, b, c, d] = number.to_be_bytes();
    MappingEntry {
        kind: MappingKind::Node,
        mac: MacAddr::new([2, 0, a, b, c, d]),
        host: HostId(1 + (number ^ round) % 1000),
        slot: Slot::ZERO,
        interface: None,
        origin: Origin::Loaded,
    }
}

fn segment(number: u32) -> SegmentId {
    let id = 1 + number / PER_SEGMENT % SegmentId::MAX;
    SegmentId::new(id).unwrap_or_else(|_| unreachable!("{id} is 1 to SegmentId::MAX"))
}

/// Numbers without order, the same in every run.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Of a series.
    pub const fn new(series: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ series)
    }

    /// One below `limit` (SplitMix64).
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = (mixed ^ mixed >> 31) >> 32;
        u32::try_from((upper * u64::from(limit)) >> 32).unwrap_or(0)
    }

    /// The keys of a burst, of `count` mappings.
    pub fn keys(&mut self, count: u32) -> [MappingKey; BURST] {
        core::array::from_fn(|_| key(self.below(count)))
    }

    /// The same, of keys that are in no table.
    pub fn absent(&mut self, count: u32) -> [MappingKey; BURST] {
        core::array::from_fn(|_| absent(self.below(count)))
    }
}
