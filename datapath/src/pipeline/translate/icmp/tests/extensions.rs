//! Extensions behind the quoted packet (RFC 4884; RFC 7915 §4.2 and §5.2, "ICMP
//! Error Payload").

use super::*;

/// An extension structure with one MPLS label (RFC 4950), its checksum made up:
/// it is not read.
const MPLS: [u8; 12] = [0x20, 0, 0xab, 0xcd, 0, 8, 1, 1, 0x01, 0x90, 0x01, 0x01];

fn padded(quoted: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = quoted.to_vec();
    bytes.resize(len, 0);
    [&bytes[..], &MPLS].concat()
}

const fn attribute_v4(words: u32) -> u32 {
    words << 16
}

const fn attribute_v6(words: u32) -> u32 {
    words << 24
}

#[test]
fn the_length_attribute_counts_words_of_32_bits_in_v4_and_of_64_in_v6() {
    // A packet as short as that is padded to 128 bytes in both versions.
    let (four, six) = (v4().udp(1, 2, b"data"), v6().udp(1, 2, b"data"));
    let kinds = [((3, 1), (1, 0)), ((3, 3), (1, 4)), ((11, 0), (3, 0))];
    for (kind_v4, kind_v6) in kinds {
        let in_four = error_v4(kind_v4, attribute_v4(32), &padded(ip(&four), 128));
        let in_six = error_v6(kind_v6, attribute_v6(16), &padded(ip(&six), 128));
        let found = to_six(&in_four, Peer::External).unwrap();
        // Unreachable 1 and 0 are one in IPv6, which says host unreachable.
        assert_eq!(found, in_six);
        assert_eq!(to_four(&in_six, Peer::External).unwrap(), in_four);
    }
}

#[test]
fn padding_is_made_anew_not_translated() {
    let (four, six) = (v4().udp(1, 2, b"data"), v6().udp(1, 2, b"data"));
    let in_four = error_v4((11, 0), attribute_v4(64), &padded(ip(&four), 256));
    let in_six = error_v6((3, 0), attribute_v6(32), &padded(ip(&six), 256));
    let canonical_six = error_v6((3, 0), attribute_v6(16), &padded(ip(&six), 128));
    let canonical_four = error_v4((11, 0), attribute_v4(32), &padded(ip(&four), 128));
    assert_eq!(to_six(&in_four, Peer::External).unwrap(), canonical_six);
    assert_eq!(to_four(&in_six, Peer::External).unwrap(), canonical_four);
}

#[test]
fn a_truncated_packet_is_padded_to_the_next_word() {
    let (four, six) = (v4().udp(1, 2, &[5; 900]), v6().udp(1, 2, &[5; 900]));
    let in_four = error_v4((11, 0), attribute_v4(32), &padded(&ip(&four)[..128], 128));
    // 148 bytes in IPv6, and 4 of padding.
    let in_six = error_v6((3, 0), attribute_v6(19), &padded(&ip(&six)[..148], 152));
    assert_eq!(to_six(&in_four, Peer::External).unwrap(), in_six);
    let again = error_v4((11, 0), attribute_v4(33), &padded(&ip(&four)[..128], 132));
    assert_eq!(to_four(&in_six, Peer::External).unwrap(), again);
    // And that is why it must go raw between vswitches.
    assert_eq!(round_trip(&in_four), Err(Untranslatable::Lossy));
}

#[test]
fn between_vswitches_an_extension_comes_back() {
    let short = v4().dont_fragment().udp(1, 2, b"data");
    let message = error_v4((11, 0), attribute_v4(32), &padded(ip(&short), 128));
    assert!(round_trip(&message).is_ok());
    // 132 bytes of IPv4 are 152 of IPv6, a multiple of 8.
    let long = v4().dont_fragment().udp(1, 2, &[5; 900]);
    let message = error_v4((3, 3), attribute_v4(33), &padded(&ip(&long)[..132], 132));
    assert!(round_trip(&message).is_ok());
    // Padding that is not zero would be lost.
    let mut dirty = padded(ip(&short), 128);
    dirty[100] = 1;
    let message = error_v4((11, 0), attribute_v4(32), &dirty);
    assert_eq!(round_trip(&message), Err(Untranslatable::Lossy));
}

#[test]
fn messages_without_a_length_attribute_in_icmpv6_lose_the_extension() {
    let (four, six) = (v4().udp(1, 2, b"data"), v6().udp(1, 2, b"data"));
    for (kind, word, expected) in [
        ((3, 2), 0, ((4, 1), 6)),
        ((3, 4), 1400, ((2, 0), 1420)),
        ((12, 0), 8 << 24, ((4, 0), 7)),
    ] {
        let message = error_v4(kind, word | attribute_v4(32), &padded(ip(&four), 128));
        let expected = error_v6(expected.0, expected.1, ip(&six));
        assert_eq!(to_six(&message, Peer::External).unwrap(), expected);
        assert_eq!(round_trip(&message), Err(Untranslatable::Lossy));
    }
}

#[test]
fn without_the_attribute_all_is_quoted_packet() {
    // As routers did before RFC 4884 (§5, §5.5): 128 bytes, then the extension.
    let (four, six) = (v4().udp(1, 2, &[5; 900]), v6().udp(1, 2, &[5; 900]));
    let legacy = error_v4((11, 0), 0, &padded(&ip(&four)[..128], 128));
    let expected = error_v6((3, 0), 0, &padded(&ip(&six)[..148], 148));
    assert_eq!(to_six(&legacy, Peer::External).unwrap(), expected);
    assert_eq!(to_four(&expected, Peer::External).unwrap(), legacy);
}

/// RFC 4884 §4: a quoted packet before an extension has at least 128 bytes, so a
/// smaller attribute is none, and nothing of the packet is taken for one.
#[test]
fn an_attribute_of_less_than_128_bytes_is_none() {
    let (four, six) = (v4().udp(1, 2, &[5; 900]), v6().udp(1, 2, &[5; 900]));
    let message = error_v4((11, 0), attribute_v4(5), ip(&four));
    let found = to_six(&message, Peer::External).unwrap();
    assert_eq!(found, error_v6((3, 0), 0, ip(&six)));
    assert_eq!(round_trip(&message), Err(Untranslatable::Lossy));
    let message = error_v6((3, 0), attribute_v6(15), ip(&six));
    let found = to_four(&message, Peer::External).unwrap();
    assert_eq!(found, error_v4((11, 0), 0, ip(&four)));
}

#[test]
fn an_attribute_beyond_the_message_is_none() {
    let (four, six) = (v4().udp(1, 2, b"data"), v6().udp(1, 2, b"data"));
    let message = error_v4((11, 0), attribute_v4(200), ip(&four));
    let found = to_six(&message, Peer::External).unwrap();
    assert_eq!(found, error_v6((3, 0), 0, ip(&six)));
    assert_eq!(round_trip(&message), Err(Untranslatable::Lossy));
    let message = error_v6((3, 0), attribute_v6(200), ip(&six));
    let found = to_four(&message, Peer::External).unwrap();
    assert_eq!(found, error_v4((11, 0), 0, ip(&four)));
}

#[test]
fn an_extension_that_is_too_long_is_truncated() {
    let four = v4().udp(1, 2, b"data");
    let mut body = padded(ip(&four), 128);
    body.resize(128 + 1200, 0x11);
    let message = error_v4((11, 0), attribute_v4(32), &body);
    let found = to_six(&message, Peer::External).unwrap();
    assert_eq!(found.len(), MAX_ERROR_V6);
    assert_eq!(found[4], 16);
    assert_eq!(found[8 + 128..], body[128..128 + MAX_ERROR_V6 - 136]);
    assert_eq!(
        to_six(&message, Peer::Vswitch),
        Err(Untranslatable::TooLong)
    );
}

#[test]
fn in_icmpv4_the_attribute_reaches_1020_bytes() {
    let six = v6().udp(1, 2, &[5; 1400]);
    let message = error_v6((3, 0), attribute_v6(136), &padded(&ip(&six)[..1088], 1088));
    let found = to_four(&message, Peer::External).unwrap();
    assert_eq!(found.len(), 8 + 1020 + MPLS.len());
    assert_eq!(found[5], 255);
    assert_eq!(
        found[8..8 + 1020],
        ip(&v4().dont_fragment().udp(1, 2, &[5; 1400]))[..1020]
    );
    assert_eq!(found[8 + 1020..], MPLS);
    assert_eq!(
        to_four(&message, Peer::Vswitch),
        Err(Untranslatable::TooLong)
    );
}
