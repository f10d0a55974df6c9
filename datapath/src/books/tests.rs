use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;

use super::*;
use crate::pipeline::verdict::DropReason;

const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_line_is_read_between_two_packets() {
    let ledger = Arc::new(Ledger::new(1, 1).unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (ledger, stop) = (Arc::clone(&ledger), Arc::clone(&stop));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let line = ledger.line(RowId(0));
                line.received(60);
                line.pieces(2);
                line.forwarded();
                line.consumed();
                line.dropped(DropReason::Truncated);
                drop(line);
                ledger.boundary();
            }
        })
    };
    for _ in 0..200 {
        if let Some(row) = ledger.read_row(RowId(0), Patience::of(LONG)) {
            assert_eq!(row.numbers.received + row.numbers.pieces, row.ended());
        }
        let whole = ledger.read(Patience::of(LONG)).totals;
        let ended = whole.forwarded + whole.consumed + whole.dropped;
        assert_eq!(whole.received + whole.pieces, ended);
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

#[test]
fn a_writer_that_does_not_turn_does_not_block_a_reader() {
    let ledger = Ledger::new(1, 1).unwrap();
    ledger.work().generated.add(7);
    assert_eq!(ledger.read(Patience::NONE).work.generated, 7);
}
