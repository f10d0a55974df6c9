//! Where in a super-frame are the headers that each of its pieces needs anew?
//!
//! A plain one has one IP and one transport header. One of a tunnel that its
//! sender makes (VXLAN, Geneve, GRE, IP in IP) has an outer IP header, too, and
//! perhaps an outer UDP header; and what the kernel says of it is about the inner
//! headers only. They are looked for from there, and believed if all lengths and
//! IPv4 checksums agree with the frame.

use packet::{EtherType, IpProtocol, checksum};

use crate::frame::{self, Headers, Transport, Version, word};

const IPV4: IpProtocol = IpProtocol(4);
const IPV6: IpProtocol = IpProtocol(41);
const GRE: IpProtocol = IpProtocol(47);

/// In the first word of GRE: a key follows (RFC 2890 §2). Nothing else may be
/// set: a checksum covers the payload, a sequence number is each packet's own.
const GRE_KEY: u16 = 0x2000;

/// What GRE carries: Ethernet frames (RFC 7637 §3.2).
const GRE_ETHERNET: u16 = 0x6558;

const TCP_FIN: u8 = 0x01;
const TCP_PSH: u8 = 0x08;
/// Congestion window reduced (RFC 3168 §6.1.2).
const TCP_CWR: u8 = 0x80;

/// A super-frame's headers, all in its first segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// Of a tunnel.
    outer: Option<Outer>,
    /// Of the packet to be cut.
    ip: Ip,
    transport: Transport,
    payload_at: u16,
}

/// What is around the packet to be cut, besides what is the same in every piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Outer {
    ip: Ip,
    udp: Option<OuterUdp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OuterUdp {
    WithChecksum,
    WithoutChecksum,
}

/// An IP header, with what is between it and the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ip {
    at: u16,
    len: u16,
    version: Version,
}

/// What the kernel says of a super-frame that is none of its outer headers'.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Inner {
    /// Where the inner transport's header begins.
    pub(super) start: usize,
    /// Where the checksum is in it.
    pub(super) checksum_offset: usize,
    /// Which it is.
    pub(super) transport: Transport,
    /// Over which IP, if that is said.
    pub(super) version: Option<Version>,
}

/// Which piece it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// From 0.
    pub(super) number: u16,
    /// Bytes of payload before it.
    pub(super) offset: u32,
    pub(super) is_last: bool,
}

impl Layout {
    /// Of a plain super-frame.
    pub(super) fn plain(headers: &Headers) -> Option<Self> {
        Some(Self {
            outer: None,
            ip: Ip {
                at: headers.link_len.into(),
                len: headers.network_len,
                version: headers.version,
            },
            transport: headers.transport,
            payload_at: u16::try_from(headers.payload_at()).ok()?,
        })
    }

    /// Of a tunnel's super-frame of `len` bytes, whose headers are in `bytes`;
    /// `None` if it is not one that can be cut.
    pub(super) fn tunnel(bytes: &[u8], len: usize, inner: Inner) -> Option<Self> {
        let (outer_at, version) = frame::network(bytes)?;
        let (outer, outer_protocol) = Ip::read(bytes, outer_at, len)?;
        (outer.version == version).then_some(())?;

        let (transport_len, field, protocol) = match inner.transport {
            Transport::Tcp => {
                let words = bytes.get(inner.start + 12)? >> 4;
                (usize::from(words) * 4, 16, IpProtocol::TCP)
            }
            Transport::Udp => (8, 6, IpProtocol::UDP),
        };
        let payload_at = inner.start + transport_len;
        let is_whole = transport_len >= field + 2 && payload_at <= bytes.len();
        (is_whole && inner.checksum_offset == field).then_some(())?;
        let mut lens = (20..=60).step_by(4);
        let ip = lens.find_map(|header| {
            let (ip, carries) = Ip::read(bytes, inner.start.checked_sub(header)?, len)?;
            let said = inner.version.is_none_or(|version| version == ip.version);
            (ip.end() == inner.start && carries == protocol && said).then_some(ip)
        })?;
        Some(Self {
            outer: Some(Outer {
                ip: outer,
                udp: encapsulation(bytes, len, outer.end(), outer_protocol, ip.at.into())?,
            }),
            ip,
            transport: inner.transport,
            payload_at: u16::try_from(payload_at).ok()?,
        })
    }

    pub(super) fn payload_at(&self) -> usize {
        self.payload_at.into()
    }

    pub(super) fn is_tunnel(&self) -> bool {
        self.outer.is_some()
    }

    /// Makes the headers of a piece, which are still those of the super-frame,
    /// its own. The checksum of a plain one's transport is a partial one; a
    /// tunnel's are complete. `None` if the piece is not long enough.
    pub(super) fn finish(&self, bytes: &mut [u8], piece: Piece) -> Option<()> {
        self.ip.finish(bytes, piece.number)?;
        let (protocol, field) = match self.transport {
            Transport::Tcp => {
                self.finish_tcp(bytes, piece)?;
                (IpProtocol::TCP, 16)
            }
            Transport::Udp => {
                set_udp_length(bytes, self.ip.end())?;
                (IpProtocol::UDP, 6)
            }
        };
        self.ip.set_partial(bytes, protocol, field)?;
        let Some(outer) = &self.outer else {
            return Some(());
        };
        frame::complete(bytes.get_mut(self.ip.end()..)?, field)?;
        outer.ip.finish(bytes, piece.number)?;
        let at = outer.ip.end();
        if outer.udp.is_some() {
            set_udp_length(bytes, at)?;
        }
        if outer.udp == Some(OuterUdp::WithChecksum) {
            outer.ip.set_partial(bytes, IpProtocol::UDP, 6)?;
            frame::complete(bytes.get_mut(at..)?, 6)?;
        }
        Some(())
    }

    /// Sequence number, and the flags that belong to the first or the last
    /// segment alone.
    fn finish_tcp(&self, bytes: &mut [u8], piece: Piece) -> Option<()> {
        let tcp = bytes.get_mut(self.ip.end()..)?;
        let sequence = tcp.get_mut(4..8)?;
        let first = u32::from_be_bytes((&*sequence).try_into().ok()?);
        sequence.copy_from_slice(&first.wrapping_add(piece.offset).to_be_bytes());
        let flags = tcp.get_mut(13)?;
        if !piece.is_last {
            *flags &= !(TCP_FIN | TCP_PSH);
        }
        if piece.number > 0 {
            *flags &= !TCP_CWR;
        }
        Some(())
    }
}

impl Ip {
    /// The header at `at` of an unfragmented packet that ends where the frame
    /// does, after `len` bytes; and what it carries.
    fn read(bytes: &[u8], at: usize, len: usize) -> Option<(Self, IpProtocol)> {
        let ip = bytes.get(at..)?;
        let rest = len.checked_sub(at)?;
        let first = *ip.first()?;
        let (version, header, protocol) = match first >> 4 {
            4 => {
                let header = usize::from(first & 0x0f) * 4;
                let whole = header >= 20 && checksum::of(ip.get(..header)?) == 0;
                let is_fragment = word(ip, 6)? & 0x3fff != 0;
                (whole && !is_fragment && is_length(word(ip, 2)?, rest)).then_some(())?;
                (Version::V4, header, *ip.get(9)?)
            }
            6 => {
                let payload = rest.checked_sub(40)?;
                is_length(word(ip, 4)?, payload).then_some(())?;
                (Version::V6, 40, *ip.get(6)?)
            }
            _ => return None,
        };
        let ip = Self {
            at: u16::try_from(at).ok()?,
            len: u16::try_from(header).ok()?,
            version,
        };
        Some((ip, IpProtocol(protocol)))
    }

    fn end(self) -> usize {
        usize::from(self.at) + usize::from(self.len)
    }

    /// Its length, and of IPv4 the id and the header's checksum, in piece
    /// `number`, which ends where `bytes` do.
    fn finish(self, bytes: &mut [u8], number: u16) -> Option<()> {
        let ip = bytes.get_mut(usize::from(self.at)..)?;
        let len = ip.len();
        match self.version {
            Version::V4 => {
                let header = ip.get_mut(..usize::from(self.len))?;
                put(header, 2, u16::try_from(len).ok()?)?;
                let first = word(header, 4)?;
                put(header, 4, first.wrapping_add(number))?;
                put(header, 10, 0)?;
                let sum = checksum::of(header);
                put(header, 10, sum)
            }
            // Of what follows the fixed header.
            Version::V6 => put(ip, 4, u16::try_from(len.checked_sub(40)?).ok()?),
        }
    }

    /// Writes the sum of the pseudo-header into the checksum field, `field` bytes
    /// behind this header.
    fn set_partial(self, bytes: &mut [u8], protocol: IpProtocol, field: usize) -> Option<()> {
        let len = bytes.len().checked_sub(self.end())?;
        let ip = bytes.get(usize::from(self.at)..)?;
        let sum = frame::pseudo_header(ip, self.version, protocol, len);
        put(bytes, self.end() + field, sum)
    }
}

/// What is between an outer IP header, which ends at `at`, and the inner one: an
/// outer UDP header, or none. `None` if a piece could not have it.
fn encapsulation(
    bytes: &[u8],
    len: usize,
    at: usize,
    protocol: IpProtocol,
    inner: usize,
) -> Option<Option<OuterUdp>> {
    let (fits, udp) = match protocol {
        IPV4 | IPV6 => (inner == at, None),
        GRE => {
            let flags = word(bytes, at)?;
            let end = at + if flags & GRE_KEY == 0 { 4 } else { 8 };
            let begins = match word(bytes, at + 2)? {
                GRE_ETHERNET => end + frame::network(bytes.get(end..)?)?.0,
                kind if kind == EtherType::IPV4.get() || kind == EtherType::IPV6.get() => end,
                _ => return None,
            };
            (flags & !GRE_KEY == 0 && inner == begins, None)
        }
        IpProtocol::UDP => {
            let kind = match word(bytes, at + 6)? {
                0 => OuterUdp::WithoutChecksum,
                _ => OuterUdp::WithChecksum,
            };
            // What is between is the tunnel's, the same in every piece.
            let is_whole = is_length(word(bytes, at + 4)?, len.checked_sub(at)?);
            (is_whole && inner >= at + 8, Some(kind))
        }
        _ => return None,
    };
    fits.then_some(udp)
}

/// Can a length field stand for so many bytes? For more than it can hold, 0.
fn is_length(field: u16, bytes: usize) -> bool {
    u16::try_from(bytes).map_or(field == 0, |bytes| field == bytes)
}

fn set_udp_length(bytes: &mut [u8], at: usize) -> Option<()> {
    let len = u16::try_from(bytes.len().checked_sub(at)?).ok()?;
    put(bytes, at + 4, len)
}

fn put(bytes: &mut [u8], at: usize, word: u16) -> Option<()> {
    let field = bytes.get_mut(at..at + 2)?;
    field.copy_from_slice(&word.to_be_bytes());
    Some(())
}
