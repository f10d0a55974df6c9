//! Headers, identifiers and buffers: what a packet is, before anyone decides
//! what to do with it.
//!
//! In the order in which a packet shows them:
//!
//! * [`buf`]: the bytes and the room around them; [`heap`] is the kind that
//!   needs no DPDK.
//! * [`mac`], [`ids`], [`substrate_addr`]: the names by which things are known.
#![forbid(unsafe_code)]

pub mod buf;
pub mod heap;
pub mod ids;
pub mod mac;
pub mod substrate_addr;

pub use buf::{BufPool, NoRoom, PacketBuf};
pub use heap::{HeapBuf, HeapPool};
pub use ids::{IdError, SegmentId, Slot, VirtualAddr, VlanId};
pub use mac::{MacAddr, MacAddrError};
pub use substrate_addr::{HostAddress, Locator, LocatorError, SubstrateAddr, Topology};
