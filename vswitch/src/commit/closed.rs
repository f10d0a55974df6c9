//! The administration of a vswitch that takes no changes: it refuses them all.

use tokio::sync::oneshot;

use super::event::Events;
use super::{
    AddPort, Administration, Applied, Apply, Author, ChangeMappings, Committed, HistoryEntry,
    Pending, PortChanged, Refusal, RemovePort, Revision, Rollback, TooOld, Watch,
};

/// Refuses every change.
#[derive(Debug)]
pub struct Closed {
    events: Events,
}

impl Closed {
    /// Of a vswitch whose topology has this revision and keeps it.
    pub fn new(revision: Revision) -> Self {
        Self {
            events: Events::new(revision),
        }
    }
}

fn refusal() -> Refusal {
    Refusal::NotNow("this vswitch takes no changes while it runs".to_owned())
}

fn refused<T>() -> Pending<T> {
    let (answer, pending) = oneshot::channel();
    let _ = answer.send(Err(refusal()));
    pending
}

impl Administration for Closed {
    fn apply(&self, _: Apply) -> Pending<Applied> {
        refused()
    }

    fn rollback(&self, _: Rollback) -> Pending<Applied> {
        refused()
    }

    fn confirm(&self, _: Author, _: Revision) -> Pending<Revision> {
        refused()
    }

    fn change_mappings(&self, _: ChangeMappings) -> Pending<Committed> {
        refused()
    }

    fn add_port(&self, _: AddPort) -> Pending<PortChanged> {
        refused()
    }

    fn remove_port(&self, _: RemovePort) -> Pending<PortChanged> {
        refused()
    }

    fn history(&self) -> Vec<HistoryEntry> {
        Vec::new()
    }

    fn export(&self, _: &[String]) -> Result<String, Refusal> {
        Err(refusal())
    }

    fn watch(&self, after: Option<Revision>) -> Result<Watch, TooOld> {
        self.events.watch(after)
    }
}
