//! The minute of the week, for rules that hold at some hours only.
//!
//! The control side writes it once a second, workers read it with one load: no
//! packet asks the system for the time.

use std::sync::atomic::{AtomicU16, Ordering};

use vnet::compiled::WeekMinute;

/// What time it is.
#[derive(Debug, Default)]
pub struct WeekClock(AtomicU16);

impl WeekClock {
    /// Sets it.
    pub fn set(&self, now: WeekMinute) {
        if self.0.load(Ordering::Relaxed) != now.get() {
            self.0.store(now.get(), Ordering::Relaxed);
        }
    }

    /// Now.
    pub fn now(&self) -> WeekMinute {
        let minute = self.0.load(Ordering::Relaxed);
        WeekMinute::new(minute).unwrap_or(WeekMinute::at(0))
    }
}
