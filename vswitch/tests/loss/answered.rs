//! A change is answered when all workers act on it: not while one of them still
//! has a burst in its hands that it looked up before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Lab;
use super::ends::Stop;
use super::switch::{Options, PATIENCE};

/// A worker stands still for so long: much longer than an answer takes, and
/// much shorter than it takes the daemon to give a worker up.
const HELD: Duration = Duration::from_millis(50);
/// A machine so busy that the daemon may have given it up.
const TOO_LONG: Duration = Duration::from_millis(150);
const ROUNDS: u32 = 5;

#[tokio::test]
async fn an_answer_waits_for_a_worker_in_the_middle_of_a_burst() {
    let mut lab = Lab::start(Options {
        workers: 1,
        state: false,
    })
    .await;
    let began = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS {
        assert!(began.elapsed() < PATIENCE, "the machine is too busy");
        let stop = Arc::new(Stop::default());
        let traffic = &lab.traffic;
        let before = async |number| {
            {
                let mut traffic = traffic.lock();
                traffic.stop = Some(Arc::clone(&stop));
                traffic.want_both(number);
            }
            while !stop.stands() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let asked = lab.changes.one_held(HELD, before, || stop.end());
        let (early, held) = asked.await;
        if held > TOO_LONG {
            tokio::time::sleep(4 * TOO_LONG).await;
            continue;
        }
        assert!(
            !early,
            "answered after {held:?}, with a packet on its old way"
        );
        rounds += 1;
    }
    lab.end().await;
}
