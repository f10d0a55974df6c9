use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;

use packet::{MacAddr, SegmentId};
use proptest::prelude::*;
use vnet::compiled::{Compiled, Interface, InterfaceId, LinkType, PortId};

use super::*;
use crate::pipeline::verdict::DropReason;
use crate::tables::{PortEntry, PortOffloads, PortRole};

const LONG: Duration = Duration::from_secs(10);

fn ledger() -> Ledger {
    Ledger::new(1, 1).unwrap()
}

fn entry(name: &str, role: PortRole) -> Option<PortEntry> {
    Some(PortEntry {
        name: name.into(),
        role,
        offloads: PortOffloads::default(),
    })
}

fn segment(id: u32) -> SegmentId {
    SegmentId::new(id).unwrap()
}

/// A configuration with an interface on each of these ports and segments.
fn drawn(interfaces: &[(u16, u32)]) -> Compiled {
    let interface = |(id, (port, segment_id)): (u32, &(u16, u32))| Interface {
        id: InterfaceId(id),
        node: String::new(),
        port: PortId(*port),
        segment: segment(*segment_id),
        tags: packet::Tags::NONE,
        link: LinkType::Access,
        mac: MacAddr::new([2, 0, 0, 0, 0, 1]),
        addresses: Vec::new(),
        dhcp_server: false,
        policy: vnet::compiled::AddressPolicy::Fixed,
    };
    Compiled {
        interfaces: (0..).zip(interfaces).map(interface).collect(),
        ..Compiled::default()
    }
}

/// Ends the threads of a test, also of one that fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `turn` on a thread of its own until the books are read.
fn while_counting(ledger: &Ledger, turn: impl Fn() + Sync, read: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                turn();
                ledger.boundary();
                // Where threads take turns, a reader gets one.
                if cfg!(miri) {
                    thread::yield_now();
                }
            }
        });
        let _ending = Ending(&stop);
        read();
    });
}

const ROUNDS: usize = if cfg!(miri) { 3 } else { 2_000 };

#[test]
fn a_line_is_read_between_two_packets_and_the_whole_at_a_boundary() {
    let ledger = ledger();
    let turn = || {
        for _ in 0..8 {
            let line = ledger.line(RowId(0));
            line.received(60);
            line.pieces(2);
            line.forwarded();
            line.punted();
            line.dropped(DropReason::Truncated);
        }
        let sent = OutputNumbers {
            offered: 8,
            sent: 6,
            sent_bytes: 360,
            port_full: 1,
            refused: 1,
        };
        ledger.book_output(PortId(0), sent);
    };
    while_counting(&ledger, turn, || {
        for _ in 0..ROUNDS {
            if let Some(row) = ledger.read_row(RowId(0), &Patience::of(LONG)) {
                assert_eq!(row.began(), row.ended());
                assert_eq!(row.numbers.received_bytes, 60 * row.numbers.received);
            }
            let output = ledger.read_output(OutputId(0), &Patience::of(LONG));
            assert_eq!(output.offered, output.sent + output.dropped());
            let whole = ledger.read(&Patience::of(LONG)).totals;
            assert_eq!(whole.forwarded, whole.sent + whole.not_sent);
            let ended = whole.forwarded + whole.punted + whole.dropped;
            assert_eq!(whole.received + whole.pieces + whole.copies, ended);
            assert_eq!(whole.received % 8, 0, "not at a boundary");
        }
    });
}

#[test]
fn what_is_handed_over_is_on_the_giver_s_line_before_it_is_on_the_taker_s() {
    let (worker, slow) = (ledger(), ledger());
    let (give, take) = mpsc::sync_channel(4);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (worker, slow, stop) = (&worker, &slow, &stop);
        let _ending = Ending(stop);
        scope.spawn(move || {
            while take.recv().is_ok() {
                slow.line(RowId(0)).consumed();
            }
        });
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let line = worker.line(RowId(0));
                line.received(60);
                // As the pipeline does: first it is given away, then booked.
                give.send(()).unwrap();
                line.punted();
            }
        });
        for _ in 0..ROUNDS {
            let taken = slow.read_row(RowId(0), &Patience::of(LONG));
            let taken = taken.map_or(0, |row| row.numbers.consumed);
            let given = worker.read_row(RowId(0), &Patience::of(LONG));
            let given = given.map_or(0, |row| row.numbers.punted);
            assert!(given >= taken, "{given} given, {taken} taken");
        }
    });
}

#[test]
fn a_stuck_writer_costs_a_reader_its_patience_once() {
    let ledger = ledger();
    ledger.work().generated.add(7);
    assert_eq!(ledger.read(&Patience::none()).work.generated, 7);
    // The reader has given up: whoever comes next does not wait at all. (That
    // it would wait for hours is what makes this a test.)
    let hours = &Patience::of(Duration::from_secs(36_000));
    assert_eq!(ledger.read(hours).work.generated, 7);
    // It turns again, and is believed again.
    ledger.boundary();
    let asked = AtomicU64::new(0);
    while_counting(
        &ledger,
        || {
            asked.fetch_add(1, Ordering::Relaxed);
        },
        || {
            assert_eq!(ledger.read(hours).work.generated, 7);
        },
    );
}

#[test]
fn a_writer_that_stands_still_in_a_packet_is_read_as_it_is() {
    let ledger = ledger();
    let line = ledger.line(RowId(0));
    line.received(60);
    let patience = &Patience::of(Duration::from_millis(if cfg!(miri) { 1 } else { 20 }));
    for _ in 0..if cfg!(miri) { 1 } else { 100 } {
        let row = ledger.read_row(RowId(0), patience).unwrap();
        assert_eq!(row.numbers.received, 1);
        assert!(!patience.rest(), "some patience is left");
    }
}

#[test]
#[cfg_attr(miri, ignore = "too many lines")]
fn lines_that_nobody_booked_on_are_not_there() {
    let ledger = Ledger::new(200_000, 1).unwrap();
    assert_eq!(ledger.read_row(RowId(70_000), &Patience::none()), None);
    ledger.line(RowId(70_000)).received(1);
    let there = |id| ledger.read_row(RowId(id), &Patience::none()).is_some();
    let touched: Vec<u32> = (0..200_000).filter(|id| there(*id)).collect();
    assert_eq!(touched, [70_000]);
    // Beyond the last line: the first.
    ledger.line(RowId(u32::MAX)).received(1);
    assert!(there(0));
}

#[test]
fn a_line_is_its_port_s_name_s() {
    let ports = |third: &str| {
        [
            entry("up", PortRole::Uplink),
            entry("one", PortRole::Node),
            entry(third, PortRole::Node),
        ]
    };
    let first = Rows::new(&drawn(&[(1, 7), (2, 8)]), &ports("two"));
    let ledger = Ledger::of(&first).unwrap();
    let sent = OutputNumbers {
        offered: 1,
        sent: 1,
        ..OutputNumbers::default()
    };
    let two = first.of(PortId(2), Some(segment(8)));
    let output = first.output(PortId(2)).unwrap();
    ledger.line(two).received(60);
    ledger.book_output(PortId(2), sent);

    // Port 2 is gone, and what it still drops is on its line.
    let mut without = ports("two");
    without[2] = None;
    let second = first.extended(&drawn(&[(1, 7)]), &without);
    ledger.ensure(&second).unwrap();
    ledger.book_output(PortId(2), OutputNumbers::thrown_away(1));
    assert_eq!(
        (second.len(), second.output(PortId(2))),
        (first.len(), None)
    );

    // Its number goes to another port, which begins from zero.
    let third = second.extended(&drawn(&[(1, 7), (2, 8)]), &ports("three"));
    ledger.ensure(&third).unwrap();
    let three = third.of(PortId(2), Some(segment(8)));
    assert!(three.0 as usize >= first.len());
    assert_eq!(ledger.read_row(three, &Patience::none()), None);
    ledger.book_output(PortId(2), sent);
    let read = |id| ledger.read_output(id, &Patience::none()).offered;
    assert_eq!(
        (read(output), read(third.output(PortId(2)).unwrap())),
        (2, 1)
    );

    // The old one comes back under another number, and its counts go on.
    let mut both = ports("three").to_vec();
    both.push(entry("two", PortRole::Node));
    let fourth = third.extended(&drawn(&[(1, 7), (3, 8)]), &both);
    assert_eq!(fourth.of(PortId(3), Some(segment(8))), two);
    assert_eq!(fourth.output(PortId(3)), Some(output));
    let names: Vec<_> = fourth.outputs().map(|(_, name)| name).collect();
    assert_eq!(names, ["up", "one", "two", "three"]);
}

#[test]
fn uplinks_have_a_line_per_segment_and_a_port_one_for_the_rest() {
    let ports = [entry("up", PortRole::Uplink), entry("one", PortRole::Node)];
    let rows = Rows::new(&drawn(&[(1, 7), (1, 8), (1, 7), (9, 9)]), &ports);
    let up = |id| rows.of(PortId(0), Some(segment(id)));
    let mut all = vec![rows.of(PortId(0), None), rows.of(PortId(1), None)];
    all.extend([up(7), up(8), up(9)]);
    all.extend([7, 8].map(|id| rows.of(PortId(1), Some(segment(id)))));
    all.sort();
    all.dedup();
    assert_eq!((all.len(), rows.len()), (7, 7));
    assert_eq!(up(10), rows.of(PortId(0), None));
    assert_eq!(
        rows.of(PortId(1), Some(segment(9))),
        rows.of(PortId(1), None)
    );
    for name in rows.iter() {
        let port = if name.port == "up" { 0 } else { 1 };
        assert_eq!(rows.of(PortId(port), name.segment), name.id);
    }
}

/// What happens to a ledger, or to the configuration that it is for.
#[derive(Debug, Clone)]
enum Step {
    /// The next configuration: which ports (by the number of their names) and
    /// which interfaces.
    Configure(Vec<Option<u8>>, Vec<(u16, u32)>),
    /// A packet on a line of the newest configuration; how it ends.
    Packet(usize, u8),
    /// Packets at an output port.
    Output(u16, u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ports = prop::collection::vec(prop::option::weighted(0.8, 0u8..6), 0..5);
    let interfaces = prop::collection::vec((0u16..5, 1u32..4000), 0..600);
    let step = prop_oneof![
        1 => (ports, interfaces).prop_map(|(mut ports, interfaces)| {
            // A name is one port's at a time.
            for at in 0..ports.len() {
                if ports[..at].contains(&ports[at]) {
                    ports[at] = None;
                }
            }
            Step::Configure(ports, interfaces)
        }),
        12 => (any::<usize>(), 0u8..6).prop_map(|(row, end)| Step::Packet(row, end)),
        4 => (0u16..5, 0u8..9, 0u8..9).prop_map(|(port, sent, lost)| Step::Output(port, sent, lost)),
    ];
    prop::collection::vec(step, 1..120)
}

/// The books of a plain model: by name, whatever ids there are.
#[derive(Debug, Default)]
struct Model {
    rows: HashMap<(String, Option<SegmentId>), [u64; 6]>,
    outputs: HashMap<String, (u64, u64)>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A thread counts while another changes the configuration and grows the
    /// ledger, and a third reads: every reading balances, and in the end the
    /// books say what a plain model says.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn books_that_grow_say_what_a_model_says(steps in steps()) {
        let mut rows = Rows::new(&Compiled::default(), &[]);
        let mut names: Vec<Option<String>> = Vec::new();
        let mut model = Model::default();
        let ledger = Ledger::of(&rows).unwrap();
        let done = AtomicBool::new(false);
        let known = AtomicU32::new(0);
        thread::scope(|scope| {
            let (to_writer, jobs) = mpsc::channel::<Box<dyn FnOnce(&Ledger) + Send>>();
            let (ended, wait) = mpsc::channel();
            let (ledger, done, known) = (&ledger, &done, &known);
            let _ending = Ending(done);
            scope.spawn(move || {
                for job in jobs {
                    job(ledger);
                    ledger.boundary();
                    ended.send(()).unwrap();
                }
            });
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let rows = known.load(Ordering::Relaxed);
                    for id in (0..rows).map(RowId) {
                        if let Some(row) = ledger.read_row(id, &Patience::of(LONG)) {
                            assert_eq!(row.began(), row.ended());
                        }
                    }
                }
            });
            // A port's number changes hands only when its writer has let go.
            let book = |job| {
                to_writer.send(job).unwrap();
                wait.recv().unwrap();
            };
            for step in steps {
                match step {
                    Step::Configure(ports, interfaces) => {
                        names = ports.iter().map(|n| n.map(|n| format!("p{n}"))).collect();
                        let role = |n: u8| if n == 0 { PortRole::Uplink } else { PortRole::Node };
                        let entries = ports.iter().map(|n| entry(&format!("p{}", (*n)?), role((*n)?)));
                        let entries: Vec<_> = entries.collect();
                        let next = rows.extended(&drawn(&interfaces), &entries);
                        for (before, after) in rows.iter().zip(next.iter()) {
                            assert_eq!(before, after, "a line has moved");
                        }
                        rows = next;
                        ledger.ensure(&rows).unwrap();
                        known.store(rows.len().try_into().unwrap(), Ordering::Relaxed);
                    }
                    Step::Packet(at, end) => {
                        let Some(at) = at.checked_rem(rows.len()) else { continue };
                        let name = rows.iter().nth(at).unwrap();
                        let key = (name.port.to_owned(), name.segment);
                        let counts = model.rows.entry(key).or_default();
                        counts[0] += 1;
                        let id = name.id;
                        if let Some(count) = counts.get_mut(usize::from(end) + 1) {
                            *count += 1;
                        }
                        book(Box::new(move |ledger| {
                            let line = ledger.line(id);
                            line.received(60);
                            match end {
                                0 => line.forwarded(),
                                1 => line.answered(),
                                2 => line.consumed(),
                                3 => line.punted(),
                                4 => line.dropped(DropReason::NoRoute),
                                _ => {
                                    line.pieces(1);
                                    line.dropped(DropReason::Truncated);
                                    line.dropped(DropReason::Truncated);
                                }
                            }
                        }));
                    }
                    Step::Output(port, sent, lost) => {
                        let Some(Some(name)) = names.get(usize::from(port)) else { continue };
                        let (sent, lost) = (u64::from(sent), u64::from(lost));
                        let output = model.outputs.entry(name.clone()).or_default();
                        output.0 += sent;
                        output.1 += lost;
                        book(Box::new(move |ledger| {
                            ledger.book_output(PortId(port), OutputNumbers {
                                offered: sent + lost,
                                sent,
                                refused: lost,
                                ..OutputNumbers::default()
                            });
                        }));
                    }
                }
            }
            drop(to_writer);
        });
        let mut seen = Model::default();
        let mut received = 0;
        for name in rows.iter() {
            let Some(row) = ledger.read_row(name.id, &Patience::none()) else { continue };
            prop_assert_eq!(row.began(), row.ended());
            received += row.numbers.received;
            let numbers = row.numbers;
            let counts = [
                numbers.received,
                numbers.forwarded,
                numbers.answered,
                numbers.consumed,
                numbers.punted,
                row.dropped[DropReason::NoRoute.index()],
            ];
            seen.rows.insert((name.port.to_owned(), name.segment), counts);
        }
        prop_assert_eq!(seen.rows, model.rows);
        for (id, name) in rows.outputs() {
            let output = ledger.read_output(id, &Patience::none());
            let expected = model.outputs.get(name).copied().unwrap_or_default();
            prop_assert_eq!((output.sent, output.dropped()), expected);
            prop_assert_eq!(output.offered, output.sent + output.dropped());
        }
        let whole = ledger.read(&Patience::none()).totals;
        prop_assert_eq!(whole.received, received);
    }
}
