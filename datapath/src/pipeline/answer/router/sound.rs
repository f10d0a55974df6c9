//! May a router believe a message for itself? What fails is discarded in
//! silence, as by any host (RFC 1122 §3.2.2, §4.1.3.4, §4.2.2.7): an answer
//! would go to whom a damaged packet names.

use packet::checksum::{Sum, pseudo_header_v6};
use packet::ipv4::Ipv4Header;
use packet::{IpProtocol, TransportChecksum};
use zerocopy::FromBytes;

use crate::pipeline::answer::udp;

/// A TCP header without options, in bytes.
const TCP_LEN: usize = 20;

/// Are the lengths and the checksum in an IPv4 packet's payload right, as far as
/// a router reads it? A checksum that a device has still to
/// make is.
pub(in crate::pipeline::answer) fn is_sound(packet: &[u8], checksum: TransportChecksum) -> bool {
    let Ok((header, _)) = Ipv4Header::ref_from_prefix(packet) else {
        return false;
    };
    let message = packet.get(header.header_len()..).unwrap_or_default();
    let partial = checksum == TransportChecksum::Partial;
    match header.protocol {
        IpProtocol::ICMP => Sum::of(message).checksum() == 0,
        IpProtocol::TCP => is_whole_tcp(message) && (partial || adds_up(header, message)),
        IpProtocol::UDP => udp::payload(message, header.address_sum(), !partial).is_some(),
        _ => true,
    }
}

/// Is the header all there, options too?
fn is_whole_tcp(segment: &[u8]) -> bool {
    let header = segment.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
    (TCP_LEN..=segment.len()).contains(&header)
}

/// RFC 9293 §3.1: with the pseudo-header, whose words are the same in IPv6.
fn adds_up(header: &Ipv4Header, segment: &[u8]) -> bool {
    let len = u32::try_from(segment.len()).unwrap_or(u32::MAX);
    let pseudo = pseudo_header_v6(header.address_sum(), len, IpProtocol::TCP);
    pseudo.and(Sum::of(segment)).checksum() == 0
}
