//! IPv6 prefixes: what routes lead to.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use crate::substrate_addr::Locator;

/// An IPv6 prefix: a network address and a length of 0 to 128 bits
/// (RFC 4291 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipv6Prefix {
    network: Ipv6Addr,
    length: u8,
}

/// Text or parts that make no IPv6 prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Not `address/length`.
    #[error("\"{0}\" is not an IPv6 prefix; write address/length, e.g. fd00::/32 or ::/0")]
    Syntax(String),
    /// The length is no prefix length.
    #[error("prefix length {0} is out of range; use 0 to 128")]
    Length(u8),
    /// Bits are set below the length.
    #[error("{address}/{} has bits set after the first {}; write {meant}", meant.length, meant.length)]
    HostBits {
        /// What was given.
        address: Ipv6Addr,
        /// The prefix it lies in.
        meant: Ipv6Prefix,
    },
}

impl Ipv6Prefix {
    /// `::/0`: every address.
    pub const ALL: Self = Self {
        network: Ipv6Addr::UNSPECIFIED,
        length: 0,
    };
    /// `fe80::/10`: the link itself.
    pub const LINK_LOCAL: Self = Self {
        network: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
        length: 10,
    };

    /// The prefix with this network address.
    ///
    /// # Errors
    /// [`PrefixError`] for a length above 128, or bits set below it.
    pub fn new(network: Ipv6Addr, length: u8) -> Result<Self, PrefixError> {
        let meant = Self::around(network, length)?;
        if meant.network == network {
            Ok(meant)
        } else {
            Err(PrefixError::HostBits {
                address: network,
                meant,
            })
        }
    }

    /// The prefix of this length that the address lies in.
    ///
    /// # Errors
    /// [`PrefixError::Length`] above 128.
    pub fn around(address: Ipv6Addr, length: u8) -> Result<Self, PrefixError> {
        if length > 128 {
            return Err(PrefixError::Length(length));
        }
        Ok(Self::containing(address, length))
    }

    /// The prefix of this length that the address lies in; a length above 128
    /// is taken as 128.
    pub fn containing(address: Ipv6Addr, length: u8) -> Self {
        let length = length.min(128);
        Self {
            network: Ipv6Addr::from_bits(address.to_bits() & mask(length)),
            length,
        }
    }

    /// The prefix of everything under a locator.
    pub const fn of_locator(locator: Locator) -> Self {
        Self {
            network: locator.network(),
            length: 64,
        }
    }

    /// The first address.
    pub const fn network(self) -> Ipv6Addr {
        self.network
    }

    /// How many leading bits count, 0 to 128.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Does the address lie in the prefix?
    pub fn contains(self, address: Ipv6Addr) -> bool {
        address.to_bits() & mask(self.length) == self.network.to_bits()
    }

    /// Does every address of the other prefix lie in this one?
    pub fn covers(self, other: Self) -> bool {
        self.length <= other.length && self.contains(other.network)
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(length.min(128)))
        .unwrap_or(0)
}

impl FromStr for Ipv6Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let syntax = || PrefixError::Syntax(text.to_owned());
        let (network, length) = text.split_once('/').ok_or_else(syntax)?;
        // `parse` would take a sign.
        if !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(syntax());
        }
        let length = length.parse().map_err(|_| syntax())?;
        Self::new(network.parse().map_err(|_| syntax())?, length)
    }
}

impl fmt::Display for Ipv6Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

impl fmt::Debug for Ipv6Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Ipv6Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn prefixes_know_their_members() {
        let p = prefix("fd00:0:0:ff::/64");
        assert!(p.contains("fd00:0:0:ff::a".parse().unwrap()));
        assert!(!p.contains("fd00:0:0:fe::a".parse().unwrap()));
        assert!(prefix("::/0").contains("ff02::1".parse().unwrap()));
        assert!(prefix("fd00::1/128").contains("fd00::1".parse().unwrap()));
        assert!(!prefix("fd00::1/128").contains("fd00::2".parse().unwrap()));
        assert!(prefix("fd00::/16").covers(p) && !p.covers(prefix("fd00::/16")));
    }

    #[test]
    fn wrong_prefixes_are_refused_with_a_remedy() {
        let refused = |text: &str| text.parse::<Ipv6Prefix>().unwrap_err().to_string();
        assert!(refused("fd00::1/64").ends_with("write fd00::/64"));
        assert!(refused("fd00::/129").contains("0 to 128"));
        for text in ["fd00::", "fd00::/+64", "fd00::/", "x/64", "10.0.0.0/8"] {
            assert!(refused(text).contains("address/length"), "{text}");
        }
    }
}
