//! Who has joined which group? What a vswitch learns from IGMP, and what it tells
//! the other hosts of a segment.
//!
//! Each vswitch is the querier of its own nodes (RFC 3376 §6, with the timers of
//! §8) and remembers for each interface which groups it listens to and to whom.
//! To the other hosts of a segment it is one listener of version 3: it tells them
//! the groups that have members here, at once when that changes, and all of them
//! as often as it asks its nodes. So every host knows which hosts have members,
//! and no manager is needed. A host that has said nothing yet gets every group.
//!
//! * `member`: what one interface listens to in one group.
//! * `peer`: what another host has told.
//! * `segment`: all of that for one segment, and when what is due.
//!
//! Pure: [`Snooper::hear`] and [`Snooper::tick`] say what is to be sent, as
//! [`Effect`]s, and [`Snooper::table`] what workers are to read.

mod member;
mod peer;
mod segment;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use packet::ethernet::ETHERNET_LEN;
use packet::igmp::Message;
use packet::ipv4::Ipv4Header;
use packet::{SegmentId, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId, Multicast};
use zerocopy::FromBytes;

use self::segment::Segment;
use crate::tables::{ListenerTable, Sources};

/// The most groups that one interface may listen to.
pub const GROUPS_PER_INTERFACE: usize = 256;
/// The most memberships of one segment's interfaces, and the most groups that one
/// other host may have members of.
pub const GROUPS_PER_SEGMENT: usize = 4096;

/// The group that stands for all: a host that has a multicast router says that it
/// listens to "all routers". Groups of one link are told of no other way.
const EVERY_GROUP: VirtualAddr = VirtualAddr::new(Ipv4Addr::new(224, 0, 0, 2));

/// A segment that snoops, as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Which.
    pub segment: SegmentId,
    /// How often to ask, and what to withhold.
    pub multicast: Multicast,
    /// The interfaces on this host, by what is behind one port with one tag.
    pub wires: Vec<Vec<InterfaceId>>,
    /// The other hosts that have some.
    pub hosts: Vec<HostId>,
}

/// What a bare frame that `snoop` has found sound says, and from which address.
pub fn said(frame: &[u8]) -> Option<(VirtualAddr, Message<'_>)> {
    let packet = frame.get(ETHERNET_LEN..)?;
    let (header, _) = Ipv4Header::ref_from_prefix(packet).ok()?;
    let message = Message::parse(packet.get(header.header_len()..)?).ok()?;
    Some((header.source(), message))
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A node of this host, from this address.
    Here(InterfaceId, VirtualAddr),
    /// Another host's vswitch.
    There(HostId),
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was taken note of.
    Noted,
    /// There was no room for all that it says.
    NoRoom,
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A query to whatever is behind this interface's port with its tag.
    Ask {
        /// The interface.
        interface: InterfaceId,
        /// The group asked for; `None` asks for all.
        group: Option<VirtualAddr>,
        /// The message.
        message: Vec<u8>,
    },
    /// A message to another host's vswitch.
    Tell {
        /// The segment.
        segment: SegmentId,
        /// The interface that stands for this host there.
        from: InterfaceId,
        /// The host.
        host: HostId,
        /// The message.
        message: Vec<u8>,
    },
}

/// How a membership is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By IGMP version 1 or 2.
    V2,
    /// By IGMP version 3.
    V3,
    /// It asks itself: a multicast router, which hears every group.
    Querier,
    /// It is new here, and hears every group until it has been asked.
    New,
    /// Its host says so.
    Host,
}

/// Where members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whereabouts {
    /// On this host.
    Here(InterfaceId),
    /// On another.
    There(HostId),
}

/// A membership, for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The segment.
    pub segment: SegmentId,
    /// The group; `None`: every one.
    pub group: Option<VirtualAddr>,
    /// Who.
    pub at: Whereabouts,
    /// How that is known.
    pub how: How,
    /// To whom it listens.
    pub sources: Sources,
    /// When it is forgotten, unless it is heard of again.
    pub until: Duration,
}

/// What is known of all segments' groups.
#[derive(Debug, Default)]
pub struct Snooper {
    segments: BTreeMap<SegmentId, Segment>,
    /// When which segment wants to be looked at.
    due: BTreeSet<(Duration, SegmentId)>,
    due_of: BTreeMap<SegmentId, Duration>,
    table: ListenerTable,
    /// Segments whose listeners are not as the table says.
    changed: BTreeSet<SegmentId>,
}

impl Snooper {
    /// These are the segments that snoop and have interfaces here, all of them.
    pub fn follow(&mut self, drawn: Vec<Drawn>, now: Duration) {
        let ids: BTreeSet<_> = drawn.iter().map(|drawn| drawn.segment).collect();
        let gone: Vec<_> = self
            .segments
            .keys()
            .filter(|id| !ids.contains(id))
            .copied()
            .collect();
        for id in gone {
            self.segments.remove(&id);
            self.schedule(id, None);
            self.changed.insert(id);
        }
        for drawn in drawn {
            let id = drawn.segment;
            let segment = match self.segments.get_mut(&id) {
                Some(segment) => {
                    segment.redraw(drawn, now);
                    segment
                }
                None => self.segments.entry(id).or_insert(Segment::new(drawn, now)),
            };
            let due = segment.due();
            self.changed.insert(id);
            self.schedule(id, Some(due));
        }
    }

    /// Somebody in a segment says something.
    pub fn hear(
        &mut self,
        segment: SegmentId,
        speaker: Speaker,
        message: &Message<'_>,
        now: Duration,
    ) -> Heard {
        let id = segment;
        let Some(segment) = self.segments.get_mut(&id) else {
            // It does not snoop any more.
            return Heard::Noted;
        };
        let heard = match speaker {
            Speaker::Here(interface, address) => segment.hear(interface, address, message, now),
            Speaker::There(host) => segment.hear_host(host, message, now),
        };
        let due = segment.due();
        if segment.take_changed() {
            self.changed.insert(id);
        }
        self.schedule(id, Some(due));
        heard
    }

    /// A message to this host could not be sent.
    pub fn undelivered(&mut self, segment: SegmentId, host: HostId, now: Duration) {
        if let Some(found) = self.segments.get_mut(&segment) {
            found.undelivered(host, now);
            let due = found.due();
            self.schedule(segment, Some(due));
        }
    }

    /// When [`Self::tick`] wants to be called.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(&(due, id)) = self.due.first() {
            if due > now {
                break;
            }
            let Some(segment) = self.segments.get_mut(&id) else {
                self.schedule(id, None);
                continue;
            };
            segment.tick(now, &mut effects);
            let due = segment.due().max(now + LEAST);
            if segment.take_changed() {
                self.changed.insert(id);
            }
            self.schedule(id, Some(due));
        }
        effects
    }

    /// What workers are to read, if it has changed since it was last asked for.
    pub fn table(&mut self) -> Option<ListenerTable> {
        if self.changed.is_empty() {
            return None;
        }
        for id in core::mem::take(&mut self.changed) {
            let segment = self.segments.get(&id);
            self.table.set(id, segment.map(Segment::listeners));
        }
        Some(self.table.clone())
    }

    /// Everything that is known, by segment, group and place.
    pub fn memberships(&self) -> Vec<Membership> {
        let all = self.segments.values().flat_map(Segment::memberships);
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|membership| (membership.segment, membership.group, membership.at));
        all
    }

    fn schedule(&mut self, id: SegmentId, due: Option<Duration>) {
        if let Some(before) = self.due_of.remove(&id) {
            self.due.remove(&(before, id));
        }
        if let Some(due) = due {
            self.due_of.insert(id, due);
            self.due.insert((due, id));
        }
    }
}

/// A segment is looked at no more often.
const LEAST: Duration = Duration::from_millis(1);
