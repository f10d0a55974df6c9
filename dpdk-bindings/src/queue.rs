//! The hot path: one receive or transmit queue of a started port.
//!
//! DPDK's inline burst functions, written again in Rust: no call into the shim,
//! and none per packet.

use core::fmt;
use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::device::Port;
use crate::mbuf::Mbuf;
use crate::memif::Poller;
use crate::offload::{self, Prepared};
use crate::sys;

/// One receive queue, polled by one thread at a time.
pub struct RxQueue {
    port: Arc<Port>,
    queue: u16,
    poller: Option<Poller>,
}

/// One transmit queue, fed by one thread at a time.
pub struct TxQueue {
    port: Arc<Port>,
    queue: u16,
    poller: Option<Poller>,
}

/// What left a burst that was to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Transmitted {
    /// Packets that the port took.
    pub sent: usize,
    /// Packets that it can never send: dropped, and counted as transmit errors.
    pub refused: usize,
    /// Their bytes.
    pub refused_bytes: usize,
}

impl Transmitted {
    /// Drops a packet that cannot be sent.
    pub(crate) fn refuse(&mut self, mbuf: Mbuf) {
        self.refused += 1;
        self.refused_bytes += mbuf.packet_len();
        drop(mbuf);
    }
}

/// The functions and queues of a port, as DPDK's own inlines find them.
#[inline]
fn fast_path(port: &Port) -> *const sys::rte_eth_fp_ops {
    // SAFETY: the array has VS_MAX_PORTS elements, and a port's number is less.
    unsafe {
        (&raw const sys::rte_eth_fp_ops)
            .cast::<sys::rte_eth_fp_ops>()
            .add(usize::from(port.id()))
    }
}

/// How many packets one call may move, as DPDK counts.
#[inline]
fn burst_size(packets: usize) -> u16 {
    u16::try_from(packets).unwrap_or(u16::MAX)
}

impl RxQueue {
    pub(crate) fn new(port: Arc<Port>, queue: u16, poller: Option<Poller>) -> Self {
        Self {
            port,
            queue,
            poller,
        }
    }

    /// Its number on its port.
    pub fn index(&self) -> u16 {
        self.queue
    }

    /// Appends what has arrived to `into`, as far as there is room; how many.
    #[inline]
    pub fn receive<const N: usize>(&mut self, into: &mut ArrayVec<Mbuf, N>) -> usize {
        match &self.poller {
            None => burst_in(&self.port, self.queue, into),
            Some(poller) => poller.inside(|| burst_in(&self.port, self.queue, into)),
        }
    }
}

#[inline]
fn burst_in<const N: usize>(port: &Port, queue: u16, into: &mut ArrayVec<Mbuf, N>) -> usize {
    let room = burst_size(into.remaining_capacity());
    if room == 0 {
        return 0;
    }
    let ops = fast_path(port);
    let len = into.len();
    // SAFETY: the port is started while its queues exist (`Device::stop` and
    // `Port::drop` need them gone), so `ops` is filled in and `queue` is one of
    // its queues. `&mut` queues, and one object per queue: no other poller.
    // The driver writes at most `room` pointers into the spare capacity. `Mbuf`
    // is a transparent non-null pointer, what drivers deliver are valid mbufs
    // with reference count 1, of pools that are never freed, and each is ours.
    unsafe {
        let spare = into.as_mut_ptr().add(len).cast::<*mut sys::rte_mbuf>();
        let Some(receive) = (*ops).rx_pkt_burst else {
            return 0;
        };
        let data = *(*ops).rxq.data.add(usize::from(queue));
        let mut count = receive(data, spare, room);
        let callbacks = *(*ops).rxq.clbk.add(usize::from(queue));
        if !callbacks.is_null() {
            count = sys::rte_eth_call_rx_callbacks(
                port.id(),
                queue,
                spare,
                count,
                room,
                callbacks.cast(),
            );
        }
        let count = usize::from(count.min(room));
        into.set_len(len + count);
    }
    let trusted = port.trusted();
    let mut at = len;
    while let Some(mbuf) = into.get_mut(at) {
        if offload::receive(mbuf, trusted).is_ok() {
            at += 1;
        } else {
            port.refused_in();
            into.remove(at);
        }
    }
    into.len() - len
}

impl TxQueue {
    pub(crate) fn new(port: Arc<Port>, queue: u16, poller: Option<Poller>) -> Self {
        Self {
            port,
            queue,
            poller,
        }
    }

    /// Its number on its port.
    pub fn index(&self) -> u16 {
        self.queue
    }

    /// Sends from the front of `burst` what the port takes, and leaves in it, in
    /// order, what was not sent. What is left has been readied for this port: no
    /// other can take it.
    ///
    /// A packet whose [`packet::Offload`] the port cannot do, or cannot be what it
    /// says, is not left: it is refused.
    #[inline]
    pub fn transmit<const N: usize>(&mut self, burst: &mut ArrayVec<Mbuf, N>) -> Transmitted {
        match &self.poller {
            None => burst_out(&self.port, self.queue, burst),
            Some(poller) => poller.inside(|| burst_out(&self.port, self.queue, burst)),
        }
    }
}

#[inline]
fn burst_out<const N: usize>(
    port: &Port,
    queue: u16,
    burst: &mut ArrayVec<Mbuf, N>,
) -> Transmitted {
    let mut transmitted = Transmitted::default();
    let marked = prepare(port, burst, &mut transmitted);
    if burst.is_empty() {
        return transmitted;
    }
    let ops = fast_path(port);
    let len = burst.len();
    // SAFETY: port, queue and exclusiveness as in `burst_in`. The driver takes
    // over the first `sent` mbufs, which leave the vector without being dropped;
    // the others move to its front and stay ours.
    unsafe {
        let packets = burst.as_mut_ptr();
        let Some(transmit) = (*ops).tx_pkt_burst else {
            return transmitted;
        };
        let data = *(*ops).txq.data.add(usize::from(queue));
        let mut count = burst_size(len);
        if marked && let Some(finish) = (*ops).tx_pkt_prepare {
            count = finish(data, packets.cast(), count).min(count);
            // It stops at the first packet that the device could not send.
            if usize::from(count) < len {
                transmitted.refuse(burst.remove(usize::from(count)));
                port.refused_out();
            }
        }
        let len = burst.len();
        let callbacks = *(*ops).txq.clbk.add(usize::from(queue));
        if !callbacks.is_null() {
            count = sys::rte_eth_call_tx_callbacks(
                port.id(),
                queue,
                packets.cast(),
                count,
                callbacks.cast(),
            );
        }
        let sent = usize::from(transmit(data, packets.cast(), count).min(count));
        burst.set_len(0);
        core::ptr::copy(packets.add(sent), packets, len - sent);
        burst.set_len(len - sent);
        transmitted.sent = sent;
        transmitted
    }
}

/// Readies a burst for the driver, less what cannot be. True if the driver has
/// more to do than to send.
#[inline]
fn prepare<const N: usize>(
    port: &Port,
    burst: &mut ArrayVec<Mbuf, N>,
    transmitted: &mut Transmitted,
) -> bool {
    let taken = port.taken();
    let mut marked = false;
    let mut at = 0;
    while let Some(mbuf) = burst.get_mut(at) {
        match offload::prepare(mbuf, taken) {
            Ok(prepared) => {
                marked |= prepared == Prepared::Marked;
                at += 1;
            }
            Err(offload::Unfit) => {
                port.refused_out();
                transmitted.refuse(burst.remove(at));
            }
        }
    }
    marked
}

impl fmt::Debug for RxQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RxQueue({}.{})", self.port.id(), self.queue)
    }
}

impl fmt::Debug for TxQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TxQueue({}.{})", self.port.id(), self.queue)
    }
}
