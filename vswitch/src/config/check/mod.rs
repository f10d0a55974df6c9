//! Does the configuration contradict itself, or the networks it is to carry?
//!
//! * [`ports`]: a name or a device in two ports.
//! * [`hosts`]: a name or a locator of two hosts.
//! * [`uplinks`]: addresses and routes.
//! * [`cores`]: cores that this machine has not.
//! * [`mtu`]: what the fabric carries, and what segments promise.

mod cores;
mod hosts;
pub(super) mod mtu;
mod ports;
mod uplinks;

use std::sync::Arc;

use vnet::compiled::Host;
use vnet::diagnostic::Diagnostics;
use vnet::topology::networks::NetworkTexts;
use vnet::topology::{KnownPort, Topology};

use super::read::{HostText, SubstrateText};
use super::{Frame, HostConfig, PortConfig, Substrate};

/// Checks what was written. `None` where too little could be read.
pub(super) fn check(
    text: HostText,
    topology: &Topology,
    out: &mut Diagnostics,
) -> Option<HostConfig> {
    cores::check(&text.cores, out);
    ports::check(&text, out);
    hosts::check(&text, out);
    let SubstrateText {
        locator,
        announce,
        hop_limit,
        uplinks,
    } = text.substrate.as_ref()?;
    let known = text.ports.iter().map(|port| {
        Some(KnownPort {
            name: port.name.value.clone(),
            uplink: uplinks.iter().any(|uplink| {
                let uplink = uplink.port.as_ref();
                uplink.is_some_and(|name| name.value == port.name.value)
            }),
        })
    });
    let known = known.collect();
    let checked = uplinks::check(&text, uplinks, out);

    let (host, locator) = (text.host.as_ref()?, locator.as_ref()?.value);
    let others = text.hosts.iter().filter_map(|other| {
        Some(Host {
            name: other.name.value.clone(),
            locator: other.locator.as_ref()?.value,
        })
    });
    let frame = Frame {
        this: Host {
            name: host.value.clone(),
            locator,
        },
        others: others.collect(),
        uplinks: uplinks.clone(),
    };
    let compiled = topology.compile(&frame.around(known), None, out);
    mtu::check_uplinks(uplinks, topology, &host.value, out);
    let mtus = mtu::of_ports(&text, &compiled, uplinks, out);
    let ports = text.ports.iter().zip(mtus).filter_map(|(port, mtu)| {
        Some(PortConfig {
            name: port.name.value.clone(),
            queues: port.queues,
            mtu,
            descriptors: port.descriptors,
            source: port.source.as_ref()?.value.clone(),
        })
    });
    Some(HostConfig {
        host: host.value.clone(),
        workers: text.workers.clone(),
        memory: text.memory,
        ports_reserve: text.ports_reserve,
        substrate: Substrate {
            locator,
            announce: *announce,
            hop_limit: *hop_limit,
            uplinks: checked,
        },
        ports: ports.collect(),
        control: text.control.clone(),
        topology: text
            .topology
            .iter()
            .map(|file| file.value.clone())
            .collect(),
        tables: text.tables,
        state: text.state.clone(),
        networks: NetworkTexts::default(),
        frame: Arc::new(frame),
        compiled,
        warnings: Vec::new(),
    })
}
