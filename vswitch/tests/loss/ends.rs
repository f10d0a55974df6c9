//! The far ends of the ports: node and fabric, in the worker's own hands.
//!
//! A worker that asks for frames is given a full burst at once, and what it
//! sends is checked at once. So it never waits for anybody, and nothing can be
//! lost outside the switch: what it forwards is all it can.

use std::sync::Arc;

use packet::{HeapBuf, PacketBuf as _};
use parking_lot::Mutex;
use vswitch::ports::{Packets, Refused, RxQueue, TxQueue};

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
