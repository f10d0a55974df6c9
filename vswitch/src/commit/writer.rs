//! The tables, as their only writer has them.
//!
//! What is staged is invisible; [`TableWriter::publish`] makes it visible, with
//! everything else of the root, at the workers' next burst.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use datapath::tables::publish::{Publication, Publisher};
use datapath::tables::{Drawn, HostTable, LoadedHosts, MappingWriter, MoveTable, PathMtus, Tables};
use packet::SegmentId;
use parking_lot::Mutex;
use vnet::compiled::{Host, HostId};

/// The publisher, which the slow path uses, too: for the neighbours.
pub type SharedPublisher = Arc<Mutex<Publisher<Tables>>>;

/// How long workers have to come past their burst boundary. A worker that takes
/// longer is stuck, which its watchdog says; changes do not wait for it then.
const PATIENCE: Duration = Duration::from_millis(200);

/// Busy workers are past it within a burst: that long it is not worth sleeping,
/// which takes longer than it is told to.
const AT_ONCE: Duration = Duration::from_micros(20);

/// Between two looks at what the workers have seen, after that.
const LOOK_AGAIN: Duration = Duration::from_micros(30);

/// The tables' only writer.
pub struct TableWriter {
    publisher: SharedPublisher,
    /// (segment, address) → where it is.
    pub mappings: MappingWriter,
    /// Ports, interfaces, segments of the newest root.
    pub drawn: Arc<Drawn>,
    /// What is learned of the ways to hosts.
    pub path_mtus: Arc<PathMtus>,
    /// Who has moved lately.
    pub moves: Arc<MoveTable>,
    hosts: Arc<HostTable>,
    loaded_hosts: Arc<LoadedHosts>,
    /// A worker did not turn when last waited for.
    stuck: bool,
}

impl TableWriter {
    /// The writer of the tables that this publisher's root already names.
    pub fn new(publisher: SharedPublisher, mappings: MappingWriter) -> Self {
        let root = Arc::clone(publisher.lock().current());
        Self {
            publisher,
            mappings,
            drawn: Arc::clone(&root.drawn),
            path_mtus: Arc::clone(&root.path_mtus),
            moves: Arc::clone(&root.moves),
            hosts: Arc::clone(&root.hosts),
            loaded_hosts: Arc::clone(&root.loaded_hosts),
            stuck: false,
        }
    }

    /// These hosts are known from the next publication on. Ids do not change.
    pub fn set_hosts(&mut self, hosts: &[Host]) {
        if hosts.len() == self.hosts.places() {
            return;
        }
        self.hosts = Arc::new(HostTable::of(hosts));
        self.path_mtus = Arc::new(self.path_mtus.with_room_for(hosts.len()));
    }

    /// A client has said that the segment has members on the host: from the next
    /// publication on it gets copies of what is for all of them.
    pub fn note_loaded(&mut self, segment: SegmentId, host: HostId) {
        let known = self.loaded_hosts.of(segment);
        if known.binary_search(&host).is_err() {
            Arc::make_mut(&mut self.loaded_hosts).add(segment, host);
        }
    }

    /// Where roots are published.
    pub const fn publisher(&self) -> &SharedPublisher {
        &self.publisher
    }

    /// The hosts and their locators.
    pub fn peers(&self) -> Vec<(HostId, packet::Locator)> {
        self.hosts.iter().collect()
    }

    /// Puts all that was committed into force. Gives the time until all workers
    /// acted on it.
    pub fn publish(&mut self) -> Duration {
        let began = Instant::now();
        let publication = {
            let mut publisher = self.publisher.lock();
            let root = Tables {
                version: self.mappings.version(),
                drawn: Arc::clone(&self.drawn),
                hosts: Arc::clone(&self.hosts),
                loaded_hosts: Arc::clone(&self.loaded_hosts),
                path_mtus: Arc::clone(&self.path_mtus),
                moves: Arc::clone(&self.moves),
                ..Tables::clone(publisher.current())
            };
            publisher.publish(root)
        };
        self.mappings.published(publication);
        self.wait_for(publication, began);
        let took = began.elapsed();
        self.tidy();
        took
    }

    /// Frees what nobody can reach any more. To be called now and then, also
    /// when nothing changes.
    pub fn tidy(&mut self) {
        let seen = self.publisher.lock().seen_by_all();
        self.mappings.reclaim(seen);
    }

    /// Lets go of all memory that waits, as far as readers let it.
    pub fn make_room(&mut self) {
        while self.mappings.is_waiting() {
            let before = self.mappings.stats().waiting;
            self.tidy_idle();
            if self.mappings.stats().waiting >= before {
                return;
            }
        }
    }

    /// Lets go of memory that waits, though nothing else is published. True if
    /// there was any.
    pub fn tidy_idle(&mut self) -> bool {
        if !self.mappings.is_waiting() {
            return false;
        }
        let publication = self.publisher.lock().publish_again();
        self.wait_for(publication, Instant::now());
        self.tidy();
        true
    }

    fn wait_for(&mut self, publication: Publication, began: Instant) {
        let patience = if self.stuck { LOOK_AGAIN } else { PATIENCE };
        loop {
            if self.publisher.lock().seen_by_readers() >= publication {
                self.stuck = false;
                return;
            }
            if began.elapsed() >= patience {
                self.stuck = true;
                return;
            }
            if began.elapsed() < AT_ONCE {
                core::hint::spin_loop();
            } else {
                thread::sleep(LOOK_AGAIN);
            }
        }
    }
}
