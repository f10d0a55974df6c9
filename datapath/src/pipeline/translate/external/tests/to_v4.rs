//! RFC 7915 §5: IPv6 to IPv4.

use etherparse::Ipv4Slice;
use packet::Fragment;
use packet::build::{Checksum, Payload};
use packet::fragment::FragmentHeader;
use zerocopy::IntoBytes;

use super::*;
use crate::pipeline::translate::external::{TypeOfService, Why};
use crate::pipeline::translate::icmp::Untranslatable;

const DATA: [u8; 3000] = [0x5a; 3000];

/// What follows the IPv6 header of a packet, behind these headers, the first of
/// which is `first` and the last of which says that UDP follows.
fn behind(first: u8, headers: &[Vec<u8>], udp: &[u8]) -> Vec<u8> {
    let headers = headers.concat();
    v6().protocol(first, &[&headers, udp].concat())
}

/// A UDP datagram with its checksum in IPv6.
fn udp(data: &[u8]) -> Vec<u8> {
    packet(&v6().udp(1, 2, data))[40..].to_vec()
}

fn options(next: u8) -> Vec<u8> {
    // PadN of 4.
    vec![next, 0, 1, 4, 0, 0, 0, 0]
}

fn routing(next: u8, segments_left: u8) -> Vec<u8> {
    vec![next, 0, 253, segments_left, 0, 0, 0, 0]
}

fn fragment(next: u8, offset: u16, more: bool, id: u32) -> Vec<u8> {
    let header = FragmentHeader::new(IpProtocol(next), Fragment::new(offset, more), id);
    header.as_bytes().to_vec()
}

fn header(packet: &[u8]) -> etherparse::Ipv4Header {
    Ipv4Slice::from_slice(packet).unwrap().header().to_header()
}

/// RFC 7915 §5.1: every field of the header.
#[test]
fn each_field_of_the_ipv4_header() {
    for class in [0, 0b1011_1001, 0xff] {
        let frame = v6()
            .traffic_class(class)
            .flow_label(0xf_1234)
            .hop_limit(37)
            .udp(5000, 53, b"hello");
        let packet = one_v4(&frame);
        assert_eq!((packet[0], packet[1]), (0x45, class));
        let header = header(&packet);
        assert_eq!(usize::from(header.total_len), 20 + 8 + 5);
        assert_eq!(header.identification, ID, "the generator's");
        assert!(!header.more_fragments && !header.dont_fragment);
        assert_eq!(header.fragment_offset.value(), 0);
        assert_eq!(header.time_to_live, 36);
        assert_eq!(header.protocol.0, 17);
        assert_eq!(Ipv4Addr::from(header.source), SIX_IN_FOUR);
        assert_eq!(Ipv4Addr::from(header.destination), FOUR);
        assert_eq!(packet[28..], *b"hello", "the data is as it was (§5)");
    }
}

/// RFC 7915 §5.1: an administrator may have the traffic class ignored, and say
/// what TOS is instead.
#[test]
fn the_traffic_class_may_be_ignored() {
    let mut translator = Translator::new();
    for tos in [0, 0x28] {
        translator.settings.type_of_service = TypeOfService::Always(tos);
        let (_, packets) = translator.to_v4(&v6().traffic_class(0xff).udp(1, 2, b"x"));
        assert_eq!(packets[0][1], tos);
    }
}

/// RFC 7915 §5, §5.1: up to 1260 bytes without DF, above with it.
#[test]
fn df_is_set_above_1260_bytes() {
    for (len, dont_fragment) in [(1260, false), (1261, true), (2000, true)] {
        let packet = one_v4(&v6().udp(1, 2, &DATA[..len - 28]));
        assert_eq!(packet.len(), len);
        assert_eq!(header(&packet).dont_fragment, dont_fragment, "{len}");
    }
}

/// RFC 7915 §5.1, §5.5: every protocol is passed on, but for extension headers.
#[test]
fn every_protocol_is_passed_on_but_icmpv4_and_extension_headers() {
    for protocol in 0..=u8::MAX {
        let frame = v6().protocol(protocol, &[0xff; 24]);
        let (outcome, packets) = Translator::new().to_v4_unread(&frame);
        match protocol {
            0 | 60 => assert_eq!(outcome, Outcome::Dropped(Why::Malformed)),
            43 => {
                let error = V6Error::ParameterProblem { pointer: 43 };
                assert_eq!(outcome, Outcome::Answer(error, Why::SourceRouted));
            }
            // A fragment of protocol 255, which ends too far.
            44 => assert_eq!(outcome, Outcome::Dropped(Why::Malformed)),
            58 => assert_eq!(outcome, Outcome::Dropped(Why::Icmp(Untranslatable::Kind))),
            1 => {
                let why = Why::ForeignProtocol(IpProtocol::ICMP);
                assert_eq!(outcome, Outcome::Answer(V6Error::Prohibited, why));
            }
            _ => {
                assert_eq!(outcome, Outcome::Translated(1), "{protocol}");
                assert_eq!(packets[0][9], protocol);
                if !matches!(protocol, 6 | 17 | 33 | 136) {
                    assert_eq!(packets[0][20..], [0xff; 24]);
                }
            }
        }
    }
}

/// RFC 7915 §5.1: options and a routing header at its end are skipped, and
/// length and protocol say so.
#[test]
fn extension_headers_are_skipped() {
    let plain = one_v4(&v6().udp(1, 2, b"hello"));
    let headers = [options(60), options(43), routing(60, 0), options(17)];
    let frame = behind(0, &headers, &udp(b"hello"));
    assert_eq!(one_v4(&frame), plain);
}

/// RFC 7915 §5.1: segments left are a parameter problem that points at them.
#[test]
fn segments_left_are_a_parameter_problem() {
    let frame = behind(60, &[options(43), routing(17, 2)], &udp(b"hello"));
    let (outcome, _) = Translator::new().to_v4(&frame);
    let error = V6Error::ParameterProblem {
        pointer: 40 + 8 + 3,
    };
    assert_eq!(outcome, Outcome::Answer(error, Why::SourceRouted));
    assert_eq!(error.message(), (4, 0, [0, 0, 0, 51]));
}

/// RFC 7915 §5.1.1: id, place and length of a fragment; DF is cleared.
#[test]
fn a_fragment_header_becomes_the_ipv4_fields() {
    for (offset, more, len) in [(0, true, 1400), (8, true, 64), (16, false, 5)] {
        let headers = [options(44), fragment(17, offset, more, 0xffff_abcd)];
        let frame = behind(60, &headers, &DATA[..len]);
        let packet = one_v4(&frame);
        let header = header(&packet);
        assert_eq!(usize::from(header.total_len), 20 + len);
        assert_eq!(header.identification, 0xabcd, "the low 16 bits");
        assert_eq!(header.fragment_offset.value(), offset);
        assert_eq!(header.more_fragments, more);
        assert!(!header.dont_fragment);
        assert_eq!(header.protocol.0, 17);
    }
}

/// RFC 6946 §4, RFC 7915 §5.1.1: a fragment header on a whole datagram: the id
/// is kept, the packet is whole, and may be fragmented.
#[test]
fn an_atomic_fragment_is_a_whole_datagram() {
    let datagram = udp(&DATA[..1300]);
    let packet = one_v4(&behind(44, &[fragment(17, 0, false, 0x1_2345)], &datagram));
    let header = header(&packet);
    assert_eq!(header.identification, 0x2345);
    assert!(!header.dont_fragment && !header.more_fragments);
    // ICMPv6 in one is no fragmented ICMPv6.
    let echo = v6().icmp_echo(1, 2, b"ping");
    let echo = &super::packet(&echo)[40..];
    let packet = one_v4(&v6().protocol(44, &[&fragment(58, 0, false, 1)[..], echo].concat()));
    assert_eq!((packet[9], packet[20]), (1, 8));
}

/// RFC 7915 §5.1.1: an extension header in a fragment, AH among them, is
/// refused; ESP is passed on.
#[test]
fn an_extension_header_in_a_fragment_is_refused() {
    for next in [0, 43, 44, 51, 60, 135, 139, 140] {
        let frame = behind(44, &[fragment(next, 0, true, 1)], &[0; 64]);
        let (outcome, _) = Translator::new().to_v4(&frame);
        let expected = Outcome::Answer(V6Error::Prohibited, Why::ExtensionHeaders);
        assert_eq!(outcome, expected, "{next}");
    }
    let esp = one_v4(&behind(44, &[fragment(50, 0, true, 1)], &[7; 64]));
    assert_eq!((esp[9], &esp[20..]), (50, &[7; 64][..]));
}

/// RFC 7915 §5.1.1: a packet that fits every IPv6 link is cut for a narrower
/// IPv4 link.
#[test]
fn a_packet_of_up_to_1280_bytes_is_cut_for_a_narrow_link() {
    let mut translator = Translator::new();
    for next_hop in [68, 576, 1000, 1259] {
        translator.next_hops.v4 = Some(next_hop);
        let datagram = udp(&DATA[..1232]);
        let (_, packets) = translator.to_v4(&v6().protocol(17, &datagram));
        let mut whole = Vec::new();
        for (nth, packet) in packets.iter().enumerate() {
            assert!(packet.len() <= usize::from(next_hop));
            let header = header(packet);
            assert_eq!(usize::from(header.fragment_offset.value()) * 8, whole.len());
            assert_eq!(header.more_fragments, nth + 1 < packets.len());
            assert_eq!((header.identification, header.dont_fragment), (ID, false));
            whole.extend_from_slice(&packet[20..]);
        }
        assert_eq!(whole[8..], DATA[..1232]);
        assert_eq!(transport_sum(17, &whole, &packets[0][12..20]), 0);
    }
    // An IPv6 fragment is cut at its place, with its id.
    translator.next_hops.v4 = Some(576);
    let frame = behind(44, &[fragment(17, 100, true, 3)], &DATA[..1200]);
    let (_, packets) = translator.to_v4(&frame);
    let places: Vec<_> = packets
        .iter()
        .map(|packet| header(packet))
        .map(|h| {
            (
                h.fragment_offset.value(),
                h.more_fragments,
                h.identification,
            )
        })
        .collect();
    assert_eq!(places, [(100, true, 3), (169, true, 3), (238, true, 3)]);
}

/// RFC 7915 §1.4: what is longer, and too long for the next hop, is Packet Too
/// Big, with an MTU that is never below 1280 (RFC 8200 §5).
#[test]
fn a_longer_packet_is_packet_too_big() {
    let mut translator = Translator::new();
    for (next_hop, mtu) in [(1400, 1420), (1261, 1281), (1260, 1280), (576, 1280)] {
        translator.next_hops.v4 = Some(next_hop);
        let (outcome, _) = translator.to_v4(&v6().udp(1, 2, &DATA[..1480 - 28]));
        let error = V6Error::PacketTooBig { mtu };
        assert_eq!(outcome, Outcome::Answer(error, Why::TooBig), "{next_hop}");
    }
    translator.next_hops.v4 = Some(1400);
    let (outcome, _) = translator.to_v4(&v6().udp(1, 2, &DATA[..1400 - 28]));
    assert_eq!(outcome, Outcome::Translated(1));
    let (outcome, _) = translator.to_v4(&v6().udp(1, 2, &DATA[..1401 - 28]));
    let error = V6Error::PacketTooBig { mtu: 1420 };
    assert_eq!(outcome, Outcome::Answer(error, Why::TooBig));
    assert_eq!(error.message(), (2, 0, [0, 0, 0x05, 0x8c]));
    // Of a fragment the header goes too.
    let frame = behind(44, &[fragment(17, 0, true, 3)], &DATA[..1400]);
    let (outcome, _) = translator.to_v4(&frame);
    let error = V6Error::PacketTooBig { mtu: 1428 };
    assert_eq!(outcome, Outcome::Answer(error, Why::TooBig));
}

/// RFC 7915 §5.1: the translator is a router, and the hop limit ends at it.
#[test]
fn a_hop_limit_that_ends_here_is_time_exceeded() {
    for hop_limit in [0, 1] {
        let (outcome, _) = Translator::new().to_v4(&v6().hop_limit(hop_limit).udp(1, 2, b"x"));
        let expected = Outcome::Answer(V6Error::TimeExceeded, Why::TimeExceeded);
        assert_eq!(outcome, expected);
    }
    assert_eq!(V6Error::TimeExceeded.message(), (3, 0, [0; 4]));
    assert_eq!(one_v4(&v6().hop_limit(2).udp(1, 2, b"x"))[8], 1);
}

/// RFC 7915 §5.1: an illegal source is discarded silently.
#[test]
fn an_illegal_source_is_silent() {
    for source in ["::", "::1", "ff02::1", "fe80::1"] {
        let frame = Frame::between(MacAddr::ZERO, MacAddr::ZERO)
            .ipv6(six(source), six(FOUR_IN_SIX))
            .udp(1, 2, b"x");
        let (outcome, _) = Translator::new().to_v4(&frame);
        assert_eq!(outcome, Outcome::Dropped(Why::IllegalSource), "{source}");
    }
}

/// RFC 7915 §5.1, §8: nor is an IPv4 address that no station can have anybody's,
/// only because it stands behind the prefix.
#[test]
fn an_embedded_address_of_no_station_is_refused() {
    for inner in [
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        let source = six(&format!("2001:db8:6::{inner}"));
        let from = || Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(source, six(FOUR_IN_SIX));
        let (outcome, _) = Translator::new().to_v4(&from().udp(1, 2, b"x"));
        assert_eq!(outcome, Outcome::Dropped(Why::IllegalSource), "{inner}");
        let quoted = Frame::between(MacAddr::ZERO, MacAddr::ZERO)
            .ipv6(six(FOUR_IN_SIX), six(SIX))
            .udp(1, 2, b"x");
        // An error comes from the address for that.
        let error = one_v4(&from().icmp((3, 0), (0, 0), packet(&quoted)));
        assert_eq!(error[12..16], [192, 0, 0, 8], "{inner}");
        let destination = six(&format!("2001:db8:4::{inner}"));
        let to = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(SIX), destination);
        let (outcome, _) = Translator::new().to_v4(&to.udp(1, 2, b"x"));
        let expected = Outcome::Answer(V6Error::Prohibited, Why::NoAddress);
        assert_eq!(outcome, expected, "{inner}");
    }
}

/// RFC 7915 §5.4: nobody is told of ICMPv6 that it is prohibited, nor of an
/// error anything (RFC 4443 §2.4 e.1), whatever stands before it.
#[test]
fn no_header_hides_an_error_from_the_rule() {
    let outcome = |first: u8, headers: &[Vec<u8>], message: &[u8]| {
        let headers = headers.concat();
        let frame = v6().protocol(first, &[&headers, message].concat());
        Translator::new().to_v4(&frame).0
    };
    let routed = [options(43), routing(58, 2)];
    let silent = Outcome::Dropped(Why::SourceRouted);
    assert_eq!(outcome(60, &routed, &[1, 0, 0, 0, 0, 0, 0, 0]), silent);
    let pointed = V6Error::ParameterProblem { pointer: 51 };
    let told = Outcome::Answer(pointed, Why::SourceRouted);
    assert_eq!(outcome(60, &routed, &[128, 0, 0, 0, 0, 0, 0, 0]), told);
    let piece = [fragment(60, 0, true, 1), options(58)];
    let silent = Outcome::Dropped(Why::ExtensionHeaders);
    assert_eq!(outcome(44, &piece, &[1, 0, 0, 0, 0, 0, 0, 0]), silent);
    assert_eq!(outcome(44, &piece, &[128, 0, 0, 0, 0, 0, 0, 0]), silent);
}

/// RFC 7915 §5.4: what has no error of its own is 1/1, and nobody is told so of
/// ICMPv6, or of what went to many (RFC 4443 §2.4 e).
#[test]
fn what_is_discarded_is_answered_as_prohibited_but_never_icmpv6() {
    let translate = |frame: &[u8]| Translator::nowhere().to_v4(frame).0;
    let expected = Outcome::Answer(V6Error::Prohibited, Why::NoAddress);
    assert_eq!(translate(&v6().udp(1, 2, b"x")), expected);
    assert_eq!(V6Error::Prohibited.message(), (1, 1, [0; 4]));
    let silent = Outcome::Dropped(Why::NoAddress);
    assert_eq!(translate(&v6().icmp_echo(1, 2, b"x")), silent);
    let to_group = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(SIX), six("ff0e::1"));
    assert_eq!(translate(&to_group.udp(1, 2, b"x")), silent);
    // An error of its own may be about ICMPv6, but not about an error.
    let translate = |frame: &[u8]| Translator::new().to_v4(frame).0;
    let echo = v6().hop_limit(1).icmp_echo(1, 2, b"x");
    let expected = Outcome::Answer(V6Error::TimeExceeded, Why::TimeExceeded);
    assert_eq!(translate(&echo), expected);
    for kind in [1, 2, 3, 4, 100, 127, 137] {
        let error = v6().hop_limit(1).icmp((kind, 0), (0, 0), &[0; 48]);
        assert_eq!(
            translate(&error),
            Outcome::Dropped(Why::TimeExceeded),
            "{kind}"
        );
    }
}

/// RFC 7915 §1.2: fragmented ICMPv6 is not translated.
#[test]
fn fragmented_icmpv6_is_not_translated() {
    for offset in [0, 9] {
        let frame = behind(44, &[fragment(58, offset, true, 1)], &[128; 64]);
        let (outcome, _) = Translator::new().to_v4(&frame);
        assert_eq!(outcome, Outcome::Dropped(Why::IcmpFragment));
    }
}

/// RFC 7915 §5.5: the checksums of TCP, UDP and their kin are brought up to
/// date; one that was wrong stays wrong, and UDP without one stays without.
#[test]
fn checksums_follow_and_wrong_ones_stay_wrong() {
    for payload in [
        Payload::tcp(1, 2, 3, 0x10, b"data"),
        Payload::udp(1, 2, b"data"),
        Payload::udp_lite(1, 2, b"data"),
        Payload::dccp(1, 2, b"data"),
    ] {
        let protocol = payload.protocol.0;
        one_v4(&v6().carrying(payload.clone()));
        let wrong = v6().checksum(Checksum::Wrong).carrying(payload);
        let (_, packets) = Translator::new().to_v4_unread(&wrong);
        let sum = transport_sum(protocol, &packets[0][20..], &packets[0][12..20]);
        assert_ne!(sum, 0);
    }
    let without = v6().checksum(Checksum::Exactly(0)).udp(1, 2, b"data");
    assert_eq!(one_v4(&without)[26..28], [0, 0]);
}

/// RFC 8200 §3: what is no IPv6 packet is discarded.
#[test]
fn what_is_no_ipv6_packet_is_dropped() {
    let good = v6().udp(1, 2, b"hello");
    let frames = [
        v6().version(4).udp(1, 2, b"x"),
        v6().payload_len(1000).udp(1, 2, b"x"),
        good[..14 + 39].to_vec(),
        // Ends behind 65535.
        behind(44, &[fragment(17, 8191, false, 1)], &[0; 8]),
        // An extension header longer than the packet.
        v6().protocol(60, &[17, 3, 0, 0, 0, 0, 0, 0]),
    ];
    for frame in frames {
        let (outcome, _) = Translator::new().to_v4(&frame);
        assert_eq!(outcome, Outcome::Dropped(Why::Malformed), "{frame:02x?}");
    }
}
