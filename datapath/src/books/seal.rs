//! How a line is read whole while its writer never waits: a sequence lock.
//!
//! A number that is odd while the line is being written, and another number
//! each time. A reader that finds the same even number before and after has
//! read the line as it stood.

use core::sync::atomic::{Ordering, fence};
use core::time::Duration;
use std::time::Instant;

use zerocopy::FromZeros;

use super::counters::Counter;

/// A line's seal. Zero: never broken, the line is empty.
#[derive(Debug, Default, FromZeros)]
pub(super) struct Seal(Counter);

/// How long a question may wait, in all, for those who count.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    until: Option<Instant>,
}

/// Tries in a row before a reader lets others have the core.
const TRIES: u32 = 256;

/// For how long it does.
const REST: Duration = Duration::from_micros(50);

impl Patience {
    /// Not at all.
    pub const NONE: Self = Self { until: None };

    /// From now on for so long.
    pub fn of(limit: Duration) -> Self {
        Self {
            until: Instant::now().checked_add(limit),
        }
    }

    /// Waits a little; false if that is no use any more.
    pub(super) fn rest(self) -> bool {
        let goes_on = self.until.is_some_and(|until| Instant::now() < until);
        if goes_on {
            std::thread::sleep(REST);
        }
        goes_on
    }
}

impl Seal {
    /// The writer begins; true if it never did before.
    pub(super) fn open(&self) -> bool {
        let count = self.0.get();
        self.0.set(count | 1);
        // What is written from here on is not seen before the odd number.
        fence(Ordering::Release);
        count == 0
    }

    /// The writer has ended.
    pub(super) fn close(&self) {
        // Nor is the even number before what was written.
        fence(Ordering::Release);
        self.0.set((self.0.get() | 1).wrapping_add(1));
    }

    /// What `read` reads, as it stood between two writings. A writer that
    /// stands still in the middle of one is read as it is, once `patience`
    /// has ended.
    pub(super) fn read<T>(&self, patience: Patience, read: impl Fn() -> T) -> T {
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
