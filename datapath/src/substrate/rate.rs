//! How often the host answers: a token bucket.

use core::time::Duration;

/// So many per second, and as many at once.
#[derive(Clone, Debug)]
pub(super) struct RateLimit {
    per_second: u32,
    /// Time saved up; one answer costs `1 s / per_second`, one second is full.
    saved: Duration,
    last: Duration,
}

impl RateLimit {
    pub(super) const fn new(per_second: u32, now: Duration) -> Self {
        Self {
            per_second,
            saved: Duration::from_secs(1),
            last: now,
        }
    }

    /// May one more be answered now?
    pub(super) fn allows(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.last);
        self.last = self.last.max(now);
        self.saved = (self.saved.saturating_add(passed)).min(Duration::from_secs(1));
        let Some(cost) = Duration::from_secs(1).checked_div(self.per_second) else {
            return false;
        };
        match self.saved.checked_sub(cost) {
            Some(rest) => {
                self.saved = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_worth_a_second() {
        let start = Duration::from_secs(5);
        let mut limit = RateLimit::new(10, start);
        let burst = |limit: &mut RateLimit, at| (0..100).filter(|_| limit.allows(at)).count();
        assert_eq!(burst(&mut limit, start), 10);
        let half = start + Duration::from_millis(500);
        assert_eq!(burst(&mut limit, half), 5);
        assert_eq!(burst(&mut limit, start), 0, "time does not run backwards");
        assert_eq!(burst(&mut limit, start + Duration::from_secs(99)), 10);
        assert_eq!(burst(&mut RateLimit::new(0, start), start), 0);
    }
}
