//! Packet in, verdict and packet out: what each stage does, on the worked
//! example. One file per question.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::panic,
    reason = "a test ends where something is missing"
)]

#[path = "../bench/mod.rs"]
mod bench;

mod admission;
mod arp;
mod arrival;
mod classification;
mod local;
mod reasons;
mod rewrite;
mod spreading;
mod switching;
