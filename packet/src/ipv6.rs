//! The IPv6 header (RFC 8200 §3).
//!
//! ```text
//!  0       4              12                                    31
//! |version| traffic class |             flow label               |
//! |        payload length         |  next header  |  hop limit   |
//! |                    source address, 128 bits                  |
//! |                  destination address, 128 bits               |
//! ```

use core::net::Ipv6Addr;

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum::Sum;
use crate::protocol::IpProtocol;

/// An IPv6 header, 40 bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Ipv6Header {
    version_class_label: U32,
    payload_len: U16,
    /// What follows.
    pub next_header: IpProtocol,
    /// Hops left.
    pub hop_limit: u8,
    source: [u8; 16],
    destination: [u8; 16],
}

/// Length of an [`Ipv6Header`] in bytes.
pub const IPV6_LEN: usize = 40;

/// Every IPv6 link carries packets of so many bytes (RFC 8200 §5).
pub const IPV6_MIN_MTU: u16 = 1280;

/// A 20-bit flow label (RFC 6437).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FlowLabel(u32);

impl FlowLabel {
    /// A label from its low 20 bits; what is above them is cut off.
    pub const fn new(bits: u32) -> Self {
        Self(bits & 0x000f_ffff)
    }

    /// The 20 bits.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The fields of an IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Fields {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// The flow label.
    pub flow_label: FlowLabel,
    /// What follows.
    pub next_header: IpProtocol,
    /// Hops left.
    pub hop_limit: u8,
    /// Length of what follows the header, in bytes.
    pub payload_len: u16,
}

impl Ipv6Header {
    /// A header.
    pub fn new(fields: &Ipv6Fields) -> Self {
        let class = u32::from(fields.traffic_class) << 20;
        Self {
            version_class_label: U32::new(6 << 28 | class | fields.flow_label.get()),
            payload_len: U16::new(fields.payload_len),
            next_header: fields.next_header,
            hop_limit: fields.hop_limit,
            source: fields.source.octets(),
            destination: fields.destination.octets(),
        }
    }

    /// The version field: 6.
    pub const fn version(&self) -> u8 {
        (self.version_class_label.get() >> 28) as u8
    }

    /// DSCP and ECN.
    #[expect(clippy::cast_possible_truncation, reason = "eight bits are meant")]
    pub const fn traffic_class(&self) -> u8 {
        (self.version_class_label.get() >> 20) as u8
    }

    /// The flow label.
    pub const fn flow_label(&self) -> FlowLabel {
        FlowLabel::new(self.version_class_label.get())
    }

    /// Length of what follows the header, in bytes.
    pub const fn payload_len(&self) -> usize {
        self.payload_len.get() as usize
    }

    /// The source address.
    pub const fn source(&self) -> Ipv6Addr {
        Ipv6Addr::from_octets(self.source)
    }

    /// The destination address.
    pub const fn destination(&self) -> Ipv6Addr {
        Ipv6Addr::from_octets(self.destination)
    }

    /// The sum of the pseudo-header's addresses (RFC 8200 §8.1).
    pub fn address_sum(&self) -> Sum {
        Sum::of(&self.source).and(Sum::of(&self.destination))
    }
}

const _: () = assert!(size_of::<Ipv6Header>() == IPV6_LEN);
