//! What a client is told, and how it reaches it.

use super::*;

#[test]
fn a_discover_is_offered_everything_there_is() {
    let offer = heard(broadcast(A, &says(A, MessageType::Discover)));
    assert_eq!(offer.kind(), MessageType::Offer);
    assert_eq!(offer.from, (J.mac, J.ip));
    assert_eq!(offer.to, (A.mac, A.ip));
    assert_eq!(offer.given(), A.ip);
    assert_eq!(offer.message.chaddr(), A.mac.octets());
    let told = |code| offer.option(code).unwrap().clone();
    let ip = Ipv4Addr::from;
    use OptionCode as O;
    assert_eq!(
        told(O::SubnetMask),
        DhcpOption::SubnetMask(ip([255, 255, 255, 0]))
    );
    assert_eq!(told(O::Router), DhcpOption::Router(vec![ip(J.ip)]));
    assert_eq!(
        told(O::DomainNameServer),
        DhcpOption::DomainNameServer(DNS.map(ip).to_vec())
    );
    assert_eq!(
        told(O::DomainName),
        DhcpOption::DomainName("z.example".to_owned())
    );
    assert_eq!(told(O::InterfaceMtu), DhcpOption::InterfaceMtu(1500));
    assert_eq!(
        told(O::BroadcastAddr),
        DhcpOption::BroadcastAddr(ip([10, 0, 0, 255]))
    );
    assert_eq!(
        told(O::AddressLeaseTime),
        DhcpOption::AddressLeaseTime(3600)
    );
    assert_eq!(told(O::Renewal), DhcpOption::Renewal(1800));
    assert_eq!(told(O::Rebinding), DhcpOption::Rebinding(3150));
    assert_eq!(told(O::ServerIdentifier), server(J.ip));
    // RFC 3442: the default route is one of them.
    let routes = vec![
        ("10.1.0.0/16".parse().unwrap(), ip(G.ip)),
        ("0.0.0.0/0".parse().unwrap(), ip(J.ip)),
    ];
    assert_eq!(
        told(O::ClasslessStaticRoute),
        DhcpOption::ClasslessStaticRoute(routes)
    );
}

#[test]
fn only_what_is_asked_for_is_told_besides_what_must_be() {
    let wants = |codes: &[OptionCode]| {
        let discover = with(says(A, MessageType::Discover), [asking_for(codes)]);
        heard(broadcast(A, &discover)).codes()
    };
    use OptionCode as O;
    assert_eq!(wants(&[O::InterfaceMtu]), [26, 51, 53, 54]);
    assert_eq!(
        wants(&[O::SubnetMask, O::Router, O::Renewal]),
        [1, 3, 51, 53, 54, 58]
    );
    // RFC 3442: who asks for routes is not told the router, too.
    assert_eq!(
        wants(&[O::ClasslessStaticRoute, O::Router]),
        [51, 53, 54, 121]
    );
    // What nobody knows.
    assert_eq!(wants(&[O::TimeServer, O::DomainName]), [15, 51, 53, 54]);
    let mut plan = plan();
    plan.segment(FRONT).dhcp.as_mut().unwrap().routes.clear();
    let both = asking_for(&[O::ClasslessStaticRoute, O::Router]);
    let sent = to_all(A).udp(
        68,
        67,
        &bytes(&with(says(A, MessageType::Discover), [both])),
    );
    let offer = heard(plan.host().node_sends(A.port, &sent));
    assert_eq!(offer.codes(), [3, 51, 53, 54], "there are none");
}

#[test]
fn a_segment_without_router_has_a_server_of_its_own() {
    let offer = heard(broadcast(C, &says(C, MessageType::Discover)));
    let derived = MacAddr::new([2, 0xa0 ^ 2, 192, 0, 0, 8]);
    assert_eq!(offer.from, (derived, DUMMY));
    assert_eq!((offer.to, offer.given()), ((C.mac, C.ip), C.ip));
    assert_eq!(offer.codes(), [1, 26, 28, 51, 53, 54, 58, 59]);
    assert_eq!(
        offer.option(OptionCode::ServerIdentifier),
        Some(&server(DUMMY))
    );
    assert_eq!(
        offer.option(OptionCode::Renewal),
        Some(&DhcpOption::Renewal(30))
    );
    // Who renews asks for its MAC first.
    let arp = Frame::between(C.mac, MacAddr::BROADCAST).arp_request(C.ip, DUMMY);
    let reply = host().node_sends(C.port, &arp).reply();
    assert_eq!(reply[22..28], derived.octets());
    let arp = Frame::between(A.mac, MacAddr::BROADCAST).arp_request(A.ip, DUMMY);
    let none = host().node_sends(A.port, &arp).dropped();
    assert_eq!(none, DropReason::ArpNoSuchAddress, "the server is J here");
}

#[test]
fn a_broadcast_is_the_answer_to_who_asks_for_one() {
    for kind in [MessageType::Discover, MessageType::Request] {
        let mut message = with(says(A, kind), [requested(A.ip)]);
        message.set_flags(Flags::default().set_broadcast());
        let answer = heard(broadcast(A, &message));
        assert_eq!(answer.to, (MacAddr::BROADCAST, TO_ALL));
        assert!(answer.message.flags().broadcast());
        assert_eq!(answer.given(), A.ip);
    }
}

#[test]
fn identifiers_come_back() {
    let client = DhcpOption::ClientIdentifier(vec![255, 1, 2, 3, 4, 5, 6]);
    let mut relay = RelayAgentInformation::default();
    relay.insert(RelayInfo::AgentCircuitId(b"port 7".to_vec()));
    let relay = DhcpOption::RelayAgentInformation(relay);
    let options = [
        client.clone(),
        relay.clone(),
        asking_for(&[OptionCode::Router]),
    ];
    for (kind, more) in [
        (MessageType::Discover, requested(A.ip)),
        (MessageType::Request, requested(A.ip)),
        (MessageType::Request, requested(G.ip)),
    ] {
        let message = with(says(A, kind), [more]);
        let frame = broadcast(A, &with(message, options.clone())).reply();
        let answer = Heard::of(&frame);
        assert_eq!(answer.option(OptionCode::ClientIdentifier), Some(&client));
        assert_eq!(
            answer.option(OptionCode::RelayAgentInformation),
            Some(&relay)
        );
        // RFC 3046 §2.2: the last one.
        let relayed = frame
            .windows(10)
            .position(|w| w[..2] == [82, 8] && w[4..] == *b"port 7");
        assert_eq!(frame[relayed.unwrap() + 10], 255);
    }
}

#[test]
fn an_answer_is_as_long_as_the_client_takes() {
    let mut plan = plan();
    let dhcp = plan.segment(FRONT).dhcp.as_mut().unwrap();
    dhcp.dns = vec![ip_of(DNS[0]); 50];
    let mut r = plan.host();
    let mut answer = |max: Option<u16>| {
        let identifier = DhcpOption::ClientIdentifier(vec![1; 100]);
        let options = max.map(DhcpOption::MaxMessageSize);
        let message = with(says(A, MessageType::Discover), options);
        let message = with(message, [identifier]);
        let frame = r
            .node_sends(A.port, &to_all(A).udp(68, 67, &bytes(&message)))
            .reply();
        (frame.len() - 14, Heard::of(&frame))
    };
    for max in [None, Some(576), Some(100)] {
        let (len, offer) = answer(max);
        assert!(len <= 576, "{len}");
        // What a client must have is there; the last of the rest, too.
        assert!(offer.option(OptionCode::ClasslessStaticRoute).is_some());
        assert!(offer.option(OptionCode::ClientIdentifier).is_some());
        assert!(offer.option(OptionCode::BroadcastAddr).is_some());
        assert!(offer.option(OptionCode::DomainNameServer).is_none());
    }
    for max in [700, 65_535] {
        let (len, offer) = answer(Some(max));
        assert!((577..=700).contains(&len), "{len}");
        assert!(offer.option(OptionCode::DomainNameServer).is_some());
    }
}

#[test]
fn the_answer_has_the_tag_of_the_link() {
    let message = bytes(&says(D, MessageType::Discover));
    let sent = Frame::between(D.mac, MacAddr::BROADCAST).vlan(VLAN_FRONT);
    let sent = sent.ipv4(NOT_YET, TO_ALL).udp(68, 67, &message);
    let reply = host().node_sends(D.port, &sent).reply();
    assert_eq!(reply[12..16], [0x81, 0, 0, 100]);
    let bare = [&reply[..12], &reply[16..]].concat();
    let offer = Heard::of(&bare);
    // D has a second address, too.
    assert_eq!((offer.to, offer.given()), ((D.mac, D.ip), D.ip));
}
