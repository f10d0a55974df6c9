//! How a line is read whole while its writer never waits: a sequence lock.
//!
//! A number that is odd while the line is being written, and another number
//! each time. A reader that finds the same even number before and after has
//! read the line as it stood.

use core::cell::Cell;
use core::sync::atomic::{Ordering, fence};
use core::time::Duration;
use std::time::Instant;

use zerocopy::FromZeros;

use super::counters::Counter;

/// A line's seal. Zero: never broken, the line is empty.
#[derive(Debug, Default, FromZeros)]
pub(super) struct Seal(Counter);

/// A writing that has begun: kept by the writer, so that it need not wait for
/// its own last store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open(u64);

impl Open {
    /// Was nothing ever written before?
    pub(super) fn is_first(self) -> bool {
        self.0 == 1
    }
}

/// How long a question may still wait for those who count: one question has
/// one patience, however many lines and writers it is about. What it spends
/// reading is not waiting.
#[derive(Debug, Clone)]
pub struct Patience {
    left: Cell<Duration>,
}

/// Tries in a row before a reader lets others have the core.
const TRIES: u32 = 256;

/// For how long it does.
const REST: Duration = Duration::from_micros(50);

impl Patience {
    /// Not at all.
    pub const fn none() -> Self {
        Self::of(Duration::ZERO)
    }

    /// So long, in all.
    pub const fn of(limit: Duration) -> Self {
        Self {
            left: Cell::new(limit),
        }
    }

    /// Waits a little; false if that is no use any more.
    pub(super) fn rest(&self) -> bool {
        let left = self.left.get();
        if left.is_zero() {
            return false;
        }
        let began = Instant::now();
        std::thread::sleep(REST);
        self.left.set(left.saturating_sub(began.elapsed()));
        true
    }
}

impl Seal {
    /// The writer begins.
    pub(super) fn open(&self) -> Open {
        let odd = self.0.get() | 1;
        self.0.set(odd);
        // What is written from here on is not seen before the odd number.
        fence(Ordering::Release);
        Open(odd)
    }

    /// The writer has ended.
    pub(super) fn close(&self, Open(odd): Open) {
        // Nor is the even number before what was written.
        fence(Ordering::Release);
        self.0.set(odd.wrapping_add(1));
    }

    /// What `read` reads, as it stood between two writings. A writer that
    /// stands still in the middle of one is read as it is, once `patience`
    /// has ended.
    pub(super) fn read<T>(&self, patience: &Patience, read: impl Fn() -> T) -> T {
        loop {
            for _ in 0..TRIES {
                let before = self.0.get();
                fence(Ordering::Acquire);
                let copy = read();
                fence(Ordering::Acquire);
                if before.is_multiple_of(2) && self.0.get() == before {
                    return copy;
                }
                core::hint::spin_loop();
            }
            if !patience.rest() {
                return read();
            }
        }
    }
}
