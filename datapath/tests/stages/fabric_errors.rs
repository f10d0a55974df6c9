//! What the fabric's routers complain of reaches the node whose packet it is
//! about, as a router of its own network would have said it.

use core::net::Ipv6Addr;

use datapath::pipeline::{Consumed, DropReason, Verdict};
use packet::build::{Frame, Ipv4, Payload};
use vnet::compiled::HostId;

use crate::bench::check::ones_sum;
use crate::bench::host::{Host, Outcome};
use crate::bench::plan::router_mac;
use crate::bench::{A, D, FRONT, G, J, Plan, R_UPLINKS, Site, VLAN_FRONT, tagged, v4};

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 1);
const UNREACHABLE: u8 = 1;
const TOO_BIG: u8 = 2;
const TIME_EXCEEDED: u8 = 3;

/// A router's error about a packet of A's as it was on the fabric, of which it
/// quotes at most 1232 bytes.
fn error(kind: (u8, u8), word: u32, about: &[u8]) -> Vec<u8> {
    let quoted = &about[14..about.len().min(14 + 1232)];
    let mut source = [0; 16];
    source.copy_from_slice(&about[22..38]);
    let word = ((word >> 16) as u16, word as u16);
    Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(ROUTER, Ipv6Addr::from_octets(source))
        .icmp(kind, word, quoted)
}

fn r() -> Host {
    Plan::of(Site::R).segment_mtu(9000).uplink_mtu(9100).host()
}

/// What comes of an error about what A sent.
fn told(host: &mut Host, sent: &[u8], kind: (u8, u8), word: u32) -> Outcome {
    let fabric = host.node_sends(A.port, sent).forwarded(R_UPLINKS[0]);
    host.substrate_delivers(&error(kind, word, &fabric))
}

/// (type, code), MTU, and what is quoted, of an error that A gets.
#[track_caller]
fn a_hears(frame: &[u8]) -> ((u8, u8), u16, Vec<u8>) {
    assert_eq!(frame[..12], [A.mac.octets(), J.mac.octets()].concat());
    let packet = &frame[14..];
    assert_eq!(
        (packet[9], &packet[12..20]),
        (1, &[J.ip, A.ip].concat()[..])
    );
    assert_eq!((ones_sum(&packet[..20]), ones_sum(&packet[20..])), (0, 0));
    let mtu = u16::from_be_bytes([packet[26], packet[27]]);
    ((packet[20], packet[21]), mtu, packet[28..].to_vec())
}

fn df() -> Ipv4 {
    v4(A, G).ttl(37).tos(0x2e).dont_fragment()
}

#[test]
fn that_the_fabric_does_not_get_it_there_is_told_as_host_unreachable() {
    let kinds = (0..=6).map(|code| (UNREACHABLE, code));
    for kind in kinds.chain([(TIME_EXCEEDED, 0), (TIME_EXCEEDED, 1)]) {
        for sent in [
            df().udp(5000, 53, b"question"),
            df().tcp(5000, 80, b"GET /"),
            df().icmp_echo(7, 1, b"ping"),
            df().options(&[148, 4, 0, 0]).udp(5000, 53, b"question"),
            df().protocol(51, &[9; 40]),
            df().fragment(0, true).protocol(17, &[9; 40]),
        ] {
            let frame = told(&mut r(), &sent, kind, 0).forwarded(A.port);
            let (heard, mtu, quoted) = a_hears(&frame);
            assert_eq!((heard, mtu), ((3, 1), 0));
            assert_eq!(quoted, &sent[14..], "as it left A, TTL and all");
        }
    }
}

#[test]
fn too_big_is_told_with_the_mtu_that_works_and_remembered() {
    for (sent, mtu) in [
        (df().udp(1, 2, &[5; 3000]), 1400 - 20),
        (df().fragment(0, true).protocol(17, &[5; 3000]), 1400 - 28),
        (
            df().options(&[148, 4, 0, 0]).udp(1, 2, &[5; 3000]),
            1400 - 56,
        ),
    ] {
        let mut host = r();
        let frame = told(&mut host, &sent, (TOO_BIG, 0), 1400).forwarded(A.port);
        let (heard, said, quoted) = a_hears(&frame);
        assert_eq!((heard, said), ((3, 4), mtu));
        assert_eq!(quoted, &sent[14..14 + 548]);
        // The next one is told at once, by us.
        let reply = host.node_sends(A.port, &sent).reply();
        assert_eq!(a_hears(&reply).1, mtu);
        assert_eq!(
            host.tables
                .path_mtus
                .learned(HostId(1), host.now)
                .unwrap()
                .mtu,
            1400
        );
    }
}

#[test]
fn who_lets_its_packets_be_cut_hears_nothing() {
    let mut host = r();
    let sent = v4(A, G).udp(1, 2, &[5; 3000]);
    let outcome = told(&mut host, &sent, (TOO_BIG, 0), 1400);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::PacketTooBig));
    assert_eq!(host.node_sends(A.port, &sent).cut(R_UPLINKS[0]).len(), 3);
}

#[test]
fn a_node_on_a_trunk_hears_it_with_its_tag() {
    let mut host = r();
    let sent = tagged(VLAN_FRONT, D, G).udp(1, 2, b"x");
    let fabric = host.node_sends(D.port, &sent).forwarded(R_UPLINKS[0]);
    let frame = host.substrate_delivers(&error((UNREACHABLE, 0), 0, &fabric));
    let frame = frame.forwarded(D.port);
    assert_eq!(frame[12..16], [0x81, 0, 0, VLAN_FRONT as u8]);
    assert_eq!(frame[46..], sent[18..]);
}

#[test]
fn what_cannot_be_true_is_refused() {
    let mut host = r();
    let sent = df().udp(1, 2, &[5; 3000]);
    let fabric = host.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    let mut refused = |frame: &[u8]| {
        let outcome = host.substrate_delivers(frame);
        assert_eq!(outcome.dropped(), DropReason::FabricErrorMalformed);
        assert_eq!(host.tables.path_mtus.learned(HostId(1), host.now), None);
    };
    // Below IPv6's least MTU, not below the packet's size, beyond 16 bits.
    for mtu in [0, 1279, 3048, 9000, 0x1_0578] {
        refused(&error((TOO_BIG, 0), mtu, &fabric));
    }
    // A checksum that is wrong.
    let mut frame = error((TOO_BIG, 0), 1400, &fabric);
    frame[56] ^= 1;
    refused(&frame);
    // A packet that was never ours: from another locator, address, slot; to one
    // that no mapping has.
    for at in [22 + 7, 22 + 15, 22 + 8, 38 + 15] {
        let mut other = fabric.clone();
        other[at] ^= 0x40;
        let mut frame = error((TOO_BIG, 0), 1400, &other);
        frame[38..54].copy_from_slice(&fabric[22..38]);
        refused(&sealed(frame));
    }
    // Cut before it says whose it is.
    for len in [0, 20, 39] {
        let frame = error((TOO_BIG, 0), 1400, &fabric);
        let mut short = frame[..14 + 40 + 8 + len].to_vec();
        short[18..20].copy_from_slice(&(8 + len as u16).to_be_bytes());
        refused(&sealed(short));
    }
}

/// The frame with lengths as they are, and a right ICMPv6 checksum.
fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    frame[56..58].fill(0);
    let body = frame[54..].to_vec();
    let sum = crate::bench::check::pseudo_sum(&frame[22..54], 58, &body);
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn nobody_hears_an_error_about_an_error_a_later_fragment_or_a_strange_frame() {
    let mut host = r();
    let quoted = df().udp(1, 2, b"x")[14..].to_vec();
    for sent in [
        df().icmp((3, 3), (0, 0), &quoted),
        df().icmp((11, 0), (0, 0), &quoted),
        df().fragment(9, false).protocol(17, &[9; 40]),
        df().fragment(9, false).protocol(51, &[9; 40]),
    ] {
        let outcome = told(&mut host, &sent, (UNREACHABLE, 0), 0);
        assert_eq!(outcome.dropped(), DropReason::FabricErrorNotReported);
    }
    let outcome = told(&mut host, &df().udp(1, 2, b"x"), (4, 0), 0);
    assert_eq!(outcome.dropped(), DropReason::FabricErrorNotReported);
}

#[test]
fn a_tenants_error_is_never_taken_for_a_routers() {
    // R does not know X, whose host tells of a packet in the same words as a
    // router: as ICMPv6, from X's address under S's locator.
    let mut host = r();
    let fabric = host
        .node_sends(A.port, &df().udp(1, 2, &[5; 3000]))
        .forwarded(R_UPLINKS[0]);
    for (kind, word) in [((TOO_BIG, 0), 1400), ((UNREACHABLE, 0), 0)] {
        let mut frame = error(kind, word, &fabric);
        let stranger = Site::S.substrate(FRONT, [10, 0, 0, 77]).to_ipv6();
        frame[22..38].copy_from_slice(&stranger.octets());
        let outcome = host.substrate_delivers(&sealed(frame));
        assert_eq!(outcome.dropped(), DropReason::SourceNotProven);
    }
    assert_eq!(host.tables.path_mtus.learned(HostId(1), host.now), None);
}

#[test]
fn an_error_quotes_one_segment() {
    // From A to X, who is another tenant's.
    let mut host = r();
    let mut fabric = host
        .node_sends(A.port, &df().udp(1, 2, b"x"))
        .forwarded(R_UPLINKS[0]);
    let x = Site::S
        .substrate(crate::bench::LAN, crate::bench::X.ip)
        .to_ipv6();
    fabric[38..54].copy_from_slice(&x.octets());
    let outcome = host.substrate_delivers(&error((UNREACHABLE, 0), 0, &fabric));
    assert_eq!(outcome.dropped(), DropReason::FabricErrorMalformed);
}

#[test]
fn forged_errors_do_not_use_up_ours() {
    let mut host = r();
    let sent = df().udp(1, 2, b"x");
    let fabric = host.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    for _ in 0..100 {
        host.substrate_delivers(&error((UNREACHABLE, 0), 0, &fabric));
    }
    // Nor are they heard without end: a path's MTU is not lowered either.
    let outcome = host.substrate_delivers(&error((TOO_BIG, 0), 1280, &fabric));
    assert_eq!(outcome.dropped(), DropReason::ErrorRateLimited);
    host.node_sends(A.port, &df().udp(1, 2, &[5; 9000 - 20]))
        .reply();
}

#[test]
fn a_router_that_complains_without_end_is_heard_in_measure() {
    let mut host = r();
    let fabric = host
        .node_sends(A.port, &df().udp(1, 2, b"x"))
        .forwarded(R_UPLINKS[0]);
    let frame = error((UNREACHABLE, 0), 0, &fabric);
    for _ in 0..32 {
        host.substrate_delivers(&frame).forwarded(A.port);
    }
    let outcome = host.substrate_delivers(&frame);
    assert_eq!(outcome.dropped(), DropReason::ErrorRateLimited);
}

#[test]
fn a_nodes_own_errors_are_not_the_fabrics() {
    // G tells A that nobody listens: from G, by G's address, quoting A.
    let quoted = v4(A, G)
        .dont_fragment()
        .carrying(Payload::udp(5000, 53, b"question"));
    let sent = tagged(VLAN_FRONT, G, A).dont_fragment();
    let sent = sent.icmp((3, 3), (0, 0), &quoted[14..]);
    let (mut s, mut r) = (Plan::of(Site::S).host(), Plan::of(Site::R).host());
    let fabric = s
        .node_sends(G.port, &sent)
        .forwarded(crate::bench::S_UPLINK);
    assert_eq!((fabric[20], fabric[54], fabric[55]), (58, UNREACHABLE, 4));
    assert_eq!(
        Site::S.substrate(FRONT, G.ip).to_ipv6().octets(),
        fabric[22..38]
    );
    let arrived = r.substrate_delivers(&crate::bench::cross(&fabric, Site::R));
    let bare = [&sent[..12], &sent[16..]].concat();
    assert_eq!(arrived.forwarded(A.port), bare);
}
