//! The groups an uplink listens to, told to multicast routers and snooping
//! switches: MLDv2's listener (RFC 3810 §6) without source filters, and
//! MLDv1's where the querier is old (§8).
//!
//! Unlike the RFC's, this listener answers a query about particular sources as
//! one about the group: more is forwarded than asked for, never less.

use core::net::Ipv6Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use packet::mld::{Query, RECORD_LEN, REPORT_LEN, ROUTER_ALERT, Record, Version};
use packet::{ipv6::IPV6_LEN, mld};

use super::address::{ALL_MLDV2_ROUTERS, ALL_ROUTERS};
use super::random::Random;

/// How often a change is told (`[Robustness Variable]`, RFC 3810 §9.1).
pub(super) const ROBUSTNESS: u8 = 2;
/// Most time between two tellings (`[Unsolicited Report Interval]`, §9.11).
pub(super) const UNSOLICITED_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a version 1 querier is remembered (`[Older Version Querier Present
/// Timeout]`, §9.12, with the default intervals).
pub(super) const OLDER_QUERIER_TIMEOUT: Duration = Duration::from_secs(2 * 125 + 10);

/// A message for the link: to which group, and what (checksum field zero).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Report {
    pub(super) to: Ipv6Addr,
    pub(super) message: Vec<u8>,
}

/// The listener of one uplink.
#[derive(Clone, Debug, Default)]
pub(super) struct Listener {
    groups: BTreeSet<Ipv6Addr>,
    /// Changes yet to be told, and how often still.
    changes: BTreeMap<Ipv6Addr, (Record, u8)>,
    changes_due: Option<Duration>,
    /// When all groups are due, because a querier asked.
    general_due: Option<Duration>,
    /// When single groups are.
    group_due: BTreeMap<Ipv6Addr, Duration>,
    older_querier_until: Option<Duration>,
}

impl Listener {
    /// The groups listened to, ordered.
    pub(super) const fn groups(&self) -> &BTreeSet<Ipv6Addr> {
        &self.groups
    }

    /// Listens to exactly these groups from now; tells the difference at `at`.
    pub(super) fn listen(&mut self, groups: BTreeSet<Ipv6Addr>, at: Duration) {
        for &group in groups.difference(&self.groups) {
            self.changes.insert(group, (Record::Joined, ROBUSTNESS));
        }
        for &group in self.groups.difference(&groups) {
            self.changes.insert(group, (Record::Left, ROBUSTNESS));
            self.group_due.remove(&group);
        }
        self.groups = groups;
        self.schedule_changes(at);
    }

    /// Tells all groups again, as new: reports from `::` were for switches
    /// only, and routers ignore them (RFC 3590 §4).
    pub(super) fn repeat(&mut self, at: Duration) {
        for &group in &self.groups {
            self.changes.insert(group, (Record::Joined, ROBUSTNESS));
        }
        self.schedule_changes(at);
    }

    fn schedule_changes(&mut self, at: Duration) {
        if !self.changes.is_empty() {
            self.changes_due = Some(self.changes_due.map_or(at, |due| due.min(at)));
        }
    }

    /// The link went away: says and answers nothing until [`Self::repeat`].
    pub(super) fn suspend(&mut self) {
        let groups = core::mem::take(&mut self.groups);
        *self = Self {
            groups,
            ..Self::default()
        };
    }

    /// A querier asks (RFC 3810 §6.2).
    pub(super) fn asked(&mut self, query: &Query, now: Duration, random: &mut Random) {
        if query.version == Version::V1 {
            self.older_querier_until = Some(now.saturating_add(OLDER_QUERIER_TIMEOUT));
        }
        let at = now.saturating_add(random.up_to(query.max_response_delay));
        if self.general_due.is_some_and(|due| due <= at) {
            return;
        }
        match query.group {
            None => self.general_due = Some(at),
            Some(group) if self.groups.contains(&group) => {
                let due = self.group_due.entry(group).or_insert(at);
                *due = at.min(*due);
            }
            Some(_) => {}
        }
    }

    /// When [`Self::timeouts`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Duration> {
        [self.changes_due, self.general_due]
            .into_iter()
            .flatten()
            .chain(self.group_due.values().copied())
            .min()
    }

    /// The reports that are due, each at most as long as the link carries.
    pub(super) fn timeouts(&mut self, now: Duration, mtu: u16, random: &mut Random) -> Vec<Report> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if self.older_querier_until.is_some_and(|until| until <= now) {
            self.older_querier_until = None;
        }
        let mut records = Vec::new();
        if is_due(self.changes_due) {
            records.extend(self.changes.iter().map(|(group, (r, _))| (*r, *group)));
            self.changes.retain(|_, (_, left)| {
                *left -= 1;
                *left > 0
            });
            let next = now.saturating_add(random.up_to(UNSOLICITED_REPORT_INTERVAL));
            self.changes_due = (!self.changes.is_empty()).then_some(next);
        }
        if is_due(self.general_due) {
            self.general_due = None;
            self.group_due.clear();
            records.extend(self.groups.iter().map(|group| (Record::Listening, *group)));
        }
        self.group_due.retain(|group, due| {
            if *due <= now {
                records.push((Record::Listening, *group));
            }
            *due > now
        });
        if self.older_querier_until.is_some() {
            records.into_iter().map(v1_report).collect()
        } else {
            v2_reports(&records, mtu)
        }
    }
}

fn v1_report((record, group): (Record, Ipv6Addr)) -> Report {
    let (kind, to) = match record {
        Record::Left => (mld::V1_DONE, ALL_ROUTERS),
        Record::Joined | Record::Listening => (mld::V1_REPORT, group),
    };
    Report {
        to,
        message: mld::v1_message(kind, group),
    }
}

fn v2_reports(records: &[(Record, Ipv6Addr)], mtu: u16) -> Vec<Report> {
    let headers = IPV6_LEN + ROUTER_ALERT.len() + REPORT_LEN;
    let fit = usize::from(mtu).saturating_sub(headers) / RECORD_LEN;
    records
        .chunks(fit.max(1))
        .map(|records| Report {
            to: ALL_MLDV2_ROUTERS,
            message: mld::v2_report(records),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(50);
    const SECOND: Duration = Duration::from_secs(1);

    fn group(last: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, last)
    }

    fn listening(groups: &[u16]) -> (Listener, Random) {
        let mut listener = Listener::default();
        let mut random = Random::new(5);
        listener.listen(groups.iter().map(|g| group(*g)).collect(), NOW);
        while let Some(at) = listener.deadline() {
            listener.timeouts(at, 1500, &mut random);
        }
        (listener, random)
    }

    /// Type of each message, and of each record in it.
    fn shape(reports: &[Report]) -> Vec<(u8, Vec<u8>)> {
        let records = |m: &[u8]| match m[0] {
            mld::V2_REPORT => m[8..].chunks(20).map(|record| record[0]).collect(),
            _ => Vec::new(),
        };
        reports
            .iter()
            .map(|r| (r.message[0], records(&r.message)))
            .collect()
    }

    fn query(version: Version, group: Option<Ipv6Addr>) -> Query {
        Query {
            version,
            max_response_delay: SECOND * 10,
            group,
        }
    }

    #[test]
    fn joining_and_leaving_are_told_twice() {
        let mut listener = Listener::default();
        let mut random = Random::new(5);
        listener.listen([group(1), group(2)].into(), NOW);
        assert_eq!(listener.deadline(), Some(NOW));
        let first = listener.timeouts(NOW, 1500, &mut random);
        assert_eq!(shape(&first), [(143, vec![4, 4])]);
        assert_eq!(first[0].to, ALL_MLDV2_ROUTERS);
        let again = listener.deadline().unwrap();
        assert!(again >= NOW && again <= NOW + UNSOLICITED_REPORT_INTERVAL);
        // A leave in between travels with the second telling of the join.
        listener.listen([group(1)].into(), again);
        let second = listener.timeouts(again, 1500, &mut random);
        assert_eq!(shape(&second), [(143, vec![4, 3])]);
        let last = listener.deadline().unwrap();
        let third = listener.timeouts(last, 1500, &mut random);
        assert_eq!(shape(&third), [(143, vec![3])]);
        assert_eq!(listener.deadline(), None);
    }

    #[test]
    fn a_general_query_is_answered_in_its_time_for_all_groups() {
        let (mut listener, mut random) = listening(&[1, 2]);
        listener.asked(&query(Version::V2, None), NOW, &mut random);
        let at = listener.deadline().unwrap();
        assert!(at >= NOW && at <= NOW + SECOND * 10);
        assert_eq!(
            listener.timeouts(at - SECOND.min(at), 1500, &mut random),
            []
        );
        let reports = listener.timeouts(at, 1500, &mut random);
        assert_eq!(shape(&reports), [(143, vec![2, 2])]);
        assert_eq!(listener.deadline(), None);
    }

    #[test]
    fn a_query_for_a_group_is_answered_by_its_listeners_only() {
        let (mut listener, mut random) = listening(&[1, 2]);
        listener.asked(&query(Version::V2, Some(group(9))), NOW, &mut random);
        assert_eq!(listener.deadline(), None);
        listener.asked(&query(Version::V2, Some(group(2))), NOW, &mut random);
        let at = listener.deadline().unwrap();
        let reports = listener.timeouts(at, 1500, &mut random);
        assert_eq!(shape(&reports), [(143, vec![2])]);
        assert_eq!(reports[0].message[12..28], group(2).octets());
    }

    #[test]
    fn many_queries_cause_one_answer() {
        let (mut listener, mut random) = listening(&[1]);
        for _ in 0..1000 {
            listener.asked(&query(Version::V2, None), NOW, &mut random);
            listener.asked(&query(Version::V2, Some(group(1))), NOW, &mut random);
        }
        let end = NOW + SECOND * 10;
        assert_eq!(listener.timeouts(end, 1500, &mut random).len(), 1);
        assert_eq!(listener.deadline(), None);
    }

    #[test]
    fn an_old_querier_hears_version_1_until_it_is_gone() {
        let (mut listener, mut random) = listening(&[1, 2]);
        listener.asked(&query(Version::V1, None), NOW, &mut random);
        let at = listener.deadline().unwrap();
        let reports = listener.timeouts(at, 1500, &mut random);
        assert_eq!(shape(&reports), [(131, vec![]), (131, vec![])]);
        assert_eq!(reports[1].to, group(2));
        listener.listen([group(1)].into(), at);
        let left = listener.timeouts(at, 1500, &mut random);
        assert_eq!(shape(&left), [(132, vec![])]);
        assert_eq!(left[0].to, ALL_ROUTERS);
        let later = at + OLDER_QUERIER_TIMEOUT;
        listener.timeouts(later, 1500, &mut random);
        listener.repeat(later);
        let reports = listener.timeouts(later, 1500, &mut random);
        assert_eq!(shape(&reports), [(143, vec![4])]);
    }

    #[test]
    fn reports_fit_the_link() {
        let groups: Vec<u16> = (0..200).collect();
        let (mut listener, mut random) = listening(&groups);
        listener.repeat(NOW);
        let reports = listener.timeouts(NOW, 1280, &mut random);
        let records: usize = shape(&reports).iter().map(|(_, r)| r.len()).sum();
        assert_eq!((reports.len(), records), (4, 200));
        assert!(reports.iter().all(|r| r.message.len() + 48 <= 1280));
    }

    #[test]
    fn a_lost_link_is_silent() {
        let (mut listener, mut random) = listening(&[1]);
        listener.asked(&query(Version::V2, None), NOW, &mut random);
        listener.suspend();
        assert_eq!(listener.deadline(), None);
        assert_eq!(listener.groups().len(), 1);
    }
}
