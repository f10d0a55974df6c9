//! DHCP: what a node asks, and what it is told. Messages are written and read
//! by a library of others.

use core::net::Ipv4Addr;

use datapath::pipeline::{Consumed, DropReason, Verdict};
use dhcproto::v4::relay::{RelayAgentInformation, RelayInfo};
use dhcproto::v4::{self, DhcpOption, Flags, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable, Encodable};
use packet::build::{Frame, Ipv4};
use packet::{HeapBuf, MacAddr, Offload, PacketBuf, TransportChecksum};
use vnet::compiled::{Dhcp, DhcpRoute, Ipv4Subnet, PortId};

use crate::bench::host::{Host, Outcome, Way};
use crate::bench::plan::ip_of;
use crate::bench::{
    A, BACK, C, D, E, FRONT, G, H, Ip, J, L, Node, Plan, Site, VLAN_FRONT, frame, v4,
};

const TO_ALL: Ip = [255; 4];
const NOT_YET: Ip = [0; 4];
/// The server of a segment without a router (RFC 7600 §4.8).
const DUMMY: Ip = [192, 0, 0, 8];
const DNS: [Ip; 2] = [[10, 0, 0, 53], [10, 0, 0, 54]];

/// What `front` says: all there is to say. Its router is J.
fn service() -> Dhcp {
    Dhcp {
        router: Some(ip_of(J.ip)),
        dns: DNS.map(ip_of).to_vec(),
        domain: Some("z.example".to_owned()),
        lease: 3600,
        routes: vec![DhcpRoute {
            to: Ipv4Subnet::new([10, 1, 0, 0].into(), 16).unwrap(),
            via: ip_of(G.ip),
        }],
    }
}

/// R, where `front` has everything and `back` has the defaults.
fn plan() -> Plan {
    let mut plan = Plan::of(Site::R);
    plan.segment(FRONT).dhcp = Some(service());
    plan.segment(BACK).dhcp = Some(Dhcp {
        router: None,
        dns: Vec::new(),
        domain: None,
        lease: 60,
        routes: Vec::new(),
    });
    plan
}

fn host() -> Host {
    plan().host()
}

/// A client's message, so far without options.
fn says(node: Node, kind: MessageType) -> v4::Message {
    let none = Ipv4Addr::UNSPECIFIED;
    let mac = node.mac.octets();
    let mut message = v4::Message::new_with_id(0x1234_5678, none, none, none, none, &mac);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    message
}

fn with(mut message: v4::Message, options: impl IntoIterator<Item = DhcpOption>) -> v4::Message {
    for option in options {
        message.opts_mut().insert(option);
    }
    message
}

fn requested(ip: Ip) -> DhcpOption {
    DhcpOption::RequestedIpAddress(ip.into())
}

fn server(ip: Ip) -> DhcpOption {
    DhcpOption::ServerIdentifier(ip.into())
}

fn asking_for(codes: &[OptionCode]) -> DhcpOption {
    DhcpOption::ParameterRequestList(codes.to_vec())
}

fn has(mut message: v4::Message, ip: Ip) -> v4::Message {
    message.set_ciaddr(ip);
    message
}

fn bytes(message: &v4::Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

/// From a node that has no address yet.
fn to_all(node: Node) -> Ipv4 {
    Frame::between(node.mac, MacAddr::BROADCAST).ipv4(NOT_YET, TO_ALL)
}

fn broadcast(node: Node, message: &v4::Message) -> Outcome {
    let sent = to_all(node).udp(68, 67, &bytes(message));
    host().node_sends(node.port, &sent)
}

/// An answer, as it arrives.
#[derive(Debug)]
struct Heard {
    to: (MacAddr, Ip),
    from: (MacAddr, Ip),
    message: v4::Message,
}

impl Heard {
    /// Reads a bare frame, whose checksums must be right.
    #[track_caller]
    fn of(frame: &[u8]) -> Self {
        let slices = etherparse::SlicedPacket::from_ethernet(frame).unwrap();
        let Some(etherparse::NetSlice::Ipv4(ip)) = slices.net else {
            panic!("no IPv4");
        };
        let header = ip.header().to_header();
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        assert!(header.dont_fragment && header.total_len <= 1500);
        assert_eq!(usize::from(header.total_len) + 14, frame.len());
        let Some(etherparse::TransportSlice::Udp(udp)) = slices.transport else {
            panic!("no UDP");
        };
        assert_eq!((udp.source_port(), udp.destination_port()), (67, 68));
        let fresh = udp.to_header();
        let sum = fresh.calc_checksum_ipv4(&header, udp.payload()).unwrap();
        assert_eq!(udp.checksum(), sum);
        assert!(udp.payload().len() >= 300, "shorter than BOOTP's");
        let mac = |at: usize| MacAddr::new(*frame[at..].first_chunk().unwrap());
        let message = v4::Message::from_bytes(udp.payload()).unwrap();
        assert_eq!(message.opcode(), Opcode::BootReply);
        assert_eq!((message.xid(), message.hlen()), (0x1234_5678, 6));
        assert_eq!(message.giaddr(), Ipv4Addr::UNSPECIFIED);
        Self {
            to: (mac(0), header.destination),
            from: (mac(6), header.source),
            message,
        }
    }

    fn kind(&self) -> MessageType {
        self.message.opts().msg_type().unwrap()
    }

    fn option(&self, code: OptionCode) -> Option<&DhcpOption> {
        self.message.opts().get(code)
    }

    /// What the node is given.
    fn given(&self) -> Ip {
        self.message.yiaddr().octets()
    }

    fn codes(&self) -> Vec<u8> {
        let codes = self.message.opts().iter();
        let mut codes: Vec<u8> = codes.map(|(code, _)| u8::from(*code)).collect();
        codes.sort_unstable();
        codes
    }
}

#[track_caller]
fn heard(outcome: Outcome) -> Heard {
    Heard::of(&outcome.reply())
}

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

/// §4.1: to everybody, since the client may not have an address that it hears.
#[track_caller]
fn refused(outcome: Outcome) {
    let nak = heard(outcome);
    assert_eq!((nak.kind(), nak.given()), (MessageType::Nak, NOT_YET));
    assert_eq!(nak.to, (MacAddr::BROADCAST, TO_ALL));
    assert_eq!(nak.codes(), [53, 54]);
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
fn the_server_is_reached_through_whoever_is_the_router() {
    // 192.0.0.8 is behind a node that routes for `back`.
    let request = has(says(C, MessageType::Request), C.ip);
    let sent = frame(C, E).ipv4(C.ip, DUMMY).udp(68, 67, &bytes(&request));
    let ack = heard(host().node_sends(C.port, &sent));
    assert_eq!((ack.kind(), ack.to), (MessageType::Ack, (C.mac, C.ip)));
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

#[test]
fn a_checksum_that_the_sender_leaves_to_its_nic_need_not_be_right() {
    let message = bytes(&says(A, MessageType::Discover));
    let mut sent = to_all(A).udp(68, 67, &message);
    sent[40] ^= 0x55;
    let wrong = host().node_sends(A.port, &sent).dropped();
    assert_eq!(wrong, DropReason::DhcpMalformed);
    let partial = Offload {
        transport: TransportChecksum::Partial,
        ..Offload::NONE
    };
    let outcome = host().node_leaves_to_a_device(A.port, &sent, partial);
    assert_eq!(outcome.offloads, [Offload::NONE]);
    heard(outcome);
    sent[40..42].fill(0);
    heard(host().node_sends(A.port, &sent));
}

#[test]
fn a_message_for_another_is_spoofed() {
    let of_g = broadcast(A, &says(G, MessageType::Discover));
    assert_eq!(of_g.dropped(), DropReason::DhcpSpoofed);
    // D and E are behind one port.
    let sent = Frame::between(D.mac, MacAddr::BROADCAST).vlan(VLAN_FRONT);
    let sent = sent.ipv4(NOT_YET, TO_ALL);
    let sent = sent.udp(68, 67, &bytes(&says(E, MessageType::Discover)));
    assert_eq!(
        host().node_sends(D.port, &sent).dropped(),
        DropReason::DhcpSpoofed
    );
}

#[test]
fn what_is_no_clients_message_is_malformed() {
    let good = bytes(&with(says(A, MessageType::Discover), [requested(A.ip)]));
    let malformed = |message: &[u8]| {
        let outcome = host().node_sends(A.port, &to_all(A).udp(68, 67, message));
        assert_eq!(
            outcome.dropped(),
            DropReason::DhcpMalformed,
            "{message:02x?}"
        );
    };
    let end = good.iter().rposition(|byte| *byte == 255).unwrap();
    for len in 0..=end {
        malformed(&good[..len]);
    }
    let changed = |at: usize, to: u8| {
        let mut message = good.clone();
        message[at] = to;
        message
    };
    malformed(&changed(0, 2)); // A server's.
    malformed(&changed(1, 6)); // Of another kind of link.
    malformed(&changed(2, 8));
    malformed(&changed(27, 1)); // Relayed.
    malformed(&changed(239, 0)); // BOOTP.
    let options = |options: &[u8]| [&good[..240], options].concat();
    for wrong in [
        &[255][..],
        &[53, 1, 2, 255],
        &[53, 1, 0, 255],
        &[53, 1, 255, 255],
        &[53, 0, 255],
        &[53, 2, 1, 1, 255],
        &[53, 1, 1, 53, 1, 1, 255],
        &[53, 1, 1, 50, 3, 10, 0, 0, 255],
        &[53, 1, 1, 50, 5, 10, 0, 0, 2, 0, 255],
        &[53, 1, 1, 54, 0, 255],
        &[53, 1, 1, 55, 0, 255],
        &[53, 1, 1, 57, 1, 2, 255],
        &[53, 1, 1, 61, 1, 1, 255],
        &[53, 1, 1, 61, 0, 255],
        &[53, 1, 1, 52, 1, 4, 255],
        &[53, 1, 1, 52, 2, 0, 1, 255],
        // Options in the file, which is all padding and has no end.
        &[53, 1, 1, 52, 1, 1, 255],
    ] {
        malformed(&options(wrong));
    }
    // Longer than what comes back may be.
    let pieces = [
        &[53, 1, 1][..],
        &[&[61, 200][..], &[7; 200]].concat().repeat(2),
    ]
    .concat();
    malformed(&options(&[&pieces[..], &[255]].concat()));
}

#[test]
fn options_may_be_in_pieces_and_in_other_fields() {
    let good = bytes(&says(A, MessageType::Request));
    let mut message = good[..240].to_vec();
    // In the file: the address, the end; in the server's name: the rest of the
    // client's identifier.
    message[108..115].copy_from_slice(&[50, 4, 10, 0, 0, 2, 255]);
    message[44..49].copy_from_slice(&[61, 2, 8, 9, 255]);
    message.extend([53, 1, 3, 61, 2, 1, 7, 52, 1, 3, 255]);
    let sent = to_all(A).udp(68, 67, &message);
    let ack = heard(host().node_sends(A.port, &sent));
    assert_eq!(ack.kind(), MessageType::Ack);
    let whole = DhcpOption::ClientIdentifier(vec![1, 7, 8, 9]);
    assert_eq!(ack.option(OptionCode::ClientIdentifier), Some(&whole));
}

#[test]
fn a_message_in_several_buffers_is_not_read() {
    let sent = to_all(A).udp(68, 67, &bytes(&says(A, MessageType::Discover)));
    let chain = HeapBuf::chain(&sent, 100);
    let outcome = host().one(Way::Node, PortId(A.port), chain);
    assert_eq!(outcome.dropped(), DropReason::NotContiguous);
}

#[test]
fn an_answer_needs_room() {
    let sent = to_all(A).udp(68, 67, &bytes(&says(A, MessageType::Discover)));
    let mut small = HeapBuf::with_capacity(128 + sent.len());
    small.append(sent.len()).unwrap();
    small.data_mut().copy_from_slice(&sent);
    let outcome = host().one(Way::Node, PortId(A.port), small);
    assert_eq!(outcome.dropped(), DropReason::NoHeadroom);
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
            sends(&marked, &to_all).dropped(),
            DropReason::BroadcastNotYet
        );
    }
    // Other ports are nobody's business.
    let sent = v4(D, A).udp(67, 67, b"relay");
    sends(&plan(), &sent).forwarded(A.port);
    let tcp = v4(D, A).tcp(67, 68, b"");
    sends(&plan(), &tcp).forwarded(A.port);
}
