//! What a worker remembers from packet to packet: the little that the rewrite
//! and the errors need. Each worker has its own, so nothing is shared.

use super::answer::limit::{COPIES, ERRORS, InterfaceLimit};
use super::kernel::limit::KernelLimit;
use super::translate::icmp::Scratch;
use super::translate::identification::Identification;
use crate::tables::access::HitRow;

/// One worker's memory.
#[derive(Debug)]
pub struct WorkerState {
    /// The identifications it has given.
    pub(super) identification: Identification,
    /// The errors it has sent of its own.
    pub(super) errors: InterfaceLimit,
    /// The fabric's errors it has listened to: apart, so that a forger does not
    /// keep a node from hearing ours.
    pub(super) heard: InterfaceLimit,
    /// The copies it has made for groups.
    pub(super) copies: InterfaceLimit,
    /// Where it counts which rules have decided.
    pub(super) hits: HitRow,
    /// What it has handed to the kernel.
    pub(super) kernel: KernelLimit,
    /// Where ICMP errors are translated.
    pub(super) scratch: Box<Scratch>,
}

impl WorkerState {
    /// For the `worker`th of `workers`, so that no two make the same
    /// identification.
    pub fn new(worker: u16, workers: u16) -> Self {
        Self {
            identification: Identification::new(worker, workers),
            errors: InterfaceLimit::new(ERRORS, workers),
            heard: InterfaceLimit::new(ERRORS, workers),
            copies: InterfaceLimit::new(COPIES, workers),
            hits: HitRow::of_worker(worker),
            kernel: KernelLimit::default(),
            scratch: Box::default(),
        }
    }
}
