//! Who has begun to talk with whom: what permits replies without a rule.
//!
//! One table of fixed size for all workers: the two directions of a flow may
//! arrive on different ones. A flow's key has both ends in one order, so that
//! both directions find the same place: one of two buckets of eight cells.
//! Nothing is locked or allocated. A cell is four words: its state, and the key;
//! whoever claims it by a compare-and-swap of its state writes the key, and a
//! reader believes a key only if the state has the same number of use before and
//! after.
//!
//! **Bounds.** Each tenant has an equal share of the table, and its flows are
//! counted. Who has used it up replaces the oldest of its own in the two
//! buckets, those without an answer first; if there is none of its own, the new
//! flow is refused. So nobody takes another's place.
//!
//! **Time.** Cells that have expired are free for whoever comes;
//! [`FlowTable::sweep`] takes them off their tenants' accounts.

mod cell;
mod key;
mod phase;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::hash::{BuildHasher, RandomState};

use self::cell::{BUCKET, Bucket, Cell, State};
pub use self::key::{FlowEnd, FlowKey, Side};
pub use self::phase::{Phase, Signal};

/// A tenant, as the table counts its flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowOwner(pub u16);

/// Seconds on the clock of the workers.
pub type Seconds = u32;

/// The table.
#[derive(Debug)]
pub struct FlowTable {
    buckets: Box<[Bucket]>,
    /// How many flows there may be: half of the cells, so that buckets have room.
    capacity: u32,
    /// Of each tenant.
    counts: Box<[AtomicU32]>,
    /// So many of them have ever been needed.
    counted: AtomicUsize,
    seed: (u64, u64),
    /// The bucket at which sweeping goes on.
    sweeping: AtomicUsize,
}

/// Under which rules a packet is judged.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// The tenant.
    pub owner: FlowOwner,
    /// How many tenants share the table.
    pub owners: usize,
    /// The change of rules.
    pub generation: u8,
}

/// Buckets that a listing looks at in one go.
const LISTED: usize = 1 << 14;

/// There is no room for another flow of this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// A flow, as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Which.
    pub key: FlowKey,
    /// Which sides may begin; the other's packets are replies.
    pub begun_by_low: bool,
    /// The same of the other side.
    pub begun_by_high: bool,
    /// How far it has come.
    pub phase: Phase,
    /// When it will be forgotten, if nothing more is heard.
    pub expires: Seconds,
}

impl FlowTable {
    /// Room for so many flows, of all tenants together.
    pub fn new(capacity: u32) -> Self {
        let source = RandomState::new();
        Self::seeded(capacity, (source.hash_one(0), source.hash_one(1)))
    }

    fn seeded(capacity: u32, seed: (u64, u64)) -> Self {
        let capacity = capacity.clamp(8, 1 << 28);
        let buckets = (2 * capacity as usize / BUCKET).next_power_of_two();
        let buckets = core::iter::repeat_with(Bucket::default).take(buckets);
        let counts = core::iter::repeat_with(AtomicU32::default);
        Self {
            buckets: buckets.collect(),
            capacity,
            counts: counts.take(usize::from(u16::MAX) + 1).collect(),
            counted: AtomicUsize::new(0),
            seed,
            sweeping: AtomicUsize::new(0),
        }
    }

    /// How many flows there may be.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// How many flows of a tenant there are, those among them that have expired
    /// since the last sweep.
    pub fn count(&self, owner: FlowOwner) -> u32 {
        let count = self.counts.get(usize::from(owner.0));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How many of all tenants.
    pub fn used(&self) -> u64 {
        let counts = self.counts.iter();
        counts
            .take(self.counted.load(Ordering::Relaxed))
            .map(|count| u64::from(count.load(Ordering::Relaxed)))
            .sum()
    }

    /// The bytes that the table takes.
    pub fn reserved_bytes(&self) -> usize {
        size_of_val(&*self.buckets) + size_of_val(&*self.counts)
    }

    /// A tenant's share.
    pub fn quota(&self, owners: usize) -> u32 {
        let owners = u32::try_from(owners.max(1)).unwrap_or(u32::MAX);
        (self.capacity / owners).max(1)
    }

    /// A packet that the rules permit: its flow is known from now on.
    ///
    /// # Errors
    /// [`Full`]: it is not.
    pub fn note(
        &self,
        key: &FlowKey,
        side: Side,
        signal: Signal,
        account: Account,
        now: Seconds,
    ) -> Result<(), Full> {
        if let Some((cell, state)) = self.find(key, now) {
            let permitted = |state: State| {
                let starters = if state.generation() == account.generation {
                    state.starters() | side.bit()
                } else {
                    side.bit()
                };
                let answers = starters & side.other().bit() != 0;
                state
                    .begun(starters, account.generation)
                    .heard(key, signal, answers, now)
            };
            cell.change(state, permitted);
            return Ok(());
        }
        let first = State::first(key, side, signal, account.generation, now);
        self.insert(key, first, account, now)
    }

    /// Is a packet that no rule permits the reply to one that some rule did? If the rules
    /// have changed since, `permits` says whether they still would.
    pub fn is_reply(
        &self,
        key: &FlowKey,
        side: Side,
        signal: Signal,
        generation: u8,
        now: Seconds,
        permits: impl FnOnce() -> bool,
    ) -> bool {
        let Some((cell, state)) = self.find(key, now) else {
            return false;
        };
        let begun_by_other = state.starters() & side.other().bit() != 0;
        // Who begins anew does not reply.
        if !begun_by_other || signal == Signal::Syn {
            return false;
        }
        if state.generation() != generation && !permits() {
            return false;
        }
        let other = side.other().bit();
        cell.change(state, |state| {
            let starters = match state.generation() == generation {
                true => state.starters(),
                false => other,
            };
            state
                .begun(starters, generation)
                .heard(key, signal, true, now)
        });
        true
    }

    /// Is the flow known, whoever has begun it?
    pub fn knows(&self, key: &FlowKey, now: Seconds) -> bool {
        self.find(key, now).is_some()
    }

    /// Takes what has expired, or is nobody's any more, off the accounts: an
    /// eighth of the table each time.
    pub fn sweep(&self, now: Seconds, is_owner: impl Fn(FlowOwner) -> bool) {
        let share = self.buckets.len().div_ceil(8);
        let start = self.sweeping.load(Ordering::Relaxed);
        let end = (start + share).min(self.buckets.len());
        let swept = self.buckets.get(start..end).unwrap_or_default();
        for cell in swept.iter().flat_map(Bucket::cells) {
            let state = cell.state();
            let owner = cell.owner();
            let over = !state.is_live(now) || !is_owner(owner);
            if state.is_counted() && over && cell.free(state) {
                self.uncount(owner);
            }
        }
        let next = if end == self.buckets.len() { 0 } else { end };
        self.sweeping.store(next, Ordering::Relaxed);
    }

    /// The flows from a place in the table on, and the place where a listing
    /// goes on; `None`: there is no more. At most as many as are in a bucket
    /// more than `limit`, and perhaps none: each call looks at a part of a large
    /// table only.
    pub fn list(&self, from: usize, limit: usize, now: Seconds) -> (Vec<Flow>, Option<usize>) {
        let mut flows = Vec::new();
        let buckets = self.buckets.iter().enumerate().skip(from);
        for (at, bucket) in buckets {
            if flows.len() >= limit || at - from >= LISTED {
                return (flows, Some(at));
            }
            let cells = bucket.cells();
            flows.extend(cells.filter_map(|cell| cell.read(now)));
        }
        (flows, None)
    }

    fn find(&self, key: &FlowKey, now: Seconds) -> Option<(&Cell, State)> {
        let both = self.places(key);
        both.into_iter()
            .flatten()
            .flat_map(Bucket::cells)
            .find_map(|cell| {
                let state = cell.holds(key, now)?;
                Some((cell, state))
            })
    }

    fn insert(
        &self,
        key: &FlowKey,
        first: State,
        account: Account,
        now: Seconds,
    ) -> Result<(), Full> {
        let owner = account.owner;
        let counted = self.counts.get(usize::from(owner.0)).ok_or(Full)?;
        if self.counted.load(Ordering::Relaxed) <= usize::from(owner.0) {
            let needed = usize::from(owner.0) + 1;
            self.counted.fetch_max(needed, Ordering::Relaxed);
        }
        let quota = self.quota(account.owners);
        let within = counted.fetch_add(1, Ordering::Relaxed) < quota;
        if within {
            let both = self.places(key);
            for cell in both.into_iter().flatten().flat_map(Bucket::cells) {
                let state = cell.state();
                if state.is_live(now) {
                    continue;
                }
                let before = cell.owner();
                if cell.take(state, key, owner, first) {
                    if state.is_counted() {
                        self.uncount(before);
                    }
                    return Ok(());
                }
            }
        }
        // One of its own goes, and it has as many as before.
        counted.fetch_sub(1, Ordering::Relaxed);
        let own = |cell: &&Cell| cell.state().is_counted() && cell.owner() == owner;
        let both = self.places(key);
        let cells = both
            .into_iter()
            .flatten()
            .flat_map(Bucket::cells)
            .filter(own);
        let oldest = cells.min_by_key(|cell| cell.state().worth());
        let replaced = oldest.is_some_and(|cell| {
            let state = cell.state();
            state.is_counted() && cell.owner() == owner && cell.take(state, key, owner, first)
        });
        if replaced { Ok(()) } else { Err(Full) }
    }

    fn uncount(&self, owner: FlowOwner) {
        if let Some(count) = self.counts.get(usize::from(owner.0)) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The two buckets where a key may be.
    fn places(&self, key: &FlowKey) -> [Option<&Bucket>; 2] {
        let hash = key.hash(self.seed);
        let mask = self.buckets.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "a mask follows")]
        let [first, second] = [hash as usize & mask, (hash >> 32) as usize & mask];
        // Never the same twice.
        let second = if second == first { first ^ 1 } else { second };
        [self.buckets.get(first), self.buckets.get(second)]
    }
}
