//! `table list`: the tables that the workers read.

use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{bytes, grouped};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let reply = client.verbs().list_tables(v1::ListTablesRequest {}).await?;
    let mut listing = session.list();
    for table in reply.into_inner().tables {
        listing.push(&Table::from(table))?;
    }
    listing.finish()
}

/// A table.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Table {
    /// Its name: `mappings`, `hosts`, `interfaces`, …
    name: String,
    /// Entries that fit; null: only memory limits them.
    capacity: Option<u64>,
    /// Entries in use.
    used: u64,
    /// Entries that are no longer in use, and wait until no worker reads them.
    waiting: u64,
    /// Memory set aside for it; the system gives it as it is touched.
    reserved_bytes: u64,
    /// Memory that its entries take.
    used_bytes: u64,
    /// The occupancy above which there is an alarm, in percent; null: none.
    alarm_percent: Option<u32>,
    /// The occupancy is above that.
    alarm: bool,
    /// What it holds, in words.
    description: String,
}

impl From<v1::Table> for Table {
    fn from(table: v1::Table) -> Self {
        Self {
            name: table.name,
            capacity: table.capacity,
            used: table.used,
            waiting: table.waiting,
            reserved_bytes: table.reserved_bytes,
            used_bytes: table.used_bytes,
            alarm_percent: table.alarm_percent,
            alarm: table.alarm,
            description: table.description,
        }
    }
}

impl Row for Table {
    const COLUMNS: &'static [Column] = &[
        words("table"),
        number("used"),
        number("capacity"),
        number("full"),
        number("waiting"),
        number("memory"),
        number("reserved"),
        words("alarm"),
        words("holds"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            grouped(self.used),
            self.capacity.map(grouped).unwrap_or_default(),
            self.capacity
                .and_then(|capacity| full(self.used, capacity))
                .unwrap_or_default(),
            grouped(self.waiting),
            bytes(self.used_bytes),
            bytes(self.reserved_bytes),
            match (self.alarm_percent, self.alarm) {
                (None, _) => String::new(),
                (Some(percent), false) => format!("above {percent} %"),
                (Some(percent), true) => format!("ABOVE {percent} %"),
            },
            self.description.clone(),
        ]
    }
}

/// The occupancy, in tenths of a percent.
fn full(used: u64, capacity: u64) -> Option<String> {
    let tenths = (u128::from(used) * 1000).checked_div(u128::from(capacity))?;
    Some(format!("{}.{} %", tenths / 10, tenths % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occupancy_is_a_share() {
        assert_eq!(full(0, 0), None);
        assert_eq!(full(801, 1000).as_deref(), Some("80.1 %"));
        assert_eq!(full(u64::MAX, u64::MAX).as_deref(), Some("100.0 %"));
    }
}
