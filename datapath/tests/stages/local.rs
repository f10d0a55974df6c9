//! Delivery on the same host: what arrives is what was sent, with the tag that
//! the receiver's link wants.

use packet::EtherType;
use packet::build::{Checksum, Frame, Ipv4};

use crate::bench::{
    A, C, D, E, E_BACK, F, F_BACK, FRONT, Node, Plan, Site, VLAN_BACK, VLAN_FRONT, tagged, v4,
};

/// `sent` by a node arrives as `expected` at another.
#[track_caller]
fn arrives(from: Node, sent: &[u8], to: Node, expected: &[u8]) {
    let mut r = Plan::of(Site::R).host();
    let arrived = r.node_sends(from.port, sent).forwarded(to.port);
    assert_eq!(arrived, expected);
}

#[test]
fn the_receivers_link_decides_the_tag() {
    let data = b"tag";
    // Access to native, access to trunk, trunk to access, trunk to native.
    arrives(A, &v4(A, F).udp(1, 2, data), F, &v4(A, F).udp(1, 2, data));
    let to_trunk = tagged(VLAN_FRONT, A, D).udp(1, 2, data);
    arrives(A, &v4(A, D).udp(1, 2, data), D, &to_trunk);
    let from_trunk = tagged(VLAN_FRONT, D, A).udp(1, 2, data);
    arrives(D, &from_trunk, A, &v4(D, A).udp(1, 2, data));
    let from_trunk = tagged(VLAN_FRONT, D, F).udp(1, 2, data);
    arrives(D, &from_trunk, F, &v4(D, F).udp(1, 2, data));
    // Access to a trunk's other VLAN, and trunk to trunk in it.
    let to_back = tagged(VLAN_BACK, C, F_BACK).udp(1, 2, data);
    arrives(C, &v4(C, F_BACK).udp(1, 2, data), F, &to_back);
    let back = tagged(VLAN_BACK, E_BACK, F_BACK).udp(1, 2, data);
    arrives(E, &back, F, &back);
}

#[test]
fn two_nodes_behind_one_port_reach_each_other_through_it() {
    let hairpin = tagged(VLAN_FRONT, D, E).udp(1, 2, b"hairpin");
    arrives(D, &hairpin, E, &hairpin);
}

#[test]
fn nothing_in_the_packet_is_touched() {
    let kinds: Vec<fn(Ipv4) -> Vec<u8>> = vec![
        |ip| ip.ttl(1).udp(1, 2, b"ttl 1"),
        |ip| ip.ttl(0).udp(1, 2, b"ttl 0"),
        |ip| {
            ip.ttl(255)
                .tos(0xff)
                .id(0xbeef)
                .dont_fragment()
                .tcp(1, 2, b"all")
        },
        |ip| ip.reserved_flag().udp(1, 2, b"reserved"),
        |ip| ip.options(&[7, 7, 4, 0, 0, 0, 0]).udp(1, 2, b"options"),
        |ip| ip.fragment(0, true).id(9).protocol(17, &[7; 64]),
        |ip| ip.fragment(100, true).id(9).protocol(17, &[7; 64]),
        |ip| ip.fragment(8191, false).id(9).protocol(1, &[7; 8]),
        |ip| ip.checksum(Checksum::Wrong).tcp(1, 2, b"wrong"),
        |ip| ip.checksum(Checksum::Exactly(0)).udp(1, 2, b"none"),
        |ip| ip.icmp((3, 4), (0, 1400), &[0x45; 28]),
        |ip| ip.icmp((13, 0), (1, 1), &[0; 12]),
    ];
    for kind in kinds {
        let sent = kind(v4(A, F));
        arrives(A, &sent, F, &sent);
        arrives(A, &kind(v4(A, D)), D, &kind(tagged(VLAN_FRONT, A, D)));
    }
    for protocol in 0..=255 {
        let sent = v4(A, F).protocol(protocol, b"anything at all..");
        arrives(A, &sent, F, &sent);
    }
}

#[test]
fn the_tag_of_a_delivered_frame_has_priority_0() {
    let sent = Frame::between(D.mac, E.mac)
        .tag(EtherType::DOT1Q, 0xb000 | VLAN_FRONT)
        .ipv4(D.ip, E.ip)
        .udp(1, 2, b"");
    arrives(D, &sent, E, &tagged(VLAN_FRONT, D, E).udp(1, 2, b""));
}

#[test]
fn the_segments_mtu_holds_between_two_nodes_of_one_host() {
    let mut plan = Plan::of(Site::R);
    plan.segment(FRONT).mtu = 1000;
    let mut r = plan.host();
    let fits = v4(A, F).udp(1, 2, &[0; 1000 - 28]);
    assert_eq!(r.node_sends(A.port, &fits).forwarded(F.port), fits);
    let larger = v4(A, F).udp(1, 2, &[0; 1001 - 28]);
    assert_eq!(r.node_sends(A.port, &larger).cut(F.port).len(), 2);
    // The tag is not part of it.
    let fits = tagged(VLAN_FRONT, D, E).udp(1, 2, &[0; 1000 - 28]);
    assert_eq!(r.node_sends(D.port, &fits).forwarded(E.port), fits);
    // Nor is it another segment's.
    let back = v4(C, E_BACK).udp(1, 2, &[0; 1001 - 28]);
    r.node_sends(C.port, &back).forwarded(E.port);
}
