//! The real `vswitchctl` against a real control socket with a fake daemon
//! behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_macros,
    reason = "a panic is how a test fails; what it measured, it prints"
)]

mod administration;
mod fake;
mod hostile;
mod lab;
mod schema;

mod address;
mod answers;
mod changes;
mod clients;
mod documented;
mod failures;
mod mappings;
mod permissions;
mod ports;
mod routers;
mod rules;
mod schemas;
mod throughput;
mod topology;
