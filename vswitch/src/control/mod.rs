//! The control socket: what `vswitchctl` asks, the daemon answers here.
//!
//! In the order in which a question meets them:
//!
//! * [`socket`]: the file, its mode and group, its removal;
//! * [`peer`]: who connected, and what they may do;
//! * [`server`]: from the listener to the service, and the end; `connections`:
//!   how many there may be, and who makes room; `connection`: one of them;
//!   `attendance`: the requests under way; [`limits`]: how long clients may
//!   take;
//! * `service`: which verb is meant; `verb`: one file per verb, the other half
//!   of which is the file of the same name in `vswitchctl`;
//! * [`source`]: what the daemon has to tell. It implements
//!   [`ControlSource`], and [`Administration`] for what changes; nothing above
//!   knows the daemon;
//! * `refused`: what a client is told of a change that was refused.
//!
//! [`Administration`]: crate::commit::Administration
//!
//! Everything runs on the control thread. Clients cannot delay a worker: a
//! question only reads what workers publish, a change is an order to the commit
//! thread. Lists are made page by page as the client takes them; a stream of
//! changes is read as its answers are taken.

pub mod limits;
pub mod peer;
pub mod server;
pub mod socket;
pub mod source;

mod attendance;
mod connection;
mod connections;
mod refused;
mod request;
mod service;
mod verb;
mod wire;

pub use limits::TimeLimits;
pub use server::ControlServer;
pub use socket::{ControlConfig, ControlError};
pub use source::ControlSource;
