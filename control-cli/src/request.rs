//! Asking for a change so that it can be asked again: the daemon carries out
//! what has the same request id only once.

use core::time::Duration;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use crate::failure::Failure;

/// A request id that nobody else has: 128 random bits.
pub(crate) fn fresh_id() -> String {
    // The keys of a hash map's state are the system's random bits.
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// Attempts a change, and again if the daemon was lost before it answered.
/// Every attempt must carry the same request id. Not to have found the daemon
/// in the first place is final.
pub(crate) async fn until_answered<T>(
    attempt: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_pauses(PAUSES, attempt).await
}

async fn with_pauses<T>(
    pauses: [Duration; 5],
    attempt: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut outcome = attempt().await;
    if matches!(outcome, Err(Failure::Connect(_))) {
        return outcome;
    }
    for pause in pauses {
        match &outcome {
            Err(failure) if failure.lost_the_daemon() => {
                tokio::time::sleep(pause).await;
                outcome = attempt().await;
            }
            _ => break,
        }
    }
    outcome
}

/// Before each further attempt: long enough altogether for a restart.
pub(crate) const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use tonic::Status;

    use super::*;

    #[test]
    fn ids_differ_and_fit() {
        let (one, other) = (fresh_id(), fresh_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
    }

    #[tokio::test]
    async fn only_a_lost_answer_is_asked_for_again() {
        let attempts = async |fails: usize, with: fn() -> Failure| {
            let count = Cell::new(0);
            let outcome = with_pauses([Duration::ZERO; 5], async || {
                count.set(count.get() + 1);
                if count.get() <= fails {
                    Err(with())
                } else {
                    Ok(())
                }
            })
            .await;
            (count.get(), outcome.is_ok())
        };
        let lost = || Failure::from(Status::unavailable("broken pipe"));
        let refused = || Failure::from(Status::aborted("another revision"));
        let absent = || Failure::from(control_api::ConnectError::NotRunning("x".into()));
        assert_eq!(attempts(0, lost).await, (1, true));
        assert_eq!(attempts(1, lost).await, (2, true));
        assert_eq!(attempts(99, lost).await, (1 + PAUSES.len(), false));
        assert_eq!(attempts(1, refused).await, (1, false));
        assert_eq!(attempts(1, absent).await, (1, false));
    }
}
