//! The substrate address: 128 bits that say on which host, in which segment
//! and under which virtual address an interface is.
//!
//! ```text
//!  0        31 32       63 64  69 70 71 72        95 96          127
//! +-----------+-----------+------+--+--+------------+--------------+
//! |organisation| topology | slot |F |G | segment id | virtual IPv4 |
//! +-----------+-----------+------+--+--+------------+--------------+
//! |<------ locator ------>|
//! ```

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use crate::ids::{SegmentId, Slot, VirtualAddr};

/// The upper 64 bits of a substrate address: which host. The fabric routes on
/// them and on nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locator(u64);

impl Locator {
    /// A locator from the upper 64 bits of its prefix.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The upper 64 bits of every address under this locator.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The locator that an address lies under.
    pub const fn of(address: Ipv6Addr) -> Self {
        Self((address.to_bits() >> 64) as u64)
    }

    /// Does the address lie under this locator?
    pub const fn contains(self, address: Ipv6Addr) -> bool {
        Self::of(address).0 == self.0
    }

    /// The first address of the prefix.
    pub const fn network(self) -> Ipv6Addr {
        Ipv6Addr::from_bits((self.0 as u128) << 64)
    }

    /// The organisation part: bits 0 to 31.
    pub const fn organisation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The topology part: bits 32 to 63.
    pub const fn topology(self) -> Topology {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        Topology::from_bits(self.0 as u32)
    }
}

/// What bits 32 to 63 of a locator say of where the host stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topology {
    /// Version 0: the host's place in four steps.
    Place {
        /// Locale, 6 bits.
        locale: u8,
        /// Area, 8 bits.
        area: u8,
        /// Rack, 8 bits.
        rack: u8,
        /// Machine, 8 bits.
        machine: u8,
    },
    /// Version 1: a number within a locale.
    Numbered {
        /// Locale, 14 bits.
        locale: u16,
        /// The host, 16 bits.
        host: u16,
    },
    /// Versions 2 and 3 have no meaning yet.
    Unknown {
        /// Bits 32 and 33.
        version: u8,
    },
}

impl Topology {
    const fn from_bits(bits: u32) -> Self {
        let [a, b, c, d] = bits.to_be_bytes();
        match a >> 6 {
            0 => Self::Place {
                locale: a & 0x3f,
                area: b,
                rack: c,
                machine: d,
            },
            1 => Self::Numbered {
                locale: u16::from_be_bytes([a & 0x3f, b]),
                host: u16::from_be_bytes([c, d]),
            },
            version => Self::Unknown { version },
        }
    }
}

/// Text that is not a locator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocatorError {
    /// Not `prefix/64`.
    #[error("\"{0}\" is not a locator; write an IPv6 prefix of length 64, e.g. fd00:0:0:a::/64")]
    Syntax(String),
    /// Bits are set below the prefix.
    #[error("locator \"{0}\" has bits set after the first 64; write {1}")]
    HostBits(String, Locator),
    /// The prefix is not for unicast use.
    #[error("locator \"{0}\" is not a unicast prefix; use one the substrate's registry gave you")]
    NotUnicast(String),
}

impl FromStr for Locator {
    type Err = LocatorError;

    fn from_str(text: &str) -> Result<Self, LocatorError> {
        let syntax = || LocatorError::Syntax(text.to_owned());
        let (prefix, length) = text.split_once('/').ok_or_else(syntax)?;
        let address: Ipv6Addr = prefix.parse().map_err(|_| syntax())?;
        if length != "64" {
            return Err(syntax());
        }
        let locator = Self::of(address);
        if locator.network() != address {
            return Err(LocatorError::HostBits(text.to_owned(), locator));
        }
        let special = address.is_multicast() || address.is_unicast_link_local();
        if special || locator.0 == 0 {
            return Err(LocatorError::NotUnicast(text.to_owned()));
        }
        Ok(locator)
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/64", self.network())
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address under some locator, in its parts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SubstrateAddr {
    /// Which host.
    pub locator: Locator,
    /// Which node there, if the embedded address does not say.
    pub slot: Slot,
    /// Destination: deliver to the node in `slot` whatever `address` says.
    /// Source: sent by the phantom router in `slot` on behalf of `address`.
    pub forward: bool,
    /// The destination is a group.
    pub group: bool,
    /// Which segment.
    pub segment: SegmentId,
    /// Which address in the segment.
    pub address: VirtualAddr,
}

/// Segment 0 of a locator is the host itself: no substrate address of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} has segment 0: it is the host itself, not an interface of a tenant")]
pub struct HostAddress(pub Ipv6Addr);

const FORWARD: u8 = 0x02;
const GROUP: u8 = 0x01;

impl SubstrateAddr {
    /// The address of an ordinary interface: no slot, no flags.
    pub const fn ordinary(locator: Locator, segment: SegmentId, address: VirtualAddr) -> Self {
        Self {
            locator,
            slot: Slot::ZERO,
            forward: false,
            group: false,
            segment,
            address,
        }
    }

    /// The parts of an IPv6 address.
    ///
    /// # Errors
    /// [`HostAddress`] where the segment bits are zero.
    pub fn from_ipv6(address: Ipv6Addr) -> Result<Self, HostAddress> {
        let o = address.octets();
        let segment = SegmentId::new(u32::from_be_bytes([0, o[9], o[10], o[11]]))
            .map_err(|_| HostAddress(address))?;
        Ok(Self {
            locator: Locator::of(address),
            // Six bits always fit a slot.
            slot: Slot::new(o[8] >> 2).unwrap_or(Slot::ZERO),
            forward: o[8] & FORWARD != 0,
            group: o[8] & GROUP != 0,
            segment,
            address: VirtualAddr::from_bits(u32::from_be_bytes([o[12], o[13], o[14], o[15]])),
        })
    }

    /// The IPv6 address that these parts make.
    pub const fn to_ipv6(self) -> Ipv6Addr {
        let mut octet = self.slot.get() << 2;
        if self.forward {
            octet |= FORWARD;
        }
        if self.group {
            octet |= GROUP;
        }
        let low = ((octet as u64) << 56)
            | ((self.segment.get() as u64) << 32)
            | self.address.to_bits() as u64;
        Ipv6Addr::from_bits(((self.locator.to_bits() as u128) << 64) | low as u128)
    }
}

impl fmt::Display for SubstrateAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_ipv6(), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ordinary(locator: &str, segment: u32, address: &str) -> String {
        SubstrateAddr::ordinary(
            locator.parse().unwrap(),
            SegmentId::new(segment).unwrap(),
            VirtualAddr::new(address.parse().unwrap()),
        )
        .to_string()
    }

    #[test]
    fn the_worked_example_has_the_addresses_of_1_10() {
        let (r, s) = ("fd00:0:0:a::/64", "fd00:0:0:b::/64");
        assert_eq!(ordinary(r, 0xa001, "10.0.0.2"), "fd00::a:0:a001:a00:2");
        assert_eq!(ordinary(s, 0xa001, "10.0.0.3"), "fd00::b:0:a001:a00:3");
        assert_eq!(ordinary(s, 0xa002, "10.0.5.4"), "fd00::b:0:a002:a00:504");
        assert_eq!(ordinary(s, 0xa003, "10.1.5.3"), "fd00::b:0:a003:a01:503");
    }

    #[test]
    fn segment_zero_is_the_host() {
        let host: Ipv6Addr = "fd00:0:0:a::1".parse().unwrap();
        assert_eq!(SubstrateAddr::from_ipv6(host), Err(HostAddress(host)));
    }

    #[test]
    fn locators_are_checked() {
        let refused = |text: &str| text.parse::<Locator>().unwrap_err().to_string();
        assert!(refused("fd00::/48").contains("length 64"));
        assert!(refused("fd00:0:0:a::1/64").ends_with("write fd00:0:0:a::/64"));
        assert!(refused("ff02::/64").contains("unicast"));
        assert!(refused("fe80::/64").contains("unicast"));
    }

    #[test]
    fn topology_of_both_versions() {
        let place: Locator = "fd00:0:0506:0708::/64".parse().unwrap();
        let expect = Topology::Place {
            locale: 5,
            area: 6,
            rack: 7,
            machine: 8,
        };
        assert_eq!(place.topology(), expect);
        assert_eq!(place.organisation(), 0xfd00_0000);
        let numbered: Locator = "fd00:0:4102:0304::/64".parse().unwrap();
        assert_eq!(
            numbered.topology(),
            Topology::Numbered {
                locale: 0x102,
                host: 0x304
            }
        );
    }

    proptest! {
        #[test]
        fn parts_and_ipv6_are_the_same_thing(bits in any::<u128>()) {
            let address = Ipv6Addr::from_bits(bits);
            if let Ok(parts) = SubstrateAddr::from_ipv6(address) {
                prop_assert_eq!(parts.to_ipv6(), address);
            }
        }
    }
}
