//! The patch panel: plugs ports into running workers, and out again.
//!
//! A change has steps, so that whoever changes more than the ports can put its
//! own between them and go back: [`PatchPanel::open`] opens a device that nobody
//! sees yet, [`PatchPanel::plug`] gives it to all workers, [`PatchPanel::unplug`]
//! takes it back from them; an [`Unplugged`] port is closed where it is dropped,
//! which is never on a worker.
//!
//! A worker that does not answer in time leaves nothing half done: what the
//! others have got is taken back, what they gave is given again. If even that
//! takes too long, it ends in a later call: see [`PatchPanel::tend`].

mod error;
mod exchange;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};
use std::time::Duration;

use datapath::books::RowId;
use datapath::tables::PortRole;
use packet::PacketBuf;
use vnet::compiled::PortId;

pub use self::error::{AddPortError, RemovePortError, StuckWorker};
use self::exchange::{Exchange, Wanted};
use super::deal::{Ends, Share, deal, poller};
use super::hand::Hand;
use crate::config::{Memory, PortConfig};
use crate::ports::OpenPort;
use crate::ports::live::{LivePort, LivePorts, MAX_PORTS, PortFacts, PortSet};
use crate::ports::memory::MemoryHandle;
use crate::ports::opener::PortOpener;
use crate::ports::sizing::later::{self, NoRoom};
use crate::ports::sizing::{Demand, PortSize, Sizes};

/// How long a worker may take for one turn before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(2);

/// A port of the start, opened.
pub struct FirstPort<B> {
    /// What it was opened from.
    pub config: PortConfig,
    /// What is behind it.
    pub role: PortRole,
    /// The line of the books for what cannot be attributed further.
    pub row: RowId,
    /// The port.
    pub open: OpenPort<B>,
}

/// What a daemon was started with, and has as long as it runs.
#[derive(Debug, Clone)]
pub struct Started {
    /// The sizes of its pool.
    pub sizes: Sizes,
    /// How many workers turn.
    pub workers: u16,
    /// Where memory comes from.
    pub memory: Memory,
    /// Buffers that the slow path may hold, and the rings to and from it.
    pub held: u32,
}

/// A port that is open, and that no worker has. Dropping it closes it.
///
/// As long as this is, no other port gets its id. So one that was taken out is
/// to be kept until no worker reads tables any more that name its id: else
/// what they send there would go out by the next port that gets it.
pub struct Unplugged<B> {
    // In this order: the queues go before the device, and the id comes free
    // when all is gone.
    shares: Vec<Share<B>>,
    memory: Option<MemoryHandle<B>>,
    device: Device,
}

impl<B> Unplugged<B> {
    /// The port, as it will be, or was, among the live ones.
    pub fn port(&self) -> &Arc<LivePort> {
        &self.device.live
    }

    /// What works less well than it could, for the log.
    pub fn warnings(&self) -> &[String] {
        &self.device.warnings
    }

    /// The other end of a memory port, once.
    pub fn take_memory(&mut self) -> Option<MemoryHandle<B>> {
        self.memory.take()
    }

    /// Closes the port. When this returns, its device is gone.
    pub fn close(self) {
        drop(self);
    }
}

impl<B> core::fmt::Debug for Unplugged<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Unplugged")
            .field("port", &self.device.live)
            .finish_non_exhaustive()
    }
}

/// A port without its queues.
struct Device {
    live: Arc<LivePort>,
    owners: usize,
    warnings: Vec<String>,
    /// Keeps the id taken.
    _claim: Arc<PortId>,
}

impl Drop for Device {
    fn drop(&mut self) {
        // Listings may hold the port for a while: not the device.
        drop(self.live.close());
    }
}

/// Owns what is open, as far as the workers do not have it.
pub struct PatchPanel<B> {
    live: Arc<LivePorts>,
    opener: Box<dyn PortOpener<B>>,
    started: Started,
    exchange: Exchange<B, Device>,
    /// By id: free once nobody holds the claim.
    claims: Vec<Weak<PortId>>,
    patience: Duration,
}

impl<B: PacketBuf + 'static> PatchPanel<B> {
    /// A panel with the ports of the start plugged in; their ids are their
    /// places. Each hand is for one worker.
    pub fn new(
        started: Started,
        opener: Box<dyn PortOpener<B>>,
        first: Vec<FirstPort<B>>,
    ) -> (Self, Vec<Hand<B>>) {
        let (exchange, mailboxes) = Exchange::new(started.workers);
        let mut hands: Vec<Hand<B>> = mailboxes.into_iter().map(Hand::new).collect();
        let mut panel = Self {
            live: Arc::default(),
            opener,
            started,
            exchange,
            claims: Vec::new(),
            patience: PATIENCE,
        };
        let mut set = PortSet::default();
        for (id, port) in (0..).map(PortId).zip(first) {
            let mut unplugged = panel.deal(id, port.config, port.role, port.open);
            unplugged.set_row(port.row);
            set = set.with(Arc::clone(unplugged.port()));
            panel.put(unplugged);
            panel.exchange.hand_out(id, |worker, share| {
                if let Some(hand) = hands.get_mut(usize::from(worker.0)) {
                    hand.polled.extend(share.polled);
                    if let Some(lane) = share.lane {
                        hand.outbox.open(id, lane);
                    }
                }
            });
        }
        panel.live.set(set);
        (panel, hands)
    }

    /// Waits so long for a worker before it counts as stuck.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The open ports, as they change.
    pub fn live(&self) -> &Arc<LivePorts> {
        &self.live
    }

    /// Opens a port of nodes, which no worker and nobody else sees yet.
    ///
    /// # Errors
    /// [`AddPortError`]; nothing has changed.
    pub fn open(&mut self, config: PortConfig) -> Result<Unplugged<B>, AddPortError> {
        self.tend();
        self.check(&config)?;
        let Some(id) = (0..MAX_PORTS).map(PortId).find(|id| self.is_free(*id)) else {
            return Err(AddPortError::Full { port: config.name });
        };
        let size = self.admit(&config)?;
        let open = self.opener.open(&config, &size)?;
        Ok(self.deal(id, config, PortRole::Node, open))
    }

    /// Plugs an open port into all workers. When this returns, each of them
    /// polls its queues and sends by it, and it is among the live ports.
    ///
    /// The books must know the port before: its line, and its id.
    ///
    /// # Errors
    /// A worker did not answer: the port is closed, and all is as it was.
    pub fn plug(&mut self, mut port: Unplugged<B>, row: RowId) -> Result<(), StuckWorker> {
        port.set_row(row);
        let live = Arc::clone(port.port());
        self.put(port);
        let plugged = self.bring(&live, Wanted::In);
        match plugged {
            Ok(()) => self.live.set(self.live.now().with(live)),
            // What is not back yet is closed when it is.
            Err(_) => self.tend(),
        }
        plugged
    }

    /// Unplugs a port of nodes from all workers: they have sent what they had
    /// for it, and what still comes for it is booked as refused. It is no live
    /// port any more, yet still open: it may be plugged in again.
    ///
    /// # Errors
    /// [`RemovePortError`]: nothing has changed.
    pub fn unplug(&mut self, name: &str) -> Result<Unplugged<B>, RemovePortError> {
        self.tend();
        let no_such_port = || RemovePortError::NoSuchPort {
            name: name.to_owned(),
        };
        let now = self.live.now();
        let live = now.find(name).ok_or_else(no_such_port)?;
        if live.role() != PortRole::Node {
            return Err(RemovePortError::NotOfNodes {
                name: name.to_owned(),
            });
        }
        self.bring(live, Wanted::Out)?;
        let (shares, device) = self.exchange.take(live.id()).ok_or_else(no_such_port)?;
        self.live.set(now.without(live.id()));
        Ok(Unplugged {
            shares,
            memory: None,
            device,
        })
    }

    /// Ends what a stuck worker left unfinished, once it turns again. Every
    /// other call does so, too; to be called now and then.
    pub fn tend(&mut self) {
        self.exchange.advance();
        drop(self.exchange.take_all_out());
    }

    fn bring(&mut self, port: &LivePort, wanted: Wanted) -> Result<(), StuckWorker> {
        let brought = self.exchange.bring(port.id(), wanted, self.patience);
        brought.map_err(|worker| StuckWorker {
            worker,
            port: port.name().to_owned(),
            waited: self.patience,
        })
    }

    /// Is the name, and the device, nobody else's?
    fn check(&self, config: &PortConfig) -> Result<(), AddPortError> {
        // Of those that a stuck worker has not given back, too.
        let open = || self.exchange.kept().map(|device| &device.live);
        if open().any(|port| port.name() == config.name) {
            return Err(AddPortError::Exists {
                name: config.name.clone(),
            });
        }
        let Some(device) = config.source.exclusive_device() else {
            return Ok(());
        };
        let its = |port: &Arc<LivePort>| port.config().source.exclusive_device();
        match open().find(|port| its(port).as_ref() == Some(&device)) {
            None => Ok(()),
            Some(other) => Err(AddPortError::DeviceTaken {
                port: config.name.clone(),
                device,
                other: other.name().to_owned(),
            }),
        }
    }

    fn admit(&self, config: &PortConfig) -> Result<PortSize, NoRoom> {
        let ports = self.exchange.kept();
        let ports: Vec<PortConfig> = ports.map(|port| port.live.config().clone()).collect();
        let now = Demand {
            ports: &ports,
            workers: self.started.workers,
            memory: self.started.memory,
            held: self.started.held,
            reserve: Some(0),
        };
        later::admit(&self.started.sizes, &now, config)
    }

    fn deal(
        &mut self,
        id: PortId,
        config: PortConfig,
        role: PortRole,
        open: OpenPort<B>,
    ) -> Unplugged<B> {
        let workers = self.started.workers;
        let ends = Ends {
            rx: open.rx,
            tx: open.tx,
        };
        let queues = 0..ends.rx.len();
        let facts = PortFacts {
            id,
            config,
            role,
            mac: open.mac,
            polled_by: queues.map(|queue| poller(id, queue, workers)).collect(),
        };
        let owners = ends.tx.len();
        Unplugged {
            shares: deal(id, role, RowId::default(), ends, workers),
            memory: open.memory,
            device: Device {
                live: Arc::new(LivePort::new(facts, open.monitor)),
                owners,
                warnings: open.warnings,
                _claim: self.claim(id),
            },
        }
    }

    fn put(&mut self, port: Unplugged<B>) {
        let (id, owners) = (port.port().id(), port.device.owners);
        self.exchange.put(id, owners, port.shares, port.device);
    }

    fn is_free(&self, id: PortId) -> bool {
        let claim = self.claims.get(usize::from(id.0));
        claim.is_none_or(|claim| claim.strong_count() == 0)
    }

    fn claim(&mut self, id: PortId) -> Arc<PortId> {
        let claim = Arc::new(id);
        let at = usize::from(id.0);
        if self.claims.len() <= at {
            self.claims.resize_with(at + 1, Weak::new);
        }
        if let Some(place) = self.claims.get_mut(at) {
            *place = Arc::downgrade(&claim);
        }
        claim
    }
}

impl<B> Unplugged<B> {
    fn set_row(&mut self, row: RowId) {
        let queues = self.shares.iter_mut().flat_map(|share| &mut share.polled);
        for queue in queues {
            queue.row = row;
        }
    }
}
