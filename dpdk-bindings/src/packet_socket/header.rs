//! What a packet socket says of a frame, and is told of one: the header before
//! each frame (`PACKET_VNET_HDR`; virtio 1.2 §5.1.6, in the machine's byte order).

use core::num::NonZeroU16;

use packet::{IpProtocol, Offload, PacketBuf, TransportChecksum};

use super::layout::{Inner, Layout};
use crate::frame::{self, Headers, Transport, Version};
use crate::mbuf::Mbuf;
use crate::offload::{self, Unfit};

/// Its length, in bytes.
pub(super) const LEN: usize = 10;

/// `flags`: the checksum from `start` on belongs at `start + offset`, and is not
/// there yet.
const NEEDS_CSUM: u8 = 1;

const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
/// Besides one of the others: the first segment alone keeps CWR (RFC 3168 §6.1.2).
const GSO_ECN: u8 = 0x80;

/// CWR in the octet of flags of a TCP header.
const TCP_CWR: u8 = 0x80;

/// `struct virtio_net_hdr`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Header {
    flags: u8,
    gso_type: u8,
    /// Headers, in bytes: a hint.
    headers_len: u16,
    gso_size: u16,
    checksum_start: u16,
    checksum_offset: u16,
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Received {
    /// What it looks like.
    Frame,
    /// Several packets, with so many bytes of payload in each but the last.
    Pieces(Layout, NonZeroU16),
}

impl Header {
    pub(super) fn read(bytes: [u8; LEN]) -> Self {
        let [flags, gso_type, a, b, c, d, e, f, g, h] = bytes;
        Self {
            flags,
            gso_type,
            headers_len: u16::from_ne_bytes([a, b]),
            gso_size: u16::from_ne_bytes([c, d]),
            checksum_start: u16::from_ne_bytes([e, f]),
            checksum_offset: u16::from_ne_bytes([g, h]),
        }
    }

    pub(super) fn write(self) -> [u8; LEN] {
        let [a, b] = self.headers_len.to_ne_bytes();
        let [c, d] = self.gso_size.to_ne_bytes();
        let [e, f] = self.checksum_start.to_ne_bytes();
        let [g, h] = self.checksum_offset.to_ne_bytes();
        [self.flags, self.gso_type, a, b, c, d, e, f, g, h]
    }

    /// The same, of a frame that has got `bytes` more before its payload.
    pub(super) fn moved(self, bytes: u16) -> Self {
        Self {
            checksum_start: self.checksum_start.saturating_add(bytes),
            ..self
        }
    }

    /// Marks a received frame with what the header says of it. A checksum that
    /// is left undone, and is none of TCP's or UDP's, is completed here.
    ///
    /// # Errors
    /// [`Unfit`]: a super-frame of something else than TCP and UDP, or inside of
    /// what cannot be cut ([`Layout::tunnel`]); or a checksum field that is not in
    /// the frame.
    #[inline]
    pub(super) fn receive(self, frame: &mut Mbuf) -> Result<Received, Unfit> {
        if self.flags & NEEDS_CSUM == 0 && self.gso_type == GSO_NONE {
            return Ok(Received::Frame);
        }
        self.receive_marked(frame)
    }

    fn receive_marked(self, frame: &mut Mbuf) -> Result<Received, Unfit> {
        let headers = Headers::of(frame.data());
        let is_partial = self.flags & NEEDS_CSUM != 0;
        let (transport, version) = match self.gso_type & !GSO_ECN {
            GSO_NONE if is_partial => return self.receive_partial(frame, headers.as_ref()),
            GSO_TCPV4 => (Transport::Tcp, Some(Version::V4)),
            GSO_TCPV6 => (Transport::Tcp, Some(Version::V6)),
            GSO_UDP_L4 => (Transport::Udp, None),
            _ => return Err(Unfit),
        };
        let size = NonZeroU16::new(self.gso_size).ok_or(Unfit)?;
        // No tunnel is in TCP.
        let is_ours = |headers: &Headers| {
            headers.transport == transport
                && (self.is_of(headers) || !is_partial && transport == Transport::Tcp)
        };
        let Some(headers) = headers.filter(is_ours) else {
            let inner = Inner {
                start: self.checksum_start.into(),
                checksum_offset: self.checksum_offset.into(),
                transport,
                version,
            };
            let layout = Layout::tunnel(frame.data(), frame.packet_len(), inner);
            return Ok(Received::Pieces(layout.ok_or(Unfit)?, size));
        };
        if transport == Transport::Udp {
            let layout = Layout::plain(&headers).ok_or(Unfit)?;
            return Ok(Received::Pieces(layout, size));
        }
        if !is_partial {
            let len = frame.packet_len().saturating_sub(headers.transport_at());
            offload::set_checksum(frame, &headers, len);
        }
        frame.set_offload(Offload {
            transport: TransportChecksum::Partial,
            segment_size: Some(size),
            ..Offload::NONE
        });
        Ok(Received::Frame)
    }

    fn receive_partial(
        self,
        frame: &mut Mbuf,
        headers: Option<&Headers>,
    ) -> Result<Received, Unfit> {
        if headers.is_some_and(|headers| self.is_of(headers)) {
            frame.set_offload(Offload {
                transport: TransportChecksum::Partial,
                ..Offload::NONE
            });
        } else {
            frame.is_contiguous().then_some(()).ok_or(Unfit)?;
            let start = usize::from(self.checksum_start);
            complete(frame.data_mut(), start, self.checksum_offset.into())?;
        }
        Ok(Received::Frame)
    }

    /// Is the checksum that is left undone the transport's?
    fn is_of(self, headers: &Headers) -> bool {
        usize::from(self.checksum_start) == headers.transport_at()
            && usize::from(self.checksum_offset) == headers.checksum_offset()
    }

    /// The header for a frame that is sent as it is marked. Linux wants the sum
    /// of a super-frame's pseudo-header with its whole length, and that is put
    /// there.
    ///
    /// # Errors
    /// [`Unfit`]: what is left undone is not TCP's or UDP's.
    #[inline]
    pub(super) fn transmit(frame: &mut Mbuf) -> Result<Self, Unfit> {
        let offload = frame.offload();
        if offload.transport == TransportChecksum::Complete {
            return Ok(Self::default());
        }
        let headers = Headers::of(frame.data()).ok_or(Unfit)?;
        let word = |len: usize| u16::try_from(len).map_err(|_| Unfit);
        let mut header = Self {
            flags: NEEDS_CSUM,
            checksum_start: word(headers.transport_at())?,
            checksum_offset: word(headers.checksum_offset())?,
            ..Self::default()
        };
        let payload = frame.packet_len().saturating_sub(headers.payload_at());
        let size = offload.segment_size.map_or(0, NonZeroU16::get);
        if size == 0 || payload <= usize::from(size) {
            return Ok(header);
        }
        header.gso_type = match (headers.transport, headers.version) {
            (Transport::Tcp, Version::V4) => GSO_TCPV4,
            (Transport::Tcp, Version::V6) => GSO_TCPV6,
            (Transport::Udp, _) => return Err(Unfit),
        };
        let tcp_flags = frame.data().get(headers.transport_at() + 13);
        if tcp_flags.is_some_and(|flags| flags & TCP_CWR != 0) {
            header.gso_type |= GSO_ECN;
        }
        header.gso_size = size;
        header.headers_len = word(headers.payload_at())?;
        let len = frame.packet_len().saturating_sub(headers.transport_at());
        offload::set_checksum(frame, &headers, len);
        Ok(header)
    }
}

/// Does what the sender left undone: the checksum from `start` on, which belongs
/// `at` bytes behind. An inner one of a tunnel, or SCTP's.
#[cold]
fn complete(bytes: &mut [u8], start: usize, at: usize) -> Result<(), Unfit> {
    let is_sctp = at == SCTP_CHECKSUM && protocol(bytes, start) == Some(IpProtocol::SCTP);
    let covered = bytes.get_mut(start..).ok_or(Unfit)?;
    if is_sctp {
        let field = at..at + 4;
        covered.get_mut(field.clone()).ok_or(Unfit)?.fill(0);
        let sum = crc32c(covered).to_le_bytes();
        covered.get_mut(field).ok_or(Unfit)?.copy_from_slice(&sum);
        return Ok(());
    }
    frame::complete(covered, at).ok_or(Unfit)
}

/// Where an SCTP packet has its checksum, in bytes (RFC 9260 §3.1).
const SCTP_CHECKSUM: usize = 8;

/// The protocol of a frame whose IP payload begins at `start`, of an IPv4 or IPv6
/// header without options before it.
fn protocol(frame: &[u8], start: usize) -> Option<IpProtocol> {
    let of = |header: usize, version: u8, field: usize| {
        let ip = frame.get(start.checked_sub(header)?..)?;
        (ip.first()? >> 4 == version).then_some(())?;
        ip.get(field).copied().map(IpProtocol)
    };
    of(20, 4, 9).or_else(|| of(40, 6, 6))
}

/// CRC-32C (RFC 9260 appendix A), a bit at a time: rare packets.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
    let sum = bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc))
    });
    !sum
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_what_its_bytes_say() {
        let header = Header {
            flags: 1,
            gso_type: 4,
            headers_len: 0x0102,
            gso_size: 0x0304,
            checksum_start: 0x0506,
            checksum_offset: 0x0708,
        };
        assert_eq!(Header::read(header.write()), header);
    }

    #[test]
    fn what_is_neither_tcps_nor_udps_is_completed() {
        let mac = packet::MacAddr::new([2; 6]);
        let ipv4 = packet::build::Frame::between(mac, mac).ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
        let whole = ipv4.udp(1, 2, b"an inner packet");
        let mut sctp = whole.clone();
        sctp[14 + 9] = IpProtocol::SCTP.0;
        assert_eq!(complete(&mut sctp, 34, 8), Ok(()));
        let got = sctp[42..46].to_vec();
        sctp[42..46].fill(0);
        assert_eq!(crc32c(&sctp[34..]).to_le_bytes(), got[..]);

        // UDP is any protocol here, with the sum of its pseudo-header in place.
        let mut inner = whole.clone();
        let headers = Headers::of(&inner).unwrap();
        let sum = headers.pseudo_header(&inner, inner.len() - 34);
        inner[40..42].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(complete(&mut inner, 34, 6), Ok(()));
        assert_eq!(inner, whole);
        assert_eq!(complete(&mut inner, 34, whole.len()), Err(Unfit));
        assert_eq!(complete(&mut inner, whole.len() + 1, 0), Err(Unfit));
    }

    #[test]
    fn the_sctp_checksum_is_castagnolis() {
        // The check value of the CRC catalogues.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }
}
