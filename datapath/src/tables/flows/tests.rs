use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use packet::{IpProtocol, SegmentId, VirtualAddr};
use proptest::prelude::*;

use super::*;

fn end(address: u32, port: u16) -> FlowEnd {
    FlowEnd {
        segment: SegmentId::new(0x00a001).unwrap(),
        address: VirtualAddr::from_bits(address),
        port,
    }
}

fn udp(from: FlowEnd, to: FlowEnd) -> (FlowKey, Side) {
    FlowKey::of(from, to, IpProtocol::UDP)
}

const ACCOUNT: Account = Account {
    owner: FlowOwner(3),
    owners: 1,
    generation: 0,
};

fn table(capacity: u32) -> FlowTable {
    FlowTable::seeded(capacity, (0x1234_5678_9abc_def1, 0x0fed_cba9_8765_4321))
}

fn replies(table: &FlowTable, from: FlowEnd, to: FlowEnd, now: Seconds) -> bool {
    let (key, side) = udp(from, to);
    table.is_reply(&key, side, Signal::Plain, 0, now, || false)
}

#[test]
fn a_key_is_the_same_both_ways_and_can_be_read_again() {
    let (there, side) = udp(end(1, 9), end(2, 53));
    let (back, other) = udp(end(2, 53), end(1, 9));
    assert_eq!((there, side.other()), (back, other));
    assert_eq!(there.end(side), end(1, 9));
    assert_eq!(FlowKey::of_words(there.words()), Some(there));
}

#[test]
fn only_the_other_side_replies_and_only_for_a_time() {
    let table = table(64);
    let (a, b) = (end(1, 9), end(2, 53));
    let (key, side) = udp(a, b);
    table.note(&key, side, Signal::Plain, ACCOUNT, 100).unwrap();
    assert!(replies(&table, b, a, 100));
    assert!(!replies(&table, a, b, 100), "who begins does not reply");
    assert!(!replies(&table, end(2, 54), a, 100));
    // Answered, it is remembered for longer, from its last packet on.
    assert!(replies(&table, b, a, 250));
    assert!(replies(&table, b, a, 420) && !replies(&table, b, a, 601));
    assert_eq!(table.count(FlowOwner(3)), 1, "until somebody sweeps");
    for _ in 0..8 {
        table.sweep(601, |_| true);
    }
    assert_eq!((table.count(FlowOwner(3)), table.used()), (0, 0));
}

#[test]
fn tcp_is_opened_closed_and_begun_anew() {
    let table = table(64);
    let (key, a) = FlowKey::of(end(1, 9), end(2, 80), IpProtocol::TCP);
    let b = a.other();
    let note = |signal, now| table.note(&key, a, signal, ACCOUNT, now).unwrap();
    let reply = |signal, now| table.is_reply(&key, b, signal, 0, now, || false);
    let phase = |now| table.list(0, 9, now).0.first().map(|flow| flow.phase);
    note(Signal::Syn, 0);
    assert_eq!(phase(0), Some(Phase::Opening));
    assert!(!reply(Signal::Syn, 1), "that would be its own beginning");
    assert!(reply(Signal::SynAck, 1));
    assert_eq!(phase(1), Some(Phase::Open));
    assert!(reply(Signal::Plain, 7000));
    assert!(reply(Signal::Fin, 7001));
    note(Signal::Fin, 7002);
    assert_eq!((phase(7002), phase(7300)), (Some(Phase::Closing), None));
    note(Signal::Syn, 7100);
    assert_eq!(phase(7100), Some(Phase::Opening));
    assert!(reply(Signal::Rst, 7101));
    assert_eq!((phase(7101), phase(7111)), (Some(Phase::Closed), None));
}

#[test]
fn new_rules_are_asked_again() {
    let table = table(64);
    let (key, side) = udp(end(1, 9), end(2, 53));
    table.note(&key, side, Signal::Plain, ACCOUNT, 0).unwrap();
    let reply = |generation, permits: bool| {
        table.is_reply(&key, side.other(), Signal::Plain, generation, 0, || permits)
    };
    assert!(!reply(1, false));
    assert!(reply(1, true) && reply(1, false));
    // Who may begin under the new rules is who has done so since.
    let new = Account {
        generation: 2,
        ..ACCOUNT
    };
    table
        .note(&key, side.other(), Signal::Plain, new, 0)
        .unwrap();
    assert!(!reply(2, true));
}

#[test]
fn a_tenant_takes_no_others_place() {
    let table = table(256);
    let mine = |owner| Account {
        owner: FlowOwner(owner),
        owners: 2,
        ..ACCOUNT
    };
    for port in 0..100 {
        let (key, side) = udp(end(1, port), end(2, 53));
        table.note(&key, side, Signal::Plain, mine(1), 0).unwrap();
    }
    let mut refused = 0;
    for port in 0..20_000 {
        let (key, side) = udp(end(3, port), end(4, 53));
        let noted = table.note(&key, side, Signal::Plain, mine(2), 1);
        refused += u32::from(noted.is_err());
        assert!(table.count(FlowOwner(2)) <= 128);
    }
    assert!(
        refused < 20_000 / 2,
        "{refused}: its own oldest went instead"
    );
    for port in 0..100 {
        assert!(replies(&table, end(2, 53), end(1, port), 2), "{port}");
    }
}

#[test]
fn what_goes_on_is_replaced_last() {
    let table = table(8);
    let going_on = udp(end(1, 1), end(2, 53));
    table
        .note(&going_on.0, going_on.1, Signal::Plain, ACCOUNT, 0)
        .unwrap();
    assert!(replies(&table, end(2, 53), end(1, 1), 0));
    for port in 2..500 {
        let (key, side) = udp(end(1, port), end(2, 53));
        table.note(&key, side, Signal::Plain, ACCOUNT, 1).unwrap();
    }
    assert!(replies(&table, end(2, 53), end(1, 1), 2));
    assert_eq!(table.count(FlowOwner(3)), 8);
}

#[test]
fn a_tenant_that_is_gone_keeps_nothing() {
    let table = table(64);
    let (key, side) = udp(end(1, 9), end(2, 53));
    table.note(&key, side, Signal::Plain, ACCOUNT, 0).unwrap();
    for _ in 0..8 {
        table.sweep(0, |owner| owner != FlowOwner(3));
    }
    assert_eq!(table.used(), 0);
    assert!(!table.knows(&key, 0));
}

#[test]
fn a_listing_comes_to_all() {
    let table = table(256);
    for port in 0..100 {
        let (key, side) = udp(end(1, port), end(2, 53));
        table.note(&key, side, Signal::Plain, ACCOUNT, 0).unwrap();
    }
    let (mut found, mut from) = (Vec::new(), Some(0));
    while let Some(at) = from {
        let (flows, next) = table.list(at, 10, 0);
        found.extend(flows.iter().map(|flow| flow.key));
        from = next;
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 100);
}

/// Threads note and ask the same few flows in a table that is always full: nobody
/// ever gets a reply permitted that its other side has not begun.
#[test]
fn workers_share_it() {
    let table = Arc::new(table(16));
    let rounds = if cfg!(miri) { 50 } else { 20_000 };
    thread::scope(|scope| {
        for worker in 0..3_u16 {
            let table = Arc::clone(&table);
            scope.spawn(move || {
                for round in 0..rounds {
                    let port = round % 40;
                    // Only even ports are ever begun.
                    let (key, side) = udp(end(1, port * 2), end(2, 53));
                    let _ = table.note(&key, side, Signal::Plain, ACCOUNT, u32::from(worker));
                    assert!(!replies(&table, end(2, 53), end(1, port * 2 + 1), 0));
                    assert!(!replies(&table, end(1, port * 2), end(2, 53), 0));
                    if round % 16 == 0 {
                        table.sweep(2, |_| true);
                    }
                }
            });
        }
    });
    let counted = table.count(FlowOwner(3)) as usize;
    assert_eq!(table.list(0, 99, 0).0.len(), counted);
}

proptest! {
    /// Against a map without bounds.
    #[test]
    fn it_remembers_as_a_map_does(
        steps in proptest::collection::vec((0..6_u16, any::<bool>(), any::<bool>()), 1..200)
    ) {
        let table = table(4096);
        let mut begun: HashSet<(u16, bool)> = HashSet::new();
        for (port, forward, permitted) in steps {
            let (from, to) = match forward {
                true => (end(1, port), end(2, 53)),
                false => (end(2, 53), end(1, port)),
            };
            if permitted {
                let (key, side) = udp(from, to);
                table.note(&key, side, Signal::Plain, ACCOUNT, 0).unwrap();
                begun.insert((port, forward));
            } else {
                let is_reply = begun.contains(&(port, !forward));
                prop_assert_eq!(replies(&table, from, to, 0), is_reply);
            }
        }
    }
}
