//! The ports: where frames come from and go to.
//!
//! * [`queue`]: what a worker needs of a port.
//! * [`probe`]: what listings show of it.

pub mod probe;
pub mod queue;

use std::sync::Arc;

use packet::MacAddr;

pub use probe::{PortFacts, PortNumbers, PortProbe};
pub use queue::{BURST, Packets, RxQueue, TxQueue};

/// A port that is open, with its ends: the daemon deals the queues out to the
/// workers.
pub struct OpenPort<B> {
    /// For listings.
    pub probe: Arc<dyn PortProbe>,
    /// Its own MAC address.
    pub mac: MacAddr,
    /// Its receive queues, at least one.
    pub receive: Vec<Box<dyn RxQueue<B>>>,
    /// Its transmit queues: one per worker, or fewer where the device has not
    /// so many.
    pub transmit: Vec<Box<dyn TxQueue<B>>>,
}
