//! A segment's switch: by destination MAC, and nothing is ever flooded.

use datapath::pipeline::DropReason;
use packet::MacAddr;
use packet::build::Frame;

use crate::bench::{
    A, B, C, D, E, F, FRONT, G, H, I, J, K, L, M, NOBODY, Node, Plan, R_UPLINKS, Site, VLAN_FRONT,
    X, frame, over_the_fabric, tagged, v4,
};

#[track_caller]
fn refused(node: Node, frame: &[u8]) -> DropReason {
    Plan::of(Site::R)
        .host()
        .node_sends(node.port, frame)
        .dropped()
}

#[test]
fn a_frame_to_a_nodes_mac_and_address_goes_there() {
    let mut r = Plan::of(Site::R).host();
    let local = v4(A, F).udp(1, 2, b"here");
    assert_eq!(r.node_sends(A.port, &local).forwarded(F.port), local);
    let remote = v4(A, G).udp(1, 2, b"there");
    r.node_sends(A.port, &remote).forwarded(R_UPLINKS[0]);
}

#[test]
fn a_group_under_a_nodes_mac_is_not_that_nodes() {
    let to = |mac: MacAddr, ip: [u8; 4]| Frame::between(A.mac, mac).ipv4(A.ip, ip).udp(1, 2, b"");
    let odd = to(G.mac, [239, 7, 7, 7]);
    assert_eq!(refused(A, &odd), DropReason::NotTheDestinations);
    let odd = to(G.mac, [10, 0, 0, 255]);
    assert_eq!(refused(A, &odd), DropReason::NotTheDestinations);
}

#[test]
fn a_router_is_known_in_its_own_segment_only() {
    let foreign = frame(A, L).ipv4(A.ip, H.ip).udp(1, 2, b"");
    assert_eq!(refused(A, &foreign), DropReason::UnknownDestinationMac);
}

#[test]
fn a_nodes_mac_with_another_address_is_refused() {
    // G is no router; F is somebody else; H is in another segment.
    for ip in [F.ip, H.ip, J.ip, [8, 8, 8, 8]] {
        let sent = frame(A, G).ipv4(A.ip, ip).udp(1, 2, b"");
        assert_eq!(refused(A, &sent), DropReason::NotTheDestinations, "{ip:?}");
    }
}

#[test]
fn a_frame_to_oneself_goes_nowhere() {
    let sent = v4(A, A).udp(1, 2, b"");
    assert_eq!(refused(A, &sent), DropReason::HairpinToSelf);
    let sent = frame(A, A).ipv4(A.ip, G.ip).udp(1, 2, b"");
    assert_eq!(refused(A, &sent), DropReason::HairpinToSelf);
}

#[test]
fn an_unknown_mac_is_dropped_where_the_segment_says_so() {
    let sent = Frame::between(A.mac, NOBODY)
        .ipv4(A.ip, G.ip)
        .udp(1, 2, b"");
    assert_eq!(refused(A, &sent), DropReason::UnknownDestinationMac);
    let sent = Frame::between(A.mac, NOBODY)
        .ipv4(A.ip, [10, 0, 0, 99])
        .udp(1, 2, b"");
    assert_eq!(refused(A, &sent), DropReason::UnknownDestinationMac);
    // Of another segment, of another network: unknown here.
    for node in [C, H, B, X] {
        let sent = Frame::between(A.mac, node.mac)
            .ipv4(A.ip, G.ip)
            .udp(1, 2, b"");
        assert_eq!(refused(A, &sent), DropReason::UnknownDestinationMac);
    }
}

#[test]
fn an_unknown_mac_is_resolved_by_address_where_the_segment_says_so() {
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    let stale = |ip: [u8; 4]| Frame::between(I.mac, NOBODY).ipv4(I.ip, ip).udp(1, 2, b"x");
    // Here, behind the same port: with the owner's own MAC.
    let arrived = r.node_sends(I.port, &stale(M.ip)).forwarded(M.port);
    assert_eq!(arrived, v4(I, M).udp(1, 2, b"x"));
    // There.
    let arrived = over_the_fabric(&mut r, &mut s, I.port, &stale(K.ip)).forwarded(K.port);
    assert_eq!(arrived[..12], v4(I, K).udp(1, 2, b"x")[..12]);
    // Nobody's address, oneself, and an address whose MAC somebody else has.
    assert_eq!(
        r.node_sends(I.port, &stale([10, 2, 0, 99])).dropped(),
        DropReason::NoMapping
    );
    assert_eq!(
        r.node_sends(I.port, &stale(I.ip)).dropped(),
        DropReason::HairpinToSelf
    );
    let crossed = frame(I, K).ipv4(I.ip, M.ip).udp(1, 2, b"x");
    assert_eq!(
        r.node_sends(I.port, &crossed).dropped(),
        DropReason::NotTheDestinations
    );
}

#[test]
fn an_unknown_mac_is_no_routers_whatever_the_address() {
    let mut plan = Plan::of(Site::R);
    plan.segment(FRONT).unknown_mac = vnet::compiled::UnknownMac::Resolve;
    let sent = Frame::between(A.mac, NOBODY)
        .ipv4(A.ip, J.ip)
        .udp(1, 2, b"");
    let outcome = plan.host().node_sends(A.port, &sent);
    assert_eq!(outcome.dropped(), DropReason::UnknownDestinationMac);
}

#[test]
fn two_tenants_with_the_same_addresses_never_meet() {
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    // B is 10.0.0.2 like A; it reaches X of its own network …
    let sent = v4(B, X).udp(1, 2, b"y");
    let arrived = over_the_fabric(&mut r, &mut s, B.port, &sent).forwarded(X.port);
    assert_eq!(arrived[26..30], B.ip);
    // … and nobody of Z's, by whatever MAC.
    for node in [G, F, A, D] {
        let sent = v4(B, node).udp(1, 2, b"z");
        let reason = r.node_sends(B.port, &sent).dropped();
        assert_eq!(reason, DropReason::UnknownDestinationMac, "{node:?}");
    }
    // A's packet and B's differ on the substrate by their segment alone.
    let of_a = r
        .node_sends(A.port, &v4(A, G).udp(1, 2, b""))
        .forwarded(R_UPLINKS[0]);
    let of_b = r
        .node_sends(B.port, &v4(B, X).udp(1, 2, b""))
        .forwarded(R_UPLINKS[0]);
    assert_eq!(
        of_a[22..34],
        [0xfd, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0xa0, 0x01]
    );
    assert_eq!(
        of_b[22..34],
        [0xfd, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0xb0, 0x01]
    );
}

#[test]
fn neighbours_behind_one_port_in_different_segments_do_not_meet() {
    // E has `back` behind the same port as D has `front`.
    let sent = frame(D, E).vlan(VLAN_FRONT).ipv4(D.ip, C.ip).udp(1, 2, b"");
    assert_eq!(refused(D, &sent), DropReason::NotTheDestinations);
    let sent = tagged(VLAN_FRONT, D, C).udp(1, 2, b"");
    assert_eq!(refused(D, &sent), DropReason::UnknownDestinationMac);
}
