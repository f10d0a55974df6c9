//! One packet in DPDK's memory.

use core::ffi::c_void;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use packet::{NoRoom, Offload, PacketBuf};

use crate::offload;
use crate::sys;

/// A packet buffer taken from a [`crate::Mempool`]; dropping it gives it back.
///
/// Owns the whole chain of segments: [`PacketBuf::data`] of a chain is its first
/// one, at whose front and only there it grows and shrinks. It has no tail room.
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

    /// The mbuf, for DPDK's functions.
    pub(crate) fn as_ptr(&self) -> *mut sys::rte_mbuf {
        self.0.as_ptr()
    }

    fn get<T: Copy>(&self, offset: sys::vs_mbuf_offset) -> T {
        self.segment().get(offset)
    }

    fn set<T: Copy>(&mut self, offset: sys::vs_mbuf_offset, value: T) {
        self.segment().set(offset, value);
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
        self.segment().start()
    }

    /// The number of the port that received it.
    pub fn port(&self) -> u16 {
        self.get(sys::VS_MBUF_PORT)
    }

    /// The bytes of all segments together.
    pub fn packet_len(&self) -> usize {
        self.pkt_len() as usize
    }

    /// The flags of what was or is to be done (`RTE_MBUF_F_*`).
    pub(crate) fn flags(&self) -> u64 {
        self.get(sys::VS_MBUF_OL_FLAGS)
    }

    pub(crate) fn set_flags(&mut self, flags: u64) {
        self.set(sys::VS_MBUF_OL_FLAGS, flags);
    }

    /// Header lengths and segment size, as `VS_*_SHIFT` place them.
    pub(crate) fn tx_offload(&self) -> u64 {
        self.get(sys::VS_MBUF_TX_OFFLOAD)
    }

    pub(crate) fn set_tx_offload(&mut self, value: u64) {
        self.set(sys::VS_MBUF_TX_OFFLOAD, value);
    }

    /// Where [`PacketBuf::append`] would append, and how many bytes it could.
    pub(crate) fn spare(&mut self) -> (*mut u8, usize) {
        let end = self.start().wrapping_add(usize::from(self.data_len()));
        (end, self.tailroom())
    }

    /// The bytes of each segment, in order; at least one.
    pub fn chunks(&self) -> Chunks<'_> {
        Chunks {
            next: Some(self.segment()),
            packet: PhantomData,
        }
    }

    fn segment(&self) -> Segment {
        Segment(self.0)
    }

    /// Moves a chain's bytes together, into its first segment.
    ///
    /// # Errors
    /// [`NoRoom`], and the packet is unchanged, if they do not fit there.
    pub fn linearize(&mut self) -> Result<(), NoRoom> {
        // SAFETY: `self` owns the chain; its segments are not shared.
        match unsafe { sys::vs_mbuf_linearize(self.as_ptr()) } {
            0 => Ok(()),
            _ => Err(NoRoom),
        }
    }

    /// Chains the segments of `tail` behind those of this packet.
    ///
    /// # Errors
    /// [`NoRoom`], and this packet is unchanged and `tail` gone, if a chain cannot
    /// have so many.
    pub fn chain(&mut self, tail: Self) -> Result<(), NoRoom> {
        let segments = self.segments().checked_add(tail.segments()).ok_or(NoRoom)?;
        let len = self.pkt_len().checked_add(tail.pkt_len()).ok_or(NoRoom)?;
        self.set(sys::VS_MBUF_NB_SEGS, segments);
        self.set(sys::VS_MBUF_PKT_LEN, len);
        let tail = ManuallyDrop::new(tail);
        self.last().set_next(Some(tail.segment()));
        Ok(())
    }

    /// Moves the first `len` bytes into a segment of their own.
    ///
    /// # Errors
    /// [`NoRoom`] if the first segment has fewer, or the pool is dry; the packet
    /// is unchanged.
    pub(crate) fn split_front(&mut self, len: usize) -> Result<(), NoRoom> {
        // SAFETY: a valid mbuf, of a pool that is never freed; the result is null
        // or an mbuf that is ours alone.
        let mut front = unsafe {
            let raw = NonNull::new(sys::vs_mbuf_alloc_beside(self.as_ptr())).ok_or(NoRoom)?;
            Self::from_raw(raw)
        };
        front.append(len)?;
        let bytes = self.data().get(..len).ok_or(NoRoom)?;
        front.data_mut().copy_from_slice(bytes);
        self.trim_front(len)?;
        let back = core::mem::replace(self, front);
        self.chain(back)
    }

    fn last(&self) -> Segment {
        let mut last = self.segment();
        while let Some(next) = last.next() {
            last = next;
        }
        last
    }

    /// Ends the chain within `end`, which is its segment number `at` (from 1),
    /// after `keep` of its bytes.
    fn cut(&mut self, end: Segment, at: u16, keep: u16, packet_len: u32) {
        end.set(sys::VS_MBUF_DATA_LEN, keep);
        self.set(sys::VS_MBUF_NB_SEGS, at);
        self.set(sys::VS_MBUF_PKT_LEN, packet_len);
        if let Some(rest) = end.next() {
            end.set_next(None);
            // SAFETY: cut off the chain that `self` owns, so ours alone; its
            // first segment is made a packet again when it is given back.
            unsafe { sys::vs_mbuf_free(rest.0.as_ptr()) }
        }
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
        let Ok(packet_len) = u32::try_from(len) else {
            return;
        };
        if packet_len >= self.pkt_len() {
            return;
        }
        let mut left = packet_len;
        let mut segment = self.segment();
        for at in 1.. {
            let has = u32::from(segment.data_len());
            let keep = u16::try_from(left.min(has)).unwrap_or(u16::MAX);
            left -= u32::from(keep);
            match segment.next() {
                Some(next) if left > 0 => segment = next,
                _ => return self.cut(segment, at, keep, packet_len),
            }
        }
    }

    fn is_contiguous(&self) -> bool {
        self.segments() == 1
    }

    fn len(&self) -> usize {
        self.packet_len()
    }

    fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), NoRoom> {
        let (mut skip, mut into) = (offset, into);
        for chunk in self.chunks() {
            let Some(bytes) = chunk.get(skip..) else {
                skip -= chunk.len();
                continue;
            };
            skip = 0;
            let (now, later) = into.split_at_mut(bytes.len().min(into.len()));
            now.copy_from_slice(bytes.get(..now.len()).unwrap_or_default());
            into = later;
            if into.is_empty() {
                return Ok(());
            }
        }
        Err(NoRoom)
    }

    #[inline]
    fn offload(&self) -> Offload {
        offload::read(self)
    }

    #[inline]
    fn set_offload(&mut self, offload: Offload) {
        offload::write(self, offload);
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

/// One segment of a chain that somebody owns.
#[derive(Clone, Copy)]
struct Segment(NonNull<sys::rte_mbuf>);

impl Segment {
    /// A pointer to the field at `offset`, which is one of the shim's
    /// `VS_MBUF_*` and whose width the shim has asserted to be `T`'s.
    fn field<T>(self, offset: sys::vs_mbuf_offset) -> *mut T {
        // Offsets within one mbuf: at most 128.
        self.0
            .as_ptr()
            .cast::<c_void>()
            .wrapping_byte_add(offset as usize)
            .cast()
    }

    fn get<T: Copy>(self, offset: sys::vs_mbuf_offset) -> T {
        // SAFETY: segments are made of a chain whose owner is borrowed while
        // they are used (this module), so the pointer is into a living mbuf,
        // aligned as C laid the field out, and initialised since the mbuf was
        // allocated.
        unsafe { self.field::<T>(offset).read() }
    }

    /// For methods of the chain's owner that have it for writing.
    fn set<T: Copy>(self, offset: sys::vs_mbuf_offset, value: T) {
        // SAFETY: as in `get`, and with `&mut Mbuf` this is the only access.
        unsafe { self.field::<T>(offset).write(value) }
    }

    fn data_len(self) -> u16 {
        self.get(sys::VS_MBUF_DATA_LEN)
    }

    fn start(self) -> *mut u8 {
        self.get::<*mut u8>(sys::VS_MBUF_BUF_ADDR)
            .wrapping_add(usize::from(self.get::<u16>(sys::VS_MBUF_DATA_OFF)))
    }

    fn next(self) -> Option<Self> {
        NonNull::new(self.get(sys::VS_MBUF_NEXT)).map(Self)
    }

    fn set_next(self, next: Option<Self>) {
        let next = next.map_or(core::ptr::null_mut(), |next| next.0.as_ptr());
        self.set(sys::VS_MBUF_NEXT, next);
    }
}

/// The bytes of a packet, segment by segment ([`Mbuf::chunks`]).
pub struct Chunks<'packet> {
    next: Option<Segment>,
    packet: PhantomData<&'packet Mbuf>,
}

impl<'packet> Iterator for Chunks<'packet> {
    type Item = &'packet [u8];

    fn next(&mut self) -> Option<&'packet [u8]> {
        let segment = self.next?;
        self.next = segment.next();
        // SAFETY: as in `Mbuf::data`; the chain's owner is borrowed for
        // `'packet`.
        Some(unsafe {
            core::slice::from_raw_parts(segment.start(), usize::from(segment.data_len()))
        })
    }
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").finish_non_exhaustive()
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
