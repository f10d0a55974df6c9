//! Random delays: nothing here is a secret, but hosts must not act in step.

use core::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): one seed, one sequence.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A time from 0 to `most`, to the microsecond.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.bits() % (most + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_below_their_bound_and_differ() {
        let mut random = Random::new(7);
        let most = Duration::from_secs(1);
        let delays: Vec<_> = (0..1000).map(|_| random.up_to(most)).collect();
        assert!(delays.iter().all(|delay| *delay <= most));
        assert!(delays.iter().any(|delay| *delay > most / 2));
        assert!(delays.iter().any(|delay| *delay < most / 2));
        assert_eq!(random.up_to(Duration::ZERO), Duration::ZERO);
    }
}
