//! The real `vswitchctl` against a real control socket with a fake daemon
//! behind it.

mod fake;
mod lab;

mod address;
mod answers;
mod clients;
mod documented;
mod failures;
mod permissions;
