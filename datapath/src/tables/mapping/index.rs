//! From a hash to records: buckets of one cache line.
//!
//! ```text
//! word 0      tags of slots 0–7, 8 bits each; 0: the slot is free
//! word 1      tags of slots 8–11; above them, 32 bits: how many entries went
//!             past here because it was full
//! words 2–7   the slots' records, two in a word
//! ```
//!
//! All tags are compared at once, and the record says whether it is the one. An
//! entry that finds its bucket full goes to the next that has a free slot, and
//! is counted in each that it passes; whoever looks for it goes on while the
//! count is not 0. So a slot that becomes free needs no tombstone, and what has
//! gone leaves no trace.
//!
//! A tag is stored after its record, and only the one writer stores: whoever
//! sees the tag sees the record, as it is now or later.

use super::hash::Hash;
use super::record::RecordId;
use super::words::{AtomicU64, Groups, Ordering, Words};

/// A cache line.
const BUCKET: usize = 8;
/// The first word of records.
const RECORDS: usize = 2;
/// A byte each: 1, and all bits but the highest.
const ONES: u64 = 0x0101_0101_0101_0101;
const LOWS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
/// Where word 1 counts.
const PASSED_SHIFT: u32 = 32;
const PASSED_ONE: u64 = 1 << PASSED_SHIFT;

type Bucket = [AtomicU64; BUCKET];

#[derive(Debug)]
pub(super) struct Index {
    buckets: Words<BUCKET>,
    count: usize,
}

impl Index {
    /// An index for so many records; it is never so full that it is slow.
    pub(super) fn new(records: u32) -> Self {
        // 9.2 of 12 slots filled, if all records are in use.
        let count = records as usize * 10 / 92 + 1;
        Self {
            buckets: Words::new(count),
            count,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.bytes()
    }

    /// For a reader, who asks many times.
    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        View {
            buckets: self.buckets.groups(),
            count: self.count,
        }
    }

    /// The first answer that `ask` has to a record with this hash.
    pub(super) fn find<T>(&self, hash: Hash, ask: impl FnMut(RecordId) -> Option<T>) -> Option<T> {
        self.view().find(hash, ask)
    }

    /// Leads to a record from now on. There are more slots than records.
    pub(super) fn insert(&self, hash: Hash, record: RecordId) {
        let view = self.view();
        let mut at = hash.place(self.count);
        for _ in 0..self.count {
            let Some(bucket) = view.buckets.get(at) else {
                return;
            };
            if let Some(free) = matching(bucket, 0).next() {
                free.set_record(bucket, record);
                free.set_tag(bucket, hash.tag());
                return;
            }
            let count = bucket[1].load(Ordering::Relaxed).wrapping_add(PASSED_ONE);
            bucket[1].store(count, Ordering::Relaxed);
            at = view.after(at);
        }
    }

    /// Does not lead to a record any more.
    pub(super) fn remove(&self, hash: Hash, record: RecordId) {
        let view = self.view();
        let mut at = hash.place(self.count);
        for _ in 0..self.count {
            let Some(bucket) = view.buckets.get(at) else {
                return;
            };
            let mut slots = matching(bucket, hash.tag());
            if let Some(slot) = slots.find(|slot| slot.record(bucket) == record) {
                slot.set_tag(bucket, 0);
                slot.set_record(bucket, RecordId(0));
                return;
            }
            let count = bucket[1].load(Ordering::Relaxed);
            if count >> PASSED_SHIFT != 0 {
                bucket[1].store(count - PASSED_ONE, Ordering::Relaxed);
            }
            at = view.after(at);
        }
    }

    /// Is there no trace of anything?
    #[cfg(all(test, not(loom)))]
    pub(super) fn is_blank(&self) -> bool {
        let buckets = (0..self.count).filter_map(|at| self.view().buckets.get(at));
        let mut words = buckets.flatten();
        words.all(|word| word.load(Ordering::Relaxed) == 0)
    }
}

/// The buckets, at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    buckets: Groups<'a, BUCKET>,
    count: usize,
}

impl<'a> View<'a> {
    /// The bucket where a search begins.
    #[inline]
    pub(super) fn home(self, hash: Hash) -> Option<&'a Bucket> {
        self.buckets.get(hash.place(self.count))
    }

    /// What a search will ask about first.
    #[inline]
    pub(super) fn first(self, hash: Hash) -> First {
        let Some(bucket) = self.home(hash) else {
            return First::Nothing;
        };
        match matching(bucket, hash.tag()).next() {
            Some(slot) => First::Record(slot.record(bucket)),
            None if is_passed(bucket) => First::Unknown,
            None => First::Nothing,
        }
    }

    /// The first answer that `ask` has to a record with this hash.
    pub(super) fn find<T>(
        self,
        hash: Hash,
        mut ask: impl FnMut(RecordId) -> Option<T>,
    ) -> Option<T> {
        let home = hash.place(self.count);
        let mut at = home;
        loop {
            let bucket = self.buckets.get(at)?;
            let mut slots = matching(bucket, hash.tag());
            if let Some(answer) = slots.find_map(|slot| ask(slot.record(bucket))) {
                return Some(answer);
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

    const fn after(self, at: usize) -> usize {
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

/// A slot of a bucket: below 12.
#[derive(Debug, Clone, Copy)]
struct Slot(u32);

/// The slots of a bucket that have a tag: bit 8·n for slot n, and 8·n + 1 for
/// slot 8 + n.
#[derive(Debug, Clone, Copy)]
struct Matching(u64);

/// Without a branch per slot: which one matches is nothing that a processor
/// could learn.
#[inline]
fn matching(bucket: &Bucket, tag: u8) -> Matching {
    let wanted = ONES * u64::from(tag);
    let first = equal(bucket[0].load(Ordering::Acquire), wanted);
    let second = equal(bucket[1].load(Ordering::Acquire), wanted) & 0x8080_8080;
    Matching(first >> 7 | second >> 6)
}

/// The highest bit of each byte that is the same in both; no other bit.
const fn equal(bytes: u64, wanted: u64) -> u64 {
    let differ = bytes ^ wanted;
    !((differ & LOWS).wrapping_add(LOWS) | differ | LOWS)
}

impl Iterator for Matching {
    type Item = Slot;

    #[inline]
    fn next(&mut self) -> Option<Slot> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(Slot(bit >> 3 | (bit & 1) << 3))
    }
}

impl Slot {
    /// The record's word, and where in it.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the mask is the array's")]
    fn half(self, bucket: &Bucket) -> (&AtomicU64, u32) {
        // There are 12 slots: the mask changes nothing.
        let word = (RECORDS + (self.0 >> 1) as usize) & (BUCKET - 1);
        (&bucket[word], (self.0 & 1) << 5)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "half of it")]
    fn record(self, bucket: &Bucket) -> RecordId {
        let (word, shift) = self.half(bucket);
        RecordId((word.load(Ordering::Relaxed) >> shift) as u32)
    }

    fn set_record(self, bucket: &Bucket, RecordId(place): RecordId) {
        let (word, shift) = self.half(bucket);
        let other = word.load(Ordering::Relaxed) & !(u64::from(u32::MAX) << shift);
        word.store(other | u64::from(place) << shift, Ordering::Relaxed);
    }

    fn set_tag(self, bucket: &Bucket, tag: u8) {
        let word = if self.0 < 8 { &bucket[0] } else { &bucket[1] };
        let shift = (self.0 & 7) << 3;
        let others = word.load(Ordering::Relaxed) & !(0xff << shift);
        // Whoever sees the tag sees the record as it is now.
        word.store(others | u64::from(tag) << shift, Ordering::Release);
    }
}

#[inline]
fn is_passed(bucket: &Bucket) -> bool {
    bucket[1].load(Ordering::Relaxed) >> PASSED_SHIFT != 0
}
