//! What a commit says and what a restart finds: plain values.

use std::sync::Arc;
use std::time::SystemTime;

use packet::{Locator, MacAddr, SegmentId, Slot, VirtualAddr};

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

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// The user id; `None`: the daemon itself.
    pub uid: Option<u32>,
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

/// One change of what the switch does, all of it or nothing. Any of its parts
/// may be missing.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its number, above that of every commit before. Only a commit that
    /// changes nothing in the tables ([`Commit::confirmation`] and
    /// [`Commit::request`] alone) may have the number of the one before.
    pub revision: Revision,
    /// Another topology is in force.
    pub topology: Option<TopologyRecord>,
    /// A topology waits to be confirmed, or does so no longer.
    pub confirmation: Option<Confirmation>,
    /// The ports added at run time, all that there are from now on.
    pub ports: Option<Vec<PortText>>,
    /// Mappings that clients have changed; of several for one address the last
    /// counts.
    pub mappings: Vec<MappingChange>,
    /// The request that it carries out.
    pub request: Option<RequestId>,
}

impl Commit {
    /// A commit that says nothing yet.
    pub const fn empty(revision: Revision) -> Self {
        Self {
            revision,
            topology: None,
            confirmation: None,
            ports: None,
            mappings: Vec::new(),
            request: None,
        }
    }

    /// Packets may notice it.
    pub(super) const fn changes_tables(&self) -> bool {
        self.topology.is_some() || self.ports.is_some() || !self.mappings.is_empty()
    }
}

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

/// A topology that came into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyRecord {
    /// The commit that put it into force.
    pub revision: Revision,
    /// When.
    pub at: SystemTime,
    /// Who.
    pub author: Author,
    /// Why.
    pub cause: Cause,
    /// What it changed, in one line.
    pub summary: String,
    /// Its networks, in order.
    pub networks: Vec<NetworkText>,
}

/// A network as somebody wrote it: one YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkText {
    /// The network's name.
    pub name: String,
    /// The file it came from, as the user named it.
    pub label: String,
    /// The line of that file where it began, from 1.
    pub first_line: u32,
    /// The document. A text that did not change is kept once.
    pub text: Arc<str>,
}

/// A topology waits to be confirmed, or does so no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It goes back by itself unless confirmed.
    Awaited(Unconfirmed),
    /// It stays: confirmed, or gone back already.
    Settled,
}

/// A topology that goes back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The revision that waits.
    pub revision: Revision,
    /// Until when.
    pub until: SystemTime,
    /// The topology to go back to then.
    pub back_to: Revision,
}

/// A port that was added at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortText {
    /// Its name.
    pub name: String,
    /// An entry of the configuration's `ports`, in YAML.
    pub text: String,
}

/// What a restart finds, but for the mappings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The newest commit; 0: there was none.
    pub revision: Revision,
    /// The topologies that were in force, oldest first, at most
    /// [`Recovered::HISTORY`]; the last one is in force.
    pub history: Vec<TopologyRecord>,
    /// The topology in force goes back by itself.
    pub unconfirmed: Option<Unconfirmed>,
    /// The ports added at run time.
    pub ports: Vec<PortText>,
    /// The newest requests that were carried out, oldest first, at most
    /// [`Recovered::REQUESTS`].
    pub requests: Vec<(RequestId, Revision)>,
}

impl Recovered {
    /// Topologies that are remembered.
    pub const HISTORY: usize = 64;
    /// Requests that are remembered.
    pub const REQUESTS: usize = 4096;

    /// The topology in force.
    pub fn topology(&self) -> Option<&TopologyRecord> {
        self.history.last()
    }
}
