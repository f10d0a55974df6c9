//! ECMP: one flow, one way; many flows, all ways evenly. Seen twice: in the
//! next hop chosen here, and in the flow label by which the fabric chooses.

use std::collections::BTreeMap;

use crate::bench::plan::router_mac;
use crate::bench::{A, G, Plan, R_UPLINKS, Site, v4};

const FLOWS: u16 = 10_000;

/// (next hop's MAC, the label's 11 bits of hash) of a flow.
fn way(host: &mut crate::bench::Host, frame: &[u8]) -> ([u8; 6], u16) {
    let outcome = host.node_sends(A.port, frame);
    let sent = &outcome.frame;
    let port = match outcome.cx.verdict {
        datapath::pipeline::Verdict::Forward(port) => port.0,
        other => panic!("{other:?}"),
    };
    assert!(R_UPLINKS.contains(&port));
    let hash = u16::from_be_bytes([sent[16], sent[17]]) & 0x7ff;
    (sent[..6].try_into().unwrap(), hash)
}

#[test]
fn a_flow_keeps_its_way_whatever_its_packets_hold() {
    let mut r = Plan::of(Site::R).paths(4).host();
    for flow in 0..200 {
        let first = way(&mut r, &v4(A, G).udp(flow, 53, b""));
        for round in 0..5u8 {
            let ip = v4(A, G).ttl(round).tos(round << 2).id(u16::from(round));
            let data = vec![round; usize::from(round) * 40];
            let again = way(&mut r, &ip.dont_fragment().udp(flow, 53, &data));
            assert_eq!(again, first);
        }
    }
}

#[test]
fn the_way_goes_by_the_port_that_the_next_hop_is_behind() {
    let mut r = Plan::of(Site::R).paths(2).host();
    for flow in 0..50 {
        let outcome = r.node_sends(A.port, &v4(A, G).udp(flow, 53, b""));
        let expected = if outcome.frame[..6] == router_mac(0).octets() {
            R_UPLINKS[0]
        } else {
            R_UPLINKS[1]
        };
        let sent = outcome.forwarded(expected);
        assert_eq!(sent[6..12], Site::R.uplink_mac(expected).octets());
    }
}

#[test]
fn ten_thousand_flows_spread_evenly_over_next_hops_and_labels() {
    for paths in [2u16, 3, 4, 8] {
        let mut r = Plan::of(Site::R).paths(paths).host();
        // Ports that differ little: the hard case for a hash.
        let kinds: [fn(u16) -> Vec<u8>; 3] = [
            |flow| v4(A, G).udp(1024 + flow, 53, b""),
            |flow| v4(A, G).tcp(443, 1024 + flow, b""),
            |flow| v4(A, G).tcp(1024 + flow % 100, 5000 + flow / 100, b""),
        ];
        for kind in kinds {
            let mut hops = BTreeMap::<[u8; 6], u32>::new();
            let mut labels = vec![0u32; 2048];
            for flow in 0..FLOWS {
                let (hop, hash) = way(&mut r, &kind(flow));
                *hops.entry(hop).or_default() += 1;
                labels[usize::from(hash)] += 1;
            }
            assert_eq!(hops.len(), usize::from(paths));
            // Each share within 10 % of even: above three standard deviations
            // even of the smallest share (1250 ± 33).
            let even = f64::from(FLOWS) / f64::from(paths);
            for share in hops.values() {
                let off = (f64::from(*share) - even).abs() / even;
                assert!(off < 0.1, "{paths} paths: {hops:?}");
            }
            // Chi-square over 2047 degrees of freedom: 2047 ± 64; six standard
            // deviations are 2431. Too even (below 1663) is suspicious only
            // for a random source, and welcome here.
            let even = f64::from(FLOWS) / 2048.0;
            let chi_square: f64 = labels
                .iter()
                .map(|count| (f64::from(*count) - even).powi(2) / even)
                .sum();
            assert!(chi_square < 2431.0, "{chi_square}");
        }
    }
}

#[test]
fn labels_and_next_hops_are_chosen_independently() {
    // If they were not, flows that this host sends one way would all be sent
    // one way again by the next router (polarisation).
    let mut r = Plan::of(Site::R).paths(2).host();
    let mut table = [[0u32; 2]; 2];
    for flow in 0..FLOWS {
        let (hop, hash) = way(&mut r, &v4(A, G).udp(1024 + flow, 53, b""));
        let hop = usize::from(hop == router_mac(1).octets());
        table[hop][usize::from(hash & 1)] += 1;
    }
    for count in table.iter().flatten() {
        assert!((2250..=2750).contains(count), "{table:?}");
    }
}
