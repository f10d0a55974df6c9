//! An administration that is none. It keeps mappings, ports and revisions of
//! its own, and says of topologies what their text asks it to say:
//!
//! * a line `fault: WORDS` is an error there, `recommend: WORDS` a warning;
//! * files that hold the word `unchanged` change nothing;
//! * everything else adds node b to network z, and moves node g.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use packet::{SegmentId, VirtualAddr};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use vnet::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use vnet::plan::{Change, Plan, PlanLine};
use vnet::yaml::Value;
use vswitch::commit::{
    AddPort, Administration, Applied, Apply, Author, Cause, ChangeMappings, Committed, Events,
    HistoryEntry, MappingChange, MappingPlace, Pending, PortChanged, Refusal, RemovePort,
    RequestId, Revision, Rollback, TooOld, Watch, What,
};

/// When everything happens: 2026-11-21 18:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_795_284_000);
/// From a commit until all workers acted on it.
const SEEN: Duration = Duration::from_micros(37);

/// Something that was asked for.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Apply(Apply),
    Rollback(Rollback),
    Confirm(Author, Revision),
    ChangeMappings(ChangeMappings),
    AddPort(AddPort),
    RemovePort(RemovePort),
}

impl Order {
    /// Who asked for it, and the id they gave it.
    pub(crate) fn whose(&self) -> (Author, Option<&str>) {
        let (author, request) = match self {
            Self::Apply(order) => (order.author, &order.request),
            Self::Rollback(order) => (order.author, &order.request),
            Self::Confirm(author, _) => (*author, &None),
            Self::ChangeMappings(order) => (order.author, &order.request),
            Self::AddPort(order) => (order.author, &order.request),
            Self::RemovePort(order) => (order.author, &order.request),
        };
        (author, request.as_ref().map(RequestId::as_str))
    }
}

pub(crate) struct FakeAdministration {
    pub(crate) state: Mutex<State>,
    pub(crate) events: Events,
    /// Mappings that fit.
    pub(crate) capacity: usize,
    /// Everything is refused with this.
    pub(crate) refuses: Option<Refusal>,
    /// Changes of mappings are answered, and that is all.
    pub(crate) idle: bool,
    /// Nothing is ever answered.
    pub(crate) silent: bool,
    /// The export is so many bytes longer.
    pub(crate) export_padding: usize,
    /// The network has a secret.
    pub(crate) secret: bool,
}

/// What has changed so far.
pub(crate) struct State {
    revision: Revision,
    history: Vec<HistoryEntry>,
    mappings: BTreeMap<(SegmentId, VirtualAddr), MappingPlace>,
    ports: Vec<String>,
    /// Revisions by the id of the request that made them.
    requests: HashMap<RequestId, Revision>,
    orders: Vec<Order>,
    /// Never to be answered.
    kept: Vec<Box<dyn Send>>,
}

fn entry(revision: u64, uid: Option<u32>, cause: Cause, summary: &str) -> HistoryEntry {
    HistoryEntry {
        revision: Revision(revision),
        at: UNIX_EPOCH + NOW - Duration::from_secs(3600 * (810 - revision.min(810))),
        author: Author { uid },
        cause,
        summary: summary.to_owned(),
        current: false,
        reverts_at: None,
    }
}

impl Default for FakeAdministration {
    fn default() -> Self {
        let mut current = entry(809, Some(0), Cause::Applied, "network z: 1 node moves");
        current.current = true;
        let history = vec![
            current,
            entry(790, Some(0), Cause::Applied, "network z: 1 segment more"),
            entry(1, None, Cause::Configured, "1 network"),
        ];
        Self {
            state: Mutex::new(State {
                revision: Revision(812),
                history,
                mappings: BTreeMap::new(),
                ports: vec!["uplink0".to_owned(), "vm-a".to_owned()],
                requests: HashMap::new(),
                orders: Vec::new(),
                kept: Vec::new(),
            }),
            events: Events::new(Revision(812)),
            capacity: 100_000,
            refuses: None,
            idle: false,
            silent: false,
            export_padding: 0,
            secret: false,
        }
    }
}

impl FakeAdministration {
    /// All that was asked for, in order.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.state.lock().orders.clone()
    }

    /// The mappings that clients have loaded.
    pub(crate) fn loaded(&self) -> usize {
        self.state.lock().mappings.len()
    }

    /// The newest revision.
    pub(crate) fn revision(&self) -> Revision {
        self.state.lock().revision
    }

    /// Lets watchers see something.
    pub(crate) fn happens(&self, what: What) {
        let mut state = self.state.lock();
        state.revision.0 += 1;
        self.events.note(state.revision, [what].into_iter());
    }

    fn answer<T: Send + 'static>(
        &self,
        order: Order,
        carry_out: impl FnOnce(&mut State) -> Result<T, Refusal>,
    ) -> Pending<T> {
        let (answer, pending) = oneshot::channel();
        let mut state = self.state.lock();
        state.orders.push(order);
        if self.silent {
            state.kept.push(Box::new(answer));
            return pending;
        }
        let outcome = match &self.refuses {
            Some(refusal) => Err(refusal.clone()),
            None => carry_out(&mut state),
        };
        drop(state);
        let _ = answer.send(outcome);
        pending
    }
}

impl State {
    fn next(&mut self, request: Option<RequestId>) -> Revision {
        self.revision.0 += 1;
        if let Some(request) = request {
            self.requests.insert(request, self.revision);
        }
        self.revision
    }

    fn known(&self, request: Option<&RequestId>) -> Option<Revision> {
        self.requests.get(request?).copied()
    }

    fn topology(&self) -> Revision {
        let current = self.history.iter().find(|entry| entry.current);
        current.map_or(Revision(0), |entry| entry.revision)
    }

    /// A topology comes into force.
    fn in_force(&mut self, author: Author, cause: Cause, reverts_at: Option<SystemTime>) {
        for old in &mut self.history {
            old.current = false;
            old.reverts_at = None;
        }
        let newest = HistoryEntry {
            revision: self.revision,
            at: UNIX_EPOCH + NOW,
            author,
            cause,
            summary: SUMMARY.to_owned(),
            current: true,
            reverts_at,
        };
        self.history.insert(0, newest);
    }
}

const SUMMARY: &str = "network z: 1 node more, 1 node moves";

/// What a text that asks for nothing else changes.
pub(crate) fn plan() -> Plan {
    let line = |change, name: &str, detail: &str| PlanLine {
        change,
        what: "node",
        name: name.to_owned(),
        network: "z".to_owned(),
        detail: detail.to_owned(),
        mappings: 1,
    };
    Plan {
        lines: vec![
            line(Change::Added, "b", "on host r, port vm-b"),
            line(Change::Changed, "g", "moves from host s to host t"),
        ],
        mappings_added: 1,
        mappings_changed: 1,
        mappings_removed: 0,
        entities: vec!["Z".to_owned()],
        losses: "No packet is lost by this change, except to node g while it moves.".to_owned(),
    }
}

fn diagnostics(file: &Arc<Path>, text: &str) -> Vec<Diagnostic> {
    let of_line = |(number, line): (usize, &str)| {
        let said = |severity, message: &str| Diagnostic {
            severity,
            place: Place {
                file: Arc::clone(file),
                line: u32::try_from(number + 1).unwrap(),
                column: 1,
            },
            message: message.to_owned(),
            remedy: "leave that line out".to_owned(),
        };
        let fault = line.strip_prefix("fault: ");
        let recommend = line.strip_prefix("recommend: ");
        fault
            .map(|words| said(Severity::Error, words))
            .or_else(|| recommend.map(|words| said(Severity::Warning, words)))
    };
    text.lines().enumerate().filter_map(of_line).collect()
}

impl Administration for FakeAdministration {
    fn apply(&self, order: Apply) -> Pending<Applied> {
        self.answer(Order::Apply(order.clone()), |state| {
            if let Some(revision) = state.known(order.request.as_ref()) {
                return Ok(Applied {
                    revision: Some(revision),
                    durable: true,
                    repeated: true,
                    ..Applied::default()
                });
            }
            let is = state.topology();
            if let Some(expected) = order.expected
                && expected != is
            {
                return Err(Refusal::Stale {
                    what: "topology",
                    expected,
                    is,
                });
            }
            let files = order.files.iter();
            let diagnostics: Vec<_> = files
                .flat_map(|(file, text)| diagnostics(file, text))
                .collect();
            let faulty = diagnostics.iter().any(|d| d.severity == Severity::Error);
            let unchanged = order
                .files
                .iter()
                .any(|(_, text)| text.contains("unchanged"));
            let answer = Applied {
                diagnostics,
                plan: if faulty || unchanged {
                    Plan::default()
                } else {
                    plan()
                },
                ..Applied::default()
            };
            if faulty || unchanged || order.dry_run {
                return Ok(answer);
            }
            let revision = state.next(order.request);
            let reverts_at = order.confirm_within.map(|time| UNIX_EPOCH + NOW + time);
            state.in_force(order.author, Cause::Applied, reverts_at);
            let what = What::Topology {
                summary: SUMMARY.to_owned(),
                reverts_at,
            };
            self.events.note(revision, [what].into_iter());
            Ok(Applied {
                revision: Some(revision),
                reverts_at,
                durable: true,
                seen: Some(SEEN),
                ..answer
            })
        })
    }

    fn rollback(&self, order: Rollback) -> Pending<Applied> {
        self.answer(Order::Rollback(order.clone()), |state| {
            let earlier = |entry: &&HistoryEntry| match order.to {
                Some(revision) => entry.revision == revision,
                None => !entry.current,
            };
            if !state.history.iter().any(|entry| earlier(&entry)) {
                return Err(Refusal::NotFound(match order.to {
                    Some(revision) => format!(
                        "there is no topology of revision {revision}; see: vswitchctl history"
                    ),
                    None => "there is no earlier topology".to_owned(),
                }));
            }
            let answer = Applied {
                plan: plan(),
                ..Applied::default()
            };
            if order.dry_run {
                return Ok(answer);
            }
            let revision = state.next(order.request);
            state.in_force(order.author, Cause::RolledBack, None);
            let what = What::Topology {
                summary: SUMMARY.to_owned(),
                reverts_at: None,
            };
            self.events.note(revision, [what].into_iter());
            Ok(Applied {
                revision: Some(revision),
                durable: true,
                seen: Some(SEEN),
                ..answer
            })
        })
    }

    fn confirm(&self, author: Author, revision: Revision) -> Pending<Revision> {
        self.answer(Order::Confirm(author, revision), |state| {
            let waits = |entry: &&mut HistoryEntry| {
                entry.revision == revision && entry.reverts_at.is_some()
            };
            match state.history.iter_mut().find(waits) {
                Some(entry) => {
                    entry.reverts_at = None;
                    Ok(revision)
                }
                None => Err(Refusal::NotNow(format!(
                    "revision {revision} does not wait to be confirmed; see: vswitchctl history"
                ))),
            }
        })
    }

    fn change_mappings(&self, order: ChangeMappings) -> Pending<Committed> {
        if self.idle {
            let (answer, pending) = oneshot::channel();
            let _ = answer.send(Ok(Committed::default()));
            return pending;
        }
        self.answer(Order::ChangeMappings(order.clone()), |state| {
            if let Some(revision) = state.known(order.request.as_ref()) {
                return Ok(Committed {
                    revision,
                    durable: !order.learned,
                    repeated: true,
                    ..Committed::default()
                });
            }
            let is = state.revision;
            if let Some(expected) = order.expected
                && expected != is
            {
                return Err(Refusal::Stale {
                    what: "vswitch",
                    expected,
                    is,
                });
            }
            // As a whole or not at all.
            let mut after = state.mappings.clone();
            let mut committed = Committed {
                durable: !order.learned,
                seen: SEEN,
                ..Committed::default()
            };
            for (at, change) in order.changes.iter().enumerate() {
                allowed(at, change)?;
                let key = (change.segment, change.address);
                let before = match change.place {
                    Some(place) => after.insert(key, place),
                    None => after.remove(&key),
                };
                let counter = match (before, change.place) {
                    (None, Some(_)) => &mut committed.added,
                    (Some(_), None) => &mut committed.removed,
                    (before, place) if before == place => &mut committed.unchanged,
                    _ => &mut committed.changed,
                };
                *counter += 1;
            }
            if after.len() > self.capacity {
                return Err(Refusal::TableFull {
                    table: "mappings",
                    used: state.mappings.len() as u64,
                    capacity: self.capacity as u64,
                    wanted: (after.len() - state.mappings.len()) as u64,
                });
            }
            state.mappings = after;
            committed.revision = state.next(order.request);
            let what = order.changes.into_iter().map(What::Mapping);
            self.events.note(committed.revision, what);
            Ok(committed)
        })
    }

    fn add_port(&self, order: AddPort) -> Pending<PortChanged> {
        self.answer(Order::AddPort(order.clone()), |state| {
            let name = name_of(&order.port);
            let Some(name) = name.as_deref() else {
                return Err(Refusal::Faults(vec![Diagnostic {
                    severity: Severity::Error,
                    place: Place::whole(Path::new("port")),
                    message: "the port has no name".to_owned(),
                    remedy: "write name: and a name".to_owned(),
                }]));
            };
            if state.ports.iter().any(|port| port == name) {
                return Err(Refusal::NotNow(format!(
                    "there is a port \"{name}\" already; choose another name, or remove that \
                     one first (vswitchctl port remove {name})"
                )));
            }
            state.ports.push(name.to_owned());
            let revision = state.next(order.request);
            let what = What::PortAdded(name.to_owned());
            self.events.note(revision, [what].into_iter());
            Ok(PortChanged {
                revision,
                name: name.to_owned(),
                durable: true,
            })
        })
    }

    fn remove_port(&self, order: RemovePort) -> Pending<PortChanged> {
        self.answer(Order::RemovePort(order.clone()), |state| {
            let Some(at) = state.ports.iter().position(|port| *port == order.name) else {
                return Err(Refusal::NotFound(format!(
                    "there is no port \"{}\"; the ports are: {}",
                    order.name,
                    state.ports.join(", ")
                )));
            };
            if order.name == "vm-a" {
                return Err(Refusal::NotNow(
                    "port vm-a has nodes behind it: a (network z); apply a topology without \
                     them first"
                        .to_owned(),
                ));
            }
            state.ports.remove(at);
            let revision = state.next(order.request);
            let what = What::PortRemoved(order.name.clone());
            self.events.note(revision, [what].into_iter());
            Ok(PortChanged {
                revision,
                name: order.name,
                durable: true,
            })
        })
    }

    fn hand_over(&self) -> Pending<()> {
        let (answer, pending) = tokio::sync::oneshot::channel();
        let _ = answer.send(Err(Refusal::TakenOver));
        pending
    }

    fn take_back(&self) {}

    fn history(&self) -> Vec<HistoryEntry> {
        self.state.lock().history.clone()
    }

    fn export(&self, networks: &[String]) -> Result<String, Refusal> {
        if let Some(other) = networks.iter().find(|name| *name != "z") {
            return Err(Refusal::NotFound(format!(
                "there is no network \"{other}\"; the networks are: z"
            )));
        }
        let padding = "# so long\n".repeat(self.export_padding.div_ceil(10));
        Ok(format!("---\nnetwork: z\nentity: Z\n{padding}"))
    }

    fn secretive(&self, _: &[String]) -> Option<String> {
        self.secret.then(|| "z".to_owned())
    }

    fn watch(&self, after: Option<Revision>) -> Result<Watch, TooOld> {
        self.events.watch(after)
    }
}

/// The name in an entry of `ports`.
fn name_of(port: &str) -> Option<String> {
    let file: Arc<Path> = Path::new("port").into();
    let entry = vnet::yaml::tree::read(&file, port, &mut Diagnostics::default())?;
    let Value::Map(keys) = entry.value else {
        return None;
    };
    let name = keys.into_iter().find(|entry| entry.key == "name")?;
    match name.value.value {
        Value::Scalar(name) => Some(name),
        _ => None,
    }
}

fn allowed(at: usize, change: &MappingChange) -> Result<(), Refusal> {
    let front = SegmentId::new(0xa001).unwrap();
    let MappingChange {
        segment, address, ..
    } = *change;
    if !(0xa001..=0xa002).contains(&segment.get()) {
        return Err(Refusal::NoSuchSegment {
            segment,
            change: at,
        });
    }
    let drawn = Ipv4Addr::new(10, 0, 0, 1)..=Ipv4Addr::new(10, 0, 0, 3);
    if segment == front && drawn.contains(&Ipv4Addr::from_bits(address.to_bits())) {
        return Err(Refusal::Drawn {
            segment,
            address,
            change: at,
        });
    }
    Ok(())
}
