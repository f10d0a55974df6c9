//! Protocol numbers: the IANA registries of EtherTypes and IP protocols, as
//! far as a switch must tell them apart.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What follows an Ethernet header (IEEE 802.3 §3.2.6).
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub struct EtherType(zerocopy::big_endian::U16);

impl EtherType {
    /// IPv4 (RFC 894).
    pub const IPV4: Self = Self::new(0x0800);
    /// ARP (RFC 826).
    pub const ARP: Self = Self::new(0x0806);
    /// An 802.1Q tag.
    pub const DOT1Q: Self = Self::new(0x8100);
    /// An MPLS label stack (RFC 3032 §5).
    pub const MPLS: Self = Self::new(0x8847);
    /// An 802.1ad service tag.
    pub const DOT1AD: Self = Self::new(0x88a8);
    /// An outer tag from before 802.1ad: of no standard.
    pub const LEGACY_OUTER: Self = Self::new(0x9100);
    /// IPv6 (RFC 2464).
    pub const IPV6: Self = Self::new(0x86dd);

    /// An EtherType from its number.
    pub const fn new(number: u16) -> Self {
        Self(zerocopy::big_endian::U16::new(number))
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.get())
    }
}

/// An IP protocol number, IPv6's next header (IANA protocol-numbers).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(transparent)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: Self = Self(0);
    /// ICMPv4.
    pub const ICMP: Self = Self(1);
    /// IGMP.
    pub const IGMP: Self = Self(2);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// DCCP (RFC 4340).
    pub const DCCP: Self = Self(33);
    /// IPv6 routing header.
    pub const ROUTING: Self = Self(43);
    /// IPv6 fragment header.
    pub const FRAGMENT: Self = Self(44);
    /// Authentication header: covers the IP header, so no rewrite survives it.
    pub const AH: Self = Self(51);
    /// ICMPv6.
    pub const ICMPV6: Self = Self(58);
    /// IPv6 no next header.
    pub const NO_NEXT_HEADER: Self = Self(59);
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: Self = Self(60);
    /// EtherIP (RFC 3378): a vswitch's raw frame.
    pub const ETHERIP: Self = Self(97);
    /// VRRP (RFC 5798).
    pub const VRRP: Self = Self(112);
    /// SCTP.
    pub const SCTP: Self = Self(132);
    /// IPv6 mobility header.
    pub const MOBILITY: Self = Self(135);
    /// UDP-Lite (RFC 3828).
    pub const UDP_LITE: Self = Self(136);
    /// Host identity protocol.
    pub const HIP: Self = Self(139);
    /// Shim6.
    pub const SHIM6: Self = Self(140);

    /// May an IPv4 protocol number be copied into IPv6's next header?
    ///
    /// Those that name IPv6 extension headers, ICMPv6, AH or EtherIP may not:
    /// a tenant could otherwise speak to the fabric or forge raw frames.
    pub const fn may_be_next_header(self) -> bool {
        !matches!(
            self.0,
            0 | 43 | 44 | 51 | 58 | 59 | 60 | 97 | 135 | 139 | 140
        )
    }

    /// Where the checksum that covers the pseudo-header stands in a transport
    /// header, in bytes; `None` where there is none.
    pub const fn checksum_offset(self) -> Option<usize> {
        match self {
            Self::TCP => Some(16),
            Self::UDP | Self::DCCP | Self::UDP_LITE => Some(6),
            _ => None,
        }
    }
}

impl fmt::Debug for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
