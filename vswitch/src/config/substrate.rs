//! How this host stands on the fabric: the `substrate` section.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use packet::Locator;
use vnet::compiled::PortId;

/// This host on the fabric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substrate {
    /// The /64 that this host's interfaces are under.
    pub locator: Locator,
    /// How the fabric learns where the locator is.
    pub announce: Announce,
    /// Hop limit of the packets sent to other hosts.
    pub hop_limit: u8,
    /// The ports to the fabric, at least one.
    pub uplinks: Vec<Uplink>,
}

/// How the fabric learns where the locator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Announce {
    /// The fabric has a route to it via an uplink's address.
    #[default]
    Routed,
    /// The locator is on-link: this host answers neighbour solicitations for
    /// every address under it.
    OnLink,
}

/// A port to the fabric, where this host is an ordinary IPv6 host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// The port.
    pub port: PortId,
    /// This host's own address there.
    pub address: Ipv6Addr,
    /// How many of its bits are the on-link prefix.
    pub prefix_length: u8,
    /// The largest IPv6 packet, in bytes.
    pub mtu: u16,
    /// Where everything else is.
    pub routes: Vec<Route>,
}

impl Uplink {
    /// The on-link prefix.
    pub fn prefix(&self) -> Ipv6Prefix {
        Ipv6Prefix::containing(self.address, self.prefix_length)
    }
}

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The destinations.
    pub to: Ipv6Prefix,
    /// The next hops, at least one; flows are spread over several (ECMP).
    pub via: Vec<Ipv6Addr>,
}

/// An IPv6 prefix without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ipv6Prefix {
    network: Ipv6Addr,
    length: u8,
}

impl Ipv6Prefix {
    /// The prefix of this length that contains the address. A length above
    /// 128 is taken as 128.
    pub fn containing(address: Ipv6Addr, length: u8) -> Self {
        let length = length.min(128);
        Self {
            network: Ipv6Addr::from_bits(address.to_bits() & Self::mask(length)),
            length,
        }
    }

    /// The first address.
    pub const fn network(self) -> Ipv6Addr {
        self.network
    }

    /// The prefix length, 0 to 128.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Does the prefix contain the address?
    pub fn contains(self, address: Ipv6Addr) -> bool {
        address.to_bits() & Self::mask(self.length) == self.network.to_bits()
    }

    fn mask(length: u8) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
    }
}

impl fmt::Display for Ipv6Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

/// Text that is not an IPv6 prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ipv6PrefixError {
    /// Not `address/length`.
    #[error("\"{0}\" is not an IPv6 prefix")]
    Syntax(String),
    /// Bits are set below the prefix.
    #[error("\"{0}\" has bits set after the prefix")]
    HostBits(String, Ipv6Prefix),
}

impl FromStr for Ipv6Prefix {
    type Err = Ipv6PrefixError;

    fn from_str(text: &str) -> Result<Self, Ipv6PrefixError> {
        let (address, length) =
            address_and_length(text).ok_or_else(|| Ipv6PrefixError::Syntax(text.to_owned()))?;
        let prefix = Self::containing(address, length);
        if prefix.network != address {
            return Err(Ipv6PrefixError::HostBits(text.to_owned(), prefix));
        }
        Ok(prefix)
    }
}

/// Reads `address/length`, the length being 0 to 128.
pub(super) fn address_and_length(text: &str) -> Option<(Ipv6Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let length: u8 = length.parse().ok()?;
    let address = address.parse().ok()?;
    (length <= 128).then_some((address, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_know_their_members_and_refuse_host_bits() {
        let prefix: Ipv6Prefix = "fd00:0:0:ff::/64".parse().unwrap();
        assert!(prefix.contains("fd00:0:0:ff::1".parse().unwrap()));
        assert!(!prefix.contains("fd00:0:0:fe::1".parse().unwrap()));
        let all: Ipv6Prefix = "::/0".parse().unwrap();
        assert!(all.contains(Ipv6Addr::from_bits(u128::MAX)));
        let wrong = "fd00::1/64".parse::<Ipv6Prefix>();
        assert_eq!(
            wrong,
            Err(Ipv6PrefixError::HostBits(
                "fd00::1/64".into(),
                "fd00::/64".parse().unwrap()
            ))
        );
        for text in ["fd00::", "fd00::/129", "fd00::/+1", "x/64", "fd00::/"] {
            assert_eq!(
                text.parse::<Ipv6Prefix>(),
                Err(Ipv6PrefixError::Syntax(text.into()))
            );
        }
    }
}
