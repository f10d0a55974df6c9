//! The real daemon, as a process, on memory ports: changed over its socket,
//! killed, started again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "figures")]

mod changes;
mod killed;
mod process;
mod take_over;
