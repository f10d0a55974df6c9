//! The MPLS label stack entry.
//!
//! ```text
//! label 20 | traffic class 3 | bottom of stack 1 | TTL 8
//! ```

use zerocopy::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::MplsLabel;

/// The four bytes behind an Ethernet header whose type says MPLS (RFC 3032
/// §2.1, RFC 5462).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub struct LabelEntry(U32);

/// Length of a [`LabelEntry`] in bytes.
pub const LABEL_LEN: usize = 4;

const BOTTOM: u32 = 1 << 8;

impl LabelEntry {
    /// The only entry of a stack, traffic class 0.
    pub const fn only(label: MplsLabel, ttl: u8) -> Self {
        Self(U32::new(label.get() << 12 | BOTTOM | ttl as u32))
    }

    /// The 20 bits of the label; 0 to 15 have meanings of their own.
    pub const fn label_bits(self) -> u32 {
        self.0.get() >> 12
    }

    /// Is it the last of its stack?
    pub const fn is_bottom(self) -> bool {
        self.0.get() & BOTTOM != 0
    }

    /// The time to live.
    pub const fn ttl(self) -> u8 {
        self.0.get().to_be_bytes()[3]
    }
}

const _: () = assert!(size_of::<LabelEntry>() == LABEL_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_fields_where_the_rfc_has_them() {
        let entry = LabelEntry::only(MplsLabel::new(0x12345).unwrap(), 0x40);
        assert_eq!(entry.as_bytes(), [0x12, 0x34, 0x51, 0x40]);
        assert_eq!((entry.label_bits(), entry.ttl()), (0x12345, 0x40));
        assert!(entry.is_bottom());
        let above = LabelEntry::read_from_bytes(&[0xff, 0xff, 0xfe, 9]).unwrap();
        assert_eq!((above.label_bits(), above.is_bottom()), (0xf_ffff, false));
    }
}
