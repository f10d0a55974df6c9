//! (segment, virtual address) → where it is; and which MACs a segment has.
//!
//! One table, shared by all readers and changed in place by its one
//! [`MappingWriter`], a transaction at a time. A reader sees the
//! [`TableVersion`] that its root names, whatever happens meanwhile.
//!
//! # How
//!
//! What a key maps to is a record (`record.rs`), found through an index
//! (`index.rs`). Neither ever moves. A record is stamped with the version it is
//! true from, and later with the one it is not true from any more; what
//! supersedes it is another record of the same key. So a transaction of any
//! size takes effect for a reader at once: when it reads the next version.
//!
//! # Why nobody reads what is being written
//!
//! A record's words are written while no reader may believe them:
//!
//! * A new record is true from the version under way, which no root names yet.
//!   Whoever has a root that names it has, by the root's publication, everything
//!   that was written before.
//! * A record that ended is written again only when all readers read the
//!   version that ended it, or a newer one ([`MappingWriter::reclaim`]). One who
//!   had found it just before sees stamps that exclude its version: those of
//!   the life that ended, or of the next, which begins after all that is read.
//! * Stamps are one word, so there is no moment between two.
//! * The stamp "since ever" is put on a record only when all readers read a
//!   version that it is true in.

mod destination;
mod entry;
mod hash;
mod huge_pages;
mod index;
#[cfg(loom)]
#[cfg(test)]
mod loom_models;
mod prefetch;
mod record;
#[cfg(not(loom))]
#[cfg(test)]
mod tests;
mod words;
mod writer;

use arrayvec::ArrayVec;
use packet::{MacAddr, SegmentId, VirtualAddr};

pub use destination::Destination;
pub use entry::{MappingEntry, MappingKey, Origin, TableFull, TableStats, TableVersion};
pub use writer::{MappingWriter, Staged};

use hash::{Hash, Seed};
use index::{First, Index};
use prefetch::prefetch;
use record::{RecordId, Records};
use words::{AtomicU64, Ordering};

/// The mapping table, as its readers know it.
#[derive(Debug)]
pub struct MappingTable {
    seed: Seed,
    records: Records,
    /// By segment and address.
    by_key: Index,
    /// By segment and MAC: to one of the MAC's records.
    by_mac: Index,
    /// How many records have ever been used: those with smaller places.
    begun: AtomicU64,
}

impl MappingTable {
    fn new(seed: Seed, records: u32) -> Self {
        Self {
            seed,
            records: Records::new(records),
            by_key: Index::new(records),
            by_mac: Index::new(records),
            begun: AtomicU64::new(0),
        }
    }

    /// The mapping of an address.
    #[inline]
    pub fn find(&self, at: TableVersion, key: MappingKey) -> Option<Destination> {
        self.find_hashed(at, key, self.seed.of_key(key))
    }

    /// The mappings of up to `N` addresses, in their order: while one comes
    /// from memory, so do the others. Keys beyond the `N`th are not looked up.
    #[inline]
    pub fn find_all<const N: usize>(
        &self,
        at: TableVersion,
        keys: impl IntoIterator<Item = Option<MappingKey>>,
    ) -> ArrayVec<Option<Destination>, N> {
        let (index, records) = (self.by_key.view(), self.records.view());
        let hashed = |key: Option<MappingKey>| {
            let hash = self.seed.of_key(key?);
            prefetch(index.home(hash));
            Some((key?, hash))
        };
        let asked: ArrayVec<_, N> = keys.into_iter().take(N).map(hashed).collect();
        let first = |asked: &Option<(MappingKey, Hash)>| {
            let Some((_, hash)) = *asked else {
                return First::Nothing;
            };
            let first = index.first(hash);
            if let First::Record(record) = first {
                prefetch(records.words(record));
            }
            first
        };
        let firsts: ArrayVec<_, N> = asked.iter().map(first).collect();
        let answer = |(asked, first): (&Option<(MappingKey, Hash)>, &First)| {
            let (key, hash) = (*asked)?;
            match *first {
                First::Record(record) => records.read(record, at, key),
                First::Unknown => None,
                First::Nothing => return None,
            }
            .or_else(|| self.find_hashed(at, key, hash))
        };
        asked.iter().zip(&firsts).map(answer).collect()
    }

    /// A mapping will soon be looked for or changed: memory is asked for what
    /// that begins with.
    #[inline]
    fn expect(&self, key: MappingKey, mac: MacAddr) {
        prefetch(self.by_key.view().home(self.seed.of_key(key)));
        let mac = self.seed.of_mac(key.segment, mac);
        prefetch(self.by_mac.view().home(mac));
    }

    /// Does anybody in the segment have this MAC?
    pub fn has_mac(&self, at: TableVersion, segment: SegmentId, mac: MacAddr) -> bool {
        self.address_of(at, segment, mac).is_some()
    }

    /// An address of whoever in the segment has this MAC.
    pub fn address_of(
        &self,
        at: TableVersion,
        segment: SegmentId,
        mac: MacAddr,
    ) -> Option<VirtualAddr> {
        let hash = self.seed.of_mac(segment, mac);
        self.by_mac.find(hash, |record| {
            let found = self.records.any(record, at)?;
            (found.segment() == segment && found.mac() == mac).then(|| found.address())
        })
    }

    /// All mappings of a version, in no order that means anything. It must be
    /// a pinned one (see `Publisher::pin`).
    pub fn iter(&self, at: TableVersion) -> impl Iterator<Item = (MappingKey, MappingEntry)> + '_ {
        self.begun()
            .filter_map(move |record| self.records.any(record, at))
            .map(|found| (found.key(), found.entry()))
    }

    #[cold]
    fn find_hashed(&self, at: TableVersion, key: MappingKey, hash: Hash) -> Option<Destination> {
        let records = self.records.view();
        self.by_key
            .find(hash, |record| records.read(record, at, key))
    }

    fn begun(&self) -> impl Iterator<Item = RecordId> + use<> {
        let begun = self.begun.load(Ordering::Acquire);
        (0..u32::try_from(begun).unwrap_or(u32::MAX)).map(RecordId)
    }
}
