//! One segment: its members, the other hosts' members, and when what is due.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use packet::VirtualAddr;
use packet::igmp::{self, Message, RecordKind};
use vnet::compiled::{HostId, InterfaceId, Snooping};

use super::member::{Member, filtered};
use super::peer::Peer;
use super::{
    Drawn, EVERY_GROUP, Effect, GROUPS_PER_INTERFACE, GROUPS_PER_SEGMENT, Heard, How, Membership,
    Whereabouts,
};
use crate::tables::{Listener, Listeners, SegmentListeners, Sources};

/// How often what changes is said (`[Robustness Variable]`, RFC 3376 §8.1).
const ROBUSTNESS: u8 = 2;
/// The most time that members have to answer (`[Query Response Interval]`, §8.3).
const RESPONSE: Duration = Duration::from_secs(10);
/// The same when the vswitch, or an interface, is new: until then it hears all.
const FIRST_RESPONSE: Duration = Duration::from_secs(2);
/// A new interface hears every group for so long.
const NEW: Duration = Duration::from_secs(3);
/// `[Last Member Query Interval]`, §8.8.
const LAST_MEMBER: Duration = Duration::from_secs(1);
/// Between two tellings of a change (`[Unsolicited Report Interval]`, §8.11).
const REPEAT: Duration = Duration::from_secs(1);
/// Another host is asked so often, then as often as the nodes.
const PEER_ASKED: u8 = 3;
/// Until what could not be sent is tried again.
const AGAIN: Duration = Duration::from_millis(250);
/// Records of one message: what fits the smallest MTU of a segment.
const RECORDS: usize = 60;

/// A question that is to be put, and how often still.
#[derive(Debug)]
struct Question {
    due: Duration,
    left: u8,
    interface: InterfaceId,
    /// `None`: for all, of an interface that is new.
    group: Option<VirtualAddr>,
}

#[derive(Debug)]
pub(super) struct Segment {
    drawn: Drawn,
    members: BTreeMap<VirtualAddr, BTreeMap<InterfaceId, Member>>,
    /// Who hears every group, why, and until when.
    curious: BTreeMap<InterfaceId, (How, Duration)>,
    peers: BTreeMap<HostId, Peer>,
    next_query: Duration,
    /// Queries that come sooner than usual.
    startup: u8,
    questions: Vec<Question>,
    /// The groups that the other hosts know to have members here.
    told: BTreeSet<VirtualAddr>,
    /// What they have to be told, how often still; and when.
    changes: BTreeMap<VirtualAddr, (RecordKind, u8)>,
    changes_due: Option<Duration>,
    /// When the next membership is too old, at the latest.
    sweep: Option<Duration>,
    changed: bool,
}

impl Segment {
    pub(super) fn new(drawn: Drawn, now: Duration) -> Self {
        let mut segment = Self {
            drawn: Drawn {
                wires: Vec::new(),
                hosts: Vec::new(),
                ..drawn.clone()
            },
            members: BTreeMap::new(),
            curious: BTreeMap::new(),
            peers: BTreeMap::new(),
            next_query: now,
            startup: ROBUSTNESS,
            questions: Vec::new(),
            told: BTreeSet::new(),
            changes: BTreeMap::new(),
            changes_due: None,
            sweep: None,
            changed: true,
        };
        segment.redraw(drawn, now);
        // All of them are asked by the first query.
        segment.questions.clear();
        segment
    }

    /// Interfaces and hosts come and go.
    pub(super) fn redraw(&mut self, drawn: Drawn, now: Duration) {
        if drawn == self.drawn {
            return;
        }
        let before: BTreeSet<_> = self.drawn.wires.iter().flatten().copied().collect();
        let after: BTreeSet<_> = drawn.wires.iter().flatten().copied().collect();
        for &interface in after.difference(&before) {
            self.curious.insert(interface, (How::New, now + NEW));
            self.expect(now + NEW);
            self.questions.push(Question {
                due: now,
                left: 1,
                interface,
                group: None,
            });
        }
        for gone in before.difference(&after) {
            self.curious.remove(gone);
            self.questions
                .retain(|question| question.interface != *gone);
            for members in self.members.values_mut() {
                members.remove(gone);
            }
        }
        let withholds = |group: VirtualAddr| drawn.multicast.withholds(group);
        self.members
            .retain(|group, members| !members.is_empty() && !withholds(*group));
        for host in &drawn.hosts {
            let new = || Peer::new(now, PEER_ASKED);
            self.peers.entry(*host).or_insert_with(new);
        }
        self.peers.retain(|host, _| drawn.hosts.contains(host));
        self.drawn = drawn;
        self.next_query = self.next_query.min(now + self.interval());
        self.changed = true;
        self.note_changes(now);
    }

    fn interval(&self) -> Duration {
        let snooping = self.drawn.multicast.snooping.unwrap_or_default();
        let Snooping { query_interval } = snooping;
        Duration::from_secs(query_interval.into())
    }

    fn response(&self) -> Duration {
        RESPONSE.min(self.interval() / 2)
    }

    /// `[Group Membership Interval]`, RFC 3376 §8.4.
    fn lifetime(&self) -> Duration {
        self.interval() * u32::from(ROBUSTNESS) + self.response()
    }

    /// A node says something.
    pub(super) fn hear(
        &mut self,
        interface: InterfaceId,
        source: VirtualAddr,
        message: &Message<'_>,
        now: Duration,
    ) -> Heard {
        if !self
            .drawn
            .wires
            .iter()
            .flatten()
            .any(|known| *known == interface)
        {
            return Heard::Noted;
        }
        let heard = match *message {
            // A switch that only stands in for a router asks from no address
            // (RFC 4541 §2.1.1).
            Message::Query(_) if source.to_bits() == 0 => Heard::Noted,
            Message::Query(_) => {
                let until = now + self.lifetime();
                self.expect(until);
                let before = self.curious.insert(interface, (How::Querier, until));
                self.changed |= before.is_none();
                Heard::Noted
            }
            Message::Report(group) => {
                self.listens(interface, group, Some(Sources::All), How::V2, now)
            }
            Message::Leave(group) => self.listens(interface, group, None, How::V2, now),
            Message::Records(records) => {
                let mut heard = Heard::Noted;
                for record in records {
                    let members = self.members.get(&record.group);
                    let before = members.and_then(|members| members.get(&interface));
                    let before = before.map(|member| &member.sources);
                    let after = filtered(before, record.kind, record.sources);
                    if self.listens(interface, record.group, after, How::V3, now) == Heard::NoRoom {
                        heard = Heard::NoRoom;
                    }
                }
                heard
            }
        };
        self.note_changes(now);
        heard
    }

    /// An interface listens to a group; `None`: no longer, it says.
    fn listens(
        &mut self,
        interface: InterfaceId,
        group: VirtualAddr,
        sources: Option<Sources>,
        how: How,
        now: Duration,
    ) -> Heard {
        if is_of_one_link(group) || self.drawn.multicast.withholds(group) {
            return Heard::Noted;
        }
        let Some(sources) = sources else {
            self.leaves(interface, group, now);
            return Heard::Noted;
        };
        let is_member = |members: &BTreeMap<_, _>| members.contains_key(&interface);
        let known = self.members.get(&group).is_some_and(is_member);
        if !known {
            let of_it = self.members.values().filter(|members| is_member(members));
            let all: usize = self.members.values().map(BTreeMap::len).sum();
            if of_it.count() >= GROUPS_PER_INTERFACE || all >= GROUPS_PER_SEGMENT {
                return Heard::NoRoom;
            }
        }
        let until = now + self.lifetime();
        self.expect(until);
        let member = Member {
            sources,
            how,
            until,
        };
        let members = self.members.entry(group).or_default();
        let before = members.insert(interface, member);
        let after = members.get(&interface);
        self.changed |= before.as_ref().map(|b| &b.sources) != after.map(|a| &a.sources);
        // It is still there: what was asked about it is answered.
        let about_it = |q: &Question| q.interface == interface && q.group == Some(group);
        self.questions.retain(|question| !about_it(question));
        Heard::Noted
    }

    /// The members are asked for once more (RFC 3376 §6.4.2), and what is not
    /// heard of then is forgotten.
    fn leaves(&mut self, interface: InterfaceId, group: VirtualAddr, now: Duration) {
        let until = now + LAST_MEMBER * u32::from(ROBUSTNESS);
        let members = self.members.get_mut(&group);
        let Some(member) = members.and_then(|members| members.get_mut(&interface)) else {
            return;
        };
        if member.until <= until {
            return;
        }
        member.until = until;
        self.expect(until);
        self.questions.push(Question {
            due: now,
            left: ROBUSTNESS,
            interface,
            group: Some(group),
        });
    }

    /// Another host's vswitch says something.
    pub(super) fn hear_host(
        &mut self,
        host: HostId,
        message: &Message<'_>,
        now: Duration,
    ) -> Heard {
        let until = now + self.lifetime();
        let new = || Peer::new(now, PEER_ASKED);
        let peer = self.peers.entry(host).or_insert_with(new);
        match *message {
            Message::Query(_) => {
                peer.owed = Some(now);
                Heard::Noted
            }
            Message::Records(records) => {
                let (heard, news) = peer.hear(records, until);
                self.changed |= news;
                self.expect(until);
                heard
            }
            // No vswitch says anything else.
            Message::Report(_) | Message::Leave(_) => Heard::Noted,
        }
    }

    pub(super) fn undelivered(&mut self, host: HostId, now: Duration) {
        if let Some(peer) = self.peers.get_mut(&host) {
            peer.owed = Some(now + AGAIN);
            if peer.heard_until.is_none() {
                peer.asked = Some((now + AGAIN, PEER_ASKED));
            }
        }
    }

    /// Something is too old then.
    fn expect(&mut self, at: Duration) {
        self.sweep = Some(self.sweep.map_or(at, |sweep| sweep.min(at)));
    }

    /// What others have been told, and what is so.
    fn note_changes(&mut self, now: Duration) {
        let mut is_so: BTreeSet<_> = self.members.keys().copied().collect();
        if !self.curious.is_empty() {
            is_so.insert(EVERY_GROUP);
        }
        if is_so == self.told {
            return;
        }
        for &group in is_so.difference(&self.told) {
            self.changes
                .insert(group, (RecordKind::ToExclude, ROBUSTNESS));
        }
        for &group in self.told.difference(&is_so) {
            self.changes
                .insert(group, (RecordKind::ToInclude, ROBUSTNESS));
        }
        self.told = is_so;
        self.changes_due = Some(now);
    }

    /// When [`Self::tick`] wants to be called.
    pub(super) fn due(&self) -> Duration {
        let questions = self.questions.iter().map(|question| question.due);
        let peers = self
            .peers
            .values()
            .flat_map(|peer| [peer.owed, peer.asked.map(|a| a.0)]);
        let others = [self.changes_due, self.sweep]
            .into_iter()
            .chain(peers)
            .flatten();
        questions.chain(others).fold(self.next_query, Duration::min)
    }

    /// Have the listeners changed since this was last asked?
    pub(super) const fn take_changed(&mut self) -> bool {
        core::mem::replace(&mut self.changed, false)
    }

    pub(super) fn tick(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.sweep.is_some_and(|sweep| sweep <= now) {
            self.forget(now);
        }
        if self.next_query <= now {
            self.ask_all(now, effects);
        }
        self.put_questions(now, effects);
        let Some(from) = self.drawn.wires.iter().flatten().min().copied() else {
            return;
        };
        let tell = |host: HostId, message| Effect::Tell {
            segment: self.drawn.segment,
            from,
            host,
            message,
        };
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let changes_due = is_due(self.changes_due);
        let changes = self
            .changes
            .iter()
            .map(|(group, (kind, _))| (*kind, *group));
        let changes: Vec<_> = changes.filter(|_| changes_due).collect();
        let all: Vec<_> = self
            .told
            .iter()
            .map(|group| (RecordKind::IsExclude, *group))
            .collect();
        for (host, peer) in &mut self.peers {
            if is_due(peer.asked.map(|(due, _)| due)) {
                let message = igmp::query(None, FIRST_RESPONSE, FIRST_RESPONSE);
                effects.push(tell(*host, message));
                peer.asked = peer
                    .asked
                    .and_then(|(_, left)| Some((now + REPEAT, left.checked_sub(1)?)));
            }
            effects.extend(
                changes
                    .chunks(RECORDS)
                    .map(|some| tell(*host, igmp::report(some))),
            );
            if is_due(peer.owed) {
                peer.owed = None;
                let mut messages: Vec<_> = all.chunks(RECORDS).map(igmp::report).collect();
                if messages.is_empty() {
                    // Nobody listens: that is worth knowing, too.
                    messages.push(igmp::report(&[]));
                }
                effects.extend(messages.into_iter().map(|message| tell(*host, message)));
            }
        }
        if changes_due {
            self.changes.retain(|_, (_, left)| {
                *left = left.saturating_sub(1);
                *left > 0
            });
            self.changes_due = (!self.changes.is_empty()).then_some(now + REPEAT);
        }
    }

    /// The query to all, to each wire; and everything to each host.
    fn ask_all(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let first = self.startup == ROBUSTNESS;
        let response = if first {
            FIRST_RESPONSE
        } else {
            self.response()
        };
        self.startup = self.startup.saturating_sub(1);
        self.next_query = match self.startup {
            0 => now + self.interval(),
            _ => now + self.interval() / 4,
        };
        for interface in self.drawn.wires.iter().filter_map(|wire| wire.first()) {
            effects.push(Effect::Ask {
                interface: *interface,
                group: None,
                message: igmp::query(None, response, self.interval()),
            });
        }
        for peer in self.peers.values_mut() {
            peer.owed = Some(now);
            if peer.heard_until.is_none() && peer.asked.is_none() {
                peer.asked = Some((now, 0));
            }
        }
    }

    fn put_questions(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let interval = self.interval();
        for question in self
            .questions
            .iter_mut()
            .filter(|question| question.due <= now)
        {
            let response = match question.group {
                Some(_) => LAST_MEMBER,
                None => FIRST_RESPONSE,
            };
            effects.push(Effect::Ask {
                interface: question.interface,
                group: question.group,
                message: igmp::query(question.group, response, interval),
            });
            question.left = question.left.saturating_sub(1);
            question.due = now + LAST_MEMBER;
        }
        self.questions.retain(|question| question.left > 0);
    }

    /// Forgets what is too old.
    fn forget(&mut self, now: Duration) {
        let mut forgotten = false;
        let mut oldest: Option<Duration> = None;
        let mut keep = |until: Duration| {
            let kept = until > now;
            if kept {
                oldest = Some(oldest.map_or(until, |oldest| oldest.min(until)));
            } else {
                forgotten = true;
            }
            kept
        };
        for members in self.members.values_mut() {
            members.retain(|_, member| keep(member.until));
        }
        self.curious.retain(|_, (_, until)| keep(*until));
        for peer in self.peers.values_mut() {
            forgotten |= peer.sweep(now);
            oldest = oldest.into_iter().chain(peer.oldest()).min();
        }
        self.members.retain(|_, members| !members.is_empty());
        self.sweep = oldest;
        self.changed |= forgotten;
        self.note_changes(now);
    }

    /// What workers read.
    pub(super) fn listeners(&self) -> SegmentListeners {
        let heard = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.heard_until.is_some());
        let there = self.peers.values().flat_map(|peer| peer.groups.keys());
        let groups: BTreeSet<_> = self.members.keys().chain(there).copied().collect();
        let groups = groups.into_iter().filter(|group| *group != EVERY_GROUP);
        let none = BTreeMap::new();
        let of = |members: &BTreeMap<InterfaceId, Member>, hears: &dyn Fn(&Peer) -> bool| {
            let hosts = self.peers.iter().filter(|(_, peer)| hears(peer));
            Listeners {
                here: self.wires_of(members),
                hosts: hosts.map(|(host, _)| *host).collect(),
            }
        };
        SegmentListeners {
            groups: groups
                .map(|group| {
                    let members = self.members.get(&group).unwrap_or(&none);
                    (group, of(members, &|peer| peer.hears(group)))
                })
                .collect(),
            of_all: of(&none, &Peer::hears_every_group),
            heard: heard.map(|(host, _)| *host).collect(),
        }
    }

    fn wires_of(&self, members: &BTreeMap<InterfaceId, Member>) -> Vec<Vec<Listener>> {
        if members.is_empty() && self.curious.is_empty() {
            return Vec::new();
        }
        let listener = |interface: &InterfaceId| {
            let sources = match self.curious.contains_key(interface) {
                true => Sources::All,
                false => members.get(interface)?.sources.clone(),
            };
            Some(Listener {
                interface: *interface,
                sources,
            })
        };
        let wires = self.drawn.wires.iter();
        let wires = wires.map(|wire| wire.iter().filter_map(listener).collect::<Vec<_>>());
        wires.filter(|wire| !wire.is_empty()).collect()
    }

    /// For listings.
    pub(super) fn memberships(&self) -> Vec<Membership> {
        let of = |group, at, how, sources, until| Membership {
            segment: self.drawn.segment,
            group,
            at,
            how,
            sources,
            until,
        };
        let here = self.members.iter().flat_map(|(group, members)| {
            members.iter().map(move |(interface, member)| {
                let at = Whereabouts::Here(*interface);
                of(
                    Some(*group),
                    at,
                    member.how,
                    member.sources.clone(),
                    member.until,
                )
            })
        });
        let curious = self.curious.iter().map(|(interface, (how, until))| {
            of(
                None,
                Whereabouts::Here(*interface),
                *how,
                Sources::All,
                *until,
            )
        });
        let there = self.peers.iter().flat_map(|(host, peer)| {
            peer.groups.iter().map(move |(group, until)| {
                let group = (*group != EVERY_GROUP).then_some(*group);
                of(
                    group,
                    Whereabouts::There(*host),
                    How::Host,
                    Sources::All,
                    *until,
                )
            })
        });
        here.chain(curious).chain(there).collect()
    }
}

/// Everybody hears these, whoever says so or not.
fn is_of_one_link(group: VirtualAddr) -> bool {
    matches!(group.ipv4().octets(), [224, 0, 0, _])
}
