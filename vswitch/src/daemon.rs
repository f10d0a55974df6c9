//! The daemon: puts the rooms together, starts the threads, and ends them in
//! order.
//!
//! Threads: one worker per configured core, the slow path, and the control
//! thread (this one). What each owns is moved into it; what they share is a
//! ring, a publication, or a ledger.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use datapath::books::{Ledger, NoMemory};
use datapath::pipeline::WorkerState;
use datapath::pipeline::kernel::limit::KernelLimit;
use datapath::substrate::{SubstrateConfigError, SubstrateHost};
use datapath::tables::publish::Publisher;
use datapath::tables::{
    Drawn, HostTable, MappingWriter, PathMtus, PortEntry, TableFull, Tables, UseMarks,
};
use packet::{BufPool, PacketBuf, SubstrateAddr, VirtualAddr};
use parking_lot::Mutex;
use vnet::compiled::PortId;

use crate::commit::{Closed, Revision};
use crate::config::HostConfig;
use crate::control::source::MappingKey;
use crate::control::{ControlError, ControlServer};
use crate::cores;
use crate::notify;
use crate::observe::{LastSeen, MtuPaths, Observer, ShownWorker};
use crate::ports::OpenPort;
use crate::ports::opener::PortOpener;
use crate::ports::sizing::Sizes;
use crate::slow_path::hold::HoldQueue;
use crate::slow_path::watchdog::Watchdog;
use crate::slow_path::{SlowPath, SubstrateView, config as substrate_config};
use crate::worker::Worker;
use crate::worker::idle::Idle;
use crate::worker::panel::{FirstPort, PatchPanel, Started};
use crate::worker::punts::{PUNT_RINGS, PuntRings};

/// Frames on their way to one worker.
const INJECTION_RING: usize = 512;

/// Frames that the rings between the workers and the slow path hold at most.
pub fn rings(workers: u16) -> usize {
    PUNT_RINGS + usize::from(workers) * INJECTION_RING
}

/// The daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The control socket.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The substrate section.
    #[error(transparent)]
    Substrate(#[from] SubstrateConfigError),
    /// More is drawn than there is room for.
    #[error(transparent)]
    Mappings(#[from] TableFull),
    /// More is drawn than there is memory to count.
    #[error(transparent)]
    Books(#[from] NoMemory),
    /// A thread or the runtime cannot be started.
    #[error("cannot start the {what}: {source}; is the limit of processes (ulimit -u) reached?")]
    Thread {
        /// Which.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs before a worker's first turn, on its thread: registers it with DPDK
/// where that runs. What it returns lives as long as the worker.
pub type WorkerPrologue = Arc<dyn Fn() -> Box<dyn core::any::Any> + Send + Sync>;

/// What differs between a daemon with DPDK and one without.
pub struct Platform<P: BufPool> {
    /// Where buffers come from.
    pub pool: P,
    /// DPDK's version, if it runs.
    pub dpdk: Option<String>,
    /// Runs first on each worker's thread.
    pub prologue: WorkerPrologue,
    /// Opens the ports that come later.
    pub opener: Box<dyn PortOpener<P::Buf>>,
    /// The sizes that the pool was made with.
    pub sizes: Sizes,
    /// Buffers that may be held between the workers and the slow path.
    pub held: u32,
}

/// Runs the daemon on open ports until SIGTERM or SIGINT.
///
/// # Errors
/// What keeps it from starting; once it turns, it ends only when told to.
pub fn run<P: BufPool + Clone + 'static>(
    config: HostConfig,
    ports: Vec<OpenPort<P::Buf>>,
    platform: Platform<P>,
    server: ControlServer,
    cores: &[Option<u16>],
) -> Result<(), DaemonError>
where
    P::Buf: 'static,
{
    let started = Instant::now();
    for warning in ports.iter().flat_map(|port| &port.warnings) {
        tracing::warn!("{warning}");
    }
    let macs: Vec<_> = ports.iter().map(|port| port.mac).collect();
    let worker_count = u16::try_from(cores.len()).unwrap_or(u16::MAX);
    let mut host = SubstrateHost::new(
        substrate_config::of(&config, &macs, worker_count, seed()),
        Duration::ZERO,
    )?;
    let mut first_effects = host.set_tenants(&own_tenants(&config), Duration::ZERO);
    first_effects.extend(host.tick(Duration::ZERO));

    let entries = ports.iter().zip((0..).map(PortId)).zip(&config.ports);
    let entries = entries.map(|((port, id), named)| PortEntry {
        name: named.name.as_str().into(),
        role: config.role(id),
        offloads: port.offloads,
    });
    let entries: Vec<_> = entries.map(Some).collect();
    let drawn = Drawn::new(&config.compiled, &entries);
    let drawn = Arc::new(drawn);
    let snapshot = Arc::new(host.snapshot());
    let path_mtus = Arc::new(PathMtus::new(config.compiled.hosts.len()));
    let mappings =
        MappingWriter::filled(config.compiled.mappings.len(), &config.compiled.mappings)?;
    let mut publisher = Publisher::new(Tables {
        version: mappings.version(),
        hosts: Arc::new(HostTable::of(&config.compiled.hosts)),
        mappings: Arc::clone(mappings.table()),
        drawn: Arc::clone(&drawn),
        used: Arc::new(UseMarks::new(snapshot.next_hops.len())),
        uplinks: snapshot,
        path_mtus: Arc::clone(&path_mtus),
    });

    let rows = drawn.ports.rows();
    let stop_workers = Arc::new(AtomicBool::new(false));
    let stop_slow_path = Arc::new(AtomicBool::new(false));
    let punts = Arc::new(PuntRings::default());
    let (panel, hands) = PatchPanel::new(
        Started {
            sizes: platform.sizes,
            workers: worker_count,
            memory: config.memory,
            held: platform.held,
        },
        platform.opener,
        first_ports(&config, ports, &drawn),
    );
    let mut workers = Vec::new();
    let mut shown = Vec::new();
    let mut injections = Vec::new();
    for ((index, core), hand) in (0..).zip(cores).zip(hands) {
        let ledger = Arc::new(Ledger::of(rows)?);
        let ring = Arc::new(ArrayQueue::new(INJECTION_RING));
        injections.push(Arc::clone(&ring));
        shown.push(ShownWorker {
            core: *core,
            ledger: Arc::clone(&ledger),
        });
        let worker = Worker {
            polled: hand.polled,
            outbox: hand.outbox,
            mailbox: hand.mailbox,
            tables: publisher.reader(),
            state: WorkerState::new(index, worker_count),
            pool: Box::new(platform.pool.clone()),
            started,
            ledger,
            punts: Arc::clone(&punts),
            injections: ring,
            stop: Arc::clone(&stop_workers),
            idle: Idle::new(config.workers.poll),
        };
        workers.push(spawn_worker(worker, index, *core, &platform.prologue)?);
    }

    let slow_ledger = Arc::new(Ledger::of(rows)?);
    let view = Arc::new(Mutex::new(SubstrateView::default()));
    let mut slow_path = SlowPath {
        host,
        pool: platform.pool,
        publisher,
        punts,
        injections,
        ledger: Arc::clone(&slow_ledger),
        view: Arc::clone(&view),
        watchdog: Watchdog::new(shown.iter().map(|w| Arc::clone(&w.ledger)).collect()),
        stop: Arc::clone(&stop_slow_path),
        started,
        kernel_limit: KernelLimit::default(),
        hold: HoldQueue::default(),
        ports: Arc::clone(panel.live()),
    };
    slow_path.carry_out(first_effects, Duration::ZERO);
    let slow_path = thread::Builder::new()
        .name("slow-path".into())
        .spawn(move || slow_path.run())
        .map_err(|source| DaemonError::Thread {
            what: "slow path",
            source,
        })?;

    let mappings = config.compiled.mappings.iter();
    let observer = Arc::new(Observer {
        mappings: mappings
            .map(|m| (MappingKey::new(m.segment, m.address), *m))
            .collect(),
        mtu_paths: MtuPaths::new(&config.compiled, path_mtus),
        config: Arc::new(config),
        drawn,
        workers: shown,
        slow_ledger,
        substrate: view,
        ports: Arc::clone(panel.live()),
        dpdk: platform.dpdk,
        started,
        last_seen: Mutex::new(LastSeen::default()),
    });
    let served = serve(server, Arc::clone(&observer));

    tracing::info!("stopping: draining the ports");
    stop_workers.store(true, Ordering::Relaxed);
    for worker in workers {
        join(worker, "a worker");
    }
    stop_slow_path.store(true, Ordering::Relaxed);
    join(slow_path, "the slow path");
    // The devices go last: nobody has a queue of theirs any more.
    drop(panel);
    served
}

/// The ports that the configuration names, with their places in the tables.
fn first_ports<B>(
    config: &HostConfig,
    ports: Vec<OpenPort<B>>,
    drawn: &Drawn,
) -> Vec<FirstPort<B>> {
    let configs = config.ports.iter().cloned();
    let numbered = (0..).map(PortId).zip(configs.zip(ports));
    numbered
        .map(|(id, (config, open))| FirstPort {
            config,
            role: drawn.ports.role(id),
            row: drawn.ports.rows().of(id, None),
            open,
        })
        .collect()
}

/// The control thread: answers clients until a signal says to end.
fn serve(server: ControlServer, observer: Arc<Observer>) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| DaemonError::Thread {
            what: "control thread",
            source,
        })?;
    runtime.block_on(async {
        let sampled = Arc::clone(&observer);
        let sampler = tokio::spawn(async move {
            let mut every_second = tokio::time::interval(Duration::from_secs(1));
            loop {
                every_second.tick().await;
                sampled.every_second();
            }
        });
        let ending = async {
            notify::until_told_to_end().await;
            notify::stopping();
        };
        notify::ready();
        tracing::info!(host = observer.config.host, "forwarding");
        let closed = Arc::new(Closed::new(Revision(0)));
        let served = server.serve(observer, closed, ending).await;
        sampler.abort();
        Ok(served?)
    })
}

fn spawn_worker<B: PacketBuf + 'static>(
    worker: Worker<B>,
    index: u16,
    core: Option<u16>,
    prologue: &WorkerPrologue,
) -> Result<JoinHandle<()>, DaemonError> {
    let prologue = Arc::clone(prologue);
    thread::Builder::new()
        .name(format!("worker-{index}"))
        .spawn(move || {
            if let Some(core) = core {
                cores::pin(core);
            }
            let _registration = prologue();
            worker.run();
        })
        .map_err(|source| DaemonError::Thread {
            what: "worker",
            source,
        })
}

/// The substrate addresses of this host's interfaces.
fn own_tenants(config: &HostConfig) -> Vec<Ipv6Addr> {
    let locator = config.substrate.locator;
    let interfaces = config.compiled.interfaces.iter();
    let substrate = |segment, address: &VirtualAddr| {
        SubstrateAddr::ordinary(locator, segment, *address).to_ipv6()
    };
    interfaces
        .flat_map(|interface| {
            interface
                .addresses
                .iter()
                .map(|a| substrate(interface.segment, a))
        })
        .collect()
}

/// Different on each host and at each start.
fn seed() -> u64 {
    use core::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

fn join(thread: JoinHandle<()>, what: &str) {
    if thread.join().is_err() {
        tracing::error!("{what} ended with a panic");
    }
}
