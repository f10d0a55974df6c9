//! What of a device frames pass (RFC 2863: the interfaces group, ifXTable).

use packet::MacAddr;

use super::{RowName, Rows, Table, Value};

const INTERFACES: &[u32] = &[1, 3, 6, 1, 2, 1, 2];
const IF_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1];
const IF_X_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1];

/// `ethernetCsmacd` of IANAifType: what they look like to whoever uses them.
const ETHERNET: i32 = 6;
const UP: i32 = 1;
/// `disabled` of ifLinkUpDownTrapEnable, `false` of TruthValue.
const NO: i32 = 2;

/// An interface, in the words of the MIB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::snmp) struct Shown {
    /// Its number, which is its row's name.
    pub(in crate::snmp) index: u32,
    /// What it is.
    pub(in crate::snmp) description: String,
    /// Its short name.
    pub(in crate::snmp) name: String,
    /// The largest packet that it sends, in bytes.
    pub(in crate::snmp) mtu: u16,
    /// Its MAC.
    pub(in crate::snmp) mac: MacAddr,
}

/// What has passed an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::snmp) struct Passed {
    pub(in crate::snmp) in_packets: u64,
    pub(in crate::snmp) in_octets: u64,
    pub(in crate::snmp) in_discards: u64,
    /// Packets and octets, if they are known.
    pub(in crate::snmp) out: Option<(u64, u64)>,
    pub(in crate::snmp) out_discards: u64,
}

/// The rows of both tables.
pub(in crate::snmp) fn rows(shown: &[Shown]) -> Vec<RowName> {
    let rows = shown.iter().map(|interface| [interface.index].into());
    rows.collect()
}

/// The number of interfaces, and both tables, of interfaces in the order of their
/// numbers; `passed` counts for the one at a place.
pub(super) fn tables<'a>(
    shown: &'a [Shown],
    rows: &'a [RowName],
    passed: impl Fn(usize) -> Passed + Copy + 'a,
) -> [Table<'a>; 3] {
    let number = move |_, _| {
        Some(Value::Integer(
            i32::try_from(shown.len()).unwrap_or(i32::MAX),
        ))
    };
    [
        Table {
            entry: INTERFACES,
            columns: &[1],
            rows: Rows::Scalars,
            cell: Box::new(number),
        },
        Table {
            entry: IF_ENTRY,
            columns: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 17, 19, 20],
            rows: Rows::Named(rows),
            cell: Box::new(move |column, at| {
                let interface = shown.get(at)?;
                of_if_table(column, interface, || passed(at))
            }),
        },
        Table {
            entry: IF_X_ENTRY,
            columns: &[1, 6, 7, 10, 11, 14, 15, 16, 17, 18, 19],
            rows: Rows::Named(rows),
            cell: Box::new(move |column, at| {
                let interface = shown.get(at)?;
                of_if_x_table(column, interface, || passed(at))
            }),
        },
    ]
}

fn of_if_table(column: u32, interface: &Shown, passed: impl Fn() -> Passed) -> Option<Value> {
    Some(match column {
        1 => Value::Integer(i32::try_from(interface.index).ok()?),
        2 => Value::text(&interface.description),
        3 => Value::Integer(ETHERNET),
        4 => Value::Integer(interface.mtu.into()),
        // It has no bandwidth of its own.
        5 => Value::Gauge32(0),
        6 => Value::Text(interface.mac.octets().to_vec()),
        7 | 8 => Value::Integer(UP),
        // As it is since the vswitch runs.
        9 => Value::Ticks(0),
        10 => Value::Counter32(passed().in_octets),
        11 => Value::Counter32(passed().in_packets),
        13 => Value::Counter32(passed().in_discards),
        16 => Value::Counter32(passed().out?.1),
        17 => Value::Counter32(passed().out?.0),
        19 => Value::Counter32(passed().out_discards),
        // What could be damaged on a wire never is here.
        14 | 20 => Value::Counter32(0),
        _ => return None,
    })
}

fn of_if_x_table(column: u32, interface: &Shown, passed: impl Fn() -> Passed) -> Option<Value> {
    Some(match column {
        1 => Value::text(&interface.name),
        6 => Value::Counter64(passed().in_octets),
        7 => Value::Counter64(passed().in_packets),
        10 => Value::Counter64(passed().out?.1),
        11 => Value::Counter64(passed().out?.0),
        14 | 16 | 17 => Value::Integer(NO),
        15 => Value::Gauge32(0),
        18 => Value::text(""),
        19 => Value::Ticks(0),
        _ => return None,
    })
}
