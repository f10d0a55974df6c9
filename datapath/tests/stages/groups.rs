//! What is for all of a segment: one frame in, a copy out for everybody else.

use core::time::Duration;

use datapath::pipeline::{Audience, Consumed, DropReason, Verdict};
use packet::build::Frame;
use packet::{EtherType, MacAddr};
use vnet::compiled::{HostId, PortId};

use crate::bench::host::{Host, Outcome};
use crate::bench::{
    A, D, E, F, FRONT, G, I, Ip, K, LOOSE, M, Plan, R_UPLINKS, Site, VLAN_FRONT, X, cross, frame,
};

const ALL: Ip = [255; 4];
const EVERYBODY: Verdict = Verdict::Copy(Audience::Everybody);
const GROUP: Ip = [239, 7, 7, 7];
const GROUP_MAC: MacAddr = MacAddr::new([1, 0, 0x5e, 7, 7, 7]);

fn r() -> Host {
    Plan::of(Site::R).host()
}

fn s() -> Host {
    Plan::of(Site::S).host()
}

fn a_to(mac: MacAddr, ip: Ip) -> packet::build::Ipv4 {
    Frame::between(A.mac, mac).ipv4(A.ip, ip)
}

/// What left, by port.
fn sent(outcome: Outcome) -> Vec<(u16, Vec<u8>)> {
    assert!(
        matches!(outcome.cx.verdict, Verdict::Copy(_)),
        "{:?}",
        outcome.cx.verdict
    );
    assert_eq!(outcome.booked, []);
    let mut sent: Vec<_> = outcome.sent.into_iter().map(|(p, f)| (p.0, f)).collect();
    sent.sort_unstable();
    sent
}

/// A frame as it arrives with a tag.
fn tagged(bare: &[u8], vlan: u16) -> Vec<u8> {
    let tag = [0x81, 0, (vlan >> 8) as u8, vlan as u8];
    [&bare[..12], &tag, &bare[12..]].concat()
}

#[test]
fn everybody_else_in_the_segment_gets_a_copy_with_their_tag() {
    for (mac, ip) in [
        (MacAddr::BROADCAST, ALL),
        (MacAddr::BROADCAST, [10, 0, 0, 255]),
        (GROUP_MAC, GROUP),
        (MacAddr::new([1, 0, 0x5e, 0, 0, 251]), [224, 0, 0, 251]),
    ] {
        let frame = a_to(mac, ip).ttl(1).udp(5353, 5353, b"who is there?");
        let copies = sent(r().node_sends(A.port, &frame));
        let (last, here) = copies.split_last().unwrap();
        let expected = [
            (D.port, tagged(&frame, VLAN_FRONT)),
            (F.port, frame.clone()),
        ];
        assert_eq!(
            here, expected,
            "one for D and E, who share a wire; one for F"
        );
        // And one for the other host: to its locator, with the group bit.
        let (port, there) = last;
        assert_eq!(*port, R_UPLINKS[0]);
        let mut to = Site::S.substrate(FRONT, ip);
        to.group = true;
        assert_eq!(there[38..54], to.to_ipv6().octets(), "{ip:?}");
        assert_eq!(there[20], 17, "rewritten");
        // There it is as it was sent.
        let arrived = sent(s().substrate_delivers(&cross(there, Site::S)));
        let [(port, arrived)] = &arrived[..] else {
            panic!("G alone");
        };
        assert_eq!(*port, G.port);
        let expected = tagged(&frame, VLAN_FRONT);
        assert_eq!(arrived[..22], expected[..22]);
        assert_eq!(arrived[24..28], expected[24..28], "TTL, protocol");
        assert_eq!(arrived[30..], expected[30..]);
    }
}

#[test]
fn who_shares_a_wire_with_the_sender_hears_it_and_the_sender_does_not() {
    let frame = Frame::between(D.mac, MacAddr::BROADCAST)
        .vlan(VLAN_FRONT)
        .ipv4(D.ip, ALL)
        .udp(1, 2, b"x");
    let ports: Vec<u16> = sent(r().node_sends(D.port, &frame))
        .iter()
        .map(|s| s.0)
        .collect();
    assert_eq!(ports, [A.port, E.port, F.port, R_UPLINKS[0]]);
    // M and I share a wire without tags; K is on S.
    let frame = Frame::between(M.mac, MacAddr::BROADCAST)
        .ipv4(M.ip, ALL)
        .udp(1, 2, b"x");
    let copies = sent(r().node_sends(M.port, &frame));
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0], (I.port, frame));
    let arrived = sent(s().substrate_delivers(&cross(&copies[1].1, Site::S)));
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].0, K.port);
    let _ = LOOSE;
}

#[test]
fn what_is_not_ip_or_oddly_addressed_goes_raw() {
    let profinet = EtherType::new(0x8892);
    let mut plan = [Plan::of(Site::R), Plan::of(Site::S)];
    for plan in &mut plan {
        plan.segment(FRONT).ethertypes = vec![profinet];
    }
    let (mut r, mut s) = (plan[0].host(), plan[1].host());
    let identify = MacAddr::new([1, 0x0e, 0xcf, 0, 0, 0]);
    for frame in [
        Frame::between(A.mac, identify).carrying(profinet, &[7; 46]),
        // One station's address in a frame to all.
        a_to(MacAddr::BROADCAST, G.ip).udp(1, 2, b"odd"),
        // A group's address in another group's frame.
        a_to(identify, GROUP).udp(1, 2, b"odd"),
        // With an option.
        a_to(GROUP_MAC, GROUP)
            .options(&[148, 4, 0, 0])
            .protocol(46, &[0x16; 8]),
    ] {
        let copies = sent(r.node_sends(A.port, &frame));
        assert_eq!(copies[1], (F.port, frame.clone()));
        let there = &copies[2].1;
        assert_eq!(there[20], 97, "EtherIP");
        let arrived = sent(s.substrate_delivers(&cross(there, Site::S)));
        assert_eq!(arrived, [(G.port, tagged(&frame, VLAN_FRONT))]);
    }
}

#[test]
fn where_nobody_else_is_it_ends() {
    let mut plan = Plan::of(Site::R);
    plan.compiled
        .interfaces
        .retain(|i| i.addresses[0] == crate::bench::plan::ip_of(A.ip));
    plan.compiled.mappings.retain(|m| m.host == HostId(0));
    let frame = a_to(MacAddr::BROADCAST, ALL).udp(1, 2, b"x");
    let outcome = plan.host().node_sends(A.port, &frame);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Unheard));
}

#[test]
fn a_host_that_only_clients_know_gets_one_too() {
    let mut plan = Plan::of(Site::R);
    plan.compiled
        .mappings
        .retain(|m| m.segment != crate::bench::segment(FRONT) || m.host == HostId(0));
    let frame = a_to(MacAddr::BROADCAST, ALL).udp(1, 2, b"x");
    assert_eq!(sent(plan.host().node_sends(A.port, &frame)).len(), 2);
    for _ in 0..2 {
        plan.loaded_hosts
            .add(crate::bench::segment(FRONT), HostId(1));
        assert_eq!(sent(plan.host().node_sends(A.port, &frame)).len(), 3);
    }
    // Drawn and loaded is one host.
    let mut both = Plan::of(Site::R);
    both.loaded_hosts = plan.loaded_hosts;
    assert_eq!(sent(both.host().node_sends(A.port, &frame)).len(), 3);
}

#[test]
fn tenants_do_not_hear_each_other() {
    let (mut r, mut s) = (r(), s());
    let of_z = sent(r.node_sends(A.port, &a_to(MacAddr::BROADCAST, ALL).udp(1, 2, b"z")));
    let there = sent(s.substrate_delivers(&cross(&of_z[2].1, Site::S)));
    assert!(
        there
            .iter()
            .all(|(port, _)| *port != X.port && *port != K.port)
    );
}

#[test]
fn a_group_is_proved_like_anybody() {
    let mut copies = sent(r().node_sends(A.port, &a_to(GROUP_MAC, GROUP).udp(1, 2, b"x")));
    let there = cross(&copies.pop().unwrap().1, Site::S);
    let forged = |at: usize, byte: u8| {
        let mut frame = there.clone();
        frame[at] = byte;
        s().substrate_delivers(&frame)
    };
    // Another locator; another segment as source; one that has no such group.
    assert_eq!(forged(29, 0x0c).dropped(), DropReason::SourceNotProven);
    assert_eq!(forged(33, 0x02).dropped(), DropReason::SourceNotProven);
    assert_eq!(forged(49, 0x03).dropped(), DropReason::Denied);
    // The group bit, and one station's address.
    assert_eq!(forged(50, 10).dropped(), DropReason::GroupMalformed);
}

#[test]
fn who_sends_without_end_is_slowed() {
    let mut r = r();
    let frame = a_to(MacAddr::BROADCAST, ALL).udp(1, 2, b"x");
    let mut passed = 0;
    let first = loop {
        let outcome = r.node_sends(A.port, &frame);
        if outcome.cx.verdict != EVERYBODY {
            break outcome.dropped();
        }
        passed += 1;
    };
    assert_eq!(first, DropReason::GroupRateLimited);
    assert_eq!(passed, 2000_u32.div_ceil(3), "three copies each");
    // Nobody else, and nothing else of it, is limited.
    let other = Frame::between(F.mac, MacAddr::BROADCAST)
        .ipv4(F.ip, ALL)
        .udp(1, 2, b"");
    assert_eq!(r.node_sends(F.port, &other).cx.verdict, EVERYBODY);
    r.node_sends(A.port, &frame_to_f()).forwarded(F.port);
    r.now += Duration::from_millis(10);
    assert_eq!(r.node_sends(A.port, &frame).cx.verdict, EVERYBODY);
}

fn frame_to_f() -> Vec<u8> {
    frame(A, F).ipv4(A.ip, F.ip).udp(1, 2, b"")
}

#[test]
fn a_large_one_is_cut_for_those_who_need_it_only() {
    let mut plan = Plan::of(Site::R).uplink_mtu(1400);
    plan.segment(FRONT).mtu = 1500;
    let frame = a_to(MacAddr::BROADCAST, ALL).udp(1, 2, &[7; 1400]);
    let outcome = plan.host().node_sends(A.port, &frame);
    assert_eq!(outcome.booked, []);
    let on = |port: u16| outcome.sent.iter().filter(|s| s.0 == PortId(port)).count();
    assert_eq!((on(D.port), on(F.port), on(R_UPLINKS[0])), (1, 1, 2));
}
