//! The books of one thread.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use vnet::compiled::PortId;
use zerocopy::FromZeros;

use super::chunks::{Chunks, NoMemory};
use super::counters::{
    Counter, OutputCells, OutputNumbers, TotalCells, TotalNumbers, WorkCells, WorkNumbers,
};
use super::legs::LegBooks;
use super::line::{Line, Row, RowReading};
use super::rows::{OutputId, RowId, Rows};
use super::seal::{Patience, Seal};
use crate::pipeline::verdict::DropReason;

/// The books of one thread: it alone writes, anybody may read.
#[derive(Debug)]
pub struct Ledger {
    totals: TotalCells,
    work: WorkCells,
    rows: Chunks<Row>,
    /// A bit per line: was anything ever booked there? So that readers need
    /// not look at the others, whose memory does not exist yet.
    touched: Chunks<Counter>,
    outputs: Chunks<Output>,
    /// Each port's output line, plus one: it changes when a port's number is
    /// given to a port of another name.
    output_of: Chunks<Counter>,
    /// What logical routers' interfaces did.
    legs: Arc<LegBooks>,
    /// The whole as it stood at a boundary that was asked for.
    boundary: Boundary,
    /// Numbers the questions for the whole; those that were answered; and
    /// those that a reader gave up.
    asked: AtomicU64,
    met: AtomicU64,
    given_up: AtomicU64,
}

/// An output port's line.
#[derive(Debug, FromZeros)]
struct Output {
    seal: Seal,
    cells: OutputCells,
}

#[derive(Debug, Default)]
struct Boundary {
    seal: Seal,
    totals: TotalCells,
    work: WorkCells,
}

/// A thread's books in sum, as they stood at one of its burst boundaries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Over all lines.
    pub totals: TotalNumbers,
    /// What has no line.
    pub work: WorkNumbers,
}

impl core::ops::AddAssign for Reading {
    fn add_assign(&mut self, other: Self) {
        self.totals += other.totals;
        self.work += other.work;
    }
}

impl Ledger {
    /// Empty books for these lines.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn of(rows: &Rows) -> Result<Self, NoMemory> {
        let ledger = Self::empty()?;
        ledger.ensure(rows)?;
        Ok(ledger)
    }

    /// Empty books for so many lines, and ports that each have the output line
    /// of their own number.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn new(rows: usize, ports: usize) -> Result<Self, NoMemory> {
        let ledger = Self::empty()?;
        ledger.make_room(rows, ports, ports)?;
        for (port, line) in (0..ports).zip(0..) {
            ledger.point(port, OutputId(line));
        }
        Ok(ledger)
    }

    fn empty() -> Result<Self, NoMemory> {
        Ok(Self {
            totals: TotalCells::default(),
            work: WorkCells::default(),
            rows: Chunks::new()?,
            touched: Chunks::new()?,
            outputs: Chunks::new()?,
            output_of: Chunks::new()?,
            legs: Arc::new(LegBooks::new()?),
            boundary: Boundary::default(),
            asked: AtomicU64::new(0),
            met: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
        })
    }

    /// Makes room for these lines, while their writer counts on. To be called
    /// before the writer learns of them: before the tables that they are from
    /// are published, and before it gets a port to send to.
    ///
    /// A port's number may come to another name once the writer has let go of
    /// the port that had it; what it still drops in between is on the line of
    /// that one.
    ///
    /// # Errors
    /// [`NoMemory`]: then everything is booked where it was, and nothing is
    /// lost.
    pub fn ensure(&self, rows: &Rows) -> Result<(), NoMemory> {
        self.make_room(rows.len(), rows.outputs().len(), rows.ports())?;
        self.legs.ensure(rows.legs())?;
        for port in 0..rows.ports() {
            let id = u16::try_from(port).ok().map(PortId);
            if let Some(output) = id.and_then(|id| rows.output(id)) {
                self.point(port, output);
            }
        }
        Ok(())
    }

    fn make_room(&self, rows: usize, outputs: usize, ports: usize) -> Result<(), NoMemory> {
        self.rows.ensure(rows)?;
        self.touched.ensure(rows.div_ceil(BITS))?;
        self.outputs.ensure(outputs)?;
        self.output_of.ensure(ports)
    }

    fn point(&self, port: usize, output: OutputId) {
        if let Some(to) = self.output_of.get(port) {
            to.set(u64::from(output.0) + 1);
        }
    }

    /// Opens a line to book on it; one that does not exist is the first. One
    /// at a time. Only the ledger's owner may.
    pub fn line(&self, id: RowId) -> Line<'_> {
        let (id, row) = match self.rows.get(id.index()) {
            Some(row) => (id, row),
            None => (RowId::default(), self.rows.first()),
        };
        let (line, first) = Line::open(row, &self.totals);
        if first && let Some((word, bit)) = self.mark(id) {
            word.set(word.get() | bit);
        }
        line
    }

    fn mark(&self, id: RowId) -> Option<(&Counter, u64)> {
        let word = self.touched.get(id.index() / BITS)?;
        Some((word, 1 << (id.index() % BITS)))
    }

    /// Books a drop.
    pub fn book_drop(&self, row: RowId, reason: DropReason) {
        self.line(row).dropped(reason);
    }

    /// Books what became of packets at an output port; at one that does not
    /// exist, on the first line.
    pub fn book_output(&self, port: PortId, what: OutputNumbers) {
        let line = self.output_of.get(usize::from(port.0)).map(Counter::get);
        let at = line.and_then(|line| usize::try_from(line.checked_sub(1)?).ok());
        let output = at.and_then(|at| self.outputs.get(at));
        let output = output.unwrap_or_else(|| self.outputs.first());
        let open = output.seal.open();
        output.cells.add(&what);
        output.seal.close(open);
        self.totals.sent.add(what.sent);
        self.totals.not_sent.add(what.dropped());
    }

    /// The lines of logical routers' interfaces.
    pub const fn legs(&self) -> &Arc<LegBooks> {
        &self.legs
    }

    /// What has no line.
    pub fn work(&self) -> &WorkCells {
        &self.work
    }

    /// The writer is between two bursts: answers a question for the whole.
    /// Costs two loads where there is none, and a copy of a few numbers where
    /// there is one, however many lines there are.
    pub fn boundary(&self) {
        let asked = self.asked.load(Ordering::Acquire);
        if asked != self.met.load(Ordering::Relaxed) {
            let open = self.boundary.seal.open();
            self.boundary.totals.take(&self.totals);
            self.boundary.work.take(&self.work);
            self.boundary.seal.close(open);
            self.met.store(asked, Ordering::Release);
        }
    }

    /// The whole at a burst boundary. A writer that does not turn (or has
    /// ended) is read as it is: after `patience`, and then at once, until it
    /// turns again.
    pub fn read(&self, patience: &Patience) -> Reading {
        let question = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        while self.met.load(Ordering::Acquire) < question {
            let stuck = self.met.load(Ordering::Acquire) < self.given_up.load(Ordering::Acquire);
            if stuck || !patience.rest() {
                self.given_up.fetch_max(question, Ordering::AcqRel);
                return Reading {
                    totals: self.totals.read(),
                    work: self.work.read(),
                };
            }
        }
        self.boundary.seal.read(patience, || Reading {
            totals: self.boundary.totals.read(),
            work: self.boundary.work.read(),
        })
    }

    /// A line as it stood between two packets: it balances. `None` if nothing
    /// was ever booked on it.
    pub fn read_row(&self, id: RowId, patience: &Patience) -> Option<RowReading> {
        let (word, bit) = self.mark(id)?;
        if word.get() & bit == 0 {
            return None;
        }
        Some(self.rows.get(id.index())?.read(patience))
    }

    /// An output port's line; nothing but zeros if there is none.
    pub fn read_output(&self, id: OutputId, patience: &Patience) -> OutputNumbers {
        let output = self.outputs.get(id.index());
        output.map_or_else(OutputNumbers::default, |output| {
            output.seal.read(patience, || output.cells.read())
        })
    }
}

/// Lines that one word has marks for.
const BITS: usize = u64::BITS as usize;
