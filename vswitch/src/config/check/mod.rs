//! Does the configuration contradict itself, or the networks it is to carry?
//!
//! * [`ports`]: a name or a device in two ports.
//! * [`hosts`]: a name or a locator of two hosts.
//! * [`uplinks`]: addresses and routes.
//! * [`kernel`]: where this machine's kernel hears of them.
//! * [`cores`]: cores that this machine has not.
//! * [`mtu`]: what the fabric carries, and what segments promise.

mod cores;
mod hosts;
mod kernel;
pub(super) mod mtu;
mod ports;
mod uplinks;

use std::sync::Arc;

use vnet::compiled::Host;
use vnet::diagnostic::Diagnostics;
use vnet::topology::networks::NetworkTexts;
use vnet::topology::{KnownPort, PortPurpose, Topology};
use vnet::yaml::Located;

use super::read::{HostText, SubstrateText, UplinkText};
use super::{Frame, HostConfig, PortConfig, Substrate};

/// Checks what was written. `None` where too little could be read.
pub(super) fn check(
    mut text: HostText,
    topology: &Topology,
    out: &mut Diagnostics,
) -> Option<HostConfig> {
    let taps = text.substrate.as_ref().map(kernel::taps);
    text.ports.extend(taps.unwrap_or_default());
    cores::check(&text.cores, out);
    ports::check(&text, out);
    hosts::check(&text, out);
    let SubstrateText {
        locator,
        announce,
        hop_limit,
        move_grace,
        uplinks,
    } = text.substrate.as_ref()?;
    let known = text.ports.iter().map(|port| {
        Some(KnownPort {
            name: port.name.value.clone(),
            purpose: purpose(&port.name.value, uplinks),
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
            move_grace: *move_grace,
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

/// What the port of that name is for.
fn purpose(name: &str, uplinks: &[UplinkText]) -> PortPurpose {
    let is = |port: &Located<String>| port.value == name;
    let mut kernels = uplinks.iter().filter_map(|uplink| uplink.kernel.as_ref());
    if uplinks
        .iter()
        .any(|uplink| uplink.port.as_ref().is_some_and(is))
    {
        PortPurpose::Uplink
    } else if kernels.any(|kernel| is(&kernel.port)) {
        PortPurpose::Kernel
    } else {
        PortPurpose::Nodes
    }
}
