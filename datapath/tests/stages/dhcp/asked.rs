//! What a client asks for, and what it gets (RFC 2131 §4.3).

use super::*;

#[test]
fn selecting_is_acknowledged_refused_or_somebody_elses() {
    let request = |ip, of| with(says(A, MessageType::Request), [requested(ip), server(of)]);
    let ack = heard(broadcast(A, &request(A.ip, J.ip)));
    assert_eq!((ack.kind(), ack.given()), (MessageType::Ack, A.ip));
    assert_eq!(ack.to, (A.mac, A.ip));
    refused(broadcast(A, &request(G.ip, J.ip)));
    let other = broadcast(A, &request(A.ip, [10, 0, 0, 67]));
    assert_eq!(other.cx.verdict, Verdict::Consume(Consumed::Dhcp));
    let nothing = with(says(A, MessageType::Request), [server(J.ip)]);
    assert_eq!(broadcast(A, &nothing).dropped(), DropReason::DhcpMalformed);
}

#[test]
fn who_comes_back_has_its_old_address_or_is_refused_it() {
    let request = |ip| with(says(A, MessageType::Request), [requested(ip)]);
    let ack = heard(broadcast(A, &request(A.ip)));
    assert_eq!((ack.kind(), ack.given()), (MessageType::Ack, A.ip));
    refused(broadcast(A, &request([192, 168, 1, 2])));
}

#[test]
fn renewing_and_rebinding_are_acknowledged_to_the_address() {
    let request = has(says(A, MessageType::Request), A.ip);
    let renewing = v4(A, J).udp(68, 67, &bytes(&request));
    let to_all = Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, TO_ALL);
    let rebinding = to_all.clone().udp(68, 67, &bytes(&request));
    let mut flagged = request.clone();
    flagged.set_flags(Flags::default().set_broadcast());
    let flagged = to_all.udp(68, 67, &bytes(&flagged));
    for sent in [renewing, rebinding, flagged] {
        let ack = heard(host().node_sends(A.port, &sent));
        assert_eq!((ack.kind(), ack.given()), (MessageType::Ack, A.ip));
        assert_eq!(ack.message.ciaddr().octets(), A.ip);
        assert_eq!(ack.to, (A.mac, A.ip));
    }
    let wrong = has(says(A, MessageType::Request), G.ip);
    refused(host().node_sends(A.port, &v4(A, J).udp(68, 67, &bytes(&wrong))));
}

#[test]
fn who_has_an_address_is_told_the_rest() {
    let inform = has(says(A, MessageType::Inform), A.ip);
    let sent = Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, TO_ALL);
    let ack = heard(host().node_sends(A.port, &sent.clone().udp(68, 67, &bytes(&inform))));
    assert_eq!((ack.kind(), ack.given()), (MessageType::Ack, NOT_YET));
    assert_eq!(ack.to, (A.mac, A.ip));
    assert_eq!(ack.codes(), [1, 3, 6, 15, 26, 28, 53, 54, 121], "no lease");
    let short = says(A, MessageType::Inform);
    let ack = heard(host().node_sends(A.port, &sent.clone().udp(68, 67, &bytes(&short))));
    assert_eq!(ack.to, (A.mac, A.ip));
    let forged = has(says(A, MessageType::Inform), G.ip);
    let forged = host().node_sends(A.port, &sent.udp(68, 67, &bytes(&forged)));
    assert_eq!(forged.dropped(), DropReason::DhcpSpoofed);
    assert_eq!(
        broadcast(A, &short).dropped(),
        DropReason::DhcpSpoofed,
        "from nobody"
    );
}

#[test]
fn release_and_decline_end_here_and_a_decline_is_counted() {
    let mut r = host();
    let release = has(says(A, MessageType::Release), A.ip);
    let release = v4(A, J).udp(68, 67, &bytes(&with(release, [server(J.ip)])));
    let outcome = r.node_sends(A.port, &release);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Dhcp));
    let declined = [requested(A.ip), server(J.ip)];
    let decline = with(says(A, MessageType::Decline), declined);
    let decline = to_all(A).udp(68, 67, &bytes(&decline));
    let outcome = r.node_sends(A.port, &decline);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::DhcpDecline));
    let numbers = r.booked(outcome.cx.row).numbers;
    assert_eq!((numbers.consumed, numbers.declined), (2, 1));
}
