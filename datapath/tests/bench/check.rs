//! Checksums, as an independent parser computes them.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

/// The transport checksum of a frame: (as it stands, as it should be). `None`
/// where the parser knows none.
pub fn transport_checksum(frame: &[u8]) -> Option<(u16, u16)> {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    Some(match (sliced.net?, sliced.transport?) {
        (NetSlice::Ipv4(ip), TransportSlice::Udp(udp)) => {
            let header = ip.header().to_header();
            let right = udp.to_header().calc_checksum_ipv4(&header, udp.payload());
            (udp.checksum(), right.unwrap())
        }
        (NetSlice::Ipv4(ip), TransportSlice::Tcp(tcp)) => {
            let (source, destination) = (ip.header().source(), ip.header().destination());
            let right = tcp.calc_checksum_ipv4(source, destination);
            (tcp.checksum(), right.unwrap())
        }
        (NetSlice::Ipv4(_), TransportSlice::Icmpv4(icmp)) => {
            let right = icmp.icmp_type().calc_checksum(icmp.payload());
            (icmp.checksum(), right)
        }
        (NetSlice::Ipv6(ip), TransportSlice::Udp(udp)) => {
            let header = ip.header().to_header();
            let right = udp.to_header().calc_checksum_ipv6(&header, udp.payload());
            (udp.checksum(), right.unwrap())
        }
        (NetSlice::Ipv6(ip), TransportSlice::Tcp(tcp)) => {
            let (source, destination) = (ip.header().source(), ip.header().destination());
            let right = tcp.calc_checksum_ipv6(source, destination);
            (tcp.checksum(), right.unwrap())
        }
        (NetSlice::Ipv6(ip), TransportSlice::Icmpv6(icmp)) => {
            let (source, destination) = (ip.header().source(), ip.header().destination());
            let kind = icmp.icmp_type();
            let right = kind.calc_checksum(source, destination, icmp.payload());
            (icmp.checksum(), right.unwrap())
        }
        _ => return None,
    })
}

/// The frame's headers parse, and its checksums are right.
#[track_caller]
pub fn assert_sound(frame: &[u8]) {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    if let Some(NetSlice::Ipv4(ip)) = &sliced.net {
        let header = ip.header().to_header();
        assert_eq!(header.header_checksum, header.calc_header_checksum());
    }
    if let Some((stands, right)) = transport_checksum(frame) {
        assert_eq!(stands, right, "{frame:02x?}");
    }
}

/// A ones' complement sum over the pseudo-header and the body, written out:
/// right if 0. For protocols that the parser does not know.
pub fn pseudo_sum(addresses: &[u8], protocol: u8, body: &[u8]) -> u16 {
    let len = body.len() as u32;
    let mut bytes = addresses.to_vec();
    bytes.extend(len.to_be_bytes());
    bytes.extend([0, protocol]);
    bytes.extend(body);
    ones_sum(&bytes)
}

/// RFC 1071 written out: 0 over a message with its right checksum.
pub fn ones_sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(pair[0]) << 8 | u32::from(low)
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !sum as u16
}
