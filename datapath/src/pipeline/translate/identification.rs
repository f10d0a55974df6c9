//! The IPv4 identification that the receiver makes for unfragmented packets.
//!
//! RFC 6864 §4.1, §4.3: for DF=1 any value does; for DF=0 it must be unique per
//! (source, destination, protocol) within a datagram's lifetime, because a
//! later router may fragment. So each such triple counts on its own (a bucket
//! of them, by hash), and each worker uses its own residue class, since two
//! flows of one triple may be on two workers.

use packet::{IpProtocol, VirtualAddr};

const BUCKETS: usize = 2048;

/// The counters of one worker.
#[derive(Debug)]
pub struct Identification {
    next: Box<[u16; BUCKETS]>,
    step: u16,
}

impl Identification {
    /// For the `worker`th of `workers`.
    pub fn new(worker: u16, workers: u16) -> Self {
        Self {
            next: Box::new([worker; BUCKETS]),
            step: workers.max(1),
        }
    }

    /// The next id for a packet of this triple.
    pub fn next(
        &mut self,
        source: VirtualAddr,
        destination: VirtualAddr,
        protocol: IpProtocol,
    ) -> u16 {
        let key = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
        let mixed = (key ^ u64::from(protocol.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The top bits of a product are those that every bit of the key reaches.
        let bucket = usize::try_from(mixed >> (u64::BITS - BUCKETS.ilog2())).unwrap_or(0);
        let Some(next) = self.next.get_mut(bucket) else {
            return 0;
        };
        let id = *next;
        *next = id.checked_add(self.step).unwrap_or(id % self.step);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_triple_are_unique_over_the_whole_range_and_over_workers() {
        let (a, b) = (VirtualAddr::from_bits(1), VirtualAddr::from_bits(2));
        let mut seen = vec![0u32; 0x1_0000];
        for worker in 0..3 {
            let mut ids = Identification::new(worker, 3);
            for _ in 0..21_845 {
                seen[usize::from(ids.next(a, b, IpProtocol::UDP))] += 1;
            }
        }
        assert!(seen.iter().all(|times| *times <= 1));
        assert_eq!(seen.iter().sum::<u32>(), 3 * 21_845);
    }
}
