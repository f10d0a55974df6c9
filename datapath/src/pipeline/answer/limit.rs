//! May more be sent for this interface now?
//!
//! A token bucket per interface: a node that ignores errors (RFC 1812 §4.3.2.8
//! asks for a limit; RFC 4443 §2.4 f for this kind), or sends to everyone, does
//! not make us send without end, and does not use up another's.

use core::time::Duration;

use vnet::compiled::InterfaceId;

/// So many in one go, and so many per second and interface over all workers.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    burst: u32,
    per_second: u32,
}

/// Errors.
pub const ERRORS: Rate = Rate {
    burst: 32,
    per_second: 128,
};

/// Claims to addresses: virtual routers make one or a few per second.
pub const CLAIMS: Rate = Rate {
    burst: 64,
    per_second: 32,
};

/// Copies of broadcasts and multicasts: a large segment takes many for each.
pub const COPIES: Rate = Rate {
    burst: 2_000,
    per_second: 20_000,
};

/// Questions to logical devices' agents: one thread answers all of a host's.
pub const QUESTIONS: Rate = Rate {
    burst: 200,
    per_second: 500,
};

/// IGMP messages: a node that starts joins what it needs at once.
pub const REPORTS: Rate = Rate {
    burst: 128,
    per_second: 64,
};

/// Buckets: interfaces that are so many apart share one.
const BUCKETS: usize = 4096;

/// The buckets of one worker.
#[derive(Debug)]
pub struct InterfaceLimit {
    buckets: Box<[Bucket]>,
    burst: u32,
    /// Time that one token costs, in microseconds.
    cost: u32,
}

/// Filled by time: a full bucket is a burst's costs.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// When it would have been empty, were it filled at the rate allowed, in
    /// microseconds of the workers' clock.
    empty_at: u64,
}

impl InterfaceLimit {
    /// The share of one of `workers`.
    pub fn new(rate: Rate, workers: u16) -> Self {
        Self {
            buckets: vec![Bucket::default(); BUCKETS].into_boxed_slice(),
            burst: rate.burst,
            cost: 1_000_000 / rate.per_second * u32::from(workers.max(1)),
        }
    }

    /// Takes a token, if there is one.
    pub fn allows(&mut self, interface: InterfaceId, now: Duration) -> bool {
        self.takes(interface, 1, now)
    }

    /// Takes so many tokens, if there is one: what is missing has to come in
    /// before there is another.
    pub fn takes(&mut self, interface: InterfaceId, tokens: u32, now: Duration) -> bool {
        // Before the clock's start a bucket was full.
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let full = u64::from(self.cost) * u64::from(self.burst);
        let now = now.saturating_add(full);
        let at = interface.0 as usize % BUCKETS;
        let Some(bucket) = self.buckets.get_mut(at) else {
            return false;
        };
        let oldest = now - full;
        let start = bucket.empty_at.max(oldest);
        if start.saturating_add(u64::from(self.cost)) > now {
            return false;
        }
        let taken = u64::from(self.cost) * u64::from(tokens);
        bucket.empty_at = start.saturating_add(taken);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(limit: &mut InterfaceLimit, interface: u32, at: Duration) -> usize {
        (0..1000)
            .filter(|_| limit.allows(InterfaceId(interface), at))
            .count()
    }

    #[test]
    fn a_burst_then_a_rate_and_each_interface_its_own() {
        let mut limit = InterfaceLimit::new(ERRORS, 1);
        assert_eq!(allowed(&mut limit, 1, Duration::ZERO), 32);
        assert_eq!(allowed(&mut limit, 2, Duration::ZERO), 32);
        assert_eq!(allowed(&mut limit, 1, Duration::from_millis(250)), 32);
        assert_eq!(allowed(&mut limit, 1, Duration::from_millis(350)), 12);
        assert_eq!(allowed(&mut limit, 1, Duration::from_hours(1)), 32);
    }

    #[test]
    fn what_takes_many_has_to_wait_for_them() {
        let mut limit = InterfaceLimit::new(ERRORS, 1);
        let mut takes = |millis| limit.takes(InterfaceId(1), 64, Duration::from_millis(millis));
        // 64 of 32: the next may begin when 33 have come in.
        assert!(takes(0) && !takes(200));
        assert!(takes(260));
    }

    #[test]
    fn workers_share_the_rate() {
        let mut limit = InterfaceLimit::new(ERRORS, 4);
        allowed(&mut limit, 1, Duration::ZERO);
        assert_eq!(allowed(&mut limit, 1, Duration::from_millis(500)), 16);
    }
}
