//! The far ends of the ports: node and fabric, in the worker's own hands.
//!
//! A worker that asks for frames is given a full burst at once, and what it
//! sends is checked at once. So it never waits for anybody, and nothing can be
//! lost outside the switch: what it forwards is all it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use packet::{HeapBuf, PacketBuf as _};
use parking_lot::Mutex;
use vswitch::ports::{Packets, Refused, RxQueue, TxQueue};

use super::switch::PATIENCE;
use super::traffic::Traffic;

/// Which port it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// Of the node that sends.
    Sender,
    /// Of nodes on the same host.
    Local,
    /// To the fabric.
    Uplink,
}

/// One queue's far end.
pub(crate) struct Far {
    pub(crate) port: Port,
    pub(crate) queue: usize,
    pub(crate) traffic: Arc<Mutex<Traffic>>,
}

/// A worker that is stopped while it sends to the nodes on this host, in the
/// middle of a burst.
#[derive(Default)]
pub(crate) struct Stop {
    stands: AtomicBool,
    goes_on: AtomicBool,
}

impl Stop {
    /// Does the worker stand still?
    pub(crate) fn stands(&self) -> bool {
        self.stands.load(Ordering::SeqCst)
    }

    /// It goes on.
    pub(crate) fn end(&self) {
        self.goes_on.store(true, Ordering::SeqCst);
    }

    fn stand(&self) {
        self.stands.store(true, Ordering::SeqCst);
        let began = Instant::now();
        while !self.goes_on.load(Ordering::SeqCst) && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

impl RxQueue<HeapBuf> for Far {
    fn receive(&mut self, into: &mut Packets<HeapBuf>) {
        match self.port {
            Port::Sender => self.traffic.lock().send(self.queue, into),
            Port::Uplink if self.queue == 0 => self.traffic.lock().answer(into),
            Port::Local | Port::Uplink => {}
        }
    }
}

impl TxQueue<HeapBuf> for Far {
    fn transmit(&mut self, burst: &mut Packets<HeapBuf>) -> Refused {
        if self.port == Port::Local
            && let Some(stop) = { self.traffic.lock().stop.take() }
        {
            stop.stand();
        }
        let mut traffic = self.traffic.lock();
        for frame in burst.drain(..) {
            match self.port {
                Port::Sender => traffic.at_sender(frame.data()),
                Port::Local => traffic.at_local(frame.data()),
                Port::Uplink => traffic.at_fabric(frame.data()),
            }
            traffic.spare(frame);
        }
        Refused::NONE
    }
}
