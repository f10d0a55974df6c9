//! Headers, identifiers and buffers: what a packet is, before anyone decides
//! what to do with it.
//!
//! In the order in which a packet shows them:
//!
//! * [`buf`]: the bytes and the room around them; [`heap`] is the kind that
//!   needs no DPDK.
//! * [`mac`], [`ids`], [`substrate_addr`], [`prefix`], [`protocol`]: the names by which
//!   things are known.
//! * [`tags`]: what marks a node's frames on its link.
//! * [`offload`]: what a device did of a packet's work, or is to do.
//! * [`ethernet`], [`mpls`], [`arp`], [`ipv4`], [`ipv6`], [`fragment`], [`icmp`], [`igmp`], [`nd`], [`mld`]: the headers, as views
//!   over bytes: `Header::ref_from_prefix(bytes)` gives the header and the rest.
//!   [`ipv4_options`]: what may follow IPv4's.
//! * [`checksum`]: sums, and what a rewrite does to them.
//! * [`build`]: whole frames made to order.
#![forbid(unsafe_code)]

pub mod arp;
pub mod buf;
pub mod build;
pub mod checksum;
pub mod ethernet;
pub mod fragment;
pub mod heap;
pub mod icmp;
pub mod ids;
pub mod igmp;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod mac;
pub mod mld;
pub mod mpls;
pub mod nd;
pub mod offload;
pub mod prefix;
pub mod protocol;
pub mod substrate_addr;
pub mod tags;
#[cfg(feature = "serde")]
mod text;

pub use buf::{BufPool, NoRoom, PacketBuf};
pub use fragment::Fragment;
pub use heap::{HeapBuf, HeapPool};
pub use ids::{IdError, MplsLabel, SegmentId, Slot, VirtualAddr, VlanId};
pub use mac::{MacAddr, MacAddrError};
pub use offload::{HeaderChecksum, Offload, TransportChecksum};
pub use prefix::{Ipv6Prefix, PrefixError};
pub use protocol::{EtherType, IpProtocol};
pub use substrate_addr::{HostAddress, Locator, LocatorError, SubstrateAddr, Topology};
pub use tags::{InnerTag, OuterKind, OuterTag, Tags};
