//! A port on a network interface of the kernel, through packet sockets of our
//! own (`packet(7)`).
//!
//! DPDK's driver for them reassembles IP fragments, cuts frames off that are
//! longer than its ring's, and knows neither partial checksums nor super-frames.
//! Here frames go straight between the kernel and mbufs, up to [`BURST`] per
//! system call, and what their senders left to a device comes as
//! [`packet::Offload`] and goes as such ([`header`]).
//!
//! * [`socket`]: one socket, the interface behind it, all system calls.
//! * [`receive`], [`transmit`]: the queues; [`pieces`]: super-frames, cut, of UDP
//!   and of tunnels, after their [`layout`].
//!
//! Each receive queue has a socket; several share the interface by its flows.
//! Any number of transmit queues may send through one.

mod error;
mod header;
mod layout;
mod pieces;
mod receive;
mod socket;
mod transmit;

use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::Arc;

use packet::MacAddr;

use self::socket::Socket;
use crate::device::{DeviceStats, Link};
use crate::mempool::Mempool;

pub use error::PacketSocketError;
pub use receive::PacketReceiver;
pub use transmit::PacketSender;

/// Frames per system call, at most.
const BURST: usize = 32;

/// Sockets that may share an interface (`PACKET_FANOUT_MAX`).
const GROUP_MAX: u16 = 256;

/// Room in a socket for frames, in bytes: at least, at most, and what the kernel
/// counts of a frame besides its payload.
const ROOM_MIN: c_int = 8 << 20;
const ROOM_MAX: c_int = 256 << 20;
const FRAME_ROOM: c_int = 1024;

/// How to open a [`PacketSocket`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PacketSocketConfig {
    /// The interface's name, in the calling thread's network namespace.
    pub interface: String,
    /// Receive queues; each flow comes by one of them.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Frames of the MTU that may wait in each receive queue, about.
    pub rx_descriptors: u16,
    /// The largest payload of an Ethernet frame, in bytes. An interface with a
    /// smaller MTU is given this one; a larger one stays, and lets frames
    /// arrive that are to be answered with "too large".
    pub mtu: u16,
}

/// The queues of a [`PacketSocket`], to be moved to the threads that poll them.
#[derive(Debug)]
pub struct PacketQueues {
    /// As many as asked for.
    pub rx: Vec<PacketReceiver>,
    /// As many as asked for.
    pub tx: Vec<PacketSender>,
}

/// A port on a network interface. Sockets are closed when this and all queues are
/// dropped.
#[derive(Debug)]
pub struct PacketSocket {
    queues: Vec<Arc<Queue>>,
    interface: c_int,
    mac: MacAddr,
}

/// A socket, and what its users count.
#[derive(Debug)]
struct Queue {
    socket: Socket,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    rx_packets: AtomicU64,
    rx_bytes: AtomicU64,
    /// The socket had no room; the kernel counts, and starts anew when asked.
    rx_missed: AtomicU64,
    rx_errors: AtomicU64,
    rx_no_buffer: AtomicU64,
    tx_packets: AtomicU64,
    tx_bytes: AtomicU64,
    tx_errors: AtomicU64,
}

/// Adds to a counter, if there is anything to add.
fn count(counter: &AtomicU64, more: usize) {
    if more > 0 {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }
}

impl PacketSocket {
    /// Opens a port on an interface, for frames in buffers of `pool`.
    ///
    /// # Errors
    /// [`PacketSocketError`], which says what to change.
    pub fn open(
        config: &PacketSocketConfig,
        pool: Mempool,
    ) -> Result<(Self, PacketQueues), PacketSocketError> {
        let name = || config.interface.clone();
        let refused = |step| {
            move |source| PacketSocketError::Refused {
                interface: name(),
                step,
                source,
            }
        };
        if !(1..=GROUP_MAX).contains(&config.rx_queues) {
            return Err(PacketSocketError::Queues {
                interface: name(),
                queues: config.rx_queues,
            });
        }
        let sockets = (0..config.rx_queues).map(|_| Socket::new());
        let sockets: Vec<Socket> =
            sockets
                .collect::<io::Result<_>>()
                .map_err(|source| match source.kind() {
                    io::ErrorKind::PermissionDenied => PacketSocketError::NotPermitted { source },
                    _ => refused("open a packet socket on it")(source),
                })?;
        let Some(first) = sockets.first() else {
            return Err(PacketSocketError::NoInterface { interface: name() });
        };

        let interface =
            first
                .interface(&config.interface)
                .map_err(|source| match source.raw_os_error() {
                    Some(libc::ENODEV) => PacketSocketError::NoInterface { interface: name() },
                    _ => refused("find it")(source),
                })?;
        let (kind, mac) = interface.hardware().map_err(refused("read its MAC"))?;
        if ![libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&kind) {
            return Err(PacketSocketError::NotEthernet {
                interface: name(),
                kind,
            });
        }
        let has = interface.mtu().map_err(refused("read its MTU"))?;
        if has < config.mtu.into() {
            interface
                .set_mtu(config.mtu)
                .map_err(|source| PacketSocketError::Mtu {
                    interface: name(),
                    has,
                    mtu: config.mtu,
                    source,
                })?;
        }
        let interface = interface.index;
        first
            .receive_everything(interface)
            .map_err(refused("receive frames for all MACs on it"))?;
        let frames = c_int::from(config.rx_descriptors);
        let room = frames
            .saturating_mul(c_int::from(config.mtu) + FRAME_ROOM)
            .clamp(ROOM_MIN, ROOM_MAX);
        for socket in &sockets {
            socket
                .make_room(room, ROOM_MIN)
                .map_err(refused("make room for frames from it"))?;
        }
        listen(&sockets, interface).map_err(refused("receive from it"))?;

        let queues: Vec<Arc<Queue>> = sockets
            .into_iter()
            .map(|socket| {
                let counts = Counts::default();
                Arc::new(Queue { socket, counts })
            })
            .collect();
        let rx = queues.iter().cloned();
        let tx = queues.iter().cycle().cloned();
        Ok((
            Self {
                interface,
                mac,
                queues: queues.clone(),
            },
            PacketQueues {
                rx: rx.map(|queue| PacketReceiver::new(queue, pool)).collect(),
                tx: tx
                    .take(config.tx_queues.into())
                    .map(PacketSender::new)
                    .collect(),
            },
        ))
    }

    /// Its interface's MAC.
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Its interface's name now; `None` when the interface is gone.
    pub fn interface(&self) -> Option<String> {
        self.of_interface(|interface| interface.name())
    }

    /// Its interface's MTU now, in bytes; `None` when the interface is gone.
    pub fn mtu(&self) -> Option<u32> {
        self.of_interface(|interface| interface.mtu())
    }

    /// Is its interface up, with a carrier? Gone is not up.
    pub fn link(&self) -> Link {
        Link {
            up: self.of_interface(|interface| interface.is_up()) == Some(true),
            speed_mbps: None,
        }
    }

    /// What it counted since it was opened; bytes without VLAN tags that the
    /// kernel keeps apart.
    pub fn stats(&self) -> DeviceStats {
        let mut sum = DeviceStats::default();
        for queue in &self.queues {
            let counts = &queue.counts;
            if let Ok(drops) = queue.socket.take_drops() {
                counts.rx_missed.fetch_add(drops, Ordering::Relaxed);
            }
            let add = |to: &mut u64, from: &AtomicU64| *to += from.load(Ordering::Relaxed);
            add(&mut sum.rx_packets, &counts.rx_packets);
            add(&mut sum.rx_bytes, &counts.rx_bytes);
            add(&mut sum.rx_missed, &counts.rx_missed);
            add(&mut sum.rx_errors, &counts.rx_errors);
            add(&mut sum.rx_no_buffer, &counts.rx_no_buffer);
            add(&mut sum.tx_packets, &counts.tx_packets);
            add(&mut sum.tx_bytes, &counts.tx_bytes);
            add(&mut sum.tx_errors, &counts.tx_errors);
        }
        sum
    }

    fn of_interface<T>(
        &self,
        ask: impl FnOnce(socket::Interface<'_>) -> io::Result<T>,
    ) -> Option<T> {
        let queue = self.queues.first()?;
        ask(queue.socket.interface_of(self.interface)).ok()
    }
}

/// Binds the sockets to an interface, of whose frames each then gets its share.
fn listen(sockets: &[Socket], interface: c_int) -> io::Result<()> {
    let (first, others) = match sockets {
        [] => return Ok(()),
        [only] => return only.bind(interface),
        [first, others @ ..] => (first, others),
    };
    // A socket must be bound to join a group, and hears everything until it has.
    for socket in sockets {
        socket.mute()?;
        socket.bind(interface)?;
    }
    let group = first.make_group()?;
    for socket in others {
        socket.join_group(group)?;
    }
    sockets.iter().try_for_each(Socket::unmute)
}
