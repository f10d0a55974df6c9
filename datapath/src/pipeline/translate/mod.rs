//! The rewrite: IPv4 ↔ IPv6, header for header, nothing wrapped; and raw what
//! would not come back the same.
//!
//! * [`to_substrate`], [`from_substrate`]: the two directions, over bursts.
//! * [`carriage`]: rewritten, or raw? [`mtu`]: what either adds to the length,
//!   and all other arithmetic of sizes.
//! * [`v4_to_v6`], [`v6_to_v4`]: the header (RFC 7915 §4.1, §5.1), and the
//!   fragment header with it.
//! * [`flow_label`]: how TTL and DF travel; [`identification`]: the IPv4 id that
//!   the receiver makes.
//! * [`transport`]: checksums of TCP, UDP and their kin (§4.5, §5.5).
//! * [`icmp`]: echo and errors, with what they quote (§4.2, §4.3, §5.2, §5.3).
//! * [`raw`]: whole frames in EtherIP.
//! * [`external`]: RFC 7915 to the letter, for systems without a vswitch; no
//!   stage uses it yet.
//!
//! Exits: on; dropped by a `translate` reason.

pub mod carriage;
pub mod external;
pub mod flow_label;
pub mod from_substrate;
pub mod icmp;
pub mod identification;
pub mod mtu;
pub mod raw;
pub mod to_substrate;
pub mod transport;
pub mod v4_to_v6;
pub mod v6_to_v4;

pub(super) use to_substrate::icmp_error_survives;
