//! A packet buffer on the heap that behaves like an mbuf: same headroom, same
//! limits, so that what passes in a test passes on a port.

use crate::buf::{BufPool, NoRoom, PacketBuf};
use crate::offload::Offload;

/// Headroom of a fresh buffer: DPDK's default (`RTE_PKTMBUF_HEADROOM`).
pub const HEADROOM: usize = 128;

/// Capacity of a [`HeapBuf`] made without a pool: an mbuf's usual room plus a
/// jumbo frame.
const DEFAULT_CAPACITY: usize = HEADROOM + 9728;

/// A packet in a heap allocation with head and tail room.
#[derive(Clone)]
pub struct HeapBuf {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    /// Of a chain, what is behind the first segment.
    rest: Vec<u8>,
    offload: Offload,
}

impl HeapBuf {
    /// An empty buffer of `capacity` bytes, [`HEADROOM`] of them before the data.
    pub fn with_capacity(capacity: usize) -> Self {
        // Filled with a pattern: bytes that nobody wrote show in a comparison.
        let bytes = vec![0xa5; capacity.max(HEADROOM)].into_boxed_slice();
        Self {
            bytes,
            start: HEADROOM,
            end: HEADROOM,
            rest: Vec::new(),
            offload: Offload::NONE,
        }
    }

    /// A buffer that holds a copy of `packet`.
    pub fn from_slice(packet: &[u8]) -> Self {
        let mut buf = Self::with_capacity(DEFAULT_CAPACITY.max(HEADROOM + packet.len()));
        buf.end = buf.start + packet.len();
        buf.data_mut().copy_from_slice(packet);
        buf
    }

    /// A chain of segments that holds a copy of `packet`, `first` bytes of it in
    /// the first one.
    pub fn chain(packet: &[u8], first: usize) -> Self {
        let (head, rest) = packet.split_at_checked(first).unwrap_or((packet, &[]));
        let mut buf = Self::from_slice(head);
        buf.rest = rest.to_vec();
        buf
    }
}

impl PacketBuf for HeapBuf {
    fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn data_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    fn headroom(&self) -> usize {
        self.start
    }

    fn tailroom(&self) -> usize {
        if self.is_contiguous() {
            self.bytes.len() - self.end
        } else {
            0
        }
    }

    fn prepend(&mut self, len: usize) -> Result<(), NoRoom> {
        self.start = self.start.checked_sub(len).ok_or(NoRoom)?;
        Ok(())
    }

    fn trim_front(&mut self, len: usize) -> Result<(), NoRoom> {
        if len > self.data().len() {
            return Err(NoRoom);
        }
        self.start += len;
        Ok(())
    }

    fn append(&mut self, len: usize) -> Result<(), NoRoom> {
        if len > self.tailroom() {
            return Err(NoRoom);
        }
        self.end += len;
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.rest
            .truncate(len.saturating_sub(self.end - self.start));
        self.end = self.end.min(self.start + len);
    }

    fn is_contiguous(&self) -> bool {
        self.rest.is_empty()
    }

    fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), NoRoom> {
        let mut bytes = self.data().iter().chain(&self.rest).skip(offset);
        for byte in into {
            *byte = *bytes.next().ok_or(NoRoom)?;
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.data().len() + self.rest.len()
    }

    fn offload(&self) -> Offload {
        self.offload
    }

    fn set_offload(&mut self, offload: Offload) {
        self.offload = offload;
    }
}

impl core::fmt::Debug for HeapBuf {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut buf = f.debug_tuple("HeapBuf");
        buf.field(&self.data());
        if !self.is_contiguous() {
            buf.field(&self.rest);
        }
        buf.finish()
    }
}

impl PartialEq for HeapBuf {
    fn eq(&self, other: &Self) -> bool {
        (self.data(), &self.rest) == (other.data(), &other.rest)
    }
}

/// Makes heap buffers of one size, where a port has no DPDK pool behind it.
#[derive(Debug, Clone)]
pub struct HeapPool {
    capacity: usize,
}

impl HeapPool {
    /// A pool of buffers with room for packets of `data_room` bytes.
    pub fn new(data_room: usize) -> Self {
        Self {
            capacity: HEADROOM + data_room,
        }
    }
}

impl BufPool for HeapPool {
    type Buf = HeapBuf;

    fn alloc(&mut self) -> Option<HeapBuf> {
        Some(HeapBuf::with_capacity(self.capacity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_and_refused_like_an_mbuf_does() {
        let mut buf = HeapBuf::with_capacity(HEADROOM + 4);
        assert_eq!(
            (buf.headroom(), buf.tailroom(), buf.len()),
            (HEADROOM, 4, 0)
        );
        buf.append(4).unwrap();
        assert_eq!(buf.append(1), Err(NoRoom));
        assert_eq!(buf.prepend(HEADROOM + 1), Err(NoRoom));
        buf.prepend(HEADROOM).unwrap();
        assert_eq!(buf.len(), HEADROOM + 4);
        assert_eq!(buf.trim_front(HEADROOM + 5), Err(NoRoom));
        buf.trim_front(HEADROOM + 1).unwrap();
        buf.truncate(9);
        assert_eq!(buf.len(), 3);
        buf.truncate(2);
        assert_eq!(buf.data(), [0xa5; 2]);
    }
    #[test]
    fn a_chain_has_its_headers_in_front() {
        let mut buf = HeapBuf::chain(b"headers and payload", 7);
        assert!(!buf.is_contiguous());
        assert_eq!((buf.data(), buf.len()), (&b"headers"[..], 19));
        assert_eq!((buf.tailroom(), buf.append(1)), (0, Err(NoRoom)));
        let mut into = [0; 5];
        assert_eq!(buf.read_at(5, &mut into), Ok(()));
        assert_eq!(&into, b"rs an");
        assert_eq!(buf.read_at(15, &mut into), Err(NoRoom));
        assert_eq!(buf.trim_front(8), Err(NoRoom));
        buf.truncate(11);
        assert_eq!((buf.len(), buf.is_contiguous()), (11, false));
        assert_eq!(buf, HeapBuf::chain(b"headers and", 7));
        buf.truncate(6);
        assert_eq!((buf.data(), buf.is_contiguous()), (&b"header"[..], true));
    }
}
