//! Where do a frame's headers end?
//!
//! Devices that complete checksums or cut super-frames want to be told.

use packet::{EtherType, IpProtocol, checksum};

/// The headers of a frame with TCP or UDP in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Headers {
    /// Ethernet header and VLAN tags, in bytes.
    pub(crate) link_len: u8,
    /// IP header with what is between it and the transport's, in bytes.
    pub(crate) network_len: u16,
    /// The transport's header, in bytes.
    pub(crate) transport_len: u8,
    /// Which IP.
    pub(crate) version: Version,
    /// Which transport.
    pub(crate) transport: Transport,
}

/// Which IP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    V4,
    V6,
}

/// Which transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl Headers {
    /// Of a frame whose headers are all in `bytes`; `None` for anything but TCP
    /// and UDP, and for fragments.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let (link, version) = network(bytes)?;
        let ip = bytes.get(link..)?;
        let (network, protocol) = match version {
            Version::V4 => {
                let fragment = word(ip, 6)? & 0x3fff;
                let header = usize::from(ip.first()? & 0x0f) * 4;
                (fragment == 0 && header >= 20).then_some(())?;
                (header, IpProtocol(*ip.get(9)?))
            }
            Version::V6 => match IpProtocol(*ip.get(6)?) {
                IpProtocol::FRAGMENT => {
                    // Offset and M flag: zero in an atomic fragment (RFC 6946).
                    (word(ip, 42)? & 0xfff9 == 0).then_some(())?;
                    (48, IpProtocol(*ip.get(40)?))
                }
                protocol => (40, protocol),
            },
        };
        let segment = ip.get(network..)?;
        let (transport, length) = match protocol {
            IpProtocol::TCP => (Transport::Tcp, usize::from(segment.get(12)? >> 4) * 4),
            IpProtocol::UDP => (Transport::Udp, 8),
            _ => return None,
        };
        let least = match transport {
            Transport::Tcp => 20,
            Transport::Udp => 8,
        };
        (length >= least && segment.len() >= length).then_some(())?;
        Some(Self {
            link_len: u8::try_from(link).ok()?,
            network_len: u16::try_from(network).ok()?,
            transport_len: u8::try_from(length).ok()?,
            version,
            transport,
        })
    }

    /// Where the transport's header begins, in bytes from the frame's start.
    pub(crate) fn transport_at(&self) -> usize {
        usize::from(self.link_len) + usize::from(self.network_len)
    }

    /// Where the payload begins, in bytes from the frame's start.
    pub(crate) fn payload_at(&self) -> usize {
        self.transport_at() + usize::from(self.transport_len)
    }

    /// Where the checksum is, in bytes from the transport header's start.
    pub(crate) fn checksum_offset(&self) -> usize {
        match self.transport {
            Transport::Tcp => 16,
            Transport::Udp => 6,
        }
    }

    /// The folded sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1), with
    /// `len` bytes of transport header and payload. `bytes` are those that
    /// [`Headers::of`] saw.
    pub(crate) fn pseudo_header(&self, bytes: &[u8], len: usize) -> u16 {
        let ip = bytes.get(usize::from(self.link_len)..).unwrap_or_default();
        let protocol = match self.transport {
            Transport::Tcp => IpProtocol::TCP,
            Transport::Udp => IpProtocol::UDP,
        };
        pseudo_header(ip, self.version, protocol, len)
    }
}

/// Where the IP header of an Ethernet frame is, in bytes from the frame's start,
/// and which it is, as the frame's EtherType says.
pub(crate) fn network(bytes: &[u8]) -> Option<(usize, Version)> {
    let mut link = 12;
    let mut ether_type = word(bytes, link)?;
    // An 802.1Q tag, or a service tag and one.
    for _ in 0..2 {
        if [EtherType::DOT1Q.get(), EtherType::DOT1AD.get()].contains(&ether_type) {
            link += 4;
            ether_type = word(bytes, link)?;
        }
    }
    let version = if ether_type == EtherType::IPV4.get() {
        Version::V4
    } else if ether_type == EtherType::IPV6.get() {
        Version::V6
    } else {
        return None;
    };
    Some((link + 2, version))
}

/// The folded sum of the pseudo-header of an IP header, which `ip` begins with,
/// for `len` bytes of `protocol`.
pub(crate) fn pseudo_header(ip: &[u8], version: Version, protocol: IpProtocol, len: usize) -> u16 {
    let addresses = match version {
        Version::V4 => 12..20,
        Version::V6 => 8..40,
    };
    let sum = checksum::Sum::of(ip.get(addresses).unwrap_or_default());
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    // IPv4's has the same words for lengths of 16 bits.
    checksum::pseudo_header_v6(sum, len, protocol).fold()
}

/// Completes a partial checksum, `at` bytes from the start of what it covers;
/// `None` if it is not in there.
pub(crate) fn complete(covered: &mut [u8], at: usize) -> Option<()> {
    let sum = match checksum::of(covered) {
        // In UDP, which this may be, 0 would say that there is none.
        0 => 0xffff,
        sum => sum,
    };
    let field = covered.get_mut(at..at + 2)?;
    field.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

/// The 16 bits at `at`.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
mod tests {
    use packet::MacAddr;
    use packet::build::Frame;

    use super::*;

    fn frame() -> Frame {
        Frame::between(MacAddr::new([2; 6]), MacAddr::new([4; 6]))
    }

    #[test]
    fn headers_end_where_they_do_on_every_way_a_frame_is_made() {
        let lengths = |bytes: &[u8]| {
            let headers = Headers::of(bytes).unwrap();
            let Headers {
                link_len,
                network_len,
                transport_len,
                ..
            } = headers;
            assert_eq!(headers.payload_at(), bytes.len() - 5);
            (link_len, network_len, transport_len)
        };
        let v4 = |frame: Frame| frame.ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
        let v6 = |frame: Frame| frame.ipv6([1; 8], [2; 8]);
        assert_eq!(lengths(&v4(frame()).udp(1, 2, b"hello")), (14, 20, 8));
        assert_eq!(
            lengths(&v4(frame().vlan(7)).udp(1, 2, b"hello")),
            (18, 20, 8)
        );
        let twice = frame().tag(EtherType::DOT1AD, 3).vlan(7);
        assert_eq!(lengths(&v6(twice).udp(1, 2, b"hello")), (22, 40, 8));
    }

    #[test]
    fn fragments_other_protocols_and_cut_headers_have_none() {
        let v4 = || frame().ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
        assert_eq!(Headers::of(&v4().fragment(0, true).udp(1, 2, b"x")), None);
        assert_eq!(Headers::of(&v4().fragment(3, false).udp(1, 2, b"x")), None);
        let whole = v4().udp(1, 2, b"x");
        for len in 0..14 + 20 + 8 {
            assert_eq!(Headers::of(&whole[..len]), None, "{len}");
        }
        let mut other = whole;
        other[14 + 9] = 132;
        assert_eq!(Headers::of(&other), None);
    }

    #[test]
    fn the_pseudo_header_completes_to_the_checksum() {
        let v4 = frame()
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2])
            .udp(1, 2, b"hello");
        let v6 = frame().vlan(7).ipv6([1; 8], [2; 8]).udp(1, 2, b"hello");
        for mut bytes in [v4, v6] {
            let headers = Headers::of(&bytes).unwrap();
            let at = headers.transport_at();
            let len = bytes.len() - at;
            let partial = headers.pseudo_header(&bytes, len);
            let field = at + headers.checksum_offset();
            let right = bytes[field..field + 2].to_vec();
            bytes[field..field + 2].copy_from_slice(&partial.to_be_bytes());
            assert_eq!(checksum::of(&bytes[at..]).to_be_bytes(), right[..]);
        }
    }
}
