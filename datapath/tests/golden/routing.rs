//! What the logical routers J of `front` and L of `far` do: forward, complain,
//! and answer for themselves.

use packet::build::{Checksum, Frame, Ipv4, Payload, padded};
use packet::{MacAddr, VirtualAddr};
use vnet::compiled::Mapping;

use crate::bench::{A, BACK, C, F, FAR, FRONT, G, H, Ip, J, L, Plan, Site, frame, segment};
use crate::case::{Case, a, at_r, fabric, on_s_uplink};

/// From A, to its router.
fn by_j(to: Ip) -> Ipv4 {
    frame(A, J).ipv4(A.ip, to)
}

fn by_j_in_back(to: Ip) -> Ipv4 {
    Frame::between(C.mac, J_IN_BACK).ipv4(C.ip, to)
}

const J_IN_BACK: MacAddr = MacAddr::new([2, 1, 0, 0, 5, 0xfe]);
const NOWHERE: Ip = [8, 8, 8, 8];
const BEHIND_L: Ip = [10, 1, 9, 9];
const NOBODY_AT_L: Ip = [10, 1, 5, 99];

/// TCP's flags.
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

pub(crate) fn all() -> Vec<Case> {
    [forwarding(), complaints(), for_itself()]
        .into_iter()
        .flatten()
        .collect()
}

/// J has a leg in `back`, too: 10.0.5.254.
fn j_in_back(mut plan: Plan) -> Plan {
    let mut leg = plan.compiled.routers[0].legs[0].clone();
    leg.segment = segment(BACK);
    leg.subnet = plan.segment(BACK).subnet;
    leg.mac = J_IN_BACK;
    leg.addresses = vec![VirtualAddr::new([10, 0, 5, 254].into())];
    plan.compiled.routers[0].legs.push(leg);
    let in_front = *plan.mapping(FRONT, J.ip);
    plan.compiled.mappings.push(Mapping {
        segment: segment(BACK),
        address: VirtualAddr::new([10, 0, 5, 254].into()),
        mac: J_IN_BACK,
        ..in_front
    });
    plan
}

/// J answers ARP for what it would route.
fn j_is_a_proxy(mut plan: Plan) -> Plan {
    plan.compiled.routers[0].legs[0].proxy_arp = true;
    plan
}

fn forwarding() -> Vec<Case> {
    let h = Site::S.substrate(FAR, H.ip);
    vec![
        at_r(
            A,
            "routed-ttl",
            "RFC 1812 5.3.1: a router must decrement TTL by at least one when forwarding; if it \
             is reduced to zero, the packet must be discarded, and unless it is a multicast the \
             router must send Time Exceeded, code 0",
            [0, 1, 2, 3, 64, 255]
                .map(|ttl| by_j(H.ip).ttl(ttl).udp(40_000, 33_434, b"two routers"))
                .to_vec(),
        )
        .look("the TTL in the flow label is less by two; errors are from J, from J, and from L"),
        at_r(
            A,
            "routed-on-one-host",
            "RFC 1812 5.2.1.2: decrement TTL, update the header's checksum, resolve the next hop's \
             link-layer address (here: nothing takes the substrate format)",
            vec![
                by_j(C.ip).ttl(9).tos(0xb9).id(7).tcp(1, 2, b"into back"),
                by_j(C.ip)
                    .ttl(9)
                    .options(&[148, 4, 0, 0])
                    .udp(1, 2, b"router alert"),
                by_j(C.ip)
                    .ttl(9)
                    .id(9)
                    .fragment(0, true)
                    .protocol(17, &[7; 64]),
                padded(by_j(C.ip).ttl(2).udp(1, 2, b"")),
                by_j(F.ip).ttl(9).udp(1, 2, b"back into front"),
                by_j(A.ip).ttl(9).udp(1, 2, b"to oneself"),
            ],
        )
        .on(j_in_back)
        .look("MAC source 02:01:00:00:05:fe in back, J's in front; TTL less by one"),
        on_s_uplink(
            "routed-from-the-fabric",
            "product 1.6: rewrite back to IPv4, source MAC = the last logical router's MAC when \
             routed; 1.10: nothing is heard from a segment that no router links",
            vec![
                fabric(a(), h).udp(1, 2, b"from front"),
                fabric(a(), h).icmp_echo(0x1234, 1, b"ping"),
                fabric(Site::R.substrate(BACK, C.ip), h).udp(1, 2, b"from back"),
            ],
        )
        .look("from L's MAC, with the TTL that the flow label has"),
        at_r(
            A,
            "routed-directed-broadcast",
            "RFC 1812 5.3.5, RFC 2644: a router must by default not forward network-prefix-\
             directed broadcasts; RFC 1812 5.3.7: nor what is for network 0 or 127, a group, or \
             class E; 4.3.2.7: and no error is sent about a broadcast",
            vec![
                by_j([10, 1, 5, 255]).ttl(9).icmp_echo(1, 1, b"L's segment"),
                by_j([10, 1, 5, 255]).ttl(2).icmp_echo(1, 2, b"as it ends"),
                by_j([10, 0, 0, 255]).ttl(9).icmp_echo(1, 3, b"J's"),
                by_j([255; 4]).ttl(9).udp(1, 2, b"limited"),
                by_j([239, 1, 1, 1]).ttl(9).udp(1, 2, b"group"),
                by_j([240, 0, 0, 1]).ttl(9).udp(1, 2, b"class E"),
                by_j([127, 0, 0, 1]).ttl(9).udp(1, 2, b"loopback"),
                by_j([0, 0, 0, 1]).ttl(9).udp(1, 2, b"network 0"),
            ],
        ),
        at_r(
            A,
            "proxy-arp",
            "RFC 1027: the gateway answers for an address when its route there leads through \
             another interface, and for nobody on the asker's own; RFC 5227 2.1.1: a probe asks \
             only whether somebody has the address",
            vec![
                frame(A, J).arp_request(A.ip, H.ip),
                frame(A, J).arp_request(A.ip, NOBODY_AT_L),
                frame(A, J).arp_request(A.ip, G.ip),
                frame(A, J).arp_request(A.ip, [10, 0, 0, 99]),
                frame(A, J).arp_request(A.ip, NOWHERE),
                frame(A, J).arp_probe(H.ip),
            ],
        )
        .on(j_is_a_proxy),
    ]
}

fn complaints() -> Vec<Case> {
    let port_unreachable = by_j(A.ip).udp(1, 2, b"");
    vec![
        at_r(
            A,
            "routed-error-sources",
            "RFC 1812 4.3.2.4: the source address of an ICMP message must be one of those of the \
             physical interface over which it is transmitted (Linux with \
             icmp_errors_use_inbound_ifaddr: that of the leg by which the packet came), or the \
             router's own",
            vec![
                by_j(H.ip).ttl(1).udp(1, 2, b"J's leg in front"),
                by_j(C.ip).ttl(1).udp(1, 2, b"J's leg in front"),
                by_j(H.ip)
                    .ttl(2)
                    .udp(1, 2, b"L, by a link without addresses"),
                by_j(BEHIND_L).ttl(9).udp(1, 2, b"L again"),
                by_j(L.ip).ttl(9).udp(1, 2, b"L has no such port"),
            ],
        )
        .on(j_in_back),
        at_r(
            C,
            "routed-error-source-of-the-other-leg",
            "RFC 1812 4.3.2.4: the same for a packet that came by J's leg in back; RFC 1122 \
             3.2.1.3: but what is for one of J's addresses is answered from that",
            vec![
                by_j_in_back(A.ip).ttl(1).udp(1, 2, b"J's leg in back"),
                by_j_in_back(NOWHERE).ttl(9).udp(1, 2, b"J's leg in back"),
                by_j_in_back(J.ip)
                    .ttl(9)
                    .udp(1, 2, b"for J's address in front"),
                by_j_in_back(J.ip)
                    .ttl(9)
                    .icmp_echo(1, 1, b"which answers itself"),
                by_j_in_back(H.ip).ttl(2).udp(1, 2, b"L knows no way back"),
            ],
        )
        .on(j_in_back),
        at_r(
            A,
            "routed-unreachable",
            "RFC 1812 5.2.7.1: code 0 if there is no route, code 1 if a host on a connected \
             network cannot be reached; 4.3.2.7: never about an error, a fragment but the first, \
             or what is from nobody",
            vec![
                by_j(NOWHERE).ttl(9).udp(1, 2, b"J does not know"),
                by_j(NOWHERE).ttl(1).udp(1, 2, b"nor with its last hop"),
                by_j(BEHIND_L).ttl(9).udp(1, 2, b"L does not know"),
                by_j(NOBODY_AT_L).ttl(9).udp(1, 2, b"nobody there"),
                by_j(NOBODY_AT_L)
                    .ttl(9)
                    .fragment(8, false)
                    .protocol(17, &[7; 8]),
                by_j(NOBODY_AT_L)
                    .ttl(9)
                    .icmp((3, 3), (0, 0), &port_unreachable[14..]),
                frame(A, J).ipv4([0; 4], NOBODY_AT_L).udp(68, 67, b"DHCP"),
            ],
        )
        .look("the quoted TTL: as it came to that router, or as that had sent it on (7)"),
    ]
}

fn for_itself() -> Vec<Case> {
    let segment = |flags, data: &[u8]| Payload::tcp(40_000, 22, 1000, flags, data);
    vec![
        at_r(
            A,
            "router-resets",
            "RFC 9293 3.5.2: if the connection does not exist, a reset is sent in response to any \
             incoming segment except another reset; its number is the segment's ACK, or 0 and the \
             ACK is the number and length of what came",
            vec![
                by_j(J.ip).carrying(segment(SYN, b"")),
                by_j(J.ip).carrying(segment(SYN | FIN, b"data")),
                by_j(L.ip).ttl(2).carrying(segment(ACK, b"data")),
                by_j(L.ip).ttl(1).carrying(segment(ACK, b"ends at J")),
                by_j(J.ip).carrying(segment(RST, b"")),
                by_j(J.ip).carrying(segment(RST | ACK, b"")),
                by_j(J.ip)
                    .checksum(Checksum::Wrong)
                    .carrying(segment(SYN, b"")),
                by_j(J.ip).protocol(6, &[0; 19]),
            ],
        ),
        at_r(
            A,
            "router-serves-nothing",
            "RFC 1122 3.2.2.1: code 2 when the protocol is not supported, code 3 when it cannot \
             tell of a missing port otherwise; 3.2.2.6: every host must answer Echo Requests; \
             what is damaged is discarded in silence",
            vec![
                by_j(J.ip).icmp_echo(7, 1, b"J"),
                by_j(L.ip)
                    .ttl(2)
                    .tos(0xb8)
                    .icmp_echo(7, 2, b"L, one router on"),
                by_j(J.ip).udp(1, 33_434, b"no such port"),
                by_j(L.ip)
                    .ttl(9)
                    .udp(1, 33_434, b"nor there: the quoted TTL is 8"),
                by_j(J.ip).protocol(47, b"GRE"),
                by_j(J.ip).icmp_echo_reply(7, 3, b"nobody has asked"),
                by_j(J.ip).icmp((13, 0), (1, 1), &[0; 12]),
                by_j(J.ip).fragment(0, true).icmp_echo(7, 4, &[0; 8]),
                by_j(J.ip)
                    .checksum(Checksum::Wrong)
                    .icmp_echo(7, 5, b"damaged"),
                by_j(J.ip).checksum(Checksum::Wrong).udp(1, 2, b"damaged"),
                by_j(J.ip).protocol(17, &[0; 7]),
                by_j(J.ip).icmp_echo(7, 6, &[0; 1480]),
            ],
        ),
    ]
}
