//! A segment's groups, message by message.

use core::time::Duration;

use packet::igmp::{self, Message, RecordKind};
use vnet::compiled::Ipv4Subnet;

use super::*;
use crate::tables::SegmentListeners;

const SECOND: Duration = Duration::from_secs(1);
const QUERIES: Duration = Duration::from_secs(125);
/// `[Group Membership Interval]`: 2 * 125 s + 10 s.
const LIFETIME: Duration = Duration::from_secs(260);

const A: InterfaceId = InterfaceId(1);
const B: InterfaceId = InterfaceId(2);
const C: InterfaceId = InterfaceId(3);
const S: HostId = HostId(7);
const T: HostId = HostId(8);

fn segment() -> SegmentId {
    SegmentId::new(0xa001).unwrap()
}

fn address(text: &str) -> VirtualAddr {
    VirtualAddr::new(text.parse().unwrap())
}

fn group() -> VirtualAddr {
    address("239.7.7.7")
}

fn drawn() -> Drawn {
    Drawn {
        segment: segment(),
        multicast: Multicast {
            withheld: vec![Ipv4Subnet::new("239.66.0.0".parse().unwrap(), 16).unwrap()],
            ..Multicast::default()
        },
        // A and B are behind one port.
        wires: vec![vec![A, B], vec![C]],
        hosts: vec![S, T],
    }
}

/// A snooper and its clock.
struct Bench {
    snooper: Snooper,
    table: ListenerTable,
    now: Duration,
}

impl Bench {
    /// Its nodes were asked, and S and T have told that nobody listens there.
    fn settled() -> Self {
        let mut bench = Self {
            snooper: Snooper::default(),
            table: ListenerTable::default(),
            now: SECOND,
        };
        bench.snooper.follow(vec![drawn()], bench.now);
        bench.tick();
        for host in [S, T] {
            bench.told(host, &igmp::report(&[]));
        }
        bench.pass(SECOND * 40);
        bench
    }

    /// Does all that is due; what is asked, of whom, for what.
    fn tick(&mut self) -> Vec<Effect> {
        self.snooper.tick(self.now)
    }

    /// Time passes; all that happens meanwhile.
    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        let end = self.now + time;
        let mut effects = Vec::new();
        while let Some(due) = self.snooper.next_deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            effects.extend(self.tick());
        }
        self.now = end;
        effects
    }

    fn says(&mut self, interface: InterfaceId, message: &[u8]) -> Heard {
        let speaker = Speaker::Here(interface, address("10.0.0.9"));
        let message = Message::parse(message).unwrap();
        self.snooper.hear(segment(), speaker, &message, self.now)
    }

    fn told(&mut self, host: HostId, message: &[u8]) -> Heard {
        let message = Message::parse(message).unwrap();
        self.snooper
            .hear(segment(), Speaker::There(host), &message, self.now)
    }

    fn listeners(&mut self) -> SegmentListeners {
        if let Some(table) = self.snooper.table() {
            self.table = table;
        }
        self.table.of(segment()).unwrap().clone()
    }

    /// The interfaces that hear a group, wire by wire, and the hosts.
    fn hear(&mut self, group: VirtualAddr) -> (Vec<Vec<u32>>, Vec<HostId>) {
        let listeners = self.listeners();
        let listeners = listeners.of(group);
        let wires = listeners.here.iter();
        let wires = wires.map(|wire| wire.iter().map(|l| l.interface.0).collect());
        (wires.collect(), listeners.hosts.clone())
    }
}

fn joins() -> Vec<u8> {
    igmp::of_group(igmp::V2_REPORT, group())
}

fn leaves() -> Vec<u8> {
    igmp::of_group(igmp::V2_LEAVE, group())
}

fn v3(kind: RecordKind) -> Vec<u8> {
    igmp::report(&[(kind, group())])
}

/// A report of version 3 with sources, as a station sends it.
fn with_sources(kind: u8, sources: &[&str]) -> Vec<u8> {
    let mut bytes = vec![igmp::V3_REPORT, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0];
    bytes.push(u8::try_from(sources.len()).unwrap());
    bytes.extend(group().to_bits().to_be_bytes());
    for source in sources {
        bytes.extend(address(source).to_bits().to_be_bytes());
    }
    let sum = packet::checksum::of(&bytes).to_be_bytes();
    bytes[2..4].copy_from_slice(&sum);
    bytes
}

/// Who is asked for which group.
fn asked(effects: &[Effect]) -> Vec<(InterfaceId, Option<VirtualAddr>)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Ask {
            interface, group, ..
        } => Some((*interface, *group)),
        Effect::Tell { .. } => None,
    });
    asked.collect()
}

/// What a host is told, record by record; a query is `None`.
fn telling(effects: &[Effect], to: HostId) -> Vec<Option<(RecordKind, VirtualAddr)>> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Tell {
            host,
            message,
            from,
            ..
        } if *host == to => {
            assert_eq!(*from, A, "the first stands for this host");
            Some(message)
        }
        _ => None,
    });
    let mut all = Vec::new();
    for message in told {
        match Message::parse(message).unwrap() {
            Message::Query(query) => {
                assert_eq!(query.group, None);
                all.push(None);
            }
            Message::Records(records) => all.extend(records.map(|r| Some((r.kind, r.group)))),
            other => panic!("{other:?}"),
        }
    }
    all
}

#[test]
fn at_first_all_are_asked_and_hear_everything_until_they_have_had_time_to_answer() {
    let mut bench = Bench {
        snooper: Snooper::default(),
        table: ListenerTable::default(),
        now: SECOND,
    };
    bench.snooper.follow(vec![drawn()], bench.now);
    let effects = bench.tick();
    assert_eq!(asked(&effects), [(A, None), (C, None)], "each wire once");
    for host in [S, T] {
        let every = (RecordKind::ToExclude, address("224.0.0.2"));
        let told = telling(&effects, host);
        assert!(
            told.contains(&None) && told.contains(&Some(every)),
            "{told:?}"
        );
    }
    let (here, _) = bench.hear(group());
    assert_eq!(here, [vec![1, 2], vec![3]]);
    // A host that has said nothing is not among those heard: it gets everything.
    assert_eq!(bench.listeners().heard, []);
    bench.says(C, &joins());
    let effects = bench.pass(SECOND * 3);
    let no_longer = Some((RecordKind::ToInclude, address("224.0.0.2")));
    assert!(telling(&effects, S).contains(&no_longer));
    assert_eq!(bench.hear(group()), (vec![vec![3]], vec![]));
    assert_eq!(bench.hear(address("239.1.1.1")), (vec![], vec![]));
}

#[test]
fn queries_come_at_their_intervals_the_second_sooner() {
    let mut bench = Bench {
        snooper: Snooper::default(),
        table: ListenerTable::default(),
        now: SECOND,
    };
    bench.snooper.follow(vec![drawn()], bench.now);
    let mut times = Vec::new();
    for _ in 0..400 {
        if asked(&bench.tick()).contains(&(C, None)) {
            times.push(bench.now.as_secs() - 1);
        }
        bench.now += SECOND;
    }
    assert_eq!(times, [0, 32, 157, 282]);
}

#[test]
fn both_versions_join_and_are_forgotten_when_they_do_not_answer() {
    for report in [
        joins(),
        v3(RecordKind::ToExclude),
        v3(RecordKind::IsExclude),
    ] {
        let mut bench = Bench::settled();
        assert_eq!(bench.says(B, &report), Heard::Noted);
        assert_eq!(bench.hear(group()), (vec![vec![2]], vec![]));
        bench.pass(LIFETIME - SECOND);
        assert_eq!(bench.hear(group()), (vec![vec![2]], vec![]));
        bench.says(B, &report);
        bench.pass(LIFETIME - SECOND);
        assert_eq!(
            bench.hear(group()),
            (vec![vec![2]], vec![]),
            "it has answered"
        );
        bench.pass(SECOND);
        assert_eq!(bench.hear(group()), (vec![], vec![]));
    }
}

#[test]
fn who_leaves_is_asked_twice_and_gone_in_two_seconds() {
    for (join, leave) in [
        (joins(), leaves()),
        (v3(RecordKind::ToExclude), v3(RecordKind::ToInclude)),
    ] {
        let mut bench = Bench::settled();
        bench.says(B, &join);
        bench.pass(SECOND * 5);
        bench.says(B, &leave);
        let effects = bench.pass(SECOND + SECOND / 2);
        assert_eq!(asked(&effects), [(B, Some(group())); 2]);
        assert_eq!(bench.hear(group()).0, [[2]], "not yet");
        let effects = bench.pass(SECOND);
        assert_eq!(bench.hear(group()).0, Vec::<Vec<u32>>::new());
        assert!(telling(&effects, S).contains(&Some((RecordKind::ToInclude, group()))));
    }
}

#[test]
fn another_member_behind_the_same_port_stays() {
    let mut bench = Bench::settled();
    bench.says(A, &joins());
    bench.says(B, &joins());
    bench.says(A, &leaves());
    let effects = bench.pass(SECOND * 3);
    assert_eq!(bench.hear(group()).0, [[2]]);
    assert!(!telling(&effects, S).contains(&Some((RecordKind::ToInclude, group()))));
    // And whoever thinks better of it.
    bench.says(B, &leaves());
    bench.pass(SECOND / 2);
    bench.says(B, &joins());
    assert_eq!(asked(&bench.pass(SECOND * 5)), [], "it has answered");
    assert_eq!(bench.hear(group()).0, [[2]]);
}

#[test]
fn sources_are_kept_as_they_are_reported() {
    let mut bench = Bench::settled();
    let [one, two, three] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    let only = |these: &[&str]| Sources::Only(these.iter().map(|s| address(s)).collect());
    let but = |these: &[&str]| Sources::But(these.iter().map(|s| address(s)).collect());
    for (kind, sources, after) in [
        (5, &[one][..], only(&[one])),
        (5, &[two], only(&[one, two])),
        (6, &[one], only(&[two])),
        (1, &[three], only(&[two, three])),
        (3, &[one], only(&[one])),
        (4, &[two], but(&[two])),
        (6, &[three], but(&[two, three])),
        (5, &[two], but(&[three])),
        (2, &[], Sources::All),
        (6, &[one], but(&[one])),
        (5, &[one], Sources::All),
    ] {
        bench.says(B, &with_sources(kind, sources));
        let listeners = bench.listeners();
        let found = &listeners.of(group()).here[0][0].sources;
        assert_eq!(*found, after, "after {kind} {sources:?}");
    }
    // The last of them is a leave.
    bench.says(B, &with_sources(3, &[one]));
    bench.says(B, &with_sources(6, &[one]));
    bench.pass(SECOND * 3);
    assert_eq!(bench.hear(group()).0, Vec::<Vec<u32>>::new());
    // Nobody has so many in mind: all pass.
    let many: Vec<String> = (1..=65).map(|n| format!("10.0.1.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    bench.says(B, &with_sources(3, &many));
    assert_eq!(
        bench.listeners().of(group()).here[0][0].sources,
        Sources::All
    );
}

#[test]
fn other_hosts_are_told_at_once_again_and_every_interval() {
    let mut bench = Bench::settled();
    bench.says(C, &joins());
    let new = Some((RecordKind::ToExclude, group()));
    assert_eq!(telling(&bench.tick(), S), [new]);
    assert_eq!(
        telling(&bench.pass(SECOND * 2), T),
        [new],
        "once more, for the lost"
    );
    let effects = bench.pass(QUERIES);
    assert_eq!(
        telling(&effects, T),
        [Some((RecordKind::IsExclude, group()))]
    );
    // A host that asks is told, and no other.
    bench.told(T, &igmp::query(None, SECOND, SECOND));
    let effects = bench.tick();
    assert_eq!(
        telling(&effects, T),
        [Some((RecordKind::IsExclude, group()))]
    );
    assert_eq!(telling(&effects, S), []);
    // What could not be sent is owed.
    bench.snooper.undelivered(segment(), S, bench.now);
    let effects = bench.pass(SECOND);
    assert_eq!(
        telling(&effects, S),
        [Some((RecordKind::IsExclude, group()))]
    );
}

#[test]
fn what_other_hosts_tell_counts_until_they_are_silent() {
    let mut bench = Bench::settled();
    bench.told(S, &v3(RecordKind::ToExclude));
    assert_eq!(bench.hear(group()), (vec![], vec![S]));
    bench.told(S, &v3(RecordKind::ToInclude));
    assert_eq!(bench.hear(group()), (vec![], vec![]));
    bench.told(S, &v3(RecordKind::IsExclude));
    let effects = bench.pass(LIFETIME - SECOND);
    assert!(!telling(&effects, S).contains(&None));
    assert_eq!(bench.listeners().heard, [S], "T is silent");
    let effects = bench.pass(SECOND * 130);
    assert_eq!(bench.listeners().heard, []);
    assert_eq!(bench.hear(group()), (vec![], vec![]));
    assert!(telling(&effects, S).contains(&None), "it is asked again");
}

#[test]
fn a_multicast_router_hears_every_group_here_and_elsewhere() {
    let mut bench = Bench::settled();
    let query = igmp::query(None, SECOND, SECOND);
    let from_nobody = Speaker::Here(C, address("0.0.0.0"));
    let message = Message::parse(&query).unwrap();
    bench
        .snooper
        .hear(segment(), from_nobody, &message, bench.now);
    assert_eq!(bench.hear(group()).0, Vec::<Vec<u32>>::new(), "a switch's");
    bench.says(C, &query);
    assert_eq!(bench.hear(group()).0, [[3]]);
    let every = Some((RecordKind::ToExclude, address("224.0.0.2")));
    assert_eq!(telling(&bench.tick(), S), [every]);
    bench.told(
        S,
        &igmp::report(&[(RecordKind::IsExclude, address("224.0.0.2"))]),
    );
    bench.says(A, &joins());
    assert_eq!(bench.hear(group()), (vec![vec![1], vec![3]], vec![S]));
    assert_eq!(bench.hear(address("239.1.1.1")), (vec![vec![3]], vec![S]));
    bench.pass(LIFETIME);
    assert_eq!(bench.hear(group()), (vec![], vec![]));
}

#[test]
fn what_all_hear_and_what_nobody_hears_is_not_kept() {
    let mut bench = Bench::settled();
    for text in ["224.0.0.251", "239.66.1.1"] {
        bench.says(C, &igmp::of_group(igmp::V2_REPORT, address(text)));
    }
    assert_eq!(bench.snooper.memberships(), []);
}

#[test]
fn room_is_bounded_and_said_to_be_full() {
    let mut bench = Bench::settled();
    let nth = |n: usize| VirtualAddr::from_bits(0xef01_0000 + u32::try_from(n).unwrap());
    let all: Vec<_> = (0..=GROUPS_PER_INTERFACE)
        .map(|n| (RecordKind::ToExclude, nth(n)))
        .collect();
    let (last, first) = all.split_last().unwrap();
    assert_eq!(bench.says(C, &igmp::report(first)), Heard::Noted);
    assert_eq!(bench.says(C, &igmp::report(&[*last])), Heard::NoRoom);
    assert_eq!(
        bench.says(C, &igmp::report(first)),
        Heard::Noted,
        "what is known"
    );
    assert_eq!(
        bench.says(B, &igmp::report(&[*last])),
        Heard::Noted,
        "another's"
    );
    assert_eq!(bench.snooper.memberships().len(), GROUPS_PER_INTERFACE + 1);
    // Another host is told all of it, in messages that fit.
    bench.told(S, &igmp::query(None, SECOND, SECOND));
    let told = bench.pass(SECOND * 5);
    assert!(telling(&told, S).len() > GROUPS_PER_INTERFACE);
    for n in 0..GROUPS_PER_SEGMENT / 512 {
        let some: Vec<_> = (0..512)
            .map(|i| (RecordKind::IsExclude, nth(n * 512 + i)))
            .collect();
        assert_eq!(bench.told(T, &igmp::report(&some)), Heard::Noted);
    }
    let more = [(RecordKind::IsExclude, nth(GROUPS_PER_SEGMENT))];
    assert_eq!(bench.told(T, &igmp::report(&more)), Heard::NoRoom);
}

#[test]
fn interfaces_hosts_and_segments_come_and_go() {
    let mut bench = Bench::settled();
    bench.says(A, &joins());
    bench.says(C, &joins());
    bench.told(S, &v3(RecordKind::ToExclude));
    bench.pass(SECOND * 5);
    let mut changed = drawn();
    let new = InterfaceId(9);
    changed.wires = vec![vec![A], vec![new]];
    changed.hosts = vec![T];
    bench.snooper.follow(vec![changed.clone()], bench.now);
    let effects = bench.tick();
    assert_eq!(asked(&effects), [(new, None)], "who is new");
    assert_eq!(bench.hear(group()), (vec![vec![1], vec![9]], vec![]));
    bench.pass(SECOND * 4);
    assert_eq!(bench.hear(group()), (vec![vec![1]], vec![]));
    changed.multicast.withheld = vec![Ipv4Subnet::new("239.0.0.0".parse().unwrap(), 8).unwrap()];
    bench.snooper.follow(vec![changed], bench.now);
    assert_eq!(bench.hear(group()), (vec![], vec![]));
    bench.snooper.follow(Vec::new(), bench.now);
    assert!(bench.snooper.table().unwrap().of(segment()).is_none());
    assert_eq!(bench.snooper.next_deadline(), None);
}
