//! One line of the books: how it is counted in, and how it is read.

use zerocopy::FromZeros;

use super::counters::{Counter, RowCells, RowNumbers, TotalCells};
use super::seal::{Open, Patience, Seal};
use crate::pipeline::verdict::DropReason;

/// A line as it is kept.
#[derive(Debug, FromZeros)]
pub(super) struct Row {
    seal: Seal,
    cells: RowCells,
    /// Packets dropped, by [`DropReason::index`].
    dropped: [Counter; DropReason::COUNT],
}

impl Row {
    pub(super) fn read(&self, patience: &Patience) -> RowReading {
        self.seal.read(patience, || RowReading {
            numbers: self.cells.read(),
            dropped: core::array::from_fn(|at| self.dropped.get(at).map_or(0, Counter::get)),
        })
    }
}

/// A line that its writer has open: readers wait until it is let go, and then
/// find every packet that was booked meanwhile, whole.
#[derive(Debug)]
pub struct Line<'ledger> {
    row: &'ledger Row,
    totals: &'ledger TotalCells,
    open: Open,
}

impl<'ledger> Line<'ledger> {
    /// Opens the line; also whether it was opened for the first time.
    pub(super) fn open(row: &'ledger Row, totals: &'ledger TotalCells) -> (Self, bool) {
        let open = row.seal.open();
        (Self { row, totals, open }, open.is_first())
    }

    /// A packet came in, of so many bytes.
    pub fn received(&self, bytes: u64) {
        self.row.cells.received.add(1);
        self.row.cells.received_bytes.add(bytes);
        self.totals.received.add(1);
    }

    /// A packet became so many more, by being cut.
    pub fn pieces(&self, more: u64) {
        self.row.cells.pieces.add(more);
        self.totals.pieces.add(more);
    }

    /// A packet became so many more, by being copied to many.
    pub fn copies(&self, more: u64) {
        self.row.cells.copies.add(more);
        self.totals.copies.add(more);
    }

    /// A packet went on to a port.
    pub fn forwarded(&self) {
        self.row.cells.forwarded.add(1);
        self.totals.forwarded.add(1);
    }

    /// A packet was a question, and became its answer.
    pub fn answered(&self) {
        self.row.cells.answered.add(1);
        self.totals.answered.add(1);
    }

    /// A packet ended, having done its work.
    pub fn consumed(&self) {
        self.row.cells.consumed.add(1);
        self.totals.consumed.add(1);
    }

    /// A packet that was consumed declined an address.
    pub fn declined(&self) {
        self.row.cells.declined.add(1);
    }

    /// A packet that went on was for somebody who has moved to another host.
    pub fn relayed(&self) {
        self.row.cells.relayed.add(1);
    }

    /// A packet was handed up to the slow path.
    pub fn punted(&self) {
        self.row.cells.punted.add(1);
        self.totals.punted.add(1);
    }

    /// A packet was dropped.
    pub fn dropped(&self, reason: DropReason) {
        if let Some(counter) = self.row.dropped.get(reason.index()) {
            counter.add(1);
            self.totals.dropped.add(1);
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.row.seal.close(self.open);
    }
}

/// A line as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReading {
    /// Everything but drops.
    pub numbers: RowNumbers,
    /// Packets dropped, by [`DropReason::index`].
    pub dropped: [u64; DropReason::COUNT],
}

impl Default for RowReading {
    fn default() -> Self {
        Self {
            numbers: RowNumbers::default(),
            dropped: [0; DropReason::COUNT],
        }
    }
}

impl RowReading {
    /// All drops.
    pub fn dropped_packets(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Packets that came in, and what they became: pieces, and copies.
    pub const fn began(&self) -> u64 {
        self.numbers.received + self.numbers.pieces + self.numbers.copies
    }

    /// Packets that ended, whichever way; it is what came in, and
    /// [what that became](Self::began).
    pub fn ended(&self) -> u64 {
        let numbers = &self.numbers;
        numbers.forwarded
            + numbers.answered
            + numbers.consumed
            + numbers.punted
            + self.dropped_packets()
    }
}

impl core::ops::AddAssign<&RowReading> for RowReading {
    fn add_assign(&mut self, other: &RowReading) {
        self.numbers += other.numbers;
        for (sum, more) in self.dropped.iter_mut().zip(&other.dropped) {
            *sum += more;
        }
    }
}
