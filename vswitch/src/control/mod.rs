//! The control socket: what `vswitchctl` asks, the daemon answers here.
//!
//! [`source`] is what the daemon has to tell.

pub mod source;
