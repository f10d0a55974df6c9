//! Which frame belongs to which interface, by (port, tag, source MAC).

use datapath::pipeline::DropReason;
use packet::build::{Frame, padded};
use packet::{EtherType, MacAddr, SegmentId};

use crate::bench::{
    A, B, BACK, C, D, E, E_BACK, F, F_BACK, FRONT, G, Host, LAN, NOBODY, Node, Plan, Site,
    VLAN_BACK, VLAN_FRONT, segment, tagged, v4,
};

/// The segment and MAC of the interface that a frame on a port of R is from.
#[track_caller]
fn sender(port: u16, frame: &[u8]) -> (SegmentId, MacAddr) {
    let outcome = Plan::of(Site::R).host().node_sends(port, frame);
    let from = outcome
        .cx
        .from
        .unwrap_or_else(|| panic!("{:?}", outcome.cx));
    (from.segment, from.mac)
}

#[track_caller]
fn refused(port: u16, frame: &[u8]) -> DropReason {
    let outcome = Plan::of(Site::R).host().node_sends(port, frame);
    assert_eq!(outcome.cx.from, None);
    outcome.dropped()
}

#[test]
fn access_links_take_untagged_frames() {
    for (node, id) in [(A, FRONT), (C, BACK), (B, LAN)] {
        let sent = v4(node, G).udp(1, 2, b"");
        assert_eq!(sender(node.port, &sent), (segment(id), node.mac));
        let sent = tagged(VLAN_FRONT, node, G).udp(1, 2, b"");
        assert_eq!(refused(node.port, &sent), DropReason::TaggedOnAccess);
    }
}

#[test]
fn one_port_and_mac_is_two_interfaces_by_tag() {
    let front = tagged(VLAN_FRONT, E, G).udp(1, 2, b"");
    assert_eq!(sender(E.port, &front), (segment(FRONT), E.mac));
    let back = tagged(VLAN_BACK, E_BACK, C).udp(1, 2, b"");
    assert_eq!(sender(E.port, &back), (segment(BACK), E.mac));
}

#[test]
fn one_port_and_tag_is_two_interfaces_by_mac() {
    for node in [D, E] {
        let sent = tagged(VLAN_FRONT, node, G).udp(1, 2, b"");
        assert_eq!(sender(3, &sent), (segment(FRONT), node.mac));
    }
}

#[test]
fn pure_trunks_refuse_untagged_frames_and_tags_they_do_not_carry() {
    let untagged = v4(D, G).udp(1, 2, b"");
    assert_eq!(refused(D.port, &untagged), DropReason::UntaggedOnTrunk);
    // D is in `front` only; E shares the port and is in `back`.
    let back = tagged(VLAN_BACK, D, C).udp(1, 2, b"");
    assert_eq!(refused(D.port, &back), DropReason::UnknownTag);
    for vlan in [1, 4094, 4095] {
        let sent = tagged(vlan, D, G).udp(1, 2, b"");
        assert_eq!(refused(D.port, &sent), DropReason::UnknownTag, "{vlan}");
    }
}

#[test]
fn a_native_vlan_is_untagged_and_the_others_tagged() {
    let native = v4(F, A).udp(1, 2, b"");
    assert_eq!(sender(F.port, &native), (segment(FRONT), F.mac));
    let back = tagged(VLAN_BACK, F_BACK, C).udp(1, 2, b"");
    assert_eq!(sender(F.port, &back), (segment(BACK), F.mac));
    // The native VLAN with its tag on is not what the link says.
    let front = tagged(VLAN_FRONT, F, A).udp(1, 2, b"");
    assert_eq!(refused(F.port, &front), DropReason::UnknownTag);
}

#[test]
fn a_priority_tag_means_untagged() {
    // IEEE 802.1Q §6.9.1, with any priority.
    for control in [0x0000, 0xa000, 0xf000] {
        let sent = Frame::between(A.mac, G.mac)
            .tag(EtherType::DOT1Q, control)
            .ipv4(A.ip, G.ip)
            .udp(1, 2, b"");
        assert_eq!(sender(A.port, &sent), (segment(FRONT), A.mac));
        let sent = Frame::between(D.mac, G.mac)
            .tag(EtherType::DOT1Q, control)
            .ipv4(D.ip, G.ip)
            .udp(1, 2, b"");
        assert_eq!(refused(D.port, &sent), DropReason::UntaggedOnTrunk);
    }
}

#[test]
fn priority_and_drop_eligible_bits_are_not_part_of_the_vlan() {
    let sent = Frame::between(D.mac, G.mac)
        .tag(EtherType::DOT1Q, 0xf000 | VLAN_FRONT)
        .ipv4(D.ip, G.ip)
        .udp(1, 2, b"");
    assert_eq!(sender(D.port, &sent), (segment(FRONT), D.mac));
}

#[test]
fn a_mac_is_known_only_on_its_own_port() {
    let stranger = Node { mac: NOBODY, ..A };
    let sent = v4(stranger, G).udp(1, 2, b"");
    assert_eq!(refused(A.port, &sent), DropReason::UnknownMac);
    let elsewhere = v4(A, G).udp(1, 2, b"");
    assert_eq!(refused(C.port, &elsewhere), DropReason::UnknownMac);
    // A port that does not exist has no interfaces.
    assert_eq!(refused(99, &elsewhere), DropReason::UnknownMac);
}

#[test]
fn groups_and_zero_are_no_source_macs() {
    for mac in [
        MacAddr::ZERO,
        MacAddr::BROADCAST,
        MacAddr::new([1, 0, 0x5e, 0, 0, 1]),
    ] {
        let sent = Frame::between(mac, G.mac).ipv4(A.ip, G.ip).udp(1, 2, b"");
        assert_eq!(refused(A.port, &sent), DropReason::SourceMacInvalid);
    }
}

#[test]
fn two_tags_are_refused_in_any_order_and_kind() {
    let kinds = [EtherType::DOT1Q, EtherType::DOT1AD];
    for outer in kinds {
        for inner in kinds {
            let sent = Frame::between(D.mac, G.mac)
                .tag(outer, VLAN_FRONT)
                .tag(inner, VLAN_FRONT)
                .ipv4(D.ip, G.ip)
                .udp(1, 2, b"");
            assert_eq!(refused(D.port, &sent), DropReason::DoubleTagged);
        }
    }
}

#[test]
fn every_cut_of_a_frame_is_refused_as_truncated() {
    let whole = tagged(VLAN_FRONT, D, A).udp(1, 2, b"payload");
    let mut r = Plan::of(Site::R).host();
    for len in 0..whole.len() {
        let outcome = r.node_sends(D.port, &whole[..len]);
        assert_eq!(outcome.dropped(), DropReason::Truncated, "{len} bytes");
    }
    assert_eq!(
        r.node_sends(D.port, &whole).forwarded(A.port).len(),
        whole.len() - 4
    );
}

#[test]
fn ethernet_padding_is_cut_off() {
    let mut r = Plan::of(Site::R).host();
    let bare = v4(A, F).udp(1, 2, b"x");
    let arrived = r
        .node_sends(A.port, &padded(bare.clone()))
        .forwarded(F.port);
    assert_eq!(arrived, bare);
    // Also where the padding is no zeros, and behind a tag.
    let mut odd = tagged(VLAN_FRONT, D, A).udp(1, 2, b"x");
    let bare = v4(D, A).udp(1, 2, b"x");
    odd.extend([0xee; 13]);
    assert_eq!(r.node_sends(D.port, &odd).forwarded(A.port), bare);
}

#[test]
fn impossible_ipv4_headers_are_refused() {
    let wrong = |frame: Vec<u8>| refused_after(&frame);
    for version_ihl in [0x55, 0x65, 0x05, 0x44, 0x40, 0x4f] {
        let sent = v4(A, F).version_ihl(version_ihl).udp(1, 2, b"x");
        assert_eq!(wrong(sent), DropReason::BadIpHeader, "{version_ihl:02x}");
    }
    for total_len in [0, 19] {
        let sent = v4(A, F).total_len(total_len).udp(1, 2, b"x");
        assert_eq!(wrong(sent), DropReason::BadIpHeader, "{total_len}");
    }
    let sent = v4(A, F).total_len(30).udp(1, 2, b"x");
    assert_eq!(wrong(sent), DropReason::Truncated);
    let sent = v4(A, F).wrong_header_checksum().udp(1, 2, b"x");
    assert_eq!(wrong(sent), DropReason::BadIpChecksum);
}

fn refused_after(frame: &[u8]) -> DropReason {
    Plan::of(Site::R).host().node_sends(A.port, frame).dropped()
}

#[test]
fn a_header_is_enough() {
    let mut r = Plan::of(Site::R).host();
    let empty = v4(A, F).protocol(253, b"");
    assert_eq!(r.node_sends(A.port, &empty).forwarded(F.port), empty);
}

#[test]
fn each_packet_is_on_the_line_of_its_port_and_segment() {
    let mut r = Plan::of(Site::R).host();
    let rows = |r: &Host, port: u16, id: u32| {
        let port = vnet::compiled::PortId(port);
        r.tables.drawn.ports.rows().of(port, Some(segment(id)))
    };
    let of_e = r.node_sends(E.port, &tagged(VLAN_BACK, E_BACK, C).udp(1, 2, b""));
    assert_eq!(of_e.cx.row, rows(&r, E.port, BACK));
    let of_d = r.node_sends(D.port, &tagged(VLAN_FRONT, D, A).udp(1, 2, b""));
    assert_eq!(of_d.cx.row, rows(&r, D.port, FRONT));
    assert_ne!(of_e.cx.row, of_d.cx.row);
    // Who cannot be told is on the line of the port alone.
    let nobody = r.node_sends(D.port, &v4(A, G).udp(1, 2, b""));
    let port_alone = r.row(vnet::compiled::PortId(D.port));
    assert_eq!(nobody.cx.row, port_alone);
}
