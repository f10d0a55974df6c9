//! RFC 7915 §4.2, §4.3, §5.2, §5.3 through the whole translation: the messages'
//! types and codes are tested beside `translate/icmp`.

use etherparse::{Ipv4Slice, Ipv6Slice};

use super::*;
use crate::pipeline::translate::external::{TrafficClass, TypeOfService, Why};
use crate::pipeline::translate::icmp::Untranslatable;

const DATA: [u8; 3000] = [0x5a; 3000];

/// A packet of the IPv6 side's system, as IPv4 sees it and quotes it.
fn quoted_v4(len: usize) -> Vec<u8> {
    let frame = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(SIX_IN_FOUR, FOUR);
    packet(&frame.ttl(3).id(0).udp(5000, 53, &DATA[..len - 28])).to_vec()
}

/// A packet of the IPv4 side's system, as IPv6 sees it and quotes it.
fn quoted_v6(len: usize) -> Vec<u8> {
    let frame = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(FOUR_IN_SIX), six(SIX));
    packet(&frame.hop_limit(3).udp(5000, 53, &DATA[..len - 48])).to_vec()
}

/// RFC 7915 §4.2, §5.2: echo, both ways; the data is as it was.
#[test]
fn echo_is_translated_both_ways() {
    for len in [0, 1, 56, 1200] {
        let request = one_v6(&v4().icmp_echo(7, 1, &DATA[..len]));
        assert_eq!((request[6], &request[40..42]), (58, &[128, 0][..]));
        assert_eq!(request[48..], DATA[..len]);
        let reply = one_v6(&v4().icmp_echo_reply(7, 1, &DATA[..len]));
        assert_eq!(reply[40..42], [129, 0]);
        let request = one_v4(&v6().icmp_echo(7, 1, &DATA[..len]));
        assert_eq!((request[9], &request[20..22]), (1, &[8, 0][..]));
        assert_eq!(request[28..], DATA[..len]);
        let reply = one_v4(&v6().icmp((129, 0), (7, 1), &DATA[..len]));
        assert_eq!(reply[20..22], [0, 0]);
    }
}

/// RFC 1624 §3: an echo reply of zeros has the checksum 0xffff in IPv4, which
/// no update yields.
#[test]
fn an_echo_reply_of_zeros_keeps_its_checksum() {
    for len in [0, 12, 100] {
        let reply = one_v4(&v6().icmp((129, 0), (0, 0), &vec![0; len]));
        assert_eq!(reply[20..24], [0, 0, 0xff, 0xff], "{len}");
        let back = one_v6(&v4().icmp_echo_reply(0, 0, &vec![0; len]));
        assert_eq!(back[40..42], [129, 0]);
        // The checksum 0 is wrong there, and would come out right.
        let wrong = v4().protocol(1, &vec![0; 8 + len]);
        let (outcome, _) = Translator::new().to_v6(&wrong);
        let why = Why::Icmp(Untranslatable::Checksum);
        assert_eq!(outcome, Outcome::Dropped(why));
    }
}

/// RFC 7915 §4.1: an echo that is too long is translated, and then cut.
#[test]
fn a_long_echo_is_cut_behind_its_new_checksum() {
    let (_, packets) = Translator::new().to_v6(&v4().id(4).icmp_echo(7, 1, &DATA));
    assert_eq!(packets.len(), 3);
    let whole = put_together_v6(&packets);
    assert_eq!((whole[0], whole.len()), (128, 3008));
    assert_eq!(transport_sum(58, &whole, &packets[0][8..40]), 0);
}

/// RFC 7915 §4.2, §5.2: informational messages of one link are dropped
/// silently, and so is what is unknown.
#[test]
fn other_informational_messages_are_silent() {
    let silent = Why::Icmp(Untranslatable::Kind);
    for kind in [4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 30, 41, 255] {
        let message = v4().icmp((kind, 0), (0, 0), &quoted_v4(60));
        let (outcome, _) = Translator::new().to_v6(&message);
        assert_eq!(outcome, Outcome::Dropped(silent), "{kind}");
    }
    for kind in [
        0, 5, 127, 130, 131, 132, 133, 134, 135, 136, 137, 143, 200, 255,
    ] {
        let message = v6().icmp((kind, 0), (0, 0), &quoted_v6(80));
        let (outcome, _) = Translator::new().to_v4(&message);
        assert_eq!(outcome, Outcome::Dropped(silent), "{kind}");
    }
}

/// RFC 7915 §4.3: the packet in error is translated like any other, but its TTL
/// stays; lengths follow.
#[test]
fn an_icmpv4_error_is_translated_with_what_it_quotes() {
    let error = v4().ttl(60).icmp((11, 0), (0, 0), &quoted_v4(60));
    let packet = one_v6(&error);
    let outer = Ipv6Slice::from_slice(&packet).unwrap().header().to_header();
    assert_eq!((outer.hop_limit, outer.next_header.0), (59, 58));
    assert_eq!(usize::from(outer.payload_length), 8 + 80);
    assert_eq!(packet[40..42], [3, 0]);
    let inner = &packet[48..];
    assert_sound_v6(inner);
    let inner = Ipv6Slice::from_slice(inner).unwrap().header().to_header();
    assert_eq!(Ipv6Addr::from(inner.source), six(SIX));
    assert_eq!(Ipv6Addr::from(inner.destination), six(FOUR_IN_SIX));
    assert_eq!(inner.hop_limit, 3, "not decremented");
}

/// RFC 7915 §5.3: the same towards IPv4.
#[test]
fn an_icmpv6_error_is_translated_with_what_it_quotes() {
    let error = v6().hop_limit(60).icmp((1, 4), (0, 0), &quoted_v6(80));
    let packet = one_v4(&error);
    let outer = Ipv4Slice::from_slice(&packet).unwrap().header().to_header();
    assert_eq!((outer.time_to_live, outer.protocol.0), (59, 1));
    assert_eq!(usize::from(outer.total_len), 20 + 8 + 60);
    assert_eq!(packet[20..22], [3, 3]);
    let inner = &packet[28..];
    assert_sound_v4(inner);
    let inner = Ipv4Slice::from_slice(inner).unwrap().header().to_header();
    assert_eq!(Ipv4Addr::from(inner.source), FOUR);
    assert_eq!(Ipv4Addr::from(inner.destination), SIX_IN_FOUR);
    assert_eq!(inner.time_to_live, 3, "not decremented");
}

/// RFC 7915 §4.2: Packet Too Big says what the sender can send: 20 more than
/// IPv4's, within the next hops, never below 1280.
#[test]
fn fragmentation_needed_becomes_packet_too_big() {
    let mut translator = Translator::new();
    translator.next_hops = NextHops {
        v4: Some(1500),
        v6: Some(1450),
    };
    for (advertised, mtu) in [(1400, 1420), (1500, 1450), (576, 1280)] {
        let error = v4().icmp((3, 4), (0, advertised), &quoted_v4(1200));
        let (_, packets) = translator.to_v6(&error);
        assert_eq!(packets[0][40..42], [2, 0]);
        assert_eq!(packets[0][44..48], u32::to_be_bytes(mtu), "{advertised}");
    }
    // RFC 1191 §5: a router that does not say.
    let error = v4().icmp((3, 4), (0, 0), &quoted_v4(1200));
    let (_, packets) = Translator::new().to_v6(&error);
    assert_eq!(packets[0][44..48], 1280_u32.to_be_bytes());
}

/// RFC 7915 §5.2: Fragmentation Needed says 20 less than IPv6's.
#[test]
fn packet_too_big_becomes_fragmentation_needed() {
    let mut translator = Translator::new();
    let error = v6().icmp((2, 0), (0, 1400), &quoted_v6(1200));
    let (_, packets) = translator.to_v4(&error);
    assert_eq!(packets[0][20..22], [3, 4]);
    assert_eq!(packets[0][26..28], 1380_u16.to_be_bytes());
    translator.next_hops.v4 = Some(1300);
    let (_, packets) = translator.to_v4(&error);
    assert_eq!(packets[0][26..28], 1300_u16.to_be_bytes());
}

/// RFC 4443 §2.4 c, RFC 7915 §4.2: an error that becomes too long is cut short,
/// never fragmented.
#[test]
fn a_long_error_is_cut_short() {
    for len in [1232, 1400, 3000] {
        let error = v4().icmp((3, 3), (0, 0), &quoted_v4(len));
        let (outcome, packets) = Translator::new().to_v6(&error);
        assert_eq!((outcome, packets[0].len()), (Outcome::Translated(1), 1280));
        // The quoted packet says its whole length.
        assert_eq!(
            packets[0][52..54],
            u16::try_from(len - 20).unwrap().to_be_bytes()
        );
    }
}

/// RFC 7915 §5.1: DF says how long the message is, not what it was made of.
#[test]
fn an_error_that_becomes_short_has_no_df() {
    for len in [600, 1232, 1400, 2000] {
        let error = v6().icmp((1, 4), (0, 0), &quoted_v6(len));
        let packet = one_v4(&error);
        assert!(packet.len() <= 1260);
        assert_eq!(packet[6] & 0x40, 0, "{len}");
    }
}

/// RFC 7915 §4.3, §5.3: whatever the administrator says of TOS and traffic class
/// holds for the packet in error, too.
#[test]
fn the_packet_in_error_has_the_tos_that_others_have() {
    let mut translator = Translator::new();
    translator.settings.traffic_class = TrafficClass::Zero;
    translator.settings.type_of_service = TypeOfService::Always(0x28);
    let inner = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(SIX_IN_FOUR, FOUR);
    let inner = inner.tos(0xb9).udp(5000, 53, b"x");
    let (_, packets) = translator.to_v6(&v4().icmp((11, 0), (0, 0), packet(&inner)));
    assert_eq!(packets[0][48..50], [0x60, 0]);
    assert_sound_v6(&packets[0][48..]);
    let inner = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(FOUR_IN_SIX), six(SIX));
    let inner = inner.traffic_class(0xb9).udp(5000, 53, b"x");
    let (_, packets) = translator.to_v4(&v6().icmp((3, 0), (0, 0), packet(&inner)));
    assert_eq!(packets[0][28..30], [0x45, 0x28]);
    assert_sound_v4(&packets[0][28..]);
}

/// RFC 7915 §4.2, §5.2: of echo the type is translated, whatever its code.
#[test]
fn echo_of_any_code_is_echo() {
    for code in [0, 9, 255] {
        let there = one_v6(&v4().icmp((8, code), (7, 1), b"ping"));
        assert_eq!(there[40..42], [128, code]);
        let back = one_v4(&v6().icmp((129, code), (7, 1), b"ping"));
        assert_eq!(back[20..22], [0, code]);
        // And so it is in an error.
        let inner = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(SIX_IN_FOUR, FOUR);
        let inner = inner.icmp((8, code), (7, 1), b"ping");
        let error = one_v6(&v4().icmp((11, 0), (0, 0), packet(&inner)));
        assert_eq!(error[88..90], [128, code]);
        assert_sound_v6(&error[48..]);
    }
}

/// RFC 6791 §3.2: an error from a router that has no IPv4 address comes from the
/// address set aside for that, and nothing else does.
#[test]
fn an_error_of_a_nameless_router_arrives() {
    let router =
        || Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(ROUTER), six(FOUR_IN_SIX));
    let packet = one_v4(&router().icmp((3, 0), (0, 0), &quoted_v6(80)));
    assert_eq!(packet[12..16], [192, 0, 0, 8]);
    assert_eq!(packet[20..22], [11, 0]);
    for frame in [router().icmp_echo(1, 2, b"x"), router().udp(1, 2, b"x")] {
        let (outcome, packets) = Translator::new().to_v4(&frame);
        assert!(packets.is_empty());
        assert!(matches!(
            outcome,
            Outcome::Answer(_, Why::NoAddress) | Outcome::Dropped(Why::NoAddress)
        ));
    }
}

/// RFC 7915 §4.3, §5.3: no second packet within the one in error.
#[test]
fn an_error_about_an_error_is_not_translated() {
    let inner = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv4(SIX_IN_FOUR, FOUR);
    let inner = inner.icmp((3, 1), (0, 0), &quoted_v4(60));
    let (outcome, _) = Translator::new().to_v6(&v4().icmp((3, 1), (0, 0), packet(&inner)));
    let why = Why::Icmp(Untranslatable::QuotedIcmp);
    assert_eq!(outcome, Outcome::Dropped(why));
    let inner = Frame::between(MacAddr::ZERO, MacAddr::ZERO).ipv6(six(FOUR_IN_SIX), six(SIX));
    let inner = inner.icmp((1, 0), (0, 0), &quoted_v6(80));
    let (outcome, _) = Translator::new().to_v4(&v6().icmp((1, 0), (0, 0), packet(&inner)));
    assert_eq!(outcome, Outcome::Dropped(why));
}

/// RFC 7915 §5: a message whose checksum is wrong is not made right.
#[test]
fn an_error_with_a_wrong_checksum_is_dropped() {
    use packet::build::Checksum;
    let why = Why::Icmp(Untranslatable::Checksum);
    let wrong = v4()
        .checksum(Checksum::Wrong)
        .icmp((3, 1), (0, 0), &quoted_v4(60));
    assert_eq!(Translator::new().to_v6(&wrong).0, Outcome::Dropped(why));
    let wrong = v6()
        .checksum(Checksum::Wrong)
        .icmp((1, 0), (0, 0), &quoted_v6(80));
    assert_eq!(Translator::new().to_v4(&wrong).0, Outcome::Dropped(why));
}

/// RFC 4884 §4, RFC 7915 §4.2, §5.2: the length attribute follows, the objects
/// stay.
#[test]
fn an_extension_stays_behind_the_quoted_packet() {
    let objects = [0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0x01];
    let body = [&quoted_v4(128)[..], &objects].concat();
    let packet = one_v6(&v4().icmp((11, 0), (32, 0), &body));
    // 148 bytes of quoted packet, filled up to 152: 19 units of 8.
    assert_eq!(packet[44..48], [19, 0, 0, 0]);
    assert_eq!(packet[48 + 152..], objects);
    let body = [&quoted_v6(128)[..], &objects].concat();
    let packet = one_v4(&v6().icmp((3, 0), (16 << 8, 0), &body));
    // 108 bytes of quoted packet, filled up to 128: 32 units of 4.
    assert_eq!(packet[24..28], [0, 32, 0, 0]);
    assert_eq!(packet[28 + 128..], objects);
}
