//! What an IP packet carries, and the checksum that covers its pseudo-header.

use zerocopy::IntoBytes;

use crate::checksum::{self, Sum};
use crate::icmp::IcmpHeader;
use crate::protocol::IpProtocol;

/// What stands in the transport header's checksum field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// The right checksum.
    #[default]
    Right,
    /// One bit of the right one is flipped.
    Wrong,
    /// This value.
    Exactly(u16),
}

/// An upper-layer packet whose checksum field, if it has one, is still zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// What it is.
    pub protocol: IpProtocol,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Payload {
    /// A UDP datagram (RFC 768).
    pub fn udp(source: u16, destination: u16, data: &[u8]) -> Self {
        Self::udp_like(IpProtocol::UDP, source, destination, data)
    }

    /// A UDP-Lite datagram whose checksum covers all of it (RFC 3828 §3.1).
    pub fn udp_lite(source: u16, destination: u16, data: &[u8]) -> Self {
        Self::udp_like(IpProtocol::UDP_LITE, source, destination, data)
    }

    fn udp_like(protocol: IpProtocol, source: u16, destination: u16, data: &[u8]) -> Self {
        let len = u16::try_from(data.len() + 8).unwrap_or(u16::MAX);
        Self::words(protocol, &[source, destination, len, 0], data)
    }

    /// A TCP segment with this sequence number and these flags (the low byte:
    /// FIN 0x01, SYN 0x02, ACK 0x10 …) and no options (RFC 9293 §3.1).
    pub fn tcp(source: u16, destination: u16, sequence: u32, flags: u8, data: &[u8]) -> Self {
        let [a, b, c, d] = sequence.to_be_bytes();
        let sequence = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
        let offset_flags = 0x5000 | u16::from(flags);
        let [high, low] = sequence;
        let window = 0xffff;
        let words = [
            source,
            destination,
            high,
            low,
            0,
            0,
            offset_flags,
            window,
            0,
            0,
        ];
        Self::words(IpProtocol::TCP, &words, data)
    }

    /// A DCCP data packet with a short sequence number (RFC 4340 §5.1).
    pub fn dccp(source: u16, destination: u16, data: &[u8]) -> Self {
        // Data offset 3 words, CCVal and CsCov 0; type 2 is Data, X is 0.
        let words = [source, destination, 0x0300, 0, 2 << 9, 7];
        Self::words(IpProtocol::DCCP, &words, data)
    }

    /// An SCTP common header (RFC 9260 §3.1). Its checksum is a CRC that
    /// covers no pseudo-header: here any 32 bits.
    pub fn sctp(source: u16, destination: u16, crc: u32, chunks: &[u8]) -> Self {
        let mut bytes = Self::words(IpProtocol::SCTP, &[source, destination, 0, 1], &[]).bytes;
        bytes.extend(crc.to_be_bytes());
        bytes.extend_from_slice(chunks);
        Self {
            protocol: IpProtocol::SCTP,
            bytes,
        }
    }

    /// A message of ICMP or ICMPv6, by `protocol`: type, code, what echo uses
    /// as identifier and sequence number, data.
    pub fn icmp(protocol: IpProtocol, kind: (u8, u8), echo: (u16, u16), data: &[u8]) -> Self {
        let header = IcmpHeader {
            kind: kind.0,
            code: kind.1,
            checksum: 0.into(),
            identifier: echo.0.into(),
            sequence: echo.1.into(),
        };
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(data);
        Self { protocol, bytes }
    }

    fn words(protocol: IpProtocol, words: &[u16], data: &[u8]) -> Self {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend_from_slice(data);
        Self { protocol, bytes }
    }

    /// The bytes with their checksum between addresses of this sum.
    pub(super) fn sealed(mut self, addresses: Sum, checksum: Checksum) -> Vec<u8> {
        let Some(at) = self.checksum_at() else {
            return self.bytes;
        };
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let pseudo = match self.protocol {
            IpProtocol::ICMP => Sum::ZERO,
            // IPv4's pseudo-header sums to the same as IPv6's: addresses,
            // length, protocol.
            protocol => checksum::pseudo_header_v6(addresses, len, protocol),
        };
        let right = match pseudo.and(Sum::of(&self.bytes)).checksum() {
            // RFC 768, RFC 3828 §3.1.
            0 if matches!(self.protocol, IpProtocol::UDP | IpProtocol::UDP_LITE) => 0xffff,
            right => right,
        };
        let value = match checksum {
            Checksum::Right => right,
            Checksum::Wrong => right ^ 0x0100,
            Checksum::Exactly(value) => value,
        };
        if let Some(field) = self.bytes.get_mut(at..at + 2) {
            field.copy_from_slice(&value.to_be_bytes());
        }
        self.bytes
    }

    fn checksum_at(&self) -> Option<usize> {
        match self.protocol {
            IpProtocol::ICMP | IpProtocol::ICMPV6 => Some(2),
            protocol => protocol.checksum_offset(),
        }
    }
}
