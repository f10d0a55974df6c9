//! Packets that wait for a next hop's MAC (RFC 4861 §7.2.2 asks for a small
//! queue per neighbour): bounded per next hop and in all, oldest out first.

use std::collections::{HashMap, VecDeque};

use datapath::books::RowId;
use datapath::substrate::NextHopId;

/// Packets held for one next hop.
const PER_NEXT_HOP: usize = 64;
/// Packets held in all.
pub const TOTAL: usize = 1024;

/// A held packet.
#[derive(Debug)]
pub struct Held<B> {
    /// A frame that lacks only its destination MAC.
    pub buf: B,
    /// Its line of the books.
    pub row: RowId,
}

/// All held packets.
#[derive(Debug)]
pub struct HoldQueue<B> {
    waiting: HashMap<NextHopId, VecDeque<Held<B>>>,
    len: usize,
}

impl<B> Default for HoldQueue<B> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            len: 0,
        }
    }
}

impl<B> HoldQueue<B> {
    /// Holds a packet. Returns one that had to make room, if any: the next
    /// hop's oldest, or this one where all room is taken.
    pub fn hold(&mut self, next_hop: NextHopId, held: Held<B>) -> Option<Held<B>> {
        let queue = self.waiting.entry(next_hop).or_default();
        let oldest = if queue.len() >= PER_NEXT_HOP || self.len >= TOTAL {
            match queue.pop_front() {
                None => return Some(held),
                oldest => oldest,
            }
        } else {
            self.len += 1;
            None
        };
        queue.push_back(held);
        oldest
    }

    /// Takes out all packets for a next hop, in order of arrival.
    pub fn release(&mut self, next_hop: NextHopId) -> VecDeque<Held<B>> {
        let released = self.waiting.remove(&next_hop).unwrap_or_default();
        self.len -= released.len();
        released
    }

    /// Takes out everything.
    pub fn release_all(&mut self) -> impl Iterator<Item = Held<B>> + use<B> {
        self.len = 0;
        core::mem::take(&mut self.waiting).into_values().flatten()
    }

    /// Packets held for a next hop.
    pub fn waiting_for(&self, next_hop: NextHopId) -> usize {
        self.waiting.get(&next_hop).map_or(0, VecDeque::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(n: u32) -> Held<u32> {
        Held {
            buf: n,
            row: RowId(0),
        }
    }

    #[test]
    fn the_oldest_of_a_full_queue_makes_room() {
        let mut queue = HoldQueue::default();
        let (one, two) = (NextHopId(1), NextHopId(2));
        for n in 0..64 {
            assert!(queue.hold(one, held(n)).is_none());
        }
        assert_eq!(queue.hold(one, held(64)).unwrap().buf, 0);
        assert!(queue.hold(two, held(100)).is_none());
        let released: Vec<_> = queue.release(one).into_iter().map(|h| h.buf).collect();
        assert_eq!(released, (1..=64).collect::<Vec<_>>());
        assert_eq!((queue.waiting_for(one), queue.waiting_for(two)), (0, 1));
    }

    #[test]
    fn all_room_taken_refuses_the_newcomer() {
        let mut queue = HoldQueue::default();
        for hop in 0..16 {
            for n in 0..64 {
                assert!(queue.hold(NextHopId(hop), held(n)).is_none());
            }
        }
        assert_eq!(queue.hold(NextHopId(99), held(7)).unwrap().buf, 7);
        assert_eq!(queue.release_all().count(), 1024);
        assert!(queue.hold(NextHopId(99), held(7)).is_none());
    }
}
