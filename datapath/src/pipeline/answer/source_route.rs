//! Does the packet say which way it wants to go? Source routing is refused
//! (RFC 7915 §4.1, RFC 1812 §5.3.13.4 leaves that to the router): ICMP 3/5.

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::IPV4_LEN;

use crate::pipeline::batch::IpTuple;

/// Options' kinds (RFC 791 §3.1).
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const LOOSE_SOURCE_ROUTE: u8 = 131;
const STRICT_SOURCE_ROUTE: u8 = 137;

/// Has the IPv4 packet of a bare frame a loose or strict source route among its
/// options? What stands behind a malformed option is not looked at.
pub fn is_source_routed(frame: &[u8], ip: &IpTuple) -> bool {
    let options = ETHERNET_LEN + IPV4_LEN..ETHERNET_LEN + usize::from(ip.header_len);
    let mut options = frame.get(options).unwrap_or_default();
    loop {
        match *options {
            [] | [END, ..] => return false,
            [NO_OPERATION, ref rest @ ..] => options = rest,
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, ..] => return true,
            [_, len, ..] if len >= 2 => {
                options = options.get(usize::from(len)..).unwrap_or_default();
            }
            _ => return false,
        }
    }
}
