//! What survives a restart: the applied topologies, ports added at run time,
//! mappings that clients have loaded, and which requests were carried out.
//!
//! Everything is in one file, an embedded `redb` store, which one process
//! writes at a time: [`Store`]. The commit thread hands it each [`Commit`]
//! before anybody acts on it; what was handed over without an error is there
//! after any end of the process, and a commit is there whole or not at all.
//!
//! * [`record`]: what a commit says, as plain values.
//! * [`store`]: a file that is open, and what it takes.
//! * [`error`]: why it could not.
//!
//! Inside, `file` opens, makes and moves the file, `layout` says what is where
//! in it, `image` writes commits into it and reads them back, with `history`
//! for topologies and `piece` for mappings, and `checkpoint` makes it small
//! again.

mod checkpoint;
pub mod error;
mod file;
mod history;
mod image;
mod layout;
mod piece;
pub mod record;
pub mod store;

pub use self::checkpoint::{Checkpoint, Progress};
pub use self::error::{Notice, StateError};
pub use self::image::Replayed;
pub use self::record::{
    Author, Cause, Commit, Confirmation, MappingChange, MappingPlace, NetworkText, PortText,
    Recovered, RequestId, Revision, TopologyRecord, Unconfirmed,
};
pub use self::store::Store;
