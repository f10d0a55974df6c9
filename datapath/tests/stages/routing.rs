//! Logical routers: J of `front` and L of `far`, linked with each other.

use datapath::pipeline::DropReason;
use packet::build::{Checksum, Frame, Ipv4};
use packet::ipv4::Ipv4Header;
use packet::{MacAddr, Offload, TransportChecksum};
use vnet::compiled::{NextHop, Route, RouterId};
use zerocopy::FromBytes;

use crate::bench::host::Outcome;
use crate::bench::plan::{ip_of, router_mac};
use crate::bench::{
    A, BACK, C, F, FAR, FRONT, G, H, Ip, J, L, Node, Plan, R_UPLINKS, Site, cross, frame,
    over_the_fabric, segment,
};

/// From A to the first router.
fn by_j(to: Ip) -> Ipv4 {
    frame(A, J).ipv4(A.ip, to)
}

fn macs(frame: &[u8]) -> (MacAddr, MacAddr) {
    let mac = |at: usize| MacAddr::new(*frame[at..].first_chunk().unwrap());
    (mac(0), mac(6))
}

fn header(frame: &[u8]) -> Ipv4Header {
    let (header, _) = Ipv4Header::read_from_prefix(&frame[14..]).unwrap();
    let sum = packet::checksum::of(&frame[14..34]);
    assert_eq!(sum, 0, "the header's checksum");
    header
}

fn r() -> crate::bench::host::Host {
    Plan::of(Site::R).host()
}

/// But for the identification, which the receiver makes.
#[track_caller]
fn assert_same(arrived: &[u8], expected: &[u8]) {
    let (got, wanted) = (header(arrived), header(expected));
    assert_eq!((got.ttl, got.source()), (wanted.ttl, wanted.source()));
    assert_eq!(arrived[..14], expected[..14], "Ethernet");
    assert_eq!(arrived[26..], expected[26..], "addresses and payload");
}

/// The answer to A: (source, TTL), ICMP type and code, and what is behind the
/// ICMP header.
#[track_caller]
fn answer(outcome: &Outcome) -> ((Ip, u8), (u8, u8), Vec<u8>) {
    let answer = outcome.clone().reply();
    assert_eq!(
        macs(&answer),
        (A.mac, J.mac),
        "from the router that A knows"
    );
    let ip = header(&answer);
    assert_eq!(ip.destination(), ip_of(A.ip));
    assert_eq!(packet::checksum::of(&answer[34..]), 0, "ICMP's checksum");
    let from = (ip.source().ipv4().octets(), ip.ttl);
    (from, (answer[34], answer[35]), answer[42..].to_vec())
}

#[test]
fn over_two_routers_there_and_back() {
    let (mut r, mut s) = (r(), Plan::of(Site::S).host());
    let sent = by_j(H.ip).ttl(64).udp(1, 2, b"there");
    let arrived = over_the_fabric(&mut r, &mut s, A.port, &sent).forwarded(H.port);
    let expected = frame(L, H).ipv4(A.ip, H.ip).ttl(62).udp(1, 2, b"there");
    assert_same(&arrived, &expected);
    let sent = frame(H, L).ipv4(H.ip, A.ip).ttl(64).udp(2, 1, b"back");
    let arrived = over_the_fabric(&mut s, &mut r, H.port, &sent).forwarded(A.port);
    let expected = frame(J, A).ipv4(H.ip, A.ip).ttl(62).udp(2, 1, b"back");
    assert_same(&arrived, &expected);
}

#[test]
fn what_goes_raw_is_routed_alike() {
    let (mut r, mut s) = (r(), Plan::of(Site::S).host());
    let ah = |from: Node, to: Node, ttl| frame(from, to).ipv4(A.ip, H.ip).ttl(ttl);
    let sent = ah(A, J, 9).protocol(51, b"authenticated");
    let arrived = over_the_fabric(&mut r, &mut s, A.port, &sent).forwarded(H.port);
    assert_eq!(arrived, ah(L, H, 7).protocol(51, b"authenticated"));
}

#[test]
fn what_no_router_would_have_passed_on_is_not_heard_over_the_fabric() {
    let mut s = Plan::of(Site::S).host();
    let raw = |inside: Vec<u8>| {
        let uplink = Site::S.uplinks()[0].0;
        Frame::between(router_mac(0), Site::S.uplink_mac(uplink))
            .ipv6(
                Site::R.substrate(FRONT, A.ip).to_ipv6(),
                Site::S.substrate(FAR, H.ip).to_ipv6(),
            )
            .protocol(97, &[&[0x30, 0], &inside[..]].concat())
    };
    let heard = s.substrate_delivers(&raw(frame(A, H).ipv4(A.ip, H.ip).protocol(51, b"AH")));
    heard.forwarded(H.port);
    // A DHCP client is heard in its own segment only.
    let dhcp = frame(A, H).ipv4([0; 4], [255; 4]).udp(68, 67, b"DHCP");
    assert_eq!(
        s.substrate_delivers(&raw(dhcp)).dropped(),
        DropReason::Denied
    );
}

#[test]
fn a_traceroute_shows_j_l_and_h() {
    let (mut r, mut s) = (r(), Plan::of(Site::S).host());
    let probe = |ttl| by_j(H.ip).ttl(ttl).udp(40000, 33434, b"probe");
    for (ttl, router, left) in [(0, J.ip, 64), (1, J.ip, 64), (2, L.ip, 63)] {
        let (from, kind, quoted) = answer(&r.node_sends(A.port, &probe(ttl)));
        assert_eq!((from, kind), ((router, left), (11, 0)), "TTL {ttl}");
        // As it had come there.
        let there = by_j(H.ip).ttl(ttl.min(1)).udp(40000, 33434, b"probe");
        assert_eq!(quoted, there[14..]);
    }
    let arrived = over_the_fabric(&mut r, &mut s, A.port, &probe(3)).forwarded(H.port);
    assert_eq!(header(&arrived).ttl, 1);
}

#[test]
fn routers_answer_pings() {
    for (router, left) in [(J.ip, 64), (L.ip, 63)] {
        let ping = by_j(router).ttl(9).icmp_echo(7, 8, b"anybody?");
        let (from, kind, data) = answer(&r().node_sends(A.port, &ping));
        assert_eq!((from, kind), ((router, left), (0, 0)));
        assert_eq!(data, b"anybody?");
    }
    // L is one hop behind J.
    let (from, kind, _) = answer(&r().node_sends(A.port, &by_j(L.ip).ttl(1).icmp_echo(7, 8, b"")));
    assert_eq!((from, kind), ((J.ip, 64), (11, 0)));
}

#[test]
fn routers_serve_nothing_and_say_so() {
    let of = |sent: Vec<u8>| r().node_sends(A.port, &sent);
    let (from, kind, quoted) = answer(&of(by_j(L.ip).ttl(9).udp(1, 33434, b"x")));
    assert_eq!((from, kind), ((L.ip, 63), (3, 3)));
    assert_eq!(quoted[8], 8, "as it came to L");
    let (from, kind, _) = answer(&of(by_j(J.ip).protocol(47, b"GRE")));
    assert_eq!((from, kind), ((J.ip, 64), (3, 2)));
    let reset = of(by_j(L.ip).tcp(1000, 22, b"hello")).reply();
    assert_eq!(
        (reset[23], reset[47] & 0x04, header(&reset).ttl),
        (6, 4, 63)
    );
    // A reply to nothing, and a piece of something.
    let odd = of(by_j(J.ip).icmp_echo_reply(1, 1, b""));
    assert_eq!(odd.dropped(), DropReason::RouterSilent);
    let piece = of(by_j(J.ip).fragment(0, true).icmp_echo(1, 1, &[0; 8]));
    assert_eq!(piece.dropped(), DropReason::RouterSilent);
}

#[test]
fn routers_believe_nothing_damaged() {
    let dropped = |sent: Vec<u8>| r().node_sends(A.port, &sent).dropped();
    for sent in [
        by_j(J.ip)
            .checksum(Checksum::Wrong)
            .icmp_echo(1, 1, b"ping"),
        by_j(J.ip).checksum(Checksum::Wrong).udp(1, 2, b"x"),
        by_j(J.ip).checksum(Checksum::Wrong).tcp(1, 2, b"x"),
        by_j(J.ip).protocol(17, &[0, 1, 0, 2, 0, 9, 0, 0]),
        by_j(J.ip).protocol(17, &[0; 7]),
        by_j(J.ip).protocol(6, &[0; 19]),
        // More than the segment takes back.
        by_j(J.ip).icmp_echo(1, 1, &[0; 1500 - 27]),
    ] {
        assert_eq!(dropped(sent), DropReason::RouterSilent);
    }
    let longest = r().node_sends(A.port, &by_j(J.ip).icmp_echo(1, 1, &[0; 1500 - 28]));
    assert_eq!(answer(&longest).1, (0, 0));
}

#[test]
fn what_a_device_would_have_finished_is_answered_finished() {
    let mut sent = by_j(J.ip).tcp(1000, 22, b"");
    // The pseudo-header's sum alone.
    let pseudo = [&sent[26..34], &[0, 6, 0, 20]].concat();
    let sum = !packet::checksum::of(&pseudo);
    sent[50..52].copy_from_slice(&sum.to_be_bytes());
    let partial = Offload {
        transport: TransportChecksum::Partial,
        ..Offload::NONE
    };
    let outcome = r().node_leaves_to_a_device(A.port, &sent, partial);
    assert_eq!(outcome.offloads, [Offload::NONE]);
    let reset = outcome.reply();
    let pseudo = [&reset[26..34], &[0, 6, 0, 20], &reset[34..]].concat();
    assert_eq!((reset[23], packet::checksum::of(&pseudo)), (6, 0));
}

#[test]
fn who_cannot_be_reached_is_said_by_the_router_that_knows() {
    let of = |to: Ip| answer(&r().node_sends(A.port, &by_j(to).ttl(9).udp(1, 2, b"x")));
    let (from, kind, quoted) = of([8, 8, 8, 8]);
    assert_eq!((from, kind), ((J.ip, 64), (3, 0)));
    assert_eq!(quoted[8], 9);
    let (from, kind, _) = of([10, 1, 9, 9]);
    assert_eq!((from, kind), ((L.ip, 63), (3, 0)));
    // Nobody has the address in L's segment; it had passed the packet on.
    let (from, kind, quoted) = of([10, 1, 5, 99]);
    assert_eq!((from, kind), ((L.ip, 63), (3, 1)));
    assert_eq!(quoted[8], 7);
}

#[test]
fn what_no_router_passes_on() {
    let dropped = |sent: &[u8]| r().node_sends(A.port, sent).dropped();
    // Another segment's broadcast, a loopback, a group under a router's MAC.
    for to in [
        [10, 1, 5, 255],
        [127, 0, 0, 1],
        [239, 1, 1, 1],
        [255; 4],
        [0; 4],
    ] {
        let sent = by_j(to).udp(1, 2, b"x");
        assert_eq!(dropped(&sent), DropReason::NotRoutable, "{to:?}");
    }
    // Nor is an error sent about a broadcast, though its TTL ends there.
    let sent = by_j([10, 1, 5, 255]).ttl(2).udp(1, 2, b"x");
    assert_eq!(dropped(&sent), DropReason::NotRoutable);
    let lldp = frame(A, J).carrying(packet::EtherType::new(0x0800 + 1), &[0; 46]);
    assert!(matches!(
        dropped(&lldp),
        DropReason::RouterIpOnly | DropReason::EtherTypeNotAllowed
    ));
    // No error about an error.
    let error = by_j([8, 8, 8, 8]).icmp((3, 3), (0, 0), &by_j(A.ip).udp(1, 2, b"")[14..]);
    assert_eq!(dropped(&error), DropReason::NoDrawnRoute);
    let error = by_j(H.ip).ttl(1).icmp((3, 3), (0, 0), &[0; 28]);
    assert_eq!(dropped(&error), DropReason::TtlExpired);
}

#[test]
fn who_knows_no_way_back_is_not_heard() {
    let mut plan = Plan::of(Site::R);
    plan.compiled.routers[1].routes.clear();
    let mut r = plan.host();
    for sent in [
        by_j(L.ip).icmp_echo(1, 1, b""),
        by_j(H.ip).ttl(2).udp(1, 2, b""),
    ] {
        assert_eq!(
            r.node_sends(A.port, &sent).dropped(),
            DropReason::NoRouteBack
        );
    }
    r.node_sends(A.port, &by_j(H.ip).udp(1, 2, b""))
        .forwarded(R_UPLINKS[0]);
}

/// J has a leg in `back`, too.
fn j_in_back(site: Site) -> Plan {
    let mut plan = Plan::of(site);
    let mut leg = plan.compiled.routers[1].legs[0].clone();
    leg.segment = segment(BACK);
    leg.subnet = plan.segment(BACK).subnet;
    leg.mac = J_BACK.mac;
    leg.addresses = vec![ip_of(J_BACK.ip)];
    plan.compiled.routers[0].legs.push(leg);
    plan
}

const J_BACK: Node = Node {
    mac: MacAddr::new([2, 1, 0, 0, 5, 0xfe]),
    ip: [10, 0, 5, 254],
    port: u16::MAX,
};

#[test]
fn on_one_host_it_is_the_same() {
    let mut r = j_in_back(Site::R).host();
    let sent = by_j(C.ip).ttl(5).tcp(1, 2, b"x");
    let arrived = r.node_sends(A.port, &sent).forwarded(C.port);
    let expected = frame(J_BACK, C).ipv4(A.ip, C.ip).ttl(4).tcp(1, 2, b"x");
    assert_eq!(arrived, expected);
    // Through the router back into one's segment, and to oneself.
    let arrived = r.node_sends(A.port, &by_j(F.ip).ttl(5).udp(1, 2, b""));
    let expected = frame(J, F).ipv4(A.ip, F.ip).ttl(4).udp(1, 2, b"");
    assert_eq!(arrived.forwarded(F.port), expected);
    let arrived = r.node_sends(A.port, &by_j(A.ip).ttl(5).udp(1, 2, b""));
    let expected = frame(J, A).ipv4(A.ip, A.ip).ttl(4).udp(1, 2, b"");
    assert_eq!(arrived.forwarded(A.port), expected);
}

#[test]
fn an_error_about_a_routed_packet_is_rewritten() {
    let (mut r, mut s) = (r(), Plan::of(Site::S).host());
    let about = by_j(H.ip).ttl(64).udp(5000, 9, b"no one listens");
    let quoted = over_the_fabric(&mut r, &mut s, A.port, &about).forwarded(H.port);
    let error = frame(H, L)
        .ipv4(H.ip, A.ip)
        .icmp((3, 3), (0, 0), &quoted[14..]);
    let sent = s
        .node_sends(H.port, &error)
        .forwarded(Site::S.uplinks()[0].0);
    assert_eq!(sent[20], 58, "ICMPv6, not raw");
    let arrived = r
        .substrate_delivers(&cross(&sent, Site::R))
        .forwarded(A.port);
    assert_eq!(arrived[34..], error[34..], "the message comes back whole");
    assert_eq!(macs(&arrived), (A.mac, J.mac));
}

#[test]
fn a_narrow_segment_on_the_way_is_told_by_the_router() {
    let mut plan = Plan::of(Site::R);
    plan.compiled.routers[1].legs[0].mtu = 1400;
    let mut r = plan.host();
    let sent = |len: usize| {
        by_j(H.ip)
            .ttl(9)
            .dont_fragment()
            .udp(1, 2, &vec![0; len - 28])
    };
    r.node_sends(A.port, &sent(1400)).forwarded(R_UPLINKS[0]);
    let (from, kind, quoted) = answer(&r.node_sends(A.port, &sent(1401)));
    assert_eq!((from, kind), ((J.ip, 64), (3, 4)));
    assert_eq!(quoted[8], 9, "as A has sent it");
}

#[test]
fn pieces_of_a_packet_have_crossed_the_same_routers() {
    let mut plan = j_in_back(Site::R);
    plan.compiled.routers[0].legs[1].mtu = 600;
    let sent = by_j(C.ip).ttl(5).udp(1, 2, &[7; 1400]);
    let outcome = plan.host().node_sends(A.port, &sent);
    assert!(outcome.sent.len() > 2, "{outcome:?}");
    for (_, piece) in &outcome.sent {
        assert_eq!((header(piece).ttl, macs(piece)), (4, (C.mac, J_BACK.mac)));
    }
}

#[test]
fn the_fabrics_errors_come_from_the_first_router() {
    let mut r = r();
    let sent = by_j(H.ip).ttl(64).udp(1, 2, b"lost");
    let on_the_fabric = r.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    let router: core::net::Ipv6Addr = "fd00:0:0:ff::1".parse().unwrap();
    let error = Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(router, Site::R.substrate(FRONT, A.ip).to_ipv6())
        .icmp((1, 0), (0, 0), &on_the_fabric[14..]);
    let heard = r.substrate_delivers(&error).forwarded(A.port);
    assert_eq!(macs(&heard), (A.mac, J.mac));
    assert_eq!(header(&heard).source(), ip_of(J.ip));
    assert_eq!(heard[42..], sent[14..], "as A has sent it");
}

#[test]
fn a_proxy_answers_for_what_it_routes() {
    let asks = |plan: &Plan, to: Ip| {
        plan.host()
            .node_sends(A.port, &frame(A, J).arp_request(A.ip, to))
    };
    let mut plan = Plan::of(Site::R);
    assert_eq!(asks(&plan, H.ip).dropped(), DropReason::ArpNoSuchAddress);
    plan.compiled.routers[0].legs[0].proxy_arp = true;
    let reply = asks(&plan, H.ip).reply();
    assert_eq!(
        (&reply[22..28], &reply[28..32]),
        (&J.mac.octets()[..], &H.ip[..])
    );
    // A probe only asks whether somebody has it.
    let probe = plan.host().node_sends(A.port, &frame(A, J).arp_probe(H.ip));
    assert_eq!(probe.dropped(), DropReason::ArpNoSuchAddress);
    // Not for who is missing in its own segment, nor where it knows no way.
    for to in [[10, 0, 0, 99], [8, 8, 8, 8]] {
        assert_eq!(asks(&plan, to).dropped(), DropReason::ArpNoSuchAddress);
    }
}

#[test]
fn a_next_hop_that_forwards_for_nobody_gets_nothing() {
    let plan = Plan::of(Site::R).default_of_j(&[G]);
    let sent = by_j([8, 8, 8, 8]).udp(1, 2, b"x");
    let outcome = plan.host().node_sends(A.port, &sent);
    assert_eq!(outcome.dropped(), DropReason::NextHopNoRouter);
}

#[test]
fn a_next_hop_that_nobody_is_cannot_be_reached() {
    let nobody = Node {
        ip: [10, 0, 0, 99],
        ..G
    };
    let mut host = Plan::of(Site::R).default_of_j(&[nobody]).host();
    let outcome = host.node_sends(A.port, &by_j([8, 8, 8, 8]).udp(1, 2, b"x"));
    let (from, kind, _) = answer(&outcome);
    assert_eq!((from, kind), ((J.ip, 64), (3, 1)));
}

#[test]
fn both_directions_choose_alike() {
    // Two routers between J and L, by either of which it may go.
    let mut plan = Plan::of(Site::R);
    for of in [0, 1] {
        let mut middle = plan.compiled.routers[of].clone();
        middle.legs.clear();
        middle.routes = vec![
            Route {
                to: plan.compiled.routers[0].routes[0].to,
                via: vec![NextHop::Router {
                    router: RouterId(1),
                    by: None,
                }],
            },
            Route {
                to: plan.compiled.routers[1].routes[0].to,
                via: vec![NextHop::Router {
                    router: RouterId(0),
                    by: None,
                }],
            },
        ];
        middle.source = Some(ip_of([192, 0, 2, of as u8]));
        plan.compiled.routers.push(middle);
    }
    for router in &mut plan.compiled.routers[..2] {
        router.routes[0].via = [2, 3]
            .map(|id| NextHop::Router {
                router: RouterId(id),
                by: None,
            })
            .to_vec();
    }
    let mut r = plan.host();
    let mut met = std::collections::HashSet::new();
    for port in 0..32 {
        let there = answer(&r.node_sends(A.port, &by_j(H.ip).ttl(2).udp(port, 9, b""))).0;
        met.insert(there.0);
        r.now += core::time::Duration::from_secs(1);
    }
    assert_eq!(met.len(), 2, "{met:?}");
}
