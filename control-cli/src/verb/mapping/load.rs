//! `mapping load FILE`: many mappings, in many transactions.
//!
//! Several transactions are on their way at once. Each is asked for again,
//! with the same id, if the daemon is lost before it answers; so none is
//! carried out twice, and none is forgotten.

use core::time::Duration;
use std::collections::VecDeque;
use std::path::PathBuf;

use clap::Args;
use control_api::{Client, v1};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::progress::{Progress, per_second};
use super::reader::{Batch, Source, batches};
use super::transaction::{Outcome, Refused, ended_early};
use crate::failure::Failure;
use crate::request::{PAUSES, fresh_id};
use crate::session::Session;
use crate::text::{counted, grouped, seconds_of_us};

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl mapping load mappings.txt
  generate | vswitchctl mapping load - --quiet

A line is a mapping, or removes one; what follows a # is a comment:
  SEGMENT ADDRESS LOCATOR MAC [SLOT]
  remove SEGMENT ADDRESS
  0x00a001 10.0.0.9 fd00:0:0:b::/64 02:00:00:00:00:09

What was acknowledged stays, whatever happens later. To load a file again changes
nothing where it was loaded before.";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file; - for standard input
    file: PathBuf,
    /// Mappings per transaction, 1 to 8192
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..=8192)
    )]
    batch: u32,
    /// They were learned: written to disk every few seconds, not before each answer
    #[arg(long)]
    learned: bool,
    /// No progress on the terminal
    #[arg(short, long)]
    quiet: bool,
}

pub(super) async fn run(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let source = Source::open(&options.file)?;
    let mut client = session.connect().await?;
    let mut load = Load::begin(source, options);
    let mut failures = 0;
    while let Err(failure) = load.converse(&mut client).await {
        // Whoever answered something is there, and may be again.
        if core::mem::take(&mut load.heard) {
            failures = 0;
        }
        let reached = reconnect(&failure, &mut failures, session).await;
        match reached {
            Some(again) => client = again,
            None => return Err(load.stopped(failure)),
        }
    }
    let loaded = load.end()?;
    session.show(&loaded, Loaded::text)
}

/// Another connection, unless the failure is final or too many went before.
async fn reconnect(
    failure: &Failure,
    failures: &mut usize,
    session: &Session<'_>,
) -> Option<Client> {
    if !failure.lost_the_daemon() {
        return None;
    }
    while let Some(pause) = PAUSES.get(*failures) {
        *failures += 1;
        tokio::time::sleep(*pause).await;
        if let Ok(client) = session.connect().await {
            return Some(client);
        }
    }
    None
}

/// A load under way.
struct Load {
    name: String,
    batches: mpsc::Receiver<Result<Batch, Failure>>,
    /// The file has been read to its end, or as far as it can be.
    read: bool,
    /// Why no more transactions are begun.
    stop: Option<Failure>,
    /// Transactions without an answer, the oldest first.
    waiting: VecDeque<Transaction>,
    /// What all ids of this load begin with.
    id: String,
    begun: u64,
    learned: bool,
    /// Something was answered since the connection was made.
    heard: bool,
    sum: Sum,
    progress: Progress,
}

struct Transaction {
    id: String,
    batch: Batch,
}

/// What was answered so far.
#[derive(Debug, Default)]
struct Sum {
    transactions: u64,
    refused: u64,
    mappings: u64,
    added: u64,
    changed: u64,
    removed: u64,
    unchanged: u64,
    revision: Option<u64>,
    volatile: bool,
    slowest_us: u64,
    /// The last line of those in force.
    line: u64,
}

/// Transactions on their way: enough that neither side waits for the other,
/// and few enough to be held in memory.
const WINDOW: usize = 16;

impl Load {
    fn begin(source: Source, options: &Options) -> Self {
        Self {
            name: source.name.clone(),
            progress: Progress::begin(source.bytes, options.quiet),
            batches: batches(source, options.batch as usize),
            read: false,
            stop: None,
            waiting: VecDeque::with_capacity(WINDOW),
            id: fresh_id(),
            begun: 0,
            learned: options.learned,
            heard: false,
            sum: Sum::default(),
        }
    }

    /// Sends what is unanswered, then what the file has, until all is answered
    /// or the connection breaks.
    async fn converse(&mut self, client: &mut Client) -> Result<(), Failure> {
        let (requests, stream) = mpsc::channel(WINDOW);
        for transaction in &self.waiting {
            // There is room for all of them.
            let _ = requests.try_send(self.request(transaction));
        }
        let stream = ReceiverStream::new(stream);
        let replies = client.verbs().change_mappings(stream).await?;
        let mut replies = replies.into_inner();
        loop {
            let more = !self.read && self.stop.is_none();
            if !more && self.waiting.is_empty() {
                return Ok(());
            }
            tokio::select! {
                next = self.batches.recv(), if more && self.waiting.len() < WINDOW => {
                    match next {
                        Some(Ok(batch)) => {
                            let request = self.transaction(batch);
                            // If nobody takes it, the replies have ended too.
                            let _ = requests.send(request).await;
                        }
                        Some(Err(fault)) => self.stop = Some(fault),
                        None => self.read = true,
                    }
                }
                reply = replies.message() => {
                    let reply = reply?.ok_or_else(ended_early)?;
                    self.answered(reply)?;
                }
            }
        }
    }

    fn transaction(&mut self, batch: Batch) -> v1::ChangeMappingsRequest {
        let id = format!("{}-{}", self.id, self.begun);
        self.begun += 1;
        let transaction = Transaction { id, batch };
        let request = self.request(&transaction);
        self.waiting.push_back(transaction);
        request
    }

    fn request(&self, transaction: &Transaction) -> v1::ChangeMappingsRequest {
        v1::ChangeMappingsRequest {
            request_id: transaction.id.clone(),
            expected_revision: None,
            learned: self.learned,
            // Kept too: it may have to be sent again.
            changes: transaction.batch.changes.clone(),
        }
    }

    /// Notes what became of the oldest transaction.
    fn answered(&mut self, reply: v1::ChangeMappingsReply) -> Result<(), Failure> {
        let oldest = self.waiting.front();
        let oldest = oldest.ok_or_else(|| {
            Failure::Malformed("an answer to a transaction that nobody began".to_owned())
        })?;
        let outcome = Outcome::of(reply, &oldest.id)?;
        self.heard = true;
        let Some(Transaction { batch, .. }) = self.waiting.pop_front() else {
            return Ok(());
        };
        match outcome {
            Outcome::Committed(committed) => {
                self.sum.add(&committed, &batch);
                self.progress.at(batch.end_bytes, self.sum.mappings);
            }
            Outcome::Refused(refused) => {
                self.sum.refused += 1;
                let fault = self.fault(&refused, &batch);
                self.stop.get_or_insert(fault);
            }
        }
        Ok(())
    }

    fn fault(&self, refused: &Refused, batch: &Batch) -> Failure {
        let name = &self.name;
        let message = &refused.message;
        Failure::Refused(match refused.change {
            Some(change) => format!("{name}:{}: {message}", batch.lines.of(change)),
            None => {
                let (first, last) = (batch.lines.of(0), batch.lines.last());
                format!("{name}, lines {first} to {last}: {message}")
            }
        })
    }

    /// The load came to its end, though perhaps not to the file's.
    fn end(mut self) -> Result<Loaded, Failure> {
        match self.stop.take() {
            Some(reason) => Err(self.stopped(reason)),
            None => Ok(self.sum.loaded(self.progress.end(), self.learned)),
        }
    }

    fn stopped(self, reason: Failure) -> Failure {
        self.progress.end();
        let unanswered = match self.waiting.len() as u64 {
            0 => String::new(),
            n => format!(
                "; {} may be in force too, their answers were lost",
                counted(n, "more transaction", "more transactions")
            ),
        };
        Failure::LoadStopped {
            reason: Box::new(reason),
            loaded: self.sum.so_far() + &unanswered,
        }
    }
}

impl Sum {
    fn add(&mut self, committed: &v1::MappingsCommitted, batch: &Batch) {
        self.transactions += 1;
        self.mappings += batch.changes.len() as u64;
        self.added += u64::from(committed.added);
        self.changed += u64::from(committed.changed);
        self.removed += u64::from(committed.removed);
        self.unchanged += u64::from(committed.unchanged);
        self.revision = Some(committed.revision);
        self.volatile |= !committed.durable;
        self.slowest_us = self.slowest_us.max(committed.seen_us);
        self.line = batch.lines.last();
    }

    /// What is in force of a load that was not finished.
    fn so_far(&self) -> String {
        let Some(revision) = self.revision else {
            return "nothing was loaded".to_owned();
        };
        let but = match self.refused {
            0 => String::new(),
            n => format!(
                " but for {}",
                counted(n, "refused transaction", "refused transactions")
            ),
        };
        format!(
            "the file is in force up to line {}{but} ({}, revision {revision}): \
             when it is corrected, load it again",
            self.line,
            counted(self.mappings, "mapping", "mappings"),
        )
    }

    fn loaded(&self, time: Duration, learned: bool) -> Loaded {
        Loaded {
            mappings: self.mappings,
            added: self.added,
            changed: self.changed,
            removed: self.removed,
            unchanged: self.unchanged,
            transactions: self.transactions,
            revision: self.revision,
            durable: self.transactions > 0 && !self.volatile,
            learned,
            seconds: time.as_secs_f64(),
            mappings_per_second: per_second(self.mappings, time),
            slowest_seen_seconds: seconds_of_us(self.slowest_us),
        }
    }
}

/// A file that was loaded.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Loaded {
    /// Mappings that the file names, removals included.
    mappings: u64,
    /// Those that appeared.
    added: u64,
    /// Those that changed.
    changed: u64,
    /// Those that disappeared.
    removed: u64,
    /// Those that stayed as they were.
    unchanged: u64,
    /// In how many transactions.
    transactions: u64,
    /// The revision that the last of them made; null of an empty file.
    revision: Option<u64>,
    /// All survive a restart of the daemon from now on.
    durable: bool,
    /// They were loaded as learned ones.
    learned: bool,
    /// How long it took.
    seconds: f64,
    /// How many that is per second.
    mappings_per_second: u64,
    /// The longest time from a commit until all workers acted on it.
    slowest_seen_seconds: f64,
}

impl Loaded {
    fn text(&self) -> String {
        let Some(revision) = self.revision else {
            return "nothing to load: there is no mapping in the file\n".to_owned();
        };
        let kept = match (self.durable, self.learned) {
            (true, _) => "",
            (false, true) => "they are written to disk within seconds\n",
            (false, false) => "a restart undoes it: the vswitch keeps no state file\n",
        };
        format!(
            "{} in {:.1} s ({}/s): {} added, {} changed, {} removed, {} unchanged\n\
             acknowledged as of revision {revision}\n{kept}",
            counted(self.mappings, "mapping", "mappings"),
            self.seconds,
            grouped(self.mappings_per_second),
            grouped(self.added),
            grouped(self.changed),
            grouped(self.removed),
            grouped(self.unchanged),
        )
    }
}
