//! What a client may ask to be changed, and what it is told: plain values. All
//! about sockets and messages stays in [`crate::control`].

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use packet::{Locator, MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::diagnostic::Diagnostic;
use vnet::plan::Plan;

/// Counts commits: everything that changes at once has one. It goes on across
/// restarts where there is a state file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl core::fmt::Display for Revision {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// Chosen by a client, so that it can try again without doing it twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The longest, in bytes.
    pub const MAX: usize = 64;

    /// An id; `None` if it is empty or too long.
    pub fn new(text: &str) -> Option<Self> {
        (1..=Self::MAX)
            .contains(&text.len())
            .then(|| Self(text.into()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// The user id; `None`: the daemon itself.
    pub uid: Option<u32>,
}

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

/// A change of one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingChange {
    /// The segment.
    pub segment: SegmentId,
    /// The virtual address.
    pub address: VirtualAddr,
    /// Where it is from now on; `None`: nowhere.
    pub place: Option<MappingPlace>,
}

/// Where a client says that an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingPlace {
    /// The locator of its host.
    pub locator: Locator,
    /// Its slot there.
    pub slot: Slot,
    /// Its MAC.
    pub mac: MacAddr,
}

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

/// Why a topology came into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It was read from the configuration's files.
    Configured,
    /// It was applied.
    Applied,
    /// Somebody went back to it.
    RolledBack,
    /// The one after it was not confirmed in time.
    Unconfirmed,
}
