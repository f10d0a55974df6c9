//! The daemon's rooms.
#![forbid(unsafe_code)]

pub mod control;
