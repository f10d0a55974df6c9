//! What a worker remembers from packet to packet: the little that the rewrite
//! and the errors need. Each worker has its own, so nothing is shared.

use std::sync::Arc;

use super::answer::limit::{COPIES, ERRORS, InterfaceLimit, QUESTIONS, REPORTS};
use super::batch::IpTuple;
use super::claim::Claims;
use super::kernel::limit::KernelLimit;
use super::translate::icmp::Scratch;
use super::translate::identification::Identification;
use crate::books::{Ledger, LegBooks};
use crate::tables::access::HitRow;
use crate::tables::{At, RouteTable};

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
    /// The questions to logical devices' agents that it has handed up.
    pub(super) questions: InterfaceLimit,
    /// The claims to addresses that it has seen.
    pub(super) claims: Claims,
    /// The IGMP messages it has read.
    pub(super) reports: InterfaceLimit,
    /// What it has handed to the kernel.
    pub(super) kernel: KernelLimit,
    /// What it has done for logical routers, if anybody counts.
    pub(super) legs: Option<Arc<LegBooks>>,
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
            questions: InterfaceLimit::new(QUESTIONS, workers),
            claims: Claims::new(workers),
            reports: InterfaceLimit::new(REPORTS, workers),
            kernel: KernelLimit::default(),
            legs: None,
            scratch: Box::default(),
        }
    }

    /// Counts an answer to a packet of `ip`, in a frame of so many bytes, on its way
    /// back from a router: the router's own, if it came by no leg.
    pub(super) fn count_back(&self, routes: &RouteTable, at: At, ip: &IpTuple, frame: usize) {
        if let Some(legs) = &self.legs {
            let counted = (&**legs, frame as u64);
            routes.count_from(at, ip.source, || ip.symmetric_hash(), counted);
        }
    }

    /// The same, which counts in the worker's own books what it does for logical
    /// routers.
    #[must_use]
    pub fn counting(self, ledger: &Ledger) -> Self {
        let legs = Some(Arc::clone(ledger.legs()));
        Self { legs, ..self }
    }
}
