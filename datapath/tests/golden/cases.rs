//! What a switch does: ARP, VLANs, admission, switching, proof; and the worked
//! example on the fabric.

use packet::build::{Checksum, Frame, padded};
use packet::{EtherType, MacAddr, SubstrateAddr};

use crate::bench::plan::router_mac;
use crate::bench::{
    A, B, BACK, C, D, E, F, FRONT, G, G_BACK, J, LAN, NOBODY, Node, R_UPLINKS, S_UPLINK, Site,
    VLAN_BACK, VLAN_FRONT, X, frame, tagged, v4,
};
use crate::case::{Case, a, at_r, fabric, g, on_s_uplink};

fn to_all(node: Node) -> Frame {
    Frame::between(node.mac, MacAddr::BROADCAST)
}

pub(crate) fn all() -> Vec<Case> {
    [arp(), nodes(), switching(), leaving(), arriving()]
        .into_iter()
        .flatten()
        .collect()
}

fn arp() -> Vec<Case> {
    vec![
        at_r(
            A,
            "arp-request",
            "RFC 826: if I am the target, swap hardware and protocol fields, and send the packet \
             to the hardware address of the requester (here: on behalf of whoever has it)",
            vec![
                padded(to_all(A).arp_request(A.ip, G.ip)),
                padded(to_all(A).arp_request(A.ip, F.ip)),
                padded(to_all(A).arp_request(A.ip, J.ip)),
                padded(frame(A, G).arp_request(A.ip, G.ip)),
            ],
        ),
        at_r(
            D,
            "arp-from-trunk",
            "product 1.6: tag according to the destination's link type (the answer's too)",
            vec![
                to_all(D).vlan(VLAN_FRONT).arp_request(D.ip, G.ip),
                to_all(E)
                    .vlan(VLAN_BACK)
                    .arp_request([10, 0, 5, 5], G_BACK.ip),
                to_all(E).vlan(VLAN_FRONT).arp_request(E.ip, D.ip),
            ],
        ),
        at_r(
            A,
            "arp-probe",
            "RFC 5227 2.1.1: a host probes to see if an address is already in use; whoever has it \
             answers, and an announcement is answered by nobody",
            vec![
                to_all(A).arp_probe(G.ip),
                to_all(A).arp_probe(A.ip),
                to_all(A).arp_probe([10, 0, 0, 99]),
                to_all(A).arp_announcement(A.ip),
                frame(A, G).arp_reply(A.ip, G.ip),
            ],
        ),
        at_r(
            A,
            "arp-spoofed",
            "product 1.5: source MAC, source IP and ARP sender fields must belong to the \
             interface",
            vec![
                to_all(A).arp_announcement(G.ip),
                frame(A, F).arp_reply(J.ip, F.ip),
                to_all(A).arp_request(F.ip, G.ip),
            ],
        ),
        at_r(
            B,
            "tenants-do-not-meet",
            "product 1.10: B pings 10.0.0.3: nothing of Z's answers",
            vec![
                to_all(B).arp_request(B.ip, G.ip),
                to_all(B).arp_request(B.ip, J.ip),
                v4(B, G).icmp_echo(1, 1, b"anyone there?"),
                v4(B, X).icmp_echo(1, 2, b"my own network"),
            ],
        ),
    ]
}

fn nodes() -> Vec<Case> {
    vec![
        at_r(
            D,
            "vlan-classification",
            "IEEE 802.1Q 6.9.1: a frame that is untagged or priority-tagged belongs to the port's \
             own VLAN, any other to that of its tag",
            vec![
                tagged(VLAN_FRONT, D, A).udp(1, 2, b"tagged"),
                frame(D, A)
                    .tag(EtherType::DOT1Q, 0xe000 | VLAN_FRONT)
                    .ipv4(D.ip, A.ip)
                    .udp(1, 2, b"priority 7"),
                v4(D, A).udp(1, 2, b"untagged on a trunk"),
                frame(D, A)
                    .vlan(0)
                    .ipv4(D.ip, A.ip)
                    .udp(1, 2, b"priority tag"),
                tagged(VLAN_BACK, D, A).udp(1, 2, b"not its VLAN"),
                tagged(4095, D, A).udp(1, 2, b"reserved"),
                frame(D, A)
                    .vlan(VLAN_FRONT)
                    .vlan(VLAN_FRONT)
                    .ipv4(D.ip, A.ip)
                    .udp(1, 2, b"two tags"),
                v4(A, D).udp(1, 2, b"A is not here"),
            ],
        ),
        at_r(
            A,
            "access-link",
            "product 1.5: tagged on an access link: dropped, counted by reason",
            vec![
                v4(A, F).udp(1, 2, b"untagged"),
                frame(A, F)
                    .vlan(0)
                    .ipv4(A.ip, F.ip)
                    .udp(1, 2, b"priority tag"),
                tagged(VLAN_FRONT, A, F).udp(1, 2, b"tagged"),
            ],
        ),
        at_r(
            A,
            "anti-spoofing",
            "product 1.5: source IP must belong to the interface",
            vec![
                frame(A, F).ipv4(F.ip, G.ip).udp(1, 2, b"a neighbour's"),
                frame(A, F)
                    .ipv4([192, 0, 2, 1], F.ip)
                    .udp(1, 2, b"nobody's"),
                to_all(A).ipv4([0; 4], [255; 4]).udp(68, 67, b"DHCP"),
                frame(A, F)
                    .ipv6(Site::R.address(), Site::S.address())
                    .udp(1, 2, b"IPv6"),
            ],
        ),
        at_r(
            A,
            "impossible-headers",
            "RFC 1812 5.2.2: a router must verify the IP header's checksum, version and lengths, \
             and silently discard what fails",
            vec![
                v4(A, F).wrong_header_checksum().udp(1, 2, b"checksum"),
                v4(A, F).version_ihl(0x65).udp(1, 2, b"version"),
                v4(A, F).version_ihl(0x44).udp(1, 2, b"header length"),
                v4(A, F).total_len(19).udp(1, 2, b"total length"),
                v4(A, F).total_len(60).udp(1, 2, b"longer than the frame"),
                v4(A, F).udp(1, 2, b"cut")[..30].to_vec(),
                padded(v4(A, F).udp(1, 2, b"padding is no part of it")),
            ],
        ),
    ]
}

fn switching() -> Vec<Case> {
    vec![
        at_r(
            A,
            "local-untouched",
            "product 1.4: traffic between two nodes on the same host never takes the substrate \
             format, yet behaves identically",
            vec![
                v4(A, F)
                    .ttl(1)
                    .tos(0xb9)
                    .id(7)
                    .dont_fragment()
                    .udp(1, 2, b"native"),
                v4(A, D)
                    .ttl(1)
                    .tos(0xb9)
                    .id(7)
                    .dont_fragment()
                    .udp(1, 2, b"trunk"),
                v4(A, F)
                    .options(&[7, 7, 4, 0, 0, 0, 0])
                    .udp(1, 2, b"record route"),
                v4(A, F).id(9).fragment(0, true).protocol(17, &[7; 64]),
                v4(A, F).id(9).fragment(8, false).protocol(17, &[7; 5]),
                v4(A, F).protocol(51, b"authentication header"),
            ],
        ),
        at_r(
            D,
            "hairpin",
            "product 1.5: two nodes behind one port are authorised and routed against each \
             other like any others",
            vec![
                tagged(VLAN_FRONT, D, E).tcp(1, 2, b"D to E"),
                tagged(VLAN_FRONT, E, D).tcp(2, 1, b"E to D"),
                tagged(VLAN_FRONT, D, D).tcp(1, 2, b"to itself"),
            ],
        ),
        at_r(
            A,
            "nothing-is-flooded",
            "product 1.5: an unknown unicast MAC is dropped by reason; nothing is ever flooded",
            vec![
                Frame::between(A.mac, NOBODY)
                    .ipv4(A.ip, G.ip)
                    .udp(1, 2, b"stale"),
                frame(A, C).ipv4(A.ip, C.ip).udp(1, 2, b"another segment's"),
                frame(A, G)
                    .ipv4(A.ip, F.ip)
                    .udp(1, 2, b"G does not have it"),
            ],
        ),
    ]
}

fn leaving() -> Vec<Case> {
    let never = [0, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140];
    vec![
        at_r(
            A,
            "to-the-fabric",
            "RFC 7915 4.1: traffic class, payload length, next header and addresses; product \
             1.10: no tag or label of Q is in the substrate packet",
            vec![
                v4(A, G).icmp_echo(0x1234, 1, b"ping"),
                v4(A, G).icmp_echo_reply(0x1234, 1, b"pong"),
                v4(A, G).tos(0xb8).tcp(40_000, 443, b"odd"),
                v4(A, G).tos(3).udp(40_000, 53, b"even"),
                padded(v4(A, G).udp(1, 2, b"")),
                v4(A, G).protocol(50, b"ESP is never read"),
            ],
        ),
        at_r(
            A,
            "ttl-and-df-in-the-flow-label",
            "product 1.4: TTL and DF survive in the 20-bit flow label (TTL 8 | DF 1 | flow hash \
             11); the substrate hop limit is its own",
            vec![
                v4(A, G).ttl(0).udp(1, 2, b"x"),
                v4(A, G).ttl(1).udp(1, 2, b"x"),
                v4(A, G).ttl(64).dont_fragment().udp(1, 2, b"x"),
                v4(A, G).ttl(255).dont_fragment().udp(1, 2, b"x"),
            ],
        ),
        at_r(
            A,
            "udp-checksum-zero",
            "product 1.4: UDP checksum 0 travels as 0 between vswitches",
            vec![
                v4(A, G).checksum(Checksum::Exactly(0)).udp(1, 2, b"none"),
                v4(A, G)
                    .checksum(Checksum::Wrong)
                    .udp(1, 2, b"wrong stays wrong"),
            ],
        ),
        at_r(
            A,
            "never-a-next-header",
            "product 1.4: protocols 0, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140 must never be \
             copied into Next Header",
            never.map(|n| v4(A, G).protocol(n, &[0; 8])).to_vec(),
        ),
        at_r(
            A,
            "raw-carriage",
            "product 1.4: what RFC 7915's header mapping would lose or change goes raw",
            vec![
                v4(A, G)
                    .options(&[7, 7, 4, 0, 0, 0, 0])
                    .udp(1, 2, b"options"),
                v4(A, G).fragment(0, true).protocol(17, &[7; 64]),
                v4(A, G).icmp((3, 1), (0, 0), &[0x45; 28]),
                v4(A, G).icmp((13, 0), (1, 1), &[0; 12]),
                v4(A, G).protocol(253, &[7; 1561]),
            ],
        ),
    ]
}

fn arriving() -> Vec<Case> {
    let c = Site::R.substrate(BACK, C.ip);
    let forged = SubstrateAddr {
        locator: "fd00:0:0:c::/64".parse().unwrap(),
        ..a()
    };
    let forward = SubstrateAddr {
        forward: true,
        ..a()
    };
    let router_at_r = Site::R.substrate(FRONT, J.ip);
    let mut wrong_mac = fabric(a(), g()).udp(1, 2, b"somebody else's");
    wrong_mac[..6].copy_from_slice(&R_UPLINKS.map(|port| Site::R.uplink_mac(port))[0].octets());
    vec![
        on_s_uplink(
            "from-the-fabric",
            "product 1.10: A sends untagged, G receives tagged Q; 1.6: rewrite back to IPv4, \
             source MAC = sender's MAC on the same segment",
            vec![
                fabric(a(), g()).icmp_echo(0x1234, 1, b"ping"),
                fabric(a(), g())
                    .traffic_class(0xb8)
                    .tcp(40_000, 443, b"odd"),
                fabric(a(), g()).udp(40_000, 53, b"even"),
                fabric(a(), g())
                    .checksum(Checksum::Exactly(0))
                    .udp(1, 2, b"none"),
                fabric(c, Site::S.substrate(BACK, G_BACK.ip)).udp(1, 2, b"native"),
            ],
        ),
        on_s_uplink(
            "source-proof",
            "product 1.10: a packet forged on the fabric with A's virtual address under another \
             locator is dropped as spoofed",
            vec![
                fabric(forged, g()).udp(1, 2, b"another locator"),
                fabric(Site::S.substrate(FRONT, A.ip), g()).udp(1, 2, b"the own locator"),
                fabric(g(), g()).udp(1, 2, b"the receiver"),
                fabric(router_at_r, g()).udp(1, 2, b"a router"),
                fabric(Site::R.substrate(FRONT, [10, 0, 0, 99]), g()).udp(1, 2, b"nobody"),
                fabric(forward, g()).udp(1, 2, b"a phantom router"),
                fabric(c, g()).udp(1, 2, b"another segment"),
                fabric(Site::R.substrate(LAN, B.ip), g()).udp(1, 2, b"another tenant"),
            ],
        ),
        on_s_uplink(
            "not-for-the-pipeline",
            "product 1.6b: segment 0 of a locator is the host itself; what is for the host goes \
             up, what is for others is dropped by reason",
            vec![
                Frame::between(router_mac(0), Site::S.uplink_mac(S_UPLINK))
                    .ipv6(Site::R.address(), Site::S.address())
                    .icmp_echo(1, 1, b"ping"),
                Frame::between(router_mac(0), Site::S.uplink_mac(S_UPLINK))
                    .ipv6(Site::R.address(), Site::S.locator().network())
                    .icmp_echo(1, 1, b"ping"),
                fabric(a(), a()).udp(1, 2, b"another host's"),
                fabric(a(), Site::S.substrate(FRONT, A.ip)).udp(1, 2, b"moved away"),
                fabric(a(), Site::S.substrate(FRONT, [10, 0, 0, 99])).udp(1, 2, b"never was"),
                wrong_mac,
                fabric(a(), g()).protocol(97, &[0x30, 0]),
                fabric(a(), g()).protocol(44, &[17, 0, 0, 0, 0, 0, 0, 1]),
                fabric(a(), g()).icmp((1, 0), (0, 0), &[0x60; 48]),
            ],
        ),
    ]
}
