//! What another host has told of its members in a segment, and what it is owed.

use core::time::Duration;
use std::collections::BTreeMap;

use packet::VirtualAddr;
use packet::igmp::{RecordKind, Records};

use super::{EVERY_GROUP, GROUPS_PER_SEGMENT, Heard};

/// Another host of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Peer {
    /// Until when what it has told counts; `None`: it has told nothing.
    pub(super) heard_until: Option<Duration>,
    /// Groups that it has members of, each until when.
    pub(super) groups: BTreeMap<VirtualAddr, Duration>,
    /// When it is to be told everything.
    pub(super) owed: Option<Duration>,
    /// When it is to be asked, and how often still.
    pub(super) asked: Option<(Duration, u8)>,
}

impl Peer {
    /// One that is new: it is told everything, and asked.
    pub(super) const fn new(now: Duration, asks: u8) -> Self {
        Self {
            heard_until: None,
            groups: BTreeMap::new(),
            owed: Some(now),
            asked: Some((now, asks)),
        }
    }

    /// It says who has members; true where that is news.
    pub(super) fn hear(&mut self, records: Records<'_>, until: Duration) -> (Heard, bool) {
        let mut heard = Heard::Noted;
        let mut news = self.heard_until.is_none();
        self.heard_until = Some(until);
        self.asked = None;
        for record in records {
            match record.kind {
                RecordKind::IsExclude | RecordKind::ToExclude => {
                    let room = self.groups.len() < GROUPS_PER_SEGMENT;
                    if room || self.groups.contains_key(&record.group) {
                        news |= self.groups.insert(record.group, until).is_none();
                    } else {
                        heard = Heard::NoRoom;
                    }
                }
                RecordKind::ToInclude if record.sources.is_empty() => {
                    news |= self.groups.remove(&record.group).is_some();
                }
                // No vswitch says anything else.
                _ => {}
            }
        }
        (heard, news)
    }

    /// Forgets what is too old; true if there was something.
    pub(super) fn sweep(&mut self, now: Duration) -> bool {
        let before = self.groups.len();
        if self.heard_until.is_some_and(|until| until <= now) {
            self.heard_until = None;
            self.groups.clear();
            return true;
        }
        self.groups.retain(|_, until| *until > now);
        self.groups.len() < before
    }

    /// The next time that something is too old.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.groups.values().copied().chain(self.heard_until).min()
    }

    /// Is this group to be sent there?
    pub(super) fn hears(&self, group: VirtualAddr) -> bool {
        self.groups.contains_key(&group) || self.hears_every_group()
    }

    /// Has it a multicast router?
    pub(super) fn hears_every_group(&self) -> bool {
        self.groups.contains_key(&EVERY_GROUP)
    }
}
