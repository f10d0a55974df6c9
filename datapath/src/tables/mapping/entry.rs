//! What a mapping is: its key, and where the key's owner is.

use packet::{MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId, Mapping, MappingKind};

/// (segment, virtual address): exact, 56 bits, ordered by segment first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingKey {
    /// The segment.
    pub segment: SegmentId,
    /// The address in it.
    pub address: VirtualAddr,
}

impl MappingKey {
    /// The key of an address in a segment.
    pub const fn new(segment: SegmentId, address: VirtualAddr) -> Self {
        Self { segment, address }
    }

    /// The next key in order; `None` after the last.
    pub fn next(self) -> Option<Self> {
        Self::from_bits(self.to_bits() + 1)
    }

    /// As a number: segment 24 | address 32, in the same order.
    pub fn to_bits(self) -> u64 {
        u64::from(self.segment.get()) << 32 | u64::from(self.address.to_bits())
    }

    /// The key of a number; `None` if that is none's.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let segment = SegmentId::new(u32::try_from(bits >> 32).ok()?).ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        let address = VirtualAddr::from_bits(bits as u32);
        Some(Self { segment, address })
    }
}

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
    /// On whose word it is here.
    pub origin: Origin,
}

/// On whose word a mapping is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The topology has drawn it.
    Drawn,
    /// A client has put it in.
    Loaded,
    /// An interface that may have claimed it.
    Learned,
}

impl MappingEntry {
    /// What the topology has drawn.
    pub const fn drawn(mapping: &Mapping) -> Self {
        Self {
            kind: mapping.kind,
            mac: mapping.mac,
            host: mapping.host,
            slot: mapping.slot,
            interface: mapping.interface,
            origin: Origin::Drawn,
        }
    }
}

/// Which state of the table: one more per transaction. Readers read the one
/// that their root names. It wraps; what is compared is never far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableVersion(pub(super) u32);

impl TableVersion {
    /// The one after this. There is no 0: that is a stamp's "ever".
    pub(super) const fn next(self) -> Self {
        match self.0.wrapping_add(1) {
            0 => Self(1),
            next => Self(next),
        }
    }
}

/// There is no room for another mapping; nothing of the transaction has been
/// lost, and it can still be committed or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableFull {
    /// There are as many mappings as there is room for.
    #[error(
        "the table has room for {capacity} mappings and is full; remove mappings, or raise the table's capacity"
    )]
    Capacity {
        /// How many mappings it has room for.
        capacity: usize,
    },
    /// What has been superseded or removed waits until no reader can reach it,
    /// and takes up the room for changes. It passes by itself as readers go
    /// on; see [`MappingWriter::is_waiting`](super::MappingWriter::is_waiting).
    #[error(
        "{waiting} superseded mappings are still being read and take up the room for changes; try again, with fewer changes at a time"
    )]
    Waiting {
        /// How many records wait.
        waiting: usize,
    },
}

/// How full a table is, and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStats {
    /// How many mappings it has room for.
    pub capacity: usize,
    /// How many there are in the newest version.
    pub used: usize,
    /// Superseded or removed ones that wait until no reader can reach them.
    pub waiting: usize,
    /// Address space set aside for everything, in bytes. Memory is taken as
    /// it is first written.
    pub reserved_bytes: usize,
}

impl TableStats {
    /// What a mapping costs in a full table, everything included, in bytes.
    pub const fn bytes_per_mapping(&self) -> usize {
        match self.capacity {
            0 => 0,
            capacity => self.reserved_bytes.div_ceil(capacity),
        }
    }
}
