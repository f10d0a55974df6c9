//! A super-frame, cut: one that no other device here takes, so that it ends where
//! it comes in, as the packets that it stands for.
//!
//! Of UDP, which a sender hands to its kernel with `UDP_SEGMENT`; and of TCP or
//! UDP inside of a tunnel that the node itself makes ([`super::layout`]).

use core::num::NonZeroU16;

use packet::{BufPool, Offload, PacketBuf, TransportChecksum};

use super::layout::{Layout, Piece};
use crate::offload::Unfit;

/// Pieces of one super-frame, at most: of TCP in segments of 64 bytes, and many
/// more than the 128 datagrams that a kernel makes.
const MOST: usize = 1024;

/// A super-frame, of which pieces are left.
pub(super) struct Pieces<B> {
    frame: B,
    layout: Layout,
    /// Bytes of payload in each but the last.
    size: usize,
    /// Where the next one's payload begins in the frame.
    at: usize,
    /// How many there were.
    number: u16,
}

impl<B: PacketBuf> Pieces<B> {
    /// Of a super-frame, with `size` bytes of payload each.
    ///
    /// # Errors
    /// [`Unfit`]: they would be too many.
    pub(super) fn of(frame: B, layout: Layout, size: NonZeroU16) -> Result<Self, Unfit> {
        let size = usize::from(size.get());
        let at = layout.payload_at();
        let payload = frame.len().saturating_sub(at);
        (payload.div_ceil(size) <= MOST)
            .then_some(())
            .ok_or(Unfit)?;
        Ok(Self {
            frame,
            layout,
            size,
            at,
            number: 0,
        })
    }

    /// Is none left?
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.frame.len()
    }

    /// The next one; `None` if the pool is dry or it does not fit a buffer, and
    /// then it is lost.
    pub(super) fn next(&mut self, pool: &mut impl BufPool<Buf = B>) -> Option<B> {
        let head = self.layout.payload_at();
        let payload = self.at..self.frame.len().min(self.at + self.size);
        let piece = Piece {
            number: self.number,
            offset: u32::try_from(payload.start - head).ok()?,
            is_last: payload.end == self.frame.len(),
        };
        self.at = payload.end;
        self.number += 1;

        let mut buf = pool.alloc()?;
        buf.append(head + payload.len()).ok()?;
        let (front, back) = buf.data_mut().split_at_mut_checked(head)?;
        self.frame.read_at(0, front).ok()?;
        self.frame.read_at(payload.start, back).ok()?;
        self.layout.finish(buf.data_mut(), piece)?;
        if !self.layout.is_tunnel() {
            buf.set_offload(Offload {
                transport: TransportChecksum::Partial,
                ..Offload::NONE
            });
        }
        Some(buf)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
mod tests {
    use packet::build::{Checksum, Frame, Ipv4, Ipv6, Payload};
    use packet::{EtherType, HeapBuf, HeapPool, MacAddr};

    use super::super::layout::Inner;
    use super::*;
    use crate::frame::{Headers, Transport, Version};

    const FIN: u8 = 0x01;
    const PSH: u8 = 0x08;
    const ACK: u8 = 0x10;
    const CWR: u8 = 0x80;

    const SIZE: usize = 1000;

    fn frame() -> Frame {
        Frame::between(MacAddr::new([2; 6]), MacAddr::new([4; 6]))
    }

    fn v4() -> Ipv4 {
        frame().vlan(7).ipv4([10, 0, 0, 1], [10, 0, 0, 2])
    }

    fn v6() -> Ipv6 {
        frame().ipv6([1; 8], [2; 8])
    }

    fn inner() -> Frame {
        Frame::between(MacAddr::new([6; 6]), MacAddr::new([8; 6]))
    }

    /// A packet without an Ethernet header.
    fn bare(frame: &[u8]) -> Vec<u8> {
        frame[14..].to_vec()
    }

    fn vxlan(frame: &[u8]) -> Vec<u8> {
        [&[8, 0, 0, 0, 0, 0, 5, 0], frame].concat()
    }

    /// What is sent, with some of its payload, as the packet of this number.
    type Sent<'a> = &'a dyn Fn(&[u8], u16) -> Vec<u8>;

    /// A TCP segment at this place of its stream. Flags are those of the first,
    /// one in the middle, and the last.
    fn tcp(payload: &[u8], number: u16, whole: usize) -> Payload {
        let is_last = usize::from(number) * SIZE + payload.len() == whole;
        let flags = match number {
            0 if is_last => CWR | ACK | PSH | FIN,
            0 => CWR | ACK,
            _ if is_last => ACK | PSH | FIN,
            _ => ACK,
        };
        // It wraps around on the way.
        let sequence = 0xffff_fff0_u32.wrapping_add(u32::from(number) * 1000);
        Payload::tcp(5000, 80, sequence, flags, payload)
    }

    fn content(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251).to_le_bytes()[0]).collect()
    }

    fn kernel_says(start: usize, transport: Transport) -> Inner {
        Inner {
            start,
            checksum_offset: match transport {
                Transport::Tcp => 16,
                Transport::Udp => 6,
            },
            transport,
            version: None,
        }
    }

    /// The frame of all payload, cut where its transport header begins, is the
    /// frames of its parts.
    fn cuts(len: usize, head: usize, transport: Transport, sent: Sent<'_>) {
        let content = content(len);
        let mut whole = sent(&content, 0);
        let start = whole.len() - len - head;
        // The kernel leaves the inner checksum undone.
        let inner = kernel_says(start, transport);
        whole[start + inner.checksum_offset] ^= 0x5a;
        let layout = Layout::tunnel(&whole[..start + head], whole.len(), inner).unwrap();
        let chain = HeapBuf::chain(&whole, start + head + 7);
        let mut pieces = Pieces::of(chain, layout, NonZeroU16::new(1000).unwrap()).unwrap();
        let mut pool = HeapPool::new(2048);
        for (number, part) in (0..).zip(content.chunks(SIZE)) {
            assert!(!pieces.is_done());
            let piece = pieces.next(&mut pool).unwrap();
            assert_eq!(piece.data(), sent(part, number), "{number} of {len}");
            assert_eq!(piece.offload(), Offload::NONE);
        }
        assert!(pieces.is_done());
    }

    fn cuts_tcp(sent: impl Fn(Payload, u16) -> Vec<u8>) {
        for len in [SIZE + 1, 3 * SIZE, 60 * SIZE + 1] {
            let sent = |payload: &[u8], number: u16| {
                // The super-frame has the flags of all its segments.
                let payload = if payload.len() == len {
                    Payload::tcp(5000, 80, 0xffff_fff0, CWR | ACK | PSH | FIN, payload)
                } else {
                    tcp(payload, number, len)
                };
                sent(payload, number)
            };
            cuts(len, 20, Transport::Tcp, &sent);
        }
    }

    #[test]
    fn vxlan_is_cut_with_and_without_an_outer_checksum() {
        for checksum in [Checksum::Right, Checksum::Exactly(0)] {
            let id = |number| 0xfffe_u16.wrapping_add(number);
            cuts_tcp(|payload, number| {
                let ip = inner()
                    .ipv4([192, 168, 0, 1], [192, 168, 0, 2])
                    .id(id(number));
                let content = vxlan(&ip.dont_fragment().carrying(payload));
                let outer = v4().id(number).checksum(checksum);
                outer.udp(50_000, 4789, &content)
            });
            cuts_tcp(|payload, _| {
                let content = vxlan(&inner().vlan(9).ipv6([3; 8], [4; 8]).carrying(payload));
                v6().checksum(checksum).udp(50_000, 4789, &content)
            });
            cuts(2500, 8, Transport::Udp, &|payload, number| {
                let ip = inner().ipv4([192, 168, 0, 1], [192, 168, 0, 2]).id(number);
                let content = vxlan(&ip.options(&[1, 1, 1]).udp(1, 2, payload));
                let outer = v4().options(&[1]).id(number).checksum(checksum);
                outer.udp(50_000, 4789, &content)
            });
        }
    }

    #[test]
    fn gre_and_ip_in_ip_are_cut() {
        let ip = |number| inner().ipv4([192, 168, 0, 1], [192, 168, 0, 2]).id(number);
        let ip6 = || inner().ipv6([3; 8], [4; 8]);
        let outer = |number| v4().id(number);
        cuts_tcp(|payload, number| outer(number).protocol(4, &bare(&ip(number).carrying(payload))));
        cuts_tcp(|payload, number| outer(number).protocol(41, &bare(&ip6().carrying(payload))));
        cuts_tcp(|payload, _| v6().protocol(41, &bare(&ip6().carrying(payload))));
        for (header, ethernet) in [
            (&[0, 0, 0x65, 0x58][..], true),
            (&[0x20, 0, 0x65, 0x58, 1, 2, 3, 4], true),
            (&[0x20, 0, 0x08, 0x00, 1, 2, 3, 4], false),
        ] {
            cuts_tcp(|payload, number| {
                let frame = ip(number).carrying(payload);
                let content = if ethernet { frame } else { bare(&frame) };
                outer(number).protocol(47, &[header, &content].concat())
            });
        }
        cuts(3000, 8, Transport::Udp, &|payload, number| {
            outer(number).protocol(
                47,
                &[&[0, 0, 0x86, 0xdd][..], &bare(&ip6().udp(1, 2, payload))].concat(),
            )
        });
    }

    #[test]
    fn plain_datagrams_are_cut_with_partial_checksums() {
        let content = content(2500);
        let whole = v4().id(0xffff).udp(1, 2, &content);
        let layout = Layout::plain(&Headers::of(&whole).unwrap()).unwrap();
        let frame = HeapBuf::from_slice(&whole);
        let mut pieces = Pieces::of(frame, layout, NonZeroU16::new(1000).unwrap()).unwrap();
        let mut pool = HeapPool::new(2048);
        for (number, part) in (0..).zip(content.chunks(SIZE)) {
            let mut piece = pieces.next(&mut pool).unwrap();
            assert_eq!(piece.offload().transport, TransportChecksum::Partial);
            let at = piece.len() - part.len() - 8;
            crate::frame::complete(&mut piece.data_mut()[at..], 6).unwrap();
            let id = 0xffff_u16.wrapping_add(number);
            assert_eq!(piece.data(), v4().id(id).udp(1, 2, part));
        }
        assert!(pieces.is_done());
    }

    #[test]
    fn pieces_without_bound_are_refused() {
        let of = |len: usize| {
            let whole = v4().udp(1, 2, &content(len));
            let layout = Layout::plain(&Headers::of(&whole).unwrap()).unwrap();
            Pieces::of(HeapBuf::from_slice(&whole), layout, NonZeroU16::MIN).map(drop)
        };
        assert_eq!(of(MOST), Ok(()));
        assert_eq!(of(MOST + 1), Err(Unfit));
    }

    #[test]
    fn what_contradicts_itself_or_cannot_be_cut_is_refused() {
        let ip = || inner().ipv4([192, 168, 0, 1], [192, 168, 0, 2]);
        let content = content(3000);
        let udp = v4().udp(50_000, 4789, &vxlan(&ip().tcp(1, 2, &content)));
        let start = udp.len() - content.len() - 20;
        let inner_ip = start - 20;
        let read = |bytes: &[u8], says: Inner| Layout::tunnel(bytes, bytes.len(), says);
        let says = kernel_says(start, Transport::Tcp);
        assert!(read(&udp, says).is_some());
        for wrong in [
            Inner {
                start: start - 2,
                ..says
            },
            Inner { start: 0, ..says },
            Inner {
                start: udp.len(),
                ..says
            },
            Inner {
                checksum_offset: 6,
                ..says
            },
            Inner {
                transport: Transport::Udp,
                checksum_offset: 6,
                ..says
            },
            Inner {
                version: Some(Version::V6),
                ..says
            },
        ] {
            assert_eq!(read(&udp, wrong), None, "{wrong:?}");
        }
        for len in 0..start + 20 {
            assert_eq!(Layout::tunnel(&udp[..len], udp.len(), says), None, "{len}");
        }
        assert_eq!(Layout::tunnel(&udp, udp.len() + 1, says), None);
        // Versions, lengths, a fragment's flags and checksums of both IP headers,
        // the outer protocol, UDP's length, TCP's.
        let outer_ip = 18;
        let octets = [0, 3, 6, 11].map(|at| (outer_ip + at, inner_ip + at));
        let of_both = octets.iter().flat_map(|(outer, inner)| [*outer, *inner]);
        for at in of_both.chain([16, outer_ip + 9, inner_ip + 9, outer_ip + 24, start + 12]) {
            let mut damaged = udp.clone();
            damaged[at] ^= 0x70;
            assert_eq!(read(&damaged, says), None, "{at}");
        }

        let in_vxlan = |ip: Ipv4| vxlan(&ip.tcp(1, 2, &content));
        for fragment in [
            v4().fragment(0, true).udp(50_000, 4789, &in_vxlan(ip())),
            v4().udp(50_000, 4789, &in_vxlan(ip().fragment(3, false))),
        ] {
            assert_eq!(read(&fragment, says), None);
        }

        // A checksum over the payload, sequence numbers, other versions, and what
        // GRE may carry besides.
        let bare = bare(&ip().tcp(1, 2, &content));
        for header in [
            &[0x80, 0, 8, 0, 0, 0, 0, 0][..],
            &[0x10, 0, 8, 0, 0, 0, 0, 0],
            &[0, 1, 8, 0],
            &[0, 0, 0x88, 0x47],
            &[0, 0, 8, 0, 0],
        ] {
            let gre = v4().protocol(47, &[header, &bare].concat());
            let start = gre.len() - content.len() - 20;
            assert_eq!(read(&gre, kernel_says(start, Transport::Tcp)), None);
        }
        // Extension headers, and a tunnel that is none of these.
        for (protocol, header) in [(60, &[4, 0, 4, 1, 4, 1, 0, 0][..]), (97, &[0x30, 0])] {
            let other = v6().protocol(protocol, &[header, &bare].concat());
            let start = other.len() - content.len() - 20;
            assert_eq!(read(&other, kernel_says(start, Transport::Tcp)), None);
        }
        let bare = frame().carrying(EtherType::new(0x8847), &bare);
        let start = bare.len() - content.len() - 20;
        assert_eq!(read(&bare, kernel_says(start, Transport::Tcp)), None);
    }
}
