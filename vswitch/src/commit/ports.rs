//! Ports that come and go.
//!
//! The workers must know a port before they poll it, and forget it after they
//! do no longer: so the tables are published before it is plugged in, and after
//! it is unplugged.

use packet::PacketBuf;
use vnet::compiled::PortId;

use super::clerk::Clerk;
use super::event::What;
use super::order::{AddPort, PortChanged, RemovePort, RequestId, Revision};
use super::refusal::Refusal;
use crate::config;
use crate::state::{Commit, PortText};

impl<B: PacketBuf + 'static> Clerk<B> {
    pub(super) fn add_port(&mut self, order: &AddPort) -> Result<PortChanged, Refusal> {
        let port = config::read_port(&order.port).map_err(Refusal::Faults)?;
        let name = port.name.clone();
        if let Some(done) = self.port_done_before(order.request.as_ref(), &name) {
            return Ok(done);
        }
        let port = self.panel.open(port).map_err(not_now)?;
        for warning in port.warnings() {
            tracing::warn!("{warning}");
        }
        let live = self.panel.live().now();
        self.publish_ports(&live.with(port.port().clone()))?;
        let id = port.port().id();
        let row = self.writer.drawn.ports.rows().of(id, None);
        if let Err(stuck) = self.panel.plug(port, row) {
            self.publish_ports(&live)?;
            return Err(not_now(stuck));
        }

        let mut added = self.added_ports.clone();
        added.push(PortText {
            name: name.clone(),
            text: order.port.clone(),
        });
        let revision = match self.write_ports(&added, order.request.as_ref()) {
            Ok(revision) => revision,
            Err(refusal) => {
                drop(self.panel.unplug(&name));
                self.publish_ports(&live)?;
                return Err(refusal);
            }
        };
        self.added_ports = added;
        Ok(self.port_changed(revision, name, What::PortAdded, true))
    }

    pub(super) fn remove_port(&mut self, order: &RemovePort) -> Result<PortChanged, Refusal> {
        let name = &order.name;
        if let Some(done) = self.port_done_before(order.request.as_ref(), name) {
            return Ok(done);
        }
        let live = self.panel.live().now();
        if let Some(port) = live.find(name) {
            self.refuse_if_used(port.id(), name)?;
        }
        let port = self.panel.unplug(name).map_err(|error| match error {
            crate::worker::panel::RemovePortError::NoSuchPort { .. } => {
                Refusal::NotFound(error.to_string())
            }
            other => not_now(other),
        })?;
        let mut added = self.added_ports.clone();
        added.retain(|port| port.name != *name);
        // What is in the configuration file comes back with the next start.
        let stays_away = added.len() < self.added_ports.len();
        let revision = match self.write_ports(&added, order.request.as_ref()) {
            Ok(revision) => revision,
            Err(refusal) => {
                let row = self.writer.drawn.ports.rows().of(port.port().id(), None);
                self.panel.plug(port, row).map_err(not_now)?;
                return Err(refusal);
            }
        };
        self.added_ports = added;
        self.publish_ports(&self.panel.live().now())?;
        port.close();
        Ok(self.port_changed(revision, name.clone(), What::PortRemoved, stays_away))
    }

    /// Nobody may lose the port that they are behind.
    fn refuse_if_used(&self, port: PortId, name: &str) -> Result<(), Refusal> {
        let behind = self.compiled.interfaces.iter();
        let behind = behind.filter(|interface| interface.port == port);
        let mut nodes: Vec<&str> = behind.map(|interface| interface.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let Some(first) = nodes.first() else {
            return Ok(());
        };
        let who = match nodes.len() {
            1 => format!("node \"{first}\" is"),
            many => format!("node \"{first}\" and {} more are", many - 1),
        };
        Err(Refusal::NotNow(format!(
            "{who} behind port \"{name}\": apply a topology without them there, then remove it"
        )))
    }

    /// Publishes the tables for another set of ports.
    fn publish_ports(&mut self, ports: &crate::ports::live::PortSet) -> Result<(), Refusal> {
        let drawn = self.draw(&self.compiled, ports)?;
        self.writer.drawn = drawn;
        self.writer.publish();
        self.show();
        Ok(())
    }

    fn write_ports(
        &mut self,
        added: &[PortText],
        request: Option<&RequestId>,
    ) -> Result<Revision, Refusal> {
        let revision = Revision(self.revision.0 + 1);
        self.durable.write(Commit {
            ports: Some(added.to_vec()),
            request: request.cloned(),
            ..Commit::empty(revision)
        })?;
        self.revision = revision;
        if let Some(request) = request {
            self.requests.note(request.clone(), revision);
        }
        Ok(revision)
    }

    fn port_changed(
        &mut self,
        revision: Revision,
        name: String,
        what: fn(String) -> What,
        lasting: bool,
    ) -> PortChanged {
        self.show.show_revision(revision);
        let event = core::iter::once(what(name.clone()));
        self.show.events.note(revision, event);
        self.show_tables();
        tracing::info!(%revision, port = name, "ports changed");
        PortChanged {
            revision,
            name,
            durable: lasting && self.durable.is_there(),
        }
    }

    fn port_done_before(&self, request: Option<&RequestId>, name: &str) -> Option<PortChanged> {
        Some(PortChanged {
            revision: self.requests.find(request?)?,
            name: name.to_owned(),
            durable: self.durable.is_there(),
        })
    }
}

fn not_now(error: impl core::fmt::Display) -> Refusal {
    Refusal::NotNow(error.to_string())
}
