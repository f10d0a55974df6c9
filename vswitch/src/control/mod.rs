//! The control socket: what `vswitchctl` asks, the daemon answers here.
//!
//! In the order in which a question meets them:
//!
//! * [`socket`]: the file, its mode and group, its removal;
//! * [`peer`]: who connected, and what they may do;
//! * [`server`]: connections, their limits, and the end;
//! * `service`: which verb is meant; `verb`: one file per verb, the other half
//!   of which is the file of the same name in `vswitchctl`;
//! * [`source`]: what the daemon has to tell. It implements
//!   [`ControlSource`]; nothing above knows the daemon.
//!
//! Everything runs on the control thread. Clients cannot delay a worker: a
//! question only reads what workers publish. Lists are made page by page as
//! the client takes them.

pub mod peer;
pub mod server;
pub mod socket;
pub mod source;

mod refused;
mod request;
mod service;
mod verb;
mod wire;

pub use server::ControlServer;
pub use socket::{ControlConfig, ControlError};
pub use source::ControlSource;
