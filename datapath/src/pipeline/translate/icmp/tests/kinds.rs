//! Every type and code, against tables written down from RFC 7915 §4.2 and §5.2.

use super::quotes::Piece;
use super::*;
use zerocopy::FromBytes;

/// §4.2. The last column is the last four bytes of the ICMPv6 header.
fn section_4_2(kind: u8, code: u8, pointer: u8) -> Result<(u8, u8, u32), Untranslatable> {
    const DROP: Result<(u8, u8, u32), Untranslatable> = Err(Untranslatable::Kind);
    match (kind, code) {
        (3, 0) => Ok((1, 0, 0)),
        (3, 1) => Ok((1, 0, 0)),
        (3, 2) => Ok((4, 1, 6)),
        (3, 3) => Ok((1, 4, 0)),
        (3, 4) => Ok((2, 0, 1420)),
        (3, 5) => Ok((1, 0, 0)),
        (3, 6..=8) => Ok((1, 0, 0)),
        (3, 9 | 10) => Ok((1, 1, 0)),
        (3, 11 | 12) => Ok((1, 0, 0)),
        (3, 13) => Ok((1, 1, 0)),
        (3, 14) => DROP,
        (3, 15) => Ok((1, 1, 0)),
        (3, _) => DROP,
        (11, code) => Ok((3, code, 0)),
        (12, 0 | 2) => figure_3(pointer).map(|pointer| (4, 0, pointer)),
        (12, _) => DROP,
        // Source quench, redirect, alternative host address; information
        // request and reply, timestamp and reply, address mask request and
        // reply, router advertisement and solicitation; unknown types. Echo (0
        // and 8) is translated in place.
        _ => DROP,
    }
}

fn figure_3(pointer: u8) -> Result<u32, Untranslatable> {
    const FIGURE: [(u8, u8, Option<u32>); 11] = [
        (0, 0, Some(0)),
        (1, 1, Some(1)),
        (2, 3, Some(4)),
        (4, 5, None),
        (6, 6, None),
        (7, 7, None),
        (8, 8, Some(7)),
        (9, 9, Some(6)),
        (10, 11, None),
        (12, 15, Some(8)),
        (16, 19, Some(24)),
    ];
    let row = FIGURE.iter().find(|row| (row.0..=row.1).contains(&pointer));
    row.and_then(|row| row.2).ok_or(Untranslatable::Pointer)
}

/// §5.2. The last column is the last four bytes of the ICMPv4 header.
fn section_5_2(kind: u8, code: u8, word: u32) -> Result<(u8, u8, u32), Untranslatable> {
    const DROP: Result<(u8, u8, u32), Untranslatable> = Err(Untranslatable::Kind);
    match (kind, code) {
        (1, 0) => Ok((3, 1, 0)),
        (1, 1) => Ok((3, 10, 0)),
        (1, 2) => Ok((3, 1, 0)),
        (1, 3) => Ok((3, 1, 0)),
        (1, 4) => Ok((3, 3, 0)),
        (1, _) => DROP,
        (2, _) => Ok((3, 4, word - 20)),
        (3, code) => Ok((11, code, 0)),
        (4, 0) => figure_6(word).map(|pointer| (12, 0, pointer << 24)),
        (4, 1) => Ok((3, 2, 0)),
        (4, 2) => DROP,
        (4, _) => DROP,
        // Multicast listeners, neighbours, unknown informational and error
        // messages. Echo (128 and 129) is translated in place.
        _ => DROP,
    }
}

fn figure_6(pointer: u32) -> Result<u32, Untranslatable> {
    const FIGURE: [(u32, u32, Option<u32>); 8] = [
        (0, 0, Some(0)),
        (1, 1, Some(1)),
        (2, 3, None),
        (4, 5, Some(2)),
        (6, 6, Some(9)),
        (7, 7, Some(8)),
        (8, 23, Some(12)),
        (24, 39, Some(16)),
    ];
    let row = FIGURE.iter().find(|row| (row.0..=row.1).contains(&pointer));
    row.and_then(|row| row.2).ok_or(Untranslatable::Pointer)
}

fn head(message: &[u8]) -> (u8, u8, u32) {
    let (header, _) = IcmpHeader::read_from_prefix(message).unwrap();
    (header.kind, header.code, header.word())
}

#[test]
fn rfc_7915_4_2_every_type_and_code() {
    let quoted = v4().dont_fragment().udp(1, 2, b"data");
    for kind in 0..=255 {
        for code in 0..=255 {
            // The MTU; the pointer to the first byte. No length attribute.
            let message = error_v4((kind, code), 1400, ip(&quoted));
            for peer in [Peer::Vswitch, Peer::External] {
                let found = to_six(&message, peer).map(|message| head(&message));
                assert_eq!(found, section_4_2(kind, code, 0), "type {kind} code {code}");
            }
        }
    }
}

#[test]
fn rfc_7915_figure_3_every_pointer() {
    let quoted = v4().udp(1, 2, b"data");
    for pointer in 0..=255 {
        for code in [0, 2] {
            let message = error_v4((12, code), u32::from(pointer) << 24, ip(&quoted));
            let found = to_six(&message, Peer::External).map(|message| head(&message));
            assert_eq!(found, section_4_2(12, code, pointer), "pointer {pointer}");
        }
    }
}

#[test]
fn rfc_7915_5_2_every_type_and_code() {
    let quoted = v6().udp(1, 2, b"data");
    for kind in 0..=255 {
        for code in 0..=255 {
            let word = if kind == 2 { 1420 } else { 0 };
            let message = error_v6((kind, code), word, ip(&quoted));
            for peer in [Peer::Vswitch, Peer::External] {
                let found = to_four(&message, peer).map(|message| head(&message));
                let expected = section_5_2(kind, code, word);
                assert_eq!(found, expected, "type {kind} code {code}");
            }
        }
    }
}

#[test]
fn rfc_7915_figure_6_every_pointer() {
    let quoted = v6().udp(1, 2, b"data");
    for pointer in (0..=300).chain([0x100_0000, 0x100_0006, u32::MAX]) {
        let message = error_v6((4, 0), pointer, ip(&quoted));
        let found = to_four(&message, Peer::External).map(|message| head(&message));
        assert_eq!(found, section_5_2(4, 0, pointer), "pointer {pointer}");
    }
}

#[test]
fn rfc_7915_4_2_the_mtu_keeps_to_what_the_next_hops_carry() {
    let quoted = v4().dont_fragment().udp(1, 2, &[0; 1000]);
    let next_hops = |v4, v6| NextHops { v4, v6 };
    for (advertised, mtu, expected) in [
        (1400, next_hops(None, None), 1420),
        (1400, next_hops(Some(1300), None), 1320),
        (1400, next_hops(None, Some(1310)), 1310),
        (576, next_hops(None, None), 1280),
        // A router without RFC 1191: the packet had 1028 bytes.
        (0, next_hops(None, None), 1280),
    ] {
        let message = error_v4((3, 4), advertised, ip(&quoted));
        let found = to_six_by(&message, Peer::External, mtu).unwrap();
        assert_eq!(head(&found), (2, 0, expected));
    }
    let large = v4().dont_fragment().udp(1, 2, &[0; 8972]);
    let message = error_v4((3, 4), 0, &ip(&large)[..28]);
    let found = to_six(&message, Peer::External).unwrap();
    assert_eq!(head(&found), (2, 0, 8166 + 20), "by the quoted length");
}

#[test]
fn rfc_7915_5_2_the_mtu_keeps_to_what_the_next_hops_carry() {
    let quoted = v6().udp(1, 2, &[0; 1000]);
    let message = error_v6((2, 0), 1500, ip(&quoted));
    for (v4, v6, expected) in [
        (None, None, 1480),
        (Some(1300), None, 1300),
        (None, Some(1400), 1380),
    ] {
        let found = to_four_by(&message, Peer::External, NextHops { v4, v6 }).unwrap();
        assert_eq!(head(&found), (3, 4, expected));
    }
}

#[test]
fn rfc_7915_5_2_a_fragment_header_counts_in_the_mtu() {
    let piece = Piece {
        offset: 0,
        more: true,
        id: 7,
    };
    let quoted = piece.v6(17, &[0; 64]);
    for peer in [Peer::Vswitch, Peer::External] {
        let found = to_four(&error_v6((2, 0), 1500, &quoted), peer).unwrap();
        assert_eq!(head(&found), (3, 4, 1472));
    }
    let quoted = v4().id(7).fragment(0, true).protocol(17, &[0; 64]);
    let message = error_v4((3, 4), 1472, ip(&quoted));
    // §4.2 says 20, always; between vswitches the node's MTU must come back.
    assert_eq!(
        head(&to_six(&message, Peer::External).unwrap()),
        (2, 0, 1492)
    );
    assert_eq!(
        head(&to_six(&message, Peer::Vswitch).unwrap()),
        (2, 0, 1500)
    );
}

#[test]
fn rfc_7915_echo_is_translated_in_place_and_nothing_else_is() {
    let frame = v6().protocol(58, &[0; 12]);
    let (outer, _) = packet::ipv6::Ipv6Header::read_from_prefix(ip(&frame)).unwrap();
    for kind in 0..=255 {
        for code in 0..=255 {
            let four = error_v4((kind, code), 0x0001_0002, b"data");
            let mut message = four.clone();
            let found = echo::to_v6(&mut message, &outer);
            let expected = match (kind, code) {
                (8, 0) => Ok(128),
                (0, 0) => Ok(129),
                _ => Err(Untranslatable::Kind),
            };
            assert_eq!(found.map(|()| message[0]), expected, "{kind}/{code}");
            assert_eq!(echo::survives(&four), expected.is_ok());
            let mut message = error_v6((kind, code), 0x0001_0002, b"data");
            let found = echo::to_v4(&mut message, &outer);
            let expected = match (kind, code) {
                (128, 0) => Ok(8),
                (129, 0) => Ok(0),
                _ => Err(Untranslatable::Kind),
            };
            assert_eq!(found.map(|()| message[0]), expected, "{kind}/{code}");
        }
    }
    for len in 0..8 {
        let cut = &mut [8, 0, 0, 1, 0, 0, 0][..len];
        assert_eq!(echo::to_v6(cut, &outer), Err(Untranslatable::Malformed));
        assert!(!echo::survives(cut));
    }
}

#[test]
fn messages_that_are_cut_short_or_damaged() {
    let quoted = v4().udp(1, 2, b"data");
    let message = error_v4((3, 1), 0, ip(&quoted));
    for len in 0..20 {
        let cut = error_v4((3, 1), 0, &ip(&quoted)[..len]);
        assert_eq!(to_six(&cut, Peer::External), Err(Untranslatable::Malformed));
    }
    for len in 0..8 {
        let cut = to_six(&message[..len], Peer::External);
        assert_eq!(cut, Err(Untranslatable::Malformed));
        let cut = to_four(&message[..len], Peer::External);
        assert_eq!(cut, Err(Untranslatable::Malformed));
    }
    for (at, bit) in [(2, 1), (9, 4), (39, 0x80)] {
        let mut damaged = message.clone();
        damaged[at] ^= bit;
        assert_eq!(
            to_six(&damaged, Peer::External),
            Err(Untranslatable::Checksum)
        );
        let mut damaged = error_v6((1, 0), 0, ip(&v6().udp(1, 2, b"data")));
        damaged[at] ^= bit;
        assert_eq!(
            to_four(&damaged, Peer::External),
            Err(Untranslatable::Checksum)
        );
    }
    // Another message's pseudo-header.
    let elsewhere = ToV4 {
        outer: forth(),
        peer: Peer::External,
        mtu: NextHops::UNKNOWN,
        type_of_service: None,
        quoted: &embedded,
    };
    let mut other = elsewhere;
    other.outer.source = six(0xc, A.into());
    let message = error_v6((1, 0), 0, ip(&v6().udp(1, 2, b"data")));
    let mut out = [0; 200];
    assert!(
        to_v4(&message, &elsewhere, &mut out).is_ok(),
        "a sum has no order"
    );
    assert_eq!(
        to_v4(&message, &other, &mut out),
        Err(Untranslatable::Checksum)
    );
}
