//! Whatever comes in: no panic, and what comes out is sound.

use proptest::prelude::*;

use super::*;

/// RFC 7915 §6: its workflow example (appendix A), from either side: one prefix,
/// 2001:db8:100::/40, for both.
#[test]
fn the_workflow_example_of_appendix_a() {
    let prefix = Prefix::new(six("2001:db8:100::"), 40).unwrap();
    let translator = Translator {
        map: Box::new(TwoPrefixes {
            converted: prefix,
            translatable: prefix,
        }),
        ..Translator::new()
    };
    let (h6, h4) = (six("2001:db8:1c0:2:21::"), six("2001:db8:1c6:3364:2::"));
    let (h6_in_four, h4_in_four) = ([192, 0, 2, 33], [198, 51, 100, 2]);
    let frame = || Frame::between(MacAddr::ZERO, MacAddr::ZERO);
    let (_, packets) = translator.to_v4(&frame().ipv6(h6, h4).udp(1, 2, b"A.1"));
    assert_eq!(packets[0][12..20], [h6_in_four, h4_in_four].concat());
    let answer = frame().ipv4(h4_in_four, h6_in_four).udp(2, 1, b"A.1");
    let (_, packets) = translator.to_v6(&answer);
    assert_eq!(packets[0][8..40], [h4.octets(), h6.octets()].concat());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_bytes_are_dropped_or_translated_never_a_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        version in prop::sample::select(vec![0x45u8, 0x46, 0x4f, 0x60, 0]),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = version;
        }
        let frame = [&[0; 14][..], &bytes].concat();
        Translator::new().to_v6_unread(&frame);
        Translator::new().to_v4_unread(&frame);
    }

    /// Random bytes behind a header that lets them in.
    #[test]
    fn random_payloads_never_panic(
        payload in prop::collection::vec(any::<u8>(), 0..400),
        protocol in prop::sample::select(vec![0u8, 1, 2, 6, 17, 43, 44, 50, 58, 60, 136]),
        options in prop::collection::vec(any::<u8>(), 0..=40),
        offset in prop::sample::select(vec![0u16, 0, 1, 2, 8191]),
        more: bool,
    ) {
        let four = v4().options(&options).fragment(offset, more);
        Translator::new().to_v6_unread(&four.protocol(protocol, &payload));
        Translator::new().to_v4_unread(&v6().protocol(protocol, &payload));
    }

    /// What goes to IPv6 and back without being cut is the same but for two
    /// hops, and its id where it was whole.
    #[test]
    fn there_and_back_is_the_same_where_rfc_7915_lets_it(
        data in prop::collection::vec(any::<u8>(), 0..1200),
        tos: u8,
        ttl in 3u8..,
        id: u16,
        place in prop::option::of((1u16..1000, any::<bool>())),
        tcp: bool,
    ) {
        let frame = v4().tos(tos).ttl(ttl).id(id);
        let frame = match place {
            Some((offset, more)) => frame.fragment(offset, more).protocol(17, &data),
            None if tcp => frame.tcp(1, 2, &data),
            None => frame.udp(1, 2, &data),
        };
        let (outcome, there) = Translator::new().to_v6(&frame);
        prop_assert_eq!(outcome, Outcome::Translated(1));
        // The next translator sees the two sides swapped.
        let next = Translator {
            map: Box::new(TwoPrefixes {
                converted: map().translatable,
                translatable: map().converted,
            }),
            ..Translator::new()
        };
        let (outcome, back) = next.to_v4(&[&[0; 14][..], &there[0]].concat());
        prop_assert_eq!(outcome, Outcome::Translated(1));
        let mut expected = frame[14..].to_vec();
        expected[8] -= 2;
        if place.is_none() {
            expected[4..6].copy_from_slice(&ID.to_be_bytes());
        }
        expected[10..12].copy_from_slice(&[0, 0]);
        let sum = ones_sum(&expected[..20]);
        expected[10..12].copy_from_slice(&sum.to_be_bytes());
        prop_assert_eq!(&back[0], &expected);
    }
}
