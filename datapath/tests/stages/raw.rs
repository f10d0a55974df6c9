//! Raw carriage: what would not come back from IPv6 crosses the fabric whole,
//! and nobody but a vswitch can make such a frame.

use datapath::pipeline::{DropReason, Verdict};
use packet::build::{Checksum, Frame};
use packet::{EtherType, MacAddr, SubstrateAddr};

use crate::bench::host::{Host, Outcome};
use crate::bench::plan::router_mac;
use crate::bench::{
    A, D, FRONT, G, J, Plan, R_UPLINKS, S_UPLINK, Site, VLAN_FRONT, cross, frame, over_the_fabric,
    v4,
};
use crate::rewrite::{at_g, on_the_fabric};

/// A's frame crosses in EtherIP, bare and whole, and arrives byte for byte.
#[track_caller]
fn goes_raw(sent: &[u8]) {
    let fabric = on_the_fabric(sent);
    assert_eq!(fabric[12..14], [0x86, 0xdd]);
    assert_eq!(fabric[20], 97, "next header");
    assert_eq!(fabric[54..56], [0x30, 0], "EtherIP version 3");
    assert_eq!(&fabric[56..], sent);
    assert_eq!(at_g(sent), sent);
}

macro_rules! never_in_next_header {
    ($($test:ident $protocol:literal)+) => { $(
        #[test]
        fn $test() {
            let payload: Vec<u8> = (0..40).collect();
            goes_raw(&v4(A, G).id(77).protocol($protocol, &payload));
        }
    )+ };
}

never_in_next_header! {
    protocol_0_would_be_hop_by_hop_options 0
    protocol_43_would_be_a_routing_header 43
    protocol_44_would_be_a_fragment_header 44
    protocol_51_would_no_longer_authenticate 51
    protocol_58_would_speak_icmpv6_to_the_fabric 58
    protocol_59_would_be_no_next_header 59
    protocol_60_would_be_destination_options 60
    protocol_97_would_forge_raw_frames 97
    protocol_135_would_be_a_mobility_header 135
    protocol_139_would_be_hip 139
    protocol_140_would_be_shim6 140
}

#[test]
fn all_other_protocols_are_in_next_header() {
    const RAW: [u8; 11] = [0, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140];
    for protocol in (0..=255).filter(|number| !RAW.contains(number)) {
        let sent = v4(A, G).protocol(protocol, &[8, 0, 0xf7, 0xff, 0, 0, 0, 0]);
        let next_header = if protocol == 1 { 58 } else { protocol };
        assert_eq!(on_the_fabric(&sent)[20], next_header);
    }
}

#[test]
fn what_ipv6_has_no_place_for_goes_raw() {
    // Record route, timestamp, router alert.
    goes_raw(
        &v4(A, G)
            .id(1)
            .options(&[7, 7, 4, 0, 0, 0, 0])
            .udp(1, 2, b"x"),
    );
    goes_raw(
        &v4(A, G)
            .id(1)
            .options(&[68, 8, 5, 0, 0, 0, 0, 0])
            .udp(1, 2, b"x"),
    );
    goes_raw(&v4(A, G).id(1).options(&[148, 4, 0, 0]).udp(1, 2, b"x"));
    goes_raw(&v4(A, G).id(1).reserved_flag().udp(1, 2, b"x"));
}

#[test]
fn fragments_that_ipv6_cannot_say_go_raw() {
    let fragment = |offset, more, len| {
        let ip = v4(A, G).id(9).fragment(offset, more);
        ip.protocol(17, &vec![3; len])
    };
    goes_raw(&fragment(0, true, 100)); // Not a multiple of 8, and more follows.
    goes_raw(&fragment(0x1fff, false, 100)); // Ends beyond 65 535.
    goes_raw(&fragment(5, false, 0)); // Empty.
}

#[test]
fn all_fragments_of_icmp_go_raw() {
    for (offset, more) in [(0, true), (1, true), (2, false)] {
        goes_raw(
            &v4(A, G)
                .id(9)
                .fragment(offset, more)
                .protocol(1, &[8, 0, 1, 2, 3, 4, 5, 6]),
        );
    }
}

#[test]
fn a_checksum_that_is_the_other_zero_goes_raw() {
    let other_zero = || v4(A, G).id(5).checksum(Checksum::Exactly(0xffff));
    goes_raw(&other_zero().tcp(1, 2, b"x"));
    goes_raw(&other_zero().icmp_echo(1, 2, b"x"));
    // In a second fragment, too, where TCP's checksum may be.
    let mut tcp = [0u8; 16];
    tcp[..2].fill(0xff);
    goes_raw(&v4(A, G).id(5).fragment(2, false).protocol(6, &tcp));
    // UDP has one zero only.
    let udp = other_zero().udp(1, 2, b"x");
    assert_eq!(on_the_fabric(&udp)[20], 17);
}

#[test]
fn icmp_that_says_more_than_icmpv6_can_goes_raw() {
    for kind in [(4, 0), (5, 1), (13, 0), (17, 0), (8, 1), (0, 255), (200, 0)] {
        goes_raw(&v4(A, G).id(2).icmp(kind, (1, 2), &[0x45; 28]));
    }
    for len in 0..8 {
        goes_raw(&v4(A, G).id(2).protocol(1, &[8, 0, 0, 0, 0, 0, 0, 0][..len]));
    }
}

#[test]
fn the_label_and_the_class_are_those_of_the_packet_inside() {
    let ip = v4(A, G).ttl(37).tos(0xb9).dont_fragment();
    let fabric = on_the_fabric(&ip.options(&[1]).udp(1, 2, b"x"));
    assert_eq!(fabric[14..16], [0x6b, 0x90 | fabric[15] & 0x0f]);
    let label = u32::from_be_bytes([0, fabric[15] & 0x0f, fabric[16], fabric[17]]);
    assert_eq!(label >> 11, 37 << 1 | 1);
}

#[test]
fn congestion_on_the_fabric_is_told_inside() {
    // RFC 6040 §4.2, by the inner packet's ECN.
    for (ecn, arrives) in [(0b00u8, 0b00u8), (0b01, 0b11), (0b10, 0b11), (0b11, 0b11)] {
        let ip = |ecn: u8| v4(A, G).id(1).tos(0xb8 | ecn).options(&[148, 4, 0, 0]);
        let mut fabric = on_the_fabric(&ip(ecn).udp(1, 2, b"x"));
        fabric[15] |= 0x30;
        let arrived = Plan::of(Site::S)
            .host()
            .substrate_delivers(&cross(&fabric, Site::S));
        let arrived = arrived.forwarded(G.port);
        let bare = [&arrived[..12], &arrived[16..]].concat();
        assert_eq!(bare, ip(arrives).udp(1, 2, b"x"));
    }
}

/// What S makes of a raw frame that claims to come from A's interface.
fn s_hears(inner: &[u8]) -> Outcome {
    s_of(Plan::of(Site::S), Site::R.substrate(FRONT, A.ip), inner)
}

fn s_of(plan: Plan, source: SubstrateAddr, inner: &[u8]) -> Outcome {
    let destination = Site::S.substrate(FRONT, G.ip);
    let outer = Frame::between(router_mac(0), Site::S.uplink_mac(S_UPLINK));
    let outer = outer.ipv6(source.to_ipv6(), destination.to_ipv6());
    let etherip = [&[0x30, 0], inner].concat();
    plan.host()
        .substrate_delivers(&outer.protocol(97, &etherip))
}

#[test]
fn what_is_inside_must_be_of_whom_the_outside_proves() {
    let inner = |ip: packet::build::Ipv4| ip.options(&[1]).udp(1, 2, b"x");
    s_hears(&inner(v4(A, G))).forwarded(G.port);
    let not_proven = [
        inner(frame(D, G).ipv4(A.ip, G.ip)), // D's MAC.
        inner(frame(A, G).ipv4(D.ip, G.ip)), // D's address.
        inner(frame(A, G).ipv4([10, 0, 0, 99], G.ip)),
        inner(frame(A, J).ipv4(A.ip, G.ip)), // To another MAC …
        inner(frame(A, G).ipv4(A.ip, D.ip)), // … or address.
        inner(Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, [255; 4])),
    ];
    for inner in not_proven {
        assert_eq!(s_hears(&inner).dropped(), DropReason::RawNotProven);
    }
    // Both addresses of one interface are as good.
    let d = Site::R.substrate(FRONT, D.ip);
    let second = inner(frame(D, G).ipv4(crate::bench::D_SECOND, G.ip));
    s_of(Plan::of(Site::S), d, &second).forwarded(G.port);
}

#[test]
fn raw_frames_that_no_vswitch_makes_are_refused() {
    let ipv4 = v4(A, G).options(&[1]).udp(1, 2, b"x");
    let tagged = frame(A, G)
        .vlan(VLAN_FRONT)
        .ipv4(A.ip, G.ip)
        .udp(1, 2, b"x");
    assert_eq!(s_hears(&tagged).dropped(), DropReason::RawMalformed);
    let arp = frame(A, G).arp_request(A.ip, G.ip);
    assert_eq!(s_hears(&arp).dropped(), DropReason::EtherTypeNotAllowed);
    let wrong = frame(A, G).ipv4(A.ip, G.ip).wrong_header_checksum();
    assert_eq!(
        s_hears(&wrong.udp(1, 2, b"x")).dropped(),
        DropReason::BadIpChecksum
    );
    for len in 0..ipv4.len() {
        assert!(
            matches!(s_hears(&ipv4[..len]).cx.verdict, Verdict::Drop(_)),
            "{len}"
        );
    }
    // From an address that nobody has.
    let forged = Site::R.substrate(FRONT, [10, 0, 0, 99]);
    let outcome = s_of(Plan::of(Site::S), forged, &ipv4);
    assert_eq!(outcome.dropped(), DropReason::SourceNotProven);
}

#[test]
fn a_nodes_own_etherip_stays_inside() {
    // A sends, as protocol 97, a raw frame that claims to be from D.
    let forged = frame(D, G).ipv4(D.ip, G.ip).udp(1, 2, b"x");
    let sent = v4(A, G)
        .id(4)
        .protocol(97, &[&[0x30, 0], &forged[..]].concat());
    goes_raw(&sent);
}

const PROFINET: EtherType = EtherType::new(0x8892);

fn allowing(site: Site) -> Plan {
    let mut plan = Plan::of(site);
    plan.segment(FRONT).ethertypes.push(PROFINET);
    plan
}

#[test]
fn an_ethertype_passes_where_the_segment_allows_it() {
    let sent = frame(A, G).carrying(PROFINET, &[5; 46]);
    let mut r = allowing(Site::R).host();
    let fabric = r.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    assert_eq!(&fabric[56..], sent);
    let there = |plan: Plan| plan.host().substrate_delivers(&cross(&fabric, Site::S));
    let arrived = there(allowing(Site::S)).forwarded(G.port);
    assert_eq!([&arrived[..12], &arrived[16..]].concat(), sent);
    // Each host holds to what its own segment says.
    assert_eq!(
        there(Plan::of(Site::S)).dropped(),
        DropReason::EtherTypeNotAllowed
    );
    // And on one host.
    let near = frame(A, D).carrying(PROFINET, &[5; 46]);
    let near = r.node_sends(A.port, &near).forwarded(D.port);
    assert_eq!(near[12..18], [0x81, 0, 0, VLAN_FRONT as u8, 0x88, 0x92]);
    let mut strict = Plan::of(Site::R).host();
    assert_eq!(
        strict.node_sends(A.port, &sent).dropped(),
        DropReason::EtherTypeNotAllowed
    );
}

#[test]
fn what_cannot_be_cut_and_does_not_fit_is_dropped() {
    let fits = |plan: Plan, len| {
        let sent = frame(A, G).carrying(PROFINET, &vec![5; len]);
        plan.host().node_sends(A.port, &sent)
    };
    // 1600 on the uplink: 1544 behind 40 + 2 + 14; the segment's 1500 is less.
    fits(allowing(Site::R), 1500).forwarded(R_UPLINKS[0]);
    assert_eq!(
        fits(allowing(Site::R), 1501).dropped(),
        DropReason::RawTooBig
    );
    let plan = || allowing(Site::R).segment_mtu(9000);
    assert_eq!(fits(plan(), 1544).forwarded(R_UPLINKS[0]).len(), 14 + 1600);
    assert_eq!(fits(plan(), 1545).dropped(), DropReason::RawTooBig);
}

#[test]
fn a_dhcp_client_reaches_a_server_it_knows() {
    // RFC 2131 §4.4.5 has it unicast; from 0.0.0.0 it names nobody in IP.
    let sent = frame(A, G).ipv4([0; 4], [255; 4]).udp(68, 67, &[1; 240]);
    goes_raw(&sent);
}

#[test]
fn raw_frames_cross_both_ways_through_one_host() {
    let (mut r, mut s): (Host, Host) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    let reply = frame(G, A).vlan(VLAN_FRONT).ipv4(G.ip, A.ip).options(&[1]);
    let arrived = over_the_fabric(&mut s, &mut r, G.port, &reply.udp(2, 1, b"x"));
    let bare = frame(G, A).ipv4(G.ip, A.ip).options(&[1]).udp(2, 1, b"x");
    assert_eq!(arrived.forwarded(A.port), bare);
}
