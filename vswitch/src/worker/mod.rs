//! The poll-mode workers: each owns its queues, its tables' snapshot, its
//! books, and shares nothing that it would have to lock.
//!
//! * [`deal`]: which worker gets which queue.
//! * [`hand`]: what a worker has of the ports.
//! * [`desk`]: how it gets ports, and gives them back, while it turns;
//!   [`panel`] plugs them in and out.
//! * [`outbox`]: frames staged per output port.
//! * [`punts`]: the ways up to the slow path.
//! * [`idle`]: what a worker does when there is nothing to do.

pub mod deal;
pub mod desk;
pub mod hand;
pub mod idle;
pub mod outbox;
pub mod panel;
pub mod punts;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam::queue::ArrayQueue;
use datapath::books::{Ledger, RowId};
use datapath::pipeline::{self, Burst, Claim, Exits, Punted, Settling, Word, WorkerState};
use datapath::tables::publish::Reader;
use datapath::tables::{PortRole, Tables};
use packet::{BufPool, PacketBuf};
use vnet::compiled::PortId;

use self::hand::Hand;
use self::idle::Idle;
use self::outbox::Outbox;
use self::punts::PuntRings;
use crate::ports::{Packets, RxQueue};

/// A receive queue and the port it belongs to.
pub struct Polled<B> {
    /// The port.
    pub port: PortId,
    /// What is behind it.
    pub role: PortRole,
    /// The line of the books for what cannot be attributed further.
    pub row: RowId,
    /// The queue.
    pub queue: Box<dyn RxQueue<B>>,
}

/// A frame that the slow path wants sent.
#[derive(Debug)]
pub enum Injection<B> {
    /// As it is.
    Send {
        /// Out of which port.
        port: PortId,
        /// The complete frame.
        buf: B,
    },
    /// On behalf of an interface of this host, through the pipeline.
    Say {
        /// What is said.
        word: Word,
        /// Its frame.
        buf: B,
    },
}

/// Everything one worker owns.
pub struct Worker<B> {
    /// What it polls, and where it sends.
    pub hand: Hand<B>,
    /// What it reads.
    pub tables: Reader<Tables>,
    /// What it remembers from packet to packet.
    pub state: WorkerState,
    /// Where buffers for the pieces of packets come from.
    pub pool: Box<dyn BufPool<Buf = B>>,
    /// The clock's zero.
    pub started: Instant,
    /// What it counts.
    pub ledger: Arc<Ledger>,
    /// Up to the slow path.
    pub punts: Arc<PuntRings<B>>,
    /// Down from the slow path.
    pub injections: Arc<ArrayQueue<Injection<B>>>,
    /// Set when it should end.
    pub stop: Arc<AtomicBool>,
    /// What it does when there is nothing to do.
    pub idle: Idle,
}

/// Turns that a worker goes on after it was told to stop, so that what the
/// ports hold already is still delivered.
const DRAIN_TURNS: u32 = 256;

impl<B: PacketBuf> Worker<B> {
    /// Turns until told to stop, then drains its queues and ends.
    pub fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let busy = self.turn();
            self.idle.after(busy);
        }
        for _ in 0..DRAIN_TURNS {
            if !self.turn() {
                break;
            }
        }
        self.ledger.boundary();
    }

    /// One turn over all queues. True if there was anything to do.
    fn turn(&mut self) -> bool {
        let mut busy = self.hand.change(&self.ledger) | self.send_injections();
        let Hand { polled, outbox, .. } = &mut self.hand;
        for polled in polled {
            let mut received = Packets::new();
            polled.queue.receive(&mut received);
            if received.is_empty() {
                continue;
            }
            busy = true;
            // The burst boundary: this burst reads one snapshot.
            self.tables.refresh();
            let tables = self.tables.snapshot();
            let mut burst = Burst::new(polled.port, self.started.elapsed());
            for buf in received {
                // Ports and pipeline have one burst size: it fits.
                let _ = burst.push(buf, polled.row);
            }
            match polled.role {
                PortRole::Node => pipeline::from_node(&mut burst, tables, &mut self.state),
                PortRole::Uplink => {
                    pipeline::from_substrate(&mut burst, tables, &mut self.state);
                }
                PortRole::Kernel => pipeline::from_kernel(&mut burst, tables),
            }
            let mut exits = Ways {
                outbox,
                ledger: &self.ledger,
                punts: &self.punts,
                pool: &mut *self.pool,
            };
            let with = Settling {
                tables,
                ledger: &self.ledger,
            };
            pipeline::settle(&mut burst, with, &mut self.state, &mut exits);
        }
        busy |= outbox.flush(&self.ledger);
        self.tables.refresh();
        let work = self.ledger.work();
        work.polls.add(1);
        work.idle_polls.add(u64::from(!busy));
        self.ledger.boundary();
        busy
    }

    fn send_injections(&mut self) -> bool {
        let mut busy = false;
        for _ in 0..pipeline::BURST {
            let Some(injection) = self.injections.pop() else {
                break;
            };
            busy = true;
            match injection {
                Injection::Send { port, buf } => {
                    self.ledger.work().taken_over.add(1);
                    self.hand.outbox.offer(port, buf, &self.ledger);
                }
                Injection::Say { word, buf } => self.say(&word, buf),
            }
        }
        busy
    }

    /// A word takes the way of a packet that its interface has sent, and is on
    /// the same line of the books.
    fn say(&mut self, word: &Word, buf: B) {
        self.tables.refresh();
        let tables = self.tables.snapshot();
        let now = self.started.elapsed();
        let Some(mut burst) = pipeline::claim::behalf::burst(word, buf, tables, now) else {
            return;
        };
        pipeline::on_behalf(&mut burst, word, tables, &mut self.state);
        let mut exits = Ways {
            outbox: &mut self.hand.outbox,
            ledger: &self.ledger,
            punts: &self.punts,
            pool: &mut *self.pool,
        };
        let with = Settling {
            tables,
            ledger: &self.ledger,
        };
        pipeline::settle(&mut burst, with, &mut self.state, &mut exits);
    }
}

struct Ways<'worker, B> {
    outbox: &'worker mut Outbox<B>,
    ledger: &'worker Ledger,
    punts: &'worker PuntRings<B>,
    pool: &'worker mut dyn BufPool<Buf = B>,
}

impl<B: PacketBuf> Exits<B> for Ways<'_, B> {
    fn buffer(&mut self) -> Option<B> {
        self.pool.alloc()
    }

    fn offer(&mut self, port: PortId, buf: B) {
        self.outbox.offer(port, buf, self.ledger);
    }

    fn punt(&mut self, punted: Punted<B>) -> Result<(), Punted<B>> {
        self.punts.push(punted)
    }

    fn claim(&mut self, claim: Claim) {
        self.punts.claim(claim);
    }
}
