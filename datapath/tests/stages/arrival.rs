//! What the substrate delivers: whose it is, and whether it is to be believed.

use core::net::Ipv6Addr;

use datapath::pipeline::{DropReason, Punt};
use packet::build::{Frame, Ipv6};
use packet::{MacAddr, Slot, SubstrateAddr};

use crate::bench::host::Outcome;
use crate::bench::plan::router_mac;
use crate::bench::{
    A, B, BACK, C, FRONT, G, I, J, K, LAN, LOOSE, Plan, R_UPLINKS, S_UPLINK, Site, X, cross,
    segment, v4,
};

/// A frame on S's uplink for its MAC.
fn to_s() -> Frame {
    Frame::between(router_mac(9), Site::S.uplink_mac(S_UPLINK))
}

fn between(source: impl Into<Ipv6Addr>, destination: impl Into<Ipv6Addr>) -> Ipv6 {
    to_s().ipv6(source, destination).flow_label(64 << 12)
}

fn a() -> SubstrateAddr {
    Site::R.substrate(FRONT, A.ip)
}

fn g() -> SubstrateAddr {
    Site::S.substrate(FRONT, G.ip)
}

fn s(frame: &[u8]) -> Outcome {
    Plan::of(Site::S).host().substrate_delivers(frame)
}

#[track_caller]
fn refused(source: SubstrateAddr, destination: SubstrateAddr) -> DropReason {
    s(&between(source.to_ipv6(), destination.to_ipv6()).udp(1, 2, b"x")).dropped()
}

#[test]
fn a_packet_from_where_the_mapping_says_is_delivered() {
    s(&between(a().to_ipv6(), g().to_ipv6()).udp(1, 2, b"x")).forwarded(G.port);
}

#[test]
fn a_forged_locator_is_not_proven() {
    let elsewhere: packet::Locator = "fd00:0:0:c::/64".parse().unwrap();
    for locator in [elsewhere, Site::S.locator()] {
        let forged = SubstrateAddr { locator, ..a() };
        assert_eq!(refused(forged, g()), DropReason::SourceNotProven);
    }
}

#[test]
fn what_this_host_has_does_not_come_from_the_substrate() {
    let own = Site::S.substrate(FRONT, G.ip);
    assert_eq!(refused(own, g()), DropReason::SourceNotProven);
    let own_at_r = Site::R.substrate(FRONT, G.ip);
    assert_eq!(refused(own_at_r, g()), DropReason::SourceNotProven);
}

#[test]
fn routers_never_send_on_the_substrate() {
    for site in [Site::R, Site::S] {
        let router = site.substrate(FRONT, J.ip);
        assert_eq!(refused(router, g()), DropReason::SourceNotProven);
    }
}

#[test]
fn unknown_addresses_and_segments_are_not_proven() {
    let unknown = Site::R.substrate(FRONT, [10, 0, 0, 99]);
    assert_eq!(refused(unknown, g()), DropReason::SourceNotProven);
    let segment = Site::R.substrate(0x00_ffff, A.ip);
    assert_eq!(refused(segment, g()), DropReason::SourceNotProven);
    // R's host itself, and somebody outside of all locators.
    for source in ["fd00:0:0:a::1", "2001:db8::1"] {
        let source: Ipv6Addr = source.parse().unwrap();
        let frame = between(source, g().to_ipv6()).udp(1, 2, b"x");
        assert_eq!(s(&frame).dropped(), DropReason::SourceNotProven);
    }
}

#[test]
fn slot_and_flags_are_part_of_the_proof() {
    let slot = Slot::new(1).unwrap();
    assert_eq!(
        refused(SubstrateAddr { slot, ..a() }, g()),
        DropReason::SourceNotProven
    );
    let group = SubstrateAddr { group: true, ..a() };
    assert_eq!(refused(group, g()), DropReason::SourceNotProven);
    let forward = SubstrateAddr {
        forward: true,
        ..a()
    };
    assert_eq!(refused(forward, g()), DropReason::SourceNotProven);
}

#[test]
fn flags_of_the_destination_have_their_reasons() {
    let forward = SubstrateAddr {
        forward: true,
        ..g()
    };
    assert_eq!(refused(a(), forward), DropReason::DestinationNotHere);
    let group = SubstrateAddr { group: true, ..g() };
    assert_eq!(refused(a(), group), DropReason::GroupMalformed);
    let both = SubstrateAddr {
        forward: true,
        ..group
    };
    assert_eq!(refused(a(), both), DropReason::GroupMalformed);
}

#[test]
fn another_segment_is_another_world() {
    // C is in `back`, G's address of `front` is not for it.
    let c = Site::R.substrate(BACK, C.ip);
    assert_eq!(refused(c, g()), DropReason::Denied);
    // B has A's address in Y's segment; to G it is denied, to X delivered.
    let b = Site::R.substrate(LAN, B.ip);
    assert_eq!(refused(b, g()), DropReason::Denied);
    let x = Site::S.substrate(LAN, X.ip);
    s(&between(b.to_ipv6(), x.to_ipv6()).udp(1, 2, b"x")).forwarded(X.port);
    // And A's address in Y's segment at R is B, not A.
    assert_eq!(refused(a(), x), DropReason::Denied);
}

#[test]
fn a_destination_that_is_not_here_has_moved_or_never_was() {
    let moved = Site::S.substrate(FRONT, A.ip);
    assert_eq!(refused(a(), moved), DropReason::MovedAway);
    let unknown = Site::S.substrate(FRONT, [10, 0, 0, 99]);
    assert_eq!(refused(a(), unknown), DropReason::DestinationNotHere);
    let router = Site::S.substrate(FRONT, J.ip);
    assert_eq!(refused(a(), router), DropReason::DestinationNotHere);
    let segment = Site::S.substrate(0x00_ffff, G.ip);
    assert_eq!(refused(a(), segment), DropReason::DestinationNotHere);
}

#[test]
fn a_node_that_moved_is_not_believed_at_its_old_place() {
    // K is at R now, says S's mapping: that is where its packets come from.
    let mut plan = Plan::of(Site::S);
    let there = *plan.mapping(FRONT, A.ip);
    let mapping = plan.mapping(LOOSE, K.ip);
    (mapping.host, mapping.interface) = (there.host, None);
    let mut host = plan.host();
    let k = Site::R.substrate(LOOSE, K.ip);
    let i = Site::S.substrate(LOOSE, I.ip);
    let frame = between(k.to_ipv6(), i.to_ipv6()).udp(1, 2, b"x");
    assert_eq!(
        host.substrate_delivers(&frame).dropped(),
        DropReason::MovedAway
    );
    let old = Site::S.substrate(LOOSE, K.ip);
    let frame = between(old.to_ipv6(), i.to_ipv6()).udp(1, 2, b"x");
    assert_eq!(
        host.substrate_delivers(&frame).dropped(),
        DropReason::SourceNotProven
    );
}

#[test]
fn what_is_for_the_host_itself_is_punted() {
    let somebody: Ipv6Addr = "fd00:0:0:ff::1".parse().unwrap();
    let all_nodes: Ipv6Addr = "ff02::1".parse().unwrap();
    let solicited: Ipv6Addr = "ff02::1:ff00:b".parse().unwrap();
    let segment_zero: Ipv6Addr = "fd00:0:0:b::1234:5678".parse().unwrap();
    for destination in [Site::S.address(), all_nodes, solicited, segment_zero] {
        let outcome = s(&between(somebody, destination).icmp_echo(1, 1, b"x"));
        assert_eq!(outcome.punted(), Punt::ForHost, "{destination}");
    }
    // A group's frames come under the group's MAC.
    let mac = MacAddr::for_ipv6_multicast(solicited);
    let frame = Frame::between(router_mac(9), mac)
        .ipv6(somebody, solicited)
        .icmp((135, 0), (0, 0), &[0; 16]);
    assert_eq!(s(&frame).punted(), Punt::ForHost);
    for destination in ["fd00:0:0:ff::9", "ff02::1:ff00:99", "fd00:0:0:a::1"] {
        let destination: Ipv6Addr = destination.parse().unwrap();
        let outcome = s(&between(somebody, destination).icmp_echo(1, 1, b"x"));
        assert_eq!(
            outcome.dropped(),
            DropReason::NotForThisHost,
            "{destination}"
        );
    }
    let to_a = between(somebody, a().to_ipv6()).udp(1, 2, b"x");
    assert_eq!(s(&to_a).dropped(), DropReason::NotForThisHost);
}

#[test]
fn neighbours_may_probe_a_tenants_address_where_the_locator_is_on_link() {
    let somebody: Ipv6Addr = "fd00:0:0:ff::1".parse().unwrap();
    let probe = |kind| between(somebody, g().to_ipv6()).icmp((kind, 0), (0, 0), &[0; 16]);
    assert_eq!(s(&probe(135)).dropped(), DropReason::SourceNotProven);
    let mut plan = Plan::of(Site::S);
    plan.uplinks.own = datapath::substrate::OwnAddresses::new(
        Site::S.locator(),
        true,
        vec![Site::S.address()],
        vec![],
    );
    let mut on_link = plan.host();
    assert_eq!(
        on_link.substrate_delivers(&probe(135)).punted(),
        Punt::ForHost
    );
    assert_eq!(
        on_link.substrate_delivers(&probe(136)).punted(),
        Punt::ForHost
    );
    // Anything else to a tenant's address is the pipeline's.
    let echo = between(somebody, g().to_ipv6()).icmp_echo(1, 1, b"");
    assert_eq!(
        on_link.substrate_delivers(&echo).dropped(),
        DropReason::SourceNotProven
    );
}

#[test]
fn other_macs_and_other_protocols_are_not_for_us() {
    let other = Frame::between(router_mac(9), router_mac(8))
        .ipv6(a().to_ipv6(), g().to_ipv6())
        .udp(1, 2, b"x");
    assert_eq!(s(&other).dropped(), DropReason::NotForThisMac);
    let v4 = to_s().ipv4([10, 0, 0, 2], [10, 0, 0, 3]).udp(1, 2, b"x");
    assert_eq!(s(&v4).dropped(), DropReason::NotIpv6);
    let tagged = to_s()
        .vlan(1)
        .ipv6(a().to_ipv6(), g().to_ipv6())
        .udp(1, 2, b"x");
    assert_eq!(s(&tagged).dropped(), DropReason::NotIpv6);
}

#[test]
fn lengths_that_contradict_the_frame_are_refused() {
    let good = || between(a().to_ipv6(), g().to_ipv6());
    let short = good().payload_len(100).udp(1, 2, b"x");
    assert_eq!(s(&short).dropped(), DropReason::Truncated);
    let version = good().version(4).udp(1, 2, b"x");
    assert_eq!(s(&version).dropped(), DropReason::BadIpHeader);
    let whole = good().udp(1, 2, b"x");
    for len in 0..whole.len() {
        let reason = s(&whole[..len]).dropped();
        let expected = DropReason::Truncated;
        assert_eq!(reason, expected, "{len} bytes");
    }
    // Padding behind the packet is cut off.
    let mut padded = whole.clone();
    padded.extend([0xee; 40]);
    assert_eq!(s(&padded).forwarded(G.port), s(&whole).forwarded(G.port));
}

#[test]
fn next_headers_that_no_vswitch_sends_are_refused() {
    for next_header in 0..=255 {
        let frame = between(a().to_ipv6(), g().to_ipv6()).protocol(next_header, &[200; 16]);
        let expected = match next_header {
            97 => DropReason::RawMalformed,
            // A fragment header of a protocol that never follows one, and with
            // an identification of 32 bits.
            44 => DropReason::UnexpectedNextHeader,
            // ICMPv4 in IPv6; what IPv6 gives a meaning of its own; ICMPv6
            // type 200.
            0 | 1 | 43 | 51 | 58 | 59 | 60 | 135 | 139 | 140 => DropReason::UnexpectedNextHeader,
            _ => {
                s(&frame).forwarded(G.port);
                continue;
            }
        };
        assert_eq!(s(&frame).dropped(), expected, "{next_header}");
    }
}

#[test]
fn icmpv4_on_the_fabric_is_refused_whatever_it_holds() {
    for kind in [0, 8, 128, 129] {
        let frame = between(a().to_ipv6(), g().to_ipv6()).protocol(1, &[kind, 0, 0, 0, 0, 1, 0, 1]);
        assert_eq!(s(&frame).dropped(), DropReason::UnexpectedNextHeader);
    }
}

#[test]
fn icmpv6_that_is_neither_echo_nor_a_right_error_is_refused() {
    for kind in 0..=255u8 {
        for code in [0, 1] {
            let frame = between(a().to_ipv6(), g().to_ipv6()).icmp((kind, code), (0, 0), &[0; 48]);
            match (kind, code) {
                (128 | 129, 0) => drop(s(&frame).forwarded(G.port)),
                _ => assert_eq!(s(&frame).dropped(), DropReason::UnexpectedNextHeader),
            }
        }
    }
    for len in 0..8 {
        let cut = between(a().to_ipv6(), g().to_ipv6()).protocol(58, &[128; 8][..len]);
        assert_eq!(s(&cut).dropped(), DropReason::UnexpectedNextHeader, "{len}");
    }
}

#[test]
fn each_packet_is_on_the_line_of_the_uplink_and_its_segment() {
    let mut host = Plan::of(Site::S).host();
    let port = vnet::compiled::PortId(S_UPLINK);
    let rows = host.tables.drawn.ports.rows().clone();
    let frame = between(a().to_ipv6(), g().to_ipv6()).udp(1, 2, b"x");
    let outcome = host.substrate_delivers(&frame);
    assert_eq!(outcome.cx.row, rows.of(port, Some(segment(FRONT))));
    assert_ne!(outcome.cx.row, rows.of(port, None));
    let unknown = Site::S.substrate(0x00_ffff, G.ip);
    let frame = between(a().to_ipv6(), unknown.to_ipv6()).udp(1, 2, b"x");
    assert_eq!(host.substrate_delivers(&frame).cx.row, rows.of(port, None));
}

#[test]
fn a_replayed_packet_at_the_wrong_host_is_not_for_it() {
    let sent = Plan::of(Site::R)
        .host()
        .node_sends(A.port, &v4(A, G).udp(1, 2, b"x"));
    let mut back = cross(&sent.forwarded(R_UPLINKS[0]), Site::R);
    back[..6].copy_from_slice(&Site::R.uplink_mac(R_UPLINKS[0]).octets());
    let outcome = Plan::of(Site::R).host().substrate_delivers(&back);
    assert_eq!(outcome.dropped(), DropReason::NotForThisHost);
}

#[test]
fn one_stations_packet_in_a_frame_to_many_is_refused() {
    let frame = Plan::of(Site::R)
        .host()
        .node_sends(A.port, &v4(A, G).udp(1, 2, b"x"));
    let mut frame = cross(&frame.forwarded(R_UPLINKS[0]), Site::S);
    frame[..6].copy_from_slice(&[0x33, 0x33, 0xff, 0, 0, 3]);
    let outcome = Plan::of(Site::S).host().substrate_delivers(&frame);
    assert_eq!(outcome.dropped(), DropReason::NotForThisMac);
}
