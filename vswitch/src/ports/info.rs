//! An opened port, and what a listing shows of it.

use core::fmt;

use datapath::tables::PortOffloads;
use packet::MacAddr;

use super::memory::MemoryHandle;
use super::queue::{RxQueue, TxQueue};

/// A port with its queues, before they are given to workers.
pub struct OpenPort<B> {
    /// As many receive queues as the configuration asks for.
    pub rx: Vec<Box<dyn RxQueue<B>>>,
    /// Transmit queues: one per worker, or as many as the device has.
    pub tx: Vec<Box<dyn TxQueue<B>>>,
    /// How many transmit queues the device could have.
    pub max_tx_queues: u16,
    /// Its MAC.
    pub mac: MacAddr,
    /// What its sending side does by itself as it is opened. It may change:
    /// [`PortMonitor::offloads`].
    pub offloads: PortOffloads,
    /// Watches it from the control side; may outlive the queues.
    pub monitor: Box<dyn PortMonitor>,
    /// The other end of a memory port.
    pub memory: Option<MemoryHandle<B>>,
    /// What works less well than it could, for the log.
    pub warnings: Vec<String>,
}

impl<B> fmt::Debug for OpenPort<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenPort")
            .field("mac", &self.mac)
            .field("rx", &self.rx.len())
            .field("tx", &self.tx.len())
            .finish_non_exhaustive()
    }
}

/// The control side's view of an opened port.
pub trait PortMonitor: Send + Sync {
    /// What it is and does now.
    fn info(&self) -> PortInfo;

    /// What its sending side does by itself now. A virtual machine's port changes
    /// with what its guest negotiates; a packet that the port cannot do any
    /// more, or not yet, is dropped there and counted as a transmit error.
    fn offloads(&self) -> PortOffloads {
        PortOffloads::default()
    }

    /// To be called about once a second: lets the device find a peer that was
    /// not there before. Most have nothing to do.
    fn tend(&self) {}
}

/// What a listing shows of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// Its name in the configuration.
    pub name: String,
    /// The word that chose its kind in the configuration.
    pub kind: &'static str,
    /// What that word was given: a PCI address, a path, an interface's name.
    pub device: String,
    /// The driver behind it, e.g. `net_vhost`.
    pub driver: String,
    /// Its MAC.
    pub mac: MacAddr,
    /// The largest IP packet it carries, in bytes.
    pub mtu: u16,
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Whether it has a carrier.
    pub link: LinkState,
    /// Its speed in Mbit/s, where the device says.
    pub speed_mbps: Option<u32>,
    /// What its sending side does by itself.
    pub offloads: PortOffloads,
    /// What it counted.
    pub counters: PortCounters,
}

/// Whether a port has a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It has.
    Up,
    /// It has none.
    Down,
    /// The device does not say.
    Unknown,
}

/// What a port counted since it was opened; bytes without FCS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortCounters {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets lost before a worker saw them: ring full, or no buffer.
    pub rx_missed: u64,
    /// Packets received broken.
    pub rx_errors: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets the device took and could not send.
    pub tx_errors: u64,
}
