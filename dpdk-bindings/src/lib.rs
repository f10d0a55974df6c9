//! DPDK from Rust, in three floors: generated bindings (`sys`), a small C
//! shim (`shim/`) for static inlines off the hot path, and the safe owners
//! that the rest of the program uses. It knows nothing of tenants.
//!
//! In the order in which a program meets them:
//!
//! * [`Eal`]: DPDK's environment, started once per process and never ended.
//! * [`Mempool`]: where [`Mbuf`]s come from and return to when dropped.
//! * [`Device`]: a port, attached by its devargs or PCI address; starting it
//!   gives its [`RxQueue`]s and [`TxQueue`]s, to be moved to workers.
//! * [`PacketSocket`]: the same of a network interface of the kernel, without a
//!   driver of DPDK's.
//! * [`hash_table`]: DPDK's own table, for comparison.
//! * [`WorkerThread`]: makes a thread of our own known to DPDK, so that the
//!   mempools' per-core caches work on it.
//!
//! Errors say what was wrong with what, and what to do about it; the lines
//! that DPDK logged meanwhile are quoted ([`log`]).

mod device;
mod eal;
mod errno;
mod frame;
mod hash;
pub mod log;
mod mbuf;
mod memif;
mod mempool;
mod offload;
mod packet_socket;
mod queue;
mod sys;
mod thread;

pub use device::{
    Device, DeviceConfig, DeviceError, DeviceInfo, DeviceOffloads, DeviceStats, FRAME_OVERHEAD,
    Link, LinkedDrivers, OutOfRange, Queues,
};
pub use eal::{Eal, EalConfig, EalError, EalMemory, FreeHugepages, is_pci_address};
pub use errno::Errno;
pub use hash::{HashError, HashReader, HashWriter, LOOKUP_BULK, hash_table};
pub use mbuf::{Chunks, Mbuf};
pub use mempool::{HEADROOM, Mempool, MempoolError};
pub use packet_socket::{
    PacketQueues, PacketReceiver, PacketSender, PacketSocket, PacketSocketConfig, PacketSocketError,
};
pub use queue::{RxQueue, Transmitted, TxQueue};
pub use thread::{ThreadError, WorkerThread};

/// The release of DPDK that is linked, e.g. `DPDK 22.11.11`.
pub fn version() -> String {
    // SAFETY: rte_version takes nothing and returns a static, NUL-terminated
    // string.
    let text = unsafe { core::ffi::CStr::from_ptr(sys::rte_version()) };
    text.to_string_lossy().into_owned()
}
