//! Ethernet II headers and the 802.1Q tag.
//!
//! ```text
//! +--------------------+--------------------+-----------+
//! | destination, 48    | source, 48         | type, 16  |
//! +--------------------+--------------------+-----------+
//! 802.1Q, where type is 0x8100:  priority 3 | DEI 1 | VLAN id 12 | type, 16
//! ```

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::mac::MacAddr;
use crate::protocol::EtherType;

/// An Ethernet II header, 14 bytes (IEEE 802.3 §3.2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct EthernetHeader {
    /// Destination MAC.
    pub destination: MacAddr,
    /// Source MAC.
    pub source: MacAddr,
    /// What follows.
    pub ether_type: EtherType,
}

/// Length of an [`EthernetHeader`] in bytes.
pub const ETHERNET_LEN: usize = 14;

/// The shortest frame without its check sequence (IEEE 802.3 §4A.4.2).
pub const MIN_FRAME_LEN: usize = 60;

/// The four bytes after an Ethernet header whose type says 802.1Q: tag control
/// information, then the real type (IEEE 802.1Q §9.6).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Dot1qTag {
    /// Priority (3 bits), drop eligible (1 bit), VLAN id (12 bits).
    pub control: U16,
    /// What follows.
    pub ether_type: EtherType,
}

/// Length of a [`Dot1qTag`] in bytes.
pub const DOT1Q_LEN: usize = 4;

impl Dot1qTag {
    /// The 12 bits of the VLAN id; 0 means "priority only, no VLAN".
    pub const fn vlan_bits(self) -> u16 {
        self.control.get() & 0x0fff
    }
}

const _: () = assert!(size_of::<EthernetHeader>() == ETHERNET_LEN);
const _: () = assert!(size_of::<Dot1qTag>() == DOT1Q_LEN);
