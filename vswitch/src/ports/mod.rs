//! The ports: where frames come from and go to.
//!
//! * [`queue`]: what a worker needs of a port, whatever is behind it.
//! * [`info`]: an opened port, and what a listing shows of it.
//! * [`sizing`]: the one formula for buffers, MTUs, rings and pools; pure, so
//!   that `--check` can refuse what cannot work.
//! * [`software`]: capture files ([`pcap`]) and memory ([`memory`]): no DPDK.
//! * [`devargs`]: a configured port in DPDK's words; [`socket`] prepares the
//!   paths in them.
//! * `dpdk` (feature `dpdk`): everything that DPDK drives, and `kernel`: packet
//!   sockets on the kernel's interfaces, with DPDK's buffers.

pub mod devargs;
#[cfg(feature = "dpdk")]
pub mod dpdk;
pub mod info;
#[cfg(feature = "dpdk")]
pub mod kernel;
pub mod live;
pub mod memory;
pub mod opener;
pub mod pcap;
pub mod queue;
pub mod sizing;
pub mod socket;
pub mod software;

pub use info::{LinkState, OpenPort, PortCounters, PortInfo, PortMonitor};
pub use queue::{BURST, Packets, Refused, RxQueue, TxQueue};
