//! Rewritten, or raw? What comes back from IPv6 byte for byte is rewritten;
//! what RFC 7915 would lose or change goes raw.
//!
//! The one thing that may change is the identification of a packet that is no
//! fragment: the receiver makes it.

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::Ipv4Header;
use packet::{Fragment, IpProtocol, VirtualAddr};
use zerocopy::FromBytes;

use super::mtu::Carriage;
use super::{icmp, transport};
use crate::pipeline::batch::IpTuple;

/// The largest payload of an IPv4 datagram, in bytes: 65 535 less the header.
const MAX_PAYLOAD: usize = 65_515;

/// How the IPv4 packet of a bare frame travels. `partial`: its transport
/// checksum is not complete yet. `error_survives`: does this ICMP message that
/// is no echo come back?
pub fn of(
    frame: &[u8],
    ip: &IpTuple,
    partial: bool,
    error_survives: impl FnOnce(&[u8]) -> bool,
) -> Carriage {
    let ip_packet = frame.get(ETHERNET_LEN..).unwrap_or_default();
    let payload = ip_packet.get(usize::from(ip.header_len)..);
    let header = Ipv4Header::ref_from_prefix(ip_packet);
    let (Ok((header, _)), Some(payload)) = (header, payload) else {
        return Carriage::Raw;
    };
    let header_survives = !ip.has_options()
        // RFC 791 §3.1: must be zero; IPv6 has no place for it.
        && !header.reserved_flag()
        && ip.protocol.may_be_next_header()
        // A DHCP client's: nobody's address.
        && ip.source != VirtualAddr::from_bits(0);
    if !header_survives {
        return Carriage::Raw;
    }
    if ip.protocol == IpProtocol::ICMP {
        let survives = !ip.fragment.is_fragment()
            && (icmp::echo::survives(payload) || error_survives(payload));
        return if survives {
            Carriage::Rewritten
        } else {
            Carriage::Raw
        };
    }
    if !partial && !checksum_survives(payload, ip) {
        return Carriage::Raw;
    }
    match ip.fragment.is_fragment() {
        false => Carriage::Rewritten,
        // The other zero again; a whole packet's changes with its identification.
        true if header.checksum() == 0xffff => Carriage::Raw,
        true if fragment_survives(ip.fragment, ip.payload_len().into()) => Carriage::Fragment,
        true => Carriage::Raw,
    }
}

/// One's complement has two zeros. A delta always gives the same one (RFC 1624
/// §3), so a checksum that is the other comes back changed: where it has no
/// meaning of its own, as it has in UDP.
fn checksum_survives(payload: &[u8], ip: &IpTuple) -> bool {
    let has_one_zero = matches!(ip.protocol, IpProtocol::UDP | IpProtocol::UDP_LITE);
    has_one_zero || transport::field(payload, ip.protocol, ip.fragment) != Some(0xffff)
}

/// Can IPv6 say it (RFC 8200 §4.5)? Each fragment but the last has a multiple
/// of 8 bytes, and no datagram is longer than its length field can say.
fn fragment_survives(fragment: Fragment, len: usize) -> bool {
    let whole_units = !fragment.more() || len.is_multiple_of(Fragment::UNIT);
    len > 0 && whole_units && fragment.offset() + len <= MAX_PAYLOAD
}
