//! One packet in DPDK's memory.

use core::ffi::c_void;
use core::fmt;
use core::ptr::NonNull;

use packet::{NoRoom, PacketBuf};

use crate::sys;

/// A packet buffer taken from a [`crate::Mempool`]; dropping it gives it back.
///
/// Owns the whole chain of segments. What is received contiguous stays so;
/// [`PacketBuf::data`] of a chain is its first segment.
#[repr(transparent)]
pub struct Mbuf(NonNull<sys::rte_mbuf>);

// SAFETY: an mbuf belongs to one owner at a time, and DPDK's pools take back
// buffers from any thread. Nothing in it is bound to the thread that took it.
unsafe impl Send for Mbuf {}

impl Mbuf {
    /// Takes over an mbuf.
    ///
    /// # Safety
    /// `raw` is a valid mbuf with reference count 1, of a pool that is never
    /// freed, and nobody else uses it from now on.
    pub(crate) unsafe fn from_raw(raw: NonNull<sys::rte_mbuf>) -> Self {
        Self(raw)
    }

    /// A pointer to the field at `offset`, which is one of the shim's
    /// `VS_MBUF_*` and whose width the shim has asserted to be `T`'s.
    fn field<T>(&self, offset: sys::vs_mbuf_offset) -> *mut T {
        // Offsets within one mbuf: at most 128.
        self.0
            .as_ptr()
            .cast::<c_void>()
            .wrapping_byte_add(offset as usize)
            .cast()
    }

    fn get<T: Copy>(&self, offset: sys::vs_mbuf_offset) -> T {
        // SAFETY: the pointer is into the mbuf that `self` owns, aligned as C
        // laid the field out, and initialised since the mbuf was allocated.
        unsafe { self.field::<T>(offset).read() }
    }

    fn set<T: Copy>(&mut self, offset: sys::vs_mbuf_offset, value: T) {
        // SAFETY: as in `get`, and `&mut self` makes this the only access.
        unsafe { self.field::<T>(offset).write(value) }
    }

    fn data_off(&self) -> u16 {
        self.get(sys::VS_MBUF_DATA_OFF)
    }

    fn data_len(&self) -> u16 {
        self.get(sys::VS_MBUF_DATA_LEN)
    }

    fn pkt_len(&self) -> u32 {
        self.get(sys::VS_MBUF_PKT_LEN)
    }

    fn buf_len(&self) -> u16 {
        self.get(sys::VS_MBUF_BUF_LEN)
    }

    fn segments(&self) -> u16 {
        self.get(sys::VS_MBUF_NB_SEGS)
    }

    fn start(&self) -> *mut u8 {
        self.get::<*mut u8>(sys::VS_MBUF_BUF_ADDR)
            .wrapping_add(usize::from(self.data_off()))
    }

    /// The number of the port that received it.
    pub fn port(&self) -> u16 {
        self.get(sys::VS_MBUF_PORT)
    }

    /// The bytes of all segments together.
    pub fn packet_len(&self) -> usize {
        self.pkt_len() as usize
    }

    /// Moves the data's start and sets its length; the packet's length follows.
    fn reshape(&mut self, data_off: u16, data_len: u16) {
        let others = self.pkt_len().saturating_sub(u32::from(self.data_len()));
        self.set(sys::VS_MBUF_DATA_OFF, data_off);
        self.set(sys::VS_MBUF_DATA_LEN, data_len);
        self.set(sys::VS_MBUF_PKT_LEN, others + u32::from(data_len));
    }
}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: `self` owns the chain, pools are never freed
        // (`crate::Mempool`), and nobody uses it after this.
        unsafe { sys::vs_mbuf_free(self.0.as_ptr()) }
    }
}

impl PacketBuf for Mbuf {
    fn data(&self) -> &[u8] {
        // SAFETY: `data_off + data_len <= buf_len` holds for what drivers
        // deliver and is kept by `reshape`'s callers, so the range lies in the
        // segment's buffer. Pools are zeroed or written memory, any byte is a
        // valid u8, and `self` is borrowed while the slice lives.
        unsafe { core::slice::from_raw_parts(self.start(), usize::from(self.data_len())) }
    }

    fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `data`; the buffer is not shared (reference count 1,
        // `from_raw`), and `&mut self` makes this the only access.
        unsafe { core::slice::from_raw_parts_mut(self.start(), usize::from(self.data_len())) }
    }

    fn headroom(&self) -> usize {
        usize::from(self.data_off())
    }

    fn tailroom(&self) -> usize {
        if !self.is_contiguous() {
            return 0;
        }
        let end = usize::from(self.data_off()) + usize::from(self.data_len());
        usize::from(self.buf_len()).saturating_sub(end)
    }

    fn prepend(&mut self, len: usize) -> Result<(), NoRoom> {
        let len = u16::try_from(len).map_err(|_| NoRoom)?;
        let data_off = self.data_off().checked_sub(len).ok_or(NoRoom)?;
        let data_len = self.data_len().checked_add(len).ok_or(NoRoom)?;
        self.reshape(data_off, data_len);
        Ok(())
    }

    fn trim_front(&mut self, len: usize) -> Result<(), NoRoom> {
        let len = u16::try_from(len).map_err(|_| NoRoom)?;
        let data_len = self.data_len().checked_sub(len).ok_or(NoRoom)?;
        // No overflow: the sum is at most data_off + the old data_len.
        self.reshape(self.data_off() + len, data_len);
        Ok(())
    }

    fn append(&mut self, len: usize) -> Result<(), NoRoom> {
        if len > self.tailroom() {
            return Err(NoRoom);
        }
        let len = u16::try_from(len).map_err(|_| NoRoom)?;
        // No overflow: it fits the tailroom, and buf_len is 16 bits.
        self.reshape(self.data_off(), self.data_len() + len);
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        if let Ok(len) = u16::try_from(len)
            && len < self.data_len()
        {
            self.reshape(self.data_off(), len);
        }
    }

    fn is_contiguous(&self) -> bool {
        self.segments() == 1
    }

    #[inline]
    fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch is a hint that never faults; SSE is part of
        // x86-64.
        unsafe {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(self.start().cast());
        }
    }
}

impl fmt::Debug for Mbuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mbuf")
            .field("port", &self.port())
            .field("packet_len", &self.packet_len())
            .field("segments", &self.segments())
            .finish()
    }
}
