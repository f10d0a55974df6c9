//! May another error be sent to this interface now?
//!
//! A token bucket per interface (RFC 1812 §4.3.2.8 asks for a limit; RFC 4443
//! §2.4 f for this kind): a node that ignores errors does not make us send
//! without end, and does not use up another's.

use core::time::Duration;

use vnet::compiled::InterfaceId;

/// Errors in one go.
const BURST: u32 = 32;

/// Errors per second and interface, over all workers.
const PER_SECOND: u32 = 128;

/// Buckets: interfaces that are so many apart share one.
const BUCKETS: usize = 4096;

/// The buckets of one worker.
#[derive(Debug)]
pub struct ErrorLimit {
    buckets: Box<[Bucket]>,
    /// Time that one error costs, in microseconds.
    cost: u32,
}

/// Filled by time: a full bucket is `BURST` costs.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// When it would have been empty, were it filled at the rate allowed, in
    /// microseconds of the workers' clock.
    empty_at: u64,
}

impl ErrorLimit {
    /// The share of one of `workers`.
    pub fn new(workers: u16) -> Self {
        Self {
            buckets: vec![Bucket::default(); BUCKETS].into_boxed_slice(),
            cost: 1_000_000 / PER_SECOND * u32::from(workers.max(1)),
        }
    }

    /// Takes a token, if there is one.
    pub fn allows(&mut self, interface: InterfaceId, now: Duration) -> bool {
        // Before the clock's start a bucket was full.
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let now = now.saturating_add(u64::from(self.cost) * u64::from(BURST));
        let at = interface.0 as usize % BUCKETS;
        let Some(bucket) = self.buckets.get_mut(at) else {
            return false;
        };
        let oldest = now - u64::from(self.cost) * u64::from(BURST);
        let start = bucket.empty_at.max(oldest);
        let next = start.saturating_add(u64::from(self.cost));
        if next > now {
            return false;
        }
        bucket.empty_at = next;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(limit: &mut ErrorLimit, interface: u32, at: Duration) -> usize {
        (0..1000)
            .filter(|_| limit.allows(InterfaceId(interface), at))
            .count()
    }

    #[test]
    fn a_burst_then_a_rate_and_each_interface_its_own() {
        let mut limit = ErrorLimit::new(1);
        assert_eq!(allowed(&mut limit, 1, Duration::ZERO), 32);
        assert_eq!(allowed(&mut limit, 2, Duration::ZERO), 32);
        assert_eq!(allowed(&mut limit, 1, Duration::from_millis(250)), 32);
        assert_eq!(allowed(&mut limit, 1, Duration::from_millis(350)), 12);
        assert_eq!(allowed(&mut limit, 1, Duration::from_hours(1)), 32);
    }

    #[test]
    fn workers_share_the_rate() {
        let mut limit = ErrorLimit::new(4);
        allowed(&mut limit, 1, Duration::ZERO);
        assert_eq!(allowed(&mut limit, 1, Duration::from_millis(500)), 16);
    }
}
