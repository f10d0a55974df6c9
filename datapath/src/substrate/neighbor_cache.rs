//! All neighbours of all uplinks: which are next hops of routes, which were
//! learned, and what waits for them. Bounded; never forgets a next hop.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use packet::MacAddr;

use super::frame::address_to;
use super::neighbor::{Due, Neighbor, NeighborState, Told};
use super::random::Random;
use super::routes::{LinkAddress, UplinkIndex};
use super::snapshot::NextHopId;

/// Most frames of the host's own that wait for one neighbour's MAC; newer ones
/// replace older ones (RFC 4861 §7.2.2).
pub(super) const MAX_HELD: usize = 3;

/// Most next hops whose search starts at once; more take turns within
/// [`SPREAD`], so that a big installation's start is no burst.
const AT_ONCE: usize = 16;
const SPREAD: Duration = Duration::from_secs(1);

/// What a change of the cache asks of the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CacheEvent {
    /// Solicit the neighbour, in its group or at its MAC.
    Solicit {
        neighbor: LinkAddress,
        at: Option<MacAddr>,
    },
    /// Send a frame that was held, now addressed.
    Send { uplink: UplinkIndex, frame: Vec<u8> },
    /// A next hop's MAC is known.
    Resolved(NextHopId),
    /// A next hop does not answer.
    Failed(NextHopId),
    /// So many held frames were given up.
    GaveUp(usize),
}

/// What became of a frame of the host's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Queued {
    /// It is being sent.
    Sent,
    /// It waits for the neighbour's MAC.
    Held,
    /// It waits, and the oldest that waited was given up.
    HeldInsteadOfOlder,
    /// No room for another neighbour.
    TableFull,
    /// The neighbour failed a moment ago.
    Unreachable,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) neighbor: Neighbor,
    /// Set while a route leads through it.
    pub(super) next_hop: Option<NextHopId>,
    held: Vec<Vec<u8>>,
}

/// All neighbours.
#[derive(Debug)]
pub(super) struct NeighborCache {
    entries: BTreeMap<LinkAddress, Entry>,
    /// Indexed by [`NextHopId`].
    next_hops: Vec<Option<LinkAddress>>,
    /// How many entries are not next hops, and how many may be.
    learned: usize,
    max_learned: usize,
    /// No deadline is before this; `None`: there is none.
    soonest: Option<Duration>,
    /// A next hop's facts changed since [`Self::take_changed`].
    changed: bool,
    events: Vec<CacheEvent>,
}

impl NeighborCache {
    pub(super) const fn new(max_learned: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            next_hops: Vec::new(),
            learned: 0,
            max_learned,
            soonest: None,
            changed: false,
            events: Vec::new(),
        }
    }

    /// All entries, by uplink and address.
    pub(super) fn iter(&self) -> impl Iterator<Item = (LinkAddress, &Entry)> {
        self.entries.iter().map(|(at, entry)| (*at, entry))
    }

    /// The next hops, indexed by [`NextHopId`]; `None` where a number is free.
    pub(super) fn next_hops(&self) -> impl Iterator<Item = Option<(LinkAddress, &Entry)>> {
        self.next_hops
            .iter()
            .map(|at| Some(((*at)?, self.entries.get(at.as_ref()?)?)))
    }

    pub(super) fn get(&self, at: LinkAddress) -> Option<&Entry> {
        self.entries.get(&at)
    }

    /// How many neighbours are known that no route leads through.
    #[cfg(test)]
    pub(super) const fn learned(&self) -> usize {
        self.learned
    }

    pub(super) const fn deadline(&self) -> Option<Duration> {
        self.soonest
    }

    pub(super) fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    pub(super) fn take_events(&mut self) -> Vec<CacheEvent> {
        core::mem::take(&mut self.events)
    }

    /// Routes lead through exactly these neighbours from now.
    pub(super) fn set_next_hops(&mut self, wanted: &BTreeSet<LinkAddress>, now: Duration) {
        let mut dropped = Vec::new();
        for slot in &mut self.next_hops {
            if let Some(at) = slot.take_if(|at| !wanted.contains(at)) {
                dropped.push(at);
            }
        }
        for at in dropped {
            self.no_longer_next_hop(at);
        }
        for &at in wanted {
            if self.entries.get(&at).is_some_and(|e| e.next_hop.is_some()) {
                continue;
            }
            let id = self.free_id();
            let entry = self.entries.entry(at).or_insert_with(|| {
                self.learned += 1;
                Entry {
                    neighbor: Neighbor::unknown(now),
                    next_hop: None,
                    held: Vec::new(),
                }
            });
            entry.next_hop = Some(id);
            self.learned -= 1;
            if let Some(slot) = self.next_hops.get_mut(id.index()) {
                *slot = Some(at);
            }
            self.changed = true;
        }
        self.make_room(self.max_learned);
    }

    /// What is known of it is as good as learned; if that is nothing, it is
    /// forgotten, and so is what waits for it.
    fn no_longer_next_hop(&mut self, at: LinkAddress) {
        self.changed = true;
        let Some(entry) = self.entries.get_mut(&at) else {
            return;
        };
        let id = entry.next_hop.take();
        self.learned += 1;
        if entry.neighbor.mac().is_none() {
            self.events.extend(id.map(CacheEvent::Failed));
            self.forget(at);
        }
    }

    /// The lowest free number; the numbers grow by one if none is.
    fn free_id(&mut self) -> NextHopId {
        let free = self.next_hops.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.next_hops.push(None);
            self.next_hops.len() - 1
        });
        NextHopId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Solicitations can be sent on this uplink from `at`: seeks every next
    /// hop there that is not known.
    pub(super) fn seek_next_hops(
        &mut self,
        uplink: UplinkIndex,
        at: Duration,
        random: &mut Random,
    ) {
        let (mut begun, mut soonest) = (0, self.soonest);
        let on_uplink = |at: &LinkAddress| at.uplink == uplink;
        for (_, entry) in self.entries.iter_mut().filter(|(at, _)| on_uplink(at)) {
            if entry.next_hop.is_none() {
                continue;
            }
            begun += 1;
            let later = if begun > AT_ONCE {
                random.up_to(SPREAD)
            } else {
                Duration::ZERO
            };
            entry.neighbor.seek(at.saturating_add(later));
            soonest = earlier(soonest, entry.neighbor.deadline());
        }
        self.soonest = soonest;
    }

    /// Starts to seek one next hop, unless it is known or being sought.
    pub(super) fn seek(&mut self, id: NextHopId, now: Duration) {
        if let Some(at) = self.next_hops.get(id.index()).copied().flatten() {
            self.change(at, |neighbor| neighbor.seek(now));
        }
    }

    /// The pipeline sent something to a next hop.
    pub(super) fn used(&mut self, id: NextHopId, now: Duration) {
        if let Some(at) = self.next_hops.get(id.index()).copied().flatten() {
            self.change(at, |neighbor| neighbor.used(now));
        }
    }

    /// A station solicited us and gave its MAC. Without room for it, it stays
    /// unknown.
    pub(super) fn heard(&mut self, at: LinkAddress, mac: MacAddr, now: Duration) {
        if self.entries.contains_key(&at) {
            self.change(at, |neighbor| neighbor.solicited(mac, now));
        } else if self.make_room(self.max_learned.saturating_sub(1)) {
            self.learn(at, Neighbor::heard(mac, now));
        }
    }

    /// A next hop's MAC was known until a moment ago.
    pub(super) fn recall(&mut self, at: LinkAddress, mac: MacAddr, now: Duration) {
        self.change(at, |neighbor| neighbor.recall(mac, now));
    }

    /// A station advertised itself. `false`: nobody wants to know (§7.2.5).
    pub(super) fn advertised(
        &mut self,
        at: LinkAddress,
        told: Told,
        now: Duration,
        random: &mut Random,
    ) -> bool {
        let known = self.entries.contains_key(&at);
        if known {
            self.change(at, |neighbor| neighbor.advertised(told, now, random));
        }
        known
    }

    /// Sends a frame of the host's own to a neighbour, when its MAC is known.
    pub(super) fn send(&mut self, at: LinkAddress, mut frame: Vec<u8>, now: Duration) -> Queued {
        if !self.entries.contains_key(&at) {
            if !self.make_room(self.max_learned.saturating_sub(1)) {
                return Queued::TableFull;
            }
            self.learn(at, Neighbor::unknown(now));
        }
        let Some(entry) = self.entries.get_mut(&at) else {
            return Queued::TableFull;
        };
        if let Some(mac) = entry.neighbor.mac() {
            address_to(&mut frame, mac);
            let uplink = at.uplink;
            self.events.push(CacheEvent::Send { uplink, frame });
            self.change(at, |neighbor| neighbor.used(now));
            return Queued::Sent;
        }
        if entry.neighbor.state() == NeighborState::Failed {
            return Queued::Unreachable;
        }
        let full = entry.held.len() >= MAX_HELD;
        if full {
            entry.held.remove(0);
        }
        entry.held.push(frame);
        self.change(at, |neighbor| neighbor.seek(now));
        if full {
            Queued::HeldInsteadOfOlder
        } else {
            Queued::Held
        }
    }

    /// The uplink's link went away: what was learned there is forgotten, next
    /// hops there have failed.
    pub(super) fn lose(&mut self, uplink: UplinkIndex, now: Duration) {
        let there: Vec<_> = self.on(uplink).collect();
        for at in there {
            if self.entries.get(&at).is_some_and(|e| e.next_hop.is_some()) {
                self.change(at, |neighbor| neighbor.lose(now));
            } else {
                self.forget(at);
            }
        }
    }

    /// The uplink is back: its next hops are unknown, no longer failed.
    pub(super) fn restore(&mut self, uplink: UplinkIndex, now: Duration) {
        let there: Vec<_> = self.on(uplink).collect();
        for at in there {
            self.change(at, |neighbor| *neighbor = Neighbor::unknown(now));
        }
    }

    fn on(&self, uplink: UplinkIndex) -> impl Iterator<Item = LinkAddress> + '_ {
        let all = self.entries.keys().copied();
        all.filter(move |at| at.uplink == uplink)
    }

    /// Everything whose time has come.
    pub(super) fn timeouts(&mut self, now: Duration) {
        if self.soonest.is_none_or(|soonest| soonest > now) {
            return;
        }
        let is_due = |entry: &Entry| entry.neighbor.deadline().is_some_and(|at| at <= now);
        let due: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| is_due(entry))
            .map(|(at, _)| *at)
            .collect();
        for at in due {
            let needed = self.entries.get(&at).is_some_and(|e| e.next_hop.is_some());
            let mut what = Due::Nothing;
            self.change(at, |neighbor| what = neighbor.timeout(now, needed));
            let mac = match what {
                Due::Nothing | Due::GiveUp => continue,
                Due::Forget => {
                    self.forget(at);
                    continue;
                }
                Due::Multicast => None,
                Due::Unicast(mac) => Some(mac),
            };
            let neighbor = at;
            self.events.push(CacheEvent::Solicit { neighbor, at: mac });
        }
        let deadlines = self.entries.values().filter_map(|e| e.neighbor.deadline());
        self.soonest = deadlines.min();
    }

    /// Applies a transition and everything that follows from it.
    fn change(&mut self, at: LinkAddress, transition: impl FnOnce(&mut Neighbor)) {
        let Some(entry) = self.entries.get_mut(&at) else {
            return;
        };
        let facts = |n: &Neighbor| (n.state(), n.mac());
        let before = facts(&entry.neighbor);
        transition(&mut entry.neighbor);
        let after = facts(&entry.neighbor);
        self.soonest = earlier(self.soonest, entry.neighbor.deadline());
        if before == after {
            return;
        }
        if let Some(mac) = after.1 {
            for mut frame in entry.held.drain(..) {
                address_to(&mut frame, mac);
                let uplink = at.uplink;
                self.events.push(CacheEvent::Send { uplink, frame });
            }
        }
        let failed = after.0 == NeighborState::Failed && before.0 != after.0;
        if failed && !entry.held.is_empty() {
            self.events.push(CacheEvent::GaveUp(entry.held.len()));
            entry.held.clear();
        }
        if let Some(id) = entry.next_hop {
            self.changed = true;
            if before.1.is_none() && after.1.is_some() {
                self.events.push(CacheEvent::Resolved(id));
            } else if failed {
                self.events.push(CacheEvent::Failed(id));
            }
        }
    }

    fn learn(&mut self, at: LinkAddress, neighbor: Neighbor) {
        self.soonest = earlier(self.soonest, neighbor.deadline());
        self.learned += 1;
        let entry = Entry {
            neighbor,
            next_hop: None,
            held: Vec::new(),
        };
        self.entries.insert(at, entry);
    }

    /// Forgets a learned neighbour.
    fn forget(&mut self, at: LinkAddress) {
        if let Some(entry) = self.entries.remove(&at) {
            self.learned -= 1;
            if !entry.held.is_empty() {
                self.events.push(CacheEvent::GaveUp(entry.held.len()));
            }
        }
    }

    /// Forgets learned neighbours until at most `most` are left: stale ones
    /// first, then failed ones, each the longest so first. Those that are in
    /// use or being sought stay; `false` if they are too many.
    fn make_room(&mut self, most: usize) -> bool {
        while self.learned > most {
            let oldest = |state: NeighborState| {
                self.entries
                    .iter()
                    .filter(|(_, e)| e.next_hop.is_none() && e.neighbor.state() == state)
                    .min_by_key(|(_, e)| e.neighbor.since())
                    .map(|(at, _)| *at)
            };
            let victim = oldest(NeighborState::Stale).or_else(|| oldest(NeighborState::Failed));
            match victim {
                Some(at) => self.forget(at),
                None => return false,
            }
        }
        self.max_learned > 0
    }
}

/// The earlier of two deadlines, where each may be missing.
pub(super) fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
