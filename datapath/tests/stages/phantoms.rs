//! Phantom routers: nodes that forward for others.

use datapath::pipeline::DropReason;
use packet::build::{Frame, Ipv4};
use packet::ipv4::Ipv4Header;
use packet::{IpProtocol, Slot, SubstrateAddr};
use zerocopy::FromBytes;

use crate::bench::host::Host;
use crate::bench::plan::{ip_of, router_mac};
use crate::bench::{
    A, BACK, BEHIND_F, BEHIND_G, C, D, F, F_BACK, FAR, FRONT, G, H, Ip, J, L, Node, Plan,
    R_UPLINKS, S_UPLINK, Site, cross, frame, over_the_fabric, segment, v4,
};

/// Behind any of the two: J's default route leads there.
const OUTSIDE: Ip = [198, 51, 100, 9];

/// F and G are phantom routers in `front`; F in `back`, too.
fn plan(site: Site) -> Plan {
    Plan::of(site)
        .phantom(FRONT, F, &[([192, 168, 6, 0], 24), ([198, 51, 100, 0], 24)])
        .phantom(FRONT, G, &[([192, 168, 7, 0], 24), ([0, 0, 0, 0], 0)])
        .phantom(BACK, F_BACK, &[([10, 0, 0, 0], 8)])
        .default_of_j(&[F, G])
}

fn hosts() -> (Host, Host) {
    (plan(Site::R).host(), plan(Site::S).host())
}

fn r_sends(node: Node, frame: &[u8]) -> Vec<u8> {
    let mut r = plan(Site::R).host();
    r.node_sends(node.port, frame).forwarded(R_UPLINKS[0])
}

/// The addresses of an IPv6 packet in a frame: source and destination.
fn addresses(frame: &[u8]) -> [SubstrateAddr; 2] {
    [22, 38].map(|at| {
        let octets: [u8; 16] = *frame[at..].first_chunk().unwrap();
        SubstrateAddr::from_ipv6(octets.into()).unwrap()
    })
}

fn by_slot(site: Site, segment_id: u32, node: Node, address: Ip) -> SubstrateAddr {
    SubstrateAddr {
        slot: Slot::new(node.ip[3]).unwrap(),
        forward: true,
        ..site.substrate(segment_id, address)
    }
}

/// Sent as `from` to the MAC of `to`, by somebody and for somebody else.
fn via(from: Node, to: Node, source: Ip, destination: Ip) -> Ipv4 {
    frame(from, to).ipv4(source, destination)
}

/// The same with a tag, from a source to the other node itself.
fn tagged(vlan: u16, from: Node, to: Node, source: Ip) -> Ipv4 {
    frame(from, to).vlan(vlan).ipv4(source, to.ip)
}

/// The IPv4 header, which must be sound, and the source MAC of a bare frame.
#[track_caller]
fn header(frame: &[u8]) -> (Ipv4Header, [u8; 6]) {
    let (header, _) = Ipv4Header::read_from_prefix(&frame[14..]).unwrap();
    let with_options = 14 + header.header_len();
    assert_eq!(packet::checksum::of(&frame[14..with_options]), 0);
    (header, *frame[6..].first_chunk().unwrap())
}

/// Takes off the tag of a trunk.
fn bare(frame: &[u8]) -> Vec<u8> {
    assert_eq!(frame[12..14], [0x81, 0x00]);
    [&frame[..12], &frame[16..]].concat()
}

#[test]
fn what_is_for_others_reaches_it_over_the_fabric() {
    let sent = via(A, G, A.ip, BEHIND_G).ttl(9).tcp(1, 2, b"to behind");
    let crossing = r_sends(A, &sent);
    let a = Site::R.substrate(FRONT, A.ip);
    let g = by_slot(Site::S, FRONT, G, BEHIND_G);
    assert_eq!(addresses(&crossing), [a, g]);
    let mut s = plan(Site::S).host();
    let arrived = s.substrate_delivers(&cross(&crossing, Site::S));
    let arrived = bare(&arrived.forwarded(G.port));
    assert_eq!(arrived[..14], sent[..14], "between A's MAC and G's");
    assert_eq!(arrived[20..], sent[20..], "all but the identification");
}

#[test]
fn what_it_forwards_is_proved_by_its_slot() {
    let (mut r, mut s) = hosts();
    let sent = tagged(100, G, A, BEHIND_G).tcp(2, 1, b"back");
    let crossing = s.node_sends(G.port, &sent).forwarded(S_UPLINK);
    let g = by_slot(Site::S, FRONT, G, BEHIND_G);
    assert_eq!(addresses(&crossing), [g, Site::R.substrate(FRONT, A.ip)]);
    let arrived = r
        .substrate_delivers(&cross(&crossing, Site::R))
        .forwarded(A.port);
    let (ip, mac) = header(&arrived);
    assert_eq!((ip.source(), mac), (ip_of(BEHIND_G), G.mac.octets()));
}

#[test]
fn its_own_addresses_need_no_slot() {
    let [source, destination] = addresses(&r_sends(F, &v4(F, G).udp(1, 2, b"x")));
    assert_eq!(source, Site::R.substrate(FRONT, F.ip));
    assert_eq!(destination, Site::S.substrate(FRONT, G.ip));
}

#[test]
fn on_one_host_nothing_takes_the_substrate_format() {
    let mut r = plan(Site::R).host();
    let sent = via(A, F, A.ip, BEHIND_F).udp(1, 2, b"there");
    assert_eq!(r.node_sends(A.port, &sent).forwarded(F.port), sent);
    let sent = via(F, A, BEHIND_F, A.ip).udp(2, 1, b"and back");
    assert_eq!(r.node_sends(F.port, &sent).forwarded(A.port), sent);
}

#[test]
fn a_packet_goes_on_from_one_to_the_next() {
    // From F, which does not stand for it, to what is behind G.
    let (mut r, mut s) = hosts();
    let sent = via(F, G, BEHIND_F, BEHIND_G).udp(1, 2, b"from behind to behind");
    let crossing = r.node_sends(F.port, &sent).forwarded(R_UPLINKS[0]);
    let f = by_slot(Site::R, FRONT, F, BEHIND_F);
    let g = by_slot(Site::S, FRONT, G, BEHIND_G);
    assert_eq!(addresses(&crossing), [f, g]);
    let arrived = s.substrate_delivers(&cross(&crossing, Site::S));
    let arrived = bare(&arrived.forwarded(G.port));
    assert_eq!(arrived[..12], sent[..12]);
}

#[test]
fn each_segment_has_its_own_prefixes() {
    let mut r = plan(Site::R).host();
    // In `back` F stands for all of 10/8 but `back` itself.
    let in_back = |source| {
        frame(F_BACK, C)
            .vlan(200)
            .ipv4(source, C.ip)
            .udp(1, 2, b"x")
    };
    r.node_sends(F.port, &in_back(A.ip)).forwarded(C.port);
    let refused = [[10, 0, 5, 77], BEHIND_F, [127, 0, 0, 1], [10, 0, 5, 255]];
    for source in refused {
        let dropped = r.node_sends(F.port, &in_back(source)).dropped();
        assert_eq!(dropped, DropReason::SpoofedAddress, "{source:?}");
    }
    // Nobody stands for anything without saying so.
    let dropped = r.node_sends(D.port, &tagged(100, D, A, BEHIND_F).udp(1, 2, b"x"));
    assert_eq!(dropped.dropped(), DropReason::SpoofedAddress);
}

#[test]
fn frames_to_whom_nobody_can_be_are_not_passed_on() {
    let mut r = plan(Site::R).host();
    for to in [[224, 0, 0, 9], [255; 4], [127, 0, 0, 1], [0, 0, 0, 0]] {
        let dropped = r.node_sends(A.port, &via(A, F, A.ip, to).udp(1, 2, b"x"));
        let reason = dropped.dropped();
        let expected = [DropReason::NoMapping, DropReason::NotTheDestinations];
        assert!(expected.contains(&reason), "{to:?}: {reason:?}");
    }
    // To another node of the segment: as a switch has no opinion on it.
    let sent = via(A, F, A.ip, D.ip).udp(1, 2, b"x");
    r.node_sends(A.port, &sent).forwarded(F.port);
}

#[test]
fn a_logical_routers_route_leads_to_it() {
    // From H by L and J to F, on the other host, and back.
    let (mut r, mut s) = hosts();
    let flow = (1..200).find(|port| {
        let sent = via(H, L, H.ip, OUTSIDE).ttl(64).udp(*port, 2, b"out");
        let out = s.node_sends(H.port, &sent);
        out.sent.first().is_some_and(|(port, _)| port.0 == S_UPLINK)
    });
    let flow = flow.expect("some flows go by F");
    let sent = via(H, L, H.ip, OUTSIDE).ttl(64).udp(flow, 2, b"out");
    let arrived = over_the_fabric(&mut s, &mut r, H.port, &sent).forwarded(F.port);
    let (ip, mac) = header(&arrived);
    assert_eq!((ip.ttl, mac), (62, J.mac.octets()), "J was the last");
    assert_eq!(
        (ip.source(), ip.destination()),
        (ip_of(H.ip), ip_of(OUTSIDE))
    );
    let sent = via(F, J, OUTSIDE, H.ip).ttl(60).udp(2, flow, b"in");
    let arrived = over_the_fabric(&mut r, &mut s, F.port, &sent).forwarded(H.port);
    let (ip, mac) = header(&arrived);
    assert_eq!((ip.ttl, mac), (58, L.mac.octets()));
    assert_eq!(ip.source(), ip_of(OUTSIDE));
}

#[test]
fn flows_are_spread_over_several_and_each_arrives() {
    let (mut r, mut s) = hosts();
    let mut by = [0, 0];
    for port in 1..200 {
        let sent = via(H, L, H.ip, OUTSIDE).udp(port, 2, b"out");
        let (out, frame) = s.node_sends(H.port, &sent).sent.remove(0);
        if out.0 == S_UPLINK {
            by[0] += 1;
            r.substrate_delivers(&cross(&frame, Site::R))
                .forwarded(F.port);
        } else {
            assert_eq!(out.0, G.port);
            by[1] += 1;
        }
    }
    assert!(by.iter().all(|flows| *flows > 50), "{by:?}");
}

#[test]
fn another_way_than_the_drawn_one_is_denied() {
    // From `far` to a phantom router of `back`: no logical router leads there.
    let sent = Frame::between(router_mac(9), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(
            Site::S.substrate(FAR, H.ip).to_ipv6(),
            by_slot(Site::R, BACK, F_BACK, OUTSIDE).to_ipv6(),
        )
        .udp(1, 2, b"x");
    let mut r = plan(Site::R).host();
    assert_eq!(r.substrate_delivers(&sent).dropped(), DropReason::Denied);
}

#[test]
fn a_phantom_router_that_is_not_the_next_hop_is_not_reached_by_routers() {
    // D forwards, too, but J's route leads to F only.
    let both = || {
        Plan::of(Site::R)
            .phantom(FRONT, F, &[([198, 51, 100, 0], 24)])
            .phantom(FRONT, D, &[([198, 51, 100, 0], 24)])
            .default_of_j(&[F])
    };
    let delivered = |node: Node| {
        let sent = Frame::between(router_mac(9), Site::R.uplink_mac(R_UPLINKS[0]))
            .ipv6(
                Site::S.substrate(FAR, H.ip).to_ipv6(),
                by_slot(Site::R, FRONT, node, OUTSIDE).to_ipv6(),
            )
            .flow_label(64 << 12)
            .udp(1, 2, b"x");
        both().host().substrate_delivers(&sent)
    };
    delivered(F).forwarded(F.port);
    assert_eq!(delivered(D).dropped(), DropReason::Denied);
}

#[test]
fn what_goes_raw_names_the_same() {
    let (mut r, mut s) = hosts();
    let options = [7, 7, 4, 0, 0, 0, 0, 0];
    let with_options = |ip: Ipv4| ip.options(&options).icmp_echo(1, 2, b"record route");
    let sent = with_options(via(A, G, A.ip, BEHIND_G));
    let crossing = r.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
    assert_eq!(crossing[20], IpProtocol::ETHERIP.0);
    assert_eq!(
        addresses(&crossing)[1],
        by_slot(Site::S, FRONT, G, BEHIND_G)
    );
    let arrived = s.substrate_delivers(&cross(&crossing, Site::S));
    assert_eq!(bare(&arrived.forwarded(G.port)), sent);
    // A fragment of ICMP, of somebody behind G.
    let sent = via(G, A, BEHIND_G, A.ip)
        .fragment(0, true)
        .icmp_echo(1, 2, &[7; 64]);
    let tagged = [&sent[..12], &[0x81, 0, 0, 100], &sent[12..]].concat();
    let arrived = over_the_fabric(&mut s, &mut r, G.port, &tagged);
    assert_eq!(arrived.forwarded(A.port), sent);
}

#[test]
fn a_forged_slot_or_address_is_not_proven() {
    let a = Site::R.substrate(FRONT, A.ip);
    let good = by_slot(Site::S, FRONT, F, OUTSIDE);
    let slot = Slot::new(5).unwrap();
    let g = by_slot(Site::S, FRONT, G, BEHIND_G);
    let delivered = |source: SubstrateAddr| {
        let sent = Frame::between(router_mac(9), Site::R.uplink_mac(R_UPLINKS[0]))
            .ipv6(source.to_ipv6(), a.to_ipv6())
            .flow_label(64 << 12)
            .udp(1, 2, b"x");
        plan(Site::R).host().substrate_delivers(&sent)
    };
    delivered(g).forwarded(A.port);
    let forged = [
        // F's slot, on S.
        good,
        SubstrateAddr { slot, ..g },
        SubstrateAddr {
            locator: Site::R.locator(),
            ..g
        },
        SubstrateAddr {
            locator: "fd00:0:0:c::/64".parse().unwrap(),
            ..g
        },
        SubstrateAddr {
            segment: segment(BACK),
            ..g
        },
        SubstrateAddr { group: true, ..g },
        SubstrateAddr {
            forward: false,
            ..g
        },
        // In `front` itself, where G stands for nobody.
        SubstrateAddr {
            address: ip_of([10, 0, 0, 77]),
            ..g
        },
        SubstrateAddr {
            address: ip_of(D.ip),
            ..g
        },
        SubstrateAddr {
            address: ip_of([127, 0, 0, 1]),
            ..g
        },
    ];
    for source in forged {
        assert_eq!(
            delivered(source).dropped(),
            DropReason::SourceNotProven,
            "{source:?}"
        );
    }
}

#[test]
fn a_raw_frame_says_inside_what_it_says_outside() {
    let outer = |inside: &[u8], source: SubstrateAddr, destination: SubstrateAddr| {
        let payload = [&[0x30, 0x00], inside].concat();
        let sent = Frame::between(router_mac(9), Site::R.uplink_mac(R_UPLINKS[0]))
            .ipv6(source.to_ipv6(), destination.to_ipv6())
            .protocol(IpProtocol::ETHERIP.0, &payload);
        plan(Site::R).host().substrate_delivers(&sent)
    };
    let g = by_slot(Site::S, FRONT, G, BEHIND_G);
    let a = Site::R.substrate(FRONT, A.ip);
    let inside = |source, to| via(G, A, source, to).udp(1, 2, b"x");
    outer(&inside(BEHIND_G, A.ip), g, a).forwarded(A.port);
    let other = outer(&inside([192, 168, 7, 8], A.ip), g, a);
    assert_eq!(other.dropped(), DropReason::RawNotProven);
    let f = by_slot(Site::R, FRONT, F, BEHIND_F);
    let to_f = |to| frame(G, F).ipv4(BEHIND_G, to).udp(1, 2, b"x");
    outer(&to_f(BEHIND_F), g, f).forwarded(F.port);
    assert_eq!(
        outer(&to_f(OUTSIDE), g, f).dropped(),
        DropReason::RawNotProven
    );
}

#[test]
fn whoever_is_behind_it_is_told_of_a_narrow_fabric() {
    // At once, by the vswitch that knows it already …
    let sent = via(F, G, BEHIND_F, BEHIND_G)
        .dont_fragment()
        .udp(1, 2, &[7; 1400]);
    let mut r = plan(Site::R).path_mtu(1300).host();
    let told = r.node_sends(F.port, &sent).reply();
    let (ip, _) = header(&told);
    assert_eq!(told[..6], F.mac.octets(), "by way of F");
    assert_eq!(ip.destination(), ip_of(BEHIND_F));
    assert_eq!(told[34..36], [3, 4]);
    // … or by a router of the fabric.
    let mut r = plan(Site::R).host();
    let crossing = r.node_sends(F.port, &sent).forwarded(R_UPLINKS[0]);
    let error = Frame::between(router_mac(9), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(
            "fd00:0:0:ff::1".parse::<core::net::Ipv6Addr>().unwrap(),
            addresses(&crossing)[0].to_ipv6(),
        )
        .icmp((2, 0), (0, 1300), &crossing[14..14 + 1232]);
    let told = r.substrate_delivers(&error).forwarded(F.port);
    let (ip, _) = header(&told);
    assert_eq!(told[..6], F.mac.octets());
    assert_eq!(ip.destination(), ip_of(BEHIND_F));
    assert_eq!(
        (&told[34..36], &told[40..42]),
        (&[3, 4][..], &[5, 0][..]),
        "1280"
    );
}
