//! What DHCP clients ask, and what they are told.

use packet::MacAddr;
use packet::build::Frame;
use vnet::compiled::{Dhcp, DhcpRoute, Ipv4Subnet};

use crate::bench::plan::ip_of;
use crate::bench::{A, BACK, C, D, FRONT, G, Ip, J, Node, Plan, VLAN_FRONT, frame, v4};
use crate::case::{Case, at_r};

const DISCOVER: u8 = 1;
const REQUEST: u8 = 3;
const DECLINE: u8 = 4;
const RELEASE: u8 = 7;
const INFORM: u8 = 8;

/// Options with an address.
const REQUESTED: u8 = 50;
const SERVER: u8 = 54;

/// The flag that asks for a broadcast.
const BROADCAST: u8 = 0x80;

/// `front` says all there is to say, `back` only what it must.
fn served(mut plan: Plan) -> Plan {
    let bare = Dhcp {
        router: None,
        dns: Vec::new(),
        domain: None,
        lease: 3600,
        routes: Vec::new(),
    };
    plan.segment(FRONT).dhcp = Some(Dhcp {
        router: Some(ip_of(J.ip)),
        dns: vec![ip_of([10, 0, 0, 53])],
        domain: Some("example.org".to_owned()),
        routes: vec![DhcpRoute {
            to: Ipv4Subnet::new([10, 1, 0, 0].into(), 16).unwrap(),
            via: ip_of(J.ip),
        }],
        ..bare.clone()
    });
    plan.segment(BACK).dhcp = Some(bare);
    plan
}

fn message(node: Node, flags: u8, has: Ip, kind: u8, addresses: &[(u8, Ip)]) -> Vec<u8> {
    let mut bytes = vec![0; 236];
    bytes[..8].copy_from_slice(&[1, 1, 6, 0, 0x3d, 0x1d, 0, 7]);
    bytes[10] = flags;
    bytes[12..16].copy_from_slice(&has);
    bytes[28..34].copy_from_slice(&node.mac.octets());
    bytes.extend([99, 130, 83, 99, 53, 1, kind]);
    for (code, ip) in addresses {
        bytes.extend([*code, 4]);
        bytes.extend(ip);
    }
    let mac = node.mac.octets();
    bytes.extend([
        61, 7, 1, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], 255,
    ]);
    bytes
}

/// From who has no address yet.
fn to_all(node: Node, flags: u8, kind: u8, addresses: &[(u8, Ip)]) -> Vec<u8> {
    let message = message(node, flags, [0; 4], kind, addresses);
    let sent = Frame::between(node.mac, MacAddr::BROADCAST);
    sent.ipv4([0; 4], [255; 4]).udp(68, 67, &message)
}

/// From who has one, to its server.
fn to_server(node: Node, kind: u8) -> Vec<u8> {
    let server = if kind == RELEASE {
        &[(SERVER, J.ip)][..]
    } else {
        &[]
    };
    v4(node, J).udp(68, 67, &message(node, 0, node.ip, kind, server))
}

pub(crate) fn all() -> Vec<Case> {
    let tagged = Frame::between(D.mac, MacAddr::BROADCAST).vlan(VLAN_FRONT);
    let discover = message(D, 0, [0; 4], DISCOVER, &[]);
    let cases = vec![
        at_r(
            A,
            "dhcp-from-discover-to-release",
            "RFC 2131 3.1: the client broadcasts DHCPDISCOVER, is offered an address, requests it, \
             has it; extends its lease; and gives it back",
            vec![
                to_all(A, 0, DISCOVER, &[]),
                to_all(A, 0, REQUEST, &[(REQUESTED, A.ip), (SERVER, J.ip)]),
                to_server(A, REQUEST),
                to_server(A, INFORM),
                to_server(A, RELEASE),
            ],
        ),
        at_r(
            A,
            "dhcp-refused",
            "RFC 2131 4.1: when giaddr is zero, the server broadcasts any DHCPNAK messages to \
             0xffffffff",
            vec![
                to_all(A, 0, REQUEST, &[(REQUESTED, [192, 168, 1, 2])]),
                to_all(A, 0, REQUEST, &[(REQUESTED, G.ip), (SERVER, J.ip)]),
                // To another server.
                to_all(A, 0, REQUEST, &[(REQUESTED, G.ip), (SERVER, G.ip)]),
                to_all(A, 0, DECLINE, &[(REQUESTED, A.ip), (SERVER, J.ip)]),
            ],
        ),
        at_r(
            C,
            "dhcp-by-broadcast-and-without-router",
            "RFC 2131 4.1: if the broadcast bit is set, the server broadcasts to 0xffffffff",
            vec![
                to_all(C, BROADCAST, DISCOVER, &[]),
                to_all(C, 0, DISCOVER, &[]),
            ],
        ),
        at_r(
            D,
            "dhcp-on-a-trunk",
            "product 1.5: the receiver's link decides the tag; an interface has its first address",
            vec![tagged.ipv4([0; 4], [255; 4]).udp(68, 67, &discover)],
        ),
        at_r(
            A,
            "dhcp-nobody-elses",
            "product 1.7: an address comes from the mapping, and a server that is not drawn as one \
             does not answer",
            vec![
                // G's hardware address, A's frame.
                frame(A, J).ipv4([0; 4], [255; 4]).udp(
                    68,
                    67,
                    &message(G, 0, [0; 4], DISCOVER, &[]),
                ),
                v4(A, G).udp(67, 68, b"an offer"),
                v4(A, J).udp(68, 67, b"no message"),
            ],
        ),
    ];
    cases.into_iter().map(|case| case.on(served)).collect()
}
