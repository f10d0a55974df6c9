//! (segment, virtual address) → where it is; and which MACs a segment has.
//!
//! One table, shared by all readers and changed in place by its one
//! [`MappingWriter`], a transaction at a time. A reader sees the
//! [`TableVersion`] that its root names, whatever happens meanwhile.

mod entry;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use packet::{MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::Mapping;

pub use entry::{MappingEntry, MappingKey, Origin, TableFull, TableStats, TableVersion};

use super::publish::Publication;

/// The mapping table, as its readers know it.
#[derive(Debug, Default)]
pub struct MappingTable {
    states: RwLock<BTreeMap<MappingKey, Vec<State>>>,
}

/// What a key maps to, and in which versions: newest last.
#[derive(Debug, Clone, Copy)]
struct State {
    from: u32,
    until: Option<u32>,
    entry: MappingEntry,
}

impl State {
    fn is_in(&self, TableVersion(version): TableVersion) -> bool {
        self.from <= version && self.until.is_none_or(|until| version < until)
    }
}

impl MappingTable {
    /// The mapping of an address.
    pub fn find(&self, at: TableVersion, key: MappingKey) -> Option<MappingEntry> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let state = states.get(&key)?.iter().find(|state| state.is_in(at))?;
        Some(state.entry)
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
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let has = |state: &State| state.is_in(at) && state.entry.mac == mac;
        let found = states
            .iter()
            .find(|(key, states)| key.segment == segment && states.iter().any(has));
        found.map(|(key, _)| key.address)
    }

    /// All mappings of a version, in no order that means anything. It must be
    /// a pinned one (see `Publisher::pin`).
    pub fn iter(&self, at: TableVersion) -> impl Iterator<Item = (MappingKey, MappingEntry)> + '_ {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<_> = states
            .iter()
            .filter_map(|(key, states)| {
                let state = states.iter().find(|state| state.is_in(at))?;
                Some((*key, state.entry))
            })
            .collect();
        all.into_iter()
    }
}

/// The one who changes a mapping table.
#[derive(Debug)]
pub struct MappingWriter {
    table: Arc<MappingTable>,
    capacity: usize,
    used: usize,
    version: TableVersion,
    /// What ended: since which publication, with which version, of which key.
    ended: Vec<(Option<Publication>, u32, MappingKey)>,
}

impl MappingWriter {
    /// An empty table with room for so many mappings.
    pub fn new(capacity: usize) -> Self {
        Self {
            table: Arc::default(),
            capacity,
            used: 0,
            version: TableVersion::default(),
            ended: Vec::new(),
        }
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
        self.table.find(self.version, key)
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
        TableStats {
            capacity: self.capacity,
            used: self.used,
            waiting: self.ended.len(),
            reserved_bytes: 0,
        }
    }

    /// Begins a transaction.
    pub fn stage(&mut self) -> Staged<'_> {
        Staged {
            used: self.used,
            changes: BTreeMap::new(),
            writer: self,
        }
    }

    /// The newest version is what readers got with this publication.
    pub fn published(&mut self, publication: Publication) {
        for (since, ..) in &mut self.ended {
            since.get_or_insert(publication);
        }
    }

    /// Frees what no reader can reach now that all have come so far. Costs
    /// nothing if there is nothing to free.
    pub fn reclaim(&mut self, seen_by_all: Publication) {
        let mut states = self
            .table
            .states
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        self.ended.retain(|(since, version, key)| {
            let waits = since.is_none_or(|since| since > seen_by_all);
            if !waits && let Some(of_key) = states.get_mut(key) {
                of_key.retain(|state| state.until.is_none_or(|until| until != *version));
                if of_key.is_empty() {
                    states.remove(key);
                }
            }
            waits
        });
    }

    /// Does memory wait for readers to come further? Where nothing else is
    /// published, the same root published once more lets them.
    pub fn is_waiting(&self) -> bool {
        !self.ended.is_empty()
    }
}

/// A transaction: nothing of it is visible before a root with the version that
/// [`Staged::commit`] gives is published. Dropped, it has never been.
#[derive(Debug)]
pub struct Staged<'w> {
    writer: &'w mut MappingWriter,
    used: usize,
    changes: BTreeMap<MappingKey, Option<MappingEntry>>,
}

impl Staged<'_> {
    /// The mapping of an address, this transaction included.
    pub fn get(&self, key: MappingKey) -> Option<MappingEntry> {
        let changed = self.changes.get(&key).copied();
        changed.unwrap_or_else(|| self.writer.get(key))
    }

    /// Maps an address; what it mapped to before.
    ///
    /// # Errors
    /// [`TableFull`] if it is new and there is no room for it; then nothing
    /// has changed.
    pub fn put(
        &mut self,
        key: MappingKey,
        entry: MappingEntry,
    ) -> Result<Option<MappingEntry>, TableFull> {
        let before = self.get(key);
        if before.is_none() {
            if self.used == self.writer.capacity {
                let capacity = self.writer.capacity;
                return Err(TableFull { capacity });
            }
            self.used += 1;
        }
        self.changes.insert(key, Some(entry));
        Ok(before)
    }

    /// Removes an address's mapping; what it was.
    pub fn remove(&mut self, key: MappingKey) -> Option<MappingEntry> {
        let before = self.get(key)?;
        self.used -= 1;
        self.changes.insert(key, None);
        Some(before)
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
        let Self {
            writer,
            used,
            changes,
        } = self;
        let version = writer.version.0 + 1;
        let mut states = writer
            .table
            .states
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for (key, change) in changes {
            let of_key = states.entry(key).or_default();
            if let Some(newest) = of_key.iter_mut().find(|state| state.until.is_none()) {
                newest.until = Some(version);
                writer.ended.push((None, version, key));
            }
            if let Some(entry) = change {
                of_key.push(State {
                    from: version,
                    until: None,
                    entry,
                });
            }
        }
        writer.used = used;
        writer.version = TableVersion(version);
        writer.version
    }
}
