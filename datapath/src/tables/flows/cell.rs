//! A place in the table, which workers share without locks.
//!
//! ```text
//! state: busy 1 | counted 1 | use 18 | phase 2 | starters 2 | generation 8 | expires 32
//! ```
//!
//! A change of the state is one compare-and-swap; whoever takes a cell for
//! another flow makes it busy first, writes the key, and then shows the new state
//! with the next number of use.

use super::key::{FlowKey, Side};
use super::phase::{Phase, Signal};
use super::{Flow, FlowOwner, Seconds};
use crate::tables::atomics::{AtomicU64, Ordering};

/// Cells in a bucket: four cache lines.
pub(super) const BUCKET: usize = 8;

/// Cells that are looked at together.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Bucket([Cell; BUCKET]);

impl Bucket {
    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.0.iter()
    }
}

/// Room for one flow.
#[derive(Debug, Default)]
pub(super) struct Cell {
    state: AtomicU64,
    key: [AtomicU64; 3],
}

/// What is said of a flow besides its key; all zero: never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(u64);

const GENERATION: u32 = 32;
const STARTERS: u32 = 40;
const PHASE: u32 = 42;
const USE: u32 = 44;
const USES: u64 = 0x3ffff << USE;
const COUNTED: u64 = 1 << 62;
const BUSY: u64 = 1 << 63;

/// How often a change is tried again that another worker has made impossible:
/// then that one has said of the flow nearly the same.
const TRIES: usize = 4;

impl State {
    /// Of a flow that begins now.
    pub(super) fn first(
        key: &FlowKey,
        side: Side,
        signal: Signal,
        generation: u8,
        now: Seconds,
    ) -> Self {
        let phase = signal.first();
        let expires = now.saturating_add(phase.timeout(key.protocol()));
        Self(
            u64::from(expires)
                | u64::from(generation) << GENERATION
                | side.bit() << STARTERS
                | phase.bits() << PHASE
                | COUNTED,
        )
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    pub(super) const fn expires(self) -> Seconds {
        self.0 as u32
    }

    #[expect(clippy::cast_possible_truncation, reason = "eight bits")]
    pub(super) const fn generation(self) -> u8 {
        (self.0 >> GENERATION) as u8
    }

    pub(super) const fn starters(self) -> u64 {
        self.0 >> STARTERS & 3
    }

    pub(super) const fn phase(self) -> Phase {
        Phase::of_bits(self.0 >> PHASE)
    }

    pub(super) const fn is_counted(self) -> bool {
        self.0 & COUNTED != 0
    }

    /// Is it of a flow that is remembered, or being written?
    pub(super) const fn is_live(self, now: Seconds) -> bool {
        self.0 & BUSY != 0 || (self.is_counted() && self.expires() > now)
    }

    const fn is_readable(self, now: Seconds) -> bool {
        self.0 & BUSY == 0 && self.is_counted() && self.expires() > now
    }

    /// What is worth least is replaced first: what nobody has answered or what
    /// is over, and then what has been silent for longest.
    pub(super) fn worth(self) -> (bool, Seconds) {
        let going_on = matches!(self.phase(), Phase::Open | Phase::Closing);
        (going_on, self.expires())
    }

    #[must_use]
    pub(super) const fn begun(self, starters: u64, generation: u8) -> Self {
        let kept = self.0 & !(0xff << GENERATION) & !(3 << STARTERS);
        Self(kept | (generation as u64) << GENERATION | starters << STARTERS)
    }

    /// After another packet.
    #[must_use]
    pub(super) fn heard(self, key: &FlowKey, signal: Signal, answers: bool, now: Seconds) -> Self {
        let phase = signal.after(self.phase(), answers);
        let timeout = phase.timeout(key.protocol());
        let expires = now.saturating_add(timeout);
        // A store per packet would make the line travel between cores.
        let is_news = expires.abs_diff(self.expires()) > timeout / 16;
        let kept = self.0 & !(3 << PHASE);
        let expires = match phase != self.phase() || is_news {
            true => expires,
            false => self.expires(),
        };
        Self(kept & !u64::from(u32::MAX) | phase.bits() << PHASE | u64::from(expires))
    }

    /// With the number of use behind that of `before`.
    const fn after(self, before: Self) -> Self {
        let next = before.0.wrapping_add(1 << USE) & USES;
        Self(self.0 & !USES | next)
    }
}

impl Cell {
    pub(super) fn state(&self) -> State {
        State(self.state.load(Ordering::Acquire))
    }

    /// Whose flow it is; means nothing where there is none.
    #[expect(clippy::cast_possible_truncation, reason = "sixteen bits")]
    pub(super) fn owner(&self) -> FlowOwner {
        let [.., ports] = &self.key;
        FlowOwner((ports.load(Ordering::Acquire) >> 16) as u16)
    }

    /// The state of that flow, if it is here.
    pub(super) fn holds(&self, key: &FlowKey, now: Seconds) -> Option<State> {
        let state = self.state();
        if !state.is_readable(now) {
            return None;
        }
        let words = self.key.iter().zip(key.words());
        let mut same = true;
        for (at, (word, wanted)) in words.enumerate() {
            same &= without_owner(at, word.load(Ordering::Acquire)) == wanted;
        }
        (same && self.is_still(state)).then_some(state)
    }

    /// The flow that is here.
    pub(super) fn read(&self, now: Seconds) -> Option<Flow> {
        let state = self.state();
        let mut words = [0; 3];
        for (at, (word, to)) in self.key.iter().zip(&mut words).enumerate() {
            *to = without_owner(at, word.load(Ordering::Acquire));
        }
        if !state.is_readable(now) || !self.is_still(state) {
            return None;
        }
        Some(Flow {
            key: FlowKey::of_words(words)?,
            begun_by_low: state.starters() & Side::Low.bit() != 0,
            begun_by_high: state.starters() & Side::High.bit() != 0,
            phase: state.phase(),
            expires: state.expires(),
        })
    }

    /// Is it in the same use as in that state?
    fn is_still(&self, state: State) -> bool {
        (self.state().0 ^ state.0) & (USES | BUSY) == 0
    }

    /// Changes what is said of the flow whose state was this.
    pub(super) fn change(&self, mut state: State, to: impl Fn(State) -> State) {
        for _ in 0..TRIES {
            let next = to(state);
            if next == state {
                return;
            }
            match self.swap(state, next) {
                Ok(()) => return,
                Err(now) if (now.0 ^ state.0) & (USES | BUSY | COUNTED) != 0 => return,
                Err(now) => state = now,
            }
        }
    }

    /// Takes the cell for another flow, if its state is still this.
    pub(super) fn take(&self, state: State, key: &FlowKey, owner: FlowOwner, first: State) -> bool {
        let busy = State(first.0 | BUSY).after(state);
        if state.0 & BUSY != 0 || self.swap(state, busy).is_err() {
            return false;
        }
        let [segments, addresses, ports] = key.words();
        let words = [segments, addresses, ports | u64::from(owner.0) << 16];
        for (place, word) in self.key.iter().zip(words) {
            place.store(word, Ordering::Release);
        }
        self.state.store(busy.0 & !BUSY, Ordering::Release);
        true
    }

    /// Leaves it empty, if its state is still this.
    pub(super) fn free(&self, state: State) -> bool {
        let empty = State(0).after(state);
        state.0 & BUSY == 0 && self.swap(state, empty).is_ok()
    }

    fn swap(&self, from: State, to: State) -> Result<(), State> {
        let swapped =
            self.state
                .compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire);
        swapped.map(|_| ()).map_err(State)
    }
}

/// The word of a key as the key has it.
const fn without_owner(at: usize, word: u64) -> u64 {
    if at == 2 {
        word & !(0xffff << 16)
    } else {
        word
    }
}
