//! With DPDK or without: where buffers come from, and how ports are opened.
//!
//! DPDK is started only if a port needs it. A daemon whose ports are all
//! capture files or memory runs without it, on heap buffers.

use std::sync::Arc;

use packet::HeapPool;
#[cfg(feature = "dpdk")]
use vnet::compiled::PortId;

use crate::config::{Cores, HostConfig};
#[cfg(feature = "dpdk")]
use crate::config::{PortConfig, PortSource};
use crate::control::ControlConfig;
use crate::cores::{self, NoSuchCore};
use crate::daemon::restore::Restored;
use crate::daemon::{self, DaemonError, Platform};
use crate::notify;
#[cfg(feature = "dpdk")]
use crate::ports::OpenPort;
use crate::ports::opener::HeapOpener;
use crate::ports::pcap::PcapError;
#[cfg(feature = "dpdk")]
use crate::ports::sizing::PortSize;
use crate::ports::sizing::{self, Demand, SizeError, Sizes};
use crate::ports::software;
use crate::slow_path::hold;
use crate::take_over::TakeOver;
use crate::take_over::seat::{Door, SeatError};

/// The daemon cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The sizes do not work out.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// Another daemon has the control socket or the ports, or it cannot be made.
    #[error(transparent)]
    Seat(#[from] SeatError),
    /// A capture file.
    #[error(transparent)]
    Pcap(#[from] PcapError),
    /// A configured core is not there.
    #[error(transparent)]
    Core(#[from] NoSuchCore),
    /// The daemon itself.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// A port needs DPDK, and this program has none.
    #[error(
        "port \"{port}\" ({kind}) needs DPDK, and this vswitch was built without it; \
         build with --features dpdk"
    )]
    NoDpdk {
        /// The port.
        port: String,
        /// Its kind.
        kind: &'static str,
    },
    /// DPDK itself.
    #[cfg(feature = "dpdk")]
    #[error(transparent)]
    Eal(#[from] dpdk_bindings::EalError),
    /// The pool of buffers.
    #[cfg(feature = "dpdk")]
    #[error(transparent)]
    Mempool(#[from] dpdk_bindings::MempoolError),
    /// A port.
    #[cfg(feature = "dpdk")]
    #[error(transparent)]
    Open(#[from] crate::ports::dpdk::OpenError),
}

/// Checks what can be checked without starting anything.
///
/// # Errors
/// [`StartError::Size`].
pub fn check(config: &HostConfig) -> Result<(), StartError> {
    let workers = match &config.workers.cores {
        Cores::List(cores) => u16::try_from(cores.len()).unwrap_or(u16::MAX),
        Cores::Auto => 1,
    };
    sizes(config, workers)?;
    Ok(())
}

/// Opens the ports and runs the daemon until it is told to end. A vswitch that
/// runs, and hands `over`, is told to end as late as can be.
///
/// # Errors
/// What keeps it from starting, with what to do.
pub fn run(restored: Restored, over: Option<TakeOver>) -> Result<(), StartError> {
    let config = &restored.config;
    // The socket first: a second daemon on it must not disturb the first one's
    // ports.
    let control = ControlConfig {
        socket: config.control.socket.clone(),
        mode: config.control.mode,
        read_group: config.control.read_group.clone(),
        write_group: config.control.write_group.clone(),
    };
    let door = Door::before(control, over)?;
    let cores = cores::of(&config.workers)?;
    let sizes = sizes(config, count(&cores))?;
    if config.ports.iter().any(|port| port.source.needs_dpdk()) {
        with_dpdk(restored, &sizes, door, &cores)
    } else {
        without_dpdk(restored, &sizes, door, &cores)
    }
}

fn count(cores: &[Option<u16>]) -> u16 {
    u16::try_from(cores.len()).unwrap_or(u16::MAX)
}

/// Buffers that may be held between the workers and the slow path.
fn held(workers: u16) -> u32 {
    u32::try_from(daemon::rings(workers) + hold::TOTAL).unwrap_or(u32::MAX)
}

fn sizes(config: &HostConfig, workers: u16) -> Result<Sizes, SizeError> {
    sizing::sizes(&Demand {
        ports: &config.ports,
        workers,
        memory: config.memory,
        held: held(workers),
        reserve: config.ports_reserve,
    })
}

fn without_dpdk(
    restored: Restored,
    sizes: &Sizes,
    door: Door,
    cores: &[Option<u16>],
) -> Result<(), StartError> {
    let config = &restored.config;
    let pool = HeapPool::new(usize::from(sizes.data_room));
    let seat = door.enter()?;
    let opened = config.ports.iter().zip(&sizes.ports);
    let ports = opened.filter_map(|(port, size)| software::open(port, size, &pool));
    let ports = ports.collect::<Result<Vec<_>, _>>()?;
    let prologue = Arc::new(|| Box::new(()) as Box<dyn core::any::Any>);
    Ok(daemon::run(
        restored,
        ports,
        Platform {
            opener: Box::new(HeapOpener::new(pool.clone())),
            pool,
            dpdk: None,
            prologue,
            sizes: sizes.clone(),
            held: held(count(cores)),
        },
        seat,
        cores,
        notify::until_told_to_end(),
    )?)
}

/// Opens the ports: those that lead to this machine's kernel last, because each
/// of their taps has the MAC of its uplink.
#[cfg(feature = "dpdk")]
fn open_all<B, E>(
    config: &HostConfig,
    sizes: &[PortSize],
    open: impl Fn(&PortConfig, &PortSize) -> Result<OpenPort<B>, E>,
) -> Result<Vec<OpenPort<B>>, E> {
    let mut opened: Vec<Option<OpenPort<B>>> = config.ports.iter().map(|_| None).collect();
    for kernels in [false, true] {
        for (at, (port, size)) in config.ports.iter().zip(sizes).enumerate() {
            let id = PortId(u16::try_from(at).unwrap_or(u16::MAX));
            let uplink = config.uplink_of_kernel(id);
            if uplink.is_some() != kernels {
                continue;
            }
            let uplink = uplink.and_then(|up| opened.get(usize::from(up.port.0))?.as_ref());
            let mut port = port.clone();
            if let PortSource::Tap { mac, .. } = &mut port.source {
                *mac = uplink.map(|uplink| uplink.mac);
            }
            let port = open(&port, size)?;
            if let Some(place) = opened.get_mut(at) {
                *place = Some(port);
            }
        }
    }
    Ok(opened.into_iter().flatten().collect())
}

#[cfg(not(feature = "dpdk"))]
fn with_dpdk(
    restored: Restored,
    _sizes: &Sizes,
    _door: Door,
    _cores: &[Option<u16>],
) -> Result<(), StartError> {
    let ports = restored.config.ports.into_iter();
    let port = { ports }.find(|port| port.source.needs_dpdk());
    let (port, kind) = port.map_or_else(Default::default, |p| (p.name, p.source.as_str()));
    Err(StartError::NoDpdk { port, kind })
}

#[cfg(feature = "dpdk")]
fn with_dpdk(
    restored: Restored,
    sizes: &Sizes,
    door: Door,
    cores: &[Option<u16>],
) -> Result<(), StartError> {
    use dpdk_bindings::log::Level;
    use dpdk_bindings::{Eal, Mempool, WorkerThread};

    use crate::ports::dpdk;
    use crate::ports::opener::DpdkOpener;

    dpdk_bindings::log::forward_to(|level, line| match level {
        Level::Error => tracing::error!("DPDK: {line}"),
        Level::Warning => tracing::warn!("DPDK: {line}"),
        // Drivers announce themselves at length.
        Level::Info => tracing::debug!("DPDK: {line}"),
        Level::Debug => tracing::trace!("DPDK: {line}"),
    });
    let config = &restored.config;
    let eal_config = dpdk::eal_config(&config.ports, config.memory, sizes);
    // DPDK takes the NICs as it starts: nobody else may have them then.
    let door = match eal_config.pci.is_empty() {
        true => door,
        false => Door::Inside(door.enter()?),
    };
    let eal = Eal::start(&eal_config)?;
    let pool = Mempool::new(eal, "packets", sizes.buffers, sizes.data_room, sizes.cache)?;
    let seat = door.enter()?;
    let ports = open_all(config, &sizes.ports, |port, size| {
        dpdk::open(eal, port, size, pool)
    })?;
    let prologue = Arc::new(move || match WorkerThread::register(eal) {
        Ok(registration) => Box::new(registration) as Box<dyn core::any::Any>,
        Err(error) => {
            tracing::warn!(%error, "a worker runs without DPDK's buffer cache, slower");
            Box::new(())
        }
    });
    let platform = Platform {
        pool,
        dpdk: Some(
            dpdk_bindings::version()
                .trim_start_matches("DPDK ")
                .to_owned(),
        ),
        prologue,
        opener: Box::new(DpdkOpener::new(eal, pool)),
        sizes: sizes.clone(),
        held: held(count(cores)),
    };
    let ending = notify::until_told_to_end();
    Ok(daemon::run(restored, ports, platform, seat, cores, ending)?)
}
