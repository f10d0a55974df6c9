//! Whose clients they are, and who may answer them.

use super::*;

#[test]
fn the_server_is_reached_through_whoever_is_the_router() {
    // 192.0.0.8 is behind a node that routes for `back`.
    let request = has(says(C, MessageType::Request), C.ip);
    let sent = frame(C, E).ipv4(C.ip, DUMMY).udp(68, 67, &bytes(&request));
    let ack = heard(host().node_sends(C.port, &sent));
    assert_eq!((ack.kind(), ack.to), (MessageType::Ack, (C.mac, C.ip)));
}

#[test]
fn where_nobody_answers_a_broadcast_says_which_key_is_missing() {
    let mut r = Plan::of(Site::R).host();
    let discover = to_all(A).udp(68, 67, &bytes(&says(A, MessageType::Discover)));
    assert_eq!(
        r.node_sends(A.port, &discover).dropped(),
        DropReason::DhcpNotServed
    );
    let rebinding = Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, TO_ALL);
    let request = bytes(&has(says(A, MessageType::Request), A.ip));
    let outcome = r.node_sends(A.port, &rebinding.udp(68, 67, &request));
    assert_eq!(outcome.dropped(), DropReason::DhcpNotServed);
    assert!(DropReason::DhcpNotServed.remedy().contains("dhcp: true"));
    // To a tenant's own server, by its address: as ever.
    let sent = v4(A, D).udp(68, 67, &request);
    r.node_sends(A.port, &sent).forwarded(D.port);
}

#[test]
fn where_a_node_is_the_server_it_hears_broadcasts() {
    let (mut plan, mut there) = (Plan::of(Site::R), Plan::of(Site::S));
    plan.segment(crate::bench::FRONT).has_dhcp_server = true;
    there.segment(crate::bench::FRONT).has_dhcp_server = true;
    let discover = to_all(A).udp(68, 67, &bytes(&says(A, MessageType::Discover)));
    let outcome = plan.host().node_sends(A.port, &discover);
    assert_eq!(
        outcome.cx.verdict,
        Verdict::Copy(datapath::pipeline::Audience::Everybody)
    );
    // Raw, for it comes from nobody's address; and to everybody on the other host.
    let on_the_fabric = &outcome.sent.last().unwrap().1;
    assert_eq!(on_the_fabric[20], 97);
    let arrived = crate::bench::cross(on_the_fabric, Site::S);
    let outcome = there.host().substrate_delivers(&arrived);
    assert_eq!(outcome.sent.len(), 1);
}

#[test]
fn what_is_for_another_server_goes_there() {
    let request = bytes(&has(says(A, MessageType::Request), A.ip));
    let to_d = v4(A, D).udp(68, 67, &request);
    host().node_sends(A.port, &to_d).forwarded(D.port);
    let chosen = frame(A, D).ipv4(NOT_YET, TO_ALL).udp(68, 67, &request);
    host().node_sends(A.port, &chosen).forwarded(D.port);
    // A router of another segment has no server for this one.
    let sent = frame(A, J).ipv4(A.ip, L.ip).udp(68, 67, &request);
    let answer = host().node_sends(A.port, &sent).reply();
    assert_eq!(answer[34..36], [3, 3], "port unreachable");
    let routed = frame(A, J).ipv4(A.ip, H.ip).udp(68, 67, &request);
    let outcome = host().node_sends(A.port, &routed);
    assert!(matches!(outcome.cx.verdict, Verdict::Forward(_)));
}

#[test]
fn only_a_marked_interface_answers_clients() {
    let offer = v4(D, A).udp(67, 68, &[2; 300]);
    let tagged = |frame: &[u8]| [&frame[..12], &[0x81, 0, 0, 100], &frame[12..]].concat();
    let sends = |plan: &Plan, frame: &[u8]| plan.host().node_sends(D.port, &tagged(frame));
    for plan in [plan(), Plan::of(Site::R)] {
        assert_eq!(
            sends(&plan, &offer).dropped(),
            DropReason::DhcpNotAuthorised
        );
        // Nor in pieces: the first has the ports.
        let piece = v4(D, A).fragment(0, true).protocol(17, &offer[34..42]);
        assert_eq!(
            sends(&plan, &piece).dropped(),
            DropReason::DhcpNotAuthorised
        );
        let to_all = Frame::between(D.mac, MacAddr::BROADCAST).ipv4(D.ip, TO_ALL);
        let to_all = to_all.udp(67, 68, &[2; 300]);
        assert_eq!(
            sends(&plan, &to_all).dropped(),
            DropReason::DhcpNotAuthorised
        );
        let mut marked = plan;
        let interfaces = &mut marked.compiled.interfaces;
        let of_d = interfaces.iter_mut().find(|i| i.mac == D.mac).unwrap();
        of_d.dhcp_server = true;
        assert_eq!(sends(&marked, &offer).forwarded(A.port), offer);
        assert_eq!(
            sends(&marked, &to_all).cx.verdict,
            Verdict::Copy(datapath::pipeline::Audience::Everybody)
        );
    }
    // Other ports are nobody's business.
    let sent = v4(D, A).udp(67, 67, b"relay");
    sends(&plan(), &sent).forwarded(A.port);
    let tcp = v4(D, A).tcp(67, 68, b"");
    sends(&plan(), &tcp).forwarded(A.port);
}
