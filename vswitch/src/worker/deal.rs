//! Which worker gets which queue.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use datapath::tables::Drawn;
use packet::PacketBuf;
use vnet::compiled::PortId;

use super::Polled;
use super::outbox::{HANDOVER_RING, Handover, Lane};
use crate::ports::{OpenPort, PortMonitor, RxQueue, TxQueue};

/// A port's queues, on their way to the workers.
pub struct Ends<B> {
    rx: Vec<Box<dyn RxQueue<B>>>,
    tx: Vec<Box<dyn TxQueue<B>>>,
}

/// What the control side keeps of the ports, and what the workers get.
pub fn split<B>(ports: Vec<OpenPort<B>>) -> (Vec<Arc<dyn PortMonitor>>, Vec<Ends<B>>) {
    let parts = |port: OpenPort<B>| {
        (
            Arc::<dyn PortMonitor>::from(port.monitor),
            Ends {
                rx: port.rx,
                tx: port.tx,
            },
        )
    };
    ports.into_iter().map(parts).unzip()
}

/// What one worker gets of the ports.
pub struct Hand<B> {
    /// What it polls.
    pub polled: Vec<Polled<B>>,
    /// The same, for listings.
    pub queues: Vec<(PortId, u16)>,
    /// Where it sends, by port.
    pub lanes: Vec<Lane<B>>,
}

/// Deals the queues out: receive queue `q` to worker `q mod n`, shifted by the
/// port so that ports of one queue do not all fall to the first worker; each
/// worker its own transmit queue, or a way to a worker that has one.
pub fn deal<B: PacketBuf>(ports: Vec<Ends<B>>, drawn: &Drawn, workers: usize) -> Vec<Hand<B>> {
    let mut hands: Vec<Hand<B>> = (0..workers)
        .map(|_| Hand {
            polled: Vec::new(),
            queues: Vec::new(),
            lanes: Vec::new(),
        })
        .collect();
    for (number, port) in ports.into_iter().enumerate() {
        let id = PortId(u16::try_from(number).unwrap_or(u16::MAX));
        for ((at, queue_number), queue) in (number..).zip(0..).zip(port.rx) {
            if let Some(hand) = at.checked_rem(workers).and_then(|at| hands.get_mut(at)) {
                hand.queues.push((id, queue_number));
                hand.polled.push(Polled {
                    port: id,
                    role: drawn.ports.role(id),
                    row: drawn.ports.rows().of(id, None),
                    queue,
                });
            }
        }
        let owners = port.tx.len();
        let handovers: Vec<Option<Handover<B>>> = (0..owners)
            .map(|_| (owners < workers).then(|| Arc::new(ArrayQueue::new(HANDOVER_RING))))
            .collect();
        let mut transmit = port.tx.into_iter();
        for (worker, hand) in hands.iter_mut().enumerate() {
            let owner = worker.checked_rem(owners).unwrap_or(0);
            let handover = handovers.get(owner).cloned().flatten();
            hand.lanes.push(match (transmit.next(), handover) {
                (Some(queue), from_others) => Lane::Own { queue, from_others },
                (None, Some(handover)) => Lane::Other(handover),
                // A port that cannot send: what is for it is not taken.
                (None, None) => Lane::Other(Arc::new(ArrayQueue::new(1))),
            });
        }
    }
    hands
}

#[cfg(test)]
mod tests {
    use packet::HeapBuf;
    use vnet::compiled::Compiled;

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

    fn port(rx: usize, tx: usize) -> Ends<HeapBuf> {
        Ends {
            rx: (0..rx).map(|_| Box::new(Nothing) as _).collect(),
            tx: (0..tx).map(|_| Box::new(Nothing) as _).collect(),
        }
    }

    #[test]
    fn every_queue_has_one_worker_and_every_worker_a_way_to_every_port() {
        let drawn = Drawn::new(&Compiled::default(), 3, &[PortId(0)]);
        let hands = deal(vec![port(2, 2), port(1, 1), port(3, 2)], &drawn, 2);
        let queues: Vec<_> = hands.iter().map(|hand| hand.queues.clone()).collect();
        let id = |port, queue| (PortId(port), queue);
        assert_eq!(queues[0], [id(0, 0), id(2, 0), id(2, 2)]);
        assert_eq!(queues[1], [id(0, 1), id(1, 0), id(2, 1)]);
        let own = |hand: &Hand<_>| {
            let lanes = hand.lanes.iter();
            lanes
                .map(|lane| matches!(lane, Lane::Own { .. }))
                .collect::<Vec<_>>()
        };
        assert_eq!(own(&hands[0]), [true, true, true]);
        assert_eq!(own(&hands[1]), [true, false, true]);
    }
}
