//! Where mbufs come from.

use core::ffi::CStr;
use core::fmt;
use core::ptr::NonNull;
use std::ffi::CString;

use packet::BufPool;

use crate::eal::{Eal, FreeHugepages};
use crate::errno::Errno;
use crate::log;
use crate::mbuf::Mbuf;
use crate::sys;

/// Bytes before the data of a fresh mbuf, as DPDK was built.
pub const HEADROOM: usize = sys::VS_HEADROOM as usize;

/// What an mbuf takes in memory besides its bytes: its descriptor, the pool's
/// header, and padding that spreads buffers over memory channels. An upper
/// estimate, for messages.
const OVERHEAD: usize = 320;

/// A pool of mbufs of one size, shared by ports and workers.
///
/// Handles are cheap to clone. The memory is never given back: an [`Mbuf`]
/// carries no reference to its pool, so only a pool that lives as long as the
/// process makes dropping one always right. A program makes its pools once.
#[derive(Clone, Copy)]
pub struct Mempool {
    raw: NonNull<sys::rte_mempool>,
    name: &'static CStr,
    data_room: u16,
}

// SAFETY: a DPDK pool is made for use by many threads: its per-core caches are
// selected by the calling thread's own lcore id (none for unknown threads), and
// the ring behind them is multi-producer and multi-consumer.
unsafe impl Send for Mempool {}
// SAFETY: as above.
unsafe impl Sync for Mempool {}

/// Why there is no pool.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MempoolError {
    /// The name does not fit DPDK's tables.
    #[error("mempool name \"{name}\" is unusable: give 1 to {max} bytes without NUL")]
    Name {
        /// The name asked for.
        name: String,
        /// Bytes that fit.
        max: usize,
    },
    /// A pool of this name exists.
    #[error("a mempool named \"{name}\" exists already; give each pool its own name")]
    Exists {
        /// The name asked for.
        name: String,
    },
    /// A field of the pool's geometry is out of range.
    #[error("mempool \"{name}\": {field} {value} is out of range: use {range}")]
    Range {
        /// The pool.
        name: String,
        /// Which field.
        field: &'static str,
        /// What it was.
        value: usize,
        /// What it may be.
        range: String,
    },
    /// Not enough memory.
    #[error(
        "mempool \"{name}\" needs about {need_mib} MiB ({count} buffers of {data_room} bytes) and \
         DPDK has not that much left ({free}); give the daemon more memory, or use fewer \
         ports, queues or descriptors, or a smaller MTU{said}"
    )]
    Memory {
        /// The pool.
        name: String,
        /// Buffers asked for.
        count: u32,
        /// Room for data in each, in bytes.
        data_room: u16,
        /// About how much memory it takes, in MiB.
        need_mib: usize,
        /// What is free outside DPDK.
        free: FreeHugepages,
        /// What DPDK logged.
        said: String,
    },
    /// Anything else.
    #[error("mempool \"{name}\": {errno}{said}")]
    Refused {
        /// The pool.
        name: String,
        /// DPDK's reason.
        errno: Errno,
        /// What DPDK logged.
        said: String,
    },
}

impl Mempool {
    /// A pool of `count` buffers, each with [`HEADROOM`] and room for
    /// `data_room` bytes of packet; every registered thread may keep up to
    /// `cache` of them for itself (and DPDK up to 1.5 times that).
    ///
    /// # Errors
    /// [`MempoolError`], which names the pool and what to change.
    pub fn new(
        _started: Eal,
        name: &str,
        count: u32,
        data_room: u16,
        cache: u32,
    ) -> Result<Self, MempoolError> {
        let owned = || name.to_owned();
        let max = sys::VS_POOL_NAME_LEN as usize - "MP_".len() - 1;
        let c_name = match CString::new(name) {
            Ok(c_name) if (1..=max).contains(&name.len()) => c_name,
            _ => return Err(MempoolError::Name { name: owned(), max }),
        };
        let room_max = usize::from(u16::MAX) - HEADROOM;
        let range = |field, value: usize, range: String| MempoolError::Range {
            name: owned(),
            field,
            value,
            range,
        };
        if data_room == 0 || usize::from(data_room) > room_max {
            return Err(range(
                "data_room",
                data_room.into(),
                format!("1 to {room_max} bytes"),
            ));
        }
        let cache_max = (sys::VS_POOL_CACHE_MAX).min(count.saturating_mul(2) / 3);
        if cache > cache_max {
            let hint = format!("0 to {cache_max} (at most 2/3 of the pool)");
            return Err(range("cache", cache as usize, hint));
        }
        if count == 0 {
            return Err(range("count", 0, "at least 1".to_owned()));
        }

        let mark = log::mark();
        // Checked above: at most 65535.
        let buffer = (usize::from(data_room) + HEADROOM)
            .try_into()
            .unwrap_or(u16::MAX);
        // SAFETY: the EAL runs (`Eal` proves it), the name is NUL-terminated
        // and copied; -1 is SOCKET_ID_ANY. The result is a pool or null.
        let raw =
            unsafe { sys::rte_pktmbuf_pool_create(c_name.as_ptr(), count, cache, 0, buffer, -1) };
        match NonNull::new(raw) {
            Some(raw) => Ok(Self {
                raw,
                // As immortal as the pool.
                name: Box::leak(c_name.into_boxed_c_str()),
                data_room,
            }),
            None => Err(match Errno::last() {
                Errno::EXIST => MempoolError::Exists { name: owned() },
                Errno::NOMEM => MempoolError::Memory {
                    name: owned(),
                    count,
                    data_room,
                    need_mib: (usize::from(buffer) + OVERHEAD)
                        .saturating_mul(count as usize)
                        .div_ceil(1 << 20),
                    free: FreeHugepages::now(),
                    said: log::quote_since(mark),
                },
                errno => MempoolError::Refused {
                    name: owned(),
                    errno,
                    said: log::quote_since(mark),
                },
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.to_str().unwrap_or_default()
    }

    /// Bytes of packet that fit each buffer.
    pub fn data_room(&self) -> u16 {
        self.data_room
    }

    /// Buffers that are not taken: in the pool and in the caches. Exact only
    /// while nobody takes or gives back.
    pub fn available(&self) -> u32 {
        // SAFETY: pools are never freed; counting reads the ring and the caches.
        unsafe { sys::rte_mempool_avail_count(self.raw.as_ptr()) }
    }

    /// Buffers that are taken, by anyone. Exact only while nobody takes or
    /// gives back.
    pub fn in_use(&self) -> u32 {
        // SAFETY: as in `available`.
        unsafe { sys::rte_mempool_in_use_count(self.raw.as_ptr()) }
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::rte_mempool {
        self.raw.as_ptr()
    }
}

impl BufPool for Mempool {
    type Buf = Mbuf;

    fn alloc(&mut self) -> Option<Mbuf> {
        // SAFETY: pools are never freed; the result is null or an mbuf that is
        // ours alone.
        unsafe {
            let raw = NonNull::new(sys::vs_mbuf_alloc(self.raw.as_ptr()))?;
            Some(Mbuf::from_raw(raw))
        }
    }
}

impl fmt::Debug for Mempool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mempool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
