//! RFC 7915 §4: IPv4 to IPv6.

use etherparse::Ipv6Slice;
use packet::build::{Checksum, Payload};

use super::*;
use crate::pipeline::translate::external::{Ends, TrafficClass, UdpWithoutChecksum, Why};
use crate::pipeline::translate::icmp::Untranslatable;

const DATA: [u8; 3000] = [0x5a; 3000];

/// RFC 7915 §4.1: every field of the header.
#[test]
fn each_field_of_the_ipv6_header() {
    for tos in [0, 0b1011_1001, 0xff] {
        let frame = v4().tos(tos).ttl(37).id(0xabcd).udp(5000, 53, b"hello");
        let packet = one_v6(&frame);
        let header = Ipv6Slice::from_slice(&packet).unwrap().header().to_header();
        assert_eq!(header.traffic_class, tos);
        assert_eq!(header.flow_label.value(), 0);
        assert_eq!(usize::from(header.payload_length), 8 + 5);
        assert_eq!(header.next_header.0, 17);
        assert_eq!(header.hop_limit, 36);
        assert_eq!(Ipv6Addr::from(header.source), six(FOUR_IN_SIX));
        assert_eq!(Ipv6Addr::from(header.destination), six(SIX));
        assert_eq!(packet[48..], *b"hello", "the data is as it was (§4)");
    }
}

/// RFC 7915 §4.1: an administrator may have the TOS ignored.
#[test]
fn the_tos_may_be_ignored() {
    let mut translator = Translator::new();
    translator.settings.traffic_class = TrafficClass::Zero;
    let (_, packets) = translator.to_v6(&v4().tos(0xff).udp(1, 2, b"x"));
    let header = Ipv6Slice::from_slice(&packets[0]).unwrap().header();
    assert_eq!(header.traffic_class(), 0);
}

/// RFC 7915 §4.1, §4.5: every protocol is passed on, its number and its bytes
/// as they are, but for those that IPv6 means otherwise.
#[test]
fn every_protocol_is_passed_on_but_those_that_ipv6_means_otherwise() {
    for protocol in 0..=u8::MAX {
        let frame = v4().protocol(protocol, b"twenty-four bytes of it.");
        let (outcome, packets) = Translator::new().to_v6_unread(&frame);
        match protocol {
            1 => assert_eq!(outcome, Outcome::Dropped(Why::Icmp(Untranslatable::Kind))),
            2 => assert_eq!(outcome, Outcome::Dropped(Why::Igmp)),
            0 | 43 | 44 | 51 | 58 | 59 | 60 | 97 | 135 | 139 | 140 => {
                let why = Why::ForeignProtocol(IpProtocol(protocol));
                assert_eq!(outcome, Outcome::Answer(V4Error::Prohibited, why));
            }
            _ => {
                assert_eq!(outcome, Outcome::Translated(1), "{protocol}");
                assert_eq!(packets[0][6], protocol);
                if !matches!(protocol, 6 | 17 | 33 | 136) {
                    assert_eq!(packets[0][40..], *b"twenty-four bytes of it.");
                }
            }
        }
    }
}

/// RFC 7915 §4.1: the fragment header of a first, a middle and a last fragment.
#[test]
fn a_fragment_gets_a_fragment_header_with_its_place_and_id() {
    for (offset, more, len) in [(0, true, 64), (8, true, 64), (16, false, 5)] {
        for dont_fragment in [false, true] {
            let mut frame = v4().id(0xabcd).fragment(offset, more);
            if dont_fragment {
                frame = frame.dont_fragment();
            }
            let packet = one_v6(&frame.protocol(17, &DATA[..len]));
            let (first, fragment) = fragment_of(&packet);
            assert_eq!(first, 44);
            assert_eq!(fragment.next_header.0, 17);
            assert_eq!(fragment.fragment_offset.value(), offset);
            assert_eq!(fragment.more_fragments, more);
            assert_eq!(fragment.identification, 0xabcd, "the high 16 bits are 0");
            assert_eq!(packet[4..6], u16::try_from(len + 8).unwrap().to_be_bytes());
            assert_eq!(packet.len(), 48 + len);
        }
    }
}

/// RFC 8021 §4, RFC 7915 §4: what is not a fragment gets no fragment header,
/// with or without DF.
#[test]
fn what_is_whole_gets_no_fragment_header() {
    for frame in [v4(), v4().dont_fragment()] {
        let packet = one_v6(&frame.id(7).udp(1, 2, &DATA[..1000]));
        assert_eq!((packet[6], packet.len()), (17, 40 + 8 + 1000));
    }
}

/// RFC 7915 §4, §4.1: without DF nothing longer than 1280 bytes leaves, and
/// nothing shorter is cut.
#[test]
fn without_df_what_is_longer_than_1280_bytes_is_cut() {
    // 1260 bytes of IPv4 are 1280 of IPv6.
    let packet = one_v6(&v4().udp(1, 2, &DATA[..1260 - 28]));
    assert_eq!((packet[6], packet.len()), (17, 1280));
    for len in [1261 - 28, 2000, 3000] {
        let frame = v4().id(0xbeef).udp(1, 2, &DATA[..len]);
        let (_, packets) = Translator::new().to_v6(&frame);
        assert_eq!(packets.len(), (8 + len).div_ceil(1232));
        for packet in &packets {
            assert!(packet.len() <= 1280);
            let (_, fragment) = fragment_of(packet);
            assert_eq!(fragment.identification, 0xbeef, "one id for all");
        }
        let whole = put_together_v6(&packets);
        assert_eq!(whole[8..], DATA[..len]);
        // The sum of the whole is right: the first piece has the delta.
        assert_eq!(transport_sum(17, &whole, &packets[0][8..40]), 0);
    }
}

/// RFC 7915 §4, §4.1: the threshold is the administrator's, never below 1280.
#[test]
fn the_lowest_ipv6_mtu_can_be_configured() {
    let mut translator = Translator::new();
    for (lowest, len, count) in [
        (1500, 1480 - 28, 1),
        (1500, 1481 - 28, 2),
        (9000, 3000, 1),
        (576, 1260 - 28, 1),
        (576, 1261 - 28, 2),
    ] {
        translator.settings.lowest_ipv6_mtu = lowest;
        let (_, packets) = translator.to_v6(&v4().udp(1, 2, &DATA[..len]));
        assert_eq!(packets.len(), count, "{lowest} {len}");
        let limit = usize::from(lowest.max(1280));
        assert!(packets.iter().all(|packet| packet.len() <= limit));
    }
}

/// RFC 7915 §4.1: a fragment that is too long is cut further; its pieces go on
/// from its place, and the last says what it said.
#[test]
fn a_fragment_is_cut_further_at_its_place() {
    for more in [true, false] {
        let frame = v4().id(9).fragment(100, more).protocol(17, &DATA[..2400]);
        let (_, packets) = Translator::new().to_v6(&frame);
        let places: Vec<_> = packets.iter().map(|packet| fragment_of(packet).1).collect();
        let offsets: Vec<_> = places.iter().map(|f| f.fragment_offset.value()).collect();
        assert_eq!(offsets, [100, 254]);
        let mores: Vec<_> = places.iter().map(|f| f.more_fragments).collect();
        assert_eq!(mores, [true, more]);
        assert!(places.iter().all(|f| f.identification == 9));
    }
}

/// RFC 7915 §1.4, §4.1: with DF, what the next hop does not carry is answered
/// with the MTU that will do.
#[test]
fn with_df_what_the_next_hop_does_not_carry_is_fragmentation_needed() {
    let mut translator = Translator::new();
    translator.next_hops.v6 = Some(1400);
    let frame = |len: usize| v4().dont_fragment().udp(1, 2, &DATA[..len - 28]);
    let (outcome, packets) = translator.to_v6(&frame(1380));
    assert_eq!((outcome, packets[0].len()), (Outcome::Translated(1), 1400));
    let (outcome, _) = translator.to_v6(&frame(1381));
    let error = V4Error::FragmentationNeeded { mtu: 1380 };
    assert_eq!(outcome, Outcome::Answer(error, Why::TooBig));
    assert_eq!(error.message(), (3, 4, [0, 0, 0x05, 0x64]));
    // Options count: the sender's packets will have them again.
    let with_options = v4().dont_fragment().options(&[1; 8]);
    let (outcome, _) = translator.to_v6(&with_options.udp(1, 2, &DATA[..1380 - 28]));
    assert_eq!(outcome, Outcome::Answer(error, Why::TooBig));
    // A fragment is 8 bytes longer in IPv6.
    let fragment = v4().dont_fragment().fragment(0, true);
    let (outcome, _) = translator.to_v6(&fragment.protocol(17, &DATA[..1360]));
    let error = V4Error::FragmentationNeeded { mtu: 1372 };
    assert_eq!(outcome, Outcome::Answer(error, Why::TooBig));
}

/// RFC 7915 §4.1: the translator is a router, and TTL ends at it.
#[test]
fn a_ttl_that_ends_here_is_time_exceeded() {
    for ttl in [0, 1] {
        let (outcome, _) = Translator::new().to_v6(&v4().ttl(ttl).udp(1, 2, b"x"));
        let expected = Outcome::Answer(V4Error::TimeExceeded, Why::TimeExceeded);
        assert_eq!(outcome, expected);
    }
    assert_eq!(V4Error::TimeExceeded.message(), (11, 0, [0; 4]));
    assert_eq!(one_v6(&v4().ttl(2).udp(1, 2, b"x"))[7], 1);
}

/// RFC 7915 §4.1: an illegal source is discarded silently; but who reports an
/// error from one is let through.
#[test]
fn an_illegal_source_is_silent_but_its_errors_pass() {
    for source in [
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        let source: Ipv4Addr = source.parse().unwrap();
        let frame = || Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(source, SIX_IN_FOUR);
        let (outcome, _) = Translator::new().to_v6(&frame().udp(1, 2, b"x"));
        assert_eq!(outcome, Outcome::Dropped(Why::IllegalSource), "{source}");
        let quoted = Frame::between(MacAddr::ZERO, MacAddr::ZERO)
            .ipv4(SIX_IN_FOUR, FOUR)
            .udp(1, 2, b"x");
        let error = frame().icmp((11, 0), (0, 0), packet(&quoted));
        let (outcome, packets) = Translator::new().to_v6(&error);
        assert_eq!(outcome, Outcome::Translated(1), "{source}");
        assert_eq!(packets[0][20..24], source.octets());
    }
}

/// RFC 7915 §4.1: options are ignored, a source route on its way is refused.
#[test]
fn options_are_ignored_but_for_a_source_route() {
    let plain = one_v6(&v4().udp(1, 2, b"x"));
    let record_route = [7, 7, 4, 0, 0, 0, 0, 0];
    let timestamp = [68, 8, 5, 0, 0, 0, 0, 0];
    let used_up = [131, 7, 8, 10, 0, 0, 9, 0];
    for options in [
        &record_route[..],
        &timestamp,
        &used_up,
        &[148, 4, 0, 0],
        &[1; 40],
    ] {
        let packet = one_v6(&v4().options(options).udp(1, 2, b"x"));
        assert_eq!(packet, plain, "{options:?}");
    }
    for kind in [131, 137] {
        let frame = v4().options(&[1, kind, 7, 4, 10, 0, 0, 9]).udp(1, 2, b"x");
        let (outcome, _) = Translator::new().to_v6(&frame);
        let expected = Outcome::Answer(V4Error::SourceRouteFailed, Why::SourceRouted);
        assert_eq!(outcome, expected);
    }
    assert_eq!(V4Error::SourceRouteFailed.message(), (3, 5, [0; 4]));
}

/// RFC 7915 §4.2: IGMP is dropped silently.
#[test]
fn igmp_is_silent() {
    let (outcome, _) = Translator::new().to_v6(&v4().ttl(1).protocol(2, &[0x16, 0, 0, 0]));
    assert_eq!(outcome, Outcome::Dropped(Why::Igmp));
}

/// RFC 7915 §1.2: fragmented ICMP is not translated; a later fragment is never
/// answered (RFC 1122 §3.2.2), a first one that was no error may be.
#[test]
fn fragmented_icmp_is_not_translated() {
    let fragment = |offset, kind| v4().fragment(offset, true).protocol(1, &[kind; 64]);
    let (outcome, _) = Translator::new().to_v6(&fragment(0, 8));
    let expected = Outcome::Answer(V4Error::Prohibited, Why::IcmpFragment);
    assert_eq!(outcome, expected);
    for frame in [fragment(8, 8), fragment(0, 3)] {
        let (outcome, _) = Translator::new().to_v6(&frame);
        assert_eq!(outcome, Outcome::Dropped(Why::IcmpFragment));
    }
}

/// RFC 7915 §4.4: what has no error of its own is 3/13, and nobody is told of an
/// error about an error, or of what went to many.
#[test]
fn what_is_discarded_is_answered_as_prohibited_but_never_an_error() {
    let translate = |frame: &[u8]| Translator::nowhere().to_v6(frame).0;
    let expected = Outcome::Answer(V4Error::Prohibited, Why::NoAddress);
    assert_eq!(translate(&v4().udp(1, 2, b"x")), expected);
    assert_eq!(translate(&v4().icmp_echo(1, 2, b"x")), expected);
    assert_eq!(V4Error::Prohibited.message(), (3, 13, [0; 4]));
    for kind in [3, 4, 5, 11, 12] {
        let error = v4().icmp((kind, 0), (0, 0), &[0; 28]);
        assert_eq!(translate(&error), Outcome::Dropped(Why::NoAddress));
    }
    let later = v4().fragment(9, false).protocol(17, b"x");
    assert_eq!(translate(&later), Outcome::Dropped(Why::NoAddress));
    for group in ["224.0.0.251", "239.1.1.1", "255.255.255.255"] {
        let group: Ipv4Addr = group.parse().unwrap();
        let frame = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(FOUR, group);
        let outcome = translate(&frame.udp(1, 2, b"x"));
        assert_eq!(outcome, Outcome::Dropped(Why::NoAddress));
    }
}

/// RFC 7915 §1.2, §8: a group's address, or one that no station can have, is
/// nobody's, though a prefix could be put before it.
#[test]
fn a_destination_that_is_no_station_has_no_address() {
    for (destination, told) in [
        ("224.0.0.251", false),
        ("255.255.255.255", false),
        ("0.0.0.1", true),
        ("127.0.0.1", true),
        ("240.0.0.1", true),
    ] {
        let destination: Ipv4Addr = destination.parse().unwrap();
        let frame = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(FOUR, destination);
        let (outcome, _) = Translator::new().to_v6(&frame.udp(1, 2, b"x"));
        let expected = if told {
            Outcome::Answer(V4Error::Prohibited, Why::NoAddress)
        } else {
            Outcome::Dropped(Why::NoAddress)
        };
        assert_eq!(outcome, expected, "{destination}");
    }
}

/// RFC 7915 §4.5: the checksums of TCP, UDP, and their kin are brought up to
/// date; one that was wrong stays wrong.
#[test]
fn checksums_follow_and_wrong_ones_stay_wrong() {
    for payload in [
        Payload::tcp(1, 2, 3, 0x10, b"data"),
        Payload::udp(1, 2, b"data"),
        Payload::udp_lite(1, 2, b"data"),
        Payload::dccp(1, 2, b"data"),
    ] {
        let protocol = payload.protocol.0;
        // The harness reads every packet: see `assert_sound_v6`.
        one_v6(&v4().carrying(payload.clone()));
        let wrong = v4().checksum(Checksum::Wrong).carrying(payload);
        let (_, packets) = Translator::new().to_v6_unread(&wrong);
        let sum = transport_sum(protocol, &packets[0][40..], &packets[0][8..40]);
        assert_ne!(sum, 0);
    }
}

/// RFC 7915 §4.5: the field may be in a later fragment than the first.
#[test]
fn a_checksum_in_the_second_fragment_is_brought_up_to_date() {
    let whole = v4().tcp(1, 2, &DATA[..100]);
    let segment = &packet(&whole)[20..];
    // TCP's checksum is at 16: in a fragment that begins there.
    let pieces = [(0, 0..16, true), (2, 16..segment.len(), false)];
    let packets: Vec<_> = pieces
        .into_iter()
        .map(|(offset, range, more)| {
            one_v6(
                &v4()
                    .id(5)
                    .fragment(offset, more)
                    .protocol(6, &segment[range]),
            )
        })
        .collect();
    let whole = put_together_v6(&packets);
    assert_eq!(transport_sum(6, &whole, &packets[0][8..40]), 0);
}

/// RFC 7915 §4.5: a whole UDP datagram without a checksum gets one, also where
/// it is then cut; in a fragment it is refused, and the administrator may
/// refuse it always.
#[test]
fn udp_without_a_checksum_gets_one_or_is_refused() {
    let without = |frame: build::Ipv4| frame.checksum(Checksum::Exactly(0));
    let packet = one_v6(&without(v4()).udp(1, 2, b"hello"));
    assert_ne!(packet[46..48], [0, 0]);
    let (_, packets) = Translator::new().to_v6(&without(v4()).udp(1, 2, &DATA));
    let whole = put_together_v6(&packets);
    assert_eq!((packets.len(), whole.len()), (3, 3008));
    assert_eq!(transport_sum(17, &whole, &packets[0][8..40]), 0);

    // The reason says between whom.
    let refused = |ports| {
        let why = Why::UdpWithoutChecksum(Ends {
            source: FOUR.into(),
            destination: SIX_IN_FOUR.into(),
            ports,
        });
        Outcome::Answer(V4Error::Prohibited, why)
    };
    let first = v4().fragment(0, true);
    let first = first.protocol(17, &[0x12, 0x34, 0, 53, 0, 99, 0, 0]);
    assert_eq!(Translator::new().to_v6(&first).0, refused((0x1234, 53)));
    let later = v4().fragment(8, false).protocol(17, &[0; 64]);
    assert_eq!(Translator::new().to_v6(&later).0, Outcome::Translated(1));

    let mut translator = Translator::new();
    translator.settings.udp_without_checksum = UdpWithoutChecksum::Dropped;
    let (outcome, _) = translator.to_v6(&without(v4()).udp(1, 2, b"hello"));
    assert_eq!(outcome, refused((1, 2)));
}

/// RFC 1812 §5.2.2: what is no IPv4 packet is discarded.
#[test]
fn what_is_no_ipv4_packet_is_dropped() {
    let good = v4().udp(1, 2, b"hello");
    let frames = [
        v4().wrong_header_checksum().udp(1, 2, b"x"),
        v4().version_ihl(0x65).udp(1, 2, b"x"),
        v4().version_ihl(0x44).udp(1, 2, b"x"),
        v4().version_ihl(0x4f).udp(1, 2, b"x"),
        v4().total_len(19).udp(1, 2, b"x"),
        v4().total_len(1000).udp(1, 2, b"x"),
        good[..14 + 19].to_vec(),
        // Ends behind 65535.
        v4().fragment(8191, false).protocol(17, &[0; 8]),
    ];
    for frame in frames {
        let (outcome, _) = Translator::new().to_v6(&frame);
        assert_eq!(outcome, Outcome::Dropped(Why::Malformed), "{frame:02x?}");
    }
    // What Ethernet padded is no payload.
    let padded = [&good[..], &[0; 13]].concat();
    assert_eq!(one_v6(&padded), one_v6(&good));
}
