//! May a router believe a message for itself? What fails is discarded in
//! silence, as by any host (RFC 1122 §3.2.2, §4.1.3.4, §4.2.2.7): an answer
//! would go to whom a damaged packet names.

use packet::checksum::Sum;
use packet::ipv4::Ipv4Header;
use packet::{IpProtocol, TransportChecksum};
use zerocopy::FromBytes;

/// A UDP header, in bytes.
const UDP_LEN: usize = 8;

/// A TCP header without options, in bytes.
const TCP_LEN: usize = 20;

/// Are the lengths and the checksum in an IPv4 packet's payload right, as far as
/// a router without any service reads it? A checksum that a device has still to
/// make is.
pub(super) fn is_sound(packet: &[u8], checksum: TransportChecksum) -> bool {
    let Ok((header, _)) = Ipv4Header::ref_from_prefix(packet) else {
        return false;
    };
    let message = packet.get(header.header_len()..).unwrap_or_default();
    let partial = checksum == TransportChecksum::Partial;
    match header.protocol {
        IpProtocol::ICMP => Sum::of(message).checksum() == 0,
        IpProtocol::TCP => is_whole_tcp(message) && (partial || adds_up(header, message)),
        IpProtocol::UDP => {
            let datagram = udp(message);
            datagram.is_some_and(|datagram| {
                // RFC 768: 0 is none.
                let none = datagram.get(6..UDP_LEN) == Some(&[0, 0]);
                none || partial || adds_up(header, datagram)
            })
        }
        _ => true,
    }
}

/// Is the header all there, options too?
fn is_whole_tcp(segment: &[u8]) -> bool {
    let header = segment.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
    (TCP_LEN..=segment.len()).contains(&header)
}

/// The datagram, as long as it says.
fn udp(message: &[u8]) -> Option<&[u8]> {
    let &[_, _, _, _, high, low, ..] = message else {
        return None;
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    message.get(..len).filter(|_| len >= UDP_LEN)
}

/// RFC 9293 §3.1, RFC 768: with the pseudo-header.
fn adds_up(header: &Ipv4Header, message: &[u8]) -> bool {
    let len = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let [high, low] = len.to_be_bytes();
    let pseudo = [0, header.protocol.0, high, low];
    let sum = Sum::of(message).and(header.address_sum());
    sum.and(Sum::of(&pseudo)).checksum() == 0
}
