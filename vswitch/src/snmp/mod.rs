//! SNMP agents of logical devices: version 2c (RFC 1901, RFC 3416), read only.
//!
//! A device is everywhere, and so is its agent: a question is answered by the
//! vswitch of the host where its asker is, from what is drawn, and from what this
//! host has counted. One thread answers all of a host's questions, so that a
//! tenant who asks much delays neither a packet nor neighbour discovery.
//!
//! * `message`: what is on the wire.
//! * `answer`: what a question comes to.
//! * `mib`: the objects.
//! * [`ports`]: those of a logical switch, and their counts.

mod answer;
mod message;
mod mib;
pub mod ports;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use datapath::books::{Ledger, LegLine, LegNumbers, OutputNumbers};
use datapath::pipeline::answer::snmp::{Device, Question};
use datapath::pipeline::{DropReason, Punted};
use datapath::tables::MappingKey;
use packet::{BufPool, PacketBuf};
use vnet::compiled::{Compiled, PortId};

use self::message::{Asked, NoQuestion};
use self::mib::router::{self, RouterView};
use self::mib::switch::{self, SwitchView};
use self::mib::system::System;
use crate::commit::{InForce, Showcase};
use crate::worker::Injection;
use crate::worker::punts::PuntRings;

/// How long the thread naps when there is nothing to do: shortly while somebody
/// asks, since a walk is one question after the other.
const SHORT_NAP: Duration = Duration::from_micros(250);
const LONG_NAP: Duration = Duration::from_millis(5);

/// How long after a question more are expected.
const ATTENTIVE: Duration = Duration::from_secs(2);

/// Devices whose objects are kept in order at a time.
const KEPT: usize = 256;

/// Everything the thread owns.
pub struct Agents<P: BufPool> {
    /// Where buffers for answers come from.
    pub pool: P,
    /// What is drawn.
    pub show: Arc<Showcase>,
    /// Up from the workers.
    pub punts: Arc<PuntRings<P::Buf>>,
    /// Down to the workers, one each.
    pub injections: Vec<Arc<ArrayQueue<Injection<P::Buf>>>>,
    /// What it counts.
    pub ledger: Arc<Ledger>,
    /// What all threads count.
    pub counts: Counts,
    /// This host's name.
    pub host: String,
    /// Set when it should end, after the workers.
    pub stop: Arc<AtomicBool>,
    /// Time zero.
    pub started: Instant,
}

/// The books of all threads that do logical devices' work.
#[derive(Debug, Clone)]
pub struct Counts(pub Vec<Arc<Ledger>>);

impl Counts {
    /// What has passed a logical router's leg.
    pub fn leg(&self, line: LegLine) -> LegNumbers {
        let mut sum = LegNumbers::default();
        for ledger in &self.0 {
            sum += ledger.legs().read(line);
        }
        sum
    }
}

/// What is kept of one state of the drawing.
struct Kept {
    in_force: Arc<InForce>,
    views: HashMap<Device, View>,
}

/// A device's objects, in order.
#[derive(Clone)]
enum View {
    Router(Arc<RouterView>),
    Switch(Arc<SwitchView>),
}

impl<P: BufPool> Agents<P> {
    /// Answers until told to stop; what is left then is dropped, by reason.
    pub fn run(mut self) {
        let mut kept = Kept::of(self.show.in_force());
        let mut asked_last: Option<Instant> = None;
        while !self.stop.load(Ordering::Relaxed) {
            let Some(punted) = self.punts.pop_question() else {
                self.ledger.boundary();
                let attentive = asked_last.is_some_and(|last| last.elapsed() < ATTENTIVE);
                std::thread::sleep(if attentive { SHORT_NAP } else { LONG_NAP });
                continue;
            };
            asked_last = Some(Instant::now());
            kept.renew(&self.show);
            match self.answer(&punted, &mut kept) {
                Ok(()) => self.ledger.line(punted.row).consumed(),
                Err(reason) => self.ledger.book_drop(punted.row, reason),
            }
            self.ledger.boundary();
        }
        while let Some(punted) = self.punts.pop_question() {
            let row = punted.row;
            self.ledger.book_drop(row, DropReason::ShuttingDown);
        }
        self.ledger.boundary();
    }

    fn answer(&mut self, punted: &Punted<P::Buf>, kept: &mut Kept) -> Result<(), DropReason> {
        let lost = DropReason::SnmpNotAnswered;
        let in_force = Arc::clone(&kept.in_force);
        let (compiled, drawn) = (&in_force.compiled, &in_force.drawn);
        let from = punted.from.and_then(|from| from.interface).ok_or(lost)?;
        let question = Question::of(punted.buf.data(), from, drawn).ok_or(lost)?;
        let named = Named::of(compiled, question.device).ok_or(lost)?;
        let asked = Asked::read(question.message).map_err(|no_question| match no_question {
            NoQuestion::Malformed => DropReason::SnmpMalformed,
            NoQuestion::WrongVersion => DropReason::SnmpWrongVersion,
        })?;
        if !named.snmp.community.is(&asked.community) {
            return Err(DropReason::SnmpWrongCommunity);
        }
        let view = kept.view(question.device).ok_or(lost)?;
        let message = {
            let system = self.system(&named);
            let mib = match &view {
                View::Router(router) => router.mib(system, |line| self.counts.leg(line)),
                View::Switch(switch) => {
                    switch.mib(system, |port| self.counts.interface(port).into())
                }
            };
            answer::answer(&asked, &mib, question.room).ok_or(lost)?
        };
        let frame = question.answer(&message).ok_or(lost)?;
        self.send(&question, &frame)?;
        question.count(frame.len(), drawn, self.ledger.legs());
        Ok(())
    }

    fn system<'n>(&self, named: &Named<'n>) -> System<'n> {
        let Named {
            what,
            services,
            name,
            network,
            entity,
            snmp,
        } = named;
        System {
            description: format!(
                "logical {what} {name} of network {network} (entity {entity}), vswitch {}",
                env!("CARGO_PKG_VERSION")
            ),
            name: format!("{name}@{}", self.host),
            snmp,
            uptime: self.started.elapsed(),
            services: *services,
        }
    }

    fn send(&mut self, question: &Question<'_>, frame: &[u8]) -> Result<(), DropReason> {
        let mut buf = self.pool.alloc_with(frame).ok_or(DropReason::NoBuffer)?;
        question.tag(&mut buf)?;
        self.ledger.work().generated.add(1);
        if !self.inject(question.port, buf) {
            // Lost on its way to the worker that would have sent it.
            let lost = OutputNumbers::not_taken(1);
            self.ledger.book_output(question.port, lost);
        }
        Ok(())
    }

    /// Gives a frame to a worker to send. The workers take turns by port, so that
    /// one asker's answers stay in order.
    fn inject(&self, port: PortId, buf: P::Buf) -> bool {
        let worker = usize::from(port.0).checked_rem(self.injections.len());
        let ring = worker.and_then(|worker| self.injections.get(worker));
        let taken = ring.is_some_and(|ring| ring.push(Injection::Send { port, buf }).is_ok());
        if taken {
            self.ledger.work().handed_on.add(1);
        }
        taken
    }
}

/// A device and its network, by their names.
struct Named<'c> {
    /// A router or a switch.
    what: &'static str,
    services: i32,
    name: &'c str,
    network: &'c str,
    entity: &'c str,
    snmp: &'c vnet::compiled::Snmp,
}

impl<'c> Named<'c> {
    fn of(compiled: &'c Compiled, device: Device) -> Option<Self> {
        let (what, services, name, network) = match device {
            Device::Router(id) => {
                let router = compiled.routers.get(id.0 as usize)?;
                ("router", router::SERVICES, &router.name, router.network)
            }
            Device::Switch(key) => {
                let switch = switch_at(compiled, key)?;
                ("switch", switch::SERVICES, &switch.name, switch.network)
            }
        };
        let network = compiled.networks.get(network)?;
        Some(Self {
            what,
            services,
            name,
            network: &network.name,
            entity: &network.entity,
            snmp: network.snmp.as_ref()?,
        })
    }
}

impl Kept {
    fn of(in_force: Arc<InForce>) -> Self {
        Self {
            in_force,
            views: HashMap::new(),
        }
    }

    /// Forgets what is kept of another state than the one in force.
    fn renew(&mut self, show: &Showcase) {
        let in_force = show.in_force();
        if !Arc::ptr_eq(&in_force, &self.in_force) {
            *self = Self::of(in_force);
        }
    }

    fn view(&mut self, device: Device) -> Option<View> {
        if let Some(view) = self.views.get(&device) {
            return Some(view.clone());
        }
        let (compiled, drawn) = (&self.in_force.compiled, &self.in_force.drawn);
        let view = match device {
            Device::Router(id) => View::Router(Arc::new(RouterView::of(id, compiled, drawn)?)),
            Device::Switch(key) => {
                let management = switch_at(compiled, key)?.management?;
                let view = SwitchView::of(key.segment, management, compiled, drawn)?;
                View::Switch(Arc::new(view))
            }
        };
        if self.views.len() >= KEPT {
            self.views.clear();
        }
        self.views.insert(device, view.clone());
        Some(view)
    }
}

/// The switch that has an address in a segment.
fn switch_at(compiled: &Compiled, key: MappingKey) -> Option<&vnet::compiled::Switch> {
    let mut switches = compiled.switches.iter();
    switches.find(|switch| {
        let address = switch.management.map(|management| management.address);
        switch.segment == key.segment && address == Some(key.address)
    })
}
