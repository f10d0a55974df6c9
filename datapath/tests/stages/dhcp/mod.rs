//! DHCP: what a node asks, and what it is told. Messages are written and read
//! by a library of others.
//!
//! * [`asked`]: what it asks for. [`told`]: what it is told. [`strict`]: what is
//!   believed. [`servers`]: who may answer.

mod asked;
mod servers;
mod strict;
mod told;

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

/// §4.1: to everybody, since the client may not have an address that it hears.
#[track_caller]
fn refused(outcome: Outcome) {
    let nak = heard(outcome);
    assert_eq!((nak.kind(), nak.given()), (MessageType::Nak, NOT_YET));
    assert_eq!(nak.to, (MacAddr::BROADCAST, TO_ALL));
    assert_eq!(nak.codes(), [53, 54]);
}
