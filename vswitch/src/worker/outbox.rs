//! Frames on their way out, staged per port and sent in bursts.
//!
//! A worker has its own transmit queue on every port that has enough of them.
//! On a port that has fewer queues than there are workers, the others hand
//! their frames over, through a bounded ring, to the worker that owns one.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use datapath::books::{Ledger, OutputNumbers};
use packet::PacketBuf;
use vnet::compiled::PortId;

use crate::ports::live::MAX_PORTS;
use crate::ports::{BURST, Packets, Refused, TxQueue};

/// Times a port is asked again to take the rest of a burst.
const RETRIES: u32 = 4;

/// Frames that wait, at most, for the worker that owns a port's queue.
pub const HANDOVER_RING: usize = 512;

/// Frames that wait for another worker to send them.
pub type Handover<B> = Arc<ArrayQueue<B>>;

/// One worker's way to a port.
pub enum Lane<B> {
    /// Its own queue, and the frames of workers that have none.
    Own {
        /// The queue.
        queue: Box<dyn TxQueue<B>>,
        /// From others.
        from_others: Option<Handover<B>>,
    },
    /// Through the worker that owns a queue.
    Other(Handover<B>),
}

/// One worker's ways out.
pub struct Outbox<B> {
    /// By port; `None` where there is no such port.
    ways: Vec<Option<Way<B>>>,
    /// The ports that there are.
    open: Vec<PortId>,
}

struct Way<B> {
    lane: Lane<B>,
    staged: Packets<B>,
}

impl<B> Default for Outbox<B> {
    /// No ways; room for [`MAX_PORTS`].
    fn default() -> Self {
        let most = usize::from(MAX_PORTS);
        Self {
            ways: (0..most).map(|_| None).collect(),
            open: Vec::with_capacity(most),
        }
    }
}

impl<B: PacketBuf> Outbox<B> {
    /// Opens the way to a port; the lane comes back if there is one already, or
    /// no room for another. Allocates nothing.
    pub fn open(&mut self, port: PortId, lane: Lane<B>) -> Option<Lane<B>> {
        let Some(way @ None) = self.ways.get_mut(usize::from(port.0)) else {
            return Some(lane);
        };
        let staged = Packets::new();
        *way = Some(Way { lane, staged });
        self.open.push(port);
        None
    }

    /// Sends what is staged for a port and what others handed over, and closes
    /// the way to it.
    pub fn close(&mut self, port: PortId, ledger: &Ledger) -> Option<Lane<B>> {
        let mut way = self.ways.get_mut(usize::from(port.0))?.take()?;
        self.open.retain(|open| *open != port);
        way.flush(port, ledger);
        Some(way.lane)
    }

    /// Stages a frame for a port, sending what is staged when that is a burst.
    /// A port that is gone refuses it.
    pub fn offer(&mut self, port: PortId, buf: B, ledger: &Ledger) {
        let Some(Some(Way { lane, staged })) = self.ways.get_mut(usize::from(port.0)) else {
            ledger.book_output(port, OutputNumbers::thrown_away(1));
            return;
        };
        if staged.is_full() {
            lane.send(port, staged, ledger);
        }
        // Empty, or not full: there is room.
        let _ = staged.try_push(buf);
    }

    /// Sends everything staged, and what others handed over. True if there
    /// was anything.
    pub fn flush(&mut self, ledger: &Ledger) -> bool {
        let mut any = false;
        for port in &self.open {
            if let Some(Some(way)) = self.ways.get_mut(usize::from(port.0)) {
                any |= way.flush(*port, ledger);
            }
        }
        any
    }
}

impl<B: PacketBuf> Way<B> {
    fn flush(&mut self, port: PortId, ledger: &Ledger) -> bool {
        let Self { lane, staged } = self;
        let own = !staged.is_empty();
        if own {
            lane.send(port, staged, ledger);
        }
        own | lane.send_for_others(port, staged, ledger)
    }
}

impl<B: PacketBuf> Lane<B> {
    /// Sends `staged` and leaves it empty.
    fn send(&mut self, port: PortId, staged: &mut Packets<B>, ledger: &Ledger) {
        match self {
            Self::Own { queue, .. } => transmit(&mut **queue, port, staged, ledger),
            Self::Other(handover) => {
                for buf in staged.drain(..) {
                    // Its owner books what it takes; what has no room is ours.
                    if handover.push(buf).is_ok() {
                        ledger.work().handed_on.add(1);
                    } else {
                        ledger.book_output(port, OutputNumbers::not_taken(1));
                    }
                }
            }
        }
    }

    fn send_for_others(&mut self, port: PortId, staged: &mut Packets<B>, ledger: &Ledger) -> bool {
        let Self::Own {
            queue,
            from_others: Some(handover),
        } = self
        else {
            return false;
        };
        // No more than the ring holds: others may go on filling it.
        let mut any = false;
        for _ in 0..HANDOVER_RING.div_ceil(BURST) {
            while staged.len() < BURST {
                let Some(buf) = handover.pop() else { break };
                ledger.work().taken_over.add(1);
                staged.push(buf);
            }
            if staged.is_empty() {
                break;
            }
            any = true;
            transmit(&mut **queue, port, staged, ledger);
        }
        any
    }
}

fn transmit<B: PacketBuf>(
    queue: &mut dyn TxQueue<B>,
    port: PortId,
    staged: &mut Packets<B>,
    ledger: &Ledger,
) {
    let count = |packets: &Packets<B>| {
        let bytes: usize = packets.iter().map(PacketBuf::len).sum();
        (packets.len() as u64, bytes as u64)
    };
    let (offered, offered_bytes) = count(staged);
    let mut refused = Refused::NONE;
    for _ in 0..=RETRIES {
        refused += queue.transmit(staged);
        if staged.is_empty() {
            break;
        }
    }
    let (left, left_bytes) = count(staged);
    staged.clear();
    let (lost, lost_bytes) = (left + refused.packets, left_bytes + refused.bytes);
    let booked = OutputNumbers {
        offered,
        sent: offered.saturating_sub(lost),
        sent_bytes: offered_bytes.saturating_sub(lost_bytes),
        port_full: left,
        refused: refused.packets,
    };
    ledger.book_output(port, booked);
}

#[cfg(test)]
mod tests {
    use datapath::books::{OutputId, Patience};
    use packet::HeapBuf;

    use super::*;

    /// Takes as many frames as it is told to, and throws away those that are
    /// longer than 60 bytes.
    struct Narrow {
        room: usize,
    }

    impl TxQueue<HeapBuf> for Narrow {
        fn transmit(&mut self, burst: &mut Packets<HeapBuf>) -> Refused {
            let mut refused = Refused::NONE;
            burst.retain(|frame| {
                let fits = frame.len() <= 60;
                if !fits {
                    refused += Refused {
                        packets: 1,
                        bytes: frame.len() as u64,
                    };
                }
                fits
            });
            let taken = self.room.min(burst.len());
            self.room -= taken;
            burst.drain(..taken);
            refused
        }
    }

    /// An outbox with a way to port 0.
    fn outbox(lane: Lane<HeapBuf>) -> Outbox<HeapBuf> {
        let mut outbox = Outbox::default();
        assert!(outbox.open(PortId(0), lane).is_none());
        outbox
    }

    fn booked_on(ledger: &Ledger, id: OutputId) -> OutputNumbers {
        ledger.read_output(id, &Patience::none())
    }

    fn booked(ledger: &Ledger) -> OutputNumbers {
        booked_on(ledger, OutputId(0))
    }

    fn frame() -> HeapBuf {
        HeapBuf::from_slice(&[0; 60])
    }

    #[test]
    fn a_port_that_is_gone_refuses_and_what_was_staged_for_it_is_sent() {
        let mut outbox = outbox(Lane::Own {
            queue: Box::new(Narrow { room: 40 }),
            from_others: None,
        });
        let ledger = Ledger::new(1, 2).unwrap();
        outbox.offer(PortId(0), frame(), &ledger);
        outbox.offer(PortId(1), frame(), &ledger);
        assert!(outbox.close(PortId(0), &ledger).is_some());
        assert!(outbox.close(PortId(0), &ledger).is_none());
        outbox.offer(PortId(0), frame(), &ledger);
        assert!(!outbox.flush(&ledger));
        let [here, never] = [OutputId(0), OutputId(1)].map(|id| booked_on(&ledger, id));
        assert_eq!((here.offered, here.sent, here.refused), (2, 1, 1));
        assert_eq!((never.offered, never.refused), (1, 1));
        // It comes back, and works as before.
        let way = || Lane::Other(Arc::new(ArrayQueue::new(1)));
        assert!(outbox.open(PortId(0), way()).is_none());
        assert!(outbox.open(PortId(0), way()).is_some());
        outbox.offer(PortId(0), frame(), &ledger);
        assert!(outbox.flush(&ledger));
        assert_eq!(ledger.work().handed_on.get(), 1);
    }

    #[test]
    fn what_the_port_does_not_take_is_booked_and_freed() {
        let queue = Box::new(Narrow { room: 40 });
        let mut outbox = outbox(Lane::Own {
            queue,
            from_others: None,
        });
        let ledger = Ledger::new(1, 1).unwrap();
        for _ in 0..50 {
            outbox.offer(PortId(0), HeapBuf::from_slice(&[0; 60]), &ledger);
        }
        assert!(outbox.flush(&ledger));
        assert!(!outbox.flush(&ledger));
        let output = booked(&ledger);
        assert_eq!(
            (output.offered, output.sent, output.port_full),
            (50, 40, 10)
        );
        assert_eq!(output.sent_bytes, 40 * 60);
    }

    #[test]
    fn what_the_port_throws_away_is_not_sent() {
        let queue = Box::new(Narrow { room: 3 });
        let mut outbox = outbox(Lane::Own {
            queue,
            from_others: None,
        });
        let ledger = Ledger::new(1, 1).unwrap();
        for len in [60, 61, 60, 1000, 59, 60] {
            outbox.offer(PortId(0), HeapBuf::from_slice(&vec![0; len]), &ledger);
        }
        assert!(outbox.flush(&ledger));
        let output = booked(&ledger);
        assert_eq!(
            output,
            OutputNumbers {
                offered: 6,
                sent: 3,
                sent_bytes: 179,
                port_full: 1,
                refused: 2,
            }
        );
        assert_eq!(output.dropped(), 3);
    }

    #[test]
    fn a_worker_without_a_queue_hands_over_to_one_that_has() {
        let handover: Handover<HeapBuf> = Arc::new(ArrayQueue::new(2));
        let mut without = outbox(Lane::Other(Arc::clone(&handover)));
        let queue = Box::new(Narrow { room: 10 });
        let mut with = outbox(Lane::Own {
            queue,
            from_others: Some(Arc::clone(&handover)),
        });
        let (one, two) = (Ledger::new(1, 1).unwrap(), Ledger::new(1, 1).unwrap());
        for _ in 0..3 {
            without.offer(PortId(0), HeapBuf::from_slice(&[0; 60]), &one);
        }
        without.flush(&one);
        with.flush(&two);
        let mut sum = booked(&one);
        sum += booked(&two);
        assert_eq!((sum.offered, sum.sent, sum.port_full), (3, 2, 1));
        let work = Ledger::work;
        assert_eq!(
            (work(&one).handed_on.get(), work(&two).taken_over.get()),
            (2, 2)
        );
    }

    #[test]
    fn the_owner_sends_all_that_others_handed_over() {
        let handover: Handover<HeapBuf> = Arc::new(ArrayQueue::new(HANDOVER_RING));
        for _ in 0..HANDOVER_RING {
            handover.push(HeapBuf::from_slice(&[0; 60])).unwrap();
        }
        let mut outbox = outbox(Lane::Own {
            queue: Box::new(Narrow {
                room: HANDOVER_RING,
            }),
            from_others: Some(Arc::clone(&handover)),
        });
        let ledger = Ledger::new(1, 1).unwrap();
        assert!(outbox.flush(&ledger));
        assert!(handover.is_empty() && !outbox.flush(&ledger));
        let output = booked(&ledger);
        assert_eq!(output.sent, HANDOVER_RING as u64);
    }
}
