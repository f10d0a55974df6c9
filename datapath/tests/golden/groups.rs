//! Broadcasts and multicasts: who gets a copy, and how one crosses the fabric.

use packet::build::{Frame, Ipv4};
use packet::igmp::{self, RecordKind};
use packet::{MacAddr, SubstrateAddr, VirtualAddr};

use crate::bench::{A, BACK, D, FRONT, G, Ip, Site, VLAN_FRONT};
use crate::case::{Case, a, at_r, fabric, on_s_uplink};

const ALL: Ip = [255; 4];
const MDNS: Ip = [224, 0, 0, 251];
const MDNS_MAC: MacAddr = MacAddr::new([1, 0, 0x5e, 0, 0, 251]);
const RAW_GROUP: Ip = [239, 255, 255, 254];

pub(crate) fn all() -> Vec<Case> {
    vec![to_many(), too_large(), from_the_fabric(), igmp()]
}

fn d_to(mac: MacAddr, ip: Ip) -> Ipv4 {
    Frame::between(D.mac, mac).vlan(VLAN_FRONT).ipv4(D.ip, ip)
}

fn to_many() -> Case {
    at_r(
        D,
        "group-copies",
        "RFC 1112 6.4: a group's MAC is 01-00-5e and its address's low 23 bits; each port and \
         tag of the segment gets one copy, the sender none, and each other host one for its own",
        vec![
            d_to(MacAddr::BROADCAST, ALL).udp(1, 2, b"everybody"),
            d_to(MacAddr::BROADCAST, [10, 0, 0, 255]).udp(1, 2, b"the subnet"),
            d_to(MDNS_MAC, MDNS)
                .ttl(1)
                .udp(5353, 5353, b"who is there?"),
            d_to(MDNS_MAC, MDNS)
                .fragment(0, true)
                .protocol(17, &[7; 64]),
            d_to(MDNS_MAC, MDNS)
                .options(&[148, 4, 0, 0])
                .protocol(2, &[0x16, 0, 9, 4, 224, 0, 0, 251]),
            d_to(MacAddr::BROADCAST, G.ip).udp(1, 2, b"G's address"),
            d_to(MDNS_MAC, ALL).udp(1, 2, b"not its MAC"),
        ],
    )
    .look(
        "the byte before the segment id in out-fabric0: 01; the last three are raw, two of them \
         to 239.255.255.254",
    )
}

fn igmp() -> Case {
    let to = |group: Ip, message: &[u8]| {
        let mac = MacAddr::for_ipv4_multicast(group.into());
        let packet = Frame::between(A.mac, mac).ipv4(A.ip, group).ttl(1);
        packet.options(&igmp::ROUTER_ALERT).protocol(2, message)
    };
    let group = VirtualAddr::new([239, 7, 7, 7].into());
    let [second, interval] = [1, 125].map(core::time::Duration::from_secs);
    at_r(
        A,
        "group-membership",
        "RFC 3376 4, RFC 2236 2, RFC 4541 2.1.1: what a node says of its groups goes to the \
         switch and to multicast routers; a router's question to everybody",
        vec![
            to([239, 7, 7, 7], &igmp::of_group(igmp::V2_REPORT, group)),
            to([224, 0, 0, 2], &igmp::of_group(igmp::V2_LEAVE, group)),
            to(
                [224, 0, 0, 22],
                &igmp::report(&[(RecordKind::ToExclude, group)]),
            ),
            to([224, 0, 0, 1], &igmp::query(None, second, interval)),
            to([224, 0, 0, 1], &igmp::query(Some(group), second, interval)),
            to([239, 7, 7, 7], b"nonsense"),
            to(
                [239, 255, 255, 254],
                &igmp::of_group(igmp::V2_REPORT, group),
            ),
        ],
    )
    .look("all are raw: Router Alert; while no router is known, everybody may be one")
}

fn too_large() -> Case {
    at_r(
        A,
        "group-too-large",
        "RFC 1122 3.2.2: no ICMP error about a datagram to a broadcast or multicast address: \
         each copy is cut for its own way, or with DF dropped there",
        vec![
            Frame::between(A.mac, MDNS_MAC)
                .ipv4(A.ip, MDNS)
                .udp(1, 2, &[7; 1400]),
            Frame::between(A.mac, MDNS_MAC)
                .ipv4(A.ip, MDNS)
                .dont_fragment()
                .udp(1, 2, &[7; 1400]),
        ],
    )
    .on(|plan| plan.uplink_mtu(1400))
}

fn from_the_fabric() -> Case {
    let group = |segment, ip| SubstrateAddr {
        group: true,
        ..Site::S.substrate(segment, ip)
    };
    let raw = |ip: Ip, mac| {
        let frame = Frame::between(A.mac, mac).ipv4(A.ip, ip).udp(1, 2, b"raw");
        fabric(a(), group(FRONT, RAW_GROUP)).protocol(97, &[vec![0x30, 0], frame].concat())
    };
    on_s_uplink(
        "group-from-the-fabric",
        "docs/groups.md: what is for a group of another host, under its locator and with the \
         group bit, that host copies for its own",
        vec![
            fabric(a(), group(FRONT, ALL)).udp(1, 2, b"everybody"),
            fabric(a(), group(FRONT, [10, 0, 0, 255])).udp(1, 2, b"the subnet"),
            fabric(a(), group(FRONT, [232, 200, 7, 7])).udp(1, 2, b"23 bits"),
            raw(G.ip, MacAddr::BROADCAST),
            raw(G.ip, G.mac),
            fabric(a(), group(FRONT, G.ip)).udp(1, 2, b"one's address"),
            fabric(a(), Site::S.substrate(FRONT, MDNS)).udp(1, 2, b"without the bit"),
            fabric(a(), group(BACK, MDNS)).udp(1, 2, b"another segment's"),
        ],
    )
}
