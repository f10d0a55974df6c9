//! The model: what tenants drew, checked, and compiled for one host.
//!
//! * [`compiled`]: the form that the pipeline's tables are filled from.
#![forbid(unsafe_code)]

pub mod compiled;
