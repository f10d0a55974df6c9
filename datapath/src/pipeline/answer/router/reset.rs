//! The answer to a TCP segment where nobody listens (RFC 9293 §3.5.2, group 1).

use packet::checksum::{Sum, pseudo_header_v6};
use packet::ipv4::{IPV4_LEN, Ipv4Fields, Ipv4Header};
use packet::{Fragment, IpProtocol};
use zerocopy::{FromBytes, IntoBytes};

/// A TCP header without options, in bytes.
const TCP_LEN: usize = 20;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The reset for the segment in an IPv4 packet: an IPv4 packet, too. `None`, if
/// it is a reset itself or cut short.
pub(super) fn of(packet: &[u8], ttl: u8) -> Option<[u8; IPV4_LEN + TCP_LEN]> {
    let (ip, _) = Ipv4Header::ref_from_prefix(packet).ok()?;
    let segment = packet.get(ip.header_len()..)?;
    let &[
        s1,
        s2,
        d1,
        d2,
        q1,
        q2,
        q3,
        q4,
        a1,
        a2,
        a3,
        a4,
        offset,
        flags,
        ..,
    ] = segment
    else {
        return None;
    };
    if flags & RST != 0 {
        return None;
    }
    let (sequence, acknowledged, bits) = if flags & ACK != 0 {
        (u32::from_be_bytes([a1, a2, a3, a4]), 0, RST)
    } else {
        let text = segment.len().checked_sub(usize::from(offset >> 4) * 4)?;
        let text = u32::try_from(text).ok()?;
        let controls = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let received = u32::from_be_bytes([q1, q2, q3, q4]).wrapping_add(text);
        (0, received.wrapping_add(controls), RST | ACK)
    };
    let header = Ipv4Header::new(&Ipv4Fields {
        source: ip.destination(),
        destination: ip.source(),
        traffic_class: 0,
        ttl,
        protocol: IpProtocol::TCP,
        dont_fragment: true,
        identification: 0,
        fragment: Fragment::WHOLE,
        payload_len: 20,
    });
    let mut reset = [0; IPV4_LEN + TCP_LEN];
    header.write_to_prefix(&mut reset).ok()?;
    let tcp = reset.get_mut(IPV4_LEN..)?;
    let [s, a] = [sequence.to_be_bytes(), acknowledged.to_be_bytes()];
    let [words @ .., _, _, _, _, _, _] = tcp.first_chunk_mut::<TCP_LEN>()?;
    *words = [
        d1, d2, s1, s2, s[0], s[1], s[2], s[3], a[0], a[1], a[2], a[3], 0x50, bits,
    ];
    // The same words as in IPv6.
    let pseudo = pseudo_header_v6(header.address_sum(), 20, IpProtocol::TCP);
    let sum = pseudo.and(Sum::of(tcp));
    tcp.get_mut(16..18)?
        .copy_from_slice(&sum.checksum().to_be_bytes());
    Some(reset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(flags: u8, payload: &[u8]) -> Vec<u8> {
        let header = Ipv4Header::new(&Ipv4Fields {
            source: packet::VirtualAddr::new([10, 0, 0, 2].into()),
            destination: packet::VirtualAddr::new([10, 0, 0, 1].into()),
            traffic_class: 0,
            ttl: 64,
            protocol: IpProtocol::TCP,
            dont_fragment: true,
            identification: 0,
            fragment: Fragment::WHOLE,
            payload_len: 20 + u16::try_from(payload.len()).unwrap(),
        });
        let mut packet = header.as_bytes().to_vec();
        packet.extend([0x80, 1, 0, 22, 0, 0, 1, 0, 0, 0, 2, 0, 0x50, flags]);
        packet.extend([0; 6]);
        packet.extend(payload);
        packet
    }

    fn numbers(reset: &[u8]) -> (u32, u32, u8) {
        let word = |at: usize| u32::from_be_bytes(*reset[at..].first_chunk().unwrap());
        (word(24), word(28), reset[33])
    }

    #[test]
    fn what_is_acknowledged_says_where_the_answer_begins() {
        let reset = of(&segment(ACK, b"text"), 64).unwrap();
        assert_eq!(numbers(&reset), (0x200, 0, RST));
        assert_eq!(reset[20..24], [0, 22, 0x80, 1], "ports");
    }

    #[test]
    fn what_is_not_is_acknowledged_whole() {
        let reset = of(&segment(SYN, b"text"), 64).unwrap();
        assert_eq!(numbers(&reset), (0, 0x100 + 4 + 1, RST | ACK));
        let parsed = etherparse::PacketHeaders::from_ip_slice(&reset).unwrap();
        let Some(etherparse::TransportHeader::Tcp(tcp)) = parsed.transport else {
            panic!("no TCP");
        };
        let Some(etherparse::NetHeaders::Ipv4(ip, _)) = parsed.net else {
            panic!("no IPv4");
        };
        assert_eq!(tcp.checksum, tcp.calc_checksum_ipv4(&ip, &[]).unwrap());
    }

    #[test]
    fn a_reset_is_never_answered() {
        assert_eq!(of(&segment(RST | ACK, b""), 64), None);
        assert_eq!(of(&segment(SYN, b"")[..30], 64), None);
    }
}
