//! The worked example's networks and segments.

use packet::{EtherType, MplsLabel, VlanId};
use vnet::compiled::{Ipv4Subnet, UnknownMac};
use vswitch::control::source::{Network, Segment, SegmentRouter};

use super::{address, front, mac, segment};

pub(super) fn networks() -> Vec<Network> {
    let network = |name: &str, [segments, routers, interfaces, addresses]: [usize; 4]| Network {
        name: name.to_owned(),
        entity: name.to_uppercase(),
        segments,
        routers,
        interfaces,
        addresses,
    };
    vec![network("z", [3, 2, 2, 5]), network("y", [1, 0, 0, 1])]
}

pub(super) fn segments(network: Option<&str>) -> Option<Vec<Segment>> {
    let subnet = |text: &str| Ipv4Subnet::new(text.parse().unwrap(), 24).unwrap();
    let router = |name: &str, at: &str, its: &str| SegmentRouter {
        name: name.to_owned(),
        address: address(at),
        mac: mac(its),
    };
    let in_front = Segment {
        segment: front(),
        subnet: subnet("10.0.0.0"),
        vlan: VlanId::new(100).ok(),
        label: MplsLabel::new(1000).ok(),
        mtu: 1500,
        unknown_mac: UnknownMac::Drop,
        ethertypes: vec![EtherType::new(0x88cc)],
        answers_dhcp: true,
        routers: vec![router("j", "10.0.0.1", "00:01:42:09:88:73")],
        interfaces: 1,
        addresses: 2,
    };
    let back = Segment {
        segment: segment(0xa002, "back"),
        subnet: subnet("10.0.5.0"),
        vlan: VlanId::new(200).ok(),
        label: None,
        ethertypes: Vec::new(),
        answers_dhcp: false,
        routers: Vec::new(),
        ..in_front.clone()
    };
    let far = Segment {
        segment: segment(0xa003, "far"),
        subnet: subnet("10.1.5.0"),
        vlan: None,
        unknown_mac: UnknownMac::Resolve,
        routers: vec![router("l", "10.1.5.1", "00:01:42:cd:11:01")],
        interfaces: 0,
        addresses: 1,
        ..back.clone()
    };
    let mut other = Segment {
        segment: segment(0xb001, "front"),
        routers: Vec::new(),
        ..far.clone()
    };
    other.segment.network = "y".to_owned();
    other.segment.entity = "Y".to_owned();
    let mut all = vec![in_front, back, far, other];
    if network.is_some_and(|name| all.iter().all(|s| s.segment.network != name)) {
        return None;
    }
    all.retain(|s| network.is_none_or(|name| s.segment.network == name));
    Some(all)
}
