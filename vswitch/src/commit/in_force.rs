//! What is in force, for those who look: listings, exports, the watchers. The
//! commit thread puts a new one here after each change; nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use datapath::tables::{Drawn, PathMtus};
use parking_lot::{Mutex, RwLock};
use vnet::compiled::{Compiled, Host};
use vnet::topology::networks::NetworkTexts;

use super::claims::LearnedMappings;
use super::event::Events;
use super::order::Revision;
use crate::control::source::Table;
use crate::observe::MtuPaths;
use crate::state::{TopologyRecord, Unconfirmed};

/// One state of the configuration that can change while packets fly.
#[derive(Clone)]
pub struct InForce {
    /// What was drawn, compiled. Of its hosts only those are meant that the
    /// topology knows; all are in [`InForce::hosts`].
    pub compiled: Arc<Compiled>,
    /// What was drawn, word for word.
    pub networks: Arc<NetworkTexts>,
    /// All hosts that mappings lead to, by id.
    pub hosts: Arc<Vec<Host>>,
    /// What the workers' tables were filled with.
    pub drawn: Arc<Drawn>,
    /// What routers said of the ways to the hosts.
    pub path_mtus: Arc<PathMtus>,
    /// The ways between segments and hosts, as far as they are drawn.
    pub mtu_paths: Arc<MtuPaths>,
    /// The topologies that were in force, oldest first; the last one is.
    pub history: Arc<Vec<TopologyRecord>>,
    /// It goes back by itself.
    pub unconfirmed: Option<Unconfirmed>,
}

impl InForce {
    /// The revision of the topology.
    pub fn topology_revision(&self) -> Revision {
        self.history
            .last()
            .map_or(Revision(0), |last| last.revision)
    }

    /// When it goes back by itself.
    pub fn reverts_at(&self) -> Option<SystemTime> {
        self.unconfirmed.map(|unconfirmed| unconfirmed.until)
    }
}

/// What the commit thread shows. Cheap to look at.
pub struct Showcase {
    in_force: RwLock<Arc<InForce>>,
    revision: AtomicU64,
    tables: Mutex<Vec<Table>>,
    attention: Mutex<Vec<String>>,
    /// What is known of learned mappings besides where they lead.
    pub learned: Mutex<LearnedMappings>,
    /// What changed.
    pub events: Events,
}

impl Showcase {
    /// Shows this from the beginning.
    pub fn new(in_force: InForce, revision: Revision, attention: Vec<String>) -> Self {
        Self {
            in_force: RwLock::new(Arc::new(in_force)),
            revision: AtomicU64::new(revision.0),
            tables: Mutex::default(),
            attention: Mutex::new(attention),
            learned: Mutex::default(),
            events: Events::new(revision),
        }
    }

    /// What is in force now.
    pub fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.read())
    }

    /// The newest revision.
    pub fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// How full the tables are.
    pub fn tables(&self) -> Vec<Table> {
        self.tables.lock().clone()
    }

    /// What needs the operator's attention, a sentence each.
    pub fn attention(&self) -> Vec<String> {
        self.attention.lock().clone()
    }

    pub(super) fn show(&self, in_force: InForce) {
        let shown = Arc::new(in_force);
        let before = core::mem::replace(&mut *self.in_force.write(), shown);
        // Perhaps large, and nobody should wait for it.
        drop(before);
    }

    pub(super) fn show_revision(&self, revision: Revision) {
        self.revision.store(revision.0, Ordering::Release);
    }

    pub(super) fn show_tables(&self, tables: Vec<Table>) {
        *self.tables.lock() = tables;
    }

    pub(super) fn attend_to(&self, sentence: String) {
        let mut attention = self.attention.lock();
        if !attention.contains(&sentence) {
            attention.push(sentence);
        }
    }
}
