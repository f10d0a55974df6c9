//! `Status`: who the daemon is and how its workers fare.

use control_api::{API_VERSION, v1};

use crate::control::source::{ControlSource, DuplicateAddress, Worker};
use crate::control::wire;

pub(in crate::control) fn answer(source: &dyn ControlSource) -> v1::StatusReply {
    let status = source.status();
    v1::StatusReply {
        api: Some(API_VERSION),
        version: status.version,
        host: status.host,
        locator: status.locator.to_bits(),
        uptime_ms: wire::milliseconds(status.uptime),
        revision: status.revision,
        pid: status.pid,
        dpdk: status.dpdk,
        workers: status.workers.into_iter().map(worker).collect(),
        duplicates: status.duplicates.into_iter().map(duplicate).collect(),
        topology_revision: Some(status.topology_revision),
        reverts_at_ms: status.reverts_at.map(wire::since_1970),
        state_file: status.state_file.map(|file| file.display().to_string()),
        attention: status.attention,
    }
}

fn duplicate(duplicate: DuplicateAddress) -> v1::DuplicateAddress {
    v1::DuplicateAddress {
        port: duplicate.port,
        address: duplicate.address.octets().to_vec(),
    }
}

fn worker(worker: Worker) -> v1::Worker {
    let queue = |queue: crate::control::source::WorkerQueue| v1::WorkerQueue {
        port: queue.port,
        queue: queue.queue.into(),
    };
    v1::Worker {
        core: worker.core,
        polls: worker.polls,
        idle_polls: worker.idle_polls,
        queues: worker.queues.into_iter().map(queue).collect(),
    }
}
