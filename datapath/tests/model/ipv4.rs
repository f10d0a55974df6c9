//! What an IPv4 packet says: a second reader, written from RFC 791 and not from
//! the product's.

use crate::bench::Ip;
use crate::bench::check::ones_sum;

#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// All of it, without padding behind.
    pub bytes: &'a [u8],
    pub header_len: usize,
    pub tos: u8,
    pub id: u16,
    pub reserved: bool,
    pub dont_fragment: bool,
    pub more: bool,
    /// In bytes.
    pub offset: usize,
    pub ttl: u8,
    pub protocol: u8,
    pub source: Ip,
    pub destination: Ip,
    pub options: &'a [u8],
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` where a receiver must not believe the header (RFC 1122 §3.2.1).
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let address = |at: usize| bytes.get(at..at + 4)?.try_into().ok();
        let header_len = usize::from(bytes.first()? & 0x0f) * 4;
        let total = usize::from(word(2)?);
        let header = bytes.get(..header_len)?;
        let sound = bytes[0] >> 4 == 4 && header_len >= 20 && header_len <= total;
        if !sound || ones_sum(header) != 0 {
            return None;
        }
        let bytes = bytes.get(..total)?;
        let flags = word(6)?;
        Some(Self {
            bytes,
            header_len,
            tos: bytes[1],
            id: word(4)?,
            reserved: flags & 0x8000 != 0,
            dont_fragment: flags & 0x4000 != 0,
            more: flags & 0x2000 != 0,
            offset: usize::from(flags & 0x1fff) * 8,
            ttl: bytes[8],
            protocol: bytes[9],
            source: address(12)?,
            destination: address(16)?,
            options: &bytes[20..header_len],
            payload: &bytes[header_len..],
        })
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_fragment(&self) -> bool {
        self.more || self.offset != 0
    }

    /// Its options as (type, bytes), without No Operation and what follows End
    /// of Option List (RFC 791 §3.1).
    pub fn option_list(&self) -> Vec<(u8, &'a [u8])> {
        let mut list = Vec::new();
        let mut rest = self.options;
        while let Some(kind) = rest.first().filter(|kind| **kind != 0) {
            let len = match (kind, rest.get(1)) {
                (1, _) => 1,
                (_, Some(len)) if *len >= 2 => usize::from(*len),
                _ => break,
            };
            let Some((option, behind)) = rest.split_at_checked(len) else {
                break;
            };
            if *kind != 1 {
                list.push((*kind, option));
            }
            rest = behind;
        }
        list
    }

    pub fn is_source_routed(&self) -> bool {
        self.option_list()
            .iter()
            .any(|(kind, _)| matches!(kind, 131 | 137))
    }

    /// RFC 1122 §3.2.2: unreachable, source quench, redirect, time exceeded,
    /// parameter problem.
    pub fn is_icmp_error(&self) -> bool {
        let kind = self.payload.first();
        self.protocol == 1 && self.offset == 0 && matches!(kind, Some(3 | 4 | 5 | 11 | 12))
    }

    /// Where the transport's checksum stands in these bytes, if it does.
    pub fn checksum_at(&self) -> Option<usize> {
        let in_datagram: usize = match self.protocol {
            6 => 16,
            17 | 33 | 136 => 6,
            1 => 2,
            _ => return None,
        };
        let at = in_datagram.checked_sub(self.offset)?;
        (at + 2 <= self.payload.len()).then_some(at)
    }

    /// The transport's checksum field, if these bytes have it.
    pub fn checksum(&self) -> Option<u16> {
        let at = self.checksum_at()?;
        Some(u16::from_be_bytes([self.payload[at], self.payload[at + 1]]))
    }
}
