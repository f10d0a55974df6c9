//! The commit thread: takes orders, one after the other, and does what is due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError};
use datapath::books::Ledger;
use datapath::tables::Drawn;
use packet::{Locator, PacketBuf};
use tokio::sync::oneshot;
use vnet::compiled::{Compiled, Host};
use vnet::topology::networks::NetworkTexts;

use super::custody::Custody;
use super::durable::Durable;
use super::handle::Orders;
use super::in_force::{InForce, Showcase};
use super::mappings::{Asked, GROUP, Known};
use super::occupancy::Occupancy;
use super::order::{AddPort, Applied, Apply, Author, PortChanged, RemovePort, Revision, Rollback};
use super::refusal::Refusal;
use super::requests::Requests;
use super::writer::TableWriter;
use crate::config::{Frame, FramePort, TableLimits};
use crate::observe::MtuPaths;
use crate::ports::live::PortSet;
use crate::slow_path::Leader;
use crate::state::{PortText, RequestId, TopologyRecord, Unconfirmed};
use crate::worker::panel::PatchPanel;
use crate::worker::punts::PuntRings;

/// What is asked of the commit thread.
pub(super) enum Order {
    Apply(Apply, Answer<Applied>),
    Rollback(Rollback, Answer<Applied>),
    Confirm(Author, Revision, Answer<Revision>),
    ChangeMappings(Asked),
    AddPort(AddPort, Answer<PortChanged>),
    RemovePort(RemovePort, Answer<PortChanged>),
    HandOver(Answer<()>),
    TakeBack,
    /// No more.
    End,
}

/// Where an answer goes.
pub(super) struct Answer<T>(pub(super) oneshot::Sender<Result<T, Refusal>>);

impl<T> Answer<T> {
    /// Gives it. Who asked may have gone.
    pub(super) fn give(self, answer: Result<T, Refusal>) {
        let _ = self.0.send(answer);
    }
}

/// Everything the commit thread owns.
pub struct Clerk<B> {
    pub(super) orders: Receiver<Order>,
    pub(super) writer: TableWriter,
    pub(super) durable: Durable,
    pub(super) custody: Custody,
    pub(super) show: Arc<Showcase>,
    /// The newest revision.
    pub(super) revision: Revision,
    pub(super) requests: Requests,
    /// What networks are held against.
    pub(super) frame: Arc<Frame>,
    /// What was drawn.
    pub(super) networks: Arc<NetworkTexts>,
    pub(super) compiled: Arc<Compiled>,
    /// All hosts, by id: those that the topology knows, and those that clients
    /// have brought.
    pub(super) hosts: Vec<Host>,
    pub(super) known: Known,
    pub(super) history: Vec<TopologyRecord>,
    pub(super) unconfirmed: Option<Unconfirmed>,
    /// Finds ways to new hosts, and joins the groups of new tenants.
    pub(super) leader: Leader,
    /// The ports, and those of them that were added at run time.
    pub(super) panel: PatchPanel<B>,
    pub(super) added_ports: Vec<PortText>,
    /// Books that must have the lines of what is drawn anew.
    pub(super) ledgers: Vec<Arc<Ledger>>,
    pub(super) mtu_paths: Arc<MtuPaths>,
    pub(super) occupancy: Occupancy,
    /// Where the workers' clock begins.
    pub(super) started: Instant,
    /// How long the old place of who has moved is remembered.
    pub(super) move_grace: Duration,
    /// Where workers tell of claims.
    pub(super) punts: Arc<PuntRings<B>>,
    /// When learned mappings are looked at again.
    pub(super) learned_due: Instant,
}

/// What the commit thread begins with: what is in force at the start.
pub struct Beginning<B> {
    /// Its orders.
    pub orders: Orders,
    /// The tables.
    pub writer: TableWriter,
    /// What survives.
    pub durable: Durable,
    /// Where it shows what it has done.
    pub show: Arc<Showcase>,
    /// The requests that were carried out before.
    pub requests: Vec<(RequestId, Revision)>,
    /// What networks are held against.
    pub frame: Arc<Frame>,
    /// The way to the slow path.
    pub leader: Leader,
    /// The ports.
    pub panel: PatchPanel<B>,
    /// Those of them that were added at run time before.
    pub added_ports: Vec<PortText>,
    /// All books.
    pub ledgers: Vec<Arc<Ledger>>,
    /// How many entries tables have room for.
    pub limits: TableLimits,
    /// Where the workers' clock begins.
    pub started: Instant,
    /// How long the old place of who has moved is remembered.
    pub move_grace: Duration,
    /// Where workers tell of claims.
    pub punts: Arc<PuntRings<B>>,
}

impl<B: PacketBuf + 'static> From<Beginning<B>> for Clerk<B> {
    fn from(beginning: Beginning<B>) -> Self {
        let Beginning {
            orders: Orders(orders),
            show,
            ..
        } = beginning;
        let in_force = show.in_force();
        let mut known = Known::default();
        known.set_segments(&in_force.compiled.segments);
        known.set_hosts(&in_force.hosts);
        let mut clerk = Self {
            orders,
            writer: beginning.writer,
            durable: beginning.durable,
            custody: Custody::default(),
            revision: show.revision(),
            requests: Requests::recovered(beginning.requests),
            frame: beginning.frame,
            networks: Arc::clone(&in_force.networks),
            compiled: Arc::clone(&in_force.compiled),
            hosts: in_force.hosts.to_vec(),
            known,
            history: in_force.history.to_vec(),
            unconfirmed: in_force.unconfirmed,
            leader: beginning.leader,
            panel: beginning.panel,
            added_ports: beginning.added_ports,
            ledgers: beginning.ledgers,
            mtu_paths: Arc::clone(&in_force.mtu_paths),
            occupancy: Occupancy::new(beginning.limits),
            started: beginning.started,
            move_grace: beginning.move_grace,
            punts: beginning.punts,
            learned_due: Instant::now(),
            show,
        };
        clerk.recall_learned();
        clerk.show_tables();
        clerk
    }
}

/// Learned mappings are written so often.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// So often it looks for what is due when there is no order: memory that waits,
/// a topology that goes back.
const TURN: Duration = Duration::from_millis(50);
/// The same, where interfaces may claim addresses.
const CLAIMS_TURN: Duration = Duration::from_millis(3);

impl<B: PacketBuf + 'static> Clerk<B> {
    /// Takes orders until it is told to end. Gives the ports back: their devices
    /// must outlive the workers.
    pub fn run(mut self) -> PatchPanel<B> {
        let mut flush_due = Instant::now() + FLUSH_EVERY;
        let mut next = None;
        loop {
            let order = match next.take() {
                Some(order) => Ok(order),
                None => self.orders.recv_timeout(self.turn()),
            };
            match order {
                Ok(Order::ChangeMappings(first)) => {
                    let (group, other) = self.gather(first);
                    next = other;
                    match self.may_change() {
                        Ok(()) => self.change_mappings(group),
                        Err(refusal) => refuse_all(group, &refusal),
                    }
                }
                Ok(Order::Apply(order, answer)) => {
                    let may = self.may_change().or_else(|no| only_if(order.dry_run, no));
                    answer.give(may.and_then(|()| self.apply(order)));
                }
                Ok(Order::Rollback(order, answer)) => {
                    let may = self.may_change().or_else(|no| only_if(order.dry_run, no));
                    answer.give(may.and_then(|()| self.rollback(&order)));
                }
                Ok(Order::Confirm(author, revision, answer)) => {
                    let may = self.may_change();
                    answer.give(may.and_then(|()| self.confirm(author, revision)));
                }
                Ok(Order::AddPort(order, answer)) => {
                    answer.give(self.may_change().and_then(|()| self.add_port(&order)));
                }
                Ok(Order::RemovePort(order, answer)) => {
                    answer.give(self.may_change().and_then(|()| self.remove_port(&order)));
                }
                Ok(Order::HandOver(answer)) => answer.give(self.hand_over()),
                Ok(Order::TakeBack) => self.take_back(),
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.writer.tidy_idle();
                    self.panel.tend();
                }
            }
            self.open_again();
            if self.may_change().is_ok() {
                while self.take_claims() {}
                self.look_after_learned();
                self.revert_if_due();
                self.look_after_file();
            }
            if Instant::now() >= flush_due {
                flush_due = Instant::now() + FLUSH_EVERY;
                self.durable.flush();
            }
        }
        if let Err(error) = self.durable.close() {
            tracing::error!(%error, "what was learned last may be lost");
        }
        self.panel
    }

    /// How long it waits for an order. Claims are no orders: a neighbour waits for
    /// what they change.
    fn turn(&self) -> Duration {
        match self.compiled.claimants.as_slice() {
            [] => TURN,
            _ => CLAIMS_TURN,
        }
    }

    /// The transactions that wait, as many as are worth doing at once, and what
    /// came after them.
    fn gather(&self, first: Asked) -> (Vec<Asked>, Option<Order>) {
        let mut changes = first.0.changes.len();
        let mut group = vec![first];
        while changes < GROUP {
            match self.orders.try_recv() {
                Ok(Order::ChangeMappings(asked)) => {
                    changes += asked.0.changes.len().max(1);
                    group.push(asked);
                }
                Ok(other) => return (group, Some(other)),
                Err(_) => break,
            }
        }
        (group, None)
    }

    /// Keeps the state file from growing with every change.
    fn look_after_file(&mut self) {
        let mappings = self.writer.mappings.len() as u64;
        if self.durable.wants_checkpoint(mappings) {
            self.durable.begin_checkpoint(self.writer.publisher());
        }
        self.durable.checkpoint_step();
    }

    /// Makes hosts known: to the slow path, which finds the ways to them, and
    /// to the next root.
    pub(super) fn add_hosts(&mut self, locators: &[Locator]) {
        for &locator in locators {
            self.hosts.push(Host {
                name: locator.to_string(),
                locator,
            });
        }
        self.hosts_changed();
        self.leader.lead(self.writer.peers());
        self.show();
    }

    /// [`Clerk::hosts`] has grown.
    pub(super) fn hosts_changed(&mut self) {
        self.writer.set_hosts(&self.hosts);
        self.known.set_hosts(&self.hosts);
    }

    /// The tables for these networks on these ports; all books get the lines
    /// that they need.
    pub(super) fn draw(&self, compiled: &Compiled, ports: &PortSet) -> Result<Arc<Drawn>, Refusal> {
        let drawn = self.writer.drawn.followed_by(compiled, &ports.entries());
        let rows = drawn.ports.rows();
        for ledger in &self.ledgers {
            let ensured = ledger.ensure(rows);
            ensured.map_err(|error| Refusal::NotNow(error.to_string()))?;
        }
        Ok(Arc::new(drawn))
    }

    /// The ports, as networks are held against them.
    pub(super) fn frame_ports(&self) -> Vec<Option<FramePort>> {
        let live = self.panel.live().now();
        let mtus = live.mtus();
        let known = live.known().into_iter().zip(mtus);
        known
            .map(|(known, mtu)| {
                Some(FramePort {
                    known: known?,
                    mtu: mtu?,
                })
            })
            .collect()
    }

    /// Shows what is in force.
    pub(super) fn show(&self) {
        self.show.show(InForce {
            compiled: Arc::clone(&self.compiled),
            networks: Arc::clone(&self.networks),
            hosts: Arc::new(self.hosts.clone()),
            drawn: Arc::clone(&self.writer.drawn),
            path_mtus: Arc::clone(&self.writer.path_mtus),
            mtu_paths: Arc::clone(&self.mtu_paths),
            history: Arc::new(self.history.clone()),
            unconfirmed: self.unconfirmed,
        });
    }

    /// Shows how full the tables are.
    pub(super) fn show_tables(&mut self) {
        let tables = self.occupancy.of(&self.writer, &self.compiled, &self.hosts);
        for alarm in self.occupancy.crossed(&tables) {
            self.show
                .events
                .note(self.revision, core::iter::once(alarm));
        }
        self.show.show_tables(tables);
    }
}

fn refuse_all(group: Vec<Asked>, refusal: &Refusal) {
    for (_, answer) in group {
        answer.give(Err(refusal.clone()));
    }
}

/// What only looks is never refused.
fn only_if(looks: bool, refusal: Refusal) -> Result<(), Refusal> {
    if looks { Ok(()) } else { Err(refusal) }
}
