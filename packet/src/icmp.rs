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

impl IcmpHeader {
    /// A header whose last four bytes are this number, with checksum zero.
    pub fn new(kind: u8, code: u8, word: u32) -> Self {
        let [a, b, c, d] = word.to_be_bytes();
        Self {
            kind,
            code,
            checksum: U16::ZERO,
            identifier: U16::new(u16::from_be_bytes([a, b])),
            sequence: U16::new(u16::from_be_bytes([c, d])),
        }
    }

    /// The last four bytes as one number.
    pub const fn word(&self) -> u32 {
        (self.identifier.get() as u32) << 16 | self.sequence.get() as u32
    }
}

/// ICMPv4 message types (RFC 792).
pub mod v4 {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// Source quench, obsolete (RFC 6633).
    pub const SOURCE_QUENCH: u8 = 4;
    /// Redirect.
    pub const REDIRECT: u8 = 5;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 12;

    /// Is it an error message, about which no other may be sent
    /// (RFC 1122 §3.2.2)?
    pub const fn is_error(kind: u8) -> bool {
        matches!(
            kind,
            UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM
        )
    }

    /// Codes of [`UNREACHABLE`] (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1).
    pub mod unreachable {
        /// The network is unreachable.
        pub const NET: u8 = 0;
        /// The host is unreachable.
        pub const HOST: u8 = 1;
        /// Nobody there speaks the protocol.
        pub const PROTOCOL: u8 = 2;
        /// Nobody listens on the port.
        pub const PORT: u8 = 3;
        /// Too large, and DF forbids to fragment it; the last two bytes of the
        /// header are the MTU that fits (RFC 1191 §4).
        pub const FRAGMENTATION_NEEDED: u8 = 4;
        /// A source route failed.
        pub const SOURCE_ROUTE_FAILED: u8 = 5;
        /// The network is unknown.
        pub const NET_UNKNOWN: u8 = 6;
        /// The host is unknown.
        pub const HOST_UNKNOWN: u8 = 7;
        /// The source is isolated.
        pub const SOURCE_ISOLATED: u8 = 8;
        /// The network is prohibited.
        pub const NET_PROHIBITED: u8 = 9;
        /// The host is prohibited.
        pub const HOST_PROHIBITED: u8 = 10;
        /// The network is unreachable for the type of service.
        pub const NET_TOS: u8 = 11;
        /// The host is unreachable for the type of service.
        pub const HOST_TOS: u8 = 12;
        /// A filter forbids it.
        pub const PROHIBITED: u8 = 13;
        /// The precedence is not allowed to this host.
        pub const HOST_PRECEDENCE: u8 = 14;
        /// The precedence is below the network's minimum.
        pub const PRECEDENCE_CUTOFF: u8 = 15;
    }

    /// Codes of [`PARAMETER_PROBLEM`] (RFC 792, RFC 1122 §3.2.2.5, RFC 1108).
    pub mod parameter {
        /// The pointer says where; it is the fifth byte of the header.
        pub const POINTER: u8 = 0;
        /// A required option is missing.
        pub const MISSING_OPTION: u8 = 1;
        /// A length is wrong; the pointer says which.
        pub const BAD_LENGTH: u8 = 2;
    }
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

    /// Codes of [`UNREACHABLE`] (RFC 4443 §3.1).
    pub mod unreachable {
        /// No route.
        pub const NO_ROUTE: u8 = 0;
        /// A filter forbids it.
        pub const PROHIBITED: u8 = 1;
        /// The destination is beyond the source address's scope.
        pub const BEYOND_SCOPE: u8 = 2;
        /// The address is unreachable.
        pub const ADDRESS: u8 = 3;
        /// Nobody listens on the port.
        pub const PORT: u8 = 4;
    }

    /// Codes of [`PARAMETER_PROBLEM`] (RFC 4443 §3.4).
    pub mod parameter {
        /// A header field is wrong; the pointer, 32 bits, says which.
        pub const FIELD: u8 = 0;
        /// The next header is unknown.
        pub const NEXT_HEADER: u8 = 1;
        /// An option is unknown.
        pub const OPTION: u8 = 2;
    }
}

const _: () = assert!(size_of::<IcmpHeader>() == ICMP_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_bytes_are_one_number() {
        let header = IcmpHeader::new(v6::PACKET_TOO_BIG, 0, 0x0102_0304);
        assert_eq!(header.as_bytes(), [2, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(header.word(), 0x0102_0304);
    }

    #[test]
    fn icmpv4_errors_are_those_of_rfc_1122() {
        let errors: Vec<u8> = (0..=255).filter(|kind| v4::is_error(*kind)).collect();
        assert_eq!(errors, [3, 4, 5, 11, 12]);
    }
}
