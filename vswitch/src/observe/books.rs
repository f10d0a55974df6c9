//! Is every packet accounted for?
//!
//! Each thread's numbers are from one of its burst boundaries, so every line
//! of a worker balances by itself. What travels between threads (punted up,
//! handed on) is "held" until the other side has booked it.

use datapath::books::{OutputNumbers, RowReading};
use vnet::compiled::PortId;

use super::{Observer, Readings};
use crate::control::source::{Books, InputBook, OutputBook, WholeBook};

impl Observer {
    /// Per output port, summed over the threads.
    pub(super) fn outputs(&self, readings: &Readings) -> Vec<OutputNumbers> {
        let mut outputs = vec![OutputNumbers::default(); self.ports.now().ids()];
        for reading in readings.workers.iter().chain([&readings.slow]) {
            for (sum, output) in outputs.iter_mut().zip(&reading.outputs) {
                *sum += *output;
            }
        }
        outputs
    }

    pub(super) fn read_books(&self) -> Books {
        let readings = self.readings();
        let inputs: Vec<InputBook> = self.inputs(&readings);
        let outputs = self.outputs(&readings);
        let work = |count: fn(&datapath::books::WorkNumbers) -> u64| -> u64 {
            readings
                .workers
                .iter()
                .chain([&readings.slow])
                .map(|r| count(&r.work))
                .sum()
        };
        // Given to a worker to send, and not taken over yet.
        let on_the_way_out = work(|w| w.handed_on).saturating_sub(work(|w| w.taken_over));
        let sum = |count: fn(&InputBook) -> u64| -> u64 { inputs.iter().map(count).sum() };
        let not_sent: u64 = outputs.iter().map(OutputNumbers::dropped).sum();
        let whole = WholeBook {
            received: sum(|i| i.received),
            generated: work(|w| w.generated),
            copies: 0,
            extra_fragments: sum(|i| i.extra_fragments),
            sent: outputs.iter().map(|output| output.sent).sum(),
            consumed: sum(|i| i.answered) + sum(|i| i.punted),
            held: sum(|i| i.held) + on_the_way_out,
            dropped: sum(|i| i.dropped) + not_sent,
        };
        let outputs = (0..).map(PortId).zip(outputs);
        let outputs = outputs.map(|(port, output)| OutputBook {
            port: self.port_name(port),
            offered: output.offered,
            sent: output.sent,
            tx_dropped: output.dropped(),
        });
        Books {
            inputs,
            outputs: outputs.collect(),
            whole,
        }
    }

    fn inputs(&self, readings: &Readings) -> Vec<InputBook> {
        let rows = self.drawn.ports.rows();
        let mut inputs = Vec::with_capacity(rows.len());
        for (id, port, segment) in rows.iter() {
            let at = id.0 as usize;
            let mut workers = RowReading::default();
            for row in readings
                .workers
                .iter()
                .filter_map(|reading| reading.rows.get(at))
            {
                workers += row;
            }
            let slow = readings.slow.rows.get(at).cloned().unwrap_or_default();
            let settled = slow.numbers.consumed + slow.numbers.forwarded + slow.dropped_packets();
            inputs.push(InputBook {
                port: self.port_name(port),
                segment: segment.map(|id| self.segment_label(id)),
                received: workers.numbers.received,
                extra_fragments: workers.numbers.pieces + slow.numbers.pieces,
                forwarded: workers.numbers.forwarded + slow.numbers.forwarded,
                answered: workers.numbers.answered + workers.numbers.consumed,
                punted: slow.numbers.consumed,
                held: workers.numbers.punted.saturating_sub(settled),
                dropped: workers.dropped_packets() + slow.dropped_packets(),
            });
        }
        inputs
    }
}
