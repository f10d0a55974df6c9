//! ECMP: one flow, one way; many flows, all ways evenly. Seen twice: in the
//! next hop chosen here, and in the flow label by which the fabric chooses.

use std::collections::BTreeMap;

use packet::build::Ipv4;
use vnet::compiled::{InterfaceId, Mapping};

use crate::bench::plan::{ip_of, router_mac};
use crate::bench::{A, FRONT, G, Host, Plan, R_UPLINKS, Site, frame, v4};

const FLOWS: u16 = 10_000;

/// (next hop's MAC, the label's 11 bits of hash) of a flow.
type Way = ([u8; 6], u16);

fn way(host: &mut Host, frame: &[u8]) -> Way {
    let outcome = host.node_sends(A.port, frame);
    let [(port, sent)] = &outcome.sent[..] else {
        panic!("{outcome:?}");
    };
    assert!(R_UPLINKS.contains(&port.0));
    way_of(sent)
}

fn way_of(sent: &[u8]) -> Way {
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

/// Pearson's chi-squared of counts against an even share, as standard
/// deviations of the normal distribution (Wilson and Hilferty 1931). Far below
/// zero is too even for chance, which is welcome here.
fn unevenness(counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let even = f64::from(total) / counts.len() as f64;
    let chi_squared: f64 = counts
        .iter()
        .map(|count| (f64::from(*count) - even).powi(2) / even)
        .sum();
    let freedom = (counts.len() - 1) as f64;
    let variance = 2.0 / (9.0 * freedom);
    ((chi_squared / freedom).cbrt() - (1.0 - variance)) / variance.sqrt()
}

/// Chance alone is above this three times in a hundred thousand.
const CHANCE: f64 = 4.0;

/// A kind of flows: the frame of each.
type Kind = (&'static str, fn(u16) -> Vec<u8>);

/// Flows that differ little: the hard case for a hash.
const KINDS: [Kind; 6] = [
    ("UDP, by source port", |flow| {
        v4(A, G).udp(1024 + flow, 53, b"")
    }),
    ("UDP, by destination port", |flow| {
        v4(A, G).udp(4789, 1024 + flow, b"")
    }),
    ("TCP, by source port", |flow| {
        v4(A, G).tcp(1024 + flow, 443, b"")
    }),
    ("TCP, by both ports", |flow| {
        v4(A, G).tcp(1024 + flow % 100, 5000 + flow / 100, b"")
    }),
    ("ESP, by address", |flow| {
        between(flow).protocol(50, &[7; 40])
    }),
    ("fragments, by address", |flow| {
        between(flow).fragment(0, true).udp(7, 9, &[0; 64])
    }),
];

/// From one of A's hundred addresses to one of G's.
fn between(flow: u16) -> Ipv4 {
    let [from, to] = [flow % 100, flow / 100].map(|last| last as u8);
    frame(A, G).ipv4([10, 0, 2, from], [10, 0, 3, to])
}

/// Host R with so many next hops, where A and G have a hundred addresses more.
fn with_many_addresses(paths: u16) -> Host {
    let mut plan = Plan::of(Site::R).paths(paths);
    for (node, third) in [(A, 2), (G, 3)] {
        let own = *plan.mapping(FRONT, node.ip);
        for last in 0..100 {
            let address = ip_of([10, 0, third, last]);
            plan.compiled.mappings.push(Mapping { address, ..own });
            if let Some(InterfaceId(at)) = own.interface {
                plan.compiled.interfaces[at as usize]
                    .addresses
                    .push(address);
            }
        }
    }
    plan.host()
}

#[test]
fn ten_thousand_flows_spread_evenly_over_next_hops_and_labels() {
    for paths in [2u16, 3, 4, 8] {
        let mut r = with_many_addresses(paths);
        for (kind, of_flow) in KINDS {
            let mut hops = BTreeMap::<[u8; 6], u32>::new();
            let mut labels = vec![0u32; 2048];
            for flow in 0..FLOWS {
                let (hop, hash) = way(&mut r, &of_flow(flow));
                *hops.entry(hop).or_default() += 1;
                labels[usize::from(hash)] += 1;
            }
            let hops: Vec<u32> = hops.into_values().collect();
            assert_eq!(hops.len(), usize::from(paths), "{kind}");
            let (by_hop, by_label) = (unevenness(&hops), unevenness(&labels));
            assert!(by_hop < CHANCE, "{kind}: {by_hop} over next hops: {hops:?}");
            assert!(by_label < CHANCE, "{kind}: {by_label} over labels");
        }
    }
}

#[test]
fn an_uneven_spread_would_be_seen() {
    // One share of eight a sixth above the others; and a hash of ten bits.
    let mut hops = [1250u32; 8];
    hops[0] += 200;
    hops[1] -= 200;
    assert!(unevenness(&hops) > CHANCE);
    let labels: Vec<u32> = (0..2048).map(|at| 10 * (at % 2)).collect();
    assert!(unevenness(&labels) > CHANCE);
}

#[test]
fn all_fragments_of_a_datagram_go_one_way() {
    let mut r = with_many_addresses(8);
    for flow in (0..FLOWS).step_by(97) {
        // The first has the ports, which the others do not know.
        let first = between(flow).fragment(0, true);
        let expected = way(&mut r, &first.udp(flow, 53, &[0; 64]));
        for (offset, more) in [(9, true), (18, true), (27, false)] {
            let later = between(flow).fragment(offset, more).protocol(17, &[9; 72]);
            assert_eq!(way(&mut r, &later), expected);
        }
        // A raw one, too: what follows does not begin at a multiple of 8.
        let raw = between(flow).fragment(9, true).protocol(17, &[9; 71]);
        assert_eq!(way(&mut r, &raw), expected);
        // And those that are made here; their way was chosen for the whole.
        let cut = r.node_sends(A.port, &between(flow).udp(flow, 53, &[1; 1490]));
        let ways: Vec<Way> = cut.sent.iter().map(|(_, piece)| way_of(piece)).collect();
        assert!(ways.len() > 1, "it fits");
        assert!(
            ways.iter()
                .all(|(hop, hash)| (*hop, *hash) == (ways[0].0, expected.1))
        );
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
