//! Records: what keys map to, each with the versions in which it does.
//!
//! ```text
//! word 0   segment 24 | address 32
//! word 1   owner, see [`Destination`]
//! word 2   place, see [`Destination`]
//! word 3   from version 32 | until version 32
//! ```
//!
//! A record never moves, and of one that a reader can still meet only the writer's
//! mark and the last word change. That word alone says who may read the other three.

use super::destination::LISTED;
use super::words::{AtomicU64, Groups, Ordering, Words};
use super::{Destination, MappingKey, TableVersion};

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

impl Records {
    pub(super) fn new(count: u32) -> Self {
        Self {
            words: Words::new(count as usize),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.words.bytes()
    }

    /// For a reader, who asks many times.
    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        View {
            records: self.words.groups(),
        }
    }

    /// What the record says, if it is true in this version.
    #[inline]
    pub(super) fn any(&self, id: RecordId, at: TableVersion) -> Option<Destination> {
        let stamps = self.words(id)?[3].load(Ordering::Relaxed);
        Stamps::of(stamps).include(at).then(|| self.content(id))?
    }

    /// What the record says, whatever the versions: for the writer.
    pub(super) fn content(&self, id: RecordId) -> Option<Destination> {
        let [key, owner, place, _] = self.words(id)?;
        let key = MappingKey::from_bits(key.load(Ordering::Relaxed))?;
        let (owner, place) = (owner.load(Ordering::Relaxed), place.load(Ordering::Relaxed));
        Some(Destination::of_words(key, owner, place))
    }

    /// Is it true in the newest state, the transaction under way included?
    pub(super) fn is_newest(&self, id: RecordId) -> bool {
        self.stamps(id).until == 0
    }

    /// Fills a record that no reader can reach, for the version `from`.
    pub(super) fn write(&self, id: RecordId, content: &Destination, from: TableVersion) {
        let Some([key, owner, place, stamps]) = self.words(id) else {
            return;
        };
        let from = Stamps {
            from: from.0,
            until: 0,
        };
        // A reader that has come here by a slot of the record's former life
        // meets that life's end or this one's beginning, and both are outside
        // of its version: it believes none of the other words.
        stamps.store(from.word(), Ordering::Relaxed);
        key.store(content.key().to_bits(), Ordering::Relaxed);
        let (owner_word, place_word) = content.words();
        owner.store(owner_word, Ordering::Relaxed);
        place.store(place_word, Ordering::Relaxed);
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
            .is_some_and(|[_, owner, ..]| owner.load(Ordering::Relaxed) & LISTED != 0)
    }

    pub(super) fn set_listed(&self, id: RecordId, listed: bool) {
        if let Some([_, owner, ..]) = self.words(id) {
            let others = owner.load(Ordering::Relaxed) & !LISTED;
            let listed = if listed { LISTED } else { 0 };
            owner.store(others | listed, Ordering::Relaxed);
        }
    }

    fn words(&self, id: RecordId) -> Option<&[AtomicU64; 4]> {
        self.words.group(id.0 as usize)
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

/// The records, at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    records: Groups<'a, 4>,
}

impl<'a> View<'a> {
    /// For a prefetch.
    #[inline]
    pub(super) fn words(self, id: RecordId) -> Option<&'a [AtomicU64; 4]> {
        self.records.get(id.0 as usize)
    }

    /// What the key maps to, if this record is the key's in this version.
    #[inline]
    pub(super) fn read(
        self,
        id: RecordId,
        at: TableVersion,
        key: MappingKey,
    ) -> Option<Destination> {
        let [name, owner, place, stamps] = self.words(id)?;
        let named = name.load(Ordering::Relaxed) == key.to_bits();
        let (owner, place) = (owner.load(Ordering::Relaxed), place.load(Ordering::Relaxed));
        let stamps = Stamps::of(stamps.load(Ordering::Relaxed));
        (named & stamps.include(at)).then(|| Destination::of_words(key, owner, place))
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

    /// Without branches: what a record's age is, no processor can learn.
    const fn include(self, at: TableVersion) -> bool {
        ((self.from == 0) | is_reached(self.from, at))
            & ((self.until == 0) | !is_reached(self.until, at))
    }
}

/// Is the version as new as that number? Numbers wrap; those compared are less
/// than half of them apart.
const fn is_reached(number: u32, TableVersion(at): TableVersion) -> bool {
    at.wrapping_sub(number) < 1 << 31
}
