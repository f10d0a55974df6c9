//! What a client may ask to be changed, and what it is told: plain values. All
//! about sockets and messages stays in [`crate::control`].

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use vnet::diagnostic::Diagnostic;
use vnet::plan::Plan;

pub use crate::state::{Author, Cause, MappingChange, MappingPlace, RequestId, Revision};

/// Networks to put into force.
#[derive(Debug, Clone)]
pub struct Apply {
    /// Who asks.
    pub author: Author,
    /// To be able to try again.
    pub request: Option<RequestId>,
    /// The files, as the user named them, with their texts.
    pub files: Vec<(Arc<Path>, String)>,
    /// Remove networks that none of the files draws.
    pub prune: bool,
    /// Only say what would change.
    pub dry_run: bool,
    /// Refuse unless the topology in force has this revision.
    pub expected: Option<Revision>,
    /// Go back unless confirmed within this time.
    pub confirm_within: Option<Duration>,
}

/// A way back.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// Who asks.
    pub author: Author,
    /// To be able to try again.
    pub request: Option<RequestId>,
    /// To which topology; `None`: the one before the current.
    pub to: Option<Revision>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// What applying did, or would do.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// What is wrong in the files; with errors, nothing was changed.
    pub diagnostics: Vec<Diagnostic>,
    /// The new revision; `None`: nothing was committed.
    pub revision: Option<Revision>,
    /// What changes.
    pub plan: Plan,
    /// Mappings of clients that the change takes over or removes.
    pub loaded_mappings_lost: u64,
    /// When it goes back by itself.
    pub reverts_at: Option<SystemTime>,
    /// It survives a restart.
    pub durable: bool,
    /// From the commit until all workers acted on it.
    pub seen: Option<Duration>,
    /// The request was known: this was done before, and not again.
    pub repeated: bool,
}

/// A transaction on mappings.
#[derive(Debug, Clone)]
pub struct ChangeMappings {
    /// Who asks.
    pub author: Author,
    /// To be able to try again.
    pub request: Option<RequestId>,
    /// Refuse unless the daemon's revision is this.
    pub expected: Option<Revision>,
    /// They were learned: written to disk every few seconds.
    pub learned: bool,
    /// The changes, at most [`MAX_CHANGES`]; of several for one address the
    /// last counts.
    pub changes: Vec<MappingChange>,
}

/// The most changes in one transaction.
pub const MAX_CHANGES: usize = 8192;

/// A transaction that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// The revision it made.
    pub revision: Revision,
    /// Mappings that appeared.
    pub added: u32,
    /// Mappings that changed.
    pub changed: u32,
    /// Mappings that disappeared.
    pub removed: u32,
    /// Changes that changed nothing.
    pub unchanged: u32,
    /// It survives a restart.
    pub durable: bool,
    /// From the commit until all workers acted on it.
    pub seen: Duration,
    /// The request was known: this was done before, and not again.
    pub repeated: bool,
}

/// A port to add.
#[derive(Debug, Clone)]
pub struct AddPort {
    /// Who asks.
    pub author: Author,
    /// To be able to try again.
    pub request: Option<RequestId>,
    /// An entry of the configuration's `ports`, in YAML.
    pub port: String,
}

/// A port to remove.
#[derive(Debug, Clone)]
pub struct RemovePort {
    /// Who asks.
    pub author: Author,
    /// To be able to try again.
    pub request: Option<RequestId>,
    /// Its name.
    pub name: String,
}

/// A change of the ports that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortChanged {
    /// The revision it made.
    pub revision: Revision,
    /// The port's name.
    pub name: String,
    /// It survives a restart.
    pub durable: bool,
}

/// A topology that was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its revision.
    pub revision: Revision,
    /// When it came into force.
    pub at: SystemTime,
    /// Who put it into force.
    pub author: Author,
    /// Why.
    pub cause: Cause,
    /// What it changed, in one line.
    pub summary: String,
    /// It is in force.
    pub current: bool,
    /// When it goes back by itself.
    pub reverts_at: Option<SystemTime>,
}
