//! Which worker gets which queue.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use datapath::books::RowId;
use datapath::tables::PortRole;
use packet::PacketBuf;
use vnet::compiled::PortId;

use super::Polled;
use super::outbox::{HANDOVER_RING, Handover, Lane};
use crate::ports::live::WorkerIndex;
use crate::ports::{RxQueue, TxQueue};

/// A port's queues, on their way to the workers.
pub struct Ends<B> {
    /// Its receive queues.
    pub rx: Vec<Box<dyn RxQueue<B>>>,
    /// Its transmit queues.
    pub tx: Vec<Box<dyn TxQueue<B>>>,
}

/// One worker's share of a port.
pub struct Share<B> {
    /// The port.
    pub port: PortId,
    /// What the worker polls.
    pub polled: Vec<Polled<B>>,
    /// Where it sends; `None` while the worker has it.
    pub lane: Option<Lane<B>>,
}

/// Which worker polls receive queue `queue` of a port: the queues one after
/// the other, shifted by the port so that ports of one queue do not all fall
/// to the first worker.
pub fn poller(port: PortId, queue: usize, workers: u16) -> WorkerIndex {
    let at = (usize::from(port.0) + queue).checked_rem(usize::from(workers));
    WorkerIndex(at.and_then(|at| u16::try_from(at).ok()).unwrap_or(0))
}

/// Deals a port's queues out, a share for each worker: its receive queues as
/// [`poller`] says; each worker its own transmit queue, or a way to a worker
/// that has one. The first workers are those.
pub fn deal<B: PacketBuf>(
    port: PortId,
    role: PortRole,
    row: RowId,
    ends: Ends<B>,
    workers: u16,
) -> Vec<Share<B>> {
    let owners = ends.tx.len();
    let short = owners < usize::from(workers);
    let handovers: Vec<Option<Handover<B>>> = (0..owners)
        .map(|_| short.then(|| Arc::new(ArrayQueue::new(HANDOVER_RING))))
        .collect();
    let mut transmit = ends.tx.into_iter();
    let lane_of = |worker: u16| {
        let owner = usize::from(worker).checked_rem(owners).unwrap_or(0);
        let handover = handovers.get(owner).cloned().flatten();
        match (transmit.next(), handover) {
            (Some(queue), from_others) => Lane::Own { queue, from_others },
            (None, Some(handover)) => Lane::Other(handover),
            // A port that cannot send: what is for it is not taken.
            (None, None) => Lane::Other(Arc::new(ArrayQueue::new(1))),
        }
    };
    let lanes: Vec<Lane<B>> = (0..workers).map(lane_of).collect();
    let mut shares: Vec<Share<B>> = lanes
        .into_iter()
        .map(|lane| Share {
            port,
            polled: Vec::new(),
            lane: Some(lane),
        })
        .collect();
    for (at, queue) in ends.rx.into_iter().enumerate() {
        let worker = poller(port, at, workers);
        if let Some(share) = shares.get_mut(usize::from(worker.0)) {
            share.polled.push(Polled {
                port,
                role,
                row,
                queue,
            });
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use packet::HeapBuf;

    use super::*;
    use crate::ports::{Packets, Refused};

    struct Nothing;

    impl RxQueue<HeapBuf> for Nothing {
        fn receive(&mut self, _into: &mut Packets<HeapBuf>) {}
    }

    impl TxQueue<HeapBuf> for Nothing {
        fn transmit(&mut self, _burst: &mut Packets<HeapBuf>) -> Refused {
            Refused::NONE
        }
    }

    /// By worker: how many queues it polls, and whether it sends by its own.
    fn dealt(port: u16, rx: usize, tx: usize) -> Vec<(usize, bool)> {
        let ends = Ends::<HeapBuf> {
            rx: (0..rx).map(|_| Box::new(Nothing) as _).collect(),
            tx: (0..tx).map(|_| Box::new(Nothing) as _).collect(),
        };
        let shares = deal(PortId(port), PortRole::Node, RowId(0), ends, 2);
        let own = |share: &Share<_>| matches!(share.lane, Some(Lane::Own { .. }));
        let shares = shares.iter();
        shares.map(|s| (s.polled.len(), own(s))).collect()
    }

    #[test]
    fn every_queue_has_one_worker_and_every_worker_a_way_to_every_port() {
        assert_eq!(dealt(0, 2, 2), [(1, true), (1, true)]);
        assert_eq!(dealt(1, 1, 1), [(0, true), (1, false)]);
        assert_eq!(dealt(2, 3, 2), [(2, true), (1, true)]);
        assert_eq!(dealt(3, 1, 0), [(0, false), (1, false)]);
    }
}
