//! Records: what keys map to, each with the versions in which it does.
//!
//! ```text
//! word 0   segment 24 | address 32 | slot 6 | kind 2
//! word 1   MAC 48 | flags 16
//! word 2   host 32 | interface 32 (all ones: none)
//! word 3   from version 32 | until version 32
//! ```
//!
//! A record never moves, and of one that a reader can still meet only flags and
//! the last word change. That word alone says who may read the other three.

use packet::{MacAddr, Slot};
use vnet::compiled::{HostId, InterfaceId, MappingKind};

use super::words::{AtomicU64, Ordering, Words};
use super::{MappingEntry, MappingKey, Origin, TableVersion};

/// A record, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RecordId(pub(super) u32);

/// All records of a table.
#[derive(Debug)]
pub(super) struct Records {
    words: Words<4>,
}

/// In which versions a record is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamps {
    /// The first; 0: since ever.
    from: u32,
    /// The first in which it is not; 0: until further notice.
    until: u32,
}

const KIND_ROUTER: u64 = 1;
const KIND_BITS: u32 = 2;
const SLOT_BITS: u32 = 6;
const KEY_SHIFT: u32 = KIND_BITS + SLOT_BITS;
const MAC_SHIFT: u32 = 16;
const NO_INTERFACE: u32 = u32::MAX;

/// Flag: a client has put it in.
const LOADED: u64 = 1;
/// Flag, the writer's own: the index of MACs leads here.
const LISTED: u64 = 2;

impl Records {
    pub(super) fn new(count: u32) -> Self {
        Self {
            words: Words::new(count as usize),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.words.bytes()
    }

    /// For a prefetch.
    #[inline]
    pub(super) fn words(&self, id: RecordId) -> Option<&[AtomicU64; 4]> {
        self.words.group(id.0 as usize)
    }

    /// What the key maps to, if this record is the key's in this version.
    #[inline]
    pub(super) fn read(
        &self,
        id: RecordId,
        at: TableVersion,
        key: MappingKey,
    ) -> Option<MappingEntry> {
        let [name, mac, place, stamps] = self.words(id)?;
        let name = name.load(Ordering::Relaxed);
        let mine = name >> KEY_SHIFT == key.to_bits()
            && Stamps::of(stamps.load(Ordering::Relaxed)).include(at);
        mine.then(|| {
            let (mac, place) = (mac.load(Ordering::Relaxed), place.load(Ordering::Relaxed));
            entry(name, mac, place)
        })
    }

    /// Key and entry, if the record is true in this version.
    #[inline]
    pub(super) fn any(&self, id: RecordId, at: TableVersion) -> Option<(MappingKey, MappingEntry)> {
        let stamps = self.words(id)?[3].load(Ordering::Relaxed);
        Stamps::of(stamps).include(at).then(|| self.content(id))?
    }

    /// Key and entry, whatever the versions: for the writer.
    pub(super) fn content(&self, id: RecordId) -> Option<(MappingKey, MappingEntry)> {
        let [name, mac, place, _] = self.words(id)?;
        let name = name.load(Ordering::Relaxed);
        let key = MappingKey::from_bits(name >> KEY_SHIFT)?;
        let (mac, place) = (mac.load(Ordering::Relaxed), place.load(Ordering::Relaxed));
        Some((key, entry(name, mac, place)))
    }

    /// Is it true in the newest state, the transaction under way included?
    pub(super) fn is_newest(&self, id: RecordId) -> bool {
        self.stamps(id).until == 0
    }

    /// Fills a record that no reader can reach, for the version `from`.
    pub(super) fn write(
        &self,
        id: RecordId,
        key: MappingKey,
        entry: &MappingEntry,
        from: TableVersion,
    ) {
        let Some([name, mac, place, stamps]) = self.words(id) else {
            return;
        };
        let kind = match entry.kind {
            MappingKind::Node => 0,
            MappingKind::Router => KIND_ROUTER,
        };
        let slot = u64::from(entry.slot.get()) << KIND_BITS;
        let flags = match entry.origin {
            Origin::Drawn => 0,
            Origin::Loaded => LOADED,
        };
        let interface = entry.interface.map_or(NO_INTERFACE, |id| id.0);
        let from = Stamps {
            from: from.0,
            until: 0,
        };
        // A reader that has come here by a slot of the record's former life
        // meets that life's end or this one's beginning, and both are outside
        // of its version: it believes none of the other words.
        stamps.store(from.word(), Ordering::Relaxed);
        name.store(key.to_bits() << KEY_SHIFT | slot | kind, Ordering::Relaxed);
        mac.store(entry.mac.to_u64() << MAC_SHIFT | flags, Ordering::Relaxed);
        place.store(
            u64::from(entry.host.0) << 32 | u64::from(interface),
            Ordering::Relaxed,
        );
    }

    /// It is not true from this version on.
    pub(super) fn end(&self, id: RecordId, until: TableVersion) {
        let from = self.stamps(id).from;
        let until = until.0;
        self.stamp(id, Stamps { from, until });
    }

    /// It is true until further notice after all.
    pub(super) fn resume(&self, id: RecordId) {
        let from = self.stamps(id).from;
        self.stamp(id, Stamps { from, until: 0 });
    }

    /// It is true in no version, however the versions wrap.
    pub(super) fn void(&self, id: RecordId) {
        self.stamp(id, Stamps { from: 1, until: 1 });
    }

    /// If all readers read `seen` or newer, the version it is true from need
    /// not be known any more: no version can then wrap around to before it.
    pub(super) fn settle(&self, id: RecordId, seen: TableVersion) {
        let Stamps { from, until } = self.stamps(id);
        if from != 0 && from != until && is_reached(from, seen) {
            self.stamp(id, Stamps { from: 0, until });
        }
    }

    /// Does the index of MACs lead here?
    pub(super) fn is_listed(&self, id: RecordId) -> bool {
        self.words(id)
            .is_some_and(|[_, mac, ..]| mac.load(Ordering::Relaxed) & LISTED != 0)
    }

    pub(super) fn set_listed(&self, id: RecordId, listed: bool) {
        if let Some([_, mac, ..]) = self.words(id) {
            let flags = mac.load(Ordering::Relaxed) & !LISTED;
            let listed = if listed { LISTED } else { 0 };
            mac.store(flags | listed, Ordering::Relaxed);
        }
    }

    fn stamps(&self, id: RecordId) -> Stamps {
        let void = Stamps { from: 1, until: 1 };
        self.words(id).map_or(void, |[.., stamps]| {
            Stamps::of(stamps.load(Ordering::Relaxed))
        })
    }

    fn stamp(&self, id: RecordId, to: Stamps) {
        if let Some([.., stamps]) = self.words(id) {
            stamps.store(to.word(), Ordering::Relaxed);
        }
    }
}

impl Stamps {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    const fn of(word: u64) -> Self {
        Self {
            from: (word >> 32) as u32,
            until: word as u32,
        }
    }

    fn word(self) -> u64 {
        u64::from(self.from) << 32 | u64::from(self.until)
    }

    const fn include(self, at: TableVersion) -> bool {
        (self.from == 0 || is_reached(self.from, at))
            && (self.until == 0 || !is_reached(self.until, at))
    }
}

/// Is the version as new as that number? Numbers wrap; those compared are less
/// than half of them apart.
const fn is_reached(number: u32, TableVersion(at): TableVersion) -> bool {
    at.wrapping_sub(number) < 1 << 31
}

fn entry(name: u64, mac: u64, place: u64) -> MappingEntry {
    let [a, b, c, d, e, f, ..] = mac.to_be_bytes();
    let low = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
    let interface = low(place);
    MappingEntry {
        kind: if name & KIND_ROUTER == 0 {
            MappingKind::Node
        } else {
            MappingKind::Router
        },
        mac: MacAddr::new([a, b, c, d, e, f]),
        host: HostId(low(place >> 32)),
        slot: u8::try_from(name >> KIND_BITS & 0x3f)
            .ok()
            .and_then(|slot| Slot::new(slot).ok())
            .unwrap_or(Slot::ZERO),
        interface: (interface != NO_INTERFACE).then_some(InterfaceId(interface)),
        origin: if mac & LOADED == 0 {
            Origin::Drawn
        } else {
            Origin::Loaded
        },
    }
}
