//! The identifiers of the product: checked once, carried as types.

use core::fmt;
use core::net::Ipv4Addr;
use core::num::NonZeroU32;
use core::str::FromStr;

/// A value outside the range of the identifier it was meant for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A segment id has 24 bits and 0 is the host itself.
    #[error("segment id {0:#x} is out of range; use 0x000001 to 0xffffff (0 is the host itself)")]
    Segment(u32),
    /// A VLAN id has 12 bits; 0 and 4095 are reserved (IEEE 802.1Q §9.6).
    #[error("VLAN id {0} is out of range; use 1 to 4094")]
    Vlan(u16),
    /// An MPLS label has 20 bits; 0 to 15 are reserved (RFC 7274 §4).
    #[error("MPLS label {0} is out of range; use 16 to 1048575")]
    Label(u32),
    /// A slot has 6 bits.
    #[error("slot {0} is out of range; use 0 to 63")]
    Slot(u8),
    /// Text that is not a number.
    #[error("\"{0}\" is not a number; write decimal (40961) or hexadecimal (0x00a001)")]
    Text(String),
}

/// A segment: one layer-2 broadcast domain, 24 bits, unique in the installation.
/// Zero names no segment (it is the host itself in a substrate address).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(NonZeroU32);

impl SegmentId {
    /// The largest segment id.
    pub const MAX: u32 = 0x00ff_ffff;

    /// A segment id from its number.
    ///
    /// # Errors
    /// [`IdError::Segment`] for 0 and for more than 24 bits.
    pub const fn new(id: u32) -> Result<Self, IdError> {
        match NonZeroU32::new(id) {
            Some(some) if id <= Self::MAX => Ok(Self(some)),
            _ => Err(IdError::Segment(id)),
        }
    }

    /// The number, 1 to 0xffffff.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for SegmentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError::Text(text.to_owned());
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_hexdigit());
        let id = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) if digits(hex) => u32::from_str_radix(hex, 16).map_err(|_| refuse())?,
            None if digits(text) => text.parse().map_err(|_| refuse())?,
            _ => return Err(refuse()),
        };
        Self::new(id)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:06x}", self.0)
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A VLAN id as nodes see it, 1 to 4094 (IEEE 802.1Q §9.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct VlanId(u16);

impl VlanId {
    /// A VLAN id from its number.
    ///
    /// # Errors
    /// [`IdError::Vlan`] for 0, 4095 and above.
    pub const fn new(id: u16) -> Result<Self, IdError> {
        if id == 0 || id >= 0x0fff {
            Err(IdError::Vlan(id))
        } else {
            Ok(Self(id))
        }
    }

    /// The number, 1 to 4094.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An MPLS label as nodes see it, 16 to 1048575 (RFC 3032 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MplsLabel(u32);

impl MplsLabel {
    /// The smallest label that is nobody's already.
    pub const MIN: u32 = 16;
    /// The largest label.
    pub const MAX: u32 = 0x000f_ffff;

    /// A label from its number.
    ///
    /// # Errors
    /// [`IdError::Label`] for the reserved ones, and for more than 20 bits.
    pub const fn new(label: u32) -> Result<Self, IdError> {
        if label < Self::MIN || label > Self::MAX {
            Err(IdError::Label(label))
        } else {
            Ok(Self(label))
        }
    }

    /// The number, 16 to 1048575.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for MplsLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which node on a locator, where the embedded address does not say: 6 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Slot(u8);

impl Slot {
    /// The slot of every node that needs none.
    pub const ZERO: Self = Self(0);

    /// A slot from its number.
    ///
    /// # Errors
    /// [`IdError::Slot`] above 63.
    pub const fn new(slot: u8) -> Result<Self, IdError> {
        if slot > 63 {
            Err(IdError::Slot(slot))
        } else {
            Ok(Self(slot))
        }
    }

    /// The number, 0 to 63.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The 32 bits by which a node is known inside a segment: its IPv4 address.
/// (Labels for IPv6 addresses, from 240/4, share the space.)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VirtualAddr(Ipv4Addr);

impl VirtualAddr {
    /// A virtual address from an IPv4 address.
    pub const fn new(address: Ipv4Addr) -> Self {
        Self(address)
    }

    /// A virtual address from its 32 bits, most significant first.
    pub const fn from_bits(bits: u32) -> Self {
        Self(Ipv4Addr::from_bits(bits))
    }

    /// The 32 bits.
    pub const fn to_bits(self) -> u32 {
        self.0.to_bits()
    }

    /// The address in IPv4 notation.
    pub const fn ipv4(self) -> Ipv4Addr {
        self.0
    }

    /// In 240.0.0.0/4: a label that stands for an IPv6 address, never IPv4.
    pub const fn is_ipv6_label(self) -> bool {
        self.to_bits() >= 0xf000_0000
    }

    /// In 0.0.0.0/8, and not 0.0.0.0: it stands for an interface that has no
    /// address yet, so that the fabric can be told which is meant. No packet of a
    /// node's has it.
    pub const fn is_anchor(self) -> bool {
        let bits = self.to_bits();
        bits != 0 && bits < 0x0100_0000
    }

    /// An address that one station can have: not "this host", loopback,
    /// multicast, reserved or broadcast (RFC 1122 §3.2.1.3).
    pub const fn is_unicast(self) -> bool {
        let first = self.0.octets()[0];
        first != 0 && first != 127 && first < 224
    }
}

impl From<Ipv4Addr> for VirtualAddr {
    fn from(address: Ipv4Addr) -> Self {
        Self(address)
    }
}

impl fmt::Display for VirtualAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for VirtualAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked_and_named() {
        assert_eq!(SegmentId::new(0), Err(IdError::Segment(0)));
        assert_eq!(
            SegmentId::new(0x100_0000),
            Err(IdError::Segment(0x100_0000))
        );
        assert_eq!(SegmentId::new(0xff_ffff).unwrap().get(), 0xff_ffff);
        assert_eq!(VlanId::new(0), Err(IdError::Vlan(0)));
        assert_eq!(VlanId::new(4095), Err(IdError::Vlan(4095)));
        assert_eq!(MplsLabel::new(15), Err(IdError::Label(15)));
        assert_eq!(MplsLabel::new(1 << 20), Err(IdError::Label(1 << 20)));
        assert_eq!(Slot::new(64), Err(IdError::Slot(64)));
    }

    #[test]
    fn segment_ids_read_hex_and_decimal() {
        assert_eq!("0x00a001".parse(), SegmentId::new(0xa001));
        assert_eq!("40961".parse(), SegmentId::new(0xa001));
        assert_eq!(
            "a001".parse::<SegmentId>(),
            Err(IdError::Text("a001".into()))
        );
        assert_eq!("0x".parse::<SegmentId>(), Err(IdError::Text("0x".into())));
        assert_eq!(SegmentId::new(0xa001).unwrap().to_string(), "0x00a001");
    }

    #[test]
    fn unicast_range_of_virtual_addresses() {
        let unicast = |a: &str| VirtualAddr::new(a.parse().unwrap()).is_unicast();
        assert!(unicast("10.0.0.2") && unicast("1.0.0.0") && unicast("223.255.255.255"));
        assert!(!unicast("0.0.0.0") && !unicast("127.0.0.1") && !unicast("224.0.0.1"));
        assert!(!unicast("255.255.255.255") && !unicast("240.0.0.1"));
    }
}
