//! The IPv4 header (RFC 791 §3.1).
//!
//! ```text
//!  0       4       8              16     19                     31
//! |version|  IHL  |   TOS (DSCP+ECN)|        total length        |
//! |        identification           |0 DF MF|  fragment offset   |
//! |      TTL      |    protocol     |      header checksum       |
//! |                           source address                     |
//! |                         destination address                  |
//! ```

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum::{self, Sum};
use crate::fragment::Fragment;
use crate::ids::VirtualAddr;
use crate::protocol::IpProtocol;

/// The first 20 bytes of an IPv4 header; options, if any, follow.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Ipv4Header {
    version_ihl: u8,
    /// DSCP (6 bits) and ECN (2 bits): IPv6's traffic class.
    pub traffic_class: u8,
    total_len: U16,
    identification: U16,
    flags_offset: U16,
    /// Time to live, in hops.
    pub ttl: u8,
    /// What follows.
    pub protocol: IpProtocol,
    checksum: U16,
    source: [u8; 4],
    destination: [u8; 4],
}

/// Length of an [`Ipv4Header`] without options, in bytes.
pub const IPV4_LEN: usize = 20;

const RESERVED: u16 = 0x8000;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// What the sender of an IPv4 packet chooses; lengths and checksum follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Fields {
    /// Source address.
    pub source: VirtualAddr,
    /// Destination address.
    pub destination: VirtualAddr,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Time to live, in hops.
    pub ttl: u8,
    /// What follows.
    pub protocol: IpProtocol,
    /// The DF flag.
    pub dont_fragment: bool,
    /// The identification field.
    pub identification: u16,
    /// Where it stands in its datagram.
    pub fragment: Fragment,
    /// Length of what follows the header, in bytes.
    pub payload_len: u16,
}

impl Ipv4Header {
    /// A header without options, checksum included.
    /// A payload too long for IPv4 gives the longest total length.
    pub fn new(fields: &Ipv4Fields) -> Self {
        let mut flags = fields.fragment.offset_units();
        if fields.dont_fragment {
            flags |= DONT_FRAGMENT;
        }
        if fields.fragment.more() {
            flags |= MORE_FRAGMENTS;
        }
        let mut header = Self {
            version_ihl: 0x45,
            traffic_class: fields.traffic_class,
            total_len: U16::new(fields.payload_len.saturating_add(20)),
            identification: U16::new(fields.identification),
            flags_offset: U16::new(flags),
            ttl: fields.ttl,
            protocol: fields.protocol,
            checksum: U16::ZERO,
            source: fields.source.ipv4().octets(),
            destination: fields.destination.ipv4().octets(),
        };
        header.checksum = U16::new(checksum::of(header.as_bytes()));
        header
    }

    /// The version field: 4.
    pub const fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// Length of the header with its options, in bytes: 20 to 60 where valid.
    pub const fn header_len(&self) -> usize {
        (self.version_ihl & 0x0f) as usize * 4
    }

    /// Length of the packet, header included, in bytes.
    pub const fn total_len(&self) -> usize {
        self.total_len.get() as usize
    }

    /// The identification field.
    pub const fn identification(&self) -> u16 {
        self.identification.get()
    }

    /// The DF flag.
    pub const fn dont_fragment(&self) -> bool {
        self.flags_offset.get() & DONT_FRAGMENT != 0
    }

    /// The reserved flag, which must be zero (RFC 791 §3.1).
    pub const fn reserved_flag(&self) -> bool {
        self.flags_offset.get() & RESERVED != 0
    }

    /// Where it stands in its datagram.
    pub const fn fragment(&self) -> Fragment {
        let bits = self.flags_offset.get();
        Fragment::new(bits & OFFSET, bits & MORE_FRAGMENTS != 0)
    }

    /// A fragment: first, middle or last.
    pub const fn is_fragment(&self) -> bool {
        self.fragment().is_fragment()
    }

    /// Makes this the header of `fragment` of its datagram, with `payload_len`
    /// bytes behind it. The checksum is then to be made anew: [`Self::seal`].
    pub fn set_piece(&mut self, fragment: Fragment, payload_len: u16) {
        let kept = self.flags_offset.get() & (RESERVED | DONT_FRAGMENT);
        let more = if fragment.more() { MORE_FRAGMENTS } else { 0 };
        self.flags_offset = U16::new(kept | more | fragment.offset_units());
        let header_len = u16::from(self.version_ihl & 0x0f) * 4;
        self.total_len = U16::new(payload_len.saturating_add(header_len));
    }

    /// Replaces the identification. The checksum is then to be made anew.
    pub fn set_identification(&mut self, identification: u16) {
        self.identification = U16::new(identification);
    }

    /// Sets the header's length with options, in bytes: a multiple of 4 up to
    /// 60. The checksum is then to be made anew.
    pub fn set_header_len(&mut self, bytes: usize) {
        let words = u8::try_from(bytes / 4).unwrap_or(15).min(15);
        self.version_ihl = 0x40 | words;
    }

    /// Makes the checksum right, given the options that follow.
    pub fn seal(&mut self, options: &[u8]) {
        self.checksum = U16::ZERO;
        let sum = Sum::of(self.as_bytes()).and(Sum::of(options));
        self.checksum = U16::new(sum.checksum());
    }

    /// The header's checksum as it stands.
    pub const fn checksum(&self) -> u16 {
        self.checksum.get()
    }

    /// The source address.
    pub const fn source(&self) -> VirtualAddr {
        VirtualAddr::new(core::net::Ipv4Addr::from_octets(self.source))
    }

    /// The destination address.
    pub const fn destination(&self) -> VirtualAddr {
        VirtualAddr::new(core::net::Ipv4Addr::from_octets(self.destination))
    }

    /// Exchanges source and destination: the checksum stays right.
    pub fn turn(&mut self) {
        core::mem::swap(&mut self.source, &mut self.destination);
    }

    /// The sum of the pseudo-header's addresses (RFC 9293 §3.1); protocol and
    /// length are the same in IPv4 and IPv6 and cancel out in a delta.
    pub fn address_sum(&self) -> Sum {
        Sum::of(&self.source).and(Sum::of(&self.destination))
    }
}

/// Changes the header in front of `packet`, and makes its checksum right over
/// the options that stand behind it. `None`, and nothing is changed, where they
/// are cut short.
pub fn change_header(packet: &mut [u8], change: impl FnOnce(&mut Ipv4Header)) -> Option<()> {
    let (mut header, _) = Ipv4Header::read_from_prefix(packet).ok()?;
    let options = IPV4_LEN..header.header_len().max(IPV4_LEN);
    change(&mut header);
    header.seal(packet.get(options)?);
    header.write_to_prefix(packet).ok()
}

const _: () = assert!(size_of::<Ipv4Header>() == IPV4_LEN);
