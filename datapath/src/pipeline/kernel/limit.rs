//! May the kernel of an uplink be given one more packet now?
//!
//! A token bucket per uplink: a flood of the host's address must neither occupy
//! the kernel, nor the worker that carries the tenants' packets, which pays for
//! each frame that a tap takes.

use core::num::NonZeroU32;
use core::time::Duration;

/// Uplinks that have a bucket of their own; further ones share the last. DPDK's
/// limit of ports is the same.
const BUCKETS: usize = 32;

/// How much a full bucket holds, as time.
const DEPTH: Duration = Duration::from_millis(50);

/// However low the rate, so many packets may come at once.
const LEAST_BURST: u32 = 16;

/// The buckets of one worker.
#[derive(Debug, Default)]
pub struct KernelLimit {
    /// When each would have been empty, were it filled at its rate, in
    /// nanoseconds of the workers' clock.
    empty_at: [u64; BUCKETS],
}

impl KernelLimit {
    /// Takes a token of the uplink at this place, if there is one; `rate` is in
    /// packets per second.
    pub fn allows(&mut self, uplink: usize, rate: NonZeroU32, now: Duration) -> bool {
        let cost = 1_000_000_000 / u64::from(rate.get());
        let depth = nanoseconds(DEPTH).max(cost * u64::from(LEAST_BURST));
        // Before the clock's start a bucket was full.
        let now = nanoseconds(now).saturating_add(depth);
        let Some(empty_at) = self.empty_at.get_mut(uplink.min(BUCKETS - 1)) else {
            return false;
        };
        let next = (*empty_at).max(now - depth).saturating_add(cost);
        if next > now {
            return false;
        }
        *empty_at = next;
        true
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(limit: &mut KernelLimit, uplink: usize, rate: u32, at: Duration) -> usize {
        let rate = NonZeroU32::new(rate).unwrap();
        let packets = (0..10_000).filter(|_| limit.allows(uplink, rate, at));
        packets.count()
    }

    #[test]
    fn a_burst_then_a_rate_and_each_uplink_its_own() {
        let mut limit = KernelLimit::default();
        let second = Duration::from_secs(1);
        assert_eq!(allowed(&mut limit, 0, 20_000, second), 1000);
        assert_eq!(allowed(&mut limit, 1, 20_000, second), 1000);
        let later = second + Duration::from_millis(10);
        assert_eq!(allowed(&mut limit, 0, 20_000, later), 200);
        assert_eq!(allowed(&mut limit, 0, 20_000, second), 0);
        assert_eq!(allowed(&mut limit, 0, 20_000, later + second), 1000);
    }

    #[test]
    fn a_low_rate_still_lets_a_handshake_through() {
        let mut limit = KernelLimit::default();
        assert_eq!(allowed(&mut limit, 0, 1, Duration::ZERO), 16);
        assert_eq!(allowed(&mut limit, 0, 1, Duration::from_secs(2)), 2);
    }

    #[test]
    fn any_place_is_a_place() {
        let mut limit = KernelLimit::default();
        assert_eq!(allowed(&mut limit, 99, 20_000, Duration::ZERO), 1000);
        assert_eq!(allowed(&mut limit, BUCKETS, 20_000, Duration::ZERO), 0);
    }
}
