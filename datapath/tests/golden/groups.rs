//! Broadcasts and multicasts: who gets a copy, and how one crosses the fabric.

use packet::build::{Frame, Ipv4};
use packet::{MacAddr, SubstrateAddr};

use crate::bench::{A, BACK, D, FRONT, G, Ip, Site, VLAN_FRONT};
use crate::case::{Case, a, at_r, fabric, on_s_uplink};

const ALL: Ip = [255; 4];
const MDNS: Ip = [224, 0, 0, 251];
const MDNS_MAC: MacAddr = MacAddr::new([1, 0, 0x5e, 0, 0, 251]);
const RAW_GROUP: Ip = [239, 255, 255, 254];

pub(crate) fn all() -> Vec<Case> {
    vec![to_many(), too_large(), from_the_fabric()]
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
