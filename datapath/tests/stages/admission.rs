//! What an interface may send: its own addresses, and no others'.

use datapath::pipeline::{DropReason, Verdict};
use packet::arp::{ArpOperation, ArpPacket};
use packet::build::Frame;
use packet::{EtherType, MacAddr};

use crate::bench::plan::ip_of;
use crate::bench::{
    A, B, C, D, D_SECOND, E, F, G, Node, Plan, Site, VLAN_FRONT, frame, tagged, v4,
};

#[track_caller]
fn refused(node: Node, frame: &[u8]) -> DropReason {
    Plan::of(Site::R)
        .host()
        .node_sends(node.port, frame)
        .dropped()
}

#[test]
fn only_own_addresses_are_sources() {
    // A neighbour's, another segment's, nobody's, none, everybody's, a group.
    for ip in [
        F.ip,
        C.ip,
        [10, 0, 0, 99],
        [0; 4],
        [255; 4],
        [224, 0, 0, 1],
        [127, 0, 0, 1],
    ] {
        let sent = frame(A, F).ipv4(ip, F.ip).udp(1, 2, b"");
        assert_eq!(refused(A, &sent), DropReason::SpoofedAddress, "{ip:?}");
    }
}

#[test]
fn every_address_of_an_interface_is_its_own() {
    let mut r = Plan::of(Site::R).host();
    for ip in [D.ip, D_SECOND] {
        let sent = frame(D, A).vlan(VLAN_FRONT).ipv4(ip, A.ip).udp(1, 2, b"");
        let arrived = r.node_sends(D.port, &sent).forwarded(A.port);
        assert_eq!(arrived[26..30], ip);
    }
}

#[test]
fn another_nodes_address_behind_the_same_port_is_refused() {
    let sent = frame(D, A).vlan(VLAN_FRONT).ipv4(E.ip, A.ip).udp(1, 2, b"");
    assert_eq!(refused(D, &sent), DropReason::SpoofedAddress);
}

#[test]
fn dhcp_from_nowhere_has_its_own_reason() {
    let discover = Frame::between(A.mac, MacAddr::BROADCAST)
        .ipv4([0; 4], [255; 4])
        .udp(68, 67, &[1; 240]);
    assert_eq!(refused(A, &discover), DropReason::DhcpNotServed);
    let other = Frame::between(A.mac, MacAddr::BROADCAST)
        .ipv4([0; 4], [255; 4])
        .udp(67, 68, &[1; 240]);
    assert_eq!(refused(A, &other), DropReason::SpoofedAddress);
}

#[test]
fn arp_senders_must_be_themselves() {
    let arp = |mac: MacAddr, ip: [u8; 4]| {
        let zero = (MacAddr::ZERO, ip_of(G.ip));
        let packet = ArpPacket::new(ArpOperation::Request, (mac, ip_of(ip)), zero);
        Frame::between(A.mac, MacAddr::BROADCAST).arp(&packet)
    };
    assert_eq!(refused(A, &arp(G.mac, A.ip)), DropReason::SpoofedArp);
    assert_eq!(
        refused(A, &arp(MacAddr::ZERO, A.ip)),
        DropReason::SpoofedArp
    );
    assert_eq!(refused(A, &arp(A.mac, G.ip)), DropReason::SpoofedArp);
    assert_eq!(refused(A, &arp(G.mac, G.ip)), DropReason::SpoofedArp);
    // A probe is admitted, but not with somebody else's MAC.
    assert_eq!(refused(A, &arp(G.mac, [0; 4])), DropReason::SpoofedArp);
    let mut r = Plan::of(Site::R).host();
    r.node_sends(A.port, &arp(A.mac, A.ip)).reply();
    // B has the same address in another network.
    let of_b = Frame::between(B.mac, MacAddr::BROADCAST).arp_announcement(B.ip);
    let outcome = r.node_sends(B.port, &of_b);
    assert!(matches!(outcome.cx.verdict, Verdict::Consume(_)));
}

#[test]
fn replies_and_announcements_of_others_addresses_are_spoofed() {
    let stolen = Frame::between(A.mac, MacAddr::BROADCAST).arp_announcement(G.ip);
    assert_eq!(refused(A, &stolen), DropReason::SpoofedArp);
    let poison = frame(A, F).arp_reply(G.ip, F.ip);
    assert_eq!(refused(A, &poison), DropReason::SpoofedArp);
}

#[test]
fn other_protocols_are_refused_by_name() {
    let v6 = frame(A, G)
        .ipv6(
            core::net::Ipv6Addr::LOCALHOST,
            core::net::Ipv6Addr::LOCALHOST,
        )
        .udp(1, 2, b"");
    assert_eq!(refused(A, &v6), DropReason::Ipv6NotYet);
    for ether_type in [0x88cc, 0x8847, 0x0026, 0xffff] {
        let sent = frame(A, G).carrying(EtherType::new(ether_type), &[0; 46]);
        assert_eq!(refused(A, &sent), DropReason::EtherTypeNotAllowed);
    }
    // Not even from the right MAC with an IPv4 packet inside.
    let hidden = v4(A, G).udp(1, 2, b"")[14..].to_vec();
    let sent = frame(A, G).carrying(EtherType::new(0x0801), &hidden);
    assert_eq!(refused(A, &sent), DropReason::EtherTypeNotAllowed);
    let short = tagged(VLAN_FRONT, D, A).udp(1, 2, b"");
    assert_eq!(refused(D, &short[..18]), DropReason::Truncated);
}
