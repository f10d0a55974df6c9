//! From mbufs into a packet socket.

use core::fmt;
use std::sync::Arc;

use arrayvec::ArrayVec;
use packet::PacketBuf;

use super::header::{self, Header};
use super::{BURST, Queue, count};
use crate::mbuf::Mbuf;
use crate::queue::Transmitted;

/// Parts of all frames of a call: more than one frame can have.
const PARTS: usize = 1024;

/// One transmit queue, fed by one thread at a time.
pub struct PacketSender {
    queue: Arc<Queue>,
    slots: Box<Slots>,
}

/// What the kernel is told.
struct Slots {
    messages: [libc::mmsghdr; BURST],
    headers: [[u8; header::LEN]; BURST],
    parts: [libc::iovec; PARTS],
}

// SAFETY: its pointers are made anew before each use (`stage`), by the thread
// that uses them.
unsafe impl Send for Slots {}

impl PacketSender {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        // SAFETY: integers, and pointers that may be null: zeros are valid.
        let (messages, parts) = unsafe { core::mem::zeroed() };
        Self {
            queue,
            slots: Box::new(Slots {
                messages,
                headers: [[0; header::LEN]; BURST],
                parts,
            }),
        }
    }

    /// Sends from the front of `burst` what the interface takes, and leaves in
    /// it, in order, what was not sent.
    ///
    /// A packet that cannot be sent at all is not left: it is refused.
    pub fn transmit<const N: usize>(&mut self, burst: &mut ArrayVec<Mbuf, N>) -> Transmitted {
        let mut transmitted = Transmitted::default();
        let mut bytes = 0;
        let mut again = false;
        loop {
            self.describe(burst, &mut transmitted);
            let staged = self.stage(burst);
            let Some(messages) = self.slots.messages.get_mut(..staged) else {
                break;
            };
            if staged == 0 {
                break;
            }
            // SAFETY: `stage` has just made each message point to the bytes of
            // an mbuf in `burst`, and to its header; nothing has written them
            // since.
            match unsafe { self.queue.socket.send(messages) } {
                Ok(taken) => {
                    let taken = taken.min(staged);
                    again = false;
                    transmitted.sent += taken;
                    bytes += burst.drain(..taken).map(|mbuf| mbuf.len()).sum::<usize>();
                }
                Err(error) => match error.raw_os_error() {
                    // Full: what waits to be sent, or the other side.
                    Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM | libc::EINTR) => break,
                    // What the socket had to say of something else is said
                    // once, and the frame is not lost for it.
                    _ if !again => again = true,
                    // Too long, or the interface is down.
                    _ => {
                        again = false;
                        transmitted.refuse(burst.remove(0));
                    }
                },
            }
        }
        let counts = &self.queue.counts;
        count(&counts.tx_packets, transmitted.sent);
        count(&counts.tx_bytes, bytes);
        count(&counts.tx_errors, transmitted.refused);
        transmitted
    }

    /// Writes the header of each frame of a burst, less those that cannot be
    /// what they say.
    fn describe<const N: usize>(
        &mut self,
        burst: &mut ArrayVec<Mbuf, N>,
        transmitted: &mut Transmitted,
    ) {
        let mut at = 0;
        while let Some(mbuf) = burst.get_mut(at) {
            let Some(header) = self.slots.headers.get_mut(at) else {
                break;
            };
            if let Ok(described) = Header::transmit(mbuf) {
                *header = described.write();
                at += 1;
            } else {
                transmitted.refuse(burst.remove(at));
            }
        }
    }

    /// Points a message to each frame of a burst, as far as there are parts; how
    /// many.
    fn stage<const N: usize>(&mut self, burst: &ArrayVec<Mbuf, N>) -> usize {
        let slots = &mut *self.slots;
        let mut parts = slots.parts.as_mut_slice();
        let mut staged = 0;
        let each = slots.messages.iter_mut().zip(&slots.headers).zip(burst);
        for ((message, header), mbuf) in each {
            let mut used = 0;
            let bytes = core::iter::once(header.as_slice()).chain(mbuf.chunks());
            let all = bytes.zip(parts.iter_mut()).map(|(bytes, part)| {
                *part = libc::iovec {
                    iov_base: bytes.as_ptr().cast_mut().cast(),
                    iov_len: bytes.len(),
                };
                used += 1;
                bytes.len()
            });
            let len: usize = all.sum();
            if len != header.len() + mbuf.len() {
                break;
            }
            let Some((mine, rest)) = parts.split_at_mut_checked(used) else {
                break;
            };
            message.msg_hdr.msg_iov = mine.as_mut_ptr();
            message.msg_hdr.msg_iovlen = used;
            parts = rest;
            staged += 1;
        }
        staged
    }
}

impl fmt::Debug for PacketSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketSender")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
