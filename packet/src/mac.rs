//! 48-bit IEEE 802 MAC addresses.

use core::fmt;
use core::str::FromStr;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A 48-bit MAC address (IEEE 802-2014 §8), in transmission order.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(transparent)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// `00:00:00:00:00:00`: "not known yet" in an ARP request (RFC 826).
    pub const ZERO: Self = Self([0; 6]);

    /// An address from its six octets.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The six octets, in transmission order.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// The group bit (I/G): broadcast or multicast.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// A source address that a station may use: not a group, not all zero.
    pub fn is_unicast(self) -> bool {
        !self.is_group() && self != Self::ZERO
    }

    /// The Ethernet group that carries an IPv4 multicast address (RFC 1112
    /// §6.4): 23 bits of it.
    pub const fn for_ipv4_multicast(group: core::net::Ipv4Addr) -> Self {
        let [_, b, c, d] = group.octets();
        Self([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// The Ethernet group that carries an IPv6 multicast address (RFC 2464 §7).
    pub const fn for_ipv6_multicast(group: core::net::Ipv6Addr) -> Self {
        let o = group.octets();
        Self([0x33, 0x33, o[12], o[13], o[14], o[15]])
    }

    /// The modified EUI-64 interface identifier (RFC 4291 appendix A), from
    /// which a link-local address is made.
    pub const fn eui64(self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.0;
        [a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]
    }

    /// The address as an integer, for hash keys: `00:00` above the six octets.
    pub const fn to_u64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

/// Text that is not a MAC address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a MAC address; write six hexadecimal octets, e.g. 00:05:02:0b:27:44")]
pub struct MacAddrError {
    text: String,
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    fn from_str(text: &str) -> Result<Self, MacAddrError> {
        let refuse = || MacAddrError {
            text: text.to_owned(),
        };
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut parts = text.split(separator);
        for octet in &mut octets {
            let part = parts.next().ok_or_else(refuse)?;
            // `from_str_radix` would take a sign.
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(refuse());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| refuse())?;
        }
        if parts.next().is_some() {
            return Err(refuse());
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let text = "00:05:02:0b:27:44";
        assert_eq!(text.parse::<MacAddr>().unwrap().to_string(), text);
        assert_eq!(
            "00-05-02-0B-27-44".parse::<MacAddr>().unwrap().to_string(),
            text
        );
    }

    #[test]
    fn wrong_text_is_refused_with_the_text() {
        for text in [
            "",
            "00:05:02:0b:27",
            "00:05:02:0b:27:44:55",
            "+0:05:02:0b:27:44",
            "0:5:2:b:27:44",
        ] {
            let error = text.parse::<MacAddr>().unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("\"{text}\" is not a MAC")),
                "{error}"
            );
        }
    }

    #[test]
    fn rfc_2464_example_maps_to_its_group() {
        let all_nodes = "ff02::1".parse().unwrap();
        assert_eq!(
            MacAddr::for_ipv6_multicast(all_nodes).to_string(),
            "33:33:00:00:00:01"
        );
    }

    #[test]
    fn eui64_inverts_the_universal_bit() {
        let mac: MacAddr = "34:56:78:9a:bc:de".parse().unwrap();
        assert_eq!(
            mac.eui64(),
            [0x36, 0x56, 0x78, 0xff, 0xfe, 0x9a, 0xbc, 0xde]
        );
    }
}
