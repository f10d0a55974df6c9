//! Packet in, verdict and packet out: what each stage does, on the worked
//! example. One file per question.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::panic,
    unreachable_pub,
    reason = "a test ends where something is missing"
)]

#[path = "../bench/mod.rs"]
mod bench;

mod admission;
mod arp;
mod arrival;
mod claims;
mod classification;
mod dhcp;
mod fabric_errors;
mod fragments;
mod groups;
mod kernel;
mod links;
mod local;
mod moves;
mod offloads;
mod phantoms;
mod raw;
mod reasons;
mod rewrite;
mod routing;
mod rules;
mod rules_compiled;
mod sizes;
mod snmp;
mod snooping;
mod spreading;
mod switches;
mod switching;
