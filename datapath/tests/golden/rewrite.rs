//! Between two vswitches: RFC 7915's mapping where there and back restores the
//! packet, raw where it does not, and what a size or a router of the fabric does
//! to it.

use core::net::Ipv6Addr;

use packet::build::{Checksum, Frame, Ipv4};
use packet::fragment::FragmentHeader;
use packet::{Fragment, IpProtocol};
use zerocopy::IntoBytes;

use crate::bench::plan::router_mac;
use crate::bench::{A, D, G, Plan, R_UPLINKS, Site, v4};
use crate::case::{Case, a, at_r, fabric, g, on_s_uplink};
use crate::place::Place;

/// A router of the fabric.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 1);

/// A datagram of G's, as A got it and quotes it: DF, and so id 0.
fn from_g() -> Ipv4 {
    v4(G, A).ttl(61).id(0).dont_fragment()
}

fn packet(frame: &[u8]) -> Vec<u8> {
    frame[14..].to_vec()
}

/// Frames of 9000 bytes for nodes, 1600 on the fabric.
fn tight(plan: Plan) -> Plan {
    plan.segment_mtu(9000)
}

/// Frames of 9000 bytes for nodes, and a fabric that carries them.
fn wide(plan: Plan) -> Plan {
    plan.segment_mtu(9000).uplink_mtu(9100)
}

pub(crate) fn all() -> Vec<Case> {
    [fragments(), icmp(), raw(), sizes(), fabrics_errors()].concat()
}

fn fragments() -> Vec<Case> {
    let segment = packet(&v4(A, G).tcp(1, 2, &[9; 100]))[20..].to_vec();
    let piece =
        |offset, more, bytes: &[u8]| v4(A, G).id(5).fragment(offset, more).protocol(6, bytes);
    let arriving = |offset, more, bytes: &[u8]| {
        let header = FragmentHeader::new(IpProtocol::UDP, Fragment::new(offset, more), 0xabcd);
        fabric(a(), g()).protocol(44, &[header.as_bytes(), bytes].concat())
    };
    vec![
        at_r(
            A,
            "fragments-to-the-fabric",
            "RFC 7915 4.1: a fragment gets a fragment header with its offset, its M flag and its \
             id in the low 16 bits: first, middle, last, with DF, of 8 bytes, one that overlaps",
            vec![
                v4(A, G).id(0xabcd).fragment(0, true).protocol(17, &[1; 64]),
                v4(A, G).id(0xabcd).fragment(8, true).protocol(17, &[2; 64]),
                v4(A, G)
                    .id(0xabcd)
                    .fragment(16, false)
                    .protocol(17, &[3; 5]),
                v4(A, G)
                    .id(1)
                    .dont_fragment()
                    .fragment(8, true)
                    .protocol(17, &[4; 64]),
                v4(A, G).id(2).fragment(1, true).protocol(17, &[5; 8]),
                v4(A, G).id(0xabcd).fragment(4, true).protocol(17, &[6; 64]),
            ],
        )
        .look("next header 44; all go one way and keep their bytes; nothing is reassembled"),
        on_s_uplink(
            "fragments-from-the-fabric",
            "RFC 7915 5.1.1: offset, M flag and the id's low 16 bits go back to IPv4's header",
            vec![
                arriving(0, true, &[1; 64]),
                arriving(8, true, &[2; 64]),
                arriving(16, false, &[3; 5]),
            ],
        )
        .look("DF is what the flow label says: set here, although they are fragments"),
        at_r(
            A,
            "checksum-in-the-second-fragment",
            "RFC 7915 4.5: TCP's checksum is brought up to date wherever it stands: here 16 bytes \
             into the datagram, where the second fragment begins",
            vec![
                piece(0, true, &segment[..16]),
                piece(2, false, &segment[16..]),
            ],
        ),
        at_r(
            A,
            "no-atomic-fragments",
            "RFC 8021 4: a packet that is no fragment gets no fragment header, whatever its DF",
            vec![
                v4(A, G).id(7).udp(1, 2, b"DF clear"),
                v4(A, G).id(7).dont_fragment().udp(1, 2, b"DF set"),
            ],
        ),
    ]
}

fn icmp() -> Vec<Case> {
    let quoted = packet(&from_g().udp(5000, 53, b"question"));
    let error = |kind, code| v4(A, G).icmp((kind, code), (0, 0), &quoted);
    let errors = |kind: u8, codes: u8| (0..codes).map(move |code| (kind, code));
    let all = errors(3, 16).chain(errors(11, 2)).chain(errors(12, 3));
    let about = |quoted: &[u8]| v4(A, G).icmp((3, 3), (0, 0), quoted);
    let other_id = packet(&v4(G, A).id(0x1234).udp(5000, 53, b"question"));
    let objects = [0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0x01];
    let filled = packet(&from_g().udp(5000, 53, &[7; 100]));
    vec![
        at_r(
            A,
            "errors-to-the-fabric",
            "RFC 7915 4.2: each code of destination unreachable, time exceeded and parameter \
             problem, in order; where two have one counterpart, the one that would come back is \
             translated, and the others go raw",
            all.map(|(kind, code)| error(kind, code))
                .chain([v4(A, G).icmp((3, 4), (0, 1400), &quoted)])
                .collect(),
        )
        .look("next header 58 or 97; the last says 1420"),
        at_r(
            A,
            "packet-in-error",
            "RFC 7915 4.3: the packet in error is translated like any other, its TTL and DF in its \
             own flow label; what would not come back goes raw",
            vec![
                about(&quoted),
                about(&quoted[..28]),
                about(&packet(&from_g().icmp_echo(7, 1, b"ping"))),
                about(&packet(
                    &from_g().id(9).fragment(0, true).protocol(17, &[7; 24]),
                )),
                about(&packet(&from_g().options(&[148, 4, 0, 0]).udp(1, 2, b"x"))),
                about(&packet(&from_g().icmp((3, 1), (0, 0), &quoted))),
                about(&other_id),
            ],
        )
        .look(
            "rewritten: whole, truncated, an echo, a fragment; raw: one with options, an error, \
             one whose id nobody could restore",
        ),
        at_r(
            A,
            "extension",
            "RFC 4884 4: the length attribute counts 64-bit words in ICMPv6, and the objects stay \
             as they are behind a quoted packet that became longer",
            vec![v4(A, G).icmp((11, 0), (32, 0), &[&filled[..128], &objects].concat())],
        ),
        at_r(
            A,
            "icmp-without-counterpart",
            "RFC 7915 4.2: source quench, redirect, router discovery, timestamp, information and \
             address mask have no counterpart: between vswitches they go raw",
            [4, 5, 9, 10, 13, 14, 15, 16, 17, 18]
                .map(|kind| error(kind, 0))
                .to_vec(),
        ),
    ]
}

fn raw() -> Vec<Case> {
    let route = |options: &[u8]| v4(A, G).options(options).udp(1, 2, b"this way");
    vec![
        at_r(
            A,
            "options-go-raw",
            "product 1.4: IPv4 options, which RFC 7915 4.1 ignores, arrive: such packets go raw",
            vec![
                route(&[7, 7, 4, 0, 0, 0, 0]),
                route(&[148, 4, 0, 0]),
                route(&[68, 8, 5, 0, 0, 0, 0, 0]),
            ],
        ),
        at_r(
            A,
            "source-routes-are-refused",
            "RFC 7915 4.1: a source route is answered with ICMP 3/5; one that has come to its end, \
             too",
            vec![
                route(&[131, 7, 4, 10, 0, 0, 9]),
                route(&[137, 7, 4, 10, 0, 0, 9]),
                route(&[131, 7, 8, 10, 0, 0, 9]),
            ],
        ),
        at_r(
            A,
            "what-ipv6-cannot-say-goes-raw",
            "product 1.4: the reserved flag, fragments that an IPv6 host would refuse, fragments \
             of ICMP, and a checksum that is the other zero go raw",
            vec![
                v4(A, G).reserved_flag().udp(1, 2, b"reserved flag"),
                v4(A, G).fragment(0, true).protocol(17, &[7; 13]),
                v4(A, G).fragment(8190, false).protocol(17, &[7; 64]),
                v4(A, G).fragment(8, false).protocol(17, &[]),
                v4(A, G).fragment(0, true).protocol(1, &[8; 64]),
                v4(A, G)
                    .checksum(Checksum::Exactly(0xffff))
                    .tcp(1, 2, b"the other zero"),
            ],
        ),
        on_s_uplink(
            "raw-from-the-fabric",
            "RFC 3378: the frame behind version 3 of EtherIP is delivered as it is, if it is of \
             whom the outer source proves",
            vec![
                fabric(a(), g()).protocol(97, &etherip(&v4(A, G).protocol(51, b"AH"))),
                fabric(a(), g()).protocol(97, &etherip(&v4(D, G).protocol(51, b"D's, as A"))),
                fabric(a(), g()).protocol(97, &v4(A, G).protocol(51, b"no EtherIP header")),
            ],
        ),
    ]
}

fn etherip(frame: &[u8]) -> Vec<u8> {
    [&[0x30, 0x00], frame].concat()
}

fn sizes() -> Vec<Case> {
    let df = || v4(A, G).id(0x1234).ttl(37).dont_fragment();
    vec![
        at_r(
            A,
            "too-large-with-df",
            "RFC 7915 4.1: with DF, more than the fabric carries (1600 here) is answered at once \
             with ICMP 3/4: 20 less, 28 less for a fragment, 56 less for what goes raw",
            vec![
                df().udp(1, 2, &[1; 1580 - 28]),
                df().udp(1, 2, &[2; 1581 - 28]),
                df().fragment(0, true).protocol(17, &[3; 1560]),
                df().protocol(51, &[4; 1525]),
            ],
        )
        .on(tight)
        .look("the source is the segment's router, what is quoted is the packet as it was sent"),
        at_r(
            A,
            "too-large-without-df",
            "RFC 7915 4: without DF a packet is cut in IPv4, and each fragment translated, or raw, \
             on its own; the limit is the path's MTU",
            vec![
                v4(A, G).id(0xbeef).udp(1, 2, &[1; 1580 - 28]),
                v4(A, G).id(0xbeef).udp(1, 2, &[2; 3000]),
                v4(A, G)
                    .id(0xbeef)
                    .fragment(100, true)
                    .protocol(17, &[3; 2400]),
                v4(A, G).id(0xbeef).protocol(51, &[4; 3000]),
                v4(A, G).id(0xbeef).icmp_echo(7, 1, &[5; 3000]),
            ],
        )
        .on(tight)
        .look("no frame is longer than 1614 bytes"),
    ]
}

/// What a router of the fabric says to R of a packet that A sent, which it
/// quotes as the fabric has it.
fn complaint(kind: (u8, u8), word: u32, sent: &[u8]) -> Vec<u8> {
    let host = wide(Plan::of(Site::R)).host().node_sends(A.port, sent);
    let about = host.forwarded(R_UPLINKS[0]);
    let quoted = &about[14..about.len().min(14 + 1232)];
    let source: [u8; 16] = about[22..38].try_into().unwrap();
    let [a, b, c, d] = word.to_be_bytes();
    let word = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(ROUTER, Ipv6Addr::from_octets(source))
        .icmp(kind, word, quoted)
}

fn on_r_uplink(name: &'static str, title: &'static str, frames: Vec<Vec<u8>>) -> Case {
    let place = Place::Port {
        plan: Box::new(Plan::of(Site::R)),
        port: R_UPLINKS[0],
    };
    Case::new(name, title, place, frames)
}

fn fabrics_errors() -> Vec<Case> {
    let sent = v4(A, G)
        .ttl(37)
        .id(0)
        .dont_fragment()
        .udp(5000, 53, b"question");
    let large = v4(A, G).ttl(37).id(0).dont_fragment().udp(1, 2, &[7; 3000]);
    let may_be_cut = v4(A, G).ttl(37).udp(1, 2, &[7; 3000]);
    let error_of_a = v4(A, G).icmp((3, 1), (0, 0), &packet(&from_g().udp(1, 2, b"x")));
    vec![
        on_r_uplink(
            "fabric-loses-a-packet",
            "product 1.4: time exceeded and unreachable on the fabric are ICMP 3/1 to the node, \
             from an address of its own network, about the packet as it sent it",
            vec![
                complaint((3, 0), 0, &sent),
                complaint((1, 0), 0, &sent),
                complaint((1, 3), 0, &sent),
            ],
        )
        .on(wide)
        .look("the quoted TTL is 37; the router of the fabric shows nowhere"),
        on_r_uplink(
            "fabric-finds-a-packet-too-big",
            "RFC 7915 5.2: packet too big is fragmentation needed with 20 less, to a node that set \
             DF; one that did not hears nothing, and its next packets are cut",
            vec![
                complaint((2, 0), 1400, &large),
                complaint((2, 0), 1400, &may_be_cut),
            ],
        )
        .on(wide)
        .look("1380"),
        on_r_uplink(
            "fabric-about-an-error",
            "RFC 1122 3.2.2: nobody hears an error about an error",
            vec![complaint((1, 0), 0, &error_of_a)],
        )
        .on(wide),
    ]
}
