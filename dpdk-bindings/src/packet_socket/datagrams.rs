//! A UDP super-frame, cut: what a sender hands to its kernel with `UDP_SEGMENT`.
//!
//! No other device here takes one, so it ends where it comes in: as the datagrams
//! that it stands for, each with a partial checksum.

use core::num::NonZeroU16;

use packet::{BufPool, Offload, PacketBuf, TransportChecksum, checksum};

use crate::frame::{Headers, Transport, Version};
use crate::mbuf::Mbuf;
use crate::mempool::Mempool;
use crate::offload::{self, Unfit};

/// Datagrams of one super-frame, at most: many more than any kernel makes, whose
/// bound is 128.
const MOST: usize = 1024;

/// A super-frame, of which datagrams are left.
pub(super) struct Datagrams {
    frame: Mbuf,
    headers: Headers,
    /// Bytes of payload in each but the last.
    size: usize,
    /// Where the next one's payload begins in the frame.
    at: usize,
    /// How many there were.
    number: u16,
}

impl Datagrams {
    /// Of a super-frame of datagrams with `size` bytes of payload.
    ///
    /// # Errors
    /// [`Unfit`]: it is none of UDP, or of too many datagrams.
    pub(super) fn of(frame: Mbuf, size: NonZeroU16) -> Result<Self, Unfit> {
        let udp = |headers: &Headers| headers.transport == Transport::Udp;
        let headers = Headers::of(frame.data()).filter(udp).ok_or(Unfit)?;
        let payload = frame.len().saturating_sub(headers.payload_at());
        (payload.div_ceil(size.get().into()) <= MOST)
            .then_some(())
            .ok_or(Unfit)?;
        Ok(Self {
            at: headers.payload_at(),
            frame,
            headers,
            size: size.get().into(),
            number: 0,
        })
    }

    /// Is none left?
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.frame.len()
    }

    /// The next one; `None` if the pool is dry or it does not fit a buffer, and
    /// then it is lost.
    pub(super) fn next(&mut self, pool: &mut Mempool) -> Option<Mbuf> {
        let payload = self.at..self.frame.len().min(self.at + self.size);
        let number = self.number;
        self.at = payload.end;
        self.number += 1;

        let head = self.headers.payload_at();
        let mut datagram = pool.alloc()?;
        datagram.append(head + payload.len()).ok()?;
        let (front, back) = datagram.data_mut().split_at_mut_checked(head)?;
        self.frame.read_at(0, front).ok()?;
        self.frame.read_at(payload.start, back).ok()?;
        self.set_lengths(front, back.len(), number)?;
        let len = usize::from(self.headers.transport_len) + back.len();
        offload::set_checksum(&mut datagram, &self.headers, len);
        datagram.set_offload(Offload {
            transport: TransportChecksum::Partial,
            ..Offload::NONE
        });
        Some(datagram)
    }

    /// Lengths, and of IPv4 the id and the header's checksum, of datagram `number`.
    fn set_lengths(&self, headers: &mut [u8], payload: usize, number: u16) -> Option<()> {
        let transport = usize::from(self.headers.transport_len) + payload;
        let transport_len = u16::try_from(transport).ok()?;
        let network = usize::from(self.headers.network_len);
        let (before, udp) = headers.split_at_mut_checked(self.headers.transport_at())?;
        udp.get_mut(4..6)?
            .copy_from_slice(&transport_len.to_be_bytes());
        let ip = before.get_mut(usize::from(self.headers.link_len)..)?;
        match self.headers.version {
            Version::V4 => {
                let total = u16::try_from(network + transport).ok()?;
                ip.get_mut(2..4)?.copy_from_slice(&total.to_be_bytes());
                let id = ip.get_mut(4..6)?;
                let first = u16::from_be_bytes(id.try_into().ok()?);
                id.copy_from_slice(&first.wrapping_add(number).to_be_bytes());
                ip.get_mut(10..12)?.fill(0);
                let sum = checksum::of(ip).to_be_bytes();
                ip.get_mut(10..12)?.copy_from_slice(&sum);
            }
            Version::V6 => {
                // Of what follows the fixed header.
                let total = u16::try_from(network - 40 + transport).ok()?;
                ip.get_mut(4..6)?.copy_from_slice(&total.to_be_bytes());
            }
        }
        Some(())
    }
}
