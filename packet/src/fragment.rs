//! Fragments: where one stands in its datagram (RFC 791 §3.2), and the header
//! that says so in IPv6 (RFC 8200 §4.5).
//!
//! ```text
//!  0               8              16                       29    31
//! |  next header  |   reserved    |    fragment offset     |res|M|
//! |                        identification                        |
//! ```

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::protocol::IpProtocol;

/// Where a piece stands in its datagram. The default is a whole datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fragment {
    offset: u16,
    more: bool,
}

impl Fragment {
    /// Fragment offsets count in units of so many bytes.
    pub const UNIT: usize = 8;

    /// The largest offset, in units.
    pub const MAX_OFFSET: u16 = 0x1fff;

    /// A whole datagram.
    pub const WHOLE: Self = Self {
        offset: 0,
        more: false,
    };

    /// A piece that begins `offset` units of 8 bytes into its datagram, with or
    /// without more behind it; what is above 13 bits is cut off.
    pub const fn new(offset: u16, more: bool) -> Self {
        Self {
            offset: offset & Self::MAX_OFFSET,
            more,
        }
    }

    /// Its place in units of 8 bytes.
    pub const fn offset_units(self) -> u16 {
        self.offset
    }

    /// Its place in bytes.
    pub const fn offset(self) -> usize {
        self.offset as usize * Self::UNIT
    }

    /// Does more follow?
    pub const fn more(self) -> bool {
        self.more
    }

    /// A piece of a datagram: first, middle or last.
    pub const fn is_fragment(self) -> bool {
        self.offset != 0 || self.more
    }

    /// A middle or last piece: without the transport's header.
    pub const fn is_later(self) -> bool {
        self.offset != 0
    }
}

/// IPv6's fragment header.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct FragmentHeader {
    /// What the fragmented datagram carries.
    pub next_header: IpProtocol,
    reserved: u8,
    offset_flags: U16,
    identification: U32,
}

/// Length of a [`FragmentHeader`] in bytes.
pub const FRAGMENT_LEN: usize = 8;

impl FragmentHeader {
    /// A header.
    pub const fn new(next_header: IpProtocol, fragment: Fragment, identification: u32) -> Self {
        let more = if fragment.more { 1 } else { 0 };
        Self {
            next_header,
            reserved: 0,
            offset_flags: U16::new(fragment.offset << 3 | more),
            identification: U32::new(identification),
        }
    }

    /// Where the piece stands.
    pub const fn fragment(&self) -> Fragment {
        let bits = self.offset_flags.get();
        Fragment::new(bits >> 3, bits & 1 != 0)
    }

    /// Which datagram it is of, among those between two addresses.
    pub const fn identification(&self) -> u32 {
        self.identification.get()
    }
}

const _: () = assert!(size_of::<FragmentHeader>() == FRAGMENT_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_it_was_made_of() {
        for (offset, more) in [(0, true), (1, false), (0x1fff, true), (185, true)] {
            let fragment = Fragment::new(offset, more);
            let header = FragmentHeader::new(IpProtocol::UDP, fragment, 0xabcd);
            assert_eq!(
                (header.fragment(), header.identification()),
                (fragment, 0xabcd)
            );
        }
        // RFC 8200 §4.5: offset 185 units, M set.
        let header = FragmentHeader::new(IpProtocol::UDP, Fragment::new(185, true), 0x1234);
        assert_eq!(header.as_bytes(), [17, 0, 0x05, 0xc9, 0, 0, 0x12, 0x34]);
    }
}
