//! How long does a large topology take to read, to compile, and to compare
//! with the one before? Prints one line for each shape; the last two are full
//! of mistakes.
//!
//! `cargo bench -p vnet --bench large [-- NODES]`
#![allow(
    clippy::expect_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark"
)]

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vnet::compiled::{Compiled, Host};
use vnet::diagnostic::Diagnostics;
use vnet::plan::{Plan, mapping_changes};
use vnet::topology::networks::NetworkTexts;
use vnet::topology::{KnownPort, PortPurpose, Surroundings, Topology};

fn main() -> io::Result<()> {
    let nodes = std::env::args().find_map(|argument| argument.parse().ok());
    let nodes: u32 = nodes.unwrap_or(100_000);
    let mut out = io::stdout().lock();
    writeln!(out, "{nodes} nodes, half of them on this host; seconds")?;
    let columns = ["MiB", "merge", "read", "compile", "again", "plan", "errors"];
    row(&mut out, "", &columns.map(str::to_owned))?;
    for (name, text) in [
        ("one segment", one_segment(nodes, "front", "10")),
        ("a network for every 100", many_networks(nodes / 100, 100)),
        ("a segment each, one router for all", a_segment_each(nodes)),
        (
            "1 000 routers, 10 000 segments",
            many_routers(1000, 10, nodes / 10_000),
        ),
        (
            "all in a segment that is not there",
            one_segment(nodes, "frnt", "10"),
        ),
        ("all outside the subnet", one_segment(nodes, "front", "11")),
    ] {
        row(&mut out, name, &measured(&text))?;
    }
    Ok(())
}

fn row(out: &mut impl io::Write, name: &str, cells: &[String; 7]) -> io::Result<()> {
    let cells = cells.iter().map(|cell| format!("{cell:>8}"));
    writeln!(out, "{name:<34}{}", cells.collect::<String>())
}

fn measured(text: &str) -> [String; 7] {
    let mut out = Diagnostics::default();
    let file: Arc<Path> = Path::new("z.yaml").into();
    let files = [(file, text)];
    let (networks, merge) = timed(|| NetworkTexts::default().merge(files, false, &mut out));
    let (topology, read) = timed(|| Topology::of(&networks, &mut out));
    let around = around();
    let (before, compile) = timed(|| topology.compile(&around, None, &mut out));
    let (after, again) = timed(|| topology.compile(&around, Some(&before), &mut out));
    let ((), plan) = timed(|| compare(&before, &after));
    let seconds = |time: Duration| format!("{:.3}", time.as_secs_f64());
    [
        format!("{:.1}", text.len() as f64 / f64::from(1 << 20)),
        seconds(merge),
        seconds(read),
        seconds(compile),
        seconds(again),
        seconds(plan),
        out.errors().to_string(),
    ]
}

fn compare(before: &Compiled, after: &Compiled) {
    assert!(Plan::between(before, after).is_empty());
    assert_eq!(mapping_changes(before, after).count(), 0);
    let nothing = Compiled::default();
    let changes = mapping_changes(&nothing, after).count();
    assert_eq!(changes, after.mappings.len());
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

fn around() -> Surroundings {
    let host = |name: &str, locator: &str| Host {
        name: name.to_owned(),
        locator: locator.parse().expect("a locator"),
    };
    Surroundings {
        this: host("r", "fd00:0:0:a::/64"),
        others: vec![host("s", "fd00:0:0:b::/64")],
        ports: vec![Some(KnownPort {
            name: "p".to_owned(),
            purpose: PortPurpose::Nodes,
        })],
    }
}

/// Routers with so many segments each, of so many nodes each, around one router
/// that knows them all.
fn many_routers(routers: u32, each: u32, nodes: u32) -> String {
    let block = |router: u32| Ipv4Addr::from_bits(0x0a00_0000 + router * 0x1000);
    let subnet = |router: u32, n: u32| Ipv4Addr::from_bits(block(router).to_bits() + n * 0x100);
    let of = |router, n, add| Ipv4Addr::from_bits(subnet(router, n).to_bits() + add);
    let mut text = "network: z\nsegments:\n".to_owned();
    for router in 0..routers {
        for n in 0..each {
            let (id, net) = (router * each + n + 1, subnet(router, n));
            writeln!(text, "  - {{ name: s{id}, id: {id}, subnet: {net}/24 }}")
                .expect("a string grows");
        }
    }
    text.push_str("routers:\n  - name: hub\n    routes:\n");
    for router in 0..routers {
        writeln!(
            text,
            "      - {{ to: {}/20, via: j{router} }}",
            block(router)
        )
        .expect("a string grows");
    }
    for router in 0..routers {
        writeln!(text, "  - name: j{router}\n    interfaces:").expect("a string grows");
        for n in 0..each {
            let (id, leg) = (router * each + n + 1, of(router, n, 1));
            writeln!(text, "      - {{ segment: s{id}, address: {leg} }}").expect("a string grows");
        }
        text.push_str("    routes: [{ to: 0.0.0.0/0, via: hub }]\n");
    }
    text.push_str("nodes:\n");
    for segment in 0..routers * each {
        let (router, n) = (segment / each, segment % each);
        for add in 0..nodes {
            let number = segment * nodes + add;
            node(
                &mut text,
                number,
                &format!("s{}", segment + 1),
                of(router, n, 2 + add),
            );
        }
    }
    text
}

/// Every other node is on this host.
fn node(text: &mut String, n: u32, segment: &str, address: Ipv4Addr) {
    let on = if n.is_multiple_of(2) {
        "r, port: p"
    } else {
        "s"
    };
    let line = format!("name: n{n}, host: {on}, segment: {segment}, address: {address}");
    writeln!(text, "  - {{ {line} }}").expect("a string grows");
}

fn one_segment(nodes: u32, segment: &str, net: &str) -> String {
    let first: Ipv4Addr = format!("{net}.0.0.1").parse().expect("an address");
    let mut text =
        "network: z\nsegments: [{ name: front, id: 1, subnet: 10.0.0.0/8 }]\nnodes:\n".to_owned();
    for n in 0..nodes {
        node(
            &mut text,
            n,
            segment,
            Ipv4Addr::from_bits(first.to_bits() + n),
        );
    }
    text
}

fn many_networks(networks: u32, nodes: u32) -> String {
    let mut text = String::new();
    for network in 0..networks {
        let id = network + 1;
        write!(
            text,
            "---\nnetwork: z{network}\nsegments: [{{ name: front, id: {id}, subnet: 10.0.0.0/16 }}]\nnodes:\n"
        )
        .expect("a string grows");
        for n in 0..nodes {
            // Nodes of all networks share a port: their MACs must differ.
            let address = Ipv4Addr::from_bits(0x0a00_0001 + n);
            let line = format!(
                "segment: front, address: {address}, mac: 02:00:{:02x}:{:02x}:{:02x}:{n:02x}",
                network >> 16,
                (network >> 8) & 0xff,
                network & 0xff
            );
            let on = if n.is_multiple_of(2) {
                "r, port: p"
            } else {
                "s"
            };
            writeln!(text, "  - {{ name: n{n}, host: {on}, {line} }}").expect("a string grows");
        }
    }
    text
}

fn a_segment_each(nodes: u32) -> String {
    let subnet = |n: u32| Ipv4Addr::from_bits(0x0a00_0000 + n * 4);
    let of = |n: u32, add: u32| Ipv4Addr::from_bits(0x0a00_0000 + n * 4 + add);
    let mut text = "network: z\nsegments:\n".to_owned();
    for n in 0..nodes {
        let line = format!("name: s{n}, id: {}, subnet: {}/30", n + 1, subnet(n));
        writeln!(text, "  - {{ {line} }}").expect("a string grows");
    }
    text.push_str("routers:\n  - name: j\n    interfaces:\n");
    for n in 0..nodes {
        writeln!(text, "      - {{ segment: s{n}, address: {} }}", of(n, 1))
            .expect("a string grows");
    }
    text.push_str("    routes:\n");
    for n in 0..nodes {
        let to = Ipv4Addr::from_bits(0x1000_0000 + n * 4);
        writeln!(text, "      - {{ to: {to}/30, via: {} }}", of(n, 2)).expect("a string grows");
    }
    text.push_str("nodes:\n");
    for n in 0..nodes {
        node(&mut text, n, &format!("s{n}"), of(n, 2));
    }
    text
}
