//! The pipeline and its tables: what becomes of a packet, and why.
//!
//! Pure: no DPDK, no I/O, no threads of its own; the clock is passed in. A
//! burst goes through [`pipeline`], which reads one snapshot of [`tables`];
//! [`books`] says where every packet ended; [`substrate`] is the IPv6 host
//! that a vswitch is on its uplinks; [`snooping`] knows who has joined which
//! group.
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub mod books;
pub mod pipeline;
pub mod snooping;
pub mod substrate;
pub mod tables;
