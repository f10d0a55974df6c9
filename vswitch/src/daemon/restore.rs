//! What a start begins with: the configuration, and what an earlier run of the
//! daemon has left in the state file.
//!
//! The networks are those of the configuration's files until others have been
//! applied; from then on those in the state file, whatever the files say.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::SystemTime;

use datapath::tables::publish::Publication;
use datapath::tables::{LoadedHosts, MappingEntry, MappingKey, MappingWriter, Origin, TableFull};
use packet::{Locator, SegmentId};
use vnet::compiled::{Compiled, Host, HostId, MappingKind};
use vnet::diagnostic::Diagnostic;

use crate::commit::Durable;
use crate::commit::topology::{networks_of, texts_of};
use crate::config::{HostConfig, HostFile};
use crate::state::{
    Author, Cause, Commit, MappingChange, MappingPlace, Notice, PortText, Recovered, RequestId,
    Revision, StateError, Store, TopologyRecord, Unconfirmed,
};

/// The start cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The configuration, or the networks in the state file held against it.
    #[error("{}", in_lines(.0))]
    Faults(Vec<Diagnostic>),
    /// The state file.
    #[error(transparent)]
    State(#[from] StateError),
    /// More is drawn than the table of mappings has room for.
    #[error(
        "the networks have {wanted} mappings: {full}; raise tables.mappings in the configuration"
    )]
    Full {
        /// How many there are.
        wanted: usize,
        /// What the table says to that.
        full: TableFull,
    },
}

fn in_lines(faults: &[Diagnostic]) -> String {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Everything that is in force at the start.
pub struct Restored {
    /// The configuration, with the networks in force and all ports.
    pub config: HostConfig,
    /// Its file, if it names one.
    pub durable: Durable,
    /// The newest revision.
    pub revision: Revision,
    /// The topologies that were in force; the last one is.
    pub history: Vec<TopologyRecord>,
    /// It goes back by itself.
    pub unconfirmed: Option<Unconfirmed>,
    /// The ports that were added at run time.
    pub added_ports: Vec<PortText>,
    /// The requests that were carried out.
    pub requests: Vec<(RequestId, Revision)>,
    /// The mappings, those that clients have loaded included.
    pub mappings: MappingWriter,
    /// Which of those have loaded members, by segment.
    pub loaded_hosts: LoadedHosts,
    /// All hosts that they lead to, by id.
    pub hosts: Vec<Host>,
    /// What the operator should look at.
    pub attention: Vec<String>,
}

/// Reads a configuration and the state that goes with it.
///
/// # Errors
/// [`RestoreError`]. A state file that cannot be understood is none: it is put
/// aside, and the start goes on without it.
pub fn restore(path: &Path) -> Result<Restored, RestoreError> {
    let file = HostFile::read(path);
    let Some((state, host)) = file.state() else {
        return Restored::from(file, None, Recovered::default(), Vec::new());
    };
    let (state, host) = (state.to_owned(), host.to_owned());
    let (store, recovered, notices) = Store::open(&state, &host)?;
    let mut restored = Restored::from(file, Some((store, &state)), recovered, notices)?;
    let Err(error) = restored.load_mappings() else {
        return Ok(restored);
    };
    let (store, notice) = restored.durable.set_aside(&error.to_string())?;
    let (file, store) = (HostFile::read(path), Some((store, state.as_path())));
    Restored::from(file, store, Recovered::default(), vec![notice])
}

impl Restored {
    fn from(
        mut file: HostFile,
        store: Option<(Store, &Path)>,
        recovered: Recovered,
        notices: Vec<Notice>,
    ) -> Result<Self, RestoreError> {
        let mut attention: Vec<String> = notices.iter().map(ToString::to_string).collect();
        let applied = recovered
            .history
            .last()
            .filter(|t| t.cause != Cause::Configured);
        let added_ports = add_ports(&mut file, recovered.ports, &mut attention);
        let config = match applied {
            Some(record) => file.with(networks_of(record)),
            None => file.with_files(),
        }
        .map_err(RestoreError::Faults)?;

        let mut revision = recovered.revision;
        let mut history = recovered.history;
        let mut store = store;
        let known = history.last().map(networks_of);
        if known.is_none_or(|known| !known.same_texts(&config.networks)) {
            revision = Revision(revision.0 + 1);
            let record = TopologyRecord {
                revision,
                at: SystemTime::now(),
                author: Author { uid: None },
                cause: Cause::Configured,
                summary: "read from the configuration's files".to_owned(),
                networks: texts_of(&config.networks),
            };
            if let Some((store, _)) = &mut store {
                store.commit(&[Commit {
                    topology: Some(record.clone()),
                    ..Commit::empty(revision)
                }])?;
            }
            history.push(record);
        }
        let drawn = &config.compiled.mappings;
        let capacity = config.tables.mappings as usize;
        let mappings = MappingWriter::filled(capacity, drawn);
        let mappings = mappings.map_err(|full| RestoreError::Full {
            wanted: drawn.len(),
            full,
        })?;
        Ok(Self {
            durable: match store {
                Some((store, path)) => Durable::in_file(store, path),
                None => Durable::nowhere(),
            },
            revision,
            history,
            unconfirmed: recovered.unconfirmed,
            added_ports,
            requests: recovered.requests,
            mappings,
            loaded_hosts: LoadedHosts::default(),
            hosts: config.compiled.hosts.clone(),
            config,
            attention,
        })
    }

    /// Puts the mappings that clients have loaded into the table. After an error
    /// all of this is worth nothing.
    fn load_mappings(&mut self) -> Result<(), StateError> {
        let segments = self.config.compiled.segments.iter();
        let numbered = (0..).map(HostId).zip(&self.hosts);
        let mut loading = Loading {
            segments: segments.map(|segment| segment.id).collect(),
            compiled: &self.config.compiled,
            by_locator: numbered.map(|(id, host)| (host.locator, id)).collect(),
            hosts: &mut self.hosts,
            mappings: &mut self.mappings,
            loaded_hosts: &mut self.loaded_hosts,
            newest: None,
            left_out: 0,
        };
        self.durable.replay(|changes| loading.take(changes))?;
        if loading.left_out > 0 {
            self.attention.push(format!(
                "{} mappings of the state file are not in force: their segment is not drawn, or the \
                 table is full (tables.mappings)",
                loading.left_out
            ));
        }
        Ok(())
    }
}

/// Adds the ports that were added at run time to those of the file. Those that
/// the file names itself by now are not added twice.
fn add_ports(
    file: &mut HostFile,
    ports: Vec<PortText>,
    attention: &mut Vec<String>,
) -> Vec<PortText> {
    let mut added = Vec::new();
    for port in ports {
        match file.add_port(&port.text) {
            Ok(true) => added.push(port),
            Ok(false) => attention.push(format!(
                "port \"{}\", added at run time, is in the configuration now: that one counts",
                port.name
            )),
            Err(faults) => attention.push(format!(
                "port \"{}\", added at run time, is not there: {}",
                port.name,
                in_lines(&faults)
            )),
        }
    }
    added
}

/// Changes staged together: what they supersede must fit the table, too.
const AT_ONCE: usize = 1024;
/// Memory is asked for what so many changes later need: a large table is in no
/// cache, and each change would wait for it.
const AHEAD: usize = 12;

/// Mappings on their way from the state file into the table.
struct Loading<'a> {
    segments: HashSet<SegmentId>,
    /// Who may have learned what.
    compiled: &'a Compiled,
    hosts: &'a mut Vec<Host>,
    by_locator: HashMap<Locator, HostId>,
    mappings: &'a mut MappingWriter,
    loaded_hosts: &'a mut LoadedHosts,
    /// What was added to those last: what follows is mostly the same.
    newest: Option<(SegmentId, HostId)>,
    left_out: u64,
}

impl Loading<'_> {
    fn take(&mut self, changes: &[MappingChange]) {
        for changes in changes.chunks(AT_ONCE) {
            self.take_some(changes);
            // Nobody reads yet: what was superseded is free at once.
            while self.mappings.is_waiting() {
                self.mappings.published(Publication(0));
                self.mappings.reclaim(Publication(0));
            }
        }
    }

    fn take_some(&mut self, changes: &[MappingChange]) {
        let mut staged = self.mappings.stage();
        let key = |change: &MappingChange| MappingKey::new(change.segment, change.address);
        for (at, change) in changes.iter().enumerate() {
            let soon = changes.get(at + AHEAD);
            if let Some((soon, place)) = soon.and_then(|soon| Some((soon, soon.place?))) {
                staged.expect(key(soon), place.mac);
            }
            let key = key(change);
            let drawn = staged.get(key).is_some_and(|e| e.origin == Origin::Drawn);
            let Some(place) = change.place else {
                if !drawn {
                    staged.remove(key);
                }
                continue;
            };
            if drawn || !self.segments.contains(&change.segment) {
                self.left_out += 1;
                continue;
            }
            let host = host_at(self.hosts, &mut self.by_locator, place.locator);
            let learned = self
                .compiled
                .claimant_of(key.segment, key.address, place.mac, host);
            let entry = match learned {
                Some(claimant) => MappingEntry {
                    interface: claimant.interface,
                    origin: Origin::Learned,
                    ..loaded(&place, host)
                },
                None if host == HostId(0) => {
                    // It was learned of an interface that is not there any more.
                    staged.remove(key);
                    continue;
                }
                None => loaded(&place, host),
            };
            if staged.put(key, entry).is_err() {
                self.left_out += 1;
            }
            let reached = (change.segment, host);
            if host != HostId(0) && self.newest != Some(reached) {
                self.loaded_hosts.add(change.segment, host);
                self.newest = Some(reached);
            }
        }
        staged.commit();
    }
}

fn host_at(
    hosts: &mut Vec<Host>,
    by_locator: &mut HashMap<Locator, HostId>,
    locator: Locator,
) -> HostId {
    let next = HostId(u32::try_from(hosts.len()).unwrap_or(u32::MAX));
    *by_locator.entry(locator).or_insert_with(|| {
        hosts.push(Host {
            name: locator.to_string(),
            locator,
        });
        next
    })
}

fn loaded(place: &MappingPlace, host: HostId) -> MappingEntry {
    MappingEntry {
        kind: MappingKind::Node,
        mac: place.mac,
        host,
        slot: place.slot,
        interface: None,
        origin: Origin::Loaded,
    }
}
