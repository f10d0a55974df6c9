//! `status`: who the daemon is and how its workers fare.

use core::fmt::Write as _;
use core::net::Ipv6Addr;

use control_api::v1;
use packet::Locator;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;
use crate::table::{Column, number, printable, table, words};
use crate::text::{grouped, seconds, span};
use crate::wire::{self, Moment, Shown};

pub(super) async fn show(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let reply = client.verbs().status(v1::StatusRequest {}).await?;
    session.show(&Status::try_from(reply.into_inner())?, text)
}

/// Who the daemon is and how its workers fare.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    /// The host's name in the configuration.
    host: String,
    /// The host's locator: an IPv6 prefix of length 64.
    locator: Shown<Locator>,
    /// The daemon's version.
    version: String,
    /// The version of the control protocol that it speaks.
    api: String,
    /// DPDK's version; null where the daemon runs without it.
    dpdk: Option<String>,
    /// The daemon's process id.
    pid: u32,
    #[serde(skip)]
    uptime_ms: u64,
    /// How long the daemon has been running.
    uptime_seconds: f64,
    /// The revision of the last commit: everything that changes at once has
    /// one.
    revision: u64,
    /// The revision of the topology in force; null from a daemon before API
    /// 1.3.
    topology_revision: Option<u64>,
    /// When the topology goes back by itself unless confirmed; null: never.
    reverts_at: Option<Moment>,
    /// The file that keeps the state; null: nothing survives a restart.
    state_file: Option<String>,
    /// What needs the operator's attention, in words.
    attention: Vec<String>,
    /// The poll-mode workers.
    workers: Vec<Worker>,
    /// Own addresses that another station has, and that are therefore not
    /// used.
    duplicates: Vec<Duplicate>,
}

/// An own address that another station has.
#[derive(Debug, Serialize, JsonSchema)]
struct Duplicate {
    /// The uplink's port.
    port: String,
    /// The address.
    address: Ipv6Addr,
}

impl TryFrom<v1::DuplicateAddress> for Duplicate {
    type Error = Failure;

    fn try_from(duplicate: v1::DuplicateAddress) -> Result<Self, Failure> {
        Ok(Self {
            address: wire::ipv6(&duplicate.address)?,
            port: duplicate.port,
        })
    }
}

/// A poll-mode worker.
#[derive(Debug, Serialize, JsonSchema)]
struct Worker {
    /// Its number, from 0.
    worker: usize,
    /// The core it is pinned to; null where it is not pinned.
    core: Option<u32>,
    /// Turns of its loop.
    polls: u64,
    /// Turns that found nothing to do.
    idle_polls: u64,
    /// The queues it serves.
    queues: Vec<Queue>,
}

/// A port's queue.
#[derive(Debug, Serialize, JsonSchema)]
struct Queue {
    /// The port's name.
    port: String,
    /// The queue's number on that port, from 0.
    queue: u32,
}

impl TryFrom<v1::StatusReply> for Status {
    type Error = Failure;

    fn try_from(reply: v1::StatusReply) -> Result<Self, Failure> {
        let api = reply.api.unwrap_or_default();
        let duplicates = reply.duplicates.into_iter().map(Duplicate::try_from);
        Ok(Self {
            host: reply.host,
            locator: wire::locator(reply.locator),
            version: reply.version,
            api: format!("{}.{}", api.major, api.minor),
            dpdk: reply.dpdk,
            pid: reply.pid,
            uptime_ms: reply.uptime_ms,
            uptime_seconds: seconds(reply.uptime_ms),
            revision: reply.revision,
            topology_revision: reply.topology_revision,
            reverts_at: reply.reverts_at_ms.map(Moment::from_ms),
            state_file: reply.state_file,
            attention: reply.attention,
            workers: reply.workers.into_iter().enumerate().map(worker).collect(),
            duplicates: duplicates.collect::<Result<_, _>>()?,
        })
    }
}

fn worker((index, worker): (usize, v1::Worker)) -> Worker {
    let queue = |q: v1::WorkerQueue| Queue {
        port: q.port,
        queue: q.queue,
    };
    Worker {
        worker: index,
        core: worker.core,
        polls: worker.polls,
        idle_polls: worker.idle_polls,
        queues: worker.queues.into_iter().map(queue).collect(),
    }
}

fn text(status: &Status) -> String {
    let dpdk = match &status.dpdk {
        Some(version) => format!("DPDK {version}"),
        None => "without DPDK".to_owned(),
    };
    let rows: Vec<Vec<String>> = status.workers.iter().map(cells).collect();
    format!(
        "host {}  locator {}\n\
         vswitch {}, {dpdk}, pid {}, running for {}\n\
         {}\n{}\n{}",
        status.host,
        status.locator,
        status.version,
        status.pid,
        span(status.uptime_ms),
        state(status),
        warnings(status),
        table(WORKER_COLUMNS, &rows)
    )
}

/// Which state is in force, and what keeps it.
fn state(status: &Status) -> String {
    let topology = status
        .topology_revision
        .map(|revision| format!(" (topology {revision})"));
    let kept = match &status.state_file {
        Some(file) => format!("kept in {}", printable(file)),
        None => "lost at a restart: no state file".to_owned(),
    };
    let topology = topology.unwrap_or_default();
    format!("revision {}{topology}, {kept}", status.revision)
}

/// What needs attention, a line each.
fn warnings(status: &Status) -> String {
    let mut text = String::new();
    if let Some(at) = status.reverts_at {
        let revision = status.topology_revision.unwrap_or(status.revision);
        let _ = writeln!(
            text,
            "UNCONFIRMED topology: rolls back at {}, unless: vswitchctl confirm {revision}",
            at.local()
        );
    }
    for words in &status.attention {
        let _ = writeln!(text, "ATTENTION {}", printable(words));
    }
    text.extend(status.duplicates.iter().map(warning));
    text
}

fn warning(duplicate: &Duplicate) -> String {
    format!(
        "DUPLICATE address {} on {}: another station has it, so it is not used; \
         see: vswitchctl uplink list\n",
        duplicate.address, duplicate.port
    )
}

const WORKER_COLUMNS: &[Column] = &[
    number("worker"),
    number("core"),
    number("polls"),
    number("idle polls"),
    number("busy"),
    words("queues"),
];

fn cells(worker: &Worker) -> Vec<String> {
    let queues: Vec<String> = worker
        .queues
        .iter()
        .map(|q| format!("{}:{}", q.port, q.queue))
        .collect();
    vec![
        worker.worker.to_string(),
        worker.core.map(|c| c.to_string()).unwrap_or_default(),
        grouped(worker.polls),
        grouped(worker.idle_polls),
        busy(worker),
        queues.join(" "),
    ]
}

/// The share of turns that found work, in tenths of a percent.
fn busy(worker: &Worker) -> String {
    let worked = worker.polls.saturating_sub(worker.idle_polls);
    match u128::from(worker.polls) {
        0 => String::new(),
        polls => {
            let tenths = u128::from(worked) * 1000 / polls;
            format!("{}.{} %", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_a_share_of_the_turns() {
        let worker = |polls, idle_polls| Worker {
            worker: 0,
            core: None,
            polls,
            idle_polls,
            queues: Vec::new(),
        };
        assert_eq!(busy(&worker(0, 0)), "");
        assert_eq!(busy(&worker(1000, 988)), "1.2 %");
        assert_eq!(busy(&worker(u64::MAX, 0)), "100.0 %");
        // Read while the worker runs, idle may be ahead.
        assert_eq!(busy(&worker(10, 11)), "0.0 %");
    }
}
