//! The wire tests of each header: its bytes, what they mean (deconstruct),
//! writing it over 0xa5 so that a byte nobody wrote shows (construct), reading
//! (parse) and giving back (emit). Neighbour discovery and MLD have theirs
//! beside the code.
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use core::fmt::Debug;
use core::net::Ipv6Addr;

use packet::arp::{ArpOperation, ArpPacket};
use packet::ethernet::{Dot1qTag, EthernetHeader};
use packet::icmp::IcmpHeader;
use packet::ipv4::{Ipv4Fields, Ipv4Header};
use packet::ipv6::{FlowLabel, Ipv6Fields, Ipv6Header};
use packet::{EtherType, Fragment, IpProtocol, MacAddr, VirtualAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Construct, parse and emit: the same for every header.
fn wire<H>(bytes: &[u8], header: H)
where
    H: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + PartialEq + Debug,
{
    let len = size_of::<H>();
    assert_eq!(bytes.len(), len, "the test's own bytes");

    let mut buffer = vec![0xa5; len + 3];
    header.write_to_prefix(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], bytes, "construct");
    assert_eq!(&buffer[len..], [0xa5; 3], "nothing past the end");

    let with_rest = [bytes, &[1, 2]].concat();
    let (parsed, rest) = H::ref_from_prefix(&with_rest).unwrap();
    assert_eq!((parsed, rest), (&header, &[1, 2][..]), "parse");
    assert_eq!(parsed.as_bytes(), bytes, "emit");

    for short in 0..len {
        assert!(
            H::ref_from_prefix(&bytes[..short]).is_err(),
            "{short} bytes"
        );
    }
}

const A: MacAddr = MacAddr::new([0x00, 0x05, 0x02, 0x0b, 0x27, 0x44]);
const J: MacAddr = MacAddr::new([0x00, 0x01, 0x42, 0x09, 0x88, 0x73]);

fn address(text: &str) -> VirtualAddr {
    VirtualAddr::new(text.parse().unwrap())
}

#[test]
fn ethernet() {
    const BYTES: [u8; 14] = [
        0x00, 0x01, 0x42, 0x09, 0x88, 0x73, 0x00, 0x05, 0x02, 0x0b, 0x27, 0x44, 0x08, 0x00,
    ];
    let header = EthernetHeader::read_from_bytes(&BYTES).unwrap();
    assert_eq!((header.destination, header.source), (J, A));
    assert_eq!(header.ether_type, EtherType::IPV4);
    let made = EthernetHeader {
        destination: J,
        source: A,
        ether_type: EtherType::IPV4,
    };
    wire(&BYTES, made);
}

#[test]
fn dot1q() {
    // Priority 5, drop eligible, VLAN 100, ARP.
    const BYTES: [u8; 4] = [0xb0, 0x64, 0x08, 0x06];
    let tag = Dot1qTag::read_from_bytes(&BYTES).unwrap();
    assert_eq!((tag.vlan_bits(), tag.ether_type), (100, EtherType::ARP));
    let made = Dot1qTag {
        control: 0xb064.into(),
        ether_type: EtherType::ARP,
    };
    wire(&BYTES, made);
}

#[test]
fn arp() {
    // A asks J's MAC, as `arping` sends it.
    const BYTES: [u8; 28] = [
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x00, 0x05, 0x02, 0x0b, 0x27, 0x44, 10, 0,
        0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1,
    ];
    let request = ArpPacket::read_from_bytes(&BYTES).unwrap();
    assert_eq!(request.operation(), Some(ArpOperation::Request));
    assert_eq!(request.sender_mac, A);
    assert_eq!(request.target_mac, MacAddr::ZERO);
    assert_eq!(request.sender_address(), address("10.0.0.2"));
    assert_eq!(request.target_address(), address("10.0.0.1"));
    let made = ArpPacket::new(
        ArpOperation::Request,
        (A, address("10.0.0.2")),
        (MacAddr::ZERO, address("10.0.0.1")),
    );
    wire(&BYTES, made);

    // Hardware type, protocol type, both lengths, operation: each counts.
    for (at, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 3), (7, 0)] {
        let mut other = BYTES;
        other[at] = value;
        let other = ArpPacket::read_from_bytes(&other).unwrap();
        assert_eq!(other.operation(), None, "byte {at} = {value}");
    }
}

#[test]
fn ipv4() {
    // The header of a well-known example whose checksum is b861.
    const BYTES: [u8; 20] = [
        0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00,
        0x01, 0xc0, 0xa8, 0x00, 0xc7,
    ];
    let header = Ipv4Header::read_from_bytes(&BYTES).unwrap();
    assert_eq!((header.version(), header.header_len()), (4, 20));
    assert_eq!((header.total_len(), header.ttl), (115, 64));
    assert_eq!(header.protocol, IpProtocol::UDP);
    assert_eq!((header.identification(), header.traffic_class), (0, 0));
    assert!(header.dont_fragment() && !header.is_fragment());
    assert_eq!(header.source(), address("192.168.0.1"));
    assert_eq!(header.destination(), address("192.168.0.199"));
    let made = Ipv4Header::new(&Ipv4Fields {
        source: address("192.168.0.1"),
        destination: address("192.168.0.199"),
        traffic_class: 0,
        ttl: 64,
        protocol: IpProtocol::UDP,
        dont_fragment: true,
        identification: 0,
        fragment: Fragment::WHOLE,
        payload_len: 95,
    });
    wire(&BYTES, made);
}

#[test]
fn ipv4_flags_and_offset() {
    let with = |flags_offset: u16| {
        let mut bytes = [0u8; 20];
        bytes[0] = 0x4f;
        bytes[6..8].copy_from_slice(&flags_offset.to_be_bytes());
        Ipv4Header::read_from_bytes(&bytes).unwrap()
    };
    assert_eq!(with(0).header_len(), 60);
    assert!(with(0x2000).is_fragment() && !with(0x2000).dont_fragment());
    assert!(with(0x0001).is_fragment());
    assert_eq!(with(0x3fff).fragment().offset(), 0x1fff * 8);
    assert!(with(0x4000).dont_fragment() && !with(0x4000).is_fragment());
    assert!(!with(0x8000).is_fragment() && !with(0x8000).dont_fragment());
}

#[test]
fn ipv6() {
    const BYTES: [u8; 40] = [
        0x62, 0x84, 0x0a, 0xbc, 0x00, 0x28, 0x06, 0x3f, 0xfd, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0xa0,
        0x01, 0x0a, 0, 0, 2, 0xfd, 0, 0, 0, 0, 0, 0, 0x0b, 0, 0, 0xa0, 0x01, 0x0a, 0, 0, 3,
    ];
    let a: Ipv6Addr = "fd00::a:0:a001:a00:2".parse().unwrap();
    let g: Ipv6Addr = "fd00::b:0:a001:a00:3".parse().unwrap();
    let header = Ipv6Header::read_from_bytes(&BYTES).unwrap();
    assert_eq!((header.version(), header.traffic_class()), (6, 0x28));
    assert_eq!(header.flow_label(), FlowLabel::new(0x40abc));
    assert_eq!((header.payload_len(), header.hop_limit), (40, 63));
    assert_eq!(header.next_header, IpProtocol::TCP);
    assert_eq!((header.source(), header.destination()), (a, g));
    let made = Ipv6Header::new(&Ipv6Fields {
        source: a,
        destination: g,
        traffic_class: 0x28,
        flow_label: FlowLabel::new(0x40abc),
        next_header: IpProtocol::TCP,
        hop_limit: 63,
        payload_len: 40,
    });
    wire(&BYTES, made);
}

#[test]
fn a_flow_label_has_twenty_bits() {
    assert_eq!(FlowLabel::new(u32::MAX).get(), 0xf_ffff);
}

#[test]
fn icmp() {
    // An echo request, identifier 0x1234, sequence 1, no data.
    const BYTES: [u8; 8] = [0x08, 0x00, 0xe5, 0xca, 0x12, 0x34, 0x00, 0x01];
    assert_eq!(packet::checksum::of(&BYTES), 0);
    let header = IcmpHeader::read_from_bytes(&BYTES).unwrap();
    assert_eq!(
        (header.kind, header.code),
        (packet::icmp::v4::ECHO_REQUEST, 0)
    );
    assert_eq!(
        (header.identifier.get(), header.sequence.get()),
        (0x1234, 1)
    );
    let made = IcmpHeader {
        kind: 8,
        code: 0,
        checksum: 0xe5ca.into(),
        identifier: 0x1234.into(),
        sequence: 1.into(),
    };
    wire(&BYTES, made);
}
