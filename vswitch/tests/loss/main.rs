//! Mappings change while the switch forwards as fast as it can: no packet is
//! lost or goes astray but to an address whose mapping changes at that moment,
//! and those only as some version in force at that moment says.
//!
//! Everything is the daemon's own: workers, slow path, commit thread, control
//! socket. Only its ports end in this test, which is node and fabric.
//!
//! `VSWITCH_LOSS_SECONDS=30 cargo test --release -p vswitch --test loss -- \
//! --nocapture` prints the figures for half a minute.
//! `VSWITCH_LOSS_RATE` is the changes per second to ask for (0: as many as
//! possible), `VSWITCH_LOSS_WORKERS` the workers, `VSWITCH_LOSS_STATE=1` has
//! the daemon keep its state in a file.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a test"
)]
#![allow(clippy::print_stderr, reason = "figures")]

mod answered;
mod changes;
mod ends;
mod flow;
mod hostile;
mod pool;
mod ports;
mod switch;
mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant};

use control_api::Client;
use parking_lot::Mutex;

use self::changes::{Changes, Times};
use self::pool::Pool;
use self::switch::{Drops, Options, Switch};
use self::traffic::{Sum, Traffic};

fn setting(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |value| value.parse().unwrap())
}

/// Frames flow while `work` is done. Gives the frames per second, too.
async fn during<T>(traffic: &Mutex<Traffic>, work: impl Future<Output = T>) -> (T, f64) {
    let at_first = {
        let mut traffic = traffic.lock();
        traffic.flowing = true;
        traffic.sum.sent
    };
    let began = Instant::now();
    let done = work.await;
    let sent = traffic.lock().sum.sent - at_first;
    (done, sent as f64 / began.elapsed().as_secs_f64())
}

/// A daemon that forwards, and who changes its mappings.
struct Lab {
    traffic: Arc<Mutex<Traffic>>,
    switch: Switch,
    client: Client,
    changes: Changes,
    before: Drops,
    /// Workers are busy: one daemon at a time.
    _alone: tokio::sync::MutexGuard<'static, ()>,
}

static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Lab {
    async fn start(options: Options) -> Self {
        let alone = ALONE.lock().await;
        let workers = usize::from(options.workers);
        let pool = Arc::new(Pool::new());
        let traffic = Arc::new(Mutex::new(Traffic::new(Arc::clone(&pool), workers)));
        let switch = Switch::start(options, &traffic);
        let mut client = switch.client().await;
        let mut changes = Changes::new(pool, client.clone());
        changes.begin().await;
        traffic::warm_up(&traffic);
        let before = Drops::read(&mut client).await;
        Self {
            traffic,
            switch,
            client,
            changes,
            before,
            _alone: alone,
        }
    }

    /// Ends it: all has come through, where it should, and the books say so.
    async fn end(mut self) -> Sum {
        traffic::settle(&self.traffic);
        traffic::ask_everybody_once(&self.traffic);
        let dropped = Drops::read(&mut self.client).await;
        self.switch.end();
        let sum = core::mem::take(&mut self.traffic.lock().sum);
        assert_eq!(sum.fault, None);
        assert_eq!((sum.lost, sum.misdelivered, sum.out_of_order), (0, 0, 0));
        dropped.only_for_want_of_a_mapping(&self.before, sum.without_mapping);
        sum
    }
}

#[tokio::test]
async fn no_packet_is_lost_while_mappings_change() {
    let seconds = setting("VSWITCH_LOSS_SECONDS", 3);
    let rate = setting("VSWITCH_LOSS_RATE", 120_000);
    let workers = setting("VSWITCH_LOSS_WORKERS", 1);
    let third = Duration::from_millis(seconds * 1000 / 3);

    let mut lab = Lab::start(Options {
        workers: u16::try_from(workers).unwrap(),
        state: setting("VSWITCH_LOSS_STATE", 0) > 0,
    })
    .await;
    let (traffic, changes) = (Arc::clone(&lab.traffic), &mut lab.changes);

    let ((), quiet) = during(&traffic, tokio::time::sleep(third)).await;
    let (single, beside_single) = during(&traffic, changes.one_by_one(third)).await;
    let flooding = changes.many(Duration::from_secs(seconds), rate);
    let (flood, beside_flood) = during(&traffic, flooding).await;

    let sum = lab.end().await;
    eprintln!(
        "without changes: {:.3} M packets/s; beside single changes {:.3} ({:.0} %); beside {:.0} \
         changes/s {:.3} ({:.0} %)",
        quiet / 1e6,
        beside_single / 1e6,
        beside_single / quiet * 100.0,
        flood.changes_per_second(),
        beside_flood / 1e6,
        beside_flood / quiet * 100.0,
    );
    eprintln!("one change at a time: {single}");
    eprintln!("many changes: {flood}");
    eprintln!(
        "{} packets sent, {} of them to changing addresses; lost {}, misdelivered {}, out of order \
         {}; {} not delivered while their address had no mapping; at most {} versions were possible \
         at once",
        sum.sent,
        sum.to_changing,
        sum.lost,
        sum.misdelivered,
        sum.out_of_order,
        sum.without_mapping,
        sum.widest,
    );

    assert!(sum.sent > 10_000 && sum.to_changing > 1000, "too little");
    assert!(flood.changes > 0 && !single.seen_us.is_empty(), "no change");
    assert!(sum.without_mapping > 0, "no removal was ever noticed");
}

/// So that the checks are known to bite.
#[test]
fn a_wrong_place_would_be_noticed() {
    let times = Times::default();
    assert!(times.seen_us.is_empty());
    let pool = Pool::new();
    let version = pool.change(7);
    assert_eq!(version, 1);
    // Sent, not answered: both are right.
    let (old, new) = (Pool::place(7, 0), Pool::place(7, 1));
    assert_ne!(old, new);
    let floor = pool.answered(7);
    assert!(pool.was_at(7, floor, old.unwrap()) && pool.was_at(7, floor, new.unwrap()));
    assert!(!pool.was_at(7, floor, pool::host(9)));
    assert!(!pool.may_have_been_nowhere(7, floor));
    pool.answer(7, version);
    let floor = pool.answered(7);
    assert!(
        !pool.was_at(7, floor, old.unwrap()),
        "nobody may act on it any more"
    );
    pool.change(7);
    pool.change(7);
    assert!(pool.may_have_been_nowhere(7, floor));
}
