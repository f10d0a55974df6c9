//! Reports a worker that stops turning: a worker that is stuck drops packets
//! without a counter to show for it.

use std::sync::Arc;
use std::time::Duration;

use datapath::books::Ledger;

/// A worker that has not turned for so long is reported.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches the workers' turns.
#[derive(Debug)]
pub struct Watchdog {
    workers: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    ledger: Arc<Ledger>,
    polls: u64,
    since: Duration,
    reported: bool,
}

impl Watchdog {
    /// Watches these workers' books.
    pub fn new(ledgers: Vec<Arc<Ledger>>) -> Self {
        let watched = |ledger| Watched {
            ledger,
            polls: 0,
            since: Duration::ZERO,
            reported: false,
        };
        Self {
            workers: ledgers.into_iter().map(watched).collect(),
        }
    }

    /// Looks at every worker; to be called a few times a second. Returns the
    /// workers that were just found to stand still.
    pub fn look(&mut self, now: Duration) -> Vec<usize> {
        let mut stuck = Vec::new();
        for (worker, watched) in self.workers.iter_mut().enumerate() {
            let polls = watched.ledger.work().polls.get();
            if polls != watched.polls {
                if watched.reported {
                    tracing::info!(worker, "worker turns again");
                }
                (watched.polls, watched.since, watched.reported) = (polls, now, false);
            } else if now.saturating_sub(watched.since) >= PATIENCE && !watched.reported {
                watched.reported = true;
                tracing::error!(
                    worker,
                    "worker stands still for {PATIENCE:?}: is its core taken?"
                );
                stuck.push(worker);
            }
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_stands_still_is_reported_once() {
        let ledger = Arc::new(Ledger::new(1, 1).unwrap());
        let mut watchdog = Watchdog::new(vec![Arc::clone(&ledger)]);
        let at = Duration::from_millis;
        ledger.work().polls.add(1);
        assert!(watchdog.look(at(0)).is_empty());
        assert!(watchdog.look(at(1900)).is_empty());
        assert_eq!(watchdog.look(at(2000)), [0]);
        assert!(watchdog.look(at(5000)).is_empty());
        ledger.work().polls.add(1);
        assert!(watchdog.look(at(5100)).is_empty());
        assert_eq!(watchdog.look(at(7100)), [0]);
    }
}
