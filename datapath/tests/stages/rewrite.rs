//! The rewrite: what crosses the fabric is plain IPv6 with right checksums,
//! and what arrives is what was sent.

use packet::build::{Checksum, Ipv4, Payload};
use packet::ipv6::Ipv6Header;
use packet::{IpProtocol, MacAddr};
use zerocopy::FromBytes;

use crate::bench::check::{assert_sound, pseudo_sum, transport_checksum};
use crate::bench::plan::router_mac;
use crate::bench::{
    A, C, D, FRONT, G, G_BACK, Plan, R_UPLINKS, Site, VLAN_FRONT, cross, over_the_fabric, tagged,
    v4,
};

/// What A's frame looks like on R's uplink.
#[track_caller]
pub fn on_the_fabric(sent: &[u8]) -> Vec<u8> {
    let frame = Plan::of(Site::R).host().node_sends(A.port, sent);
    frame.forwarded(R_UPLINKS[0])
}

/// What arrives at G of A's frame; the tag, which must be there, taken off.
#[track_caller]
pub fn at_g(sent: &[u8]) -> Vec<u8> {
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    let arrived = over_the_fabric(&mut r, &mut s, A.port, sent).forwarded(G.port);
    assert_eq!(arrived[12..16], [0x81, 0, 0, VLAN_FRONT as u8]);
    [&arrived[..12], &arrived[16..]].concat()
}

/// The frame with this IPv4 identification, its header checksum adjusted.
pub fn with_id(frame: &[u8], id: [u8; 2]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[18..20].copy_from_slice(&id);
    frame[24..26].copy_from_slice(&[0, 0]);
    let sum = packet::checksum::of(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// A's frame arrives at G as it was, but for the identification.
#[track_caller]
pub fn survives(sent: &[u8]) {
    let arrived = at_g(sent);
    assert_eq!(arrived, with_id(sent, [arrived[18], arrived[19]]));
}

#[test]
fn the_worked_example_is_on_the_fabric_as_1_10_says() {
    let fabric = on_the_fabric(&v4(A, G).ttl(64).icmp_echo(7, 1, b"ping"));
    assert_eq!(fabric[..6], router_mac(0).octets());
    assert_eq!(fabric[6..12], Site::R.uplink_mac(R_UPLINKS[0]).octets());
    assert_eq!(fabric[12..14], [0x86, 0xdd], "no tag, no tunnel");
    let (header, payload) = Ipv6Header::read_from_prefix(&fabric[14..]).unwrap();
    assert_eq!(header.source().to_string(), "fd00::a:0:a001:a00:2");
    assert_eq!(header.destination().to_string(), "fd00::b:0:a001:a00:3");
    assert_eq!((header.version(), header.hop_limit), (6, 64));
    assert_eq!(header.next_header, IpProtocol::ICMPV6);
    assert_eq!(header.payload_len(), payload.len());
    assert_eq!(payload[..2], [128, 0]);
    assert_sound(&fabric);
}

#[test]
fn no_tag_of_a_trunk_is_on_the_fabric() {
    let mut r = Plan::of(Site::R).host();
    let sent = tagged(VLAN_FRONT, D, G).udp(1, 2, b"data");
    let fabric = r.node_sends(D.port, &sent).forwarded(R_UPLINKS[0]);
    assert_eq!(fabric.len(), 14 + 40 + 8 + 4);
    assert_eq!(fabric[12..14], [0x86, 0xdd]);
}

#[test]
fn the_receivers_link_decides_the_tag_there_too() {
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    // In `back`, G's second interface is native on its trunk.
    let sent = v4(C, G_BACK).udp(1, 2, b"native");
    let arrived = over_the_fabric(&mut r, &mut s, C.port, &sent).forwarded(G.port);
    assert_eq!(arrived, with_id(&sent, [0, 0]));
    // The reply to A's tagged-at-G request reaches A untagged.
    let reply = tagged(VLAN_FRONT, G, A).udp(2, 1, b"reply");
    let arrived = over_the_fabric(&mut s, &mut r, G.port, &reply).forwarded(A.port);
    assert_eq!(arrived, with_id(&v4(G, A).udp(2, 1, b"reply"), [0, 0]));
}

#[test]
fn the_receiver_sees_the_senders_mac() {
    let arrived = at_g(&v4(A, G).udp(1, 2, b""));
    assert_eq!(arrived[..6], G.mac.octets());
    assert_eq!(arrived[6..12], A.mac.octets());
}

#[test]
fn tcp_udp_and_echo_of_every_length_have_right_checksums_on_both_sides() {
    type Kind = fn(Ipv4, &[u8]) -> Vec<u8>;
    let kinds: [Kind; 4] = [
        |ip, data| ip.tcp(40_000, 443, data),
        |ip, data| ip.udp(40_000, 53, data),
        |ip, data| ip.icmp_echo(0xabcd, 9, data),
        |ip, data| ip.icmp_echo_reply(0xabcd, 9, data),
    ];
    for len in (0..64u16).chain([511, 512, 1399, 1400]) {
        let data: Vec<u8> = (0..len).map(|i| i.wrapping_mul(73) as u8).collect();
        for kind in kinds {
            let sent = kind(v4(A, G), &data);
            let fabric = on_the_fabric(&sent);
            assert_sound(&fabric);
            assert!(transport_checksum(&fabric).is_some());
            survives(&sent);
            assert_sound(&at_g(&sent));
        }
    }
}

#[test]
fn udp_lite_and_dccp_have_right_checksums_on_both_sides() {
    for len in 0..40u8 {
        let data: Vec<u8> = (0..len).map(|i| i ^ 0x5a).collect();
        for payload in [
            Payload::udp_lite(1000, 2000, &data),
            Payload::dccp(1000, 2000, &data),
        ] {
            let protocol = payload.protocol.0;
            let sent = v4(A, G).carrying(payload);
            assert_eq!(pseudo_sum(&sent[26..34], protocol, &sent[34..]), 0);
            let fabric = on_the_fabric(&sent);
            assert_eq!(fabric[20], protocol);
            assert_eq!(pseudo_sum(&fabric[22..54], protocol, &fabric[54..]), 0);
            survives(&sent);
        }
    }
}

#[test]
fn what_has_no_pseudo_header_is_carried_unread() {
    // SCTP, ESP, GRE, OSPF, IPv4 in IP, 6in4, PIM, VRRP, an experiment.
    for protocol in [132, 50, 47, 89, 4, 41, 103, 112, 253] {
        for len in [0, 1, 7, 8, 33] {
            let body = vec![0xc3; len];
            let sent = v4(A, G).protocol(protocol, &body);
            let fabric = on_the_fabric(&sent);
            assert_eq!((fabric[20], &fabric[54..]), (protocol, &body[..]));
            survives(&sent);
        }
    }
}

#[test]
fn headers_cut_short_are_carried_as_they_are() {
    for protocol in [6, 17, 33, 132, 136] {
        for len in 0..24 {
            survives(&v4(A, G).protocol(protocol, &[0x99; 24][..len]));
        }
    }
}

#[test]
fn a_udp_lite_checksum_of_zero_stays_illegal() {
    // RFC 3828 §3.1: the receiver must refuse it, wherever it is.
    let ip = v4(A, G).checksum(Checksum::Exactly(0));
    survives(&ip.carrying(Payload::udp_lite(1, 2, b"illegal")));
}

#[test]
fn a_udp_checksum_of_zero_travels_as_zero() {
    // RFC 768: none. §1.4: restored as none.
    let sent = v4(A, G)
        .checksum(Checksum::Exactly(0))
        .udp(1, 2, b"unsummed");
    assert_eq!(on_the_fabric(&sent)[60..62], [0, 0]);
    survives(&sent);
}

/// A UDP datagram from A to G whose checksum is this, by choice of two bytes.
fn udp_that_sums_to(wanted: u16) -> Vec<u8> {
    (0..=u16::MAX)
        .map(|word| v4(A, G).udp(1, 2, &word.to_be_bytes()))
        .find(|frame| frame[40..42] == wanted.to_be_bytes())
        .unwrap()
}

#[test]
fn a_udp_checksum_that_computes_to_zero_is_all_ones() {
    // On this side …
    survives(&udp_that_sums_to(0xffff));
    assert_sound(&on_the_fabric(&udp_that_sums_to(0xffff)));
    // … and on the other: never 0, which would mean "none" (RFC 768).
    let becomes_zero = (0..=u16::MAX)
        .map(|word| v4(A, G).udp(1, 2, &word.to_be_bytes()))
        .find(|sent| on_the_fabric(sent)[60..62] == [0xff, 0xff])
        .unwrap();
    assert_sound(&on_the_fabric(&becomes_zero));
    survives(&becomes_zero);
}

#[test]
fn a_tcp_checksum_may_be_zero() {
    let sent = (0..=u16::MAX)
        .map(|word| v4(A, G).tcp(1, 2, &word.to_be_bytes()))
        .find(|frame| frame[50..52] == [0, 0])
        .unwrap();
    survives(&sent);
}

#[test]
fn a_wrong_checksum_stays_wrong_the_same_way() {
    for sent in [
        v4(A, G).checksum(Checksum::Wrong).tcp(1, 2, b"abc"),
        v4(A, G).checksum(Checksum::Wrong).udp(1, 2, b"abc"),
        v4(A, G).checksum(Checksum::Wrong).icmp_echo(1, 2, b"abc"),
    ] {
        let (stands, right) = transport_checksum(&on_the_fabric(&sent)).unwrap();
        assert_ne!(stands, right);
        survives(&sent);
    }
}

#[test]
fn an_echo_reply_of_nothing_but_zeros_keeps_the_checksum_that_is_right() {
    // Its sum is 0, so its checksum is 0xffff, and 0 would be wrong.
    for data in [&[][..], &[0; 5], &[0; 56]] {
        let sent = v4(A, G).icmp_echo_reply(0, 0, data);
        assert_eq!(sent[36..38], [0xff, 0xff]);
        survives(&sent);
        assert_sound(&at_g(&sent));
        // The wrong one must not arrive as the right one.
        let wrong = v4(A, G).checksum(Checksum::Exactly(0));
        let wrong = wrong.icmp_echo_reply(0, 0, data);
        assert_eq!(on_the_fabric(&wrong)[20], 97, "raw");
        survives(&wrong);
    }
}

#[test]
fn ttl_df_dscp_and_ecn_arrive_as_sent() {
    for ttl in 0..=255 {
        let ip = v4(A, G).ttl(ttl).tos(ttl.rotate_left(3));
        survives(&ip.clone().udp(1, 2, b"x"));
        survives(&ip.dont_fragment().udp(1, 2, b"x"));
    }
    let (header, _) = Ipv6Header::read_from_prefix(
        &on_the_fabric(&v4(A, G).ttl(37).tos(0xb9).dont_fragment().udp(1, 2, b""))[14..],
    )
    .unwrap();
    assert_eq!(header.traffic_class(), 0xb9);
    // 20 bits: TTL 8 | DF 1 | hash 11.
    assert_eq!(header.flow_label().get() >> 11, 37 << 1 | 1);
    assert_eq!(header.hop_limit, 64, "the substrate's own");
}

#[test]
fn substrate_hops_do_not_count() {
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    let sent = v4(A, G).ttl(1).udp(1, 2, b"x");
    let mut frame = r.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    for _ in 0..30 {
        frame = cross(&frame, Site::S);
    }
    let arrived = s.substrate_delivers(&frame).forwarded(G.port);
    assert_eq!(arrived[26], 1);
}

#[test]
fn ethernet_padding_is_not_on_the_fabric() {
    let bare = v4(A, G).udp(1, 2, b"x");
    let padded = packet::build::padded(bare.clone());
    assert_eq!(on_the_fabric(&padded), on_the_fabric(&bare));
}

#[test]
fn both_ends_of_a_flow_restore_each_others_packets() {
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    let request = v4(A, G).dont_fragment().tcp(40_000, 80, b"GET /");
    over_the_fabric(&mut r, &mut s, A.port, &request).forwarded(G.port);
    let reply = tagged(VLAN_FRONT, G, A)
        .dont_fragment()
        .tcp(80, 40_000, b"200 OK");
    let arrived = over_the_fabric(&mut s, &mut r, G.port, &reply).forwarded(A.port);
    assert_sound(&arrived);
    assert_eq!(arrived[..6], A.mac.octets());
    assert_eq!(arrived[6..12], G.mac.octets());
}

#[test]
fn identifications_are_unique_per_source_destination_and_protocol() {
    // RFC 6864 §4.3: within a datagram's lifetime; here within 65 536.
    let (mut r, mut s) = (Plan::of(Site::R).host(), Plan::of(Site::S).host());
    let mut seen = std::collections::HashMap::<(u8, Vec<u8>), Vec<u16>>::new();
    for round in 0..6000u32 {
        let ip = if round % 3 == 0 { v4(A, G) } else { v4(D, G) };
        let (port, ip) = if round % 3 == 0 {
            (A.port, ip)
        } else {
            (D.port, tagged(VLAN_FRONT, D, G))
        };
        let sent = if round % 2 == 0 {
            ip.udp(round as u16, 2, b"")
        } else {
            ip.tcp(round as u16, 2, b"")
        };
        let arrived = over_the_fabric(&mut r, &mut s, port, &sent).forwarded(G.port);
        let bare = &arrived[4..];
        let id = u16::from_be_bytes([bare[18], bare[19]]);
        let triple = (bare[23], bare[26..34].to_vec());
        seen.entry(triple).or_default().push(id);
    }
    assert_eq!(seen.len(), 4);
    for (triple, mut ids) in seen {
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{triple:?}");
    }
}

#[test]
fn slots_are_part_of_both_addresses() {
    let slot = |n| packet::Slot::new(n).unwrap();
    let plan = |site| {
        let mut plan = Plan::of(site);
        plan.mapping(FRONT, A.ip).slot = slot(5);
        plan.mapping(FRONT, G.ip).slot = slot(63);
        plan.host()
    };
    let (mut r, mut s) = (plan(Site::R), plan(Site::S));
    let sent = v4(A, G).udp(1, 2, b"x");
    let fabric = r.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    assert_eq!((fabric[30], fabric[46]), (5 << 2, 63 << 2));
    assert_sound(&fabric);
    let arrived = s
        .substrate_delivers(&cross(&fabric, Site::S))
        .forwarded(G.port);
    assert_sound(&[&arrived[..12], &arrived[16..]].concat());
    let reply = tagged(VLAN_FRONT, G, A).udp(2, 1, b"x");
    over_the_fabric(&mut s, &mut r, G.port, &reply).forwarded(A.port);
}

#[test]
fn an_unknown_next_hop_holds_the_finished_packet() {
    let mut plan = Plan::of(Site::R);
    plan.uplinks.next_hops[0].destination_mac = None;
    let outcome = plan.host().node_sends(A.port, &v4(A, G).udp(1, 2, b"x"));
    let id = plan.uplinks.next_hops[0].id;
    assert_eq!(outcome.punted(), datapath::pipeline::Punt::Resolve(id));
    // Only the destination MAC is missing.
    let known = on_the_fabric(&v4(A, G).udp(1, 2, b"x"));
    assert_eq!(outcome.frame[6..], known[6..]);
    assert_eq!(outcome.frame[..6], MacAddr::ZERO.octets());
}
