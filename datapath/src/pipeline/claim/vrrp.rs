//! Which addresses does the master of a virtual router have? (VRRP version 2,
//! RFC 3768 §5; version 3, RFC 5798 §5: both begin alike.)

use core::net::Ipv4Addr;

use packet::{IpProtocol, VirtualAddr};

use crate::pipeline::batch::IpTuple;

/// Where advertisements go (RFC 5798 §5.1.1.2).
const ROUTERS: VirtualAddr = VirtualAddr::new(Ipv4Addr::new(224, 0, 0, 18));

/// Version and type, router id, priority, how many addresses; then four bytes
/// that the versions use differently; then the addresses.
const HEADER_LEN: usize = 8;

/// Is it a virtual router's advertisement?
pub fn is_advertisement(ip: &IpTuple) -> bool {
    ip.protocol == IpProtocol::VRRP && ip.destination == ROUTERS && !ip.fragment.is_fragment()
}

/// The addresses that an advertisement names, if its sender has them: a master
/// that resigns says so by priority 0.
pub fn addresses(message: &[u8]) -> impl Iterator<Item = VirtualAddr> {
    let (count, list) = match message {
        // Type 1 is the only one.
        &[0x21 | 0x31, _, priority, count, ..] if priority > 0 => {
            (count, message.get(HEADER_LEN..).unwrap_or_default())
        }
        _ => (0, &[][..]),
    };
    let (addresses, _) = list.as_chunks::<4>();
    let addresses = addresses.iter().take(usize::from(count));
    addresses.map(|octets| VirtualAddr::new(Ipv4Addr::from(*octets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &[u8]) -> Vec<String> {
        addresses(message).map(|a| a.ipv4().to_string()).collect()
    }

    #[test]
    fn a_master_names_its_addresses_and_one_that_resigns_none() {
        let mut message = [
            0x31, 7, 100, 2, 0, 100, 0, 0, 10, 0, 0, 9, 10, 0, 0, 8, 1, 2, 3, 4,
        ];
        assert_eq!(of(&message), ["10.0.0.9", "10.0.0.8"], "and no password");
        message[0] = 0x21;
        assert_eq!(of(&message).len(), 2);
        message[2] = 0;
        assert!(of(&message).is_empty());
        message[..3].copy_from_slice(&[0x41, 7, 100]);
        assert!(of(&message).is_empty());
    }

    #[test]
    fn what_is_cut_short_names_what_is_there() {
        let message = [0x21, 7, 100, 9, 0, 1, 0, 0, 10, 0, 0, 9, 10, 0];
        assert_eq!(of(&message), ["10.0.0.9"]);
        assert!(of(&message[..3]).is_empty() && of(&[]).is_empty());
    }
}
