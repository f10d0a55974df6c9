//! Making a thread of our own known to DPDK.

use core::marker::PhantomData;

use crate::eal::Eal;
use crate::errno::Errno;
use crate::sys;

/// The calling thread, registered with DPDK while this lives: it gets an lcore
/// id, and with it a share of every mempool's cache. Without it everything
/// works, each buffer by way of the pool's shared ring.
///
/// The thread is pinned by whoever spawned it; this changes no affinity.
#[derive(Debug)]
pub struct WorkerThread {
    lcore: u32,
    /// Registration belongs to one thread.
    not_send: PhantomData<*const ()>,
}

/// Why a thread could not be registered.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum ThreadError {
    /// It has an lcore id already.
    #[error("this thread is registered with DPDK already, as lcore {0}; register it once")]
    Already(u32),
    /// All ids are taken.
    #[error(
        "DPDK as built here knows at most {max} threads and all are taken ({errno}); use fewer workers",
        max = sys::VS_MAX_LCORES
    )]
    Full {
        /// DPDK's reason.
        errno: Errno,
    },
}

/// `LCORE_ID_ANY`: a thread that DPDK does not know.
const NONE: u32 = u32::MAX;

impl WorkerThread {
    /// Registers the calling thread.
    ///
    /// # Errors
    /// [`ThreadError`]: it is registered already, or there are too many.
    pub fn register(_started: Eal) -> Result<Self, ThreadError> {
        // SAFETY: reads a thread-local integer.
        let before = unsafe { sys::vs_lcore_id() };
        if before != NONE {
            return Err(ThreadError::Already(before));
        }
        // SAFETY: the EAL runs (`Eal` proves it); the call concerns this thread
        // only.
        let status = unsafe { sys::rte_thread_register() };
        if status != 0 {
            return Err(ThreadError::Full {
                errno: Errno::last(),
            });
        }
        Ok(Self {
            // SAFETY: as above.
            lcore: unsafe { sys::vs_lcore_id() },
            not_send: PhantomData,
        })
    }

    /// The id DPDK gave it.
    pub fn lcore(&self) -> u32 {
        self.lcore
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        // SAFETY: this is the registered thread (`not_send`), which holds the
        // registration for the last time.
        unsafe { sys::rte_thread_unregister() }
    }
}
