//! ARP: a node hears what it would hear on a real LAN.

use datapath::pipeline::{Consumed, DropReason, Verdict};
use packet::arp::{ArpOperation, ArpPacket};
use packet::build::{Frame, padded};
use packet::{EtherType, MacAddr};
use zerocopy::FromBytes;

use crate::bench::host::Outcome;
use crate::bench::plan::ip_of;
use crate::bench::{
    A, B, C, D, D_SECOND, E, E_BACK, F, G, G_BACK, H, J, L, Node, Plan, Site, VLAN_BACK,
    VLAN_FRONT, X,
};

fn to_all(node: Node) -> Frame {
    Frame::between(node.mac, MacAddr::BROADCAST)
}

fn ask(node: Node, frame: &[u8]) -> Outcome {
    Plan::of(Site::R).host().node_sends(node.port, frame)
}

/// The answer in a bare frame; the frame is 42 bytes and says the same twice.
#[track_caller]
fn answer(frame: &[u8]) -> ArpPacket {
    assert_eq!(frame.len(), 42);
    assert_eq!(frame[12..14], [0x08, 0x06]);
    let arp = ArpPacket::read_from_bytes(&frame[14..]).unwrap();
    assert_eq!(arp.operation(), Some(ArpOperation::Reply));
    assert_eq!(frame[..6], arp.target_mac.octets());
    assert_eq!(frame[6..12], arp.sender_mac.octets());
    arp
}

#[track_caller]
fn says(arp: ArpPacket, who: (MacAddr, [u8; 4]), to: (MacAddr, [u8; 4])) {
    assert_eq!(
        (arp.sender_mac, arp.sender_address()),
        (who.0, ip_of(who.1))
    );
    assert_eq!((arp.target_mac, arp.target_address()), (to.0, ip_of(to.1)));
}

#[test]
fn a_request_is_answered_with_the_owners_mac_wherever_it_is() {
    // On the other host, on this one, and one address of two.
    for (mac, ip) in [(G.mac, G.ip), (F.mac, F.ip), (D.mac, D_SECOND)] {
        let reply = ask(A, &to_all(A).arp_request(A.ip, ip)).reply();
        says(answer(&reply), (mac, ip), (A.mac, A.ip));
    }
}

#[test]
fn a_routers_address_is_answered_with_the_routers_mac() {
    let reply = ask(A, &to_all(A).arp_request(A.ip, J.ip)).reply();
    says(answer(&reply), (J.mac, J.ip), (A.mac, A.ip));
}

#[test]
fn a_unicast_request_is_answered_like_any_other() {
    // RFC 1122 §2.3.2.1: a unicast poll of an ARP cache entry.
    let reply = ask(A, &Frame::between(A.mac, G.mac).arp_request(A.ip, G.ip)).reply();
    says(answer(&reply), (G.mac, G.ip), (A.mac, A.ip));
}

#[test]
fn padding_of_the_question_is_not_in_the_answer() {
    let mut question = padded(to_all(A).arp_request(A.ip, G.ip));
    question[50] = 0x77;
    answer(&ask(A, &question).reply());
}

#[test]
fn a_probe_for_somebody_elses_address_is_answered_to_nobody() {
    // RFC 5227 §2.1.1: the prober learns of the conflict; it has no address.
    let reply = ask(A, &to_all(A).arp_probe(G.ip)).reply();
    says(answer(&reply), (G.mac, G.ip), (A.mac, [0; 4]));
}

#[test]
fn a_probe_for_the_own_address_meets_silence() {
    let outcome = ask(A, &to_all(A).arp_probe(A.ip));
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Arp));
}

#[test]
fn announcements_and_replies_meet_silence() {
    for sent in [
        to_all(A).arp_announcement(A.ip),
        Frame::between(A.mac, G.mac).arp_reply(A.ip, G.ip),
        Frame::between(A.mac, MacAddr::BROADCAST).arp_reply(A.ip, A.ip),
    ] {
        let outcome = ask(A, &sent);
        assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Arp));
    }
}

#[test]
fn nobodys_address_meets_silence() {
    for ip in [[10, 0, 0, 99], [0; 4], [255; 4], [8, 8, 8, 8]] {
        let outcome = ask(A, &to_all(A).arp_request(A.ip, ip));
        assert_eq!(outcome.dropped(), DropReason::ArpNoSuchAddress, "{ip:?}");
    }
}

#[test]
fn other_segments_and_other_tenants_do_not_exist() {
    for ip in [C.ip, G_BACK.ip, H.ip, L.ip] {
        let outcome = ask(A, &to_all(A).arp_request(A.ip, ip));
        assert_eq!(outcome.dropped(), DropReason::ArpNoSuchAddress, "{ip:?}");
    }
    // B has A's address, and nothing of Z answers it.
    for ip in [G.ip, J.ip, F.ip] {
        let outcome = ask(B, &to_all(B).arp_request(B.ip, ip));
        assert_eq!(outcome.dropped(), DropReason::ArpNoSuchAddress, "{ip:?}");
    }
    let reply = ask(B, &to_all(B).arp_request(B.ip, X.ip)).reply();
    says(answer(&reply), (X.mac, X.ip), (B.mac, B.ip));
}

#[test]
fn the_answer_to_a_tagged_question_is_tagged() {
    for (node, vlan, whom) in [(E, VLAN_FRONT, A), (E_BACK, VLAN_BACK, C)] {
        let question = to_all(node).vlan(vlan).arp_request(node.ip, whom.ip);
        let reply = ask(node, &question).reply();
        assert_eq!(reply[12..16], [0x81, 0, 0, vlan as u8]);
        let bare = [&reply[..12], &reply[16..]].concat();
        says(answer(&bare), (whom.mac, whom.ip), (node.mac, node.ip));
    }
}

#[test]
fn a_priority_tagged_question_on_an_access_link_is_answered_untagged() {
    let question = to_all(A)
        .tag(EtherType::DOT1Q, 0xe000)
        .arp_request(A.ip, G.ip);
    answer(&ask(A, &question).reply());
}

#[test]
fn what_is_not_arp_for_ipv4_over_ethernet_is_malformed() {
    let good = to_all(A).arp_request(A.ip, G.ip);
    for (at, value) in [(15, 6), (16, 0x86), (18, 8), (19, 16), (21, 3), (21, 0)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(ask(A, &bad).dropped(), DropReason::ArpMalformed, "{at}");
    }
    for len in 14..good.len() {
        let reason = ask(A, &good[..len]).dropped();
        assert_eq!(reason, DropReason::ArpMalformed, "{len} bytes");
    }
}
