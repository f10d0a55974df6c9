//! An IPv4 address inside an IPv6 address (RFC 6052 §2.2): the mapping that
//! RFC 7915 §6 asks of every translator.
//!
//! ```text
//! |32|     prefix    |v4(32)         | u | suffix                    |
//! |40|     prefix        |v4(24)     | u |(8)| suffix                |
//! |48|     prefix            |v4(16) | u | (16)  | suffix            |
//! |56|     prefix                |(8)| u |  v4(24)   | suffix        |
//! |64|     prefix                    | u |   v4(32)      | suffix    |
//! |96|     prefix                                    |    v4(32)     |
//! ```

use core::net::Ipv6Addr;

use packet::VirtualAddr;

use super::AddressMap;

/// A prefix whose addresses have an IPv4 address behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// All behind the prefix is zero, and so is byte 8, "u".
    bytes: [u8; 16],
    /// In bytes.
    len: usize,
}

/// Byte 8 is always zero (§2.2, "u").
const U: usize = 8;

/// 64:ff9b::/96 (§2.1).
const WELL_KNOWN: Prefix = Prefix {
    bytes: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    len: 12,
};

/// Why something is no prefix for IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// RFC 6052 §2.2 has six lengths.
    #[error("/{0} is none of /32, /40, /48, /56, /64, /96; use one of these (RFC 6052 2.2)")]
    Length(u8),
    /// What stands behind the prefix, or in bits 64 to 71.
    #[error("{0} has bits set behind its prefix or in bits 64 to 71; write them as zero")]
    Bits(Ipv6Addr),
}

impl Prefix {
    /// A prefix of so many bits.
    ///
    /// # Errors
    /// It is none of RFC 6052's.
    pub fn new(prefix: Ipv6Addr, bits: u8) -> Result<Self, PrefixError> {
        if !matches!(bits, 32 | 40 | 48 | 56 | 64 | 96) {
            return Err(PrefixError::Length(bits));
        }
        let bytes = prefix.octets();
        let len = usize::from(bits / 8);
        let clear = |at: usize| at < len && at != U;
        if (0..).zip(bytes).any(|(at, byte)| byte != 0 && !clear(at)) {
            return Err(PrefixError::Bits(prefix));
        }
        Ok(Self { bytes, len })
    }

    /// The IPv6 address of this IPv4 address.
    ///
    /// `None` for what is not global behind the well-known prefix (§3.1).
    pub fn embed(&self, v4: VirtualAddr) -> Option<Ipv6Addr> {
        if *self == WELL_KNOWN && !is_global(v4) {
            return None;
        }
        let mut bytes = self.bytes;
        for (at, byte) in places(self.len).zip(v4.ipv4().octets()) {
            *bytes.get_mut(at)? = byte;
        }
        Some(Ipv6Addr::from_octets(bytes))
    }

    /// The IPv4 address in this IPv6 address.
    ///
    /// `None` for an address of another prefix, and for what is not global
    /// behind the well-known one (§3.1). The suffix is not looked at (§2.2).
    pub fn extract(&self, v6: Ipv6Addr) -> Option<VirtualAddr> {
        let bytes = v6.octets();
        if bytes.get(..self.len)? != self.bytes.get(..self.len)? {
            return None;
        }
        let mut v4 = [0; 4];
        for (at, byte) in places(self.len).zip(&mut v4) {
            *byte = *bytes.get(at)?;
        }
        let v4 = VirtualAddr::from_bits(u32::from_be_bytes(v4));
        (*self != WELL_KNOWN || is_global(v4)).then_some(v4)
    }
}

/// Where the four bytes stand behind a prefix of so many bytes.
fn places(len: usize) -> impl Iterator<Item = usize> {
    (len..).filter(|at| *at != U).take(4)
}

/// Not of RFC 5735 §3's ranges that are for use within one site or host.
fn is_global(v4: VirtualAddr) -> bool {
    let address = v4.ipv4();
    let shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    v4.is_unicast() && !address.is_private() && !address.is_link_local() && !shared
}

/// A translator that knows two prefixes and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct TwoPrefixes {
    /// The IPv4 side is seen under this one.
    pub converted: Prefix,
    /// The IPv6 side's systems have their addresses under this one.
    pub translatable: Prefix,
}

impl AddressMap for TwoPrefixes {
    fn converted(&self, v4: VirtualAddr) -> Option<Ipv6Addr> {
        self.converted.embed(v4)
    }

    fn translatable(&self, v4: VirtualAddr) -> Option<Ipv6Addr> {
        self.translatable.embed(v4)
    }

    fn converted_back(&self, v6: Ipv6Addr) -> Option<VirtualAddr> {
        self.converted.extract(v6)
    }

    fn translatable_back(&self, v6: Ipv6Addr) -> Option<VirtualAddr> {
        self.translatable.extract(v6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str, bits: u8) -> Result<Prefix, PrefixError> {
        Prefix::new(text.parse().unwrap(), bits)
    }

    /// RFC 6052 §2.4: the examples of its table 1 and 2, there and back.
    #[test]
    fn rfc_6052_examples() {
        let v4 = VirtualAddr::new("192.0.2.33".parse().unwrap());
        for (text, bits, expected) in [
            ("2001:db8::", 32, "2001:db8:c000:221::"),
            ("2001:db8:100::", 40, "2001:db8:1c0:2:21::"),
            ("2001:db8:122::", 48, "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::", 96, "64:ff9b::192.0.2.33"),
        ] {
            let prefix = prefix(text, bits).unwrap();
            let expected: Ipv6Addr = expected.parse().unwrap();
            assert_eq!(prefix.embed(v4), Some(expected), "{text}/{bits}");
            assert_eq!(prefix.extract(expected), Some(v4), "{text}/{bits}");
        }
        assert_eq!(prefix("64:ff9b::", 96), Ok(WELL_KNOWN));
    }

    /// RFC 6052 §3.1: the well-known prefix is for global addresses only.
    #[test]
    fn the_well_known_prefix_takes_no_private_address() {
        for text in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.1.1",
        ] {
            let v4: VirtualAddr = VirtualAddr::new(text.parse().unwrap());
            assert_eq!(WELL_KNOWN.embed(v4), None, "{text}");
            let inside: Ipv6Addr = format!("64:ff9b::{text}").parse().unwrap();
            assert_eq!(WELL_KNOWN.extract(inside), None, "{text}");
            let own = prefix("2001:db8::", 96).unwrap();
            assert_eq!(own.extract(own.embed(v4).unwrap()), Some(v4));
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused_with_a_remedy() {
        for bits in [0, 31, 33, 72, 128] {
            assert_eq!(prefix("2001:db8::", bits), Err(PrefixError::Length(bits)));
        }
        assert!(matches!(
            prefix("2001:db8::1", 32),
            Err(PrefixError::Bits(_))
        ));
        // The byte "u" within a prefix of 96 bits.
        let u = prefix("2001:db8:0:0:100::", 96);
        assert!(matches!(u, Err(PrefixError::Bits(_))));
        let other = prefix("2001:db8:1::", 48).unwrap();
        assert_eq!(other.extract("2001:db8:2::".parse().unwrap()), None);
    }
}
