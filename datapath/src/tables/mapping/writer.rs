//! Who changes a mapping table: staged, committed, and freed when no reader
//! can reach it any more.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use packet::MacAddr;
use vnet::compiled::Mapping;

use super::hash::{Hash, Seed};
use super::record::RecordId;
use super::words::Ordering;
use super::{
    Destination, MappingEntry, MappingKey, MappingTable, TableFull, TableStats, TableVersion,
};
use crate::tables::publish::Publication;

/// Records freed by one call at most, so that a commit does not wait for the
/// remains of a large one before it.
const SLICE: usize = 4096;
/// Records looked at per commit, to forget which version they are from. The
/// whole table is, long before versions wrap around.
const SETTLED_PER_COMMIT: u32 = 8;
/// Records beyond a sixteenth of the capacity, for what is changed while
/// readers still read what was: twice the largest transaction of a client.
const RESERVE: u32 = 16_384;

/// The one who changes a mapping table.
#[derive(Debug)]
pub struct MappingWriter {
    table: Arc<MappingTable>,
    capacity: usize,
    records: u32,
    used: usize,
    version: TableVersion,
    /// Records that were in use and are not, or wait: places below are begun.
    begun: u32,
    free: Vec<RecordId>,
    /// What ended, in order, and waits until all readers have come past.
    ended: VecDeque<RecordId>,
    /// How many records have ever ended, at the front of `ended`.
    freed: u64,
    /// What readers got with which publication.
    marks: VecDeque<Mark>,
    /// What all readers have come to, or past.
    seen: Option<Mark>,
    /// The newest records of MACs that have several addresses, by the MAC's
    /// hash: most have one, and are found through the index alone.
    shared: BTreeSet<(Hash, RecordId)>,
    /// Where settling goes on.
    settling: u32,
    /// The transaction's log, kept for its memory.
    log: Vec<Change>,
}

/// A publication of the table.
#[derive(Debug, Clone, Copy)]
struct Mark {
    publication: Publication,
    version: TableVersion,
    /// How many records had ever ended.
    ended: u64,
}

/// A step of a transaction, and so how to take it back.
#[derive(Debug, Clone, Copy)]
enum Change {
    Created(RecordId),
    Ended(RecordId),
    Listed(RecordId),
    Shared(Hash, RecordId),
    Unshared(Hash, RecordId),
}

impl MappingWriter {
    /// An empty table with room for so many mappings.
    pub fn new(capacity: usize) -> Self {
        let places = u32::try_from(capacity).unwrap_or(u32::MAX);
        let reserve = (places / 16).saturating_add(RESERVE);
        Self::with_reserve(Seed::random(), capacity, reserve, TableVersion(1))
    }

    /// A table with room for so many mappings, that holds these as its first
    /// version; a later one of the same key wins.
    ///
    /// # Errors
    /// [`TableFull`] if there are more.
    pub fn filled(capacity: usize, mappings: &[Mapping]) -> Result<Self, TableFull> {
        let mut writer = Self::new(capacity);
        let mut staged = writer.stage();
        for mapping in mappings {
            let key = MappingKey::new(mapping.segment, mapping.address);
            staged.put(key, MappingEntry::drawn(mapping))?;
        }
        staged.commit();
        Ok(writer)
    }

    pub(super) fn with_reserve(
        seed: Seed,
        capacity: usize,
        reserve: u32,
        first: TableVersion,
    ) -> Self {
        let places = u32::try_from(capacity).unwrap_or(u32::MAX);
        let records = places.saturating_add(reserve).min(u32::MAX - 1);
        Self {
            table: Arc::new(MappingTable::new(seed, records)),
            capacity,
            records,
            used: 0,
            version: first,
            begun: 0,
            free: Vec::new(),
            ended: VecDeque::new(),
            freed: 0,
            marks: VecDeque::new(),
            seen: None,
            shared: BTreeSet::new(),
            settling: 0,
            log: Vec::new(),
        }
    }

    /// The table.
    pub const fn table(&self) -> &Arc<MappingTable> {
        &self.table
    }

    /// The newest version.
    pub const fn version(&self) -> TableVersion {
        self.version
    }

    /// The mapping of an address in the newest version.
    pub fn get(&self, key: MappingKey) -> Option<MappingEntry> {
        let found = self.table.find(self.version, key)?;
        Some(found.entry())
    }

    /// All mappings of the newest version, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (MappingKey, MappingEntry)> + '_ {
        self.table.iter(self.version)
    }

    /// How many mappings there are in the newest version.
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// How full the table is, and what it costs.
    pub fn stats(&self) -> TableStats {
        let table = &self.table;
        TableStats {
            capacity: self.capacity,
            used: self.used,
            waiting: self.ended.len(),
            reserved_bytes: table.records.bytes() + table.by_key.bytes() + table.by_mac.bytes(),
        }
    }

    /// Begins a transaction.
    pub fn stage(&mut self) -> Staged<'_> {
        // Nothing is left of one before, unless it was forgotten half-way.
        self.roll_back();
        Staged {
            used: self.used,
            version: self.version.next(),
            writer: self,
        }
    }

    /// The newest version is what readers got with this publication.
    pub fn published(&mut self, publication: Publication) {
        let mark = Mark {
            publication,
            version: self.version,
            ended: self.freed + self.ended.len() as u64,
        };
        let same = |last: &&mut Mark| last.version == mark.version;
        match self.marks.back_mut().filter(same) {
            // Whoever has seen the first of the two has seen this version.
            Some(_) => {}
            None => self.marks.push_back(mark),
        }
    }

    /// Frees what no reader can reach now that all have come so far, a bounded
    /// number of records at a time.
    pub fn reclaim(&mut self, seen_by_all: Publication) {
        while let Some(mark) = self.marks.pop_front() {
            if mark.publication > seen_by_all {
                self.marks.push_front(mark);
                break;
            }
            self.seen = Some(mark);
        }
        self.free_some();
    }

    /// Does memory wait for readers to come further? Where nothing else is
    /// published, the same root published once more lets them.
    pub fn is_waiting(&self) -> bool {
        !self.ended.is_empty()
    }

    /// As if there had been so many commits since.
    #[cfg(all(test, not(loom)))]
    pub(super) fn skip_versions(&mut self, count: u32) {
        self.version = TableVersion(self.version.0.wrapping_add(count).max(1));
    }

    /// Frees a slice of what all readers have come past.
    fn free_some(&mut self) {
        let Some(seen) = self.seen else {
            return;
        };
        for _ in 0..SLICE {
            if self.freed == seen.ended {
                return;
            }
            let Some(record) = self.ended.pop_front() else {
                return;
            };
            self.freed += 1;
            self.unlink(record);
        }
    }

    /// A record that is in no index, and in no reader's hands.
    fn take_record(&mut self) -> Result<RecordId, TableFull> {
        if self.free.is_empty() {
            self.free_some();
        }
        if let Some(record) = self.free.pop() {
            return Ok(record);
        }
        if self.begun == self.records {
            let waiting = self.ended.len();
            return Err(TableFull::Waiting { waiting });
        }
        let record = RecordId(self.begun);
        self.begun += 1;
        Ok(record)
    }

    /// Takes a record out of the indices; it may be written again at once.
    fn unlink(&mut self, record: RecordId) {
        let table = &self.table;
        if let Some(was) = table.records.content(record) {
            table.by_key.remove(table.seed.of_key(was.key()), record);
            if table.records.is_listed(record) {
                let hash = table.seed.of_mac(was.segment(), was.mac());
                table.by_mac.remove(hash, record);
            }
        }
        table.records.void(record);
        self.free.push(record);
    }

    /// The record that a key has now, the transaction under way included.
    fn newest(&self, key: MappingKey, hash: Hash) -> Option<(RecordId, MappingEntry)> {
        let records = &self.table.records;
        self.table.by_key.find(hash, |record| {
            let found = records.content(record)?;
            (found.key() == key && records.is_newest(record)).then(|| (record, found.entry()))
        })
    }

    fn create(
        &mut self,
        key: MappingKey,
        hash: Hash,
        entry: &MappingEntry,
        record: RecordId,
        version: TableVersion,
    ) {
        let table = &self.table;
        let content = Destination::new(key, entry);
        table.records.write(record, &content, version);
        table.by_key.insert(hash, record);
        // Whoever reads all records up to here finds them written.
        table.begun.store(u64::from(self.begun), Ordering::Release);
        self.log.push(Change::Created(record));
        self.join(record, key, entry);
    }

    fn end(
        &mut self,
        record: RecordId,
        key: MappingKey,
        entry: &MappingEntry,
        version: TableVersion,
    ) {
        self.table.records.end(record, version);
        self.log.push(Change::Ended(record));
        self.leave(record, key, entry);
    }

    /// A new record of a MAC: the index leads to it if there is no other.
    fn join(&mut self, record: RecordId, key: MappingKey, entry: &MappingEntry) {
        let table = Arc::clone(&self.table);
        let hash = table.seed.of_mac(key.segment, entry.mac);
        let other = table.by_mac.find(hash, |other| {
            let its = table.records.content(other)?;
            let same = its.segment() == key.segment && its.mac() == entry.mac;
            (same && table.records.is_newest(other)).then_some(other)
        });
        match other {
            None => self.list(record, hash),
            Some(other) => {
                for record in [other, record] {
                    if self.shared.insert((hash, record)) {
                        self.log.push(Change::Shared(hash, record));
                    }
                }
            }
        }
    }

    /// A record of a MAC has ended: if the index led to it, it has to lead to
    /// another, if there is one. Readers of older versions still follow it.
    fn leave(&mut self, record: RecordId, key: MappingKey, entry: &MappingEntry) {
        let hash = self.table.seed.of_mac(key.segment, entry.mac);
        if !self.shared.remove(&(hash, record)) {
            return;
        }
        self.log.push(Change::Unshared(hash, record));
        let records = &self.table.records;
        let same = |other: &RecordId| {
            let content = records.content(*other);
            content.is_some_and(|its| its.segment() == key.segment && its.mac() == entry.mac)
        };
        let of_hash = (hash, RecordId(0))..=(hash, RecordId(u32::MAX));
        let mut others = self.shared.range(of_hash).map(|(_, other)| *other);
        let Some(other) = others.find(same) else {
            return;
        };
        let is_last = !others.any(|other| same(&other));
        if records.is_listed(record) && !records.is_listed(other) {
            self.list(other, hash);
        }
        if is_last {
            self.shared.remove(&(hash, other));
            self.log.push(Change::Unshared(hash, other));
        }
    }

    fn list(&mut self, record: RecordId, hash: Hash) {
        self.table.records.set_listed(record, true);
        self.table.by_mac.insert(hash, record);
        self.log.push(Change::Listed(record));
    }

    /// Takes back the transaction under way, last step first.
    fn roll_back(&mut self) {
        while let Some(change) = self.log.pop() {
            match change {
                Change::Created(record) => self.unlink(record),
                Change::Ended(record) => self.table.records.resume(record),
                Change::Listed(record) => {
                    let table = &self.table;
                    if let Some(was) = table.records.content(record) {
                        let hash = table.seed.of_mac(was.segment(), was.mac());
                        table.by_mac.remove(hash, record);
                    }
                    table.records.set_listed(record, false);
                }
                Change::Shared(hash, record) => {
                    self.shared.remove(&(hash, record));
                }
                Change::Unshared(hash, record) => {
                    self.shared.insert((hash, record));
                }
            }
        }
    }

    /// Forgets of a few records which version they are from, if all readers
    /// have come past it.
    fn settle_some(&mut self) {
        let Some(seen) = self.seen else {
            return;
        };
        for _ in 0..SETTLED_PER_COMMIT.min(self.begun) {
            self.settling = (self.settling + 1) % self.begun;
            let record = RecordId(self.settling);
            self.table.records.settle(record, seen.version);
        }
    }
}

/// A transaction: nothing of it is visible before a root with the version that
/// [`Staged::commit`] gives is published. Dropped, it has never been.
#[derive(Debug)]
pub struct Staged<'w> {
    writer: &'w mut MappingWriter,
    used: usize,
    version: TableVersion,
}

impl Staged<'_> {
    /// The mapping of an address, this transaction included.
    pub fn get(&self, key: MappingKey) -> Option<MappingEntry> {
        let hash = self.writer.table.seed.of_key(key);
        self.writer.newest(key, hash).map(|(_, entry)| entry)
    }

    /// This will soon be [`put`](Self::put): the time that memory takes for it
    /// goes by meanwhile.
    pub fn expect(&self, key: MappingKey, mac: MacAddr) {
        self.writer.table.expect(key, mac);
    }

    /// Maps an address; what it mapped to before.
    ///
    /// # Errors
    /// [`TableFull`] if there is no room for it; then nothing has changed.
    pub fn put(
        &mut self,
        key: MappingKey,
        entry: MappingEntry,
    ) -> Result<Option<MappingEntry>, TableFull> {
        let hash = self.writer.table.seed.of_key(key);
        let before = self.writer.newest(key, hash);
        let was = before.map(|(_, entry)| entry);
        if was == Some(entry) {
            return Ok(was);
        }
        if before.is_none() && self.used >= self.writer.capacity {
            let capacity = self.writer.capacity;
            return Err(TableFull::Capacity { capacity });
        }
        let record = self.writer.take_record()?;
        if let Some((old, was)) = before {
            self.writer.end(old, key, &was, self.version);
        } else {
            self.used += 1;
        }
        self.writer.create(key, hash, &entry, record, self.version);
        Ok(was)
    }

    /// Removes an address's mapping; what it was.
    pub fn remove(&mut self, key: MappingKey) -> Option<MappingEntry> {
        let hash = self.writer.table.seed.of_key(key);
        let (old, was) = self.writer.newest(key, hash)?;
        self.writer.end(old, key, &was, self.version);
        self.used -= 1;
        Some(was)
    }

    /// How many mappings there are, this transaction included.
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Makes it the newest version, for the next root to name.
    pub fn commit(self) -> TableVersion {
        let writer = &mut *self.writer;
        writer.version = self.version;
        writer.used = self.used;
        for change in writer.log.drain(..) {
            if let Change::Ended(record) = change {
                writer.ended.push_back(record);
            }
        }
        writer.settle_some();
        writer.version
    }
}

/// What was not committed has never been: a committed transaction's log is
/// empty.
impl Drop for Staged<'_> {
    fn drop(&mut self) {
        self.writer.roll_back();
    }
}
