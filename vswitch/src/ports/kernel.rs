//! Ports on network interfaces of the kernel, through packet sockets.

use datapath::tables::PortOffloads;
use dpdk_bindings::{
    Mbuf, Mempool, PacketReceiver, PacketSender, PacketSocket, PacketSocketConfig,
    PacketSocketError,
};

use super::info::{LinkState, OpenPort, PortCounters, PortInfo, PortMonitor};
use super::queue::{Packets, Refused, RxQueue, TxQueue};
use super::sizing::PortSize;

/// The kernel completes checksums and cuts super-frames, or hands them on to a
/// device or a receiver on this machine as they are.
const OFFLOADS: PortOffloads = PortOffloads {
    checksum: true,
    segmentation: true,
};

/// Opens a port on `interface`, of the calling thread's network namespace.
///
/// # Errors
/// [`PacketSocketError`]: the reason, and what to do.
pub fn open(
    name: &str,
    interface: &str,
    size: &PortSize,
    pool: Mempool,
) -> Result<OpenPort<Mbuf>, PacketSocketError> {
    let config = PacketSocketConfig {
        interface: interface.to_owned(),
        rx_queues: size.rx_queues,
        tx_queues: size.tx_queues,
        rx_descriptors: size.rx_descriptors,
        mtu: size.mtu,
    };
    let (port, queues) = PacketSocket::open(&config, pool)?;
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
        max_tx_queues: u16::MAX,
        mac: port.mac(),
        offloads: OFFLOADS,
        monitor: Box::new(Monitor {
            name: name.to_owned(),
            config,
            port,
        }),
        memory: None,
        warnings: Vec::new(),
    })
}

struct Polled(PacketReceiver);

impl RxQueue<Mbuf> for Polled {
    fn receive(&mut self, into: &mut Packets<Mbuf>) {
        self.0.receive(into);
    }
}

struct Fed(PacketSender);

impl TxQueue<Mbuf> for Fed {
    fn transmit(&mut self, burst: &mut Packets<Mbuf>) -> Refused {
        self.0.transmit(burst).into()
    }
}

struct Monitor {
    name: String,
    config: PacketSocketConfig,
    port: PacketSocket,
}

impl PortMonitor for Monitor {
    fn offloads(&self) -> PortOffloads {
        OFFLOADS
    }

    fn info(&self) -> PortInfo {
        let link = self.port.link();
        let stats = self.port.stats();
        PortInfo {
            name: self.name.clone(),
            kind: "af_packet",
            device: self.config.interface.clone(),
            driver: "packet_socket".to_owned(),
            mac: self.port.mac(),
            mtu: self.config.mtu,
            rx_queues: self.config.rx_queues,
            tx_queues: self.config.tx_queues,
            link: if link.up {
                LinkState::Up
            } else {
                LinkState::Down
            },
            speed_mbps: link.speed_mbps,
            offloads: OFFLOADS,
            counters: PortCounters::from(stats),
        }
    }
}
