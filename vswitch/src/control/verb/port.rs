//! `ListPorts`.

use control_api::v1;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Port, PortOffloads, PortRole, Traffic};
use crate::control::wire;

pub(in crate::control) fn list(source: &dyn ControlSource) -> Pages<v1::ListPortsReply> {
    pages(source.ports().into_iter().map(port), |ports| {
        v1::ListPortsReply { ports }
    })
}

fn port(port: Port) -> v1::Port {
    v1::Port {
        name: port.name,
        kind: port.kind,
        device: port.device,
        role: role(port.role).into(),
        mac: wire::mac(port.mac),
        mtu: port.mtu.into(),
        link: wire::link(port.link),
        speed_mbps: port.speed_mbps,
        queues: port.queues.into(),
        received: Some(traffic(port.received)),
        sent: Some(traffic(port.sent)),
        missed_packets: port.missed_packets,
        tx_dropped_packets: port.tx_dropped_packets,
        offloads: offloads(port.offloads),
    }
}

fn offloads(offloads: PortOffloads) -> Vec<i32> {
    let all = [
        (offloads.checksum, v1::PortOffload::Checksum),
        (offloads.segmentation, v1::PortOffload::Segmentation),
    ];
    let present = all.into_iter().filter(|(present, _)| *present);
    present.map(|(_, offload)| offload.into()).collect()
}

fn role(role: PortRole) -> v1::PortRole {
    match role {
        PortRole::Node => v1::PortRole::Node,
        PortRole::Substrate => v1::PortRole::Substrate,
        PortRole::Kernel => v1::PortRole::Kernel,
        PortRole::Unused => v1::PortRole::Unused,
    }
}

fn traffic(traffic: Traffic) -> v1::Traffic {
    v1::Traffic {
        packets: traffic.packets,
        bytes: traffic.bytes,
    }
}
