//! Is every packet accounted for?
//!
//! Every line of a thread is read as it stood between two packets, and so
//! balances by itself; the whole is read from each thread's sums at one of its
//! burst boundaries. What travels between threads (punted up, handed on) is
//! "held" until the other side has booked it.

use datapath::books::{OutputId, OutputNumbers, Patience, Reading, RowId, RowName, RowReading};

use super::{Observer, PATIENCE, Readings};
use crate::control::source::{Books, InputBook, OutputBook, WholeBook};

/// What became of a line's packets, by who booked it.
#[derive(Debug, Default)]
pub(super) struct LineReading {
    /// The slow path's part.
    pub(super) slow: RowReading,
    /// The workers' parts, summed.
    pub(super) workers: RowReading,
}

impl LineReading {
    /// What was punted, and the slow path has not ended yet.
    fn held(&self) -> u64 {
        let slow = &self.slow;
        let settled = slow.numbers.consumed + slow.numbers.forwarded + slow.dropped_packets();
        self.workers.numbers.punted.saturating_sub(settled)
    }
}

impl Observer {
    /// A line; `None` if no packet was ever on it. First the slow path's part,
    /// so that what it was handed is in the workers' already.
    pub(super) fn line(&self, id: RowId, patience: &Patience) -> Option<LineReading> {
        let mut slow: Option<RowReading> = None;
        for ledger in &self.upper_ledgers {
            if let Some(row) = ledger.read_row(id, patience) {
                *slow.get_or_insert_default() += &row;
            }
        }
        let mut workers: Option<RowReading> = None;
        for worker in &self.workers {
            if let Some(row) = worker.ledger.read_row(id, patience) {
                *workers.get_or_insert_default() += &row;
            }
        }
        (slow.is_some() || workers.is_some()).then(|| LineReading {
            slow: slow.unwrap_or_default(),
            workers: workers.unwrap_or_default(),
        })
    }

    /// An output port, summed over the threads.
    pub(super) fn output(&self, id: OutputId, patience: &Patience) -> OutputNumbers {
        let mut sum = OutputNumbers::default();
        for ledger in &self.upper_ledgers {
            sum += ledger.read_output(id, patience);
        }
        for worker in &self.workers {
            sum += worker.ledger.read_output(id, patience);
        }
        sum
    }

    pub(super) fn read_books(&self) -> Books {
        let patience = &Patience::of(PATIENCE);
        let in_force = self.show.in_force();
        let rows = in_force.drawn.ports.rows();
        // A segment's line that no packet was ever on would say nothing.
        let inputs = rows.iter().filter_map(|name| {
            let line = self.line(name.id, patience);
            let line = line.or_else(|| name.segment.is_none().then(LineReading::default))?;
            Some(self.input(&name, &line))
        });
        let outputs = rows.outputs().map(|(id, port)| {
            let output = self.output(id, patience);
            OutputBook {
                port: port.to_owned(),
                offered: output.offered,
                sent: output.sent,
                tx_dropped: output.dropped(),
            }
        });
        Books {
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            whole: whole(&self.readings(patience)),
        }
    }

    fn input(&self, name: &RowName<'_>, line: &LineReading) -> InputBook {
        let LineReading { slow, workers } = line;
        InputBook {
            port: name.port.to_owned(),
            segment: name.segment.map(|id| self.segment_label(id)),
            received: workers.numbers.received,
            extra_fragments: workers.numbers.pieces + slow.numbers.pieces,
            copies: workers.numbers.copies + slow.numbers.copies,
            forwarded: workers.numbers.forwarded + slow.numbers.forwarded,
            answered: workers.numbers.answered + workers.numbers.consumed,
            punted: slow.numbers.consumed,
            held: line.held(),
            dropped: workers.dropped_packets() + slow.dropped_packets(),
        }
    }
}

fn whole(readings: &Readings) -> WholeBook {
    let slow = &readings.slow.totals;
    let workers = |count: fn(&Reading) -> u64| -> u64 { readings.workers.iter().map(count).sum() };
    let all = |count: fn(&Reading) -> u64| -> u64 { workers(count) + count(&readings.slow) };
    // Given to a worker to send, and not taken over yet.
    let on_the_way_out = all(|r| r.work.handed_on).saturating_sub(all(|r| r.work.taken_over));
    let settled = slow.consumed + slow.forwarded + slow.dropped;
    let held = workers(|r| r.totals.punted).saturating_sub(settled);
    WholeBook {
        received: workers(|r| r.totals.received),
        generated: all(|r| r.work.generated),
        copies: all(|r| r.totals.copies),
        extra_fragments: all(|r| r.totals.pieces),
        sent: all(|r| r.totals.sent),
        consumed: all(|r| r.totals.consumed) + workers(|r| r.totals.answered),
        held: held + on_the_way_out,
        dropped: all(|r| r.totals.dropped) + all(|r| r.totals.not_sent),
    }
}
