//! What a device says of itself (RFC 3418 §2, the system group).

use core::time::Duration;

use vnet::compiled::Snmp;

use super::{Rows, Table, Value};

const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 1];

/// A device, as its system group tells of it.
pub(in crate::snmp) struct System<'a> {
    /// What it is.
    pub(in crate::snmp) description: String,
    /// Its name, and which host does its work here.
    pub(in crate::snmp) name: String,
    /// What the network says of its devices.
    pub(in crate::snmp) snmp: &'a Snmp,
    /// For how long this vswitch has counted.
    pub(in crate::snmp) uptime: Duration,
    /// A sum of 2 to the power of (layer - 1), for each layer it serves.
    pub(in crate::snmp) services: i32,
}

pub(super) fn table(system: System<'_>) -> Table<'_> {
    let cell = move |column, _| {
        Some(match column {
            1 => Value::text(&system.description),
            // zeroDotZero: nobody registered this kind of device.
            2 => Value::Object(vec![0, 0]),
            3 => Value::Ticks(hundredths(system.uptime)),
            4 => Value::text(&system.snmp.contact),
            5 => Value::text(&system.name),
            6 => Value::text(&system.snmp.location),
            7 => Value::Integer(system.services),
            _ => return None,
        })
    };
    Table {
        entry: SYSTEM,
        columns: &[1, 2, 3, 4, 5, 6, 7],
        rows: Rows::Scalars,
        cell: Box::new(cell),
    }
}

/// RFC 2578 §7.1.8: they wrap after 497 days.
fn hundredths(time: Duration) -> u32 {
    let hundredths = time.as_millis() / 10;
    u32::try_from(hundredths % (1 << 32)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ticks_wrap() {
        assert_eq!(hundredths(Duration::from_millis(12_345)), 1234);
        let wrapped = Duration::from_millis(((1 << 32) + 7) * 10);
        assert_eq!(hundredths(wrapped), 7);
    }
}
