//! Frames made to order: for tests, golden cases, and questions of the form
//! "what would happen to this packet?".
//!
//! A frame is written down from the outside in; the last word gives its bytes,
//! with every length and checksum right unless a fault was asked for.
//!
//! ```
//! use packet::build::Frame;
//!
//! let a = "00:05:02:0b:27:44".parse()?;
//! let g = "02:00:00:00:00:03".parse()?;
//! let bytes = Frame::between(a, g)
//!     .vlan(100)
//!     .ipv4([10, 0, 0, 2], [10, 0, 0, 3])
//!     .ttl(37)
//!     .dont_fragment()
//!     .udp(5000, 53, b"hello");
//! assert_eq!(bytes.len(), 14 + 4 + 20 + 8 + 5);
//! # Ok::<(), packet::MacAddrError>(())
//! ```

mod arp;
mod transport;
mod v4;
mod v6;

use core::net::{Ipv4Addr, Ipv6Addr};

use zerocopy::IntoBytes;

pub use transport::{Checksum, Payload};
pub use v4::Ipv4;
pub use v6::Ipv6;

use crate::ethernet::{Dot1qTag, EthernetHeader, MIN_FRAME_LEN};
use crate::mac::MacAddr;
use crate::protocol::EtherType;

/// An Ethernet frame that does not say yet what it carries.
#[derive(Debug, Clone)]
pub struct Frame {
    source: MacAddr,
    destination: MacAddr,
    tags: Vec<(EtherType, u16)>,
    label: Option<u32>,
}

impl Frame {
    /// A frame from one MAC to another.
    pub const fn between(source: MacAddr, destination: MacAddr) -> Self {
        Self {
            source,
            destination,
            tags: Vec::new(),
            label: None,
        }
    }

    /// With an 802.1Q tag of this VLAN id (0: a priority tag) and priority 0,
    /// inside the tags it has.
    pub fn vlan(self, id: u16) -> Self {
        self.tag(EtherType::DOT1Q, id)
    }

    /// With a tag of this kind and this tag control information: priority 3
    /// bits, drop eligible 1 bit, VLAN id 12 bits (IEEE 802.1Q §9.6).
    pub fn tag(mut self, kind: EtherType, control: u16) -> Self {
        self.tags.push((kind, control));
        self
    }

    /// With an MPLS label, inside of all tags, the only one of its stack; its TTL
    /// is that of the IPv4 packet it is for (RFC 3443 §3.1).
    pub fn label(mut self, label: u32) -> Self {
        self.label = Some(label);
        self
    }

    /// The bytes of the frame around any payload.
    pub fn carrying(&self, ether_type: EtherType, payload: &[u8]) -> Vec<u8> {
        if let Some(label) = self.label {
            const BOTTOM: u32 = 1 << 8;
            let ttl = payload.get(8).copied().unwrap_or(64);
            let entry = label << 12 | BOTTOM | u32::from(ttl);
            let behind = [&entry.to_be_bytes(), payload].concat();
            return self.around(EtherType::MPLS, &behind);
        }
        self.around(ether_type, payload)
    }

    fn around(&self, ether_type: EtherType, payload: &[u8]) -> Vec<u8> {
        let kind_of = |at: usize| self.tags.get(at).map_or(ether_type, |(kind, _)| *kind);
        let header = EthernetHeader {
            destination: self.destination,
            source: self.source,
            ether_type: kind_of(0),
        };
        let mut bytes = header.as_bytes().to_vec();
        for (at, (_, control)) in self.tags.iter().enumerate() {
            let tag = Dot1qTag {
                control: (*control).into(),
                ether_type: kind_of(at + 1),
            };
            bytes.extend_from_slice(tag.as_bytes());
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    /// An IPv4 packet between two addresses: TTL 64, unfragmented, DF clear.
    pub fn ipv4(self, source: impl Into<Ipv4Addr>, destination: impl Into<Ipv4Addr>) -> Ipv4 {
        Ipv4::new(self, source.into(), destination.into())
    }

    /// An IPv6 packet between two addresses: hop limit 64, flow label 0.
    pub fn ipv6(self, source: impl Into<Ipv6Addr>, destination: impl Into<Ipv6Addr>) -> Ipv6 {
        Ipv6::new(self, source.into(), destination.into())
    }
}

/// The frame as a wire pads it: zeros up to the shortest length of Ethernet.
pub fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(MIN_FRAME_LEN), 0);
    frame
}
