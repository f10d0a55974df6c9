//! Listings of the logical switches, and what has passed their ports here.

use super::Observer;
use super::names::label;
use crate::control::source::{Switch, SwitchPort};
use crate::snmp::ports::attached;

impl Observer {
    /// `None`: there is no such network.
    pub(super) fn shown_switches(&self, network: Option<&str>) -> Option<Vec<Switch>> {
        let in_force = self.show.in_force();
        let compiled = &in_force.compiled;
        let place = |name| compiled.networks.iter().position(|n| n.name == name);
        let only = match network {
            Some(name) => Some(place(name)?),
            None => None,
        };
        let drawn = compiled.switches.iter();
        let wanted = drawn.filter(|switch| only.is_none_or(|only| switch.network == only));
        let shown = wanted.map(|switch| {
            let ports = attached(switch.segment, compiled, &in_force.drawn);
            let ports = ports.iter().map(|port| SwitchPort {
                node: port.node.clone(),
                port: self.port_name(port.port),
                mac: port.mac,
                traffic: self.counts.interface(port),
            });
            Switch {
                name: switch.name.clone(),
                segment: label(compiled, switch.segment),
                management: switch.management.map(|of| (of.address, of.mac)),
                ports: ports.collect(),
            }
        });
        Some(shown.collect())
    }
}
