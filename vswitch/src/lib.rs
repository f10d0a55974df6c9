//! The daemon's rooms.
#![forbid(unsafe_code)]

pub mod config;
pub mod control;
pub mod ports;
pub mod worker;
