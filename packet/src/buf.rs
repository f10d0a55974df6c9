//! The buffer a packet lives in: bytes with room before and after them.
//!
//! DPDK's mbuf is one ([`PacketBuf`] is implemented for it where DPDK is), and
//! [`crate::HeapBuf`] looks alike for tests, fuzzers and ports without DPDK.

use crate::offload::Offload;

/// A request that the buffer's head or tail room cannot meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the packet buffer has no room for this")]
pub struct NoRoom;

/// Packet bytes with headroom before and tailroom after them.
///
/// Contiguous but for super-frames, which may come as a chain of segments; then
/// the first one holds at least the headers, and [`PacketBuf::data`] is that.
///
/// Nothing here allocates, and nothing panics: what does not fit is [`NoRoom`].
pub trait PacketBuf: Send {
    /// The packet's bytes; of a chain, the first segment's.
    fn data(&self) -> &[u8];

    /// The same, for writing in place.
    fn data_mut(&mut self) -> &mut [u8];

    /// How many bytes can be prepended.
    fn headroom(&self) -> usize;

    /// How many bytes can be appended.
    fn tailroom(&self) -> usize;

    /// Grows the packet at the front by `len` bytes of unspecified content.
    ///
    /// # Errors
    /// [`NoRoom`], and the packet is unchanged, if the headroom is smaller.
    fn prepend(&mut self, len: usize) -> Result<(), NoRoom>;

    /// Removes `len` bytes from the front.
    ///
    /// # Errors
    /// [`NoRoom`], and the packet is unchanged, if it is shorter than `len`.
    fn trim_front(&mut self, len: usize) -> Result<(), NoRoom>;

    /// Grows the packet at the end by `len` bytes of unspecified content.
    ///
    /// # Errors
    /// [`NoRoom`], and the packet is unchanged, if the tailroom is smaller.
    fn append(&mut self, len: usize) -> Result<(), NoRoom>;

    /// Shortens the packet to `len` bytes; longer than it is: no change. Of a
    /// chain, the segments behind that end are given back.
    fn truncate(&mut self, len: usize);

    /// All bytes of the packet are in [`PacketBuf::data`]. False for a chain of
    /// segments, of which the pipeline takes super-frames only.
    fn is_contiguous(&self) -> bool {
        true
    }

    /// Copies the packet's bytes from `offset` on into `into`, over segments.
    ///
    /// # Errors
    /// [`NoRoom`], and `into` is unspecified, if the packet ends before.
    fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), NoRoom> {
        let end = offset.checked_add(into.len()).ok_or(NoRoom)?;
        let bytes = self.data().get(offset..end).ok_or(NoRoom)?;
        into.copy_from_slice(bytes);
        Ok(())
    }

    /// What a device has done for the packet, or is to do.
    fn offload(&self) -> Offload {
        Offload::NONE
    }

    /// Says what a device is to do. The port it goes out of can do it: whoever
    /// decides that has asked.
    fn set_offload(&mut self, offload: Offload);

    /// Asks the processor to fetch the first cache line of the packet.
    fn prefetch(&self) {}

    /// The packet's length in bytes, all segments together.
    fn len(&self) -> usize {
        self.data().len()
    }

    /// Is the packet empty?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where buffers for packets that are made here come from.
pub trait BufPool: Send {
    /// The kind of buffer.
    type Buf: PacketBuf;

    /// An empty buffer with the pool's usual headroom; `None` when the pool is
    /// exhausted.
    fn alloc(&mut self) -> Option<Self::Buf>;

    /// A buffer that holds `bytes`; `None` when the pool is exhausted or the
    /// bytes do not fit one buffer.
    fn alloc_with(&mut self, bytes: &[u8]) -> Option<Self::Buf> {
        let mut buf = self.alloc()?;
        buf.append(bytes.len()).ok()?;
        buf.data_mut().copy_from_slice(bytes);
        Some(buf)
    }
}
