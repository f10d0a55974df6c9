//! Every order in which a reader and the writer can meet, and every value that
//! the memory model lets a load return: publication, look-up, reclamation.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p datapath --release loom_models`

use std::sync::Arc;

use loom::thread;
use packet::Slot;
use vnet::compiled::{HostId, MappingKind};

use super::*;
use crate::tables::publish::Publisher;

/// What a root is here: a version, and the host that everybody is on in it.
type Root = (TableVersion, u32);

fn key(address: u32) -> MappingKey {
    MappingKey::new(SegmentId::new(1).unwrap(), VirtualAddr::from_bits(address))
}

/// Every word of it says which host.
fn on(host: u32) -> MappingEntry {
    MappingEntry {
        kind: MappingKind::Node,
        mac: MacAddr::new([2, 0, 0, 0, 0, u8::try_from(host).unwrap()]),
        host: HostId(host),
        slot: Slot::new(u8::try_from(host).unwrap()).unwrap(),
        interface: None,
        origin: Origin::Drawn,
    }
}

fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}

fn writer(reserve: u32) -> MappingWriter {
    MappingWriter::with_reserve(Seed::fixed(), 1, reserve, TableVersion(u32::MAX - 1))
}

fn move_to(writer: &mut MappingWriter, host: u32) -> Result<TableVersion, TableFull> {
    let mut staged = writer.stage();
    staged.put(key(1), on(host))?;
    Ok(staged.commit())
}

/// The key is moved from host to host while a reader looks it up: it always
/// finds the host of its root, whole; the room for one change is used again as
/// soon as the reader has come past, and not before.
#[test]
fn a_reader_finds_its_versions_entry_while_records_are_used_again() {
    explore(3, || {
        let mut writer = writer(1);
        let first = move_to(&mut writer, 1).unwrap();
        let table = Arc::clone(writer.table());
        let mut publisher: Publisher<Root> = Publisher::new((first, 1));
        let mut reader = publisher.reader();
        let reading = thread::spawn(move || {
            for _ in 0..2 {
                reader.refresh();
                let &(at, host) = reader.snapshot();
                let expected = Destination::new(key(1), &on(host));
                assert_eq!(table.find(at, key(1)), Some(expected));
            }
        });
        for host in 2..=4 {
            // With no room, the reader has to come further first.
            let Ok(version) = move_to(&mut writer, host) else {
                break;
            };
            writer.published(publisher.publish((version, host)));
            writer.reclaim(publisher.seen_by_all());
        }
        reading.join().unwrap();
    });
}

/// What is rolled back is never seen, though its record is used again at once.
#[test]
fn a_reader_never_sees_what_was_rolled_back() {
    explore(3, || {
        let mut writer = writer(1);
        let first = move_to(&mut writer, 1).unwrap();
        let table = Arc::clone(writer.table());
        let mut publisher: Publisher<Root> = Publisher::new((first, 1));
        let mut reader = publisher.reader();
        let reading = thread::spawn(move || {
            for _ in 0..2 {
                reader.refresh();
                let &(at, host) = reader.snapshot();
                let expected = Destination::new(key(1), &on(host));
                assert_eq!(table.find(at, key(1)), Some(expected));
            }
        });
        let mut staged = writer.stage();
        staged.put(key(1), on(9)).unwrap();
        drop(staged);
        let version = move_to(&mut writer, 2).unwrap();
        writer.published(publisher.publish((version, 2)));
        reading.join().unwrap();
    });
}

/// A pin keeps its version whole for as long as it is held.
#[test]
fn a_pinned_version_stays() {
    explore(3, || {
        let mut writer = writer(1);
        let first = move_to(&mut writer, 1).unwrap();
        let table = Arc::clone(writer.table());
        let mut publisher: Publisher<Root> = Publisher::new((first, 1));
        let pin = publisher.pin();
        let reading = thread::spawn(move || {
            let (at, host) = *pin;
            let all: Vec<_> = table.iter(at).collect();
            assert_eq!(all, [(key(1), on(host))]);
        });
        for host in 2..=3 {
            let Ok(version) = move_to(&mut writer, host) else {
                break;
            };
            writer.published(publisher.publish((version, host)));
            writer.reclaim(publisher.seen_by_all());
        }
        reading.join().unwrap();
    });
}
