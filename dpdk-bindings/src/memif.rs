//! What memif ports need besides what every port does.
//!
//! * **Pollers are waited for.** When a memif peer goes, DPDK's interrupt thread
//!   unmaps the memory that the queues poll, without asking whether anybody does
//!   so right now: a crash. The build puts the shim's `vs_memif_free_regions` in
//!   between, which waits here until every poller has left the burst it is in.
//!   Bursts that begin later find the connection marked as gone, which the
//!   driver does before it unmaps.
//! * **A gate.** A client connects when it is started, only then, and only if
//!   its server is there. To connect later the port is stopped and started
//!   under its pollers, who stay outside while the [`Gate`] is shut.
//!
//! The driver's other half runs on the interrupt thread and does not expect
//! control calls elsewhere at the same time; so those are made there, too
//! (`shim.c`).

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
pub(crate) struct Poller {
    inside: Arc<Inside>,
    gate: Gate,
}

/// Keeps the pollers of one port outside while it is shut.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    /// A gate that is shut.
    pub(crate) fn new() -> Self {
        // SAFETY: `wait_until_outside` has the signature the shim calls, lives
        // forever and never unwinds.
        unsafe { sys::vs_memif_on_disconnect(Some(wait_until_outside)) };
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Lets pollers in.
    pub(crate) fn open(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Returns when no poller is inside; none comes in until it is opened.
    pub(crate) fn shut(&self) {
        self.0.store(true, Ordering::Relaxed);
        wait_until_outside();
    }
}

impl Poller {
    pub(crate) fn register(gate: &Gate) -> Self {
        let inside = Arc::new(Inside(AtomicBool::new(false)));
        let mut pollers = POLLERS.lock();
        pollers.retain(|poller| poller.strong_count() > 0);
        pollers.push(Arc::downgrade(&inside));
        Self {
            inside,
            gate: gate.clone(),
        }
    }

    /// Runs one burst, unless the gate is shut; what it moved.
    #[inline]
    pub(crate) fn inside<T: Default>(&self, burst: impl FnOnce() -> T) -> T {
        self.inside.0.store(true, Ordering::Relaxed);
        // Before the gate is looked at, and before the driver looks whether it
        // is connected; pairs with the fence below. Either those are seen to
        // have changed, or the wait sees us.
        fence(Ordering::SeqCst);
        let moved = if self.gate.0.load(Ordering::Acquire) {
            T::default()
        } else {
            burst()
        };
        self.inside.0.store(false, Ordering::Release);
        moved
    }
}

extern "C" fn wait_until_outside() {
    fence(Ordering::SeqCst);
    for inside in POLLERS.lock().iter().filter_map(Weak::upgrade) {
        while inside.0.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_when_the_burst_does_and_a_shut_gate_keeps_out() {
        let gate = Gate::new();
        let poller = Poller::register(&gate);
        assert_eq!(poller.inside(|| 7), 0);
        gate.open();
        let left = Arc::new(AtomicBool::new(false));
        let (seen, shut) = (Arc::clone(&left), gate.clone());
        let mut waiter = None;
        let moved = poller.inside(|| {
            let shutting = std::thread::spawn(move || {
                shut.shut();
                seen.load(Ordering::Relaxed)
            });
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!shutting.is_finished());
            left.store(true, Ordering::Relaxed);
            waiter = Some(shutting);
            7
        });
        assert_eq!(moved, 7);
        assert!(waiter.unwrap().join().unwrap());
        assert_eq!(poller.inside(|| 7), 0);
    }
}
