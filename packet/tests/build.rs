//! What the builder makes, as an independent parser reads it.
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use core::net::Ipv6Addr;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use packet::build::{Checksum, Frame, Payload, padded};
use packet::ipv4::Ipv4Header;
use packet::{EtherType, MacAddr};
use zerocopy::FromBytes;

const A: MacAddr = MacAddr::new([0x00, 0x05, 0x02, 0x0b, 0x27, 0x44]);
const G: MacAddr = MacAddr::new([0x02, 0, 0, 0, 0, 3]);
const FROM: [u8; 4] = [10, 0, 0, 2];
const TO: [u8; 4] = [10, 0, 0, 3];

fn v4() -> packet::build::Ipv4 {
    Frame::between(A, G).ipv4(FROM, TO)
}

/// The frame's checksums, all of which an independent parser can compute:
/// (as it stands, as it should be).
fn transport_checksum(frame: &[u8]) -> (u16, u16) {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    match (sliced.net.unwrap(), sliced.transport.unwrap()) {
        (NetSlice::Ipv4(ip), TransportSlice::Udp(udp)) => (
            udp.checksum(),
            udp.to_header()
                .calc_checksum_ipv4(&ip.header().to_header(), udp.payload())
                .unwrap(),
        ),
        (NetSlice::Ipv4(ip), TransportSlice::Tcp(tcp)) => (
            tcp.checksum(),
            tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination())
                .unwrap(),
        ),
        (NetSlice::Ipv4(_), TransportSlice::Icmpv4(icmp)) => (
            icmp.checksum(),
            icmp.icmp_type().calc_checksum(icmp.payload()),
        ),
        (NetSlice::Ipv6(ip), TransportSlice::Udp(udp)) => (
            udp.checksum(),
            udp.to_header()
                .calc_checksum_ipv6(&ip.header().to_header(), udp.payload())
                .unwrap(),
        ),
        (NetSlice::Ipv6(ip), TransportSlice::Tcp(tcp)) => (
            tcp.checksum(),
            tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination())
                .unwrap(),
        ),
        (NetSlice::Ipv6(ip), TransportSlice::Icmpv6(icmp)) => {
            let (source, destination) = (ip.header().source(), ip.header().destination());
            let right = icmp.icmp_type();
            let right = right.calc_checksum(source, destination, icmp.payload());
            (icmp.checksum(), right.unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn transport_checksums_are_right_for_every_length() {
    let (a, g): (Ipv6Addr, Ipv6Addr) = ("fd00::a".parse().unwrap(), "fd00::b".parse().unwrap());
    for len in 0..70u8 {
        let data: Vec<u8> = (0..len).map(|i| i.wrapping_mul(37) ^ 0xc3).collect();
        let v6 = || Frame::between(A, G).ipv6(a, g);
        for frame in [
            v4().udp(1, 2, &data),
            v4().tcp(1, 2, &data),
            v4().icmp_echo(1, 2, &data),
            v4().icmp_echo_reply(1, 2, &data),
            v4().options(&[7, 7, 4, 0, 0, 0, 0]).tcp(1, 2, &data),
            v6().udp(1, 2, &data),
            v6().tcp(1, 2, &data),
            v6().icmp_echo(1, 2, &data),
        ] {
            let (stands, right) = transport_checksum(&frame);
            assert_eq!(stands, right, "{frame:02x?}");
        }
    }
}

#[test]
fn fields_are_where_they_belong() {
    let frame = Frame::between(A, G)
        .tag(EtherType::DOT1Q, 0x6064)
        .ipv4(FROM, TO)
        .ttl(37)
        .tos(0x2a)
        .id(0xbeef)
        .dont_fragment()
        .udp(1000, 53, b"odd");
    let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
    let vlan = sliced.vlan().unwrap().to_header();
    let etherparse::VlanHeader::Single(vlan) = vlan else {
        panic!("{vlan:?}")
    };
    assert_eq!((vlan.pcp.value(), vlan.vlan_id.value()), (3, 100));
    let Some(NetSlice::Ipv4(ip)) = sliced.net else {
        panic!()
    };
    let header = ip.header().to_header();
    assert_eq!((header.time_to_live, header.identification), (37, 0xbeef));
    assert_eq!((header.dscp.value(), header.ecn.value()), (0x2a >> 2, 2));
    assert!(header.dont_fragment && !header.more_fragments);
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!((header.source, header.destination), (FROM, TO));
}

#[test]
fn fragments_and_options() {
    let frame = v4()
        .fragment(185, true)
        .options(&[7, 3])
        .protocol(47, &[0; 16]);
    let (header, rest) = etherparse::Ipv4Header::from_slice(&frame[14..]).unwrap();
    assert_eq!(header.fragment_offset.value(), 185);
    assert!(header.more_fragments);
    assert_eq!(header.options.as_ref(), [7, 3, 0, 0]);
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!((rest.len(), header.protocol.0), (16, 47));
}

#[test]
fn each_fault_is_the_only_one() {
    let header = |frame: &[u8]| {
        let header = Ipv4Header::read_from_bytes(&frame[14..34]).unwrap();
        (header, packet::checksum::of(&frame[14..34]))
    };
    let (_, sum) = header(&v4().udp(1, 2, b"x"));
    assert_eq!(sum, 0);
    let (_, sum) = header(&v4().wrong_header_checksum().udp(1, 2, b"x"));
    assert_ne!(sum, 0);
    let (long, sum) = header(&v4().total_len(900).udp(1, 2, b"x"));
    assert_eq!((long.total_len(), sum), (900, 0));
    let (five, sum) = header(&v4().version_ihl(0x55).udp(1, 2, b"x"));
    assert_eq!((five.version(), five.header_len(), sum), (5, 20, 0));

    let wrong = v4().checksum(Checksum::Wrong).udp(1, 2, b"x");
    let (stands, right) = transport_checksum(&wrong);
    assert_ne!(stands, right);
    let none = v4().checksum(Checksum::Exactly(0)).udp(1, 2, b"x");
    assert_eq!(transport_checksum(&none).0, 0);
}

#[test]
fn arp_of_every_kind() {
    let to_all = Frame::between(A, MacAddr::BROADCAST);
    let words = |frame: &[u8]| {
        let packet = etherparse::ArpPacketSlice::from_slice(&frame[14..]).unwrap();
        let packet = packet.to_packet();
        (
            packet.operation.0,
            packet.sender_protocol_addr().to_vec(),
            packet.target_hw_addr().to_vec(),
            packet.target_protocol_addr().to_vec(),
        )
    };
    let zero = vec![0; 6];
    let request = words(&to_all.arp_request(FROM, TO));
    assert_eq!(request, (1, FROM.to_vec(), zero.clone(), TO.to_vec()));
    let probe = words(&to_all.arp_probe(TO));
    assert_eq!(probe, (1, vec![0; 4], zero.clone(), TO.to_vec()));
    let announcement = words(&to_all.arp_announcement(FROM));
    assert_eq!(announcement, (1, FROM.to_vec(), zero, FROM.to_vec()));
    let reply = words(&Frame::between(A, G).arp_reply(FROM, TO));
    assert_eq!(reply, (2, FROM.to_vec(), G.octets().to_vec(), TO.to_vec()));
    assert_eq!(padded(to_all.arp_probe(TO)).len(), 60);
}

#[test]
fn kin_of_udp_and_tcp() {
    for (payload, header, sum_at) in [
        (Payload::udp_lite(1, 2, b"abc"), 8, Some(6)),
        (Payload::dccp(1, 2, b"abc"), 12, Some(6)),
        (Payload::sctp(1, 2, 0xdead_beef, b"abc"), 12, None),
    ] {
        let protocol = payload.protocol;
        let frame = v4().carrying(payload);
        let body = &frame[34..];
        assert_eq!(body[..4], [0, 1, 0, 2], "{protocol:?}");
        assert_eq!(&body[header..], b"abc", "{protocol:?}");
        if sum_at.is_some() {
            // Summed by hand: addresses, protocol, length, body.
            let mut pseudo = [FROM, TO].concat();
            let len = u8::try_from(body.len()).unwrap();
            pseudo.extend([0, protocol.0, 0, len]);
            pseudo.extend_from_slice(body);
            assert_eq!(packet::checksum::of(&pseudo), 0, "{protocol:?}");
        } else {
            assert_eq!(body[8..12], [0xde, 0xad, 0xbe, 0xef]);
        }
    }
}
