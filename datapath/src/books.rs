//! The books: every packet that comes in is on exactly one line, and ends in
//! exactly one column of it. They balance, always:
//!
//! per (input port, segment): received = forwarded + consumed + punted + dropped,
//! and of what was punted the slow path later books the end. Per output port:
//! offered = sent + port-full. For the whole: received + generated = sent +
//! consumed + held + dropped.
//!
//! A ledger has one writer (a worker, or the slow path) and any readers; an
//! increment is a plain load and store of an own cache line.

use std::sync::atomic::{AtomicU64, Ordering};

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

    /// The count, as of some moment not long ago.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened to the packets of one line.
#[derive(Debug)]
pub struct Row {
    /// Packets received.
    pub received: Counter,
    /// Bytes received, frames without check sequence.
    pub received_bytes: Counter,
    /// Packets that went on to a port.
    pub forwarded: Counter,
    /// Questions that an answer was made from.
    pub answered: Counter,
    /// Packets that ended here, having done their work.
    pub consumed: Counter,
    /// Packets handed up to the slow path.
    pub punted: Counter,
    /// Packets dropped, by [`DropReason::index`].
    pub dropped: [Counter; DropReason::COUNT],
}

impl Default for Row {
    fn default() -> Self {
        Self {
            received: Counter::default(),
            received_bytes: Counter::default(),
            forwarded: Counter::default(),
            answered: Counter::default(),
            consumed: Counter::default(),
            punted: Counter::default(),
            dropped: core::array::from_fn(|_| Counter::default()),
        }
    }
}

/// What happened at one output port.
#[derive(Debug, Default)]
pub struct Output {
    /// Packets that were to go out.
    pub offered: Counter,
    /// Packets that the port took.
    pub sent: Counter,
    /// Bytes that the port took.
    pub sent_bytes: Counter,
    /// Packets that the port did not take: dropped as `port-full`.
    pub port_full: Counter,
}

/// The books of one writer.
#[derive(Debug)]
pub struct Ledger {
    rows: Vec<Row>,
    outputs: Vec<Output>,
    /// Packets that were made here: answers, neighbour discovery.
    pub generated: Counter,
}

impl Ledger {
    /// Empty books for so many lines and output ports.
    pub fn new(rows: usize, ports: usize) -> Self {
        Self {
            // A line for what has no line: the first always exists.
            rows: (0..rows.max(1)).map(|_| Row::default()).collect(),
            outputs: (0..ports).map(|_| Output::default()).collect(),
            generated: Counter::default(),
        }
    }

    /// A line. One that does not exist is counted on the first.
    pub fn row(&self, id: RowId) -> &Row {
        static NOWHERE: std::sync::OnceLock<Row> = std::sync::OnceLock::new();
        self.rows
            .get(id.0 as usize)
            .or_else(|| self.rows.first())
            .unwrap_or_else(|| NOWHERE.get_or_init(Row::default))
    }

    /// An output port's counters.
    pub fn output(&self, port: PortId) -> Option<&Output> {
        self.outputs.get(usize::from(port.0))
    }

    /// All lines, in order of their ids.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All outputs, in order of their ports.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Books a drop.
    pub fn drop(&self, row: RowId, reason: DropReason) {
        if let Some(counter) = self.row(row).dropped.get(reason.index()) {
            counter.add(1);
        }
    }
}
