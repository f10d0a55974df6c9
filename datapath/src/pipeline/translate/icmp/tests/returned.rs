//! What a router of the fabric quotes, as the node sent it.

use super::quotes::Piece;
use super::*;
use crate::pipeline::translate::flow_label::{Carried, encode};
use crate::pipeline::translate::mtu::Carriage;

fn addresses_v4() -> (VirtualAddr, VirtualAddr) {
    (A.into(), G.into())
}

fn returned(quoted: &[u8], room: usize) -> Result<(Vec<u8>, Carriage), Untranslatable> {
    let mut out = vec![0xa5; room];
    let returned = returned_to_v4(quoted, addresses_v4(), &mut out)?;
    assert!(out[returned.len..].iter().all(|b| *b == 0xa5));
    Ok((out[..returned.len].to_vec(), returned.carriage))
}

/// On the substrate with TTL 17 and DF, among other flows.
fn sent() -> Ipv6 {
    let carried = Carried {
        ttl: 17,
        dont_fragment: true,
    };
    v6().flow_label(encode(carried, 0xdead_beef).get())
        .hop_limit(3)
}

fn was() -> Ipv4 {
    v4().ttl(17).dont_fragment()
}

#[test]
fn ttl_df_and_checksums_are_those_the_node_sent() {
    for (six, four) in [
        (sent().udp(1, 2, b"data"), was().udp(1, 2, b"data")),
        (sent().tcp(1, 2, b"data"), was().tcp(1, 2, b"data")),
        (
            sent().icmp_echo(1, 2, b"data"),
            was().icmp_echo(1, 2, b"data"),
        ),
        (
            sent().protocol(50, b"opaque!!"),
            was().protocol(50, b"opaque!!"),
        ),
    ] {
        let whole = (ip(&four).to_vec(), Carriage::Rewritten);
        assert_eq!(returned(ip(&six), 576), Ok(whole));
        // A router may quote less, and there may be room for less.
        let begun = (ip(&four)[..28].to_vec(), Carriage::Rewritten);
        assert_eq!(returned(&ip(&six)[..48], 576), Ok(begun.clone()));
        assert_eq!(returned(ip(&six), 28), Ok(begun));
        let padded = [ip(&six), &[0; 9]].concat();
        assert_eq!(returned(&padded, 576).unwrap().0, ip(&four));
    }
}

#[test]
fn a_fragment_is_one_again() {
    let piece = Piece {
        offset: 4,
        more: true,
        id: 0x4321,
    };
    let six = piece.v6(17, &[6; 32]);
    let four = v4()
        .ttl(0)
        .id(0x4321)
        .fragment(4, true)
        .protocol(17, &[6; 32]);
    let expected = (ip(&four).to_vec(), Carriage::Fragment);
    assert_eq!(returned(&six, 576), Ok(expected));
}

#[test]
fn a_raw_frame_holds_the_packet_itself() {
    let four = v4().id(99).options(&[1]).udp(1, 2, &[4; 600]);
    let six = v6().protocol(97, &[&[0x30, 0][..], &four].concat());
    let (found, carriage) = returned(ip(&six), 576).unwrap();
    assert_eq!((&found[..], carriage), (&ip(&four)[..576], Carriage::Raw));
    let (found, _) = returned(&ip(&six)[..56 + 40], 576).unwrap();
    assert_eq!(found, &ip(&four)[..40]);
    // Without what filled the frame up.
    let four = v4().id(99).options(&[1]).udp(1, 2, b"x");
    let frame = packet::build::padded(four.clone());
    let six = v6().protocol(97, &[&[0x30, 0][..], &frame].concat());
    let (found, _) = returned(ip(&six), 576).unwrap();
    assert_eq!(found, ip(&four));
}

#[test]
fn what_a_node_cannot_be_told() {
    let error = v4().icmp((3, 1), (0, 0), &[0x45; 28]);
    let raw =
        |version, frame: &[u8]| ip(&v6().protocol(97, &[&[version, 0], frame].concat())).to_vec();
    let arp = frame().carrying(packet::EtherType::ARP, &[0; 28]);
    let udp = v4().udp(1, 2, b"data");
    let whole = sent().udp(1, 2, b"data data");
    for (quoted, room, why) in [
        (raw(0x30, &error), 576, Untranslatable::QuotedIcmp),
        (raw(0x30, &arp), 576, Untranslatable::QuotedProtocol),
        (raw(0x40, &udp), 576, Untranslatable::Malformed),
        (raw(0x30, &udp[..33]), 576, Untranslatable::Malformed),
        (raw(0x30, &udp), 27, Untranslatable::TooLong),
        (ip(&whole).to_vec(), 27, Untranslatable::TooLong),
        (ip(&whole)[..39].to_vec(), 576, Untranslatable::Malformed),
        (
            ip(&sent().icmp((1, 0), (0, 0), &[0x60; 48])).to_vec(),
            576,
            Untranslatable::QuotedIcmp,
        ),
    ] {
        assert_eq!(returned(&quoted, room), Err(why));
    }
    assert!(returned(&raw(0x30, &udp), 28).is_ok());
    // But about echo in a raw frame, and about a later fragment's bytes, whatever
    // they look like.
    let echo = v4().options(&[1]).icmp_echo(1, 2, b"data");
    let later = v4().fragment(1, false).protocol(1, &[3; 8]);
    assert!(returned(&raw(0x30, &echo), 576).is_ok());
    assert!(returned(&raw(0x30, &later), 576).is_ok());
}
