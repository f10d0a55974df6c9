//! Arbitrary bytes: nothing panics, nothing is written beyond what is said, and
//! what is accepted comes back.

use super::*;
use crate::pipeline::translate::flow_label::{Carried, encode};
use packet::build::Checksum;
use proptest::collection::vec;
use proptest::prelude::*;
use zerocopy::FromBytes;

/// An IPv4 packet such as errors quote, sometimes one that IPv6 cannot say.
fn packet_v4() -> impl Strategy<Value = Vec<u8>> {
    let payload = (any::<u8>(), vec(any::<u8>(), 0..300)).prop_map(|(kind, data)| match kind % 8 {
        0 => Payload::tcp(1, 2, 3, 0x10, &data),
        1 => Payload::udp_lite(1, 2, &data),
        2 => Payload::icmp(packet::IpProtocol::ICMP, (8, 0), (1, 2), &data),
        3 => Payload::icmp(packet::IpProtocol::ICMP, (0, 0), (0, 0), &data),
        4 => Payload::dccp(1, 2, &data),
        5 => Payload::sctp(1, 2, 3, &data),
        _ => Payload::udp(1, 2, &data),
    });
    let header = (
        any::<[u32; 2]>(),
        any::<[u8; 2]>(),
        any::<[bool; 2]>(),
        prop_oneof![4 => Just(0), 1 => any::<u16>()],
        prop_oneof![4 => Just((0, false)), 1 => (0..0x1fffu16, any::<bool>())],
        prop_oneof![6 => Just(Checksum::Right), 1 => any::<u16>().prop_map(Checksum::Exactly),
            1 => Just(Checksum::Exactly(0xffff)), 1 => Just(Checksum::Exactly(0))],
        prop_oneof![8 => Just(vec![]), 1 => Just(vec![1u8, 1, 1])],
    );
    (header, payload).prop_map(
        |((ends, [ttl, tos], [df, reserved], id, piece, sum, options), payload)| {
            let [source, destination] = ends.map(Ipv4Addr::from_bits);
            let ip = frame().ipv4(source, destination).ttl(ttl).tos(tos).id(id);
            let ip = ip
                .fragment(piece.0, piece.1)
                .options(&options)
                .checksum(sum);
            let ip = if df { ip.dont_fragment() } else { ip };
            let ip = if reserved && ttl % 8 == 0 {
                ip.reserved_flag()
            } else {
                ip
            };
            ip.carrying(payload)[14..].to_vec()
        },
    )
}

/// An IPv6 packet such as vswitches send.
fn packet_v6() -> impl Strategy<Value = Vec<u8>> {
    (
        any::<u8>(),
        any::<bool>(),
        any::<u8>(),
        vec(any::<u8>(), 0..300),
    )
        .prop_map(|(ttl, dont_fragment, next_header, data)| {
            let carried = Carried { ttl, dont_fragment };
            let ip = v6().flow_label(encode(carried, 0x1357_9bdf).get());
            ip.protocol(next_header, &data)[14..].to_vec()
        })
}

fn kind_v4() -> impl Strategy<Value = (u8, u8)> {
    prop_oneof![
        Just((3, 1)),
        Just((3, 2)),
        Just((3, 3)),
        Just((3, 4)),
        Just((3, 10)),
        Just((11, 0)),
        Just((11, 1)),
        Just((12, 0)),
        (3..=12u8, 0..=16u8),
    ]
}

/// An error message around such a packet or the beginning of one, perhaps with
/// an extension, perhaps damaged.
fn message_v4() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![4 => Just(0), 2 => 1200..1600u32, 1 => any::<u32>(),
        2 => (0..20u32).prop_map(|pointer| pointer << 24), 2 => (32..40u32).prop_map(|w| w << 16)];
    let cut = prop_oneof![Just(usize::MAX), 20..330usize];
    let damage =
        prop_oneof![6 => Just(None), 1 => any::<(prop::sample::Index, u8)>().prop_map(Some)];
    (
        kind_v4(),
        word,
        packet_v4(),
        cut,
        vec(any::<u8>(), 0..40),
        damage,
    )
        .prop_map(|(kind, word, mut quoted, cut, extension, damage)| {
            quoted.truncate(cut);
            if word & 0x00ff_0000 != 0 && word & 0xff00_ffff == 0 {
                let padded = usize::try_from(word >> 16).unwrap() * 4;
                quoted.resize(padded, 0);
                quoted.extend(extension);
            }
            if let Some((at, bits)) = damage {
                let at = at.index(quoted.len());
                quoted[at] ^= bits;
            }
            error_v4(kind, word, &quoted)
        })
}

fn scribbled(kinds: core::ops::RangeInclusive<u8>) -> impl Strategy<Value = Vec<u8>> {
    (kinds, 0..=16u8, any::<u32>(), vec(any::<u8>(), 0..1400)).prop_map(
        |(kind, code, word, body)| [&[kind, code, 0, 0][..], &word.to_be_bytes(), &body].concat(),
    )
}

fn peer() -> impl Strategy<Value = Peer> {
    prop_oneof![Just(Peer::Vswitch), Just(Peer::External)]
}

/// The message with the checksum that is right, or it would not be read.
fn sealed(mut message: Vec<u8>, sum: fn(&[u8]) -> u16) -> Vec<u8> {
    if message.len() >= 8 {
        message[2..4].fill(0);
        let sum = sum(&message).to_ne_bytes();
        message[2..4].copy_from_slice(&sum);
    }
    message
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn nothing_panics_and_what_is_written_is_sound(
        four in prop_oneof![scribbled(0..=20), message_v4(),
            (kind_v4(), any::<u32>(), packet_v4()).prop_map(|(k, w, p)| error_v4(k, w, &p))],
        six in prop_oneof![scribbled(0..=8),
            (1..=4u8, 0..4u8, any::<u32>(), packet_v6()).prop_map(|(k, c, w, p)| error_v6((k, c), w, &p))],
        peer in peer(),
        mtu in any::<(Option<u16>, Option<u16>)>(),
        room in 0..1500usize,
    ) {
        let mtu = NextHops { v4: mtu.0, v6: mtu.1 };
        let mut out = vec![0xa5; room];
        let cx = ToV6 { outer: back(), peer, mtu, traffic_class: None, quoted: &addresses };
        if let Ok(len) = to_v6(&sealed(four, sum_v4), &cx, &mut out) {
            prop_assert!(len <= MAX_ERROR_V6);
            prop_assert_eq!(sum_v6(&out[..len]), 0);
        }
        out.fill(0xa5);
        let cx = ToV4 { outer: back(), peer, mtu, type_of_service: None, quoted: &embedded };
        let six = sealed(six, sum_v6);
        if let Ok(len) = to_v4(&six, &cx, &mut out) {
            prop_assert_eq!(sum_v4(&out[..len]), 0);
            let (_, rest) = etherparse::Ipv4Header::from_slice(&out[8..len]).unwrap();
            prop_assert!(rest.len() <= len);
        }
        out.fill(0xa5);
        if let Ok(returned) = returned_to_v4(six.get(8..).unwrap_or(&[]), (A.into(), G.into()), &mut out) {
            prop_assert!(etherparse::Ipv4HeaderSlice::from_slice(&out[..returned.len]).is_ok());
            prop_assert!(out[returned.len..].iter().all(|b| *b == 0xa5));
        }
    }

    #[test]
    fn what_is_accepted_comes_back(message in message_v4()) {
        if let Ok(there) = round_trip(&message) {
            prop_assert_eq!(sum_v6(&there), 0);
            prop_assert!(etherparse::Ipv6Header::from_slice(&there[8..]).is_ok());
            prop_assert_eq!(to_four(&there, Peer::Vswitch).unwrap(), message);
        }
    }

    #[test]
    fn an_echo_in_place_comes_back(
        reply in any::<bool>(),
        checksum in prop_oneof![Just(0u16), Just(0xffff), any::<u16>()],
        data in prop_oneof![vec(Just(0u8), 4..20), vec(any::<u8>(), 4..80)],
    ) {
        let [a, b] = checksum.to_be_bytes();
        let sent = [&[if reply { 0 } else { 8 }, 0, a, b][..], &data].concat();
        let mut message = sent.clone();
        let frame = v6().protocol(58, &message);
        let (outer, _) = packet::ipv6::Ipv6Header::read_from_prefix(ip(&frame)).unwrap();
        let survives = echo::survives(&message);
        prop_assert_eq!(survives, echo::to_v6(&mut message.clone(), &outer).is_ok());
        match echo::to_v6(&mut message, &outer) {
            Ok(()) => {
                prop_assert_eq!(message[0], if reply { 129 } else { 128 });
                echo::to_v4(&mut message, &outer).unwrap();
            }
            // Only one's complement's other zero is refused.
            Err(_) => prop_assert!(matches!(checksum, 0 | 0xffff)),
        }
        prop_assert_eq!(message, sent);
    }
}

/// The property above is about something: most such messages are accepted.
#[test]
fn many_are_accepted() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let accepted = (0..1000).filter(|_| {
        let message = message_v4().new_tree(&mut runner).unwrap().current();
        round_trip(&message).is_ok()
    });
    assert!(accepted.count() > 100);
}
