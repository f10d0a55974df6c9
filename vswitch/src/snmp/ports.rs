//! The ports of a logical switch on this host, and what has passed them.
//!
//! The books have a line for each (port, segment), and one for what leaves by a
//! port. What interfaces of one segment behind one port send is counted together;
//! and what leaves to an interface is known where nothing else is behind its port.

use std::collections::HashMap;

use datapath::books::{OutputId, Patience, RowId};
use datapath::tables::Drawn;
use packet::{MacAddr, SegmentId};
use vnet::compiled::{Compiled, InterfaceId, PortId};

use super::Counts;
use super::mib::interfaces::Passed;

/// An interface that is attached to this host.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Which.
    pub id: InterfaceId,
    /// Its node.
    pub node: String,
    /// The port it is behind.
    pub port: PortId,
    /// Its MAC.
    pub mac: MacAddr,
    /// The line of what it sends.
    row: RowId,
    /// The line of what it gets, if that is its alone.
    output: Option<OutputId>,
}

/// What has passed an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets that its node has sent.
    pub in_packets: u64,
    /// Their bytes.
    pub in_bytes: u64,
    /// Of those, dropped.
    pub in_discards: u64,
    /// Packets and bytes that its node has got, if it is known.
    pub out: Option<(u64, u64)>,
}

/// The interfaces of a segment on this host, in the order of their ids.
pub fn attached(segment: SegmentId, compiled: &Compiled, drawn: &Drawn) -> Vec<Attached> {
    let rows = drawn.ports.rows();
    let mut behind: HashMap<PortId, u32> = HashMap::new();
    for interface in &compiled.interfaces {
        *behind.entry(interface.port).or_default() += 1;
    }
    let here = compiled.interfaces.iter().filter(|i| i.segment == segment);
    let here = here.map(|interface| {
        let alone = behind.get(&interface.port) == Some(&1);
        Attached {
            id: interface.id,
            node: interface.node.clone(),
            port: interface.port,
            mac: interface.mac,
            row: rows.of(interface.port, Some(segment)),
            output: rows.output(interface.port).filter(|_| alone),
        }
    });
    here.collect()
}

impl Counts {
    /// What has passed an interface.
    pub fn interface(&self, of: &Attached) -> Traffic {
        let patience = &Patience::none();
        let mut traffic = Traffic {
            out: of.output.map(|_| (0, 0)),
            ..Traffic::default()
        };
        for ledger in &self.0 {
            if let Some(row) = ledger.read_row(of.row, patience) {
                traffic.in_packets += row.numbers.received;
                traffic.in_bytes += row.numbers.received_bytes;
                traffic.in_discards += row.dropped_packets();
            }
            if let (Some(output), Some((packets, bytes))) = (of.output, &mut traffic.out) {
                let output = ledger.read_output(output, patience);
                *packets += output.sent;
                *bytes += output.sent_bytes;
            }
        }
        traffic
    }
}

impl From<Traffic> for Passed {
    fn from(traffic: Traffic) -> Self {
        Self {
            in_packets: traffic.in_packets,
            in_octets: traffic.in_bytes,
            in_discards: traffic.in_discards,
            out: traffic.out,
            out_discards: 0,
        }
    }
}
