//! What networks are held against on this host, at its start and each time that
//! others are applied.

use packet::Locator;
use vnet::compiled::{Compiled, Host};
use vnet::diagnostic::Diagnostics;
use vnet::topology::{KnownPort, Surroundings, Topology};

use super::check::mtu;
use super::read::UplinkText;

/// The part of a host's configuration that networks must fit.
#[derive(Debug)]
pub struct Frame {
    pub(super) this: Host,
    pub(super) others: Vec<Host>,
    pub(super) uplinks: Vec<UplinkText>,
}

/// A port that nodes can be behind, or something else.
#[derive(Debug, Clone)]
pub struct FramePort {
    /// Its name, and what it is for.
    pub known: KnownPort,
    /// The largest IP packet it carries, in bytes.
    pub mtu: u16,
}

impl Frame {
    /// This host's locator.
    pub const fn locator(&self) -> Locator {
        self.this.locator
    }

    /// What a topology is on this host with these ports, by id. `before` is the
    /// form in use: hosts and interfaces keep their ids. What is wrong goes to
    /// `out`; if that has errors, the result must not be used.
    pub fn compile(
        &self,
        topology: &Topology,
        ports: &[Option<FramePort>],
        before: &Compiled,
        out: &mut Diagnostics,
    ) -> Compiled {
        let known = ports.iter().map(|port| Some(port.as_ref()?.known.clone()));
        let around = self.around(known.collect());
        let compiled = topology.compile(&around, Some(before), out);
        mtu::check_uplinks(&self.uplinks, topology, &self.this.name, out);
        mtu::check_open_ports(ports, topology, &self.this.name, out);
        compiled
    }

    pub(super) fn around(&self, ports: Vec<Option<KnownPort>>) -> Surroundings {
        Surroundings {
            this: self.this.clone(),
            others: self.others.clone(),
            ports,
        }
    }
}
