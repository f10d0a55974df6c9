//! How full are the tables, and should anybody worry?

use std::collections::HashSet;
use std::sync::Arc;

use datapath::tables::TableStats;
use vnet::compiled::{Compiled, Host};

use super::event::What;
use super::writer::TableWriter;
use crate::config::TableLimits;
use crate::control::source::Table;

/// Watches the tables' occupancy.
#[derive(Debug)]
pub(super) struct Occupancy {
    limits: TableLimits,
    /// Tables above their threshold.
    above: HashSet<&'static str>,
}

impl Occupancy {
    pub(super) fn new(limits: TableLimits) -> Self {
        Self {
            limits,
            above: HashSet::new(),
        }
    }

    /// How full they are.
    pub(super) fn of(
        &self,
        writer: &TableWriter,
        compiled: &Compiled,
        hosts: &[Host],
    ) -> Vec<Table> {
        let stats = writer.mappings.stats();
        let mappings = Table {
            name: "mappings",
            capacity: Some(stats.capacity as u64),
            used: stats.used as u64,
            waiting: stats.waiting as u64,
            reserved_bytes: stats.reserved_bytes as u64,
            used_bytes: bytes_in_use(&stats),
            alarm_percent: self.limits.alarm_percent,
            alarm: self.is_high(stats.used as u64, stats.capacity as u64),
            description: "where virtual addresses are: (segment, address) to host, slot, MAC",
        };
        let flows = Arc::clone(&writer.publisher().lock().current().flows);
        let flows = Table {
            name: "flows",
            capacity: Some(flows.capacity().into()),
            used: flows.used(),
            waiting: 0,
            reserved_bytes: flows.reserved_bytes() as u64,
            used_bytes: flows.reserved_bytes() as u64,
            alarm_percent: self.limits.alarm_percent,
            alarm: self.is_high(flows.used(), flows.capacity().into()),
            description: "who has begun to talk with whom, where rules let replies pass",
        };
        let interfaces = compiled.interfaces.len();
        let rows = writer.drawn.ports.rows().len();
        vec![
            mappings,
            flows,
            unlimited::<Host>("hosts", hosts.len(), "the hosts that mappings lead to"),
            unlimited::<vnet::compiled::Segment>(
                "segments",
                compiled.segments.len(),
                "the segments that are drawn",
            ),
            unlimited::<datapath::tables::Interface>(
                "interfaces",
                interfaces,
                "the nodes' interfaces on this host",
            ),
            unlimited::<datapath::books::RowReading>(
                "rows",
                rows,
                "the lines of the books: what came in by each port from each segment; every \
                 worker has its own",
            ),
        ]
    }

    /// Which tables have come above their threshold since the last look, and
    /// which are no longer.
    pub(super) fn crossed(&mut self, tables: &[Table]) -> Vec<What> {
        let mut crossed = Vec::new();
        for table in tables {
            let was = self.above.contains(table.name);
            if was == table.alarm {
                continue;
            }
            let capacity = table.capacity.unwrap_or_default();
            if table.alarm {
                self.above.insert(table.name);
                tracing::warn!(
                    table = table.name,
                    used = table.used,
                    capacity,
                    "the table is nearly full; raise tables.{} in the configuration, and restart",
                    table.name
                );
            } else {
                self.above.remove(table.name);
                tracing::info!(
                    table = table.name,
                    used = table.used,
                    capacity,
                    "there is room"
                );
            }
            crossed.push(What::Alarm {
                table: table.name,
                raised: table.alarm,
                used: table.used,
                capacity,
            });
        }
        crossed
    }

    fn is_high(&self, used: u64, capacity: u64) -> bool {
        let percent = self.limits.alarm_percent.map(u64::from);
        percent.is_some_and(|percent| used * 100 > capacity * percent)
    }
}

/// What the entries take of the memory set aside.
fn bytes_in_use(stats: &TableStats) -> u64 {
    let places = (stats.capacity as u64).max(1);
    let taken = (stats.used + stats.waiting) as u64;
    u64::try_from(u128::from(stats.reserved_bytes as u64) * u128::from(taken) / u128::from(places))
        .unwrap_or(u64::MAX)
}

/// A table that only memory limits.
fn unlimited<T>(name: &'static str, used: usize, description: &'static str) -> Table {
    let bytes = (used * size_of::<T>()) as u64;
    Table {
        name,
        capacity: None,
        used: used as u64,
        waiting: 0,
        reserved_bytes: bytes,
        used_bytes: bytes,
        alarm_percent: None,
        alarm: false,
        description,
    }
}
