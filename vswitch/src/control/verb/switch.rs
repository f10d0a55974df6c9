//! `ListSwitches`.

use control_api::v1;
use control_api::v1::switch_part::Part;
use tonic::Status;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Switch, SwitchPort};
use crate::control::wire;

pub(in crate::control) fn list(
    source: &dyn ControlSource,
    request: &v1::ListSwitchesRequest,
) -> Result<Pages<v1::ListSwitchesReply>, Status> {
    let network = request.network.as_deref();
    let mut found = source.switches(network).ok_or_else(|| {
        let name = network.unwrap_or_default();
        Status::not_found(format!(
            "there is no network \"{name}\"; see: vswitchctl export"
        ))
    })?;
    if let Some(name) = &request.name {
        found.retain(|switch| switch.name == *name);
        one(&found, name)?;
    }
    let parts = found.into_iter().flat_map(parts);
    Ok(pages(parts, |parts| v1::ListSwitchesReply { parts }))
}

/// None has the name, or several have?
fn one(found: &[Switch], name: &str) -> Result<(), Status> {
    match found {
        [_] => Ok(()),
        [] => Err(Status::not_found(format!(
            "there is no switch \"{name}\"; see: vswitchctl switch list"
        ))),
        several => {
            let networks: Vec<&str> = several.iter().map(|s| s.segment.network.as_str()).collect();
            Err(Status::invalid_argument(format!(
                "several networks have a switch \"{name}\"; say which with --network: {}",
                networks.join(", ")
            )))
        }
    }
}

fn parts(switch: Switch) -> impl Iterator<Item = v1::SwitchPart> {
    let (address, mac) = switch.management.unzip();
    let of = Part::Switch(v1::Switch {
        name: switch.name,
        segment: Some(wire::segment(switch.segment)),
        address: address.map(|address| address.to_bits()),
        mac: mac.map(wire::mac),
    });
    let ports = switch.ports.into_iter().map(|of| Part::Port(port(of)));
    let parts = core::iter::once(of).chain(ports);
    parts.map(|part| v1::SwitchPart { part: Some(part) })
}

fn port(of: SwitchPort) -> v1::SwitchPort {
    let (out_packets, out_bytes) = of.traffic.out.unzip();
    v1::SwitchPort {
        node: of.node,
        port: of.port,
        mac: wire::mac(of.mac),
        in_packets: of.traffic.in_packets,
        in_bytes: of.traffic.in_bytes,
        in_discarded_packets: of.traffic.in_discards,
        out_packets,
        out_bytes,
    }
}
