//! ICMP for both IP versions (RFC 792, RFC 4443): the header they share, and
//! the types a switch must know.

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first 8 bytes of every ICMP message. What the last four mean depends on
/// the type; for echo they are identifier and sequence number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct IcmpHeader {
    /// The message type; its meaning depends on the IP version.
    pub kind: u8,
    /// The code within the type.
    pub code: u8,
    /// The checksum; ICMPv6's covers the pseudo-header, ICMPv4's does not.
    pub checksum: U16,
    /// Echo: the identifier.
    pub identifier: U16,
    /// Echo: the sequence number.
    pub sequence: U16,
}

/// Length of an [`IcmpHeader`] in bytes.
pub const ICMP_LEN: usize = 8;

/// ICMPv4 message types (RFC 792).
pub mod v4 {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 12;
}

/// ICMPv6 message types (RFC 4443, RFC 4861, RFC 3810).
pub mod v6 {
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 1;
    /// Packet too big.
    pub const PACKET_TOO_BIG: u8 = 2;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 3;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 4;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Error messages have the high bit clear (RFC 4443 §2.1).
    pub const fn is_error(kind: u8) -> bool {
        kind < 128
    }
}

const _: () = assert!(size_of::<IcmpHeader>() == ICMP_LEN);
