//! Too large, and DF is set: the node hears which size gets through, at once.

use core::time::Duration;

use datapath::pipeline::DropReason;
use packet::build::Ipv4;
use packet::{EtherType, IpProtocol};

use crate::bench::check::ones_sum;
use crate::bench::{A, D, F, G, I, J, K, Node, Plan, R_UPLINKS, Site, VLAN_FRONT, tagged, v4};

/// The parts of an ICMP error in a bare frame.
struct Heard {
    source: [u8; 4],
    kind: (u8, u8),
    mtu: u16,
    quoted: Vec<u8>,
}

#[track_caller]
fn heard(frame: &[u8], by: Node, from: Node) -> Heard {
    assert_eq!(frame[..6], by.mac.octets());
    assert_eq!(frame[6..12], from.mac.octets());
    assert_eq!(frame[12..14], EtherType::IPV4.get().to_be_bytes());
    let packet = &frame[14..];
    assert_eq!(
        usize::from(u16::from_be_bytes([packet[2], packet[3]])),
        packet.len()
    );
    assert!(packet.len() <= 576);
    assert_eq!(ones_sum(&packet[..20]), 0);
    assert_eq!(IpProtocol(packet[9]), IpProtocol::ICMP);
    assert_eq!(packet[16..20], by.ip);
    assert_eq!(ones_sum(&packet[20..]), 0);
    Heard {
        source: [packet[12], packet[13], packet[14], packet[15]],
        kind: (packet[20], packet[21]),
        mtu: u16::from_be_bytes([packet[26], packet[27]]),
        quoted: packet[28..].to_vec(),
    }
}

/// What A hears of a packet to G.
#[track_caller]
fn a_hears(plan: Plan, sent: &[u8]) -> Heard {
    heard(&plan.host().node_sends(A.port, sent).reply(), A, J)
}

fn jumbo() -> Plan {
    Plan::of(Site::R).segment_mtu(9000)
}

fn df() -> Ipv4 {
    v4(A, G).id(0x1234).ttl(37).dont_fragment()
}

#[test]
fn each_form_has_its_own_mtu() {
    // 1600 on the uplink.
    for (sent, mtu) in [
        (df().udp(1, 2, &[5; 3000]), 1600 - 20),
        (df().tcp(1, 2, &[5; 3000]), 1600 - 20),
        (df().icmp_echo(1, 2, &[5; 3000]), 1600 - 20),
        (df().fragment(0, true).protocol(17, &[5; 3000]), 1600 - 28),
        (df().options(&[1]).udp(1, 2, &[5; 3000]), 1600 - 56),
        (df().protocol(51, &[5; 3000]), 1600 - 56),
    ] {
        let heard = a_hears(jumbo(), &sent);
        assert_eq!((heard.kind, heard.mtu), ((3, 4), mtu));
        assert_eq!(heard.source, J.ip, "the segment's router");
        assert_eq!(heard.quoted, &sent[14..14 + 548]);
    }
}

#[test]
fn what_just_fits_passes_and_one_byte_more_does_not() {
    let at = |len: usize| {
        let sent = df().protocol(253, &vec![1; len - 20]);
        jumbo().host().node_sends(A.port, &sent)
    };
    assert_eq!(at(1580).forwarded(R_UPLINKS[0]).len(), 14 + 1600);
    at(1581).reply();
    let raw = |len: usize| {
        let sent = df().protocol(51, &vec![1; len - 20]);
        jumbo().host().node_sends(A.port, &sent)
    };
    assert_eq!(raw(1544).forwarded(R_UPLINKS[0]).len(), 14 + 1600);
    raw(1545).reply();
}

#[test]
fn the_segments_mtu_is_told_where_it_is_the_less() {
    let heard_far = a_hears(Plan::of(Site::R), &df().udp(1, 2, &[5; 1473]));
    assert_eq!(heard_far.mtu, 1500);
    let near = v4(A, F).dont_fragment().udp(1, 2, &[5; 1473]);
    assert_eq!(a_hears(Plan::of(Site::R), &near).mtu, 1500);
}

#[test]
fn a_learned_path_is_told_until_it_is_forgotten() {
    let sent = df().udp(1, 2, &[5; 1400]);
    let mut host = Plan::of(Site::R).path_mtu(1300).host();
    let reply = host.node_sends(A.port, &sent).reply();
    assert_eq!(heard(&reply, A, J).mtu, 1280);
    let cut = host
        .node_sends(A.port, &v4(A, G).udp(1, 2, &[5; 1400]))
        .cut(R_UPLINKS[0]);
    assert!(cut.iter().all(|frame| frame.len() <= 14 + 1300));
    host.now = Duration::from_mins(10);
    host.node_sends(A.port, &sent).forwarded(R_UPLINKS[0]);
}

#[test]
fn without_a_router_the_dummy_address_speaks() {
    // Segment `loose` has none.
    let sent = v4(I, K).dont_fragment().udp(1, 2, &[5; 1473]);
    let reply = Plan::of(Site::R).host().node_sends(I.port, &sent).reply();
    let heard = heard(&reply, I, K);
    assert_eq!(heard.source, [192, 0, 0, 8]);
    assert_eq!((heard.kind, heard.mtu), ((3, 4), 1500));
}

#[test]
fn a_trunks_node_hears_it_with_its_tag() {
    let sent = tagged(VLAN_FRONT, D, G)
        .dont_fragment()
        .udp(1, 2, &[5; 1473]);
    let reply = Plan::of(Site::R).host().node_sends(D.port, &sent).reply();
    assert_eq!(reply[12..16], [0x81, 0, 0, VLAN_FRONT as u8]);
    let bare = [&reply[..12], &reply[16..]].concat();
    assert_eq!(heard(&bare, D, J).quoted, &sent[18..18 + 548]);
}

#[test]
fn there_is_no_error_about_an_error_or_a_later_fragment() {
    let mut host = jumbo().host();
    for sent in [
        df().icmp((3, 1), (0, 0), &[5; 3000]),
        df().icmp((11, 0), (0, 0), &[5; 3000]),
        df().fragment(100, true).protocol(17, &[5; 3000]),
    ] {
        assert_eq!(host.node_sends(A.port, &sent).dropped(), DropReason::TooBig);
    }
}

#[test]
fn who_does_not_listen_is_not_told_without_end() {
    let mut host = jumbo().host();
    let sent = df().udp(1, 2, &[5; 3000]);
    for _ in 0..32 {
        host.node_sends(A.port, &sent).reply();
    }
    assert_eq!(
        host.node_sends(A.port, &sent).dropped(),
        DropReason::ErrorRateLimited
    );
    // Others are.
    let other = v4(F, G).dont_fragment().udp(1, 2, &[5; 3000]);
    host.node_sends(F.port, &other).reply();
    host.now = Duration::from_secs(1);
    host.node_sends(A.port, &sent).reply();
}

#[test]
fn a_source_route_is_refused_wherever_it_leads() {
    for (kind, to) in [(131, G), (137, G), (131, F)] {
        let sent = v4(A, to)
            .options(&[1, kind, 7, 4, 10, 0, 0, 3])
            .udp(1, 2, b"x");
        let heard = a_hears(Plan::of(Site::R), &sent);
        assert_eq!((heard.kind, heard.mtu), ((3, 5), 0));
        assert_eq!(heard.quoted, &sent[14..]);
    }
    // What looks like one inside another option is none.
    let sent = v4(A, F).options(&[7, 7, 4, 131, 7, 4, 10]).udp(1, 2, b"x");
    Plan::of(Site::R)
        .host()
        .node_sends(A.port, &sent)
        .forwarded(F.port);
}
