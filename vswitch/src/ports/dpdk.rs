//! Ports that DPDK drives, and all others with DPDK's buffers.

use std::path::Path;

use datapath::tables::PortOffloads;
use dpdk_bindings::{
    Device, DeviceConfig, DeviceError, DeviceOffloads, DeviceStats, Eal, EalConfig, EalMemory,
    Mbuf, Mempool, PacketSocketError, RxQueue as DeviceRx, Transmitted, TxQueue as DeviceTx,
};
use packet::MacAddr;

use super::devargs;
use super::info::{LinkState, OpenPort, PortCounters, PortInfo, PortMonitor};
use super::kernel;
use super::pcap::PcapError;
use super::queue::{Packets, Refused, RxQueue, TxQueue};
use super::sizing::{self, PortSize, Sizes};
use super::socket::{self, SocketError};
use super::software;
use crate::config::{Memory, PortConfig, PortSource};

/// What devices are asked to do. Not to receive super-frames over a virtio
/// uplink: what the fabric sends is as long as the MTU says.
const OFFLOADS: DeviceOffloads = DeviceOffloads {
    receive_super_frames: false,
    ..DeviceOffloads::ALL
};

const _: () = assert!(sizing::FRAME_OVERHEAD == dpdk_bindings::FRAME_OVERHEAD);

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its device refuses.
    #[error("port \"{port}\": {source}")]
    Device {
        /// The port.
        port: String,
        /// The reason, with what to do.
        source: DeviceError,
    },
    /// There is no packet socket on its network interface.
    #[error("port \"{port}\": {source}")]
    PacketSocket {
        /// The port.
        port: String,
        /// The reason, with what to do.
        source: PacketSocketError,
    },
    /// Its socket cannot be made.
    #[error("port \"{port}\": {source}")]
    Socket {
        /// The port.
        port: String,
        /// The reason, with what to do.
        source: SocketError,
    },
    /// The network interface does not exist.
    #[error(
        "port \"{port}\": there is no network interface \"{interface}\" in this network namespace; \
         make it first, or correct the name (see: ip link)"
    )]
    NoInterface {
        /// The port.
        port: String,
        /// The interface.
        interface: String,
    },
    /// The network interface carries less than the port must.
    #[error(
        "port \"{port}\": network interface \"{interface}\" has mtu {has}, less than the {mtu} bytes \
         the port is to carry, and it cannot be raised ({source}); ip link set {interface} mtu {mtu}"
    )]
    InterfaceMtu {
        /// The port.
        port: String,
        /// The interface.
        interface: String,
        /// What it has, in bytes.
        has: u16,
        /// What is asked for, in bytes.
        mtu: u16,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Its capture file cannot be used.
    #[error(transparent)]
    Pcap(#[from] PcapError),
}

/// How to start DPDK for these ports.
pub fn eal_config(ports: &[PortConfig], memory: Memory, sizes: &Sizes) -> EalConfig {
    let memory = match memory {
        Memory::None => EalMemory::Ordinary {
            mib: sizes.memory_mib,
        },
        Memory::Hugepages { bytes } => EalMemory::Hugepages {
            mib: Some(u32::try_from(bytes >> 20).unwrap_or(u32::MAX)),
        },
    };
    let wants_one_file = |source: &PortSource| match source {
        PortSource::Devargs { devargs } => {
            devargs.contains("virtio_user") || devargs.contains("zero-copy=yes")
        }
        _ => false,
    };
    EalConfig {
        memory,
        file_prefix: None,
        pci: ports
            .iter()
            .filter_map(|port| devargs::pci(&port.source).map(str::to_owned))
            .collect(),
        single_file_segments: ports.iter().any(|port| wants_one_file(&port.source)),
    }
}

/// Opens any port: what DPDK drives, and capture files and memory with DPDK's
/// buffers.
///
/// Network interfaces are looked for in the calling thread's network namespace.
///
/// # Errors
/// [`OpenError`]: the port, the reason, and what to do.
pub fn open(
    eal: Eal,
    config: &PortConfig,
    size: &PortSize,
    pool: Mempool,
) -> Result<OpenPort<Mbuf>, OpenError> {
    if let Some(opened) = software::open(config, size, &pool) {
        return Ok(opened?);
    }
    let port = || config.name.clone();
    if let PortSource::AfPacket { interface } = &config.source {
        return kernel::open(&config.name, interface, size, pool).map_err(|source| {
            OpenError::PacketSocket {
                port: port(),
                source,
            }
        });
    }
    let device_error = |source| OpenError::Device {
        port: port(),
        source,
    };
    if let Some(path) = devargs::own_socket(&config.source) {
        socket::make_way(path).map_err(|source| OpenError::Socket {
            port: port(),
            source,
        })?;
    }
    let interface = kernel_interface(&config.source);
    if let Some(interface) = interface {
        if !interface_exists(interface) {
            return Err(OpenError::NoInterface {
                port: port(),
                interface: interface.to_owned(),
            });
        }
        raise_mtu(interface, size.mtu).map_err(|(has, source)| OpenError::InterfaceMtu {
            port: port(),
            interface: interface.to_owned(),
            has,
            mtu: size.mtu,
            source,
        })?;
    }

    let words = devargs::devargs(&config.source, size).unwrap_or_default();
    let mut device = Device::attach(eal, &words).map_err(device_error)?;
    let info = device.info().map_err(device_error)?;
    let tx_queues = size.tx_queues.clamp(1, info.max_tx_queues.max(1));
    let limited =
        |wanted: u16, (_, max): (u16, u16)| if max == 0 { wanted } else { wanted.min(max) };
    let queues = device
        .start(
            &DeviceConfig {
                rx_queues: size.rx_queues,
                tx_queues,
                rx_descriptors: limited(size.rx_descriptors, info.rx_descriptors),
                tx_descriptors: limited(size.tx_descriptors, info.tx_descriptors),
                mtu: size.mtu,
                // Done above, or by who made it: the drivers of kernel interfaces
                // cannot.
                keep_mtu: interface.is_some() || info.driver == "net_af_packet",
                offloads: OFFLOADS,
            },
            pool,
        )
        .map_err(device_error)?;
    let warnings = receive_everything(&device, &config.name);
    let mac = info.mac;
    Ok(OpenPort {
        rx: queues
            .rx
            .into_iter()
            .map(|queue| Box::new(Polled(queue)) as Box<dyn RxQueue<Mbuf>>)
            .collect(),
        tx: queues
            .tx
            .into_iter()
            .map(|queue| Box::new(Fed(queue)) as Box<dyn TxQueue<Mbuf>>)
            .collect(),
        max_tx_queues: info.max_tx_queues,
        mac,
        offloads: taken(device.offloads()),
        monitor: Box::new(Monitor {
            name: config.name.clone(),
            source: config.source.clone(),
            driver: info.driver,
            mac,
            mtu: size.mtu,
            rx_queues: size.rx_queues,
            tx_queues,
            device,
        }),
        memory: None,
        warnings,
    })
}

/// Nodes have MACs of their own, and so have the groups of neighbour discovery:
/// a port must let everything in.
fn receive_everything(device: &Device, port: &str) -> Vec<String> {
    let Err(refused) = device.set_promiscuous(true) else {
        return Vec::new();
    };
    let mut warnings = vec![format!(
        "port \"{port}\" cannot receive frames for other MACs than its own: {refused}"
    )];
    if let Err(refused) = device.set_all_multicast(true) {
        warnings.push(format!(
            "port \"{port}\" receives only the multicast it has joined: {refused}"
        ));
    }
    warnings
}

/// What of a device's work the pipeline leaves to it.
fn taken(offloads: DeviceOffloads) -> PortOffloads {
    PortOffloads {
        checksum: offloads.transmit_checksum,
        segmentation: offloads.transmit_segmentation,
    }
}

/// The kernel's interface that must exist before.
fn kernel_interface(source: &PortSource) -> Option<&str> {
    match source {
        PortSource::AfXdp { interface } => Some(interface),
        _ => None,
    }
}

/// Asked of the thread's own network namespace, as the driver will.
fn interface_exists(interface: &str) -> bool {
    use rustix::net::{AddressFamily, SocketType, netdevice, socket};
    socket(AddressFamily::UNIX, SocketType::DGRAM, None)
        .is_ok_and(|socket| netdevice::name_to_index(&socket, interface).is_ok())
}

/// Lets an interface carry packets of `mtu` bytes. A larger MTU stays: it lets
/// frames arrive that are to be answered with "too large". Sysfs shows the
/// network namespace that it was mounted in; where that is another one, this
/// finds nothing and does nothing.
fn raise_mtu(interface: &str, mtu: u16) -> Result<(), (u16, std::io::Error)> {
    let path = Path::new("/sys/class/net").join(interface).join("mtu");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    match text.trim().parse() {
        Ok(has) if has < mtu => std::fs::write(&path, mtu.to_string()).map_err(|why| (has, why)),
        _ => Ok(()),
    }
}

struct Polled(DeviceRx);

impl RxQueue<Mbuf> for Polled {
    fn receive(&mut self, into: &mut Packets<Mbuf>) {
        self.0.receive(into);
    }
}

struct Fed(DeviceTx);

impl TxQueue<Mbuf> for Fed {
    fn transmit(&mut self, burst: &mut Packets<Mbuf>) -> Refused {
        self.0.transmit(burst).into()
    }
}

impl From<Transmitted> for Refused {
    fn from(transmitted: Transmitted) -> Self {
        Self {
            packets: transmitted.refused as u64,
            bytes: transmitted.refused_bytes as u64,
        }
    }
}

struct Monitor {
    name: String,
    source: PortSource,
    driver: String,
    mac: MacAddr,
    mtu: u16,
    rx_queues: u16,
    tx_queues: u16,
    device: Device,
}

impl PortMonitor for Monitor {
    fn tend(&self) {
        // What fails now is tried again in a second.
        let _ = self.device.tend();
    }

    fn offloads(&self) -> PortOffloads {
        taken(self.device.offloads())
    }

    fn info(&self) -> PortInfo {
        let link = self.device.link().ok();
        let stats = self.device.stats().unwrap_or_default();
        PortInfo {
            name: self.name.clone(),
            kind: self.source.as_str(),
            device: shown(&self.source),
            driver: self.driver.clone(),
            mac: self.mac,
            mtu: self.mtu,
            rx_queues: self.rx_queues,
            tx_queues: self.tx_queues,
            link: match link {
                Some(link) if link.up => LinkState::Up,
                Some(_) => LinkState::Down,
                None => LinkState::Unknown,
            },
            speed_mbps: link.and_then(|link| link.speed_mbps),
            offloads: self.offloads(),
            counters: PortCounters::from(stats),
        }
    }
}

impl From<DeviceStats> for PortCounters {
    fn from(stats: DeviceStats) -> Self {
        Self {
            rx_packets: stats.rx_packets,
            rx_bytes: stats.rx_bytes,
            rx_missed: stats.rx_missed + stats.rx_no_buffer,
            rx_errors: stats.rx_errors,
            tx_packets: stats.tx_packets,
            tx_bytes: stats.tx_bytes,
            tx_errors: stats.tx_errors,
        }
    }
}

/// What the configuration names the device.
fn shown(source: &PortSource) -> String {
    match source {
        PortSource::Pci { address } => address.clone(),
        PortSource::Tap { interface, .. }
        | PortSource::AfPacket { interface }
        | PortSource::AfXdp { interface } => interface.clone(),
        PortSource::Memif { socket, id, .. } => format!("{}#{id}", socket.display()),
        PortSource::Vhost { path, .. } => path.display().to_string(),
        PortSource::Devargs { devargs } => devargs.clone(),
        PortSource::Pcap { .. } | PortSource::Memory => source.as_str().to_owned(),
    }
}
