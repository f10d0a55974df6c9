//! What may be rewritten between two vswitches, and what must go raw.

use super::*;
use packet::build::Checksum;

fn quoted() -> Ipv4 {
    v4().dont_fragment().ttl(1).tos(0x2e)
}

/// Comes back, and the fabric sees a right checksum.
fn survives(message: &[u8]) {
    let there = round_trip(message).unwrap();
    assert_eq!(sum_v6(&there), 0);
    assert_eq!(to_four(&there, Peer::Vswitch).unwrap(), message);
}

#[track_caller]
fn goes_raw(message: &[u8], why: Untranslatable) {
    assert_eq!(round_trip(message), Err(why));
}

#[test]
fn kinds_with_a_counterpart_of_their_own_survive() {
    let quoted = quoted().udp(1, 2, b"data");
    for (kind, word) in [
        ((3, 1), 0),
        ((3, 2), 0),
        ((3, 3), 0),
        ((3, 4), 1260),
        ((3, 4), 1400),
        ((3, 4), 65535),
        ((3, 10), 0),
        ((11, 0), 0),
        ((11, 1), 0),
        ((12, 0), 0),
        ((12, 0), 1 << 24),
        ((12, 0), 2 << 24),
        ((12, 0), 8 << 24),
        ((12, 0), 9 << 24),
        ((12, 0), 12 << 24),
        ((12, 0), 16 << 24),
    ] {
        survives(&error_v4(kind, word, ip(&quoted)));
    }
}

#[test]
fn kinds_that_share_a_counterpart_go_raw() {
    let quoted = quoted().udp(1, 2, b"data");
    for (kind, word) in [
        ((3, 0), 0),
        ((3, 5), 0),
        ((3, 6), 0),
        ((3, 9), 0),
        ((3, 13), 0),
        ((3, 15), 0),
        ((3, 4), 1259),
        ((3, 4), 0),
        ((12, 0), 3 << 24),
        ((12, 0), 17 << 24),
        ((12, 2), 2 << 24),
        // Unused bytes that are used.
        ((3, 1), 1),
        ((3, 4), 1 << 24 | 1400),
        ((11, 0), 1 << 24),
        ((12, 0), 8 << 24 | 1),
    ] {
        goes_raw(&error_v4(kind, word, ip(&quoted)), Untranslatable::Lossy);
    }
    for (kind, why) in [
        ((3, 14), Untranslatable::Kind),
        ((4, 0), Untranslatable::Kind),
        ((5, 1), Untranslatable::Kind),
        ((12, 1), Untranslatable::Kind),
        ((13, 0), Untranslatable::Kind),
    ] {
        goes_raw(&error_v4(kind, 0, ip(&quoted)), why);
    }
    let message = error_v4((12, 0), 20 << 24, ip(&quoted));
    goes_raw(&message, Untranslatable::Pointer);
}

#[test]
fn quotes_of_what_a_vswitch_delivered_survive() {
    let data: Vec<u8> = (0..100).collect();
    for quoted in [
        quoted().udp(1, 2, &data),
        quoted().tcp(1, 2, &data),
        quoted().icmp_echo(1, 2, &data),
        quoted().protocol(50, &data),
        quoted().protocol(47, &data),
        quoted().checksum(Checksum::Exactly(0)).udp(1, 2, &data),
        quoted().checksum(Checksum::Wrong).tcp(1, 2, &data),
        // Fragments keep their id, with DF or without.
        v4().id(77).fragment(0, true).protocol(17, &data[..96]),
        v4().id(77).fragment(12, false).protocol(17, &data),
        quoted().id(78).fragment(12, true).protocol(6, &data),
        // No id, and DF clear.
        v4().udp(1, 2, &data),
    ] {
        for (kind, word) in [((3, 1), 0), ((3, 4), 1472), ((11, 0), 0)] {
            for len in [28, 40, ip(&quoted).len()] {
                survives(&error_v4(
                    kind,
                    word,
                    &ip(&quoted)[..len.min(ip(&quoted).len())],
                ));
            }
        }
    }
}

#[test]
fn a_quoted_echo_reply_of_nothing_but_zeros_survives_if_all_of_it_is_there() {
    // Its checksum is 0xffff; of a beginning no one knows that zeros follow.
    let quoted = quoted().icmp_echo_reply(0, 0, &[0; 10]);
    assert_eq!(ip(&quoted)[22..24], [0xff, 0xff]);
    survives(&error_v4((3, 1), 0, ip(&quoted)));
    goes_raw(
        &error_v4((3, 1), 0, &ip(&quoted)[..37]),
        Untranslatable::Lossy,
    );
}

#[test]
fn every_ttl_survives_in_the_quoted_flow_label() {
    for ttl in 0..=255 {
        for df in [false, true] {
            let quoted = if df { v4().dont_fragment() } else { v4() };
            survives(&error_v4((11, 0), 0, ip(&quoted.ttl(ttl).udp(1, 2, b"x"))));
        }
    }
}

#[test]
fn quotes_that_would_lose_something_go_raw() {
    let lossy = Untranslatable::Lossy;
    for (quoted, why) in [
        (v4().id(1).udp(1, 2, b"x"), lossy),
        (quoted().id(0xffff).udp(1, 2, b"x"), lossy),
        (quoted().reserved_flag().udp(1, 2, b"x"), lossy),
        (quoted().options(&[1]).udp(1, 2, b"x"), lossy),
        (quoted().wrong_header_checksum().udp(1, 2, b"x"), lossy),
        // One's complement's other zero, in a quoted TCP checksum.
        (
            quoted().checksum(Checksum::Exactly(0xffff)).tcp(1, 2, b"x"),
            lossy,
        ),
        (
            quoted().protocol(58, &[0; 8]),
            Untranslatable::QuotedProtocol,
        ),
        (
            quoted().icmp((3, 1), (0, 0), &[0x45; 28]),
            Untranslatable::QuotedIcmp,
        ),
        (
            quoted().icmp((8, 1), (0, 0), b""),
            Untranslatable::QuotedIcmp,
        ),
        (
            v4().id(9).fragment(0, true).protocol(1, &[8; 8]),
            Untranslatable::QuotedIcmp,
        ),
        (quoted().udp(1, 2, &[0; 1185]), Untranslatable::TooLong),
    ] {
        goes_raw(&error_v4((3, 1), 0, ip(&quoted)), why);
    }
    let mut wrong = error_v4((3, 1), 0, ip(&quoted().udp(1, 2, b"x")));
    wrong[2] ^= 0x40;
    goes_raw(&wrong, Untranslatable::Checksum);
    let mut scratch = Scratch::default();
    let message = error_v4((3, 1), 0, ip(&quoted().udp(1, 2, b"x")));
    let found = to_v6_if_it_comes_back(&message, back(), &nowhere, &mut scratch);
    assert_eq!(found, Err(Untranslatable::QuotedAddress));
}

#[test]
fn addresses_that_do_not_contain_the_quoted_ones_go_raw() {
    let elsewhere = |source: VirtualAddr, destination| {
        addresses(VirtualAddr::from_bits(source.to_bits() ^ 1), destination)
    };
    let mut scratch = Scratch::default();
    let message = error_v4((3, 1), 0, ip(&quoted().udp(1, 2, b"x")));
    let found = to_v6_if_it_comes_back(&message, back(), &elsewhere, &mut scratch);
    assert_eq!(found, Err(Untranslatable::Lossy));
}
