//! The mapping table beside others, on the same keys in the same run.
//!
//! * [`workload`]: the keys, and which of them are asked for.
//! * [`subject`]: what is compared: ours, `hashbrown`, DPDK's `rte_hash`.
//! * [`measure`]: how, on machines that do not stand still.
//!
//! `cargo run --release -p tables-bench [--features dpdk] [-- OPTIONS]` prints
//! them side by side; `cargo bench -p tables-bench` is for following one of
//! them over time.
#![forbid(unsafe_code)]

pub mod measure;
pub mod subject;
pub mod workload;
