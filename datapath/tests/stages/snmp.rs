//! Questions to logical devices' agents, the frames around the answers, and what
//! is counted for routers.

use datapath::books::LegNumbers;
use datapath::pipeline::answer::snmp::{Device, Question};
use datapath::pipeline::{DropReason, Punt};
use packet::build::{Checksum, Ipv4};
use packet::{HeapBuf, PacketBuf, VlanId};
use vnet::compiled::{InterfaceId, LegId, PortId, Route, RouterId};

use crate::bench::host::Host;
use crate::bench::{
    A, D, FAR, FRONT, G, H, Ip, J, L, Node, Plan, Site, VLAN_FRONT, frame, over_the_fabric, segment,
};

fn r() -> Host {
    Plan::of(Site::R).host()
}

/// From A to the first router.
fn by_j(to: Ip) -> Ipv4 {
    frame(A, J).ipv4(A.ip, to)
}

fn interface(host: &Host, of: Node, tag: Option<u16>) -> InterfaceId {
    let tag = tag.map(|tag| VlanId::new(tag).unwrap());
    let ports = &host.tables.drawn.ports;
    let (id, _) = ports.sender(PortId(of.port), tag, of.mac).unwrap();
    id
}

fn a_of(host: &Host) -> InterfaceId {
    interface(host, A, None)
}

#[test]
fn a_question_goes_up_and_nothing_comes_back_by_itself() {
    for to in [J.ip, L.ip] {
        let outcome = r().node_sends(A.port, &by_j(to).udp(4000, 161, b"?"));
        assert_eq!(outcome.punted(), Punt::Agent, "{to:?}");
        assert!(outcome.sent.is_empty());
    }
}

#[test]
fn what_is_damaged_or_in_pieces_does_not() {
    let mut host = r();
    let wrong = by_j(J.ip).checksum(Checksum::Wrong);
    let piece = by_j(J.ip).fragment(0, true);
    for sent in [wrong.udp(1, 161, b"x"), piece.udp(1, 161, b"12345678")] {
        let outcome = host.node_sends(A.port, &sent);
        assert_eq!(outcome.dropped(), DropReason::RouterSilent);
    }
}

#[test]
fn a_network_without_snmp_does_not_listen() {
    let mut plan = Plan::of(Site::R);
    plan.compiled.networks[0].snmp = None;
    let sent = by_j(J.ip).udp(4000, 161, b"?");
    let answer = plan.host().node_sends(A.port, &sent).reply();
    assert_eq!(answer[34..36], [3, 3], "port unreachable");
}

#[test]
fn one_interface_that_asks_much_does_not_keep_out_another() {
    let mut host = r();
    let sent = by_j(J.ip).udp(4000, 161, b"?");
    for _ in 0..200 {
        assert_eq!(host.node_sends(A.port, &sent).punted(), Punt::Agent);
    }
    let refused = host.node_sends(A.port, &sent).dropped();
    assert_eq!(refused, DropReason::SnmpRateLimited);
    let of_d = frame(D, J).vlan(VLAN_FRONT).ipv4(D.ip, J.ip);
    let other = host.node_sends(D.port, &of_d.udp(4000, 161, b"?"));
    assert_eq!(other.punted(), Punt::Agent);
}

#[test]
fn an_answer_comes_from_where_it_was_asked_as_far_as_a_ping_does() {
    let host = r();
    for (to, router, ttl) in [(J.ip, 0, 64), (L.ip, 1, 63)] {
        let sent = by_j(to).udp(4000, 161, b"what?");
        let question = Question::of(&sent, a_of(&host), &host.tables.drawn).unwrap();
        assert_eq!(question.device, Device::Router(RouterId(router)));
        assert_eq!(question.message, b"what?");
        assert_eq!(question.room, 1500 - 28);
        let answer = question.answer(b"that!").unwrap();
        let expected = frame(J, A).ipv4(to, A.ip).ttl(ttl).dont_fragment();
        assert_eq!(answer, expected.udp(161, 4000, b"that!"));
        assert!(question.answer(&[0; 1472]).is_some());
        assert_eq!(question.answer(&[0; 1473]), None);
    }
}

#[test]
fn an_answer_has_the_tag_of_its_askers_link() {
    let host = r();
    let d = interface(&host, D, Some(VLAN_FRONT));
    let sent = frame(D, J).ipv4(D.ip, J.ip).udp(4000, 161, b"?");
    let question = Question::of(&sent, d, &host.tables.drawn).unwrap();
    let mut buf = HeapBuf::from_slice(&question.answer(b"!").unwrap());
    question.tag(&mut buf).unwrap();
    assert_eq!(buf.data()[12..16], [0x81, 0, 0, VLAN_FRONT as u8]);
}

#[test]
fn a_narrow_segment_on_the_way_leaves_less_room() {
    let mut plan = Plan::of(Site::R);
    plan.compiled.routers[0].legs[0].mtu = 600;
    let host = plan.host();
    let sent = by_j(L.ip).udp(4000, 161, b"?");
    let question = Question::of(&sent, a_of(&host), &host.tables.drawn).unwrap();
    assert_eq!(question.room, 600 - 28);
}

#[test]
fn what_has_changed_since_a_worker_looked_is_not_answered() {
    let sent = by_j(J.ip).udp(4000, 161, b"?");
    let host = r();
    let drawn = &host.tables.drawn;
    let of = |frame: &[u8], from| Question::of(frame, from, drawn).is_some();
    assert!(of(&sent, a_of(&host)));
    // The interface's number is another's, or nobody's.
    assert!(!of(
        &frame(G, J).ipv4(A.ip, J.ip).udp(1, 161, b""),
        a_of(&host)
    ));
    assert!(!of(&sent, InterfaceId(99)));
    // The router has another MAC, no agent, or no way back.
    assert!(!of(
        &frame(A, G).ipv4(A.ip, J.ip).udp(1, 161, b""),
        a_of(&host)
    ));
    let mut plan = Plan::of(Site::R);
    plan.compiled.networks[0].snmp = None;
    assert!(Question::of(&sent, a_of(&host), &plan.tables().drawn).is_none());
    let mut plan = Plan::of(Site::R);
    plan.compiled.routers[1].routes.clear();
    let to_l = by_j(L.ip).udp(4000, 161, b"?");
    assert!(Question::of(&to_l, a_of(&host), &plan.tables().drawn).is_none());
    for len in 0..sent.len() - 1 {
        assert!(!of(&sent[..len], a_of(&host)), "cut to {len}");
    }
}

fn leg(host: &Host, router: u32, leg: u32) -> LegNumbers {
    let routes = &host.tables.drawn.routes;
    let leg = routes.leg(RouterId(router), LegId(leg)).unwrap();
    host.ledger.legs().read(leg.line)
}

#[test]
fn each_router_counts_what_comes_in_and_what_leaves() {
    let mut host = r();
    let sent = by_j(H.ip).udp(1, 2, b"123456");
    assert_eq!(sent.len(), 48);
    for _ in 0..5 {
        host.node_sends(A.port, &sent);
    }
    // J and L are linked by no segment: J has only `front`, L only `far`.
    let j = LegNumbers {
        in_packets: 5,
        in_octets: 240,
        ..LegNumbers::default()
    };
    let l = LegNumbers {
        out_packets: 5,
        out_octets: 240,
        ..LegNumbers::default()
    };
    assert_eq!((leg(&host, 0, 0), leg(&host, 1, 0)), (j, l));
    // What is not routed is not counted.
    host.node_sends(A.port, &frame(A, G).ipv4(A.ip, G.ip).udp(1, 2, b"x"));
    assert_eq!((leg(&host, 0, 0), leg(&host, 1, 0)), (j, l));
}

#[test]
fn the_receivers_host_does_not_count_again() {
    let (mut r, mut s) = (r(), Plan::of(Site::S).host());
    let sent = by_j(H.ip).udp(1, 2, b"x");
    over_the_fabric(&mut r, &mut s, A.port, &sent).forwarded(H.port);
    assert_eq!(leg(&s, 0, 0), LegNumbers::default());
    assert_eq!(leg(&s, 1, 0), LegNumbers::default());
}

#[test]
fn a_router_counts_what_it_says_itself() {
    let mut host = r();
    let ping = by_j(J.ip).icmp_echo(1, 1, b"x");
    host.node_sends(A.port, &ping).reply();
    let expected = LegNumbers {
        in_packets: 1,
        in_octets: 43,
        out_packets: 1,
        out_octets: 43,
        ..LegNumbers::default()
    };
    assert_eq!(leg(&host, 0, 0), expected);
    // An error of L, which J passes on: out by J's leg.
    host.node_sends(A.port, &by_j(H.ip).ttl(2).udp(1, 2, b"x"))
        .reply();
    let after = leg(&host, 0, 0);
    assert_eq!((after.in_packets, after.out_packets), (2, 2));
    assert_eq!(leg(&host, 1, 0).out_packets, 0);
}

#[test]
fn what_cannot_leave_is_counted_as_discarded_and_pieces_one_by_one() {
    let mut host = r();
    // Nobody has the address.
    host.node_sends(A.port, &by_j([10, 1, 5, 99]).udp(1, 2, b"x"));
    assert_eq!(leg(&host, 1, 0).out_discards, 1);
    // Too large, and may not be cut; and may.
    let large = |ip: Ipv4| ip.udp(1, 2, &[0; 1480]);
    host.node_sends(A.port, &large(by_j(H.ip).dont_fragment()));
    assert_eq!(leg(&host, 1, 0).out_discards, 2);
    assert_eq!(leg(&host, 1, 0).out_packets, 0);
    host.node_sends(A.port, &large(by_j(H.ip)));
    let l = leg(&host, 1, 0);
    assert_eq!((l.out_packets, l.out_discards), (2, 2));
    // Two headers of IPv4 and two of Ethernet around 1488 bytes.
    assert_eq!(l.out_octets, 2 * 34 + 1488);
}

#[test]
fn a_leg_keeps_its_counts_when_the_drawing_changes() {
    let mut plan = Plan::of(Site::R);
    let mut host = plan.host();
    host.node_sends(A.port, &by_j(H.ip).udp(1, 2, b"x"));
    // Another router comes first.
    let mut first = plan.compiled.routers[0].clone();
    first.legs.clear();
    first.routes = Vec::<Route>::new();
    plan.compiled.routers.insert(0, first);
    let ports: Vec<_> = (0..plan.ports).map(|_| None).collect();
    let drawn = host.tables.drawn.followed_by(&plan.compiled, &ports);
    let moved = drawn.routes.leg(RouterId(1), LegId(0)).unwrap();
    assert_eq!(moved.segment, segment(FRONT));
    assert_eq!(host.ledger.legs().read(moved.line).in_packets, 1);
    let far = drawn.routes.leg(RouterId(2), LegId(0)).unwrap();
    assert_eq!(far.segment, segment(FAR));
}
