//! Who has joined a group hears it; and what says so.

use datapath::pipeline::{Audience, Consumed, DropReason, Punt, Verdict};
use datapath::tables::{Listener, Listeners, SegmentListeners, Sources};
use packet::build::Frame;
use packet::igmp::{self, RecordKind};
use packet::{MacAddr, SubstrateAddr};
use vnet::compiled::{HostId, InterfaceId, Ipv4Subnet};

use crate::bench::host::{Host, Outcome};
use crate::bench::plan::{ip_of, router_mac};
use crate::bench::{
    A, C, D, E, F, FRONT, G, Ip, Node, Plan, R_UPLINKS, Site, VLAN_FRONT, cross, segment,
};

const GROUP: Ip = [239, 7, 7, 7];
const OTHER: Ip = [239, 8, 8, 8];
const RAW_GROUP: Ip = [239, 255, 255, 254];

fn to_group(from: Node, group: Ip) -> packet::build::Ipv4 {
    let mac = MacAddr::for_ipv4_multicast(group.into());
    Frame::between(from.mac, mac).ipv4(from.ip, group)
}

/// The interface of a node on R.
fn interface(plan: &Plan, node: Node) -> InterfaceId {
    let mut all = plan.compiled.interfaces.iter();
    all.find(|i| i.addresses[0] == ip_of(node.ip)).unwrap().id
}

/// R, where these listen to the group, and who hears every group.
fn r(wires: &[&[(Node, Sources)]], routers: &[Node], hosts: (&[u32], &[u32])) -> Host {
    let mut plan = Plan::of(Site::R);
    let listener = |plan: &Plan, node: Node, sources: Sources| Listener {
        interface: interface(plan, node),
        sources,
    };
    let ids = |hosts: &[u32]| hosts.iter().map(|id| HostId(*id)).collect::<Vec<_>>();
    let here = wires.iter().map(|wire| {
        let wire = wire.iter().cloned();
        wire.map(|(node, sources)| listener(&plan, node, sources))
            .collect()
    });
    let of_group = Listeners {
        here: here.collect(),
        hosts: ids(hosts.0),
    };
    let routers = routers.iter();
    let of_all = Listeners {
        here: routers
            .map(|node| vec![listener(&plan, *node, Sources::All)])
            .collect(),
        hosts: Vec::new(),
    };
    let listeners = SegmentListeners {
        groups: [(ip_of(GROUP), of_group)].into_iter().collect(),
        of_all,
        heard: ids(hosts.1),
    };
    plan.listeners.set(segment(FRONT), Some(listeners));
    plan.host()
}

fn ports(outcome: &Outcome) -> Vec<u16> {
    let mut ports: Vec<u16> = outcome.sent.iter().map(|(port, _)| port.0).collect();
    ports.sort_unstable();
    ports
}

#[test]
fn a_group_is_heard_by_those_who_have_joined_it() {
    let from_a = to_group(A, GROUP).udp(1, 2, b"x");
    let mut host = r(&[&[(F, Sources::All)]], &[], (&[], &[1]));
    let outcome = host.node_sends(A.port, &from_a);
    assert_eq!(outcome.cx.verdict, Verdict::Copy(Audience::Listeners));
    assert_eq!(ports(&outcome), [F.port]);
    // One copy for D and E, who share a wire, with their tag; one for S.
    let both = [(D, Sources::All), (E, Sources::All)];
    let mut host = r(&[&both], &[], (&[1], &[1]));
    let outcome = host.node_sends(A.port, &from_a);
    assert_eq!(ports(&outcome), [D.port, R_UPLINKS[0]]);
    // A host that has not said what it listens to gets everything.
    let mut host = r(&[], &[], (&[], &[]));
    assert_eq!(ports(&host.node_sends(A.port, &from_a)), [R_UPLINKS[0]]);
    let mut host = r(&[], &[], (&[], &[1]));
    let outcome = host.node_sends(A.port, &from_a);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Unheard));
    // The sender itself is no listener of its own.
    let mut host = r(&[&[(A, Sources::All)]], &[], (&[], &[1]));
    let outcome = host.node_sends(A.port, &from_a);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Unheard));
}

#[test]
fn what_nobody_has_joined_is_for_routers_and_what_is_for_all_is_for_all() {
    let mut host = r(&[&[(F, Sources::All)]], &[D], (&[], &[1]));
    let outcome = host.node_sends(A.port, &to_group(A, OTHER).udp(1, 2, b"x"));
    assert_eq!(ports(&outcome), [D.port]);
    let everybody = [D.port, F.port, R_UPLINKS[0]];
    let mdns = to_group(A, [224, 0, 0, 251]).udp(5353, 5353, b"x");
    let broadcast = Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, [255; 4]);
    // A group's address in a frame for all is for all.
    let odd = Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, GROUP);
    for frame in [mdns, broadcast.udp(1, 2, b"x"), odd.udp(1, 2, b"x")] {
        assert_eq!(ports(&host.node_sends(A.port, &frame)), everybody);
    }
}

#[test]
fn sources_are_filtered() {
    let of = |ip: Ip| [ip_of(ip)].into();
    for (filter, from_a, from_f) in [
        (Sources::Only(of(A.ip)), 1, 0),
        (Sources::But(of(A.ip)), 0, 1),
        (Sources::All, 1, 1),
    ] {
        let mut host = r(&[&[(D, filter)]], &[], (&[], &[1]));
        for (node, heard) in [(A, from_a), (F, from_f)] {
            let outcome = host.node_sends(node.port, &to_group(node, GROUP).udp(1, 2, b"x"));
            assert_eq!(outcome.sent.len(), heard);
        }
    }
}

#[test]
fn an_interface_that_is_no_longer_there_or_elsewhere_hears_nothing() {
    // The table is a moment older than the drawing: its numbers may be others'.
    let mut host = r(&[&[(C, Sources::All)]], &[], (&[], &[1]));
    let outcome = host.node_sends(A.port, &to_group(A, GROUP).udp(1, 2, b"x"));
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Unheard));
}

#[test]
fn from_the_fabric_it_reaches_the_listeners_here() {
    let mut s = Plan::of(Site::S).host();
    let mut host = r(&[&[(F, Sources::All)]], &[], (&[], &[1]));
    let g = Frame::between(G.mac, MacAddr::for_ipv4_multicast(GROUP.into()))
        .vlan(VLAN_FRONT)
        .ipv4(G.ip, GROUP)
        .udp(1, 2, b"x");
    let sent = s.node_sends(G.port, &g);
    let crossed = cross(&sent.sent.last().unwrap().1, Site::R);
    assert_eq!(ports(&host.substrate_delivers(&crossed)), [F.port]);
}

/// Every kind of message that says something.
fn reports() -> Vec<Vec<u8>> {
    let group = ip_of(GROUP);
    vec![
        igmp::of_group(igmp::V1_REPORT, group),
        igmp::of_group(igmp::V2_REPORT, group),
        igmp::of_group(igmp::V2_LEAVE, group),
        igmp::report(&[(RecordKind::ToExclude, group)]),
    ]
}

#[test]
fn what_a_node_says_of_its_groups_goes_up_and_to_routers_only() {
    for message in reports() {
        for options in [&[][..], &igmp::ROUTER_ALERT] {
            let frame = to_group(A, GROUP)
                .ttl(1)
                .options(options)
                .protocol(2, &message);
            let mut host = r(&[&[(F, Sources::All)]], &[D], (&[1], &[1]));
            let outcome = host.node_sends(A.port, &frame);
            assert_eq!(outcome.cx.verdict, Verdict::Snoop(Audience::Routers));
            assert_eq!(ports(&outcome), [D.port]);
            let row = host.booked(outcome.cx.row);
            let counts = [
                row.numbers.punted,
                row.numbers.copies,
                row.numbers.forwarded,
            ];
            assert_eq!(counts, [1, 1, 1]);
            assert_eq!(row.began(), row.ended());
            let mut host = r(&[], &[], (&[], &[1]));
            let outcome = host.node_sends(A.port, &frame);
            assert_eq!(outcome.cx.verdict, Verdict::Snoop(Audience::Routers));
            assert_eq!(outcome.sent, []);
        }
    }
    // A system that has no address yet.
    let mac = MacAddr::for_ipv4_multicast(igmp::ALL_V3_ROUTERS);
    let unnumbered = Frame::between(A.mac, mac).ipv4([0; 4], igmp::ALL_V3_ROUTERS);
    let frame = unnumbered.protocol(2, &reports()[3]);
    let outcome = r(&[], &[], (&[], &[1])).node_sends(A.port, &frame);
    assert_eq!(outcome.cx.verdict, Verdict::Snoop(Audience::Routers));
    let other = Frame::between(A.mac, mac).ipv4([0; 4], igmp::ALL_V3_ROUTERS);
    let outcome = r(&[], &[], (&[], &[1])).node_sends(A.port, &other.protocol(3, b"x"));
    assert_eq!(outcome.dropped(), DropReason::SpoofedAddress);
}

#[test]
fn a_routers_query_is_heard_by_all_and_goes_up() {
    let query = igmp::query(
        None,
        core::time::Duration::from_secs(1),
        core::time::Duration::from_secs(9),
    );
    let frame = to_group(A, [224, 0, 0, 1]).ttl(1).protocol(2, &query);
    let mut host = r(&[], &[], (&[], &[1]));
    let outcome = host.node_sends(A.port, &frame);
    assert_eq!(outcome.cx.verdict, Verdict::Snoop(Audience::Everybody));
    assert_eq!(ports(&outcome), [D.port, F.port, R_UPLINKS[0]]);
    // There its nodes hear it, and nobody takes note: R tells what it must.
    let there = cross(&outcome.sent.last().unwrap().1, Site::S);
    let arrived = Plan::of(Site::S).host().substrate_delivers(&there);
    assert_eq!(arrived.cx.verdict, Verdict::Copy(Audience::Everybody));
    assert_eq!(ports(&arrived), [G.port]);
}

#[test]
fn a_segment_that_does_not_snoop_passes_igmp_to_all() {
    let mut plan = Plan::of(Site::R);
    plan.segment(FRONT).multicast.snooping = None;
    let mut host = plan.host();
    for message in reports() {
        let outcome = host.node_sends(A.port, &to_group(A, GROUP).ttl(1).protocol(2, &message));
        assert_eq!(ports(&outcome), [D.port, F.port, R_UPLINKS[0]]);
    }
}

#[test]
fn rules_do_not_keep_a_node_from_saying_what_it_listens_to() {
    let mut host = Plan::of(Site::R)
        .ruled("rules: [{ from: any, to: any, deny: any }]\n")
        .host();
    let group = to_group(A, GROUP).ttl(1);
    for message in reports() {
        let outcome = host.node_sends(A.port, &group.clone().protocol(2, &message));
        assert_eq!(outcome.cx.verdict, Verdict::Snoop(Audience::Routers));
    }
    let outcome = host.node_sends(A.port, &group.udp(1, 2, b"x"));
    assert_eq!(outcome.dropped(), DropReason::DeniedByRule);
}

/// What S's vswitch tells R's, and so on: raw, to the address kept for that.
fn told(message: &[u8]) -> Vec<u8> {
    let mac = MacAddr::for_ipv4_multicast(RAW_GROUP.into());
    let inner = Frame::between(G.mac, mac)
        .ipv4(G.ip, RAW_GROUP)
        .ttl(1)
        .protocol(2, message);
    let to = SubstrateAddr {
        group: true,
        ..Site::R.substrate(FRONT, RAW_GROUP)
    };
    let uplink = Site::R.uplink_mac(R_UPLINKS[0]);
    Frame::between(router_mac(0), uplink)
        .ipv6(Site::S.substrate(FRONT, G.ip).to_ipv6(), to.to_ipv6())
        .protocol(97, &[&[0x30, 0][..], &inner].concat())
}

#[test]
fn what_another_vswitch_tells_goes_up_and_to_no_node() {
    for message in reports() {
        let outcome = r(&[], &[D], (&[], &[])).substrate_delivers(&told(&message));
        assert_eq!(outcome.punted(), Punt::Membership);
        assert_eq!(outcome.sent, []);
    }
    // From a node it would be a lie.
    let frame = to_group(A, RAW_GROUP).protocol(2, &reports()[1]);
    let outcome = r(&[], &[], (&[], &[])).node_sends(A.port, &frame);
    assert_eq!(outcome.dropped(), DropReason::GroupWithheld);
    // Nor may a node use that address for anything else.
    let frame = to_group(A, RAW_GROUP).udp(1, 2, b"x");
    let outcome = r(&[], &[], (&[], &[])).node_sends(A.port, &frame);
    assert_eq!(outcome.dropped(), DropReason::GroupWithheld);
}

#[test]
fn withheld_groups_reach_nobody_wherever_they_come_from() {
    let mut plan = [Plan::of(Site::R), Plan::of(Site::S)];
    let mut open = plan[0].host();
    let all = Ipv4Subnet::new([239, 0, 0, 0].into(), 8).unwrap();
    let mdns = Ipv4Subnet::new([224, 0, 0, 251].into(), 32).unwrap();
    for plan in &mut plan {
        plan.segment(FRONT).multicast.withheld = vec![mdns, all];
    }
    let (mut r, mut s) = (plan[0].host(), plan[1].host());
    for group in [GROUP, [224, 0, 0, 251]] {
        let frame = to_group(A, group).udp(1, 2, b"x");
        assert_eq!(
            r.node_sends(A.port, &frame).dropped(),
            DropReason::GroupWithheld
        );
        let sent = open.node_sends(A.port, &frame);
        let crossed = cross(&sent.sent.last().unwrap().1, Site::S);
        assert_eq!(
            s.substrate_delivers(&crossed).dropped(),
            DropReason::GroupWithheld
        );
    }
    let passes = to_group(A, [224, 0, 0, 1]).udp(1, 2, b"x");
    assert_eq!(
        ports(&r.node_sends(A.port, &passes)),
        [D.port, F.port, R_UPLINKS[0]]
    );
}

#[test]
fn what_says_nothing_or_too_much_is_dropped() {
    let malformed = |frame: Vec<u8>| {
        let outcome = Plan::of(Site::R).host().node_sends(A.port, &frame);
        assert_eq!(outcome.dropped(), DropReason::IgmpMalformed);
    };
    let report = &reports()[1];
    malformed(to_group(A, GROUP).protocol(2, &report[..7]));
    malformed(to_group(A, GROUP).protocol(2, &[0x16; 8]));
    malformed(to_group(A, GROUP).fragment(0, true).protocol(2, report));
    let mut host = r(&[], &[], (&[], &[1]));
    let frame = to_group(A, GROUP).protocol(2, report);
    let passed = (0..1000).take_while(|_| {
        let outcome = host.node_sends(A.port, &frame);
        matches!(outcome.cx.verdict, Verdict::Snoop(_))
    });
    assert_eq!(passed.count(), 128);
    let outcome = host.node_sends(A.port, &frame);
    assert_eq!(outcome.dropped(), DropReason::IgmpRateLimited);
    // Nothing else of it.
    let other = to_group(A, [224, 0, 0, 251]).udp(1, 2, b"x");
    assert_eq!(host.node_sends(A.port, &other).sent.len(), 3);
}
