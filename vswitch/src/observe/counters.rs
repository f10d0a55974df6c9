//! Every number with its name, unit, meaning and remedy.

use std::collections::HashMap;
use std::time::Duration;

use datapath::books::{OutputNumbers, Patience, RowId, RowName, RowReading};
use datapath::pipeline::DropReason;
use datapath::substrate::{Counts, Reason};

use super::books::LineReading;
use super::{Observer, PATIENCE};
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
const EVENTS: [Event; 10] = [
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
        name: "copies",
        unit: "packets",
        what: "Copies beyond the first of broadcasts and multicasts.",
        value: |row| row.numbers.copies,
    },
    Event {
        name: "forwarded",
        unit: "packets",
        what: "Frames, pieces and copies that went on to a port.",
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
    Event {
        name: "relayed",
        unit: "packets",
        what: "Packets sent on to the host where their receiver has moved to; they count as forwarded, too.",
        value: |row| row.numbers.relayed,
    },
    Event {
        name: "dhcp-declined",
        unit: "packets",
        what: "Of those consumed: DHCP clients said that somebody else uses their address.",
        value: |row| row.numbers.declined,
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

/// The drops that belong to a line: not those of output ports.
fn booked(row: &RowReading) -> impl Iterator<Item = (DropReason, u64)> {
    let counts = DropReason::ALL.iter().copied().zip(row.dropped);
    counts.filter(|(reason, _)| !matches!(reason, DropReason::PortFull | DropReason::PortRefused))
}

impl Observer {
    /// Every drop counter that is not zero.
    pub(super) fn drops(&self, patience: &Patience) -> Vec<(RowId, DropReason, u64)> {
        let in_force = self.show.in_force();
        let rows = in_force.drawn.ports.rows();
        let mut drops = Vec::new();
        for name in rows.iter() {
            if let Some(row) = self.row(name.id, patience) {
                drops.extend(booked(&row).map(|(reason, n)| (name.id, reason, n)));
            }
        }
        // What a port did not send is noted on that port's own line.
        for (id, _) in rows.outputs() {
            let output = self.output(id, patience);
            let line = rows.line_of(id);
            drops.extend(not_sent(&output).map(|(reason, n)| (line, reason, n)));
        }
        drops.retain(|(_, _, n)| *n > 0);
        drops
    }

    /// A line, summed over the threads.
    fn row(&self, id: RowId, patience: &Patience) -> Option<RowReading> {
        let LineReading { slow, mut workers } = self.line(id, patience)?;
        workers += &slow;
        Some(workers)
    }

    pub(super) fn all_counters(&self, filter: &CounterFilter) -> Vec<Counter> {
        let patience = &Patience::of(PATIENCE);
        let in_force = self.show.in_force();
        let rows = in_force.drawn.ports.rows();
        let now = self.started.elapsed();
        let mut last_seen = self.last_seen.lock();
        last_seen.note(&self.drops(patience), now);
        let wanted = |port: &str| filter.port.as_deref().is_none_or(|wanted| wanted == port);
        let shown = |value: u64| filter.zeros || value != 0;
        let mut counters = Vec::new();
        for name in rows.iter().filter(|name| wanted(name.port)) {
            // A segment's line that no packet was ever on would say nothing.
            let row = self.row(name.id, patience);
            let Some(row) = row.or_else(|| name.segment.is_none().then(RowReading::default)) else {
                continue;
            };
            if !filter.drops_only {
                let events = EVENTS.iter().filter(|event| shown((event.value)(&row)));
                counters.extend(events.map(|event| self.event(&name, &row, event)));
            }
            for (reason, value) in booked(&row).filter(|(_, value)| shown(*value)) {
                let seen = last_seen.of(name.id, reason);
                let seen = seen.map(|at| now.saturating_sub(at));
                counters.push(self.drop_counter(&name, reason, value, seen));
            }
        }
        for (id, port) in rows.outputs().filter(|(_, port)| wanted(port)) {
            let line = RowName {
                id: rows.line_of(id),
                port,
                segment: None,
            };
            for (reason, value) in not_sent(&self.output(id, patience)) {
                let seen = last_seen.of(line.id, reason);
                let seen = seen.map(|at| now.saturating_sub(at));
                counters.push(self.drop_counter(&line, reason, value, seen));
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

    fn event(&self, line: &RowName<'_>, row: &RowReading, event: &Event) -> Counter {
        Counter {
            port: Some(line.port.to_owned()),
            segment: line.segment.map(|id| self.segment_label(id)),
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
        line: &RowName<'_>,
        reason: DropReason,
        value: u64,
        last_seen: Option<Duration>,
    ) -> Counter {
        Counter {
            port: Some(line.port.to_owned()),
            segment: line.segment.map(|id| self.segment_label(id)),
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
