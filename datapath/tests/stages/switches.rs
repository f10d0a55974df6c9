//! Logical switches that can be reached: they answer ARP, pings and SNMP, near
//! and behind routers, and nothing else.

use datapath::pipeline::answer::snmp::{Device, Question};
use datapath::pipeline::{DropReason, Punt};
use datapath::tables::MappingKey;
use packet::build::Frame;
use vnet::compiled::{Management, Mapping, MappingKind, PortId, Switch};

use crate::bench::plan::{SWITCH, ip_of, with_switch};
use crate::bench::{A, FAR, FRONT, Ip, J, NOBODY, Node, Plan, frame, segment};

/// With another one in `far`, behind two routers.
fn with_another() -> (Plan, Node) {
    let mut plan = with_switch();
    let far = Node {
        ip: [10, 1, 5, 250],
        ..SWITCH
    };
    plan.compiled.switches.push(Switch {
        segment: segment(FAR),
        management: Some(Management {
            address: ip_of(far.ip),
            mac: far.mac,
        }),
        ..plan.compiled.switches[0].clone()
    });
    let mapping = *plan.mapping(FRONT, SWITCH.ip);
    plan.compiled.mappings.push(Mapping {
        segment: segment(FAR),
        address: ip_of(far.ip),
        ..mapping
    });
    (plan, far)
}

fn to(node: Node) -> packet::build::Ipv4 {
    frame(A, node).ipv4(A.ip, node.ip)
}

#[test]
fn it_answers_arp_and_pings() {
    let mut host = with_switch().host();
    let asked = Frame::between(A.mac, packet::MacAddr::BROADCAST).arp_request(A.ip, SWITCH.ip);
    let answer = host.node_sends(A.port, &asked).reply();
    assert_eq!(answer, frame(SWITCH, A).arp_reply(SWITCH.ip, A.ip));
    let answer = host.node_sends(A.port, &to(SWITCH).icmp_echo(7, 1, b"ping"));
    let expected = frame(SWITCH, A).ipv4(SWITCH.ip, A.ip);
    assert_eq!(answer.reply(), expected.icmp_echo_reply(7, 1, b"ping"));
}

#[test]
fn it_is_reached_through_routers_too() {
    let (plan, far) = with_another();
    let mut host = plan.host();
    let ping = frame(A, J).ipv4(A.ip, far.ip).icmp_echo(7, 1, b"ping");
    let answer = host.node_sends(A.port, &ping).reply();
    let expected = frame(J, A).ipv4(far.ip, A.ip).ttl(62);
    assert_eq!(answer, expected.icmp_echo_reply(7, 1, b"ping"));
    // Each router has counted it there and back.
    let routes = &host.tables.drawn.routes;
    for router in [0, 1].map(vnet::compiled::RouterId) {
        let leg = routes.leg(router, vnet::compiled::LegId(0)).unwrap();
        let counted = host.ledger.legs().read(leg.line);
        assert_eq!((counted.in_packets, counted.out_packets), (1, 1));
        assert_eq!(counted.out_discards, 0);
    }
}

#[test]
fn questions_to_it_go_up() {
    let (plan, far) = with_another();
    let mut host = plan.host();
    let near = to(SWITCH).udp(4000, 161, b"?");
    let there = frame(A, J).ipv4(A.ip, far.ip).udp(4000, 161, b"?");
    for (sent, at, from, ttl) in [
        (near, (FRONT, SWITCH), SWITCH, 64),
        (there, (FAR, far), J, 62),
    ] {
        assert_eq!(host.node_sends(A.port, &sent).punted(), Punt::Agent);
        let ports = &host.tables.drawn.ports;
        let (a, _) = ports.sender(PortId(A.port), None, A.mac).unwrap();
        let question = Question::of(&sent, a, &host.tables.drawn).unwrap();
        let (segment_id, switch) = at;
        let key = MappingKey::new(segment(segment_id), ip_of(switch.ip));
        assert_eq!(question.device, Device::Switch(key));
        let answer = question.answer(b"!").unwrap();
        let expected = frame(from, A)
            .ipv4(switch.ip, A.ip)
            .ttl(ttl)
            .dont_fragment();
        assert_eq!(answer, expected.udp(161, 4000, b"!"));
    }
}

#[test]
fn nothing_else_is_answered() {
    let mut host = with_switch().host();
    for sent in [
        to(SWITCH).udp(1, 2, b"x"),
        to(SWITCH).tcp(1, 22, b""),
        to(SWITCH).icmp_echo_reply(1, 1, b"x"),
        to(SWITCH).fragment(0, true).icmp_echo(1, 1, b"12345678"),
    ] {
        let outcome = host.node_sends(A.port, &sent);
        assert_eq!(outcome.dropped(), DropReason::SwitchSilent);
    }
    let mut deaf = with_switch();
    deaf.compiled.networks[0].snmp = None;
    let outcome = deaf
        .host()
        .node_sends(A.port, &to(SWITCH).udp(1, 161, b"?"));
    assert_eq!(outcome.dropped(), DropReason::SwitchSilent);
    // It passes nothing on, and is at its own address only.
    let elsewhere: Ip = [10, 1, 5, 3];
    let sent = frame(A, SWITCH).ipv4(A.ip, elsewhere).udp(1, 2, b"x");
    let outcome = host.node_sends(A.port, &sent);
    assert_eq!(outcome.dropped(), DropReason::NotTheDestinations);
    let sent = Frame::between(A.mac, NOBODY)
        .ipv4(A.ip, SWITCH.ip)
        .udp(1, 2, b"x");
    let outcome = host.node_sends(A.port, &sent);
    assert_eq!(outcome.dropped(), DropReason::UnknownDestinationMac);
}

#[test]
fn a_mapping_says_what_it_is() {
    let host = with_switch().host();
    let entry = host
        .tables
        .mapping(segment(FRONT), ip_of(SWITCH.ip))
        .unwrap();
    assert_eq!(entry.kind, MappingKind::Switch);
}
