//! What listings show of a port.

use packet::MacAddr;

/// A port as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortFacts {
    /// What its kind was given: a PCI address, a path, an interface's name.
    pub device: String,
    /// Its own MAC address.
    pub mac: MacAddr,
    /// Has it a carrier? `None`: the device does not say.
    pub link_up: Option<bool>,
    /// Its speed in Mbit/s, where the device says.
    pub speed_mbps: Option<u32>,
    /// Receive queues.
    pub queues: u16,
}

/// What a port's device has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortNumbers {
    /// Frames received.
    pub received_packets: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Frames lost before the vswitch saw them (no buffer, full ring).
    pub missed_packets: u64,
}

/// A port, seen from the control side.
pub trait PortProbe: Send + Sync {
    /// How it stands now.
    fn facts(&self) -> PortFacts;
    /// What its device has counted.
    fn numbers(&self) -> PortNumbers;
}
