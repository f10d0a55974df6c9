//! Any order of wishes, withdrawals and turns.

use datapath::books::{Ledger, OutputId, Patience, RowId};
use datapath::tables::PortRole;
use packet::HeapBuf;
use proptest::prelude::*;

use super::*;
use crate::ports::{Packets, Refused, RxQueue, TxQueue};
use crate::worker::deal::{Ends, deal};
use crate::worker::hand::Hand;

const PORTS: u16 = 3;
const WORKERS: u16 = 3;

/// A port that nothing comes from, and whatever it is given is sent.
struct Open;

impl RxQueue<HeapBuf> for Open {
    fn receive(&mut self, _into: &mut Packets<HeapBuf>) {}
}

impl TxQueue<HeapBuf> for Open {
    fn transmit(&mut self, burst: &mut Packets<HeapBuf>) -> Refused {
        burst.clear();
        Refused::NONE
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Want(PortId, Wanted),
    Withdraw(PortId),
    Advance,
    /// A worker's turn: each sends a frame to every port.
    Turn(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let port = || (0..PORTS).prop_map(PortId);
    prop_oneof![
        (port(), any::<bool>()).prop_map(|(port, inside)| {
            Step::Want(port, if inside { Wanted::In } else { Wanted::Out })
        }),
        port().prop_map(Step::Withdraw),
        Just(Step::Advance),
        (0..WORKERS).prop_map(Step::Turn),
    ]
}

struct World {
    exchange: Exchange<HeapBuf, ()>,
    hands: Vec<(Hand<HeapBuf>, Ledger)>,
    wanted: Vec<Wanted>,
}

impl World {
    /// Port `n` has `n + 1` transmit queues, and as many to receive.
    fn new() -> Self {
        let (mut exchange, mailboxes) = Exchange::new(WORKERS);
        for n in 0..PORTS {
            let queues = 0..=n;
            let ends = Ends {
                rx: queues.clone().map(|_| Box::new(Open) as _).collect(),
                tx: queues.map(|_| Box::new(Open) as _).collect(),
            };
            let shares = deal(PortId(n), PortRole::Node, RowId(0), ends, WORKERS);
            exchange.put(PortId(n), usize::from(n) + 1, shares, ());
        }
        let hand = |mailbox| (Hand::new(mailbox), Ledger::new(1, PORTS.into()).unwrap());
        Self {
            exchange,
            hands: mailboxes.into_iter().map(hand).collect(),
            wanted: vec![Wanted::Out; PORTS.into()],
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Want(port, wanted) => {
                self.wanted[usize::from(port.0)] = wanted;
                self.exchange.want(port, wanted);
            }
            Step::Withdraw(port) => self.exchange.withdraw(port),
            Step::Advance => self.exchange.advance(),
            Step::Turn(worker) => {
                let (hand, ledger) = &mut self.hands[usize::from(worker)];
                hand.change(ledger);
                for port in (0..PORTS).map(PortId) {
                    hand.outbox
                        .offer(port, HeapBuf::from_slice(&[0; 60]), ledger);
                }
                hand.outbox.flush(ledger);
                for queue in &mut hand.polled {
                    queue.queue.receive(&mut Packets::new());
                }
            }
        }
    }

    /// Turns everything until nothing changes any more.
    fn calm(&mut self) {
        for _ in 0..20 {
            for worker in 0..WORKERS {
                self.take(Step::Turn(worker));
            }
            self.take(Step::Advance);
        }
    }

    fn queues_out(&self) -> usize {
        self.hands.iter().map(|(hand, _)| hand.polled.len()).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn in_the_end_every_share_is_where_it_is_wanted_and_every_frame_is_booked(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.calm();
        let inside = |port: &u16| world.wanted[usize::from(*port)] == Wanted::In;
        let queues: u16 = (0..PORTS).filter(inside).map(|port| port + 1).sum();
        prop_assert_eq!(world.queues_out(), usize::from(queues));
        for port in 0..PORTS {
            world.take(Step::Want(PortId(port), Wanted::Out));
        }
        world.calm();
        prop_assert_eq!(world.exchange.take_all_out().len(), usize::from(PORTS));
        // Nothing is left between the workers: who hands over finds an owner.
        let (mut handed, mut taken, mut lost) = (0, 0, 0);
        for (_, ledger) in &world.hands {
            handed += ledger.work().handed_on.get();
            taken += ledger.work().taken_over.get();
            for output in (0..PORTS).map(|n| ledger.read_output(OutputId(n.into()), &Patience::none())) {
                prop_assert_eq!(output.offered, output.sent + output.dropped());
                lost += output.port_full;
            }
        }
        prop_assert_eq!(handed, taken);
        prop_assert_eq!(lost, 0);
    }
}
