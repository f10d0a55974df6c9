//! From router to router, as each of them would forward it (RFC 1812 §5.2): to
//! where the packet ends up, and what it has met.

use packet::{SegmentId, VirtualAddr};
use vnet::compiled::{LegId, NextHop, RouterId};

use super::prefixes::{Hop, Reach};
use super::{At, Leg, RouteTable};
use crate::books::{LegBooks, LegLine};

/// Routers that a packet crosses at most, whatever its TTL: more are no drawing
/// but a circle, and each costs time.
pub const MAX_HOPS: u8 = 64;

/// What became of a packet that came to a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// How it ended.
    pub end: End,
    /// The router where it ended.
    pub last: At,
    /// How many routers passed it on: its TTL is less by so much.
    pub hops: u8,
    /// The largest packet that all segments on the way take, in bytes.
    pub mtu: u16,
}

impl Walk {
    /// The leg by which the last router sends it into a segment, to the
    /// destination itself or to a station that passes it on.
    pub const fn leaves_by(&self) -> Option<LegId> {
        match self.end {
            End::Segment(by) | End::Station { by, .. } => Some(by),
            End::Own | End::Broadcast | End::Expired | End::NoRoute => None,
        }
    }
}

/// A walk from a segment into a segment.
#[derive(Debug, Clone, Copy)]
pub struct Way<'t> {
    /// The first router.
    pub first: At,
    /// The last one's leg.
    pub leg: &'t Leg,
    /// What has been walked.
    pub walk: Walk,
}

/// The way of a router's own packets.
#[derive(Debug, Clone, Copy)]
pub struct OwnWay<'t> {
    /// The address that they come from, if the router has any.
    pub source: Option<VirtualAddr>,
    /// The last router's leg in the receiver's segment.
    pub last: &'t Leg,
    /// The routers that pass it on.
    pub hops: u8,
    /// The largest packet that all segments on the way take, in bytes.
    pub mtu: u16,
}

/// How a walk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In the segment of this leg.
    Segment(LegId),
    /// At the router: the address is one of its own.
    Own,
    /// In the segment of this leg, at a station that passes it on.
    Station {
        /// The leg.
        by: LegId,
        /// The address.
        address: VirtualAddr,
    },
    /// At the router, which does not pass it on: it is for everyone in the
    /// segment of one of its legs (RFC 2644).
    Broadcast,
    /// Its TTL ended there.
    Expired,
    /// The router does not know where to.
    NoRoute,
}

/// What a walk comes past.
enum Met {
    /// A router, by a leg of it.
    Router(At),
    /// The line of the leg by which a router sends to the next one.
    Leg(LegLine),
}

impl RouteTable {
    /// Walks from a router that a packet has just come to. `flow` is asked
    /// where there are several equal ways: the same for both directions.
    pub fn walk(&self, from: At, to: VirtualAddr, ttl: u8, flow: impl Fn() -> u32) -> Walk {
        self.walk_past(from, to, ttl, flow, |_| ())
    }

    /// The same walk, for those who want to know of every router on it: `meets`
    /// is told of each to which the packet comes, before it is asked where to.
    pub fn walk_past(
        &self,
        from: At,
        to: VirtualAddr,
        ttl: u8,
        flow: impl Fn() -> u32,
        mut meets: impl FnMut(At),
    ) -> Walk {
        self.go(from, to, ttl, flow, |met| {
            if let Met::Router(at) = met {
                meets(at);
            }
        })
    }

    /// The same walk, counted: every leg by which the packet comes to a router or
    /// goes on to the next. Not the leg by which the last one sends it: whether
    /// it does is seen later.
    pub fn walk_counting(
        &self,
        from: At,
        to: VirtualAddr,
        ttl: u8,
        flow: impl Fn() -> u32,
        (books, octets): (&LegBooks, u64),
    ) -> Walk {
        self.go(from, to, ttl, flow, |met| match met {
            Met::Router(at) => {
                if let Some(leg) = self.entered(at) {
                    books.came_in(leg.line, octets);
                }
            }
            Met::Leg(line) => books.left(line, octets),
        })
    }

    /// Counts a packet to an address on all of its way from a router: one of the
    /// router's own, if it came by no leg.
    pub fn count_from(
        &self,
        from: At,
        to: VirtualAddr,
        flow: impl Fn() -> u32,
        (books, octets): (&LegBooks, u64),
    ) {
        let walk = self.walk_counting(from, to, u8::MAX, flow, (books, octets));
        if let End::Segment(leg) | End::Station { by: leg, .. } = walk.end
            && let Some(leg) = self.leg(walk.last.router, leg)
        {
            books.left(leg.line, octets);
        }
    }

    fn go(
        &self,
        from: At,
        to: VirtualAddr,
        ttl: u8,
        flow: impl Fn() -> u32,
        mut meets: impl FnMut(Met),
    ) -> Walk {
        let mut at = from;
        let (mut hops, mut mtu) = (0_u8, u16::MAX);
        loop {
            meets(Met::Router(at));
            let end = |end| Walk {
                end,
                last: at,
                hops,
                mtu,
            };
            let reach = self.reach(at.router, to);
            let hop = match reach {
                Some(Reach::Own) => return end(End::Own),
                None | Some(Reach::Nowhere) => return end(End::NoRoute),
                Some(Reach::Linked(leg)) if self.is_broadcast(at.router, *leg, to) => {
                    return end(End::Broadcast);
                }
                // RFC 1812 §5.3.1, after it is known where to.
                Some(_) if ttl.saturating_sub(hops) <= 1 || hops == MAX_HOPS => {
                    return end(End::Expired);
                }
                Some(Reach::Linked(leg)) => {
                    return self.enter_segment(end(End::Segment(*leg)), *leg);
                }
                Some(Reach::Via(hop)) => *hop,
                Some(Reach::ViaOneOf(several)) => match pick(several, flow()) {
                    Some(hop) => hop,
                    None => return end(End::NoRoute),
                },
            };
            match hop.to {
                NextHop::Station { by, address } => {
                    return self.enter_segment(end(End::Station { by, address }), by);
                }
                NextHop::Router { router, by } => {
                    if let Some(leg) = hop.by.and_then(|leg| self.leg(at.router, leg)) {
                        meets(Met::Leg(leg.line));
                    }
                    at = At { router, by };
                    hops += 1;
                    mtu = mtu.min(self.entered(at).map_or(u16::MAX, |leg| leg.mtu));
                }
            }
        }
    }

    /// The way from one segment to an address in another one, or behind a
    /// station there; `None` if no router links them so.
    pub fn way(
        &self,
        from: SegmentId,
        (segment, address): (SegmentId, VirtualAddr),
        flow: impl Fn() -> u32,
    ) -> Option<Way<'_>> {
        self.in_segment(from).iter().find_map(|first| {
            let walk = self.walk(*first, address, u8::MAX, &flow);
            let leg = walk.leaves_by()?;
            let leg = self.leg(walk.last.router, leg)?;
            (leg.segment == segment).then_some(Way {
                first: *first,
                leg,
                walk,
            })
        })
    }

    /// Would the router pass it on by another leg than the one it is asked by?
    pub fn leads_elsewhere(&self, at: At, to: VirtualAddr) -> bool {
        match self.reach(at.router, to) {
            Some(Reach::Linked(leg)) => {
                Some(*leg) != at.by && !self.is_broadcast(at.router, *leg, to)
            }
            Some(Reach::Via(_) | Reach::ViaOneOf(_)) => true,
            Some(Reach::Own | Reach::Nowhere) | None => false,
        }
    }

    /// The way of this router's own packets to an address.
    pub fn from_router(
        &self,
        router: RouterId,
        to: VirtualAddr,
        flow: impl Fn() -> u32,
    ) -> Option<OwnWay<'_>> {
        let at = At { router, by: None };
        let walk = self.walk(at, to, u8::MAX, &flow);
        let leg = walk.leaves_by()?;
        // RFC 1812 §4.3.2.4: an error comes from the interface by which it leaves.
        let leaves_by = self.leaves_by(router, to, flow).map(|leg| leg.address);
        Some(OwnWay {
            source: leaves_by.or_else(|| self.router(router)?.source),
            last: self.leg(walk.last.router, leg)?,
            // The first to pass it on has sent it.
            hops: walk.hops.checked_sub(1)?,
            mtu: walk.mtu,
        })
    }

    /// The leg by which a router sends to an address; `None` if that is a link
    /// that is no segment.
    fn leaves_by(&self, router: RouterId, to: VirtualAddr, flow: impl Fn() -> u32) -> Option<&Leg> {
        let hop = match self.reach(router, to)? {
            Reach::Linked(leg) => return self.leg(router, *leg),
            Reach::Via(hop) => *hop,
            Reach::ViaOneOf(several) => pick(several, flow())?,
            Reach::Own | Reach::Nowhere => return None,
        };
        self.leg(router, hop.by?)
    }

    fn enter_segment(&self, walk: Walk, leg: LegId) -> Walk {
        let leg = self.leg(walk.last.router, leg);
        Walk {
            hops: walk.hops + 1,
            mtu: walk.mtu.min(leg.map_or(u16::MAX, |leg| leg.mtu)),
            ..walk
        }
    }

    fn is_broadcast(&self, router: RouterId, leg: LegId, to: VirtualAddr) -> bool {
        let broadcast = self.leg(router, leg).and_then(|leg| leg.broadcast);
        broadcast == Some(to)
    }

    fn reach(&self, router: RouterId, to: VirtualAddr) -> Option<&Reach> {
        let lengths = self.router(router)?.lengths;
        self.prefixes.longest(router, lengths, to)
    }
}

/// One of several, each as likely.
fn pick(several: &[Hop], flow: u32) -> Option<Hop> {
    let at = (u64::from(flow) * several.len() as u64) >> 32;
    several.get(usize::try_from(at).ok()?).copied()
}
