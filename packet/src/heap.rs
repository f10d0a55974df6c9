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
        self.bytes.len() - self.end
    }

    fn prepend(&mut self, len: usize) -> Result<(), NoRoom> {
        self.start = self.start.checked_sub(len).ok_or(NoRoom)?;
        Ok(())
    }

    fn trim_front(&mut self, len: usize) -> Result<(), NoRoom> {
        if len > self.len() {
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
        self.end = self.end.min(self.start + len);
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
        f.debug_tuple("HeapBuf").field(&self.data()).finish()
    }
}

impl PartialEq for HeapBuf {
    fn eq(&self, other: &Self) -> bool {
        self.data() == other.data()
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
}
