//! From a packet socket into mbufs.
//!
//! The kernel writes each frame into an mbuf that waits for it. What is longer
//! than the mbuf, which only super-frames are, spills over into memory beside
//! it, and is copied from there into more mbufs: pages that are never used cost
//! nothing, and the copy little against what a super-frame saves.

use core::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use packet::ethernet::DOT1Q_LEN;
use packet::{BufPool, EtherType, PacketBuf};

use super::header::{self, Header, Received};
use super::pieces::Pieces;
use super::{BURST, Queue, count};
use crate::mbuf::Mbuf;
use crate::mempool::Mempool;

/// What a super-frame may have besides what its first mbuf holds, in bytes.
const SPILL: usize = 1 << 16;

/// An empty socket is not asked again for so long: to ask is a system call, half a
/// microsecond in a virtual machine, which the other queues of the same thread
/// would pay for.
const PAUSE: Duration = Duration::from_micros(4);

/// Where a frame's VLAN tag is, in bytes: after both MACs.
const TAG_AT: usize = 12;

/// Its length, in bytes.
const TAG_LEN: u16 = 4;

const _: () = assert!(DOT1Q_LEN == TAG_LEN as usize);

/// One receive queue, polled by one thread at a time.
pub struct PacketReceiver {
    queue: Arc<Queue>,
    pool: Mempool,
    /// For the next frames.
    waiting: ArrayVec<Mbuf, BURST>,
    /// It was empty, and that is believed until then.
    empty_until: Option<Instant>,
    /// What came, and found no room behind pieces of a super-frame.
    late: ArrayVec<Arrived, BURST>,
    slots: Box<Slots>,
}

/// What the kernel is told, and writes besides frames.
struct Slots {
    messages: [libc::mmsghdr; BURST],
    parts: [[libc::iovec; 3]; BURST],
    headers: [[u8; header::LEN]; BURST],
    controls: [Control; BURST],
    spills: Vec<u8>,
}

// SAFETY: its pointers are made anew before each use (`arm`), by the thread that
// uses them.
unsafe impl Send for Slots {}

/// Room for one message about a frame's VLAN tag, aligned as the kernel does.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control {
    header: libc::cmsghdr,
    data: libc::tpacket_auxdata,
    padding: [u8; 4],
}

const _: () = {
    // SAFETY: computes a number.
    let at = unsafe { libc::CMSG_LEN(0) };
    assert!(core::mem::offset_of!(Control, data) == at as usize);
    assert!(size_of::<Control>().is_multiple_of(align_of::<libc::cmsghdr>()));
};

/// A frame, or what it stands for.
enum Arrived {
    Frame(Mbuf),
    Pieces(Pieces<Mbuf>),
}

/// Why a frame is not delivered.
enum Lost {
    /// It is not what it says, or too long.
    Unfit,
    /// The pool is dry.
    NoBuffer,
}

impl PacketReceiver {
    pub(super) fn new(queue: Arc<Queue>, pool: Mempool) -> Self {
        // SAFETY: integers, and pointers that may be null: zeros are valid.
        let (messages, parts, controls) = unsafe { core::mem::zeroed() };
        Self {
            queue,
            pool,
            waiting: ArrayVec::new(),
            empty_until: None,
            late: ArrayVec::new(),
            slots: Box::new(Slots {
                messages,
                parts,
                headers: [[0; header::LEN]; BURST],
                controls,
                spills: vec![0; BURST * SPILL],
            }),
        }
    }

    /// Appends what has arrived to `into`, as far as there is room; how many.
    /// A socket that was empty is believed to be so for some microseconds more.
    pub fn receive<const N: usize>(&mut self, into: &mut ArrayVec<Mbuf, N>) -> usize {
        let before = into.len();
        if self.late.is_empty() {
            self.receive_more(into);
        }
        if !self.late.is_empty() {
            self.deliver_late(into);
        }
        let new = into.get(before..).unwrap_or_default();
        let counts = &self.queue.counts;
        count(&counts.rx_packets, new.len());
        count(&counts.rx_bytes, new.iter().map(PacketBuf::len).sum());
        new.len()
    }

    fn receive_more<const N: usize>(&mut self, into: &mut ArrayVec<Mbuf, N>) {
        if self.empty_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let room = into.remaining_capacity().min(BURST);
        while self.waiting.len() < room {
            // While there is none, frames wait in the socket.
            let Some(mbuf) = self.pool.alloc() else { break };
            self.waiting.push(mbuf);
        }
        let armed = self.arm(room);
        let Some(messages) = self.slots.messages.get_mut(..armed) else {
            return;
        };
        if messages.is_empty() {
            return;
        }
        // SAFETY: `arm` has just made each message point to an mbuf of its own
        // that waits, and to its own parts of the slots; nothing has used them
        // since.
        let received = match unsafe { self.queue.socket.receive(messages) } {
            Ok(received) => received.min(armed),
            Err(error) => return self.not_received(&error),
        };
        self.empty_until = None;
        let (mut unfit, mut no_buffer) = (0, 0);
        for (slot, mbuf) in self.waiting.drain(..received).enumerate() {
            match self.slots.finish(slot, mbuf, &mut self.pool) {
                Ok(Arrived::Frame(mbuf)) if self.late.is_empty() => into.push(mbuf),
                Ok(arrived) => self.late.push(arrived),
                Err(Lost::Unfit) => unfit += 1,
                Err(Lost::NoBuffer) => no_buffer += 1,
            }
        }
        count(&self.queue.counts.rx_errors, unfit);
        count(&self.queue.counts.rx_no_buffer, no_buffer);
    }

    #[cold]
    fn deliver_late<const N: usize>(&mut self, into: &mut ArrayVec<Mbuf, N>) {
        let mut no_buffer = 0;
        while !into.is_full() {
            let next = match self.late.first_mut() {
                None => break,
                Some(Arrived::Pieces(pieces)) if !pieces.is_done() => pieces.next(&mut self.pool),
                Some(_) => match self.late.remove(0) {
                    Arrived::Frame(mbuf) => Some(mbuf),
                    Arrived::Pieces(_) => continue,
                },
            };
            match next {
                Some(mbuf) => into.push(mbuf),
                None => no_buffer += 1,
            }
        }
        count(&self.queue.counts.rx_no_buffer, no_buffer);
    }

    /// Points a message to each of the first `room` waiting mbufs; how many.
    fn arm(&mut self, room: usize) -> usize {
        let slots = &mut *self.slots;
        let each = slots
            .messages
            .iter_mut()
            .zip(&mut slots.parts)
            .zip(&mut slots.headers)
            .zip(&mut slots.controls)
            .zip(slots.spills.chunks_exact_mut(SPILL))
            .zip(&mut self.waiting)
            .take(room);
        let mut armed = 0;
        for (((((message, parts), header), control), spill), mbuf) in each {
            let part = |base: *mut u8, len| libc::iovec {
                iov_base: base.cast(),
                iov_len: len,
            };
            let (at, spare) = mbuf.spare();
            *parts = [
                part(header.as_mut_ptr(), header.len()),
                part(at, spare),
                part(spill.as_mut_ptr(), spill.len()),
            ];
            message.msg_hdr.msg_iov = parts.as_mut_ptr();
            message.msg_hdr.msg_iovlen = parts.len();
            message.msg_hdr.msg_control = (&raw mut *control).cast();
            message.msg_hdr.msg_controllen = size_of_val(control);
            armed += 1;
        }
        armed
    }

    fn not_received(&mut self, error: &io::Error) {
        self.empty_until = Instant::now().checked_add(PAUSE);
        match error.raw_os_error() {
            // Nothing there; or the interface is down, which its link shows.
            Some(libc::EAGAIN | libc::EINTR | libc::ENETDOWN | libc::ENXIO | libc::ENODEV) => {}
            // A frame that the header before it cannot describe: it is gone.
            _ => count(&self.queue.counts.rx_errors, 1),
        }
    }
}

impl Slots {
    /// Makes a packet of what the kernel wrote into slot number `slot` and its
    /// mbuf.
    fn finish(&self, slot: usize, mut mbuf: Mbuf, pool: &mut Mempool) -> Result<Arrived, Lost> {
        let message = self.messages.get(slot).ok_or(Lost::Unfit)?;
        let header = self.headers.get(slot).ok_or(Lost::Unfit)?;
        let len = usize::try_from(message.msg_len).unwrap_or(0);
        let len = len.checked_sub(header::LEN).ok_or(Lost::Unfit)?;
        if message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
            return Err(Lost::Unfit);
        }
        let head = len.min(mbuf.tailroom());
        mbuf.append(head).map_err(|_| Lost::Unfit)?;
        if head < len {
            let spill = self.spills.chunks_exact(SPILL).nth(slot);
            let rest = spill.and_then(|spill| spill.get(..len - head));
            let rest = chain_of(rest.ok_or(Lost::Unfit)?, pool).ok_or(Lost::NoBuffer)?;
            mbuf.chain(rest).map_err(|_| Lost::Unfit)?;
        }
        let mut header = Header::read(*header);
        if let Some(control) = self.controls.get(slot)
            && message.msg_hdr.msg_controllen >= core::mem::offset_of!(Control, padding)
            && let Some((kind, tag)) = control.tag()
        {
            put_tag(&mut mbuf, kind, tag).map_err(|_| Lost::Unfit)?;
            header = header.moved(TAG_LEN);
        }
        let unfit = |_| Lost::Unfit;
        match header.receive(&mut mbuf).map_err(unfit)? {
            Received::Frame => Ok(Arrived::Frame(mbuf)),
            Received::Pieces(layout, size) => Pieces::of(mbuf, layout, size)
                .map(Arrived::Pieces)
                .map_err(unfit),
        }
    }
}

impl Control {
    /// The tag that the kernel took off a frame: its EtherType, and its control
    /// information.
    fn tag(&self) -> Option<(u16, u16)> {
        let is_ours = self.header.cmsg_level == libc::SOL_PACKET
            && self.header.cmsg_type == libc::PACKET_AUXDATA;
        let has = |flag| self.data.tp_status & flag != 0;
        if !is_ours || !has(libc::TP_STATUS_VLAN_VALID) {
            return None;
        }
        let kind = if has(libc::TP_STATUS_VLAN_TPID_VALID) {
            self.data.tp_vlan_tpid
        } else {
            EtherType::DOT1Q.get()
        };
        Some((kind, self.data.tp_vlan_tci))
    }
}

fn put_tag(mbuf: &mut Mbuf, kind: u16, tag: u16) -> Result<(), packet::NoRoom> {
    mbuf.prepend(DOT1Q_LEN)?;
    let bytes = mbuf.data_mut();
    let head = bytes.get_mut(..TAG_AT + DOT1Q_LEN).ok_or(packet::NoRoom)?;
    head.copy_within(DOT1Q_LEN.., 0);
    let [a, b] = kind.to_be_bytes();
    let [c, d] = tag.to_be_bytes();
    if let Some(place) = head.get_mut(TAG_AT..) {
        place.copy_from_slice(&[a, b, c, d]);
    }
    Ok(())
}

/// Bytes in as many mbufs as they need; `None` when the pool runs dry.
fn chain_of(bytes: &[u8], pool: &mut Mempool) -> Option<Mbuf> {
    let mut chain: Option<Mbuf> = None;
    // From the end: what is joined in front is always one segment.
    for chunk in bytes.chunks(usize::from(pool.data_room())).rev() {
        let mut mbuf = pool.alloc_with(chunk)?;
        if let Some(rest) = chain {
            mbuf.chain(rest).ok()?;
        }
        chain = Some(mbuf);
    }
    chain
}

impl fmt::Debug for PacketReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketReceiver")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
