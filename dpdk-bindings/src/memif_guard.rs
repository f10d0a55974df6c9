//! Keeps a memif connection's shared memory mapped while a poller is inside.
//!
//! When a memif peer goes, DPDK's interrupt thread unmaps the memory that the
//! queues poll, without asking whether anybody does so right now: a crash. The
//! build puts the shim's `vs_memif_free_regions` in between, which waits here
//! until every poller has left the burst it is in. Bursts that begin later find
//! the connection marked as gone, which the driver does before it unmaps.

use core::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::sys;

static POLLERS: Mutex<Vec<Weak<Inside>>> = Mutex::new(Vec::new());

/// Alone on its cache line: a worker writes it twice per burst.
#[derive(Debug)]
#[repr(align(64))]
struct Inside(AtomicBool);

/// One queue's mark: its poller is inside a burst.
#[derive(Debug)]
pub(crate) struct Poller(Arc<Inside>);

impl Poller {
    pub(crate) fn register() -> Self {
        let inside = Arc::new(Inside(AtomicBool::new(false)));
        let mut pollers = POLLERS.lock();
        pollers.retain(|poller| poller.strong_count() > 0);
        pollers.push(Arc::downgrade(&inside));
        // SAFETY: `wait_until_outside` has the signature the shim calls, lives
        // forever and never unwinds.
        unsafe { sys::vs_memif_on_disconnect(Some(wait_until_outside)) };
        Self(inside)
    }

    /// Runs one burst.
    #[inline]
    pub(crate) fn inside<T>(&self, burst: impl FnOnce() -> T) -> T {
        self.0.0.store(true, Ordering::Relaxed);
        // Before the driver reads whether it is connected; pairs with the fence
        // below. Either the burst sees that it is not, or the wait sees us.
        fence(Ordering::SeqCst);
        let result = burst();
        self.0.0.store(false, Ordering::Release);
        result
    }
}

extern "C" fn wait_until_outside() {
    fence(Ordering::SeqCst);
    for poller in POLLERS.lock().iter().filter_map(Weak::upgrade) {
        while poller.0.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_when_the_burst_does() {
        let poller = Poller::register();
        let left = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&left);
        let waiter = poller.inside(|| {
            let waiter = std::thread::spawn(move || {
                wait_until_outside();
                seen.load(Ordering::Relaxed)
            });
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiter.is_finished());
            left.store(true, Ordering::Relaxed);
            waiter
        });
        assert!(waiter.join().unwrap());
        wait_until_outside();
    }
}
