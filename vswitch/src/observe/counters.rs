//! Every number with its name, unit, meaning and remedy.

use std::collections::HashMap;
use std::time::Duration;

use datapath::books::{OutputNumbers, RowId, RowReading};
use datapath::pipeline::DropReason;
use datapath::substrate::{Counts, Reason};
use packet::SegmentId;
use vnet::compiled::PortId;

use super::{Observer, Readings};
use crate::control::source::{Counter, CounterFilter, CounterKind};

/// When which drop counter rose last.
#[derive(Debug, Default)]
pub struct LastSeen {
    values: HashMap<(RowId, DropReason), (u64, Duration)>,
}

impl LastSeen {
    /// Notes what has risen since the last call.
    pub fn note(&mut self, drops: &[(RowId, DropReason, u64)], now: Duration) {
        for &(row, reason, value) in drops {
            let entry = self.values.entry((row, reason)).or_insert((0, now));
            if entry.0 != value {
                *entry = (value, now);
            }
        }
    }

    fn of(&self, row: RowId, reason: DropReason) -> Option<Duration> {
        self.values.get(&(row, reason)).map(|(_, at)| *at)
    }
}

/// An event that a line counts.
struct Event {
    name: &'static str,
    unit: &'static str,
    what: &'static str,
    value: fn(&RowReading) -> u64,
}

/// What a line counts besides drops.
const EVENTS: [Event; 7] = [
    Event {
        name: "received",
        unit: "packets",
        what: "Frames that came in.",
        value: |row| row.numbers.received,
    },
    Event {
        name: "received-bytes",
        unit: "bytes",
        what: "Their length, frame check sequence not included.",
        value: |row| row.numbers.received_bytes,
    },
    Event {
        name: "pieces",
        unit: "packets",
        what: "Pieces beyond the first of packets that were cut: fragments, segments of super-frames.",
        value: |row| row.numbers.pieces,
    },
    Event {
        name: "forwarded",
        unit: "packets",
        what: "Frames and pieces that went on to a port.",
        value: |row| row.numbers.forwarded,
    },
    Event {
        name: "answered",
        unit: "packets",
        what: "Questions that were answered here, on behalf of whoever was asked.",
        value: |row| row.numbers.answered,
    },
    Event {
        name: "consumed",
        unit: "packets",
        what: "Frames that ended here, having done their work.",
        value: |row| row.numbers.consumed,
    },
    Event {
        name: "punted",
        unit: "packets",
        what: "Frames handed up to the slow path.",
        value: |row| row.numbers.punted,
    },
];

/// Why the host on the substrate could not use a frame that it was handed:
/// what is behind the drop reason `host-refused`. A count is the host's, not a
/// port's, and no drop of its own: that would book the frame twice.
fn host_event(reason: Reason, counts: &Counts) -> Counter {
    Counter {
        port: None,
        segment: None,
        name: format!("host.{}", reason.name()),
        kind: CounterKind::Event,
        unit: "packets".to_owned(),
        value: counts.of(reason),
        description: reason.description().to_owned(),
        remedy: None,
        last_seen: None,
    }
}

/// Why an output port did not send packets, and how many.
fn not_sent(output: &OutputNumbers) -> [(DropReason, u64); 2] {
    [
        (DropReason::PortFull, output.port_full),
        (DropReason::PortRefused, output.refused),
    ]
}

impl Observer {
    /// The lines, summed over the threads.
    pub(super) fn rows(&self, readings: &Readings) -> Vec<RowReading> {
        let mut rows = vec![RowReading::default(); self.drawn.ports.rows().len()];
        for reading in readings.workers.iter().chain([&readings.slow]) {
            for (sum, row) in rows.iter_mut().zip(&reading.rows) {
                *sum += row;
            }
        }
        rows
    }

    /// Every drop counter that is not zero.
    pub(super) fn drops(&self, readings: &Readings) -> Vec<(RowId, DropReason, u64)> {
        let rows = self.rows(readings);
        let of_row = |(id, row): (RowId, RowReading)| {
            let counts = DropReason::ALL.iter().zip(row.dropped);
            counts
                .filter(|(_, n)| *n > 0)
                .map(move |(reason, n)| (id, *reason, n))
        };
        // What a port did not send is noted on that port's own line.
        let outputs = (0..).map(PortId).zip(self.outputs(readings));
        let not_sent = outputs.flat_map(|(port, output)| {
            let line = self.port_line(port);
            not_sent(&output).map(|(reason, n)| (line, reason, n))
        });
        let rows = (0..).map(RowId).zip(rows).flat_map(of_row);
        rows.chain(not_sent.filter(|(_, _, n)| *n > 0)).collect()
    }

    fn port_line(&self, port: PortId) -> RowId {
        self.drawn.ports.rows().of(port, None)
    }

    pub(super) fn all_counters(&self, filter: &CounterFilter) -> Vec<Counter> {
        let readings = self.readings();
        let now = self.started.elapsed();
        let mut last_seen = self.last_seen.lock();
        last_seen.note(&self.drops(&readings), now);
        let rows = self.rows(&readings);
        let mut counters = Vec::new();
        for ((id, port, segment), row) in self.drawn.ports.rows().iter().zip(&rows) {
            if filter
                .port
                .as_ref()
                .is_some_and(|wanted| *wanted != self.port_name(port))
            {
                continue;
            }
            if !filter.drops_only {
                counters.extend(
                    EVENTS
                        .iter()
                        .map(|event| self.event(port, segment, row, event)),
                );
            }
            // What a port did not send belongs to no input line: see below.
            let booked = DropReason::ALL.iter().zip(row.dropped);
            let ports_own = [DropReason::PortFull, DropReason::PortRefused];
            for (reason, value) in booked.filter(|(reason, _)| !ports_own.contains(reason)) {
                let seen = last_seen.of(id, *reason).map(|at| now.saturating_sub(at));
                counters.push(self.drop_counter(port, segment, *reason, value, seen));
            }
        }
        for (port, output) in (0..).map(PortId).zip(self.outputs(&readings)) {
            let line = self.port_line(port);
            for (reason, value) in not_sent(&output) {
                let seen = last_seen.of(line, reason).map(|at| now.saturating_sub(at));
                counters.push(self.drop_counter(port, None, reason, value, seen));
            }
        }
        if !filter.drops_only && filter.port.is_none() {
            let counts = self.substrate.lock().counts.clone();
            counters.extend(
                Reason::ALL
                    .iter()
                    .map(|reason| host_event(*reason, &counts)),
            );
        }
        counters.retain(|counter| filter.keeps(counter));
        counters
    }

    fn event(
        &self,
        port: PortId,
        segment: Option<SegmentId>,
        row: &RowReading,
        event: &Event,
    ) -> Counter {
        Counter {
            port: Some(self.port_name(port)),
            segment: segment.map(|id| self.segment_label(id)),
            name: event.name.to_owned(),
            kind: CounterKind::Event,
            unit: event.unit.to_owned(),
            value: (event.value)(row),
            description: event.what.to_owned(),
            remedy: None,
            last_seen: None,
        }
    }

    fn drop_counter(
        &self,
        port: PortId,
        segment: Option<SegmentId>,
        reason: DropReason,
        value: u64,
        last_seen: Option<Duration>,
    ) -> Counter {
        Counter {
            port: Some(self.port_name(port)),
            segment: segment.map(|id| self.segment_label(id)),
            name: reason.name().to_owned(),
            kind: CounterKind::Drop,
            unit: "packets".to_owned(),
            value,
            description: reason.description().to_owned(),
            remedy: Some(reason.remedy().to_owned()),
            last_seen,
        }
    }
}
