//! The objects of a logical switch (RFC 4188: the bridge of a segment): its ports
//! are the interfaces that are attached to this host.

use std::collections::HashMap;

use datapath::tables::Drawn;
use packet::MacAddr;
use vnet::compiled::{Compiled, InterfaceId, Management};

use super::interfaces::{self, Passed, Shown};
use super::system::{self, System};
use super::{Mib, RowName, Rows, Table, Value};
use crate::snmp::ports::{Attached, attached};

const DOT1D_BASE: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 1];
const BASE_PORT_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 1, 4, 1];
const TP_FDB_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 4, 3, 1];

/// Of a sum of layers: it serves layer 2.
pub(in crate::snmp) const SERVICES: i32 = 1 << 1;

/// `transparent-only` of dot1dBaseType; `mgmt` of dot1dTpFdbStatus: nothing is
/// learned, everything is drawn.
const TRANSPARENT: i32 = 2;
const DRAWN: i32 = 5;

/// What of a switch does not change while the drawing stays as it is.
#[derive(Debug)]
pub(in crate::snmp) struct SwitchView {
    mac: MacAddr,
    interfaces: Vec<Shown>,
    interface_rows: Vec<RowName>,
    /// Where each interface is counted.
    attached: Vec<Attached>,
    /// 1, 2, 3 …
    port_rows: Vec<RowName>,
    /// Each MAC of the segment, and the port that it is behind; 0: on another host.
    addresses: Vec<(MacAddr, i32)>,
    address_rows: Vec<RowName>,
}

impl SwitchView {
    /// Of the switch that is reached so.
    pub(in crate::snmp) fn of(
        segment: packet::SegmentId,
        management: Management,
        compiled: &Compiled,
        drawn: &Drawn,
    ) -> Option<Self> {
        let mtu = compiled.segment(segment)?.mtu;
        let attached = attached(segment, compiled, drawn);
        let interfaces: Vec<Shown> = (attached.iter())
            .map(|interface| Shown {
                index: interface.id.0 + 1,
                description: format!("node {}, {}", interface.node, interface.mac),
                name: interface.node.clone(),
                mtu,
                mac: management.mac,
            })
            .collect();
        let ports: HashMap<_, _> = attached
            .iter()
            .map(|interface| interface.id)
            .zip(1..)
            .collect();
        let port = |id: Option<InterfaceId>| id.and_then(|id| ports.get(&id).copied()).unwrap_or(0);
        let first = compiled
            .mappings
            .partition_point(|mapping| mapping.segment < segment);
        let there = compiled.mappings.get(first..).unwrap_or_default().iter();
        let there = there.take_while(|mapping| mapping.segment == segment);
        let there = there.filter(|mapping| mapping.mac != management.mac);
        let mut addresses: Vec<(MacAddr, i32)> = there
            .map(|mapping| (mapping.mac, port(mapping.interface)))
            .collect();
        addresses.sort_by_key(|(mac, _)| mac.octets());
        addresses.dedup_by_key(|(mac, _)| *mac);
        let octets = |mac: MacAddr| mac.octets().map(u32::from);
        let numbers = 1..=u32::try_from(attached.len()).unwrap_or(u32::MAX);
        Some(Self {
            mac: management.mac,
            interface_rows: interfaces::rows(&interfaces),
            interfaces,
            port_rows: numbers.map(|port| [port].into()).collect(),
            attached,
            address_rows: addresses
                .iter()
                .map(|(mac, _)| octets(*mac).into())
                .collect(),
            addresses,
        })
    }

    /// All objects; `read` counts for an interface.
    pub(in crate::snmp) fn mib<'a>(
        &'a self,
        system: System<'a>,
        read: impl Fn(&Attached) -> Passed + Copy + 'a,
    ) -> Mib<'a> {
        let passed = move |at: usize| self.attached.get(at).map(read).unwrap_or_default();
        let mut tables = vec![system::table(system)];
        let (shown, rows) = (&self.interfaces, &self.interface_rows);
        tables.extend(interfaces::tables(shown, rows, passed));
        tables.extend(self.bridge());
        Mib::of(tables)
    }

    fn bridge(&self) -> [Table<'_>; 3] {
        let number = i32::try_from(self.interfaces.len()).unwrap_or(i32::MAX);
        [
            Table {
                entry: DOT1D_BASE,
                columns: &[1, 2, 3],
                rows: Rows::Scalars,
                cell: Box::new(move |column, _| match column {
                    1 => Some(Value::Text(self.mac.octets().to_vec())),
                    2 => Some(Value::Integer(number)),
                    3 => Some(Value::Integer(TRANSPARENT)),
                    _ => None,
                }),
            },
            Table {
                entry: BASE_PORT_ENTRY,
                columns: &[1, 2, 3, 4, 5],
                rows: Rows::Named(&self.port_rows),
                cell: Box::new(|column, at| match column {
                    1 => Some(Value::Integer(i32::try_from(at + 1).ok()?)),
                    2 => {
                        let index = self.interfaces.get(at)?.index;
                        Some(Value::Integer(i32::try_from(index).ok()?))
                    }
                    3 => Some(Value::Object(vec![0, 0])),
                    4 | 5 => Some(Value::Counter32(0)),
                    _ => None,
                }),
            },
            Table {
                entry: TP_FDB_ENTRY,
                columns: &[1, 2, 3],
                rows: Rows::Named(&self.address_rows),
                cell: Box::new(|column, at| {
                    let (mac, port) = self.addresses.get(at)?;
                    match column {
                        1 => Some(Value::Text(mac.octets().to_vec())),
                        2 => Some(Value::Integer(*port)),
                        3 => Some(Value::Integer(DRAWN)),
                        _ => None,
                    }
                }),
            },
        ]
    }
}
