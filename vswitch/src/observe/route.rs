//! Which way would a packet take through the drawn networks? It is walked as the
//! workers walk it, in the same tables.

use core::cell::Cell;

use datapath::pipeline::answer::icmp_error::DUMMY_ADDRESS;
use datapath::pipeline::batch::IpTuple;
use datapath::tables::{At, End, MappingEntry, RouteTable, Walk};
use packet::{Fragment, IpProtocol, SegmentId, VirtualAddr};
use vnet::compiled::{Compiled, Host, HostId, MappingKind, Segment};

use super::Observer;
use super::names::label;
use crate::commit::InForce;
use crate::control::source::{
    RouteDestination, RouteEnd, RouteFrom, RouteHop, RouteQuestion, RouteRefusal, RouteWay,
    SegmentLabel,
};

/// Where a way across logical routers ends, and what fits through it.
pub(super) struct Across {
    pub(super) segment: SegmentId,
    pub(super) host: HostId,
    pub(super) mtu: u16,
}

impl Observer {
    pub(super) fn way_of(&self, question: &RouteQuestion) -> Result<RouteWay, RouteRefusal> {
        let in_force = self.show.in_force();
        let owner = |segment, address| self.owner_of(segment, address);
        let way = Map::of(&in_force, &owner).way(question)?;
        Ok(self.ruled(question, way))
    }

    /// From a segment to an address in another one, if it gets there.
    pub(super) fn across_routers(
        &self,
        in_force: &InForce,
        from: SegmentId,
        to: VirtualAddr,
    ) -> Option<Across> {
        let question = RouteQuestion {
            from: RouteFrom::Segment(from),
            to,
            network: None,
            router: None,
            protocol: IpProtocol::ICMP,
            ports: (0, 0),
        };
        let owner = |segment, address| self.owner_of(segment, address);
        let way = Map::of(in_force, &owner).way(&question).ok()?;
        let segment = way.to_segment?.id;
        if way.end != RouteEnd::Delivered || way.hops.is_empty() {
            return None;
        }
        Some(Across {
            segment,
            host: self.owner_of(segment, to)?.host,
            mtu: way.mtu?,
        })
    }

    fn owner_of(&self, segment: SegmentId, address: VirtualAddr) -> Option<MappingEntry> {
        let tables = self.publisher.lock().pin();
        tables.mapping(segment, address)
    }
}

/// What there is to walk on.
struct Map<'m> {
    compiled: &'m Compiled,
    hosts: &'m [Host],
    routes: &'m RouteTable,
    owner: &'m dyn Fn(SegmentId, VirtualAddr) -> Option<MappingEntry>,
}

/// A packet, as far as its way depends on it.
struct Sent<'m> {
    by: &'m Segment,
    from: Option<VirtualAddr>,
    flow: IpTuple,
}

/// The routers to which a packet came, and at which of them its flow chose.
type Met = Vec<(At, bool)>;

impl<'m> Map<'m> {
    fn of(
        in_force: &'m InForce,
        owner: &'m dyn Fn(SegmentId, VirtualAddr) -> Option<MappingEntry>,
    ) -> Self {
        Self {
            compiled: &in_force.compiled,
            hosts: &in_force.hosts,
            routes: &in_force.drawn.routes,
            owner,
        }
    }

    fn way(&self, question: &RouteQuestion) -> Result<RouteWay, RouteRefusal> {
        let (by, from) = self.sender(question)?;
        let sent = Sent {
            by,
            from,
            flow: flow(question, from.unwrap_or(by.subnet.network().into())),
        };
        if question.router.is_none() && by.subnet.contains(question.to) {
            return Ok(self.within_the_segment(&sent, question.to));
        }
        let Some(first) = self.first(&sent, question)? else {
            return Ok(RouteWay {
                end: RouteEnd::NoRouter,
                ..self.nowhere(&sent, question.to)
            });
        };
        Ok(self.across(&sent, first, question.to))
    }

    /// In which segment is the packet sent, and from which address?
    fn sender(
        &self,
        question: &RouteQuestion,
    ) -> Result<(&'m Segment, Option<VirtualAddr>), RouteRefusal> {
        let networks = &self.compiled.networks;
        let network = match &question.network {
            Some(name) => Some(
                networks
                    .iter()
                    .position(|network| network.name == *name)
                    .ok_or_else(|| RouteRefusal::NoSuchNetwork(name.clone()))?,
            ),
            None => None,
        };
        let meant = |segment: &&Segment| network.is_none_or(|only| segment.network == only);
        match question.from {
            RouteFrom::Segment(id) => {
                let found = self.compiled.segment(id).filter(meant);
                let missing = || RouteRefusal::NoSuchSegment(id, question.network.clone());
                Ok((found.ok_or_else(missing)?, self.anybody_in(id)))
            }
            RouteFrom::Address(address) => {
                let is_there = |segment: &&Segment| {
                    segment.subnet.contains(address)
                        && (self.owner)(segment.id, address)
                            .is_some_and(|owner| owner.kind.is_node())
                };
                let segments = self.compiled.segments.iter();
                let found: Vec<_> = segments.filter(meant).filter(is_there).collect();
                match found.as_slice() {
                    [one] => Ok((one, Some(address))),
                    [] => Err(RouteRefusal::NoSuchSender(
                        address,
                        question.network.clone(),
                    )),
                    several => Err(RouteRefusal::SeveralSenders {
                        address,
                        segments: several.iter().map(|s| self.label(s.id)).collect(),
                    }),
                }
            }
        }
    }

    /// The node with the lowest address.
    fn anybody_in(&self, segment: SegmentId) -> Option<VirtualAddr> {
        let all = &self.compiled.mappings;
        let start = all.partition_point(|mapping| mapping.segment < segment);
        let there = all.get(start..)?.iter();
        let mut there = there.take_while(|mapping| mapping.segment == segment);
        let node = there.find(|mapping| mapping.kind.is_node())?;
        Some(node.address)
    }

    /// The router that gets it first. Which one a node asks is the node's own
    /// affair, so the first that leads there stands for all.
    fn first(&self, sent: &Sent<'_>, question: &RouteQuestion) -> Result<Option<At>, RouteRefusal> {
        let there = self.routes.in_segment(sent.by.id);
        if let Some(name) = &question.router {
            let named = |at: &&At| self.name(**at) == *name;
            let found = there.iter().find(named).copied();
            return match found {
                Some(at) => Ok(Some(at)),
                None => Err(RouteRefusal::NoSuchRouter {
                    name: name.clone(),
                    segment: sent.by.id,
                    known: self.routers_of(sent.by.id, None),
                }),
            };
        }
        let leads_there = |at: &&At| {
            let walk = self.routes.walk(**at, question.to, u8::MAX, || sent.hash());
            walk.leaves_by().is_some() || matches!(walk.end, End::Own | End::Broadcast)
        };
        Ok(there.iter().find(leads_there).or(there.first()).copied())
    }

    fn within_the_segment(&self, sent: &Sent<'_>, to: VirtualAddr) -> RouteWay {
        let destination = self.destination(sent.by.id, to);
        let end = match destination.kind {
            Some(MappingKind::Node | MappingKind::Phantom) => RouteEnd::Delivered,
            Some(MappingKind::Router | MappingKind::Switch) => RouteEnd::Router,
            None => RouteEnd::Nobody,
        };
        RouteWay {
            end,
            to_segment: Some(self.label(sent.by.id)),
            mtu: destination.kind.is_some().then_some(sent.by.mtu),
            destination,
            ..self.nowhere(sent, to)
        }
    }

    fn across(&self, sent: &Sent<'_>, first: At, to: VirtualAddr) -> RouteWay {
        let (walk, mut met) = self.walk(sent, first, to);
        let mut way = RouteWay {
            other_routers: self.routers_of(sent.by.id, Some(first)),
            ..self.nowhere(sent, to)
        };
        let mtu = Some(walk.mtu.min(sent.by.mtu));
        // RFC 1812 §5.3.7: the first router refuses it.
        if !to.is_unicast() {
            met.truncate(1);
            way.end = RouteEnd::NotRoutable;
        } else {
            match walk.end {
                End::Segment(leg) => {
                    if let Some(leg) = self.routes.leg(walk.last.router, leg) {
                        way.to_segment = Some(self.label(leg.segment));
                        way.destination = self.destination(leg.segment, to);
                        way.end = match way.destination.kind {
                            Some(MappingKind::Switch) => RouteEnd::Router,
                            Some(_) => RouteEnd::Delivered,
                            None => RouteEnd::Nobody,
                        };
                        way.mtu = mtu.filter(|_| way.end == RouteEnd::Delivered);
                    }
                }
                End::Own => {
                    way.end = RouteEnd::Router;
                    way.destination.kind = Some(MappingKind::Router);
                    way.destination.name = Some(self.name(walk.last).to_owned());
                    way.mtu = mtu;
                }
                End::Station { by, address } => {
                    if let Some(leg) = self.routes.leg(walk.last.router, by) {
                        way.to_segment = Some(self.label(leg.segment));
                        way.destination = self.destination(leg.segment, address);
                    }
                    way.end = match way.destination.kind {
                        Some(MappingKind::Phantom) => RouteEnd::Forwarded,
                        Some(MappingKind::Node | MappingKind::Router | MappingKind::Switch) => {
                            RouteEnd::Station
                        }
                        None => RouteEnd::Nobody,
                    };
                    way.mtu = mtu.filter(|_| way.end == RouteEnd::Forwarded);
                }
                End::Broadcast => way.end = RouteEnd::NotRoutable,
                End::NoRoute => way.end = RouteEnd::NoRoute,
                End::Expired => way.end = cut_circle(&mut met),
            }
        }
        way.hops = met.into_iter().map(|met| self.hop(sent, met)).collect();
        way
    }

    fn walk(&self, sent: &Sent<'_>, first: At, to: VirtualAddr) -> (Walk, Met) {
        let mut met = Met::new();
        // Asked between two routers: the one before has several equal ways.
        let asked = Cell::new(false);
        let flow = || {
            asked.set(true);
            sent.hash()
        };
        let walk = self.routes.walk_past(first, to, u8::MAX, flow, |at| {
            let chose = asked.replace(false);
            if let Some(before) = met.last_mut() {
                before.1 = chose;
            }
            met.push((at, false));
        });
        (walk, met)
    }

    fn hop(&self, sent: &Sent<'_>, (at, chosen_by_flow): (At, bool)) -> RouteHop {
        let entered = self.routes.entered(at);
        let back = sent.flow.source;
        let back = self.routes.from_router(at.router, back, || sent.hash());
        // Where nothing it says gets back, it is known by how one came.
        let came_by = entered.map(|leg| leg.address);
        let source = back.map_or(came_by, |back| back.source);
        RouteHop {
            router: self.name(at).to_owned(),
            address: source.unwrap_or(VirtualAddr::new(DUMMY_ADDRESS)),
            segment: entered.map(|leg| self.label(leg.segment)),
            heard: back.is_some_and(|back| back.last.segment == sent.by.id),
            chosen_by_flow,
        }
    }

    /// Who in the segment has the address.
    fn destination(&self, segment: SegmentId, address: VirtualAddr) -> RouteDestination {
        let Some(owner) = (self.owner)(segment, address) else {
            return unknown(address);
        };
        let host = self.hosts.get(owner.host.0 as usize);
        let host = host.filter(|_| owner.kind.is_node());
        RouteDestination {
            address,
            kind: Some(owner.kind),
            name: self.compiled.names.get(&(segment, address)).cloned(),
            host: host.map(|host| host.name.clone()),
            mac: Some(owner.mac),
        }
    }

    /// The routers of a segment by name, each once, without one of them.
    fn routers_of(&self, segment: SegmentId, without: Option<At>) -> Vec<String> {
        let without = without.map(|at| at.router);
        let mut names: Vec<String> = Vec::new();
        for at in self.routes.in_segment(segment) {
            let name = self.name(*at);
            if without != Some(at.router) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    fn nowhere(&self, sent: &Sent<'_>, to: VirtualAddr) -> RouteWay {
        RouteWay {
            from_segment: self.label(sent.by.id),
            from: sent.from,
            hops: Vec::new(),
            end: RouteEnd::NoRoute,
            to_segment: None,
            destination: unknown(to),
            mtu: None,
            other_routers: Vec::new(),
            rule: None,
        }
    }

    fn name(&self, at: At) -> &'m str {
        let router = self.compiled.routers.get(at.router.0 as usize);
        router.map_or("", |router| router.name.as_str())
    }

    fn label(&self, segment: SegmentId) -> SegmentLabel {
        label(self.compiled, segment)
    }
}

impl Sent<'_> {
    fn hash(&self) -> u32 {
        self.flow.symmetric_hash()
    }
}

fn flow(question: &RouteQuestion, source: VirtualAddr) -> IpTuple {
    IpTuple {
        source,
        destination: question.to,
        protocol: question.protocol,
        ports: question.ports,
        fragment: Fragment::default(),
        dont_fragment: true,
        header_len: 20,
        len: 20,
    }
}

/// A router asked for the second time says the same again: what follows is left
/// out.
fn cut_circle(met: &mut Met) -> RouteEnd {
    let again = (0..met.len()).find(|&at| {
        let (before, rest) = met.split_at(at);
        let comes = rest.first().map(|(at, _)| at.router);
        before.iter().any(|(at, _)| Some(at.router) == comes)
    });
    match again {
        Some(at) => {
            met.truncate(at + 1);
            RouteEnd::Circle
        }
        None => RouteEnd::TooFar,
    }
}

fn unknown(address: VirtualAddr) -> RouteDestination {
    RouteDestination {
        address,
        kind: None,
        name: None,
        host: None,
        mac: None,
    }
}

#[cfg(test)]
mod tests;
