//! The worked example's logical routers, and ways past them.

use datapath::books::LegNumbers;
use packet::VirtualAddr;
use vnet::compiled::{Ipv4Subnet, MappingKind};
use vswitch::control::source::{
    MtuPath, MtuWay, Route, RouteDestination, RouteEnd, RouteFrom, RouteHop, RouteNextHop,
    RouteQuestion, RouteRefusal, RouteWay, Router, RouterLeg, SegmentLabel, Switch, SwitchPort,
};
use vswitch::snmp::ports::Traffic;

use super::{access, address, front, mac, segment};

fn far() -> SegmentLabel {
    segment(0xa003, "far")
}

fn prefix(network: &str, length: u8) -> Ipv4Subnet {
    Ipv4Subnet::new(network.parse().unwrap(), length).unwrap()
}

/// J and L; and, where a router's name alone is not enough, another network's J.
pub(super) fn routers(network: Option<&str>, another: bool) -> Option<Vec<Router>> {
    let leg = |segment, subnet, at: &str, its: &str| RouterLeg {
        segment,
        subnet: prefix(subnet, 24),
        addresses: vec![address(at)],
        mac: mac(its),
        mtu: 1500,
        proxy_arp: false,
        passed: LegNumbers {
            in_packets: 1200,
            in_octets: 117_600,
            out_packets: 1150,
            out_octets: 112_700,
            out_discards: 3,
        },
    };
    let router = |name: &str, source: &str, legs, routes| Router {
        name: name.to_owned(),
        network: "z".to_owned(),
        entity: "Z".to_owned(),
        source: Some(address(source)),
        legs,
        routes,
    };
    let in_front = leg(front(), "10.0.0.0", "10.0.0.1", "00:01:42:09:88:73");
    let in_far = leg(far(), "10.1.5.0", "10.1.5.1", "00:01:42:cd:11:01");
    let mut all = vec![
        router("j", "10.0.0.1", vec![in_front], 3),
        router("l", "10.1.5.1", vec![in_far], 1),
        router("m", "192.0.2.1", Vec::new(), 0),
    ];
    if another {
        all.push(Router {
            network: "y".to_owned(),
            ..router("j", "10.0.0.1", Vec::new(), 0)
        });
    }
    if network.is_some_and(|name| all.iter().all(|router| router.network != name)) {
        return None;
    }
    all.retain(|router| network.is_none_or(|name| router.network == name));
    Some(all)
}

pub(super) fn routes(of: &Router) -> Vec<Route> {
    let l = RouteNextHop {
        router: Some("l".to_owned()),
        address: None,
        segment: None,
    };
    let g = RouteNextHop {
        router: None,
        address: Some(address("10.0.0.3")),
        segment: Some(front()),
    };
    let m = RouteNextHop {
        router: Some("m".to_owned()),
        ..l.clone()
    };
    let route = |network, length, next_hops| Route {
        to: prefix(network, length),
        next_hops,
    };
    match of.name.as_str() {
        "j" => vec![
            route("10.1.0.0", 16, vec![l.clone()]),
            route("10.7.0.0", 16, vec![g]),
            route("0.0.0.0", 0, vec![l, m]),
        ],
        _ => Vec::new(),
    }
}

/// The switch of `front`, and one that cannot be reached.
pub(super) fn switches(network: Option<&str>) -> Option<Vec<Switch>> {
    let port = |node: &str, its: &str, out| SwitchPort {
        node: node.to_owned(),
        port: format!("vm-{node}"),
        mac: mac(its),
        traffic: Traffic {
            in_packets: 4711,
            in_bytes: 460_000,
            in_discards: 2,
            out,
        },
    };
    let ports = vec![
        port("a", "00:05:02:0b:27:44", Some((4650, 455_700))),
        port("g", "02:00:00:00:5a:03", None),
    ];
    let switch = |name: &str, segment, management, ports| Switch {
        name: name.to_owned(),
        segment,
        management,
        ports,
    };
    let reached = (address("10.0.0.250"), mac("02:a1:0a:00:00:fa"));
    (network.is_none_or(|name| name == "z")).then(|| {
        vec![
            switch("sw", front(), Some(reached), ports),
            switch("quiet", far(), None, Vec::new()),
        ]
    })
}

/// A's packets: past J and L to H, to L itself, or to nobody; else J knows no way.
pub(super) fn way(question: &RouteQuestion) -> Result<RouteWay, RouteRefusal> {
    let from = match question.from {
        RouteFrom::Segment(id) if id != front().id => {
            return Err(RouteRefusal::NoSuchSegment(id, question.network.clone()));
        }
        RouteFrom::Address(address) if address != self::address("10.0.0.2") => {
            let network = question.network.clone();
            return Err(RouteRefusal::NoSuchSender(address, network));
        }
        _ => Some(address("10.0.0.2")),
    };
    let hop = |router: &str, at: &str, segment| RouteHop {
        router: router.to_owned(),
        address: address(at),
        segment,
        heard: true,
        chosen_by_flow: false,
    };
    let j = hop("j", "10.0.0.1", Some(front()));
    let l = hop("l", "10.1.5.1", None);
    let nowhere = RouteWay {
        from_segment: front(),
        from,
        hops: vec![j.clone()],
        end: RouteEnd::NoRoute,
        to_segment: None,
        destination: RouteDestination {
            address: question.to,
            kind: None,
            name: None,
            host: None,
            mac: None,
        },
        mtu: None,
        other_routers: vec!["m".to_owned()],
        rule: None,
    };
    let past_both = RouteWay {
        hops: vec![j.clone(), l.clone()],
        ..nowhere.clone()
    };
    let way = match question.to.to_string().as_str() {
        "10.1.5.3" if question.ports.1 == 23 => RouteWay {
            end: RouteEnd::Refused,
            to_segment: Some(far()),
            rule: access::rules(None).map(|mut rules| rules.remove(1)),
            ..past_both
        },
        "10.1.5.3" => RouteWay {
            rule: access::rules(None).map(|mut rules| rules.remove(0)),
            end: RouteEnd::Delivered,
            to_segment: Some(far()),
            destination: RouteDestination {
                kind: Some(MappingKind::Node),
                name: Some("h".to_owned()),
                host: Some("s".to_owned()),
                mac: Some(mac("00:00:7d:a2:34:11")),
                ..nowhere.destination
            },
            mtu: Some(1500),
            ..past_both
        },
        "10.1.5.1" => RouteWay {
            end: RouteEnd::Router,
            destination: RouteDestination {
                kind: Some(MappingKind::Router),
                name: Some("l".to_owned()),
                ..nowhere.destination
            },
            mtu: Some(1500),
            ..past_both
        },
        "10.1.5.99" => RouteWay {
            end: RouteEnd::Nobody,
            to_segment: Some(far()),
            ..past_both
        },
        "10.7.0.1" => RouteWay {
            end: RouteEnd::Forwarded,
            to_segment: Some(front()),
            destination: RouteDestination {
                address: address("10.0.0.3"),
                kind: Some(MappingKind::Phantom),
                name: Some("g".to_owned()),
                host: Some("s".to_owned()),
                mac: Some(mac("02:00:00:00:00:03")),
            },
            mtu: Some(1500),
            ..nowhere
        },
        // As the flow has it: its port says whether L hears.
        "10.9.9.9" => RouteWay {
            end: RouteEnd::Circle,
            hops: vec![
                RouteHop {
                    chosen_by_flow: true,
                    ..j.clone()
                },
                RouteHop {
                    heard: question.ports.1 == 53,
                    ..l
                },
                j,
            ],
            ..nowhere
        },
        _ => nowhere,
    };
    Ok(way)
}

/// To H, on host s, through a narrower segment.
pub(super) fn mtu_paths(to: VirtualAddr, over_the_substrate: MtuWay) -> Vec<MtuPath> {
    let path = MtuPath {
        segment: front(),
        host: "s".to_owned(),
        to_segment: Some(far()),
        segment_mtu: 1500,
        way: over_the_substrate,
    };
    let mut paths = vec![path];
    paths.retain(|_| to == address("10.1.5.3"));
    paths
}
