//! Which devices there are: the `ports` section.

use std::path::{Path, PathBuf};

use packet::MacAddr;

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortConfig {
    /// Its name, unique on this host.
    pub name: String,
    /// Receive and transmit queues, each; at least 1.
    pub queues: u16,
    /// The largest IP packet that it must carry, in bytes: as configured;
    /// else the uplink's MTU, or the largest of the segments behind it.
    pub mtu: u16,
    /// Descriptors in each queue, a power of two; the driver's choice if none.
    pub descriptors: Option<u16>,
    /// The device.
    pub source: PortSource,
}

/// The most that a tap carries, in bytes: its driver in DPDK sends no longer
/// frames, whatever the interface is set to.
pub const TAP_MTU: u16 = 1500;

/// What is behind a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortSource {
    /// A NIC, by PCI address (`0000:3b:00.0`).
    Pci {
        /// Its address.
        address: String,
    },
    /// A tap device that the port makes.
    Tap {
        /// The kernel interface's name.
        interface: String,
        /// Its MAC, where it must have a certain one: the uplink's, if this
        /// machine's kernel is behind it.
        mac: Option<MacAddr>,
    },
    /// An existing kernel interface, through packet sockets.
    AfPacket {
        /// The kernel interface's name.
        interface: String,
    },
    /// An existing kernel interface, through AF_XDP sockets.
    AfXdp {
        /// The kernel interface's name.
        interface: String,
    },
    /// Shared memory with another process on this machine.
    Memif {
        /// The control socket.
        socket: PathBuf,
        /// Who makes the socket.
        role: MemifRole,
        /// Which of the interfaces that share the socket.
        id: u32,
    },
    /// A virtual machine's network card.
    Vhost {
        /// The vhost-user socket.
        path: PathBuf,
        /// True: the virtual machine makes the socket, and may be restarted
        /// at any time. False: this port makes it.
        client: bool,
    },
    /// Any DPDK device, in DPDK's own words.
    Devargs {
        /// Driver and parameters, e.g. `net_ring0`.
        devargs: String,
    },
    /// Capture files: no DPDK.
    Pcap {
        /// Frames that arrive on the port.
        receive: Option<PathBuf>,
        /// Where frames that leave by the port are written.
        transmit: Option<PathBuf>,
    },
    /// Queues inside this process: no DPDK.
    Memory,
}

impl PortSource {
    /// The key in the file.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pci { .. } => "pci",
            Self::Tap { .. } => "tap",
            Self::AfPacket { .. } => "af_packet",
            Self::AfXdp { .. } => "af_xdp",
            Self::Memif { .. } => "memif",
            Self::Vhost { .. } => "vhost",
            Self::Devargs { .. } => "devargs",
            Self::Pcap { .. } => "pcap",
            Self::Memory => "memory",
        }
    }

    /// What only one port of a machine can have; in words, for it is also
    /// shown.
    pub fn exclusive_device(&self) -> Option<String> {
        Some(match self {
            Self::Pci { address } => format!("PCI device {address}"),
            Self::Tap { interface, .. }
            | Self::AfPacket { interface }
            | Self::AfXdp { interface } => {
                format!("interface {interface}")
            }
            Self::Memif { socket, id: 0, .. } => socket_in_words(socket),
            Self::Memif { socket, id, .. } => {
                format!("interface {id} of {}", socket_in_words(socket))
            }
            Self::Vhost { path, .. } => socket_in_words(path),
            Self::Devargs { devargs } => format!("device {devargs}"),
            Self::Pcap { transmit, .. } => {
                let file = transmit.as_ref()?;
                format!("capture file {}", file.display())
            }
            Self::Memory => return None,
        })
    }

    /// Does it need DPDK?
    pub const fn needs_dpdk(&self) -> bool {
        !matches!(self, Self::Pcap { .. } | Self::Memory)
    }
}

/// A socket, as [`PortSource::exclusive_device`] says it.
pub(super) fn socket_in_words(path: &Path) -> String {
    format!("socket {}", path.display())
}

/// Who makes a memif's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemifRole {
    /// This port does.
    #[default]
    Server,
    /// The peer does.
    Client,
}
