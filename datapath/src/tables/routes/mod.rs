//! The logical routers of all networks, as the pipeline walks through them.
//!
//! * `prefixes`: a router's longest prefix for an address.
//! * `walk`: from router to router, to where a packet ends up.
//!
//! Every vswitch has all of it, and does the work of every router that one of
//! its nodes' packets crosses: what a packet meets on its way is a pure function
//! of where it enters, where it goes, and its flow.

mod prefixes;
#[cfg(test)]
mod tests;
mod walk;

use hashbrown::HashMap;
use packet::{MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::{Compiled, LegId, NextHop, RouterId};

pub use walk::{End, MAX_HOPS, OwnWay, Walk, Way};

use prefixes::{Hop, Prefixes, Reach};

use crate::books::{LegLine, Rows};

/// The logical routers.
#[derive(Debug, Default)]
pub struct RouteTable {
    routers: Vec<Router>,
    prefixes: Prefixes,
    /// The routers' legs in each segment.
    entries: HashMap<SegmentId, Vec<At>>,
}

/// At a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Which.
    pub router: RouterId,
    /// The leg by which one came; `None`: by a link that is no segment.
    pub by: Option<LegId>,
}

/// A logical router.
#[derive(Debug)]
struct Router {
    legs: Vec<Leg>,
    source: Option<VirtualAddr>,
    /// Does it answer SNMP?
    has_agent: bool,
    /// Bit n: it has a prefix of that length.
    lengths: u64,
}

/// A logical router's interface to a segment.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The segment.
    pub segment: SegmentId,
    /// The largest packet that may enter the segment, in bytes.
    pub mtu: u16,
    /// Its MAC there.
    pub mac: MacAddr,
    /// Its first address there.
    pub address: VirtualAddr,
    /// What means "everyone in the segment", if anything does.
    pub broadcast: Option<VirtualAddr>,
    /// Does it answer ARP for what it would route (RFC 1027)?
    pub proxy_arp: bool,
    /// Where what it does is counted.
    pub line: LegLine,
}

impl RouteTable {
    /// The table of what was drawn, and where it is counted.
    pub(super) fn new(compiled: &Compiled, rows: &Rows) -> Self {
        let mut table = Self::default();
        let mut owners: HashMap<SegmentId, Vec<(At, VirtualAddr)>> = HashMap::new();
        for (router, drawn) in (0..).map(RouterId).zip(&compiled.routers) {
            for (leg, of) in (0..).map(LegId).zip(&drawn.legs) {
                let by = Some(leg);
                let at = At { router, by };
                table.entries.entry(of.segment).or_default().push(at);
                let owned = owners.entry(of.segment).or_default();
                owned.extend(of.addresses.iter().map(|address| (at, *address)));
            }
        }
        for (router, drawn) in (0..).map(RouterId).zip(&compiled.routers) {
            let lengths = table.fill(router, compiled, &owners);
            let legs = drawn.legs.iter().filter_map(|leg| {
                Some(Leg {
                    segment: leg.segment,
                    mtu: leg.mtu,
                    mac: leg.mac,
                    address: *leg.addresses.first()?,
                    broadcast: leg.subnet.broadcast(),
                    proxy_arp: leg.proxy_arp,
                    line: rows.leg(leg.segment, leg.mac),
                })
            });
            let network = compiled.networks.get(drawn.network);
            table.routers.push(Router {
                legs: legs.collect(),
                source: drawn.source,
                has_agent: network.is_some_and(|network| network.snmp.is_some()),
                lengths,
            });
        }
        table
    }

    /// The prefixes of one router; returns the lengths that it has.
    fn fill(
        &mut self,
        router: RouterId,
        compiled: &Compiled,
        owners: &HashMap<SegmentId, Vec<(At, VirtualAddr)>>,
    ) -> u64 {
        let prefixes = &mut self.prefixes;
        let mut lengths = 0;
        let Some(drawn) = compiled.routers.get(router.0 as usize) else {
            return lengths;
        };
        let mut legs = HashMap::new();
        for (leg, of) in (0..).map(LegId).zip(&drawn.legs) {
            legs.entry(of.segment).or_insert(leg);
        }
        for route in &drawn.routes {
            let hops = route.via.iter().map(|to| Hop {
                to: *to,
                by: sends_by(compiled, &legs, to),
            });
            let hops: Vec<_> = hops.collect();
            lengths |= prefixes.insert(router, route.to, Reach::via(&hops));
        }
        for (leg, of) in (0..).map(LegId).zip(&drawn.legs) {
            lengths |= prefixes.insert(router, of.subnet, Reach::Linked(leg));
            // The other routers of a segment are reached there, and are where
            // their addresses end.
            for (at, address) in owners.get(&of.segment).into_iter().flatten() {
                let reach = if at.router == router {
                    Reach::Own
                } else {
                    Reach::Via(Hop {
                        to: NextHop::Router {
                            router: at.router,
                            by: at.by,
                        },
                        by: Some(leg),
                    })
                };
                lengths |= prefixes.insert_address(router, *address, reach);
            }
        }
        lengths
    }

    /// The routers of a segment, by their legs there.
    pub fn in_segment(&self, segment: SegmentId) -> &[At] {
        self.entries.get(&segment).map_or(&[], Vec::as_slice)
    }

    /// The leg by which one came to a router.
    pub fn entered(&self, at: At) -> Option<&Leg> {
        self.leg(at.router, at.by?)
    }

    /// A router's leg.
    pub fn leg(&self, router: RouterId, leg: LegId) -> Option<&Leg> {
        self.router(router)?.legs.get(leg.0 as usize)
    }

    /// Does the router answer SNMP?
    pub fn has_agent(&self, router: RouterId) -> bool {
        self.router(router).is_some_and(|router| router.has_agent)
    }

    fn router(&self, router: RouterId) -> Option<&Router> {
        self.routers.get(router.0 as usize)
    }
}

/// The leg by which a router, of which these are the legs, sends to a next hop.
fn sends_by(compiled: &Compiled, legs: &HashMap<SegmentId, LegId>, to: &NextHop) -> Option<LegId> {
    match *to {
        NextHop::Station { by, .. } => Some(by),
        NextHop::Router { router, by } => {
            let next = compiled.routers.get(router.0 as usize)?;
            let entered = next.legs.get(by?.0 as usize)?;
            legs.get(&entered.segment).copied()
        }
    }
}
