//! From a hash to records: buckets of one cache line.
//!
//! ```text
//! words 0–6   slots: print 32 | record's place + 1, 32; 0: free
//! word 7      how many entries went past here because it was full
//! ```
//!
//! An entry that finds its bucket full goes to the next that has a free slot,
//! and is counted in each that it passes; whoever looks for it goes on while
//! the count is not 0. So a slot that becomes free needs no tombstone, and what
//! has gone leaves no trace.

use super::hash::Hash;
use super::record::RecordId;
use super::words::{AtomicU64, Ordering, Words};

const SLOTS: usize = 7;

#[derive(Debug)]
pub(super) struct Index {
    buckets: Words<8>,
    count: usize,
}

type Bucket = [AtomicU64; SLOTS + 1];

impl Index {
    /// An index for so many records; it is never so full that it is slow.
    pub(super) fn new(records: u32) -> Self {
        // 5.2 of 7 slots filled, if all records are in use.
        let count = records as usize * 10 / 52 + 1;
        Self {
            buckets: Words::new(count),
            count,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.bytes()
    }

    /// The bucket where a search begins.
    #[inline]
    pub(super) fn home(&self, hash: Hash) -> Option<&Bucket> {
        self.buckets.group(hash.place(self.count))
    }

    /// The first answer that `ask` has to a record with this hash.
    #[inline]
    pub(super) fn find<T>(
        &self,
        hash: Hash,
        mut ask: impl FnMut(RecordId) -> Option<T>,
    ) -> Option<T> {
        let home = hash.place(self.count);
        let mut at = home;
        loop {
            let bucket = self.buckets.group(at)?;
            let mut matching = matching(bucket, hash);
            while let Some(slot) = matching.next(bucket) {
                if let Some(answer) = slot.record().and_then(&mut ask) {
                    return Some(answer);
                }
            }
            if !is_passed(bucket) {
                return None;
            }
            at = self.after(at);
            if at == home {
                return None;
            }
        }
    }

    /// What a search will ask about first.
    #[inline]
    pub(super) fn first(&self, hash: Hash) -> First {
        let Some(bucket) = self.home(hash) else {
            return First::Nothing;
        };
        match matching(bucket, hash).next(bucket) {
            // A slot that has been freed since is not the last that matches.
            Some(slot) => slot.record().map_or(First::Unknown, First::Record),
            None if is_passed(bucket) => First::Unknown,
            None => First::Nothing,
        }
    }

    /// Leads to a record from now on. There are more slots than records.
    pub(super) fn insert(&self, hash: Hash, record: RecordId) {
        let slot = Slot::new(hash, record);
        let mut at = hash.place(self.count);
        for _ in 0..self.count {
            let Some(bucket) = self.buckets.group(at) else {
                return;
            };
            let (slots, passed) = parts(bucket);
            if let Some(free) = slots.iter().find(|s| s.load(Ordering::Relaxed) == 0) {
                // Whoever sees the slot sees the record as it is now.
                free.store(slot.0, Ordering::Release);
                return;
            }
            let count = passed.load(Ordering::Relaxed);
            passed.store(count + 1, Ordering::Relaxed);
            at = self.after(at);
        }
    }

    /// Does not lead to a record any more.
    pub(super) fn remove(&self, hash: Hash, record: RecordId) {
        let slot = Slot::new(hash, record);
        let mut at = hash.place(self.count);
        for _ in 0..self.count {
            let Some(bucket) = self.buckets.group(at) else {
                return;
            };
            let (slots, passed) = parts(bucket);
            if let Some(found) = slots.iter().find(|s| s.load(Ordering::Relaxed) == slot.0) {
                found.store(0, Ordering::Relaxed);
                return;
            }
            let count = passed.load(Ordering::Relaxed);
            passed.store(count.saturating_sub(1), Ordering::Relaxed);
            at = self.after(at);
        }
    }

    /// Is there no trace of anything?
    #[cfg(all(test, not(loom)))]
    pub(super) fn is_blank(&self) -> bool {
        let mut buckets = (0..self.count).filter_map(|at| self.buckets.group(at));
        buckets.all(|bucket| bucket.iter().all(|word| word.load(Ordering::Relaxed) == 0))
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.count { 0 } else { at + 1 }
    }
}

/// Where a search begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum First {
    /// At this record.
    Record(RecordId),
    /// Only the search itself can say.
    Unknown,
    /// It has ended already.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct Slot(u64);

impl Slot {
    fn new(hash: Hash, RecordId(place): RecordId) -> Self {
        Self(hash.print() | u64::from(place + 1))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    fn record(self) -> Option<RecordId> {
        (self.0 as u32).checked_sub(1).map(RecordId)
    }
}

/// Which slots of a bucket have a print: a bit each.
#[derive(Debug, Clone, Copy)]
struct Matching(u32);

/// Without a branch per slot: which one matches is nothing that a processor
/// could learn.
#[inline]
fn matching(bucket: &Bucket, hash: Hash) -> Matching {
    let print = hash.print();
    let (slots, _) = parts(bucket);
    let mut found = 0;
    for (at, slot) in slots.iter().enumerate() {
        let same = (slot.load(Ordering::Acquire) ^ print) >> 32 == 0;
        found |= u32::from(same) << at;
    }
    Matching(found)
}

impl Matching {
    #[inline]
    fn next(&mut self, bucket: &Bucket) -> Option<Slot> {
        let slot = bucket.get(self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(Slot(slot.load(Ordering::Acquire)))
    }
}

#[inline]
fn is_passed(bucket: &Bucket) -> bool {
    parts(bucket).1.load(Ordering::Relaxed) != 0
}

#[inline]
fn parts(bucket: &Bucket) -> (&[AtomicU64; SLOTS], &AtomicU64) {
    let [slots @ .., passed] = bucket;
    (slots, passed)
}
