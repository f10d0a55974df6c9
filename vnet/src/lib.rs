//! The model: what tenants drew, checked, and compiled for one host.
//!
//! * [`diagnostic`]: what is wrong in a file, where, and what to write instead.
//! * [`compiled`]: the form that the pipeline's tables are filled from.
#![forbid(unsafe_code)]

pub mod compiled;
pub mod diagnostic;
