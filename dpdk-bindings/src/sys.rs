//! The ground floor: what bindgen makes of DPDK's headers and of the shim.
//!
//! Nothing here is safe to use by itself; the rooms above are.
#![allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    dead_code,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::semicolon_if_nothing_returned
)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

/// The driver archives that were linked, by their names without `librte_`.
pub(crate) const LINKED_DRIVERS: &[&str] = include!(concat!(env!("OUT_DIR"), "/linked_drivers.rs"));
