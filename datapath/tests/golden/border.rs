//! RFC 7915 to the letter, at a border to systems without a vswitch.

use core::net::{Ipv4Addr, Ipv6Addr};

use datapath::pipeline::translate::mtu::NextHops;
use packet::build::{Checksum, Frame, Ipv4, Ipv6};
use packet::fragment::FragmentHeader;
use packet::{Fragment, IpProtocol, MacAddr};
use zerocopy::IntoBytes;

use crate::case::Case;
use crate::place::Place;

/// A system of the IPv4 side.
const FOUR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// A system of the IPv6 side, as IPv4 knows it.
const SIX: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// A router of the IPv6 side, which IPv4 does not know.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 1);

fn macs() -> Frame {
    Frame::between(
        MacAddr::new([2, 0, 0, 0, 0, 1]),
        MacAddr::new([2, 0, 0, 0, 0, 2]),
    )
}

/// From the IPv4 side to the IPv6 side.
fn v4() -> Ipv4 {
    macs().ipv4(FOUR, SIX)
}

/// The same in IPv6's addresses: from the IPv6 side to the IPv4 side.
fn v6() -> Ipv6 {
    macs().ipv6(six(), four())
}

fn four() -> Ipv6Addr {
    "2001:db8:4::192.0.2.1".parse().unwrap()
}

fn six() -> Ipv6Addr {
    "2001:db8:6::198.51.100.2".parse().unwrap()
}

/// A packet of the IPv6 side, as an IPv4 router quotes it: TTL 3.
fn quoted_v4() -> Ipv4 {
    macs().ipv4(SIX, FOUR).ttl(3).id(0x7777)
}

/// A packet of the IPv4 side, as an IPv6 router quotes it: hop limit 3.
fn quoted_v6() -> Ipv6 {
    macs().ipv6(four(), six()).hop_limit(3)
}

/// The packet in a frame.
fn packet(frame: &[u8]) -> Vec<u8> {
    frame[14..].to_vec()
}

fn error_v4(kind: u8, code: u8, word: u16, quoted: &[u8]) -> Vec<u8> {
    v4().icmp((kind, code), (0, word), quoted)
}

fn error_v6(kind: u8, code: u8, word: u32, quoted: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = word.to_be_bytes();
    let word = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    v6().icmp((kind, code), word, quoted)
}

/// An IPv6 packet with a fragment header behind these headers.
fn fragment_v6(place: (u16, bool), id: u32, carries: u8, payload: &[u8]) -> Vec<u8> {
    let place = Fragment::new(place.0, place.1);
    let header = FragmentHeader::new(IpProtocol(carries), place, id);
    v6().protocol(44, &[header.as_bytes(), payload].concat())
}

fn case(name: &'static str, title: &'static str, frames: Vec<Vec<u8>>) -> Case {
    Case::new(name, title, Place::Border(NextHops::UNKNOWN), frames)
}

fn narrow(
    next_hops: (Option<u16>, Option<u16>),
    name: &'static str,
    title: &'static str,
    frames: Vec<Vec<u8>>,
) -> Case {
    let (v4, v6) = next_hops;
    Case::new(name, title, Place::Border(NextHops { v4, v6 }), frames)
}

pub(crate) fn all() -> Vec<Case> {
    [headers_to_v6(), icmp_to_v6(), headers_to_v4(), icmp_to_v4()].concat()
}

fn headers_to_v6() -> Vec<Case> {
    let with_options = |options: &[u8]| v4().options(options).udp(1, 2, b"options");
    let from = |source: [u8; 4]| macs().ipv4(source, SIX);
    let time_exceeded = packet(&quoted_v4().udp(1, 2, b"x"));
    vec![
        case(
            "border-header-to-v6",
            "RFC 7915 4.1: traffic class from TOS, flow label 0, hop limit one less than TTL, next \
             header copied, payload length without the IPv4 header",
            vec![
                v4().tos(0xb9).ttl(37).udp(5000, 53, b"hello"),
                v4().tos(0).ttl(2).tcp(5000, 80, b"GET /"),
                v4().protocol(50, b"ESP is passed on unread"),
                v4().protocol(132, b"SCTP, whose checksum has no pseudo-header"),
            ],
        ),
        case(
            "border-fragments-to-v6",
            "RFC 7915 4.1: a fragment gets a fragment header with its offset, its M flag and its \
             id in the low 16 bits; DF has no place in it",
            vec![
                v4().id(0xabcd).fragment(0, true).protocol(17, &[1; 64]),
                v4().id(0xabcd).fragment(8, true).protocol(17, &[2; 64]),
                v4().id(0xabcd).fragment(16, false).protocol(17, &[3; 5]),
                v4().id(0xabcd)
                    .dont_fragment()
                    .fragment(8, true)
                    .protocol(17, &[4; 64]),
            ],
        ),
        case(
            "border-no-atomic-fragments",
            "RFC 8021 4: a packet that is no fragment gets no fragment header, whatever its DF",
            vec![
                v4().id(7).udp(1, 2, b"DF clear"),
                v4().id(7).dont_fragment().udp(1, 2, b"DF set"),
            ],
        ),
        case(
            "border-cut-to-1280",
            "RFC 7915 4: without DF nothing longer than 1280 bytes leaves: at most 1232 bytes \
             behind each fragment header",
            vec![
                v4().id(0xbeef).udp(1, 2, &[1; 1232]),
                v4().id(0xbeef).udp(1, 2, &[2; 1233]),
                v4().id(0xbeef).udp(1, 2, &[3; 3000]),
                v4().id(0xbeef).fragment(100, true).protocol(17, &[4; 2400]),
            ],
        )
        .look("the first is 1280 bytes and whole; the id is one for all pieces of a datagram"),
        narrow(
            (None, Some(1400)),
            "border-fragmentation-needed",
            "RFC 7915 4.1: with DF, more than the next hop carries is answered with ICMP 3/4",
            vec![
                v4().dont_fragment().udp(1, 2, &[1; 1352]),
                v4().dont_fragment().udp(1, 2, &[2; 1353]),
                v4().dont_fragment()
                    .fragment(0, true)
                    .protocol(17, &[3; 1360]),
            ],
        )
        .look("1380 bytes pass; the MTU that is told is 1380, and 1372 to who sends fragments"),
        case(
            "border-ttl-to-v6",
            "RFC 7915 4.1: the translator is a router: a TTL that ends there is answered with ICMP \
             11/0, but an error's is not",
            vec![
                v4().ttl(1).udp(1, 2, b"one"),
                v4().ttl(0).udp(1, 2, b"zero"),
                v4().ttl(2).udp(1, 2, b"two"),
                v4().ttl(1).icmp((3, 1), (0, 0), &time_exceeded),
            ],
        ),
        case(
            "border-options",
            "RFC 7915 4.1: IPv4 options are ignored, but a source route that has not come to its \
             end is answered with ICMP 3/5",
            vec![
                with_options(&[7, 7, 4, 0, 0, 0, 0]),
                with_options(&[148, 4, 0, 0]),
                with_options(&[131, 7, 8, 10, 0, 0, 9]),
                with_options(&[131, 7, 4, 10, 0, 0, 9]),
                with_options(&[137, 7, 4, 10, 0, 0, 9]),
            ],
        ),
        case(
            "border-illegal-sources-to-v6",
            "RFC 7915 4.1: an illegal source is discarded silently, but an ICMP error from one is \
             translated, so that trouble can be found",
            vec![
                from([0; 4]).udp(1, 2, b"nobody"),
                from([127, 0, 0, 1]).udp(1, 2, b"loopback"),
                from([224, 0, 0, 1]).udp(1, 2, b"multicast"),
                from([255; 4]).udp(1, 2, b"broadcast"),
                from([127, 0, 0, 1]).icmp((11, 0), (0, 0), &time_exceeded),
            ],
        ),
        case(
            "border-protocols-to-v6",
            "RFC 7915 4.1: other protocols are copied; not so, here, those that IPv6 would take \
             for extension headers or its own control messages",
            [0, 4, 43, 44, 47, 51, 58, 59, 60, 89, 97, 135, 139, 140, 253]
                .map(|protocol| v4().protocol(protocol, &[0; 16]))
                .to_vec(),
        ),
        case(
            "border-udp-without-checksum",
            "RFC 7915 4.5: a whole UDP datagram without a checksum gets one; a first fragment of \
             one is discarded",
            vec![
                v4().checksum(Checksum::Exactly(0)).udp(1, 2, b"none"),
                v4().checksum(Checksum::Exactly(0)).udp(1, 2, &[1; 1300]),
                v4().fragment(0, true)
                    .protocol(17, &[0, 1, 0, 2, 0, 99, 0, 0]),
                v4().fragment(1, false).protocol(17, &[0; 8]),
            ],
        ),
        case(
            "border-checksum-in-the-second-fragment",
            "RFC 7915 4.5: TCP's checksum is brought up to date wherever it stands: here 16 bytes \
             into the datagram, where the second fragment begins",
            {
                let segment = packet(&v4().tcp(1, 2, &[9; 100]))[20..].to_vec();
                let piece = |offset, more, bytes: &[u8]| {
                    v4().id(5).fragment(offset, more).protocol(6, bytes)
                };
                vec![
                    piece(0, true, &segment[..16]),
                    piece(2, false, &segment[16..]),
                ]
            },
        ),
    ]
}

fn icmp_to_v6() -> Vec<Case> {
    let quoted = packet(&quoted_v4().udp(5000, 53, b"question"));
    let errors = |kind: u8, codes: u8| (0..codes).map(move |code| (kind, code));
    let all = errors(3, 17).chain(errors(11, 2)).chain(errors(12, 3));
    let silent = [4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 40];
    let objects = [0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0x01];
    let filled = packet(&quoted_v4().udp(5000, 53, &[7; 100]));
    vec![
        case(
            "border-echo-to-v6",
            "RFC 7915 4.2: echo and its reply change their type, and the checksum takes in the \
             pseudo-header",
            vec![
                v4().icmp_echo(7, 1, b"ping"),
                v4().icmp_echo_reply(7, 1, b"pong"),
                v4().id(4).icmp_echo(7, 2, &[5; 1400]),
                v4().icmp((8, 9), (7, 3), b"code 9"),
            ],
        )
        .look("the third is cut behind its new checksum, which covers the whole"),
        case(
            "border-errors-to-v6",
            "RFC 7915 4.2: each code of destination unreachable, time exceeded and parameter \
             problem, in order; what has no counterpart is dropped silently",
            all.map(|(kind, code)| error_v4(kind, code, 0, &quoted))
                .collect(),
        ),
        case(
            "border-pointers-to-v6",
            "RFC 7915 4.2: figure 3: a parameter problem's pointer points to the same field of the \
             IPv6 header; without one the message is dropped silently",
            (0..20_u16)
                .map(|pointer| v4().icmp((12, 0), (pointer << 8, 0), &quoted))
                .collect(),
        ),
        case(
            "border-silent-to-v6",
            "RFC 7915 4.2: source quench, redirect, router discovery, timestamp, information, \
             address mask, unknown types and IGMP are dropped silently",
            silent
                .map(|kind| error_v4(kind, 0, 0, &quoted))
                .into_iter()
                .chain([v4().ttl(1).protocol(2, &[0x16, 0, 9, 4, 0xe0, 0, 0, 1])])
                .collect(),
        ),
        narrow(
            (Some(1500), Some(1450)),
            "border-mtu-to-v6",
            "RFC 7915 4.2: packet too big says 20 more than fragmentation needed, within the next \
             hops, never below 1280; plateaus where the router said nothing",
            [1400, 1500, 576, 0]
                .map(|mtu| {
                    let quoted = packet(&quoted_v4().dont_fragment().udp(5000, 53, &[7; 1400]));
                    error_v4(3, 4, mtu, &quoted[..56])
                })
                .to_vec(),
        )
        .look("1420; 1450, the next hop's; 1280; 1280, for no plateau is between"),
        case(
            "border-packet-in-error-to-v6",
            "RFC 7915 4.3: the packet in error is translated like any other, but its TTL is not \
             decremented; there is no second one within it",
            vec![
                error_v4(11, 0, 0, &quoted),
                error_v4(11, 0, 0, &quoted[..28]),
                error_v4(11, 0, 0, &packet(&quoted_v4().icmp_echo(7, 1, b"ping"))),
                error_v4(
                    11,
                    1,
                    0,
                    &packet(&quoted_v4().fragment(0, true).protocol(17, &[7; 24])),
                ),
                error_v4(3, 3, 0, &packet(&quoted_v4().udp(1, 2, &[7; 1400]))),
                error_v4(3, 1, 0, &packet(&quoted_v4().icmp((3, 1), (0, 0), &quoted))),
            ],
        )
        .look(
            "whole, truncated (its length stays that of the whole), an echo, a fragment (with a \
             fragment header), one too long (cut short at 1280), an error (dropped)",
        ),
        case(
            "border-extension-to-v6",
            "RFC 4884 4: the length attribute counts 64-bit words in ICMPv6, and the objects stay \
             as they are behind a quoted packet that became longer",
            vec![
                v4().icmp((11, 0), (32, 0), &[&filled[..128], &objects].concat()),
                v4().icmp((11, 0), (5, 0), &[&filled[..128], &objects].concat()),
            ],
        )
        .look(
            "19 words of 8: 148 bytes of packet, 4 of padding; less than 128 bytes is no attribute",
        ),
        case(
            "border-fragmented-icmp",
            "RFC 7915 1.2: fragmented ICMP is not translated, in either direction",
            vec![
                v4().fragment(0, true).protocol(1, &[8; 64]),
                v4().fragment(8, false).protocol(1, &[8; 64]),
                fragment_v6((0, true), 1, 58, &[128; 64]),
                fragment_v6((8, false), 1, 58, &[128; 64]),
            ],
        ),
    ]
}

fn headers_to_v4() -> Vec<Case> {
    let udp = packet(&v6().udp(1, 2, b"hello"))[40..].to_vec();
    let options = |next: u8| vec![next, 0, 1, 4, 0, 0, 0, 0];
    let routing = |next: u8, left: u8| vec![next, 0, 253, left, 0, 0, 0, 0];
    let from = |source: &str| macs().ipv6(source.parse::<Ipv6Addr>().unwrap(), four());
    vec![
        case(
            "border-header-to-v4",
            "RFC 7915 5.1: TOS from traffic class, TTL one less than hop limit, protocol copied, \
             an id of the translator's own",
            vec![
                v6().traffic_class(0xb9)
                    .flow_label(0xfffff)
                    .hop_limit(37)
                    .udp(5000, 53, b"hello"),
                v6().hop_limit(2).tcp(5000, 80, b"GET /"),
                v6().protocol(50, b"ESP is passed on unread"),
            ],
        ),
        case(
            "border-df-by-size",
            "RFC 7915 5.1: DF is clear up to 1260 bytes of IPv4 and set above",
            [1260, 1261, 2000]
                .map(|len| v6().udp(1, 2, &vec![7; len - 28]))
                .to_vec(),
        ),
        case(
            "border-extension-headers",
            "RFC 7915 5.1: hop-by-hop options, destination options and a routing header at its end \
             are skipped; one with segments left is answered with a parameter problem that points \
             at them",
            vec![
                v6().protocol(
                    0,
                    &[options(60), options(43), routing(17, 0), udp.clone()].concat(),
                ),
                v6().protocol(60, &[options(43), routing(17, 2), udp.clone()].concat()),
                v6().protocol(43, &[&routing(58, 1)[..], &[1; 48]].concat()),
            ],
        )
        .look("the last has an ICMPv6 error behind it, and nobody is told"),
        case(
            "border-fragments-to-v4",
            "RFC 7915 5.1.1: id from the low 16 bits, M and offset copied, DF clear; a fragment \
             header on a whole datagram is just taken off",
            vec![
                fragment_v6((0, true), 0xffff_abcd, 17, &[1; 64]),
                fragment_v6((8, true), 0xffff_abcd, 17, &[2; 64]),
                fragment_v6((16, false), 0xffff_abcd, 17, &[3; 5]),
                fragment_v6((0, false), 0x0001_2345, 17, &udp),
            ],
        ),
        case(
            "border-extension-header-in-a-fragment",
            "RFC 7915 5.1.1: an extension header behind a fragment header, AH among them, is \
             discarded; ESP is not one",
            [0, 43, 44, 51, 60, 135, 139, 140, 50]
                .map(|next| fragment_v6((0, true), 1, next, &[0; 64]))
                .to_vec(),
        ),
        narrow(
            (Some(576), None),
            "border-narrow-link",
            "RFC 7915 5.1.1: what fits every IPv6 link is cut for a narrower IPv4 link; what does \
             not (1.4) is answered with packet too big, never below 1280",
            vec![
                v6().udp(1, 2, &[7; 1232]),
                fragment_v6((100, true), 3, 17, &[7; 1200]),
                v6().udp(1, 2, &[7; 1233]),
            ],
        ),
        narrow(
            (Some(1400), None),
            "border-packet-too-big",
            "RFC 7915 1.4: the translator is a router, and says which IPv6 packet the IPv4 next \
             hop carries: 20 bytes more, or 28 with a fragment header",
            vec![
                v6().udp(1, 2, &[7; 1372]),
                v6().udp(1, 2, &[7; 1373]),
                fragment_v6((0, true), 3, 17, &[7; 1400]),
            ],
        ),
        case(
            "border-hop-limit-to-v4",
            "RFC 7915 5.1: a hop limit that ends here is answered with ICMPv6 3/0, but not an \
             error's",
            vec![
                v6().hop_limit(1).udp(1, 2, b"one"),
                v6().hop_limit(0).udp(1, 2, b"zero"),
                v6().hop_limit(2).udp(1, 2, b"two"),
                v6().hop_limit(1).icmp((1, 0), (0, 0), &[0x60; 48]),
            ],
        ),
        case(
            "border-illegal-sources-to-v4",
            "RFC 7915 5.1: an illegal source is discarded silently, also one that is illegal in \
             IPv4 only (8)",
            [
                "::",
                "::1",
                "ff02::1",
                "fe80::1",
                "2001:db8:6::127.0.0.1",
                "2001:db8:6::224.0.0.1",
            ]
            .map(|source| from(source).udp(1, 2, b"x"))
            .to_vec(),
        ),
        case(
            "border-nobodys-addresses",
            "RFC 7915 5.4: what has no error of its own is answered with ICMPv6 1/1, unless it is \
             ICMPv6 itself (4.4: with ICMP 3/13)",
            vec![
                from("2001:db8::1").udp(1, 2, b"x"),
                from("2001:db8::1").icmp_echo(1, 2, b"x"),
                v4().protocol(97, b"x"),
            ],
        ),
    ]
}

fn icmp_to_v4() -> Vec<Case> {
    let quoted = packet(&quoted_v6().udp(5000, 53, b"question"));
    let errors = |kind: u8, codes: u8| (0..codes).map(move |code| (kind, code));
    let all = errors(1, 8).chain(errors(3, 2)).chain(errors(4, 3));
    let silent = [130, 131, 132, 133, 134, 135, 136, 137, 143, 200, 0, 100];
    let objects = [0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0x01];
    let filled = packet(&quoted_v6().udp(5000, 53, &[7; 80]));
    let by_router = |kind, code| {
        macs()
            .ipv6(ROUTER, four())
            .icmp((kind, code), (0, 0), &quoted)
    };
    vec![
        case(
            "border-echo-to-v4",
            "RFC 7915 5.2: echo and its reply change their type, and the checksum loses the \
             pseudo-header",
            vec![
                v6().icmp_echo(7, 1, b"ping"),
                v6().icmp((129, 0), (7, 1), b"pong"),
                v6().icmp((129, 0), (0, 0), &[0; 12]),
            ],
        )
        .look("the last is all zeros, whose checksum is 0xffff (RFC 1624 3)"),
        case(
            "border-errors-to-v4",
            "RFC 7915 5.2: each code of destination unreachable, time exceeded and parameter \
             problem, in order; what has no counterpart is dropped silently",
            all.map(|(kind, code)| error_v6(kind, code, 0, &quoted))
                .collect(),
        ),
        case(
            "border-pointers-to-v4",
            "RFC 7915 5.2: figure 6: a parameter problem's pointer points to the same field of the \
             IPv4 header; without one the message is dropped silently",
            (0..41)
                .map(|pointer| error_v6(4, 0, pointer, &quoted))
                .collect(),
        ),
        case(
            "border-silent-to-v4",
            "RFC 7915 5.2: multicast listener discovery, neighbour discovery and what is unknown \
             are dropped silently",
            silent.map(|kind| error_v6(kind, 0, 0, &quoted)).to_vec(),
        ),
        narrow(
            (Some(1400), None),
            "border-mtu-to-v4",
            "RFC 7915 5.2: fragmentation needed says 20 less than packet too big, 28 if the packet \
             in error has a fragment header, within the next hops",
            {
                let header = FragmentHeader::new(IpProtocol(17), Fragment::new(0, true), 7);
                let piece = quoted_v6().protocol(44, &[header.as_bytes(), &[7; 64]].concat());
                vec![
                    error_v6(2, 0, 1280, &quoted),
                    error_v6(2, 0, 1280, &packet(&piece)),
                    error_v6(2, 0, 1500, &quoted),
                ]
            },
        )
        .look("1260; 1252; 1400, the next hop's"),
        case(
            "border-packet-in-error-to-v4",
            "RFC 7915 5.3: the packet in error is translated like any other, but its hop limit is \
             not decremented; there is no second one within it",
            vec![
                error_v6(1, 4, 0, &quoted),
                error_v6(1, 4, 0, &quoted[..48]),
                error_v6(3, 0, 0, &packet(&quoted_v6().icmp_echo(7, 1, b"ping"))),
                error_v6(1, 0, 0, &packet(&quoted_v6().icmp((1, 0), (0, 0), &quoted))),
            ],
        ),
        case(
            "border-extension-to-v4",
            "RFC 4884 4: the length attribute counts 32-bit words in ICMPv4; a quoted packet that \
             became shorter than 128 bytes is filled up",
            vec![v6().icmp((3, 0), (16 << 8, 0), &[&filled[..128], &objects].concat())],
        )
        .look("32 words of 4: 108 bytes of packet, 20 of padding"),
        case(
            "border-nameless-router",
            "RFC 6791 3.2: an error of a router that has no IPv4 address comes from the one \
             address set aside for that",
            vec![by_router(3, 0), by_router(1, 0), by_router(128, 0)],
        ),
    ]
}
