//! How large must buffers, rings and the pool be, and does that work out?
//!
//! One formula, pure, from the configuration alone:
//!
//! * **Room in a buffer**: the longest frame of any port in one piece (MTU +
//!   [`FRAME_OVERHEAD`]), rounded up to what NICs count in. Super-frames are
//!   chains of buffers.
//! * **Buffers**: what the rings of every queue hold, plus what each worker
//!   may have in its cache and its hands, super-frames where they can come, plus
//!   what the slow path and the rings between threads may hold. Of those rings
//!   each place is one buffer: full of super-frames they would hold thirty times
//!   as many, and then the pool runs dry, which costs frames that are counted.
//! * **Memory**: the buffers with their descriptors, and DPDK's own.
//!
//! The pool is made once, when the daemon starts. [`later`] says what of it is
//! kept for ports that are added while it runs, and whether one fits.
//!
//! Drivers may still refuse what only they know; they say so when opened.

pub mod later;

use self::later::Reserve;
use super::live::MAX_PORTS;
use super::queue::BURST;
use crate::config::ports::TAP_MTU;
use crate::config::{Memory, PortConfig, PortSource};
use crate::worker::outbox::HANDOVER_RING;

/// A frame is longer than its MTU by at most this: Ethernet header, two VLAN
/// tags, and the checksum that some NICs deliver, in bytes.
pub const FRAME_OVERHEAD: u16 = 14 + 2 * 4 + 4;

/// Room in a buffer is a multiple of this, in bytes: some NICs round down.
const ROOM_UNIT: u16 = 1024;

/// The least room in a buffer, in bytes: a classic Ethernet's frames, and what
/// some NICs insist on.
const MIN_ROOM: u16 = 2048;

/// The most room in a buffer, in bytes: 64 KiB less the headroom.
const MAX_ROOM: u16 = 64_512;

/// AF_XDP takes buffers of at most a page, descriptor, pool header and
/// headroom included: the room that remains, in bytes.
const AF_XDP_MAX_ROOM: u16 = 3712;

/// The kernel refuses XDP above this MTU, in bytes: a page less the XDP
/// headroom (256), its own trailer (320), Ethernet header and two tags.
const AF_XDP_MAX_MTU: u16 = 4096 - 256 - 320 - 14 - 8;

/// An AF_XDP queue holds its fill ring and both others, whatever it is asked.
const AF_XDP_BUFFERS: u64 = 4096 + 2 * 2048;

/// Buffers in each worker's cache. DPDK lets it grow to half as many again.
const CACHE: u32 = 256;

/// What a buffer takes besides its room: descriptor, headroom, the pool's
/// header and its place in the pool's ring, and alignment, in bytes.
const BUFFER_OVERHEAD: u64 = 128 + 128 + 64 + 16 + 64;

/// A super-frame, in bytes, and the buffers it takes when it is cut for a port
/// that cannot: segments of a classic Ethernet's TCP.
const SUPER_FRAME: u64 = 1 << 16;
const SEGMENTS: u64 = SUPER_FRAME.div_ceil(1448);

/// What DPDK takes for itself, and for each port, in bytes.
const BASE_MEMORY: u64 = 32 << 20;
const PORT_MEMORY: u64 = 2 << 20;

/// What the sizes follow from.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    /// The ports.
    pub ports: &'a [PortConfig],
    /// How many workers poll them.
    pub workers: u16,
    /// Where memory comes from.
    pub memory: Memory,
    /// Buffers that the slow path may hold: packets that wait for an answer,
    /// rings between it and the workers.
    pub held: u32,
    /// For how many ports, added later, to keep room; without a word, for as
    /// many of [`later::DEFAULT`] as the memory is enough for.
    pub reserve: Option<u16>,
}

/// All sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of packet that fit a buffer.
    pub data_room: u16,
    /// Buffers in the pool.
    pub buffers: u32,
    /// Buffers in each worker's cache.
    pub cache: u32,
    /// What DPDK needs altogether, in MiB.
    pub memory_mib: u32,
    /// Ports, added later, that there is room for.
    pub reserve: u16,
    /// Each port's, in the order of the configuration.
    pub ports: Vec<PortSize>,
}

/// One port's sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSize {
    /// The largest IP packet it carries, in bytes.
    pub mtu: u16,
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues to ask for; the device may have fewer.
    pub tx_queues: u16,
    /// Descriptors in each receive queue.
    pub rx_descriptors: u16,
    /// Descriptors in each transmit queue.
    pub tx_descriptors: u16,
}

/// An impossible combination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// The kind of port cannot carry such packets.
    #[error(
        "port \"{port}\": mtu {mtu} is more than the {max} bytes that {kind} can carry; lower it, or \
         use another kind of port"
    )]
    Mtu {
        /// The port.
        port: String,
        /// Its kind.
        kind: &'static str,
        /// What it should carry, in bytes.
        mtu: u16,
        /// What it can, in bytes.
        max: u16,
    },
    /// One port needs buffers that another cannot use.
    #[error(
        "port \"{large}\" with mtu {mtu} needs buffers of {room} bytes, and port \"{small}\" \
         ({kind}) works only with buffers of up to {max}; lower the mtu of \"{large}\" to {fits}, \
         or use another kind of port for \"{small}\""
    )]
    Room {
        /// The port that needs much.
        large: String,
        /// Its MTU, in bytes.
        mtu: u16,
        /// What that makes of buffers, in bytes.
        room: u16,
        /// The port that can use little.
        small: String,
        /// Its kind.
        kind: &'static str,
        /// What it can use, in bytes.
        max: u16,
        /// The MTU that would do, in bytes.
        fits: u16,
    },
    /// Too little memory.
    #[error(
        "memory: {buffers} buffers with room for {room} bytes need {need_mib} MiB and {have_mib} \
         MiB of hugepages are configured; configure {need_mib} MiB, or fewer ports, queues or \
         descriptors, a smaller mtu or a smaller ports-reserve"
    )]
    Memory {
        /// Buffers needed.
        buffers: u64,
        /// Room in each, in bytes.
        room: u16,
        /// Needed, in MiB.
        need_mib: u64,
        /// Configured, in MiB.
        have_mib: u64,
    },
    /// More buffers than a pool can count.
    #[error(
        "{buffers} buffers are more than a pool can have; use fewer ports, queues or descriptors"
    )]
    Buffers {
        /// Buffers needed.
        buffers: u64,
    },
    /// More ports than there are ids for.
    #[error("{ports} ports are more than the {MAX_PORTS} that a daemon can have; use fewer")]
    Ports {
        /// How many there would be.
        ports: usize,
    },
}

/// Works the sizes out.
///
/// # Errors
/// [`SizeError`]: the first impossible combination, with its numbers.
pub fn sizes(demand: &Demand<'_>) -> Result<Sizes, SizeError> {
    if demand.ports.len() > usize::from(MAX_PORTS) {
        return Err(SizeError::Ports {
            ports: demand.ports.len(),
        });
    }
    for port in demand.ports {
        check_mtu(port)?;
    }
    let data_room = demand
        .ports
        .iter()
        .map(room_for)
        .max()
        .unwrap_or(MIN_ROOM)
        .max(MIN_ROOM);
    check_room(demand.ports, data_room)?;

    let reserve = |ports| Reserve { ports };
    let sizes = |reserve| with_reserve(demand, data_room, reserve);
    match demand.reserve {
        Some(ports) => sizes(reserve(ports)),
        // Given memory is for the ports that there are, first of all.
        None => (0..=later::DEFAULT)
            .rev()
            .map(|ports| sizes(reserve(ports)))
            .find(Result::is_ok)
            .unwrap_or_else(|| sizes(reserve(0))),
    }
}

fn with_reserve(demand: &Demand<'_>, data_room: u16, reserve: Reserve) -> Result<Sizes, SizeError> {
    let need = Need::of(demand, data_room, reserve);
    let count = need.buffers();
    let buffers = u32::try_from(count).map_err(|_| SizeError::Buffers { buffers: count })?;
    let ports = demand.ports.len() as u64 + u64::from(reserve.ports);
    let bytes =
        count * (u64::from(data_room) + BUFFER_OVERHEAD) + BASE_MEMORY + PORT_MEMORY * ports;
    let need_mib = bytes.div_ceil(1 << 20);
    if let Memory::Hugepages { bytes: have } = demand.memory
        && have < bytes
    {
        return Err(SizeError::Memory {
            buffers: count,
            room: data_room,
            need_mib,
            have_mib: have >> 20,
        });
    }
    Ok(Sizes {
        data_room,
        buffers,
        cache: CACHE,
        memory_mib: u32::try_from(need_mib).map_err(|_| SizeError::Buffers { buffers: count })?,
        reserve: reserve.ports,
        ports: demand
            .ports
            .iter()
            .map(|port| port_size(port, demand.workers))
            .collect(),
    })
}

/// Who may hold buffers, and how many.
struct Need {
    /// All ports: their rings, and their bursts in the workers' hands.
    ports: u64,
    /// The workers' caches and what a burst of super-frames needs, and the slow
    /// path.
    rest: u64,
}

impl Need {
    fn of(demand: &Demand<'_>, data_room: u16, reserve: Reserve) -> Self {
        let chain = SUPER_FRAME.div_ceil(u64::from(data_room));
        let workers = u64::from(demand.workers);
        let ports = demand.ports.iter();
        let ports: u64 = ports
            .map(|port| of_port(port, demand.workers, chain))
            .sum::<u64>()
            + reserve.buffers(demand.workers, chain);
        let super_frames = reserve.ports > 0
            || demand
                .ports
                .iter()
                .any(|port| brings_super_frames(&port.source));
        let giants = if super_frames {
            // A burst that has come, one that is to go, and one that was cut; and
            // the pieces of one that its port cuts.
            BURST as u64 * (2 * chain + SEGMENTS + 1)
        } else {
            0
        };
        // The control thread has hands, too, if no cache.
        let hands = (workers + 1) * 2 * BURST as u64;
        let rest = workers * (u64::from(CACHE + CACHE / 2) + giants) + hands;
        Self {
            ports,
            rest: rest + u64::from(demand.held),
        }
    }

    fn buffers(&self) -> u64 {
        (self.ports + self.rest).max(u64::from(CACHE) * 4)
    }
}

/// The buffers that a port may hold: in its rings, in a burst of each worker's
/// and the control thread's, and on the way to a worker that has a queue.
fn of_port(port: &PortConfig, workers: u16, chain: u64) -> u64 {
    let size = port_size(port, workers);
    let hands = (u64::from(workers) + 1) * BURST as u64;
    let handed_over = match port.source {
        // A queue for each worker.
        PortSource::AfPacket { .. } | PortSource::Memory | PortSource::Pcap { .. } => 0,
        _ if port.queues >= workers => 0,
        _ => u64::from(port.queues) * HANDOVER_RING as u64,
    };
    in_rings(&port.source, &size, chain) + hands + handed_over
}

fn check_mtu(port: &PortConfig) -> Result<(), SizeError> {
    let max = match port.source {
        PortSource::AfXdp { .. } => AF_XDP_MAX_MTU,
        PortSource::Tap { .. } => TAP_MTU,
        _ => MAX_ROOM - FRAME_OVERHEAD,
    };
    if port.mtu <= max {
        return Ok(());
    }
    Err(SizeError::Mtu {
        port: port.name.clone(),
        kind: port.source.as_str(),
        mtu: port.mtu,
        max,
    })
}

/// The room that a port's frames need.
fn room_for(port: &PortConfig) -> u16 {
    port.mtu
        .saturating_add(FRAME_OVERHEAD)
        .checked_next_multiple_of(ROOM_UNIT)
        .unwrap_or(MAX_ROOM)
}

/// Frames that their senders leave to a device to be cut.
fn brings_super_frames(source: &PortSource) -> bool {
    match source {
        PortSource::AfPacket { .. } | PortSource::Vhost { .. } => true,
        PortSource::Devargs { devargs } => devargs.contains("vhost") && devargs.contains("tso=1"),
        _ => false,
    }
}

fn check_room(ports: &[PortConfig], room: u16) -> Result<(), SizeError> {
    let small = ports
        .iter()
        .find(|port| matches!(port.source, PortSource::AfXdp { .. }));
    let Some(small) = small.filter(|_| room > AF_XDP_MAX_ROOM) else {
        return Ok(());
    };
    let Some(large) = ports.iter().max_by_key(|port| room_for(port)) else {
        return Ok(());
    };
    // The room that remains for frames is a multiple of the unit.
    let most = AF_XDP_MAX_ROOM - AF_XDP_MAX_ROOM % ROOM_UNIT;
    let fits = most - FRAME_OVERHEAD;
    Err(SizeError::Room {
        large: large.name.clone(),
        mtu: large.mtu,
        room,
        small: small.name.clone(),
        kind: small.source.as_str(),
        max: AF_XDP_MAX_ROOM,
        fits,
    })
}

fn port_size(port: &PortConfig, workers: u16) -> PortSize {
    let default = match port.source {
        PortSource::Pci { .. } => 1024,
        // The kernel drops silently what a full ring has no room for, and an
        // ordinary machine may keep a worker from its core for milliseconds.
        PortSource::AfPacket { .. } => 2048,
        _ => 512,
    };
    let descriptors = port.descriptors.unwrap_or(default);
    let tx_queues = match port.source {
        // The device says how many it has.
        PortSource::Pci { .. } | PortSource::Memory | PortSource::Pcap { .. } => workers.max(1),
        // Any worker may send through any socket.
        PortSource::AfPacket { .. } => workers.max(1),
        // Queues come in pairs, and the other side spreads flows over all pairs:
        // one that nobody polls would swallow its share.
        _ => port.queues,
    };
    PortSize {
        mtu: port.mtu,
        rx_queues: port.queues,
        tx_queues,
        rx_descriptors: descriptors,
        tx_descriptors: descriptors,
    }
}

/// The buffers that a port's rings hold, at most, with `chain` of them for a
/// super-frame.
fn in_rings(source: &PortSource, size: &PortSize, chain: u64) -> u64 {
    let burst = BURST as u64;
    let rxd = u64::from(size.rx_descriptors);
    let txd = u64::from(size.tx_descriptors);
    let (receive, transmit) = match source {
        PortSource::Pci { .. } => (rxd, txd),
        // Unknown: a software ring holds up to 1024.
        PortSource::Devargs { .. } => (rxd.max(1024), txd.max(1024)),
        PortSource::AfXdp { .. } => (AF_XDP_BUFFERS, 0),
        PortSource::Tap { .. } => (rxd, burst),
        // A queue to a test's hands.
        PortSource::Memory => (rxd, txd),
        // Those that wait for the next frames, a burst, and one that waits while
        // its first frame is cut.
        PortSource::AfPacket { .. } => (2 * burst + burst * chain, burst),
        // Packets are copied between the buffers and the other side's memory.
        PortSource::Memif { .. } | PortSource::Vhost { .. } | PortSource::Pcap { .. } => {
            (2 * burst, burst)
        }
    };
    u64::from(size.rx_queues) * receive + u64::from(size.tx_queues) * transmit
}

#[cfg(test)]
mod tests;
