//! `status`: who the daemon is and how its workers fare.

use core::net::Ipv6Addr;

use control_api::v1;
use packet::Locator;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;
use crate::table::{Column, number, table, words};
use crate::text::{grouped, seconds, span};
use crate::wire::{self, Shown};

pub(super) async fn show(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let reply = client.verbs().status(v1::StatusRequest {}).await?;
    session.show(&Status::try_from(reply.into_inner())?, text)
}

#[derive(Debug, Serialize)]
struct Status {
    host: String,
    locator: Shown<Locator>,
    version: String,
    api: String,
    dpdk: Option<String>,
    pid: u32,
    #[serde(skip)]
    uptime_ms: u64,
    uptime_seconds: f64,
    revision: u64,
    workers: Vec<Worker>,
    duplicates: Vec<Duplicate>,
}

/// An own address that another station has.
#[derive(Debug, Serialize)]
struct Duplicate {
    port: String,
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

#[derive(Debug, Serialize)]
struct Worker {
    worker: usize,
    core: Option<u32>,
    polls: u64,
    idle_polls: u64,
    queues: Vec<Queue>,
}

#[derive(Debug, Serialize)]
struct Queue {
    port: String,
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
    let duplicates: String = status.duplicates.iter().map(warning).collect();
    let rows: Vec<Vec<String>> = status.workers.iter().map(cells).collect();
    format!(
        "host {}  locator {}\n\
         vswitch {}, {dpdk}, pid {}, running for {}, topology revision {}\n{}\n{}",
        status.host,
        status.locator,
        status.version,
        status.pid,
        span(status.uptime_ms),
        status.revision,
        duplicates,
        table(WORKER_COLUMNS, &rows)
    )
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
