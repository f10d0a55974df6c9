//! Ways through a drawing.

use datapath::tables::Drawn;

use super::*;
use crate::observe::drawings::{address, two_networks};

/// What becomes of a question about a drawing.
fn ask(compiled: &Compiled, question: &RouteQuestion) -> Result<RouteWay, RouteRefusal> {
    let drawn = Drawn::new(compiled, &[]);
    let owner = |segment, address| compiled.mapping(segment, address).map(MappingEntry::drawn);
    let map = Map {
        compiled,
        hosts: &compiled.hosts,
        routes: &drawn.routes,
        owner: &owner,
    };
    map.way(question)
}

fn question(from: &str, to: &str) -> RouteQuestion {
    let from = from
        .parse()
        .map_or_else(|_| RouteFrom::Address(address(from)), RouteFrom::Segment);
    RouteQuestion {
        from,
        to: address(to),
        network: Some("z".to_owned()),
        router: None,
        protocol: IpProtocol::ICMP,
        ports: (0, 0),
    }
}

/// As traceroute would show it, and how it ends.
fn traced(way: &RouteWay) -> (Vec<String>, RouteEnd) {
    let shown = |hop: &RouteHop| match hop.heard {
        true => hop.address.to_string(),
        false => "*".to_owned(),
    };
    (way.hops.iter().map(shown).collect(), way.end)
}

#[track_caller]
fn goes(from: &str, to: &str, hops: &[&str], end: RouteEnd) -> RouteWay {
    let way = ask(&two_networks(), &question(from, to)).unwrap();
    let hops: Vec<String> = hops.iter().map(ToString::to_string).collect();
    assert_eq!(traced(&way), (hops, end));
    way
}

#[test]
fn a_way_leads_past_routers_to_whoever_has_the_address() {
    let way = goes(
        "10.0.0.2",
        "10.1.5.3",
        &["10.0.0.1", "10.1.5.1"],
        RouteEnd::Delivered,
    );
    assert_eq!(way.to_segment.unwrap().name, "far");
    let h = way.destination;
    assert_eq!(
        (h.name.as_deref(), h.host.as_deref()),
        (Some("h"), Some("s"))
    );
    assert!(h.mac.is_some());
    assert_eq!(
        (way.mtu, way.other_routers),
        (Some(1500), vec!["m".to_owned()])
    );
    let segment = |hop: &RouteHop| hop.segment.as_ref().map(|s| s.name.clone());
    let by: Vec<_> = way.hops.iter().map(segment).collect();
    assert_eq!(by, [Some("front".to_owned()), None], "l by no segment");
}

#[test]
fn the_narrowest_segment_counts_also_the_first() {
    let there = ["10.0.0.1", "10.0.0.254"];
    let there = goes("10.0.0.2", "10.0.5.1", &there, RouteEnd::Delivered);
    assert_eq!(there.mtu, Some(1400));
    let back = goes("10.0.5.1", "10.0.0.2", &["10.0.5.254"], RouteEnd::Delivered);
    assert_eq!(back.mtu, Some(1400));
    let by_m = RouteQuestion {
        router: Some("m".to_owned()),
        ..question("10.0.0.2", "10.0.5.1")
    };
    let way = ask(&two_networks(), &by_m).unwrap();
    assert_eq!(traced(&way).0, ["10.0.0.254"]);
}

#[test]
fn a_way_without_routers_ends_in_its_segment() {
    let way = goes("10.0.0.2", "10.0.0.9", &[], RouteEnd::Delivered);
    assert_eq!(way.destination.name.as_deref(), Some("g"));
    goes("10.0.0.2", "10.0.0.77", &[], RouteEnd::Nobody);
    let way = goes("0x00a001", "10.0.0.1", &[], RouteEnd::Router);
    assert_eq!(
        (way.from, way.destination.host),
        (Some(address("10.0.0.2")), None)
    );
    goes("10.3.0.3", "10.0.0.2", &[], RouteEnd::NoRouter);
}

#[test]
fn where_a_way_ends_is_said() {
    let to_l = ["10.0.0.1", "10.1.5.1"];
    goes("10.0.0.2", "10.1.5.99", &to_l, RouteEnd::Nobody);
    goes("10.0.0.2", "8.8.8.8", &["10.0.0.1"], RouteEnd::NoRoute);
    goes("10.0.0.2", "10.1.5.255", &to_l, RouteEnd::NotRoutable);
    goes(
        "10.0.0.2",
        "224.0.0.9",
        &["10.0.0.1"],
        RouteEnd::NotRoutable,
    );
    let own = goes("10.0.0.2", "10.1.5.1", &to_l, RouteEnd::Router);
    assert_eq!(own.destination.name.as_deref(), Some("l"));
    let station = goes("10.0.0.2", "10.7.0.1", &["10.0.0.1"], RouteEnd::Station);
    assert_eq!(station.destination.name.as_deref(), Some("g"));
}

#[test]
fn a_node_that_forwards_is_where_the_drawing_ends() {
    let mut compiled = two_networks();
    let g = compiled
        .mappings
        .iter_mut()
        .find(|m| m.address == address("10.0.0.9"));
    g.unwrap().kind = MappingKind::Phantom;
    let way = ask(&compiled, &question("10.0.0.2", "10.7.0.1")).unwrap();
    assert_eq!((way.end, way.mtu), (RouteEnd::Forwarded, Some(1500)));
    assert_eq!(way.destination.address, address("10.0.0.9"));
    assert_eq!(way.destination.name.as_deref(), Some("g"));
}

#[test]
fn a_circle_is_shown_once() {
    let way = ask(&two_networks(), &question("10.1.5.3", "10.8.0.1")).unwrap();
    assert_eq!(way.end, RouteEnd::Circle);
    let routers: Vec<_> = way.hops.iter().map(|hop| hop.router.as_str()).collect();
    assert_eq!((routers[0], routers[routers.len() - 1]), ("l", "l"));
    assert!(way.hops[1].chosen_by_flow, "at j");
    assert!(!way.hops[0].chosen_by_flow);
    assert_eq!(way.mtu, None);
}

/// C's packets to the far segment cross M and L; L's answers go by J and no
/// further than the front.
#[test]
fn a_router_without_a_way_back_is_not_heard() {
    let mut compiled = two_networks();
    compiled.routers[1].routes.clear();
    let way = ask(&compiled, &question("10.0.5.1", "10.1.5.3")).unwrap();
    let hops = vec!["10.0.5.254".to_owned(), "*".to_owned()];
    assert_eq!(traced(&way), (hops, RouteEnd::Delivered));
}

/// Each flow has its own way, and a packet's is this one.
#[test]
fn the_flow_chooses() {
    let compiled = two_networks();
    let mut second = std::collections::BTreeSet::new();
    for port in 0..64 {
        let flow = RouteQuestion {
            protocol: IpProtocol::UDP,
            ports: (port, 53),
            ..question("10.0.0.2", "10.8.0.1")
        };
        let flow = RouteQuestion {
            router: Some("j".to_owned()),
            ..flow
        };
        let way = ask(&compiled, &flow).unwrap();
        second.insert(way.hops[1].router.clone());
    }
    let both = ["l", "m"].map(str::to_owned);
    assert_eq!(second, both.into());
}

#[test]
fn what_is_not_clear_is_refused() {
    let compiled = two_networks();
    let refused = |question: RouteQuestion| ask(&compiled, &question).unwrap_err().to_string();
    let any = |from: &str| RouteQuestion {
        network: None,
        ..question(from, "10.1.5.3")
    };
    assert_eq!(
        refused(any("10.0.0.2")),
        "several have address 10.0.0.2; say which by its segment: \
         0x00a001 (front, network z), 0x00b001 (front, network y)"
    );
    assert!(refused(any("10.0.0.1")).contains("no node has address 10.0.0.1:"));
    assert!(refused(any("0x00c001")).contains("there is no segment 0x00c001;"));
    let elsewhere = refused(question("0x00b001", "10.1.5.3"));
    assert!(elsewhere.contains("no segment 0x00b001 in network \"z\""));
    let of_x = RouteQuestion {
        network: Some("x".to_owned()),
        ..any("10.0.0.2")
    };
    assert!(refused(of_x).contains("there is no network \"x\""));
    let by_l = RouteQuestion {
        router: Some("l".to_owned()),
        ..question("10.0.0.2", "10.1.5.3")
    };
    assert_eq!(
        refused(by_l),
        "segment 0x00a001 has no router \"l\"; it has: j, m"
    );
}
