//! DPDK's hash table (`rte_hash`), as benchmarks compare with it: keys of eight
//! bytes, values of as many, one writer, readers without locks.

use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use std::ffi::CString;
use std::sync::Arc;

use crate::eal::Eal;
use crate::errno::{Errno, check};
use crate::sys;

/// Keys that are looked up together, at most.
pub const LOOKUP_BULK: usize = 64;

/// Why a table could not be made, or not be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not made.
    #[error(
        "DPDK makes no hash table for {entries} entries: {errno}; give the EAL more memory, or ask for less"
    )]
    Create {
        /// What there should have been room for.
        entries: u32,
        /// DPDK's reason.
        errno: Errno,
    },
    /// No room for another key.
    #[error("no room for another key in DPDK's hash table: {errno}; make it for more entries")]
    Add {
        /// DPDK's reason.
        errno: Errno,
    },
}

/// The one who changes a table.
pub struct HashWriter {
    raw: Arc<RawHash>,
}

/// One of those who look things up in it.
#[derive(Clone)]
pub struct HashReader {
    raw: Arc<RawHash>,
}

struct RawHash(NonNull<sys::rte_hash>);

// SAFETY: nothing in an `rte_hash` belongs to the thread that made it.
unsafe impl Send for RawHash {}
// SAFETY: made with the lock-free flag, it may be read by any number of threads
// while one writes; there is one `HashWriter`, and it writes by `&mut`.
unsafe impl Sync for RawHash {}

/// A table with room for so many entries.
///
/// # Errors
/// [`HashError::Create`].
pub fn hash_table(_: &Eal, entries: u32) -> Result<(HashWriter, HashReader), HashError> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let refused = |errno| HashError::Create { entries, errno };
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = CString::new(format!("vs-hash-{number}")).map_err(|_| refused(Errno(22)))?;
    let flags = sys::RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | sys::RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    let parameters = sys::rte_hash_parameters {
        name: name.as_ptr(),
        entries,
        reserved: 0,
        key_len: 8,
        // DPDK's default.
        hash_func: None,
        hash_func_init_val: 0,
        // Any socket.
        socket_id: -1,
        extra_flag: u8::try_from(flags).unwrap_or(0),
    };
    // SAFETY: the EAL runs (`Eal` is the proof); parameters and name outlive the
    // call, which copies them.
    let raw = unsafe { sys::rte_hash_create(&raw const parameters) };
    let raw = NonNull::new(raw).ok_or_else(|| refused(Errno::last()))?;
    let raw = Arc::new(RawHash(raw));
    let reader = HashReader {
        raw: Arc::clone(&raw),
    };
    Ok((HashWriter { raw }, reader))
}

impl HashWriter {
    /// Maps a key to a value, whatever it mapped to before.
    ///
    /// # Errors
    /// [`HashError::Add`].
    pub fn add(&mut self, key: u64, value: usize) -> Result<(), HashError> {
        let value = core::ptr::without_provenance_mut::<c_void>(value);
        // SAFETY: the table lives, the key has the eight bytes it was made for,
        // and this is the only writer. DPDK stores the value and never follows
        // it.
        let status = unsafe {
            sys::rte_hash_add_key_data(self.raw.0.as_ptr(), (&raw const key).cast(), value)
        };
        check(status)
            .map(drop)
            .map_err(|errno| HashError::Add { errno })
    }

    /// Removes a key; was it there? DPDK keeps its place until the table ends:
    /// readers may still be at it.
    pub fn remove(&mut self, key: u64) -> bool {
        // SAFETY: as in `add`.
        let status = unsafe { sys::rte_hash_del_key(self.raw.0.as_ptr(), (&raw const key).cast()) };
        status >= 0
    }
}

impl HashReader {
    /// What the keys map to, in their order; only up to [`LOOKUP_BULK`] keys
    /// are looked up.
    pub fn lookup_bulk(&self, keys: &[u64], values: &mut [Option<usize>]) {
        let mut at = [core::ptr::null::<c_void>(); LOOKUP_BULK];
        for (at, key) in at.iter_mut().zip(keys) {
            *at = core::ptr::from_ref(key).cast();
        }
        let count = keys.len().min(LOOKUP_BULK);
        let mut hits = 0_u64;
        let mut found = [core::ptr::null_mut::<c_void>(); LOOKUP_BULK];
        // SAFETY: the table lives; `at` holds `count` pointers to keys of eight
        // bytes, `found` has room for as many values; both outlive the call.
        unsafe {
            sys::rte_hash_lookup_bulk_data(
                self.raw.0.as_ptr(),
                at.as_mut_ptr(),
                u32::try_from(count).unwrap_or(0),
                &raw mut hits,
                found.as_mut_ptr(),
            );
        }
        for (at, (value, found)) in values.iter_mut().zip(&found).take(count).enumerate() {
            *value = (hits >> at & 1 != 0).then(|| found.addr());
        }
    }
}

impl Drop for RawHash {
    fn drop(&mut self) {
        // SAFETY: the last of those who have it.
        unsafe { sys::rte_hash_free(self.0.as_ptr()) };
    }
}
