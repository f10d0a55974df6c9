//! Moves: G goes from S to R, or A from R to S, and for a grace time the old place
//! is remembered.

use core::time::Duration;

use datapath::pipeline::DropReason;
use packet::build::{Frame, Ipv4};
use packet::{IpProtocol, SubstrateAddr};

use crate::bench::host::Host;
use crate::bench::moves::{GRACE, after_move, come, gone};
use crate::bench::plan::{Plan, router_mac};
use crate::bench::{
    A, BEHIND_G, D, FRONT, G, H, J, L, Node, R_UPLINKS, S_UPLINK, Site, cross, frame,
    over_the_fabric, v4,
};

/// Within the grace time of [`GRACE`] …
const SOON: Duration = Duration::from_secs(9);
/// … and when it is over.
const LATE: Duration = GRACE;

/// S, from which G has moved to R.
fn old_host() -> Host {
    let plan = Plan::of(Site::S);
    after_move(&plan.clone(), gone(plan, G)).host()
}

/// R, to which G has moved: behind A's port.
fn new_host() -> Host {
    let plan = Plan::of(Site::R);
    after_move(&plan.clone(), come(plan, G, A)).host()
}

fn addresses(frame: &[u8]) -> [SubstrateAddr; 2] {
    [22, 38].map(|at| {
        let octets: [u8; 16] = *frame[at..].first_chunk().unwrap();
        SubstrateAddr::from_ipv6(octets.into()).unwrap()
    })
}

/// On R's uplink, from anywhere.
fn to_r(source: SubstrateAddr, destination: SubstrateAddr) -> packet::build::Ipv6 {
    Frame::between(router_mac(9), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(source.to_ipv6(), destination.to_ipv6())
        .flow_label(64 << 12)
}

fn relay_of(inside: &[u8]) -> Vec<u8> {
    let (old, new) = (Site::S, Site::R);
    to_r(old.substrate(FRONT, G.ip), new.substrate(FRONT, G.ip))
        .protocol(IpProtocol::ETHERIP.0, &[&[0x30, 0], inside].concat())
}

/// From A, still sent to where G was.
fn sent_to_the_old_host(node: Node, frame: &[u8]) -> Vec<u8> {
    let sent = Plan::of(Site::R).host().node_sends(node.port, frame);
    cross(&sent.forwarded(R_UPLINKS[0]), Site::S)
}

#[test]
fn what_comes_to_the_old_host_arrives_at_the_new_one() {
    let packets: [fn(Ipv4) -> Vec<u8>; 4] = [
        |ip| ip.ttl(9).dont_fragment().tcp(1, 2, b"rewritten"),
        |ip| ip.options(&[7, 7, 4, 0, 0, 0, 0, 0]).udp(1, 2, b"raw"),
        |ip| ip.fragment(0, true).udp(1, 2, &[7; 64]),
        |ip| ip.icmp_echo(1, 2, b"ping"),
    ];
    for packet in packets {
        let sent = packet(v4(A, G));
        let mut old = old_host();
        old.now = SOON;
        let relayed = old.substrate_delivers(&sent_to_the_old_host(A, &sent));
        let row = relayed.cx.row;
        let relayed = relayed.forwarded(S_UPLINK);
        let own = [Site::S, Site::R].map(|site| site.substrate(FRONT, G.ip));
        assert_eq!(
            addresses(&relayed),
            own,
            "from G's old place to its new one"
        );
        assert_eq!(old.booked(row).numbers.relayed, 1);
        let mut new = new_host();
        new.now = SOON;
        let arrived = new
            .substrate_delivers(&cross(&relayed, Site::R))
            .forwarded(A.port);
        assert_eq!(arrived[..14], sent[..14]);
        assert_eq!(arrived[20..24], sent[20..24], "fragment, TTL and protocol");
        assert_eq!(arrived[26..], sent[26..]);
    }
}

#[test]
fn what_logical_routers_have_brought_comes_with_their_mac() {
    // From H, on S, by L and J to A, which has moved from R to S.
    let sent = frame(H, L).ipv4(H.ip, A.ip).ttl(9).udp(1, 2, b"routed");
    let sent = Plan::of(Site::S).host().node_sends(H.port, &sent);
    let sent = cross(&sent.forwarded(S_UPLINK), Site::R);
    let plan = Plan::of(Site::R);
    let mut old = after_move(&plan.clone(), gone(plan, A)).host();
    let relayed = old.substrate_delivers(&sent).forwarded(R_UPLINKS[0]);
    let plan = Plan::of(Site::S);
    let mut new = after_move(&plan.clone(), come(plan, A, G)).host();
    let arrived = new
        .substrate_delivers(&cross(&relayed, Site::S))
        .forwarded(G.port);
    assert_eq!(
        (&arrived[..6], &arrived[6..12]),
        (&A.mac.octets()[..], &J.mac.octets()[..])
    );
    assert_eq!(arrived[26], 7, "two hops less, behind a tag");
}

#[test]
fn the_grace_time_ends() {
    let sent = sent_to_the_old_host(A, &v4(A, G).udp(1, 2, b"x"));
    let mut old = old_host();
    old.now = LATE;
    assert_eq!(
        old.substrate_delivers(&sent).dropped(),
        DropReason::MovedAway
    );
    let mut new = new_host();
    let relayed = relay_of(&v4(A, G).udp(1, 2, b"x"));
    new.substrate_delivers(&relayed).forwarded(A.port);
    new.now = LATE;
    let refused = new.substrate_delivers(&relayed);
    assert_eq!(refused.dropped(), DropReason::SourceNotProven);
}

#[test]
fn nobody_else_may_relay() {
    let inside = v4(A, G).udp(1, 2, b"x");
    // Who has not moved has no old place.
    let refused = Plan::of(Site::R)
        .host()
        .substrate_delivers(&relay_of(&inside));
    assert_eq!(refused.dropped(), DropReason::MovedAway);
    let good = Site::S.substrate(FRONT, G.ip);
    let to = Site::R.substrate(FRONT, G.ip);
    let from = |source: SubstrateAddr, inside: &[u8]| {
        let raw = [&[0x30, 0], inside].concat();
        let sent = to_r(source, to).protocol(IpProtocol::ETHERIP.0, &raw);
        new_host().substrate_delivers(&sent)
    };
    from(good, &inside).forwarded(A.port);
    let elsewhere = "fd00:0:0:c::/64".parse().unwrap();
    let forged = [
        SubstrateAddr {
            locator: elsewhere,
            ..good
        },
        SubstrateAddr {
            locator: Site::R.locator(),
            ..good
        },
        SubstrateAddr {
            group: true,
            ..good
        },
        SubstrateAddr {
            forward: true,
            ..good
        },
    ];
    for source in forged {
        assert_eq!(from(source, &inside).dropped(), DropReason::SourceNotProven);
    }
    // For G's MAC, and not another's.
    let to_another = v4(G, A).udp(1, 2, b"x");
    assert_eq!(from(good, &to_another).dropped(), DropReason::RawNotProven);
    // G from its old place says nothing in another's name to others.
    let raw = [&[0x30, 0][..], &v4(D, A).udp(1, 2, b"x")].concat();
    let sent = to_r(good, Site::R.substrate(FRONT, A.ip)).protocol(IpProtocol::ETHERIP.0, &raw);
    let refused = new_host().substrate_delivers(&sent);
    assert_eq!(refused.dropped(), DropReason::RawNotProven);
}

#[test]
fn what_was_relayed_is_not_relayed_again() {
    // The new host has G no longer, either: as it knows, it is where this comes from.
    let plan = Plan::of(Site::R);
    let there = come(plan.clone(), G, A);
    let mut host = after_move(&there, plan).host();
    let refused = host.substrate_delivers(&relay_of(&v4(A, G).udp(1, 2, b"x")));
    assert_eq!(refused.dropped(), DropReason::MovedAway);
}

#[test]
fn a_host_that_knows_it_first_still_believes_the_old_place() {
    // G, still on S, to R, which knows already that G comes to R; and to D there.
    let mut s = Plan::of(Site::S).host();
    let sent = crate::bench::tagged(100, G, D).udp(1, 2, b"from the old place");
    let mut r = new_host();
    over_the_fabric(&mut s, &mut r, G.port, &sent).forwarded(D.port);
    r.now = LATE;
    let refused = over_the_fabric(&mut s, &mut r, G.port, &sent);
    assert_eq!(refused.dropped(), DropReason::SourceNotProven);
}

#[test]
fn a_host_that_does_not_know_it_yet_refuses_the_new_place() {
    let by_j = frame(G, J).ipv4(G.ip, H.ip).udp(1, 2, b"by J");
    let crossing = new_host().node_sends(A.port, &by_j).forwarded(R_UPLINKS[0]);
    let mut s = Plan::of(Site::S).host();
    let refused = s.substrate_delivers(&cross(&crossing, Site::S));
    assert_eq!(refused.dropped(), DropReason::SourceNotProven);
    let mut s = old_host();
    s.substrate_delivers(&cross(&crossing, Site::S))
        .forwarded(H.port);
}

#[test]
fn too_large_a_packet_is_cut_for_the_relay_or_lost() {
    let whole = v4(A, G).udp(1, 2, &[7; 1400]);
    let with_df = v4(A, G).dont_fragment().udp(1, 2, &[7; 1400]);
    let old = || {
        let plan = Plan::of(Site::S).uplink_mtu(1450);
        after_move(&plan.clone(), gone(plan, G)).host()
    };
    let pieces = old().substrate_delivers(&sent_to_the_old_host(A, &whole));
    assert_eq!((pieces.sent.len(), pieces.booked.len()), (2, 0));
    let mut new = new_host();
    for (_, piece) in pieces.sent {
        new.substrate_delivers(&cross(&piece, Site::R))
            .forwarded(A.port);
    }
    let lost = old().substrate_delivers(&sent_to_the_old_host(A, &with_df));
    assert_eq!(lost.dropped(), DropReason::TooBig);
}

#[test]
fn a_phantom_router_moves_with_what_is_behind_it() {
    let prefixes = [([192, 168, 7, 0], 24)];
    let (r, s) = (
        Plan::of(Site::R).phantom(FRONT, G, &prefixes),
        Plan::of(Site::S).phantom(FRONT, G, &prefixes),
    );
    let sent = frame(A, G).ipv4(A.ip, BEHIND_G).udp(1, 2, b"behind it");
    let crossing = r.host().node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    let mut old = after_move(&s, gone(s.clone(), G)).host();
    let relayed = old.substrate_delivers(&cross(&crossing, Site::S));
    let relayed = relayed.forwarded(S_UPLINK);
    let own = [Site::S, Site::R].map(|site| site.substrate(FRONT, G.ip));
    assert_eq!(addresses(&relayed), own);
    let mut new = after_move(&r.clone(), come(r, G, A)).host();
    let arrived = new
        .substrate_delivers(&cross(&relayed, Site::R))
        .forwarded(A.port);
    assert_eq!(arrived[26..], sent[26..]);
    // What it has forwarded before is still believed.
    let sent = frame(G, D)
        .vlan(100)
        .ipv4(BEHIND_G, D.ip)
        .udp(2, 1, b"from behind it");
    over_the_fabric(&mut s.host(), &mut new, G.port, &sent).forwarded(D.port);
    new.now = LATE;
    let refused = over_the_fabric(&mut s.host(), &mut new, G.port, &sent);
    assert_eq!(refused.dropped(), DropReason::SourceNotProven);
}

#[test]
fn a_slot_that_changes_is_remembered_too() {
    let before = Plan::of(Site::S).phantom(FRONT, G, &[([192, 168, 7, 0], 24)]);
    let mut after = before.clone();
    let slot = packet::Slot::new(44).unwrap();
    after.compiled.phantoms[0].slot = slot;
    after.mapping(FRONT, G.ip).slot = slot;
    let sent = frame(A, G)
        .ipv4(A.ip, BEHIND_G)
        .udp(1, 2, b"by the old slot");
    let r = Plan::of(Site::R).phantom(FRONT, G, &[([192, 168, 7, 0], 24)]);
    let crossing = r.host().node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    let mut s = after_move(&before, after).host();
    s.substrate_delivers(&cross(&crossing, Site::S))
        .forwarded(G.port);
    s.now = LATE;
    let refused = s.substrate_delivers(&cross(&crossing, Site::S));
    assert_eq!(refused.dropped(), DropReason::DestinationNotHere);
}

#[test]
fn who_changes_more_than_its_host_has_not_moved() {
    let plan = Plan::of(Site::S);
    let mut after = gone(plan.clone(), G);
    after.mapping(FRONT, G.ip).mac = H.mac;
    let mut old = after_move(&plan, after).host();
    let sent = sent_to_the_old_host(A, &v4(A, G).udp(1, 2, b"x"));
    assert_eq!(
        old.substrate_delivers(&sent).dropped(),
        DropReason::MovedAway
    );
}
