//! The ways up to the slow path.
//!
//! Two rings, because what a tenant sends must never keep out what the fabric
//! says: packets that wait for a next hop's MAC come as fast as a tenant sends
//! them, and the neighbour's answer comes by the same workers.

use crossbeam::queue::ArrayQueue;
use datapath::pipeline::{Punt, Punted};

/// Packets on their way up, in each ring, from all workers.
const RING: usize = 512;

/// Packets that all rings hold at most.
pub const PUNT_RINGS: usize = 2 * RING;

/// The rings, shared by all workers and the slow path.
#[derive(Debug)]
pub struct PuntRings<B> {
    for_host: ArrayQueue<Punted<B>>,
    to_resolve: ArrayQueue<Punted<B>>,
}

impl<B> Default for PuntRings<B> {
    fn default() -> Self {
        Self {
            for_host: ArrayQueue::new(RING),
            to_resolve: ArrayQueue::new(RING),
        }
    }
}

impl<B> PuntRings<B> {
    /// Hands a packet up.
    ///
    /// # Errors
    /// The packet, if its ring is full.
    pub fn push(&self, punted: Punted<B>) -> Result<(), Punted<B>> {
        match punted.punt {
            Punt::ForHost => self.for_host.push(punted),
            Punt::Resolve(_) => self.to_resolve.push(punted),
        }
    }

    /// The next packet to take: what is for the host itself goes first.
    pub fn pop(&self) -> Option<Punted<B>> {
        self.for_host.pop().or_else(|| self.to_resolve.pop())
    }
}

#[cfg(test)]
mod tests {
    use datapath::books::RowId;
    use datapath::substrate::NextHopId;
    use vnet::compiled::PortId;

    use super::*;

    #[test]
    fn a_flood_of_unresolved_packets_does_not_keep_out_neighbor_discovery() {
        let rings = PuntRings::default();
        let punted = |buf, punt| Punted {
            buf,
            port: PortId(0),
            row: RowId(0),
            punt,
        };
        let flood = || punted("flood", Punt::Resolve(NextHopId(0)));
        let taken = (0..2 * RING).filter(|_| rings.push(flood()).is_ok());
        assert_eq!(taken.count(), RING);
        assert!(rings.push(punted("answer", Punt::ForHost)).is_ok());
        assert_eq!(rings.pop().map(|punted| punted.buf), Some("answer"));
        assert_eq!(rings.pop().map(|punted| punted.buf), Some("flood"));
    }
}
