//! The books: every packet that comes in is on exactly one line, and ends in
//! exactly one column of it. They balance, always:
//!
//! per (input port, segment): received + pieces = forwarded + answered +
//! consumed + punted + dropped, where pieces are what cutting a packet that was
//! too large made beyond the packet itself; of what was punted the slow path
//! books the end, and until then it is held. Per output port: offered = sent +
//! port-full + refused. For the whole: received + generated + pieces = sent + consumed
//! (answered, too) + held + dropped.
//!
//! A ledger has one writer (a worker, or the slow path) and any readers. An
//! increment is a plain load and store; a reader asks for a copy, which the
//! writer makes at its next burst boundary, so that every line balances in it
//! even while packets fly.

use core::time::Duration;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hashbrown::HashMap;
use packet::SegmentId;
use vnet::compiled::{Compiled, PortId};

use crate::pipeline::verdict::DropReason;

/// A line of the books: an input port, and a segment on it or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RowId(pub u32);

/// Which (port, segment) each line is for.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    rows: Vec<(PortId, Option<SegmentId>)>,
    index: HashMap<(PortId, Option<SegmentId>), RowId>,
}

impl Rows {
    /// A line per port without segment (what could not be attributed), per
    /// segment that a node port carries, and on uplinks per segment that has
    /// an interface on this host.
    pub fn new(compiled: &Compiled, ports: usize, uplinks: &[PortId]) -> Self {
        let mut rows = Self::default();
        for port in (0..).map(PortId).take(ports) {
            rows.add(port, None);
        }
        for interface in &compiled.interfaces {
            rows.add(interface.port, Some(interface.segment));
            for uplink in uplinks {
                rows.add(*uplink, Some(interface.segment));
            }
        }
        rows
    }

    fn add(&mut self, port: PortId, segment: Option<SegmentId>) {
        let next = RowId(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        if self.index.try_insert((port, segment), next).is_ok() {
            self.rows.push((port, segment));
        }
    }

    /// The line of a port and segment; that of the port alone, if the segment
    /// has no interface here.
    pub fn of(&self, port: PortId, segment: Option<SegmentId>) -> RowId {
        let exact = self.index.get(&(port, segment));
        exact
            .or_else(|| self.index.get(&(port, None)))
            .copied()
            .unwrap_or_default()
    }

    /// The lines, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, PortId, Option<SegmentId>)> + '_ {
        (0..)
            .map(RowId)
            .zip(&self.rows)
            .map(|(id, (port, segment))| (id, *port, *segment))
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `n` more. Only the ledger's owner may.
    pub fn add(&self, n: u64) {
        // One writer: a load and a store, no locked instruction.
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(n),
            Ordering::Relaxed,
        );
    }

    fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// The count, as of some moment not long ago.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Declares a set of counters once: the cells that a writer counts in, and the
/// plain numbers that a reader gets.
macro_rules! counters {
    ($(#[$doc:meta])* $cells:ident, $numbers:ident { $( #[$what:meta] $name:ident, )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $cells { $( #[$what] pub $name: Counter, )+ }

        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub struct $numbers { $( #[$what] pub $name: u64, )+ }

        impl $cells {
            fn take(&self, other: &Self) {
                $( self.$name.set(other.$name.get()); )+
            }

            fn read(&self) -> $numbers {
                $numbers { $( $name: self.$name.get(), )+ }
            }
        }

        impl core::ops::AddAssign for $numbers {
            fn add_assign(&mut self, other: Self) {
                $( self.$name += other.$name; )+
            }
        }
    };
}

counters! {
    /// What happened to the packets of one line, drops apart.
    RowCells, RowNumbers {
        /// Packets received.
        received,
        /// Bytes received, frames without check sequence.
        received_bytes,
        /// Pieces that packets were cut into, beyond the packets themselves.
        pieces,
        /// Packets and pieces that went on to a port.
        forwarded,
        /// Questions that an answer was made from.
        answered,
        /// Packets that ended here, having done their work.
        consumed,
        /// Packets handed up to the slow path.
        punted,
    }
}

counters! {
    /// What happened at one output port.
    OutputCells, OutputNumbers {
        /// Packets that were to go out.
        offered,
        /// Packets that the port took.
        sent,
        /// Bytes that the port took.
        sent_bytes,
        /// Packets that the port did not take: dropped as `port-full`.
        port_full,
        /// Packets that the port took and threw away: dropped as `port-refused`.
        refused,
    }
}

impl OutputNumbers {
    /// Packets that were not sent.
    pub const fn dropped(&self) -> u64 {
        self.port_full + self.refused
    }
}

counters! {
    /// What a thread did besides.
    WorkCells, WorkNumbers {
        /// Packets that were made here: answers, neighbour discovery.
        generated,
        /// Packets given to a worker to send, by a thread without a queue there.
        handed_on,
        /// Packets taken over to send (by a worker).
        taken_over,
        /// Turns of the loop.
        polls,
        /// Turns that found nothing to do.
        idle_polls,
    }
}

/// One line of the books.
#[derive(Debug)]
pub struct Row {
    /// Everything but drops.
    pub cells: RowCells,
    /// Packets dropped, by [`DropReason::index`].
    pub dropped: [Counter; DropReason::COUNT],
}

impl Default for Row {
    fn default() -> Self {
        Self {
            cells: RowCells::default(),
            dropped: core::array::from_fn(|_| Counter::default()),
        }
    }
}

/// A full set of counters.
#[derive(Debug)]
struct Cells {
    rows: Vec<Row>,
    outputs: Vec<OutputCells>,
    work: WorkCells,
}

/// The books of one thread: it alone writes, anybody may [`Ledger::read`].
#[derive(Debug)]
pub struct Ledger {
    live: Cells,
    /// The state at the burst boundary that was last asked for.
    copy: Cells,
    /// Counts the requests for a reading, and those that were met.
    requested: AtomicU64,
    met: AtomicU64,
    /// One reader at a time; the writer never takes it.
    reading: Mutex<()>,
}

/// The books as they stood at one burst boundary: every line balances.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The lines, in order of their ids.
    pub rows: Vec<RowReading>,
    /// The output ports, in order.
    pub outputs: Vec<OutputNumbers>,
    /// The rest.
    pub work: WorkNumbers,
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
}

impl core::ops::AddAssign<&RowReading> for RowReading {
    fn add_assign(&mut self, other: &RowReading) {
        self.numbers += other.numbers;
        for (sum, more) in self.dropped.iter_mut().zip(&other.dropped) {
            *sum += more;
        }
    }
}

impl Ledger {
    /// Empty books for so many lines and output ports.
    pub fn new(rows: usize, ports: usize) -> Self {
        Self {
            live: Cells::new(rows, ports),
            copy: Cells::new(rows, ports),
            requested: AtomicU64::new(0),
            met: AtomicU64::new(0),
            reading: Mutex::new(()),
        }
    }

    /// A line; one that does not exist is counted on the first.
    pub fn row(&self, id: RowId) -> Option<&Row> {
        self.live
            .rows
            .get(id.0 as usize)
            .or_else(|| self.live.rows.first())
    }

    /// An output port's counters.
    pub fn output(&self, port: PortId) -> Option<&OutputCells> {
        self.live.outputs.get(usize::from(port.0))
    }

    /// What has no line.
    pub fn work(&self) -> &WorkCells {
        &self.live.work
    }

    /// Books a drop.
    pub fn book_drop(&self, row: RowId, reason: DropReason) {
        if let Some(counter) = self
            .row(row)
            .and_then(|row| row.dropped.get(reason.index()))
        {
            counter.add(1);
        }
    }

    /// The writer is between two bursts: meets a request for a reading. Costs
    /// two loads where there is none.
    pub fn boundary(&self) {
        let requested = self.requested.load(Ordering::Acquire);
        if requested != self.met.load(Ordering::Relaxed) {
            self.copy.take(&self.live);
            self.met.store(requested, Ordering::Release);
        }
    }

    /// The books at a burst boundary. Waits up to `patience` for the writer to
    /// pass one; a writer that does not turn (or has ended) is read as it is.
    pub fn read(&self, patience: Duration) -> Reading {
        let _one_at_a_time = self.reading.lock();
        let request = self.requested.load(Ordering::Relaxed) + 1;
        self.requested.store(request, Ordering::Release);
        let until = Instant::now() + patience;
        while self.met.load(Ordering::Acquire) != request {
            if Instant::now() >= until {
                return self.live.read();
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        self.copy.read()
    }
}

impl Cells {
    fn new(rows: usize, ports: usize) -> Self {
        Self {
            // The first line always exists: see `Ledger::row`.
            rows: (0..rows.max(1)).map(|_| Row::default()).collect(),
            outputs: (0..ports).map(|_| OutputCells::default()).collect(),
            work: WorkCells::default(),
        }
    }

    fn take(&self, other: &Self) {
        for (mine, theirs) in self.rows.iter().zip(&other.rows) {
            mine.cells.take(&theirs.cells);
            for (mine, theirs) in mine.dropped.iter().zip(&theirs.dropped) {
                mine.set(theirs.get());
            }
        }
        for (mine, theirs) in self.outputs.iter().zip(&other.outputs) {
            mine.take(theirs);
        }
        self.work.take(&other.work);
    }

    fn read(&self) -> Reading {
        let row = |row: &Row| RowReading {
            numbers: row.cells.read(),
            dropped: core::array::from_fn(|at| row.dropped.get(at).map_or(0, Counter::get)),
        };
        Reading {
            rows: self.rows.iter().map(row).collect(),
            outputs: self.outputs.iter().map(OutputCells::read).collect(),
            work: self.work.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_reading_is_from_one_boundary() {
        let ledger = Arc::new(Ledger::new(1, 1));
        let stop = Arc::new(AtomicBool::new(false));
        let writer = {
            let (ledger, stop) = (Arc::clone(&ledger), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let row = ledger.row(RowId(0)).unwrap();
                    row.cells.received.add(3);
                    row.cells.forwarded.add(2);
                    ledger.book_drop(RowId(0), DropReason::Truncated);
                    ledger.boundary();
                }
            })
        };
        for _ in 0..200 {
            let reading = ledger.read(Duration::from_secs(10));
            let row = &reading.rows[0];
            assert_eq!(
                row.numbers.received,
                row.numbers.forwarded + row.dropped_packets()
            );
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
    }

    #[test]
    fn a_writer_that_does_not_turn_does_not_block_a_reader() {
        let ledger = Ledger::new(1, 1);
        ledger.work().generated.add(7);
        assert_eq!(ledger.read(Duration::ZERO).work.generated, 7);
    }
}
