//! The slow path: everything that a packet needs and a worker must not do.
//!
//! One thread. It drives the substrate host (neighbour discovery, MLD, ping),
//! holds packets whose next hop is being resolved, publishes tables to the
//! workers and frees what they give back, and watches that they turn.
//!
//! * [`config`]: from the file to the substrate host.
//! * [`groups`]: who has joined which.
//! * [`hold`]: the packets that wait.
//! * [`lead`]: what the control side asks of it.
//! * [`residence`]: which addresses the next start may go on to use.
//! * [`watchdog`]: workers that stopped turning.

pub mod config;
pub mod groups;
pub mod hold;
pub mod lead;
pub mod residence;
pub mod watchdog;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use datapath::books::{Ledger, OutputNumbers};
use datapath::pipeline::kernel::{self, limit::KernelLimit};
use datapath::pipeline::{DropReason, Punt, Punted};
use datapath::snooping::Membership;
use datapath::substrate::{
    AddressInfo, AddressState, Counts, Effect, NeighborInfo, NextHopId, SubstrateHost, UplinkTable,
};
use datapath::tables::publish::Publication;
use datapath::tables::{PortRole, Tables, UseMarks};
use packet::{BufPool, PacketBuf};
use parking_lot::Mutex;
use vnet::compiled::PortId;

use self::groups::Groups;
use self::hold::{Held, HoldQueue};
use self::lead::{Lead, Led, Word};
pub use self::lead::{Leader, leading};
use self::watchdog::Watchdog;
use crate::commit::SharedPublisher;
use crate::ports::LinkState;
use crate::ports::live::LivePorts;
use crate::worker::Injection;
use crate::worker::punts::PuntRings;

/// Turns without work before the thread naps, and for how long.
const NAP: Duration = Duration::from_micros(250);
/// How often listings are brought up to date.
const VIEW_EVERY: Duration = Duration::from_millis(100);
/// Packets taken per turn.
const TURN: usize = 64;

/// What listings show of the substrate.
#[derive(Debug, Clone, Default)]
pub struct SubstrateView {
    /// The neighbours.
    pub neighbors: Vec<NeighborInfo>,
    /// Packets that wait, by the place in `neighbors`.
    pub held: Vec<usize>,
    /// The host's addresses.
    pub addresses: Vec<AddressInfo>,
    /// What became of the frames that the host was given.
    pub counts: Counts,
    /// Which next hops lead where.
    pub uplinks: Arc<UplinkTable>,
    /// Who has joined which group.
    pub memberships: Vec<Membership>,
    /// When this was true.
    pub at: Duration,
}

/// Everything the slow path owns.
pub struct SlowPath<P: BufPool> {
    /// The substrate side.
    pub host: SubstrateHost,
    /// Where buffers for frames made here come from.
    pub pool: P,
    /// The tables, which the commit thread publishes, too.
    pub publisher: SharedPublisher,
    /// What the commit thread asks for.
    pub led: Led,
    /// Up from the workers.
    pub punts: Arc<PuntRings<P::Buf>>,
    /// Down to the workers, one each.
    pub injections: Vec<Arc<ArrayQueue<Injection<P::Buf>>>>,
    /// What it counts.
    pub ledger: Arc<Ledger>,
    /// What listings see.
    pub view: Arc<Mutex<SubstrateView>>,
    /// The workers, watched.
    pub watchdog: Watchdog,
    /// Set when it should end, after the workers.
    pub stop: Arc<AtomicBool>,
    /// Time zero.
    pub started: Instant,
    /// What the kernels have been told.
    pub kernel_limit: KernelLimit,
    /// Packets that wait.
    pub hold: HoldQueue<P::Buf>,
    /// Who has joined which group.
    pub groups: Groups,
    /// The ports: the uplinks' links are watched, and the offloads of all.
    pub ports: Arc<LivePorts>,
}

impl<P: BufPool> SlowPath<P> {
    /// Turns until told to stop; then drops what it holds, by reason.
    pub fn run(mut self) {
        let mut view_due = Duration::ZERO;
        while !self.stop.load(Ordering::Relaxed) {
            let now = self.started.elapsed();
            let busy = self.turn(now);
            if now >= view_due {
                view_due = now + VIEW_EVERY;
                self.watch_links(now);
                self.watch_offloads();
                self.show(now);
                self.watchdog.look(now);
                self.publisher.lock().collect();
            }
            self.ledger.boundary();
            if !busy {
                std::thread::sleep(NAP);
            }
        }
        self.turn(self.started.elapsed());
        while let Some(punted) = self.punts.pop() {
            self.ledger.book_drop(punted.row, DropReason::ShuttingDown);
        }
        for held in self.hold.release_all() {
            self.ledger.book_drop(held.row, DropReason::ShuttingDown);
        }
        self.ledger.boundary();
    }

    fn turn(&mut self, now: Duration) -> bool {
        let mut busy = self.follow(now) | self.tend_groups(now);
        for _ in 0..TURN {
            let Some(punted) = self.punts.pop() else {
                break;
            };
            busy = true;
            self.take(punted, now);
        }
        let used = Arc::clone(&self.publisher.lock().current().used);
        for next_hop in used.take() {
            let effects = self.host.mark_used(next_hop, now);
            self.carry_out(effects, now);
        }
        if self
            .host
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            let effects = self.host.tick(now);
            busy |= !effects.is_empty();
            self.carry_out(effects, now);
        }
        busy
    }

    /// Does what the commit thread asks for.
    fn follow(&mut self, now: Duration) -> bool {
        let Some((lead, done)) = self.led.next() else {
            return false;
        };
        let effects = match lead {
            Lead::Peers(peers) => self.host.set_peers(&peers, now),
            Lead::Tenants(tenants) => self.host.set_tenants(&tenants, now),
            Lead::Say(words) => {
                self.say(&words);
                Vec::new()
            }
        };
        self.carry_out(effects, now);
        // Who asked may have lost patience.
        let _ = done.send(());
        true
    }

    fn take(&mut self, punted: Punted<P::Buf>, now: Duration) {
        match punted.punt {
            Punt::ForHost => {
                let frame = punted.buf.data();
                let handled = self.host.handle(punted.port, frame, now);
                let heard = self.tell_kernel(punted.port, frame, now);
                match handled.refused {
                    Some(_) if !heard => {
                        self.ledger.book_drop(punted.row, DropReason::HostRefused);
                    }
                    _ => self.ledger.line(punted.row).consumed(),
                }
                self.carry_out(handled.effects, now);
            }
            // The agents have a thread and a ring of their own.
            Punt::Agent => self
                .ledger
                .book_drop(punted.row, DropReason::SnmpNotAnswered),
            Punt::Membership => self.hear_of_groups(&punted, now),
            Punt::Resolve(next_hop) => {
                let held = Held {
                    buf: punted.buf,
                    row: punted.row,
                };
                if self.destination_mac(next_hop).is_some() {
                    // It was resolved while the packet was on its way here.
                    self.send_held(next_hop, held);
                    return;
                }
                if let Some(displaced) = self.hold.hold(next_hop, held) {
                    self.ledger
                        .book_drop(displaced.row, DropReason::HoldQueueFull);
                }
                let effects = self.host.resolve(next_hop, now);
                self.carry_out(effects, now);
            }
        }
    }

    pub(crate) fn carry_out(&mut self, effects: Vec<Effect>, now: Duration) {
        for effect in effects {
            match effect {
                Effect::Send { port, frame } => self.generate(port, &frame),
                Effect::TableChanged => self.publish(now),
                Effect::Resolved { next_hop } => {
                    for held in self.hold.release(next_hop) {
                        self.send_held(next_hop, held);
                    }
                }
                Effect::Failed { next_hop } => {
                    for held in self.hold.release(next_hop) {
                        self.ledger
                            .book_drop(held.row, DropReason::NeighborUnreachable);
                    }
                }
            }
        }
    }

    /// Gives the uplink's kernel a copy of what it has to know, too. True if it
    /// gets one.
    fn tell_kernel(&mut self, uplink: PortId, frame: &[u8], now: Duration) -> bool {
        let uplinks = Arc::clone(&self.publisher.lock().current().uplinks);
        let mut all = uplinks.uplinks.iter().enumerate();
        let Some((at, Some(path))) =
            all.find_map(|(at, facts)| (facts.port == uplink).then_some((at, facts.kernel)))
        else {
            return false;
        };
        let hears =
            kernel::hears(&uplinks.own, frame) && self.kernel_limit.allows(at, path.rate, now);
        if hears {
            self.generate(path.port, frame);
        }
        hears
    }

    fn publish(&mut self, now: Duration) {
        let uplinks = Arc::new(self.host.snapshot());
        let mut publisher = self.publisher.lock();
        let current = publisher.current();
        let used = if current.used.len() == uplinks.next_hops.len() {
            Arc::clone(&current.used)
        } else {
            Arc::new(UseMarks::new(uplinks.next_hops.len()))
        };
        let next = Tables {
            uplinks,
            used,
            ..Tables::clone(current)
        };
        let Publication(publication) = publisher.publish(next);
        tracing::debug!(publication, ?now, "published tables");
    }

    fn destination_mac(&self, next_hop: NextHopId) -> Option<(PortId, packet::MacAddr)> {
        let publisher = self.publisher.lock();
        let entry = publisher
            .current()
            .uplinks
            .next_hops
            .get(next_hop.index())?;
        entry.destination_mac.map(|mac| (entry.port, mac))
    }

    fn send_held(&mut self, next_hop: NextHopId, mut held: Held<P::Buf>) {
        let Some((port, mac)) = self.destination_mac(next_hop) else {
            self.ledger
                .book_drop(held.row, DropReason::NeighborUnreachable);
            return;
        };
        if let Some(destination) = held.buf.data_mut().first_chunk_mut::<6>() {
            *destination = mac.octets();
        }
        if self.inject(port, held.buf) {
            self.ledger.line(held.row).forwarded();
        } else {
            self.ledger.book_drop(held.row, DropReason::HoldQueueFull);
        }
    }

    fn generate(&mut self, port: PortId, frame: &[u8]) {
        self.ledger.work().generated.add(1);
        let buf = self.pool.alloc_with(frame);
        if buf.is_none() {
            tracing::warn!("no buffer for a frame of the substrate host: the pool is exhausted");
        }
        if buf.is_some_and(|buf| self.inject(port, buf)) {
            return;
        }
        // Lost on its way to the worker that would have sent it.
        self.ledger.book_output(port, OutputNumbers::not_taken(1));
    }

    /// Gives a frame to a worker to send. The workers take turns by port, so
    /// that one uplink's frames stay in order.
    fn inject(&mut self, port: PortId, buf: P::Buf) -> bool {
        let taken = self.give(port, Injection::Send { port, buf });
        if taken {
            self.ledger.work().handed_on.add(1);
        }
        taken
    }

    fn give(&self, port: PortId, injection: Injection<P::Buf>) -> bool {
        let worker = usize::from(port.0).checked_rem(self.injections.len());
        let ring = worker.and_then(|worker| self.injections.get(worker));
        ring.is_some_and(|ring| ring.push(injection).is_ok())
    }

    /// Lets workers say something on behalf of interfaces: for the books it
    /// begins there. What is lost on the way is said again later.
    fn say(&mut self, words: &[Word]) {
        let drawn = Arc::clone(&self.publisher.lock().current().drawn);
        for &word in words {
            let Some(interface) = drawn.ports.interface(word.interface()) else {
                continue;
            };
            if let Some(buf) = self.pool.alloc_with(&word.frame()) {
                let _ = self.give(interface.port, Injection::Say { word, buf });
            }
        }
    }

    fn watch_links(&mut self, now: Duration) {
        let ports = self.ports.now();
        for port in ports.iter().filter(|port| port.role() == PortRole::Uplink) {
            let effects = match port.info().map(|info| info.link) {
                Some(LinkState::Up) => self.host.set_link(port.id(), true, now),
                Some(LinkState::Down) => self.host.set_link(port.id(), false, now),
                Some(LinkState::Unknown) | None => continue,
            };
            self.carry_out(effects, now);
        }
    }

    /// What a guest lets its port leave to it changes when it starts anew.
    fn watch_offloads(&self) {
        let drawn = Arc::clone(&self.publisher.lock().current().drawn);
        let table = &drawn.ports;
        for port in self.ports.now().iter() {
            table.set_offloads(port.id(), port.offloads());
        }
    }

    fn show(&mut self, now: Duration) {
        let neighbors = self.host.neighbors();
        let held = neighbors
            .iter()
            .map(|neighbor| neighbor.next_hop.map_or(0, |id| self.hold.waiting_for(id)))
            .collect();
        let addresses = self.host.addresses();
        let counts = self.host.counts().clone();
        let memberships = self.groups.memberships();
        let mut view = self.view.lock();
        report_duplicates(&view.addresses, &addresses);
        *view = SubstrateView {
            neighbors,
            held,
            addresses,
            counts,
            memberships,
            uplinks: Arc::clone(&self.publisher.lock().current().uplinks),
            at: now,
        };
    }
}

/// Tells the operator, once, that another station has one of our addresses.
fn report_duplicates(before: &[AddressInfo], now: &[AddressInfo]) {
    let duplicate = |info: &&AddressInfo| info.state == AddressState::Duplicate;
    for info in now.iter().filter(duplicate) {
        if !before
            .iter()
            .filter(duplicate)
            .any(|known| known.address == info.address)
        {
            tracing::error!(
                address = %info.address,
                "another station on the link has this host's address, so it is not used \
                 (RFC 4862 §5.4.5); give one of them another, then restart"
            );
        }
    }
}
