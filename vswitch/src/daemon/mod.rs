//! The daemon: puts the rooms together, starts the threads, and ends them in
//! order.
//!
//! Threads: one worker per configured core, the slow path, that of logical
//! devices' agents, the commit thread,
//! and the control thread (this one). What each owns is moved into it; what they
//! share is a ring, a publication, or a ledger.
//!
//! * [`restore`]: what it begins with: the configuration, and the state file.
//! * `threads`: how the threads begin and end.

pub mod restore;
mod threads;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use datapath::books::{Ledger, NoMemory};
use datapath::pipeline::WorkerState;
use datapath::pipeline::kernel::limit::KernelLimit;
use datapath::substrate::{SubstrateConfigError, SubstrateHost};
use datapath::tables::publish::Publisher;
use datapath::tables::{
    Drawn, FlowTable, HostTable, PathMtus, PortEntry, Tables, UseMarks, WeekClock,
};
use packet::BufPool;
use parking_lot::Mutex;
use vnet::compiled::PortId;

use self::restore::Restored;
use crate::commit::topology::tenants;
use crate::commit::{Beginning, Clerk, InForce, Showcase, TableWriter, ordering};
use crate::config::HostConfig;
use crate::control::ControlError;
use crate::observe::{LastSeen, MtuPaths, Observer, ShownWorker, this_minute};
use crate::ports::OpenPort;
use crate::ports::opener::PortOpener;
use crate::ports::sizing::Sizes;
use crate::slow_path::groups::Groups;
use crate::slow_path::hold::HoldQueue;
use crate::slow_path::residence::Residence;
use crate::slow_path::watchdog::Watchdog;
use crate::slow_path::{SlowPath, SubstrateView, config as substrate_config, leading};
use crate::snmp::{Agents, Counts};
use crate::take_over::seat::Seat;
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

/// Runs the daemon on open ports until `ending` completes.
///
/// # Errors
/// What keeps it from starting; once it turns, it ends only when told to.
pub fn run<P: BufPool + Clone + 'static>(
    restored: Restored,
    ports: Vec<OpenPort<P::Buf>>,
    platform: Platform<P>,
    seat: Seat,
    cores: &[Option<u16>],
    ending: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DaemonError>
where
    P::Buf: 'static,
{
    let Seat { server, tenure } = seat;
    let started = Instant::now();
    for warning in ports.iter().flat_map(|port| &port.warnings) {
        tracing::warn!("{warning}");
    }
    let Restored { config, hosts, .. } = &restored;
    let macs: Vec<_> = ports.iter().map(|port| port.mac).collect();
    let worker_count = u16::try_from(cores.len()).unwrap_or(u16::MAX);
    let residence = Residence::beside(&config.control.socket);
    let held = residence.held();
    let mut host = SubstrateHost::new(
        substrate_config::of(config, hosts, &macs, worker_count, held, seed()),
        Duration::ZERO,
    )?;
    let tenants = tenants(config.substrate.locator, &config.compiled);
    let mut first_effects = host.set_tenants(&tenants, Duration::ZERO);
    first_effects.extend(host.tick(Duration::ZERO));

    let drawn = Arc::new(Drawn::new(&config.compiled, &entries(config, &ports)));
    let uplinks = Arc::new(host.snapshot());
    let path_mtus = Arc::new(PathMtus::new(hosts.len()));
    let week = Arc::new(WeekClock::default());
    week.set(this_minute());
    let publisher = Arc::new(Mutex::new(Publisher::new(Tables {
        version: restored.mappings.version(),
        hosts: Arc::new(HostTable::of(hosts)),
        mappings: Arc::clone(restored.mappings.table()),
        drawn: Arc::clone(&drawn),
        loaded_hosts: Arc::new(restored.loaded_hosts.clone()),
        listeners: Arc::default(),
        used: Arc::new(UseMarks::new(uplinks.next_hops.len())),
        uplinks,
        path_mtus: Arc::clone(&path_mtus),
        flows: Arc::new(FlowTable::new(config.tables.flows)),
        week,
        moves: Arc::default(),
    })));

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
        first_ports(config, ports, &drawn),
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
            hand,
            tables: publisher.lock().reader(),
            state: WorkerState::new(index, worker_count).counting(&ledger),
            pool: Box::new(platform.pool.clone()),
            started,
            ledger,
            punts: Arc::clone(&punts),
            injections: ring,
            stop: Arc::clone(&stop_workers),
            idle: Idle::new(config.workers.poll),
        };
        workers.push(threads::spawn_worker(
            worker,
            index,
            *core,
            &platform.prologue,
        )?);
    }

    let slow_ledger = Arc::new(Ledger::of(rows)?);
    let agent_ledger = Arc::new(Ledger::of(rows)?);
    let ledgers = shown
        .iter()
        .map(|worker| &worker.ledger)
        .chain([&slow_ledger, &agent_ledger]);
    let ledgers: Vec<_> = ledgers.cloned().collect();
    let view = Arc::new(Mutex::new(SubstrateView::default()));
    let (leader, led) = leading();
    let agents_injections = injections.clone();
    let mut slow_path = SlowPath {
        host,
        pool: platform.pool.clone(),
        publisher: Arc::clone(&publisher),
        led,
        punts: Arc::clone(&punts),
        injections,
        ledger: Arc::clone(&slow_ledger),
        view: Arc::clone(&view),
        watchdog: Watchdog::new(shown.iter().map(|w| Arc::clone(&w.ledger)).collect()),
        stop: Arc::clone(&stop_slow_path),
        started,
        kernel_limit: KernelLimit::default(),
        hold: HoldQueue::default(),
        groups: Groups::new(worker_count),
        ports: Arc::clone(panel.live()),
    };
    slow_path.carry_out(first_effects, Duration::ZERO);
    let slow_path = threads::spawn("slow-path", "slow path", move || slow_path.run())?;

    let Restored { config, .. } = restored;
    let in_force = InForce {
        mtu_paths: Arc::new(MtuPaths::new(&config.compiled)),
        compiled: Arc::new(config.compiled.clone()),
        networks: Arc::new(config.networks.clone()),
        hosts: Arc::new(restored.hosts),
        drawn,
        path_mtus,
        history: Arc::new(restored.history),
        unconfirmed: restored.unconfirmed,
    };
    let show = Arc::new(Showcase::new(
        in_force,
        restored.revision,
        restored.attention,
    ));
    let counts = Counts(ledgers.clone());
    let agents = Agents {
        pool: platform.pool,
        show: Arc::clone(&show),
        punts: Arc::clone(&punts),
        injections: agents_injections,
        ledger: Arc::clone(&agent_ledger),
        counts: counts.clone(),
        host: config.host.clone(),
        stop: Arc::clone(&stop_slow_path),
        started,
    };
    let agents = threads::spawn("agents", "agents' thread", move || agents.run())?;
    let observer = Arc::new(Observer {
        show: Arc::clone(&show),
        publisher: Arc::clone(&publisher),
        state_file: restored.durable.path().map(Path::to_owned),
        workers: shown,
        counts,
        upper_ledgers: [slow_ledger, agent_ledger],
        substrate: view,
        ports: Arc::clone(panel.live()),
        dpdk: platform.dpdk,
        started,
        last_seen: Mutex::new(LastSeen::default()),
        config: Arc::new(config),
    });
    let (commits, orders) = ordering(Arc::clone(&show));
    let clerk = Clerk::from(Beginning {
        orders,
        writer: TableWriter::new(publisher, restored.mappings),
        durable: restored.durable,
        show,
        requests: restored.requests,
        frame: Arc::clone(&observer.config.frame),
        leader,
        panel,
        added_ports: restored.added_ports,
        ledgers,
        limits: observer.config.tables,
        started,
        move_grace: observer.config.substrate.move_grace,
        punts,
    });
    let clerk = threads::spawn("commits", "commit thread", move || clerk.run())?;
    let administration = Arc::new(commits.clone());
    let served = threads::serve(server, observer, residence, administration, ending);

    tracing::info!("stopping: draining the ports");
    commits.end();
    let panel = clerk.join();
    stop_workers.store(true, Ordering::Relaxed);
    for worker in workers {
        threads::join(worker, "a worker");
    }
    stop_slow_path.store(true, Ordering::Relaxed);
    threads::join(slow_path, "the slow path");
    threads::join(agents, "the agents' thread");
    // The devices go last: nobody has a queue of theirs any more.
    drop(panel);
    drop(tenure);
    served
}

/// The ports as the tables know them.
fn entries<B>(config: &HostConfig, ports: &[OpenPort<B>]) -> Vec<Option<PortEntry>> {
    let numbered = (0..).map(PortId).zip(&config.ports).zip(ports);
    numbered
        .map(|((id, named), port)| {
            Some(PortEntry {
                name: named.name.as_str().into(),
                role: config.role(id),
                offloads: port.offloads,
            })
        })
        .collect()
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

/// Different on each host and at each start.
fn seed() -> u64 {
    use core::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
