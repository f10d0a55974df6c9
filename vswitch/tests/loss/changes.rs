//! The client that changes mappings.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control_api::v1::change_mappings_reply::Outcome;
use control_api::{Client, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::pool::{CHANGING, HOSTS, Pool, host};
use super::switch::SEGMENT;
use super::traffic::{LOADED, loaded_address, mac};

/// Changes in a transaction.
const SIZE: u32 = 500;
/// Transactions that are under way.
const WINDOW: usize = 8;

/// What happened.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) changes: u64,
    pub(crate) transactions: u64,
    took: Duration,
    /// Of each transaction: until all workers acted on it.
    pub(crate) seen_us: Vec<u64>,
    /// Of each transaction: from asking for it to its answer.
    answered_us: Vec<u64>,
}

impl Times {
    pub(crate) fn changes_per_second(&self) -> f64 {
        self.changes as f64 / self.took.as_secs_f64()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = |times: &[u64]| {
            let mut sorted = times.to_vec();
            sorted.sort_unstable();
            let at = |share: f64| {
                let place = (sorted.len() as f64 * share) as usize;
                sorted.get(place).or(sorted.last()).copied().unwrap_or(0)
            };
            format!("p50 {} p99 {} max {}", at(0.5), at(0.99), at(1.0))
        };
        write!(
            f,
            "{} changes in {} transactions, {:.0} changes/s; commit to seen by all, us: {}; asked \
             to answered, us: {}",
            self.changes,
            self.transactions,
            self.changes_per_second(),
            spread(&self.seen_us),
            spread(&self.answered_us),
        )
    }
}

/// A conversation about changes.
struct Talk {
    requests: mpsc::Sender<v1::ChangeMappingsRequest>,
    answers: Streaming<v1::ChangeMappingsReply>,
    waiting: VecDeque<Asked>,
}

struct Asked {
    at: Instant,
    /// Numbers and versions.
    changes: Vec<(u32, u32)>,
}

impl Talk {
    async fn begin(client: &mut Client) -> Self {
        let (requests, stream) = mpsc::channel(WINDOW);
        let stream = ReceiverStream::new(stream);
        let answers = client.verbs().change_mappings(stream).await.unwrap();
        Self {
            requests,
            answers: answers.into_inner(),
            waiting: VecDeque::new(),
        }
    }

    async fn ask(&mut self, pool: &Pool, numbers: impl Iterator<Item = u32>) {
        let changes: Vec<_> = numbers
            .map(|number| (number, pool.change(number)))
            .collect();
        let request = v1::ChangeMappingsRequest {
            changes: changes.iter().map(|(n, v)| change(*n, *v)).collect(),
            ..v1::ChangeMappingsRequest::default()
        };
        let at = Instant::now();
        self.waiting.push_back(Asked { at, changes });
        self.requests.send(request).await.unwrap();
    }

    /// The answer to the oldest question.
    async fn hear(&mut self, pool: &Pool, times: &mut Times) {
        let answer = self.answers.message().await.unwrap().unwrap();
        let Asked { at, changes } = self.waiting.pop_front().unwrap();
        let Some(Outcome::Committed(committed)) = answer.outcome else {
            panic!("{answer:?}");
        };
        let count = |kinds: &[u32]| {
            let of = |(_, version): &&(u32, u32)| kinds.contains(&(version % 4));
            changes.iter().filter(of).count() as u32
        };
        assert_eq!(
            (
                committed.added,
                committed.changed,
                committed.removed,
                committed.unchanged
            ),
            (count(&[0]), count(&[1, 2]), count(&[3]), 0)
        );
        for (number, version) in &changes {
            pool.answer(*number, *version);
        }
        times.changes += changes.len() as u64;
        times.transactions += 1;
        times.seen_us.push(committed.seen_us);
        times.answered_us.push(at.elapsed().as_micros() as u64);
    }
}

fn change(number: u32, version: u32) -> v1::MappingChange {
    mapping(Pool::address(number), Pool::place(number, version))
}

fn mapping(address: u32, locator: Option<u64>) -> v1::MappingChange {
    v1::MappingChange {
        segment: SEGMENT,
        address,
        remove: locator.is_none(),
        locator: locator.unwrap_or_default(),
        slot: 0,
        mac: mac(address),
    }
}

/// Changes mappings of the pool.
pub(crate) struct Changes {
    pool: Arc<Pool>,
    client: Client,
    /// Whose turn it is.
    next: u32,
}

impl Changes {
    pub(crate) fn new(pool: Arc<Pool>, client: Client) -> Self {
        Self {
            pool,
            client,
            next: 0,
        }
    }

    /// Loads what is there from the beginning.
    pub(crate) async fn begin(&mut self) {
        let stay = (0..LOADED).map(|n| mapping(loaded_address(n), Some(host(n % HOSTS))));
        let all: Vec<_> = stay.chain((0..CHANGING).map(|n| change(n, 0))).collect();
        let requests = all.chunks(4096).map(|changes| v1::ChangeMappingsRequest {
            changes: changes.to_vec(),
            ..v1::ChangeMappingsRequest::default()
        });
        let requests: Vec<_> = requests.collect();
        let answers = self
            .client
            .verbs()
            .change_mappings(tokio_stream::iter(requests));
        let mut answers = answers.await.unwrap().into_inner();
        while let Some(answer) = answers.message().await.unwrap() {
            assert!(
                matches!(answer.outcome, Some(Outcome::Committed(_))),
                "{answer:?}"
            );
        }
    }

    fn numbers(&mut self, count: u32) -> impl Iterator<Item = u32> + use<> {
        let first = self.next;
        self.next = (first + count) % CHANGING;
        (first..first + count).map(|n| n % CHANGING)
    }

    /// Changes one mapping, whose number `before` is told. Was there an answer
    /// before `release`, so much later? And how much later it was.
    pub(crate) async fn one_held(
        &mut self,
        time: Duration,
        before: impl AsyncFnOnce(u32),
        release: impl FnOnce(),
    ) -> (bool, Duration) {
        let mut talk = Talk::begin(&mut self.client).await;
        let number = self.next;
        let numbers = self.numbers(1);
        before(number).await;
        let began = Instant::now();
        talk.ask(&self.pool, numbers).await;
        let mut times = Times::default();
        let mut hearing = core::pin::pin!(talk.hear(&self.pool, &mut times));
        let early = tokio::time::timeout(time, &mut hearing).await;
        release();
        let held = began.elapsed();
        if early.is_err() {
            hearing.await;
        }
        (early.is_ok(), held)
    }

    /// So many changes, in a conversation of their own.
    pub(crate) async fn few(&mut self, count: u32) {
        let mut talk = Talk::begin(&mut self.client).await;
        let numbers = self.numbers(count);
        talk.ask(&self.pool, numbers).await;
        talk.hear(&self.pool, &mut Times::default()).await;
    }

    /// One change at a time, each after the answer to the one before.
    pub(crate) async fn one_by_one(&mut self, time: Duration) -> Times {
        let mut times = Times::default();
        let began = Instant::now();
        let mut talk = Talk::begin(&mut self.client).await;
        while began.elapsed() < time {
            let numbers = self.numbers(1);
            talk.ask(&self.pool, numbers).await;
            talk.hear(&self.pool, &mut times).await;
        }
        times.took = began.elapsed();
        times
    }

    /// So many changes per second; 0: as many as are taken.
    pub(crate) async fn many(&mut self, time: Duration, per_second: u64) -> Times {
        let mut times = Times::default();
        let began = Instant::now();
        let mut talk = Talk::begin(&mut self.client).await;
        let mut asked = 0_u64;
        while began.elapsed() < time {
            while talk.waiting.len() >= WINDOW {
                talk.hear(&self.pool, &mut times).await;
            }
            if per_second > 0 {
                let due = Duration::from_secs_f64(asked as f64 / per_second as f64);
                while began.elapsed() < due {
                    if talk.waiting.is_empty() {
                        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
                    } else {
                        talk.hear(&self.pool, &mut times).await;
                    }
                }
            }
            let numbers = self.numbers(SIZE);
            talk.ask(&self.pool, numbers).await;
            asked += u64::from(SIZE);
        }
        while !talk.waiting.is_empty() {
            talk.hear(&self.pool, &mut times).await;
        }
        times.took = began.elapsed();
        times
    }
}
