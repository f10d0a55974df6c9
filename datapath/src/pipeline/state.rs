//! What a worker remembers from packet to packet: the little that the rewrite
//! and the errors need. Each worker has its own, so nothing is shared.

use super::answer::limit::ErrorLimit;
use super::translate::icmp::Scratch;
use super::translate::identification::Identification;

/// One worker's memory.
#[derive(Debug)]
pub struct WorkerState {
    /// The identifications it has given.
    pub(super) identification: Identification,
    /// The errors it has sent.
    pub(super) errors: ErrorLimit,
    /// Where ICMP errors are translated.
    pub(super) scratch: Box<Scratch>,
}

impl WorkerState {
    /// For the `worker`th of `workers`, so that no two make the same
    /// identification.
    pub fn new(worker: u16, workers: u16) -> Self {
        Self {
            identification: Identification::new(worker, workers),
            errors: ErrorLimit::new(workers),
            scratch: Box::default(),
        }
    }
}
