//! TCP segmentation in software, of a super-frame whose port cannot: what the
//! sender's device would have put on the wire (RFC 9293 §3.7).

use core::num::NonZeroU16;

use packet::checksum::{Sum, pseudo_header_v6};
use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::change_header;
use packet::{Fragment, IpProtocol, PacketBuf};

use super::fragments::{fill, header};
use crate::pipeline::batch::IpTuple;
use crate::pipeline::verdict::DropReason;

/// A TCP header without options, in bytes.
const TCP_LEN: usize = 20;
const SEQUENCE: usize = 4;
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const CHECKSUM: usize = 16;

/// Only the last segment ends something, only the first says that the window
/// was reduced (RFC 3168 §6.1.2).
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// How a super-frame is cut.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// IPv4's header, in bytes.
    ip_len: usize,
    /// TCP's.
    tcp_len: usize,
    /// What is behind both.
    payload_len: usize,
    /// Of that in each segment but the last.
    chunk: usize,
}

impl Plan {
    /// A plan for the super-frame of `total_len` bytes that begins with the bare
    /// frame `first`, with so many bytes of payload in each segment.
    ///
    /// # Errors
    /// `super-frame-malformed`: it is not a whole TCP packet with its headers in
    /// `first`.
    pub fn of(
        first: &[u8],
        ip: &IpTuple,
        total_len: usize,
        payload: NonZeroU16,
    ) -> Result<Self, DropReason> {
        let malformed = DropReason::SuperFrameMalformed;
        let ip_len = usize::from(ip.header_len);
        let tcp = first.get(ETHERNET_LEN + ip_len..).ok_or(malformed)?;
        let tcp_len = usize::from(*tcp.get(DATA_OFFSET).ok_or(malformed)? >> 4) * 4;
        let payload_len = usize::from(ip.len)
            .checked_sub(ip_len + tcp_len)
            .ok_or(malformed)?;
        let plan = Self {
            ip_len,
            tcp_len,
            payload_len,
            chunk: usize::from(payload.get()),
        };
        let is_tcp = ip.protocol == IpProtocol::TCP && !ip.fragment.is_fragment();
        let is_there = tcp_len >= TCP_LEN
            && tcp.len() >= tcp_len
            && total_len >= ETHERNET_LEN + usize::from(ip.len);
        if is_tcp && is_there {
            Ok(plan)
        } else {
            Err(malformed)
        }
    }

    /// How many segments.
    pub fn count(&self) -> usize {
        self.payload_len.div_ceil(self.chunk).max(1)
    }

    /// IPv4's and TCP's header together, in bytes.
    pub fn headers_len(&self) -> usize {
        self.ip_len + self.tcp_len
    }

    /// The length of the longest segment's IPv4 packet, in bytes.
    pub fn segment_len(&self) -> usize {
        self.ip_len + self.tcp_len + self.chunk.min(self.payload_len)
    }

    /// Writes the `at`th segment into an empty buffer, as a bare frame with right
    /// checksums.
    ///
    /// # Errors
    /// `no-buffer`: it does not fit the buffer.
    pub fn write<B: PacketBuf>(
        &self,
        frame: &B,
        at: usize,
        piece: &mut B,
    ) -> Result<(), DropReason> {
        let headers_len = ETHERNET_LEN + self.ip_len + self.tcp_len;
        let headers = frame.data().get(..headers_len);
        fill(piece, &[headers.ok_or(DropReason::SuperFrameMalformed)?])?;
        let from = at * self.chunk;
        let len = self.chunk.min(self.payload_len.saturating_sub(from));
        piece.append(len).map_err(|_| DropReason::NoBuffer)?;
        let payload = piece.data_mut().get_mut(headers_len..);
        frame
            .read_at(headers_len + from, payload.unwrap_or_default())
            .map_err(|_| DropReason::SuperFrameMalformed)?;
        self.write_headers(at, len, piece.data_mut())
            .ok_or(DropReason::SuperFrameMalformed)
    }

    fn write_headers(&self, at: usize, payload: usize, frame: &mut [u8]) -> Option<()> {
        let tcp_len = u16::try_from(self.tcp_len + payload).ok()?;
        let number = u16::try_from(at).ok()?;
        change_header(frame.get_mut(ETHERNET_LEN..)?, |ip| {
            ip.set_piece(Fragment::WHOLE, tcp_len);
            // Each is a datagram of its own.
            ip.set_identification(ip.identification().wrapping_add(number));
        })?;
        let addresses = header(frame)?.address_sum();

        let tcp = frame.get_mut(ETHERNET_LEN + self.ip_len..)?;
        let sequence = tcp.get_mut(SEQUENCE..)?.first_chunk_mut::<4>()?;
        let first = u32::from_be_bytes(*sequence);
        let offset = u32::try_from(at * self.chunk).ok()?;
        *sequence = first.wrapping_add(offset).to_be_bytes();
        let flags = tcp.get_mut(FLAGS)?;
        if at + 1 < self.count() {
            *flags &= !(FIN | PSH);
        }
        if at > 0 {
            *flags &= !CWR;
        }
        *tcp.get_mut(CHECKSUM..)?.first_chunk_mut::<2>()? = [0; 2];
        // IPv4's pseudo-header sums to the same as IPv6's.
        let pseudo = pseudo_header_v6(addresses, u32::from(tcp_len), IpProtocol::TCP);
        let sum = pseudo.and(Sum::of(tcp)).checksum();
        *tcp.get_mut(CHECKSUM..)?.first_chunk_mut::<2>()? = sum.to_be_bytes();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use packet::build::{Frame, Payload};
    use packet::{HeapBuf, MacAddr, VirtualAddr};

    use super::*;

    fn tuple(len: u16) -> IpTuple {
        IpTuple {
            source: VirtualAddr::from_bits(0x0101_0101),
            destination: VirtualAddr::from_bits(0x0202_0202),
            protocol: IpProtocol::TCP,
            ports: (5000, 80),
            fragment: Fragment::WHOLE,
            dont_fragment: true,
            header_len: 20,
            len,
        }
    }

    fn segment(id: u16, sequence: u32, flags: u8, data: &[u8]) -> Vec<u8> {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
        let ip = Frame::between(mac, mac).ipv4([1; 4], [2; 4]).id(id);
        let tcp = Payload::tcp(5000, 80, sequence, flags, data);
        ip.dont_fragment().carrying(tcp)
    }

    fn cut(frame: &[u8], payload: u16) -> Vec<Vec<u8>> {
        let buf = HeapBuf::from_slice(frame);
        let ip = tuple(u16::try_from(frame.len() - 14).unwrap());
        let payload = NonZeroU16::new(payload).unwrap();
        let plan = Plan::of(frame, &ip, frame.len(), payload).unwrap();
        let piece = |at| {
            let mut piece = HeapBuf::from_slice(&[]);
            plan.write(&buf, at, &mut piece).unwrap();
            piece.data().to_vec()
        };
        (0..plan.count()).map(piece).collect()
    }

    #[test]
    fn segments_are_what_the_sender_would_have_sent_one_by_one() {
        let data: Vec<u8> = (0..250).collect();
        let all = FIN | PSH | CWR | 0x10;
        let pieces = cut(&segment(0xffff, u32::MAX - 50, all, &data), 100);
        let expected = [
            segment(0xffff, u32::MAX - 50, CWR | 0x10, &data[..100]),
            segment(0, 49, 0x10, &data[100..200]),
            segment(1, 149, FIN | PSH | 0x10, &data[200..]),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn what_fits_one_segment_is_one() {
        let whole = segment(3, 9, PSH, b"short");
        assert_eq!(cut(&whole, 100), [whole]);
    }

    #[test]
    fn what_is_not_whole_tcp_is_refused() {
        let frame = segment(3, 9, PSH, &[0; 300]);
        let one = NonZeroU16::new(100).unwrap();
        let plan = |ip: IpTuple, frame: &[u8], payload| Plan::of(frame, &ip, frame.len(), payload);
        assert!(plan(tuple(340), &frame, one).is_ok());
        let udp = IpTuple {
            protocol: IpProtocol::UDP,
            ..tuple(340)
        };
        assert!(plan(udp, &frame, one).is_err());
        let fragment = IpTuple {
            fragment: Fragment::new(0, true),
            ..tuple(340)
        };
        assert!(plan(fragment, &frame, one).is_err());
        assert!(plan(tuple(341), &frame, one).is_err());
        assert!(plan(tuple(340), &frame[..50], one).is_err());
    }
}
