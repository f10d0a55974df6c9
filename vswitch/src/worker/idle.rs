//! What a worker does when there is nothing to do.

use std::thread;
use std::time::Duration;

use crate::config::Poll;

/// Empty turns before an adaptive worker sleeps at all: bursts come in
/// trains, and sleeping costs a wake-up.
const SPIN_TURNS: u32 = 512;
const SHORTEST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_micros(500);

/// The idling of one worker.
#[derive(Debug)]
pub struct Idle {
    poll: Poll,
    empty_turns: u32,
    nap: Duration,
}

impl Idle {
    /// An idling policy.
    pub fn new(poll: Poll) -> Self {
        Self {
            poll,
            empty_turns: 0,
            nap: SHORTEST,
        }
    }

    /// To be called after each turn.
    pub fn after(&mut self, busy: bool) {
        if busy {
            self.empty_turns = 0;
            self.nap = SHORTEST;
            return;
        }
        if let Some(nap) = self.next_nap() {
            thread::sleep(nap);
        } else {
            core::hint::spin_loop();
        }
    }

    fn next_nap(&mut self) -> Option<Duration> {
        if self.poll == Poll::Busy {
            return None;
        }
        self.empty_turns = self.empty_turns.saturating_add(1);
        if self.empty_turns <= SPIN_TURNS {
            return None;
        }
        let nap = self.nap;
        self.nap = (nap * 2).min(LONGEST);
        Some(nap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adaptive_naps_grow_to_a_bound_and_end_with_traffic() {
        let mut idle = Idle::new(Poll::Adaptive);
        assert!((0..SPIN_TURNS).all(|_| idle.next_nap().is_none()));
        let naps: Vec<_> = (0..8).filter_map(|_| idle.next_nap()).collect();
        assert_eq!(naps[0], SHORTEST);
        assert_eq!(naps[7], LONGEST);
        idle.after(true);
        assert_eq!(idle.next_nap(), None);
    }

    #[test]
    fn busy_never_sleeps() {
        let mut idle = Idle::new(Poll::Busy);
        assert!((0..10_000).all(|_| idle.next_nap().is_none()));
    }
}
