//! `ListTables`: capacity, occupancy and memory.

use control_api::v1;

use crate::control::source::{ControlSource, Table};

pub(in crate::control) fn list(source: &dyn ControlSource) -> v1::ListTablesReply {
    v1::ListTablesReply {
        tables: source.tables().into_iter().map(table).collect(),
    }
}

fn table(table: Table) -> v1::Table {
    v1::Table {
        name: table.name.to_owned(),
        capacity: table.capacity,
        used: table.used,
        waiting: table.waiting,
        reserved_bytes: table.reserved_bytes,
        used_bytes: table.used_bytes,
        alarm_percent: table.alarm_percent.map(u32::from),
        alarm: table.alarm,
        description: table.description.to_owned(),
    }
}
