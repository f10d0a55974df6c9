//! The model: what tenants drew, checked, and compiled for one host.
//!
//! * [`yaml`]: the text of a file, every key and value with its place.
//! * [`topology`]: the networks that the files describe, without
//!   contradictions; then compiled for one host.
//! * [`diagnostic`]: what is wrong in a file, where, and what to write instead.
//! * [`plan`]: what changes from one compiled form to the next.
//! * [`compiled`]: the form that the pipeline's tables are filled from.
#![forbid(unsafe_code)]

pub mod compiled;
pub mod diagnostic;
pub mod plan;
pub mod secret;
pub mod topology;
pub mod yaml;
