//! The special addresses of RFC 4291 that a host must know.

use core::net::Ipv6Addr;

use packet::{Locator, MacAddr};

/// All nodes of the link (RFC 4291 §2.7.1). Joined always, reported never.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// All routers of the link: where MLDv1 sends its farewells (RFC 2710 §3.7).
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// All MLDv2-capable routers: where reports go (RFC 3810 §5.2.14).
pub const ALL_MLDV2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// The group in which an address is solicited: `ff02::1:ffXX:XXXX` with its
/// low 24 bits (RFC 4291 §2.7.1).
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Ipv6Addr::from_bits(PREFIX | (address.to_bits() & 0x00ff_ffff))
}

/// Is this some address's solicited-node group?
pub fn is_solicited_node(address: Ipv6Addr) -> bool {
    solicited_node(address) == address
}

/// The link-local address that a MAC gives (RFC 4862 §5.3, RFC 2464 §5).
pub const fn link_local(mac: MacAddr) -> Ipv6Addr {
    let low = u64::from_be_bytes(mac.eui64());
    Ipv6Addr::from_bits((0xfe80 << 112) | low as u128)
}

/// The address under which a locator's host is known as a neighbour where its
/// locator is on-link: number 1 of segment 0.
pub const fn host_of(locator: Locator) -> Ipv6Addr {
    Ipv6Addr::from_bits(locator.network().to_bits() | 1)
}

/// An address that a packet from another host can come from: not multicast,
/// unspecified or loopback.
pub fn is_unicast(address: Ipv6Addr) -> bool {
    !address.is_multicast() && !address.is_unspecified() && !address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4291_example_of_a_solicited_node_group() {
        let address = "4037::01:800:200e:8c6c".parse().unwrap();
        let group = solicited_node(address);
        assert_eq!(group.to_string(), "ff02::1:ff0e:8c6c");
        assert!(is_solicited_node(group) && !is_solicited_node(ALL_NODES));
    }

    #[test]
    fn link_local_of_a_mac() {
        let mac = "34:56:78:9a:bc:de".parse().unwrap();
        assert_eq!(link_local(mac).to_string(), "fe80::3656:78ff:fe9a:bcde");
    }

    #[test]
    fn a_host_is_number_one_of_its_locator() {
        let locator = "fd00:0:0:a::/64".parse().unwrap();
        assert_eq!(host_of(locator).to_string(), "fd00:0:0:a::1");
    }
}
