//! What a device has done for a packet, and what it is to do: [`Offload`] in an
//! mbuf's flags.
//!
//! Between the ports an mbuf speaks the words of *reception*, whichever way it
//! came to be there: header checksum good or bad, transport checksum "none"
//! (partial), and a super-frame with its segment size. [`receive`] lets only
//! those of them in that this driver means so, and [`prepare`] turns them into
//! words of *transmission* at the last moment, when the headers are final. So
//! nothing that a frame went through on its way can leave a stale flag, and a
//! frame without flags costs one comparison.
//!
//! What a driver wants in the checksum field: for a partial checksum the sum of
//! the pseudo-header, as [`TransportChecksum::Partial`] has it; for a super-frame
//! that sum *without the length* (`RTE_MBUF_F_TX_TCP_SEG`), because each segment
//! has its own. Linux wants it with the length ([`crate::packet_socket`] gives it
//! that). It is computed anew here, so what was in the field does not matter.
//! Drivers whose devices want yet another thing change it in their own
//! `tx_pkt_prepare`, which [`crate::TxQueue`] calls.
//!
//! The vhost driver, too, makes it one without the length, where the guest's
//! Linux expects one with: it would send wrong checksums if it routes the
//! super-frame on and cuts it in software. The driver leaves alone what it does
//! not find in the first segment; so there the IP header ends one.

use core::num::NonZeroU16;

use packet::{HeaderChecksum, Offload, PacketBuf, TransportChecksum};

use crate::frame::{Headers, Transport, Version};
use crate::mbuf::Mbuf;
use crate::sys;

/// Whose memory a buffer is: never ours to change.
const MEMORY: u64 = sys::VS_BUF_EXTERNAL | sys::VS_BUF_INDIRECT;

/// Words of transmission: the packet was prepared already.
const PREPARED: u64 = sys::VS_TX_L4_MASK | sys::VS_TX_TCP_SEG;

/// A segment size is 16 bits of `tx_offload`.
const SEGMENT_SIZE_MASK: u64 = 0xffff;

/// Which words of its driver a port believes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Trusted {
    /// What it found of IPv4 headers' checksums.
    pub(crate) header_checksum: bool,
    /// "No checksum" means a partial one, and there may be super-frames.
    pub(crate) partial: bool,
}

/// What a port's sending side takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Taken {
    /// Partial checksums.
    pub(crate) checksum: bool,
    /// Super-frames, also as chains of segments.
    pub(crate) segmentation: bool,
    /// They go to a guest's kernel as they are.
    pub(crate) by_guest: bool,
}

/// A frame that came in, or is to go out, cannot be what its flags say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unfit;

/// See [`PacketBuf::offload`].
#[inline]
pub(crate) fn read(mbuf: &Mbuf) -> Offload {
    let flags = mbuf.flags();
    if flags == 0 {
        return Offload::NONE;
    }
    let ipv4_header = match flags & sys::VS_RX_IP_CKSUM_MASK {
        sys::VS_RX_IP_CKSUM_GOOD => HeaderChecksum::Good,
        sys::VS_RX_IP_CKSUM_BAD => HeaderChecksum::Bad,
        _ => HeaderChecksum::Unverified,
    };
    let transport = match flags & sys::VS_RX_L4_CKSUM_MASK {
        sys::VS_RX_L4_CKSUM_NONE => TransportChecksum::Partial,
        _ => TransportChecksum::Complete,
    };
    let segment_size = if flags & sys::VS_RX_LRO == 0 {
        None
    } else {
        segment_size(mbuf)
    };
    Offload {
        transport,
        ipv4_header,
        segment_size,
    }
}

/// See [`PacketBuf::set_offload`].
#[inline]
pub(crate) fn write(mbuf: &mut Mbuf, offload: Offload) {
    let mut flags = mbuf.flags() & MEMORY;
    flags |= match offload.ipv4_header {
        HeaderChecksum::Unverified => 0,
        HeaderChecksum::Good => sys::VS_RX_IP_CKSUM_GOOD,
        HeaderChecksum::Bad => sys::VS_RX_IP_CKSUM_BAD,
    };
    flags |= match offload.transport {
        TransportChecksum::Complete => 0,
        TransportChecksum::Partial => sys::VS_RX_L4_CKSUM_NONE,
    };
    if let Some(size) = offload.segment_size {
        flags |= sys::VS_RX_LRO;
        mbuf.set_tx_offload(u64::from(size.get()) << sys::VS_SEGMENT_SIZE_SHIFT);
    }
    mbuf.set_flags(flags);
}

fn segment_size(mbuf: &Mbuf) -> Option<NonZeroU16> {
    let size = mbuf.tx_offload() >> sys::VS_SEGMENT_SIZE_SHIFT & SEGMENT_SIZE_MASK;
    u16::try_from(size).ok().and_then(NonZeroU16::new)
}

/// Makes what a driver delivered say what it means, and nothing else. A chain
/// that fits one buffer becomes one.
///
/// # Errors
/// [`Unfit`]: a super-frame of something else than TCP, which nobody here could
/// cut.
#[inline]
pub(crate) fn receive(mbuf: &mut Mbuf, trusted: Trusted) -> Result<(), Unfit> {
    if mbuf.flags() & !MEMORY == 0 && mbuf.is_contiguous() {
        return Ok(());
    }
    received_marked(mbuf, trusted)
}

fn received_marked(mbuf: &mut Mbuf, trusted: Trusted) -> Result<(), Unfit> {
    let said = read(mbuf);
    let mut means = Offload::NONE;
    if trusted.header_checksum {
        means.ipv4_header = said.ipv4_header;
    }
    if trusted.partial && said.transport == TransportChecksum::Partial {
        let transport = Headers::of(mbuf.data()).map(|headers| headers.transport);
        if transport.is_some() {
            means.transport = TransportChecksum::Partial;
        }
        if said.segment_size.is_some() {
            if transport != Some(Transport::Tcp) {
                return Err(Unfit);
            }
            means.segment_size = said.segment_size;
        }
    }
    write(mbuf, means);
    if means.segment_size.is_none() && !mbuf.is_contiguous() {
        // Too long for a buffer: it stays a chain, which is dropped later with
        // its reason.
        let _ = mbuf.linearize();
    }
    Ok(())
}

/// Readies a packet for a driver: header lengths and flags of transmission for
/// what is left to do, no flag for anything else.
///
/// # Errors
/// [`Unfit`]: the port cannot do it, or the frame is not what it should be.
#[inline]
pub(crate) fn prepare(mbuf: &mut Mbuf, taken: Taken) -> Result<Prepared, Unfit> {
    if mbuf.flags() & !MEMORY == 0 && mbuf.is_contiguous() {
        return Ok(Prepared::Plain);
    }
    prepare_marked(mbuf, taken)
}

/// Is there anything to do for the driver?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Prepared {
    /// No.
    Plain,
    /// Yes.
    Marked,
}

fn prepare_marked(mbuf: &mut Mbuf, taken: Taken) -> Result<Prepared, Unfit> {
    if mbuf.flags() & PREPARED != 0 {
        // The port did not take it the first time.
        return Ok(Prepared::Marked);
    }
    if !mbuf.is_contiguous() && !taken.segmentation {
        mbuf.linearize().map_err(|_| Unfit)?;
    }
    let offload = read(mbuf);
    let memory = mbuf.flags() & MEMORY;
    if offload.transport == TransportChecksum::Complete {
        mbuf.set_flags(memory);
        return Ok(Prepared::Plain);
    }
    if !taken.checksum {
        return Err(Unfit);
    }
    let headers = Headers::of(mbuf.data()).ok_or(Unfit)?;
    let payload = mbuf.packet_len().saturating_sub(headers.payload_at());
    // What is one segment already needs no cutting; some devices stumble there.
    let segment_size = offload
        .segment_size
        .filter(|size| payload > usize::from(size.get()));
    if segment_size.is_some() && !(taken.segmentation && headers.transport == Transport::Tcp) {
        return Err(Unfit);
    }

    let mut flags = memory;
    flags |= match headers.version {
        Version::V4 => sys::VS_TX_IPV4,
        Version::V6 => sys::VS_TX_IPV6,
    };
    flags |= match headers.transport {
        Transport::Tcp => sys::VS_TX_TCP_CKSUM,
        Transport::Udp => sys::VS_TX_UDP_CKSUM,
    };
    let mut lengths = u64::from(headers.link_len) << sys::VS_L2_LEN_SHIFT
        | u64::from(headers.network_len) << sys::VS_L3_LEN_SHIFT
        | u64::from(headers.transport_len) << sys::VS_L4_LEN_SHIFT;
    if let Some(size) = segment_size {
        flags |= sys::VS_TX_TCP_SEG;
        lengths |= u64::from(size.get()) << sys::VS_SEGMENT_SIZE_SHIFT;
        if taken.by_guest {
            let len = mbuf.packet_len().saturating_sub(headers.transport_at());
            set_checksum(mbuf, &headers, len);
            mbuf.split_front(headers.transport_at())
                .map_err(|_| Unfit)?;
        } else {
            if headers.version == Version::V4 {
                flags |= sys::VS_TX_IP_CKSUM;
            }
            set_checksum(mbuf, &headers, 0);
        }
    }
    mbuf.set_tx_offload(lengths);
    mbuf.set_flags(flags);
    Ok(Prepared::Marked)
}

/// Writes the sum of the pseudo-header with `len` into the checksum field.
pub(crate) fn set_checksum(mbuf: &mut Mbuf, headers: &Headers, len: usize) {
    let sum = headers.pseudo_header(mbuf.data(), len);
    let at = headers.transport_at() + headers.checksum_offset();
    if let Some(field) = mbuf.data_mut().get_mut(at..at + 2) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}
