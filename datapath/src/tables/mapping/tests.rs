//! The table against a plain map per version, and under readers that run.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use packet::Slot;
use proptest::prelude::*;
use vnet::compiled::{HostId, InterfaceId, MappingKind};

use super::*;
use crate::tables::publish::{Publication, Publisher};

type Map = BTreeMap<MappingKey, MappingEntry>;

const ADDRESSES: u32 = 6;
const MACS: u8 = 4;

fn key(segment: u32, address: u32) -> MappingKey {
    MappingKey::new(
        SegmentId::new(segment).unwrap(),
        VirtualAddr::from_bits(address),
    )
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn entry(mac_of: u8, host: u32) -> MappingEntry {
    MappingEntry {
        kind: if host % 3 == 2 {
            MappingKind::Router
        } else {
            MappingKind::Node
        },
        mac: mac(mac_of),
        host: HostId(host),
        slot: Slot::new(u8::try_from(host % 64).unwrap()).unwrap(),
        interface: (host % 2 == 1).then_some(InterfaceId(host)),
        origin: if host % 5 == 1 {
            Origin::Loaded
        } else {
            Origin::Drawn
        },
    }
}

fn all_keys() -> impl Iterator<Item = MappingKey> {
    (1..=2).flat_map(|segment| (0..ADDRESSES).map(move |address| key(segment, address)))
}

#[derive(Debug, Clone)]
enum Step {
    Transaction { changes: Vec<Put>, commit: bool },
    Publish,
    ReaderTakes(usize),
    Reclaim,
}

/// `None`: remove.
type Put = (MappingKey, Option<MappingEntry>);

fn puts() -> impl Strategy<Value = Put> {
    let keys = (1..=2_u32, 0..ADDRESSES).prop_map(|(segment, address)| key(segment, address));
    let entries = (0..MACS, 0..6_u32).prop_map(|(mac_of, host)| entry(mac_of, host));
    (keys, proptest::option::weighted(0.7, entries))
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::collection::vec(puts(), 0..6), proptest::bool::weighted(0.8))
            .prop_map(|(changes, commit)| Step::Transaction { changes, commit }),
        3 => Just(Step::Publish),
        3 => (0..READERS).prop_map(Step::ReaderTakes),
        2 => Just(Step::Reclaim),
    ]
}

const READERS: usize = 3;

/// The table, what each version of it should hold, and who reads which.
struct Bench {
    writer: MappingWriter,
    capacity: usize,
    reserve: u32,
    newest: Map,
    published: (Publication, TableVersion, Map),
    readers: [(Publication, TableVersion, Map); READERS],
}

impl Bench {
    fn new(capacity: usize, reserve: u32, first: TableVersion) -> Self {
        let writer = MappingWriter::with_reserve(Seed::fixed(), capacity, reserve, first);
        let empty = (Publication(0), writer.version(), Map::new());
        Self {
            writer,
            capacity,
            reserve,
            newest: Map::new(),
            published: empty.clone(),
            readers: [empty.clone(), empty.clone(), empty],
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Transaction { changes, commit } => self.transaction(changes, *commit),
            Step::Publish => {
                let Publication(last) = self.published.0;
                let next = Publication(last + 1);
                self.published = (next, self.writer.version(), self.newest.clone());
                self.writer.published(next);
            }
            Step::ReaderTakes(reader) => self.readers[*reader] = self.published.clone(),
            Step::Reclaim => {
                let seen = self.readers.iter().map(|reader| reader.0).min();
                self.writer.reclaim(seen.unwrap());
            }
        }
    }

    fn transaction(&mut self, changes: &[Put], commit: bool) {
        let mut map = self.newest.clone();
        let waited = self.writer.stats().waiting;
        let mut ended = 0;
        let mut staged = self.writer.stage();
        for (key, change) in changes {
            let before = map.get(key).copied();
            match change {
                None => {
                    assert_eq!(staged.remove(*key), before);
                    ended += usize::from(map.remove(key).is_some());
                }
                Some(entry) => match staged.put(*key, *entry) {
                    Ok(was) => {
                        assert_eq!(was, before);
                        ended += usize::from(before.is_some_and(|before| before != *entry));
                        map.insert(*key, *entry);
                    }
                    Err(TableFull::Capacity { capacity }) => {
                        assert_eq!((capacity, map.len()), (self.capacity, self.capacity));
                        assert_eq!(before, None);
                    }
                    Err(TableFull::Waiting { .. }) => {
                        let records = self.capacity + self.reserve as usize;
                        assert!(map.len() + ended + waited >= records);
                    }
                },
            }
            assert_eq!(staged.get(*key), map.get(key).copied());
            assert_eq!(staged.len(), map.len());
        }
        if commit {
            staged.commit();
            self.newest = map;
        } else {
            drop(staged);
        }
        assert_eq!(self.writer.len(), self.newest.len());
    }

    fn check(&self) {
        for (_, version, map) in &self.readers {
            check(self.writer.table(), *version, map);
        }
        check(self.writer.table(), self.published.1, &self.published.2);
        check(self.writer.table(), self.writer.version(), &self.newest);
    }
}

fn check(table: &MappingTable, at: TableVersion, map: &Map) {
    let asked: Vec<_> = all_keys()
        .map(Some)
        .chain([None, Some(key(9, 9))])
        .collect();
    let found = table.find_all::<32>(at, asked.iter().copied());
    assert_eq!(found.len(), asked.len());
    for (asked, found) in asked.iter().zip(found) {
        let expected = asked.and_then(|key| Some(Destination::new(key, map.get(&key)?)));
        assert_eq!(found, expected, "{asked:?} at {at:?}, together");
        let alone = asked.and_then(|key| table.find(at, key));
        assert_eq!(alone, expected, "{asked:?} at {at:?}, alone");
    }
    let listed: Vec<_> = table.iter(at).collect();
    assert_eq!(listed.len(), map.len());
    assert_eq!(&listed.into_iter().collect::<Map>(), map);
    for segment in 1..=2 {
        for mac in (0..=MACS).map(mac) {
            let segment = SegmentId::new(segment).unwrap();
            let address = table.address_of(at, segment, mac);
            let of_mac = |(key, entry): (&MappingKey, &MappingEntry)| {
                (key.segment == segment && entry.mac == mac).then_some(key.address)
            };
            let owned: HashSet<_> = map.iter().filter_map(of_mac).collect();
            assert_eq!(table.has_mac(at, segment, mac), !owned.is_empty());
            assert!(address.is_none_or(|address| owned.contains(&address)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 300 },
        failure_persistence: None,
        max_shrink_iters: if cfg!(miri) { 0 } else { ProptestConfig::default().max_shrink_iters },
        ..ProptestConfig::default()
    })]

    /// Every reader sees its version of everything, whatever is staged, rolled
    /// back, freed and written again; and in the end nothing is left behind.
    #[test]
    fn every_version_is_what_a_map_would_be(
        steps in prop::collection::vec(steps(), 1..if cfg!(miri) { 12 } else { 120 }),
        capacity in 1..12_usize,
        reserve in 0..12_u32,
        first in prop_oneof![Just(1), u32::MAX - 8..=u32::MAX],
    ) {
        let mut bench = Bench::new(capacity, reserve, TableVersion(first));
        for step in &steps {
            bench.take(step);
            bench.check();
        }
        for key in all_keys() {
            bench.take(&Step::Transaction { changes: vec![(key, None)], commit: true });
        }
        bench.take(&Step::Publish);
        for reader in 0..READERS {
            bench.take(&Step::ReaderTakes(reader));
        }
        bench.take(&Step::Reclaim);
        let table = bench.writer.table();
        prop_assert!(!bench.writer.is_waiting());
        prop_assert!(table.by_key.is_blank() && table.by_mac.is_blank());
    }
}

#[test]
fn what_has_settled_outlives_its_versions() {
    let first = TableVersion(1);
    let mut writer = MappingWriter::with_reserve(Seed::fixed(), 4, 4, first);
    let mut staged = writer.stage();
    staged.put(key(1, 1), entry(1, 1)).unwrap();
    staged.put(key(1, 2), entry(2, 1)).unwrap();
    staged.commit();
    writer.published(Publication(1));
    writer.reclaim(Publication(1));
    writer.stage().commit();
    writer.skip_versions((1 << 31) + 5);
    assert_eq!(writer.get(key(1, 1)), Some(entry(1, 1)));
    assert_eq!(writer.iter().count(), 2);
}

#[test]
fn what_nobody_has_come_past_does_not_settle() {
    let mut writer = MappingWriter::with_reserve(Seed::fixed(), 4, 4, TableVersion(1));
    let before = writer.version();
    let mut staged = writer.stage();
    staged.put(key(1, 1), entry(1, 1)).unwrap();
    staged.commit();
    writer.published(Publication(1));
    writer.reclaim(Publication(0));
    writer.stage().commit();
    assert_eq!(writer.table().find(before, key(1, 1)), None);
}

#[test]
fn a_full_table_can_still_be_changed() {
    let mappings: usize = if cfg!(miri) { 20 } else { 2000 };
    // All that is there is looked at each time, under Miri.
    let mut writer = if cfg!(miri) {
        MappingWriter::with_reserve(Seed::fixed(), mappings, 64, TableVersion(1))
    } else {
        MappingWriter::new(mappings)
    };
    let keys = || (0..).take(mappings).map(|address| key(7, address));
    let mut staged = writer.stage();
    for key in keys() {
        assert_eq!(staged.put(key, entry(1, 0)), Ok(None));
    }
    let full = TableFull::Capacity { capacity: mappings };
    assert_eq!(staged.put(key(8, 0), entry(1, 0)), Err(full));
    staged.commit();
    let mut staged = writer.stage();
    for key in keys() {
        assert_eq!(staged.put(key, entry(2, 1)), Ok(Some(entry(1, 0))));
    }
    staged.commit();
    assert_eq!(
        writer.iter().filter(|(_, e)| *e == entry(2, 1)).count(),
        mappings
    );
    assert_eq!(writer.stats().waiting, mappings);
    let stats = writer.stats();
    assert_eq!((stats.capacity, stats.used), (mappings, mappings));
}

/// Addresses in use follow each other: that must not show in the buckets.
#[test]
fn neighbours_are_spread_like_strangers() {
    const KEYS: u32 = if cfg!(miri) { 300 } else { 50_000 };
    for stride in [1, 2, 256, 0x0101_0101] {
        for _ in 0..if cfg!(miri) { 1 } else { 8 } {
            let seed = Seed::random();
            let places = KEYS as usize / 5;
            let mut load = vec![0_u32; places];
            for at in 0..KEYS {
                let key = key(1 + at % 3, (at / 3).wrapping_mul(stride));
                load[seed.of_key(key).place(places)] += 1;
            }
            // Poisson with mean 5: 20 has a probability of 1e-7.
            assert!(load.iter().all(|&load| load < 24), "stride {stride}");
        }
    }
}

/// What 10 million mappings cost, without using any of that memory.
#[test]
#[cfg_attr(miri, ignore = "too large")]
fn memory_per_mapping() {
    for capacity in [1_000_000, 10_000_000] {
        let stats = MappingWriter::new(capacity).stats();
        assert!(stats.bytes_per_mapping() <= 52, "{stats:?}");
    }
}

/// MACs take turns.
fn of_round(host: u32) -> MappingEntry {
    entry(u8::from(host % 2 == 1), host)
}

/// Each transaction moves all keys to one host: whoever sees two hosts in one
/// burst has seen half of a transaction; who misses a key, a gap.
#[test]
fn running_readers_see_whole_transactions() {
    const KEYS: u32 = if cfg!(miri) { 4 } else { 24 };
    const ROUNDS: u32 = if cfg!(miri) { 12 } else { 3_000 };
    let keys = || (0..KEYS).map(|address| key(3, address));
    let mut writer = MappingWriter::with_reserve(
        Seed::fixed(),
        KEYS as usize,
        4 * KEYS,
        TableVersion(u32::MAX - 99),
    );
    let mut staged = writer.stage();
    for key in keys() {
        staged.put(key, entry(0, 0)).unwrap();
    }
    let first = staged.commit();
    let table = Arc::clone(writer.table());
    let mut publisher = Publisher::new((first, 0));
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (mut reader, stop, table) =
                (publisher.reader(), Arc::clone(&stop), Arc::clone(&table));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    reader.refresh();
                    let &(at, host) = reader.snapshot();
                    let expected = |key| Some(Destination::new(key, &of_round(host)));
                    let all = table.find_all::<32>(at, keys().map(Some));
                    for (key, found) in keys().zip(all) {
                        assert_eq!(found, expected(key));
                        assert_eq!(table.find(at, key), expected(key));
                    }
                    let now = of_round(host).mac;
                    assert!(table.has_mac(at, SegmentId::new(3).unwrap(), now));
                    assert!(!table.has_mac(at, SegmentId::new(3).unwrap(), mac(9)));
                    thread::yield_now();
                }
            })
        })
        .collect();
    for host in 1..=ROUNDS {
        let version = loop {
            let mut staged = writer.stage();
            let full = keys().any(|key| staged.put(key, of_round(host)).is_err());
            if !full && host % 7 != 0 {
                break staged.commit();
            }
            if !full {
                // Rolled back, and done again.
                drop(staged);
                let mut staged = writer.stage();
                for key in keys() {
                    staged.put(key, of_round(host)).unwrap();
                }
                break staged.commit();
            }
            drop(staged);
            thread::yield_now();
            writer.reclaim(publisher.seen_by_all());
        };
        writer.published(publisher.publish((version, host)));
        writer.reclaim(publisher.seen_by_all());
        if readers.iter().any(|reader| reader.is_finished()) {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
}
