//! What a burst costs: 32 frames through the whole pipeline, per direction and
//! kind of way. `cargo bench -p datapath`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench ends where something is missing"
)]

#[path = "../tests/bench/mod.rs"]
mod bench;

use bench::first_match::{Sent, What, decide};
use bench::host::Way;
use bench::{A, F, FRONT, G, H, J, NOBODY, Plan, R_UPLINKS, Site, v4};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use datapath::books::RowId;
use datapath::pipeline::{BURST, Burst, Exits, Punted, Settling, settle};
use packet::build::Frame;
use packet::heap::HEADROOM;
use packet::{HeapBuf, PacketBuf};
use vnet::compiled::PortId;

fn buffer(frame: &[u8]) -> HeapBuf {
    let mut buf = HeapBuf::with_capacity(HEADROOM + 2048);
    buf.append(frame.len()).unwrap();
    buf.data_mut().copy_from_slice(frame);
    buf
}

fn burst(port: PortId, row: RowId, frame_of: impl Fn(u16) -> Vec<u8>) -> Burst<HeapBuf> {
    let mut burst = Burst::new(port, core::time::Duration::ZERO);
    for flow in (0..).take(BURST) {
        burst.push(buffer(&frame_of(flow)), row).unwrap();
    }
    burst
}

fn pipeline(criterion: &mut Criterion) {
    let mut host = Plan::of(Site::R).paths(2).host();
    let data = [0x5a; 64];
    let g = Site::S.substrate(FRONT, G.ip).to_ipv6();
    let a = Site::R.substrate(FRONT, A.ip).to_ipv6();
    let from_fabric = |flow: u16| {
        Frame::between(bench::plan::router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
            .ipv6(g, a)
            .udp(flow, 53, &data)
    };
    type Kind<'a> = (&'a str, Way, u16, &'a dyn Fn(u16) -> Vec<u8>);
    let kinds: [Kind<'_>; 5] = [
        ("node to fabric, udp", Way::Node, A.port, &|flow| {
            v4(A, G).udp(flow, 53, &data)
        }),
        ("node to node, udp", Way::Node, A.port, &|flow| {
            v4(A, F).udp(flow, 53, &data)
        }),
        (
            "fabric to node, udp",
            Way::Substrate,
            R_UPLINKS[0],
            &from_fabric,
        ),
        ("arp answered", Way::Node, A.port, &|_| {
            Frame::between(A.mac, G.mac).arp_request(A.ip, G.ip)
        }),
        ("dropped, unknown mac", Way::Node, A.port, &|flow| {
            Frame::between(NOBODY, G.mac)
                .ipv4(A.ip, G.ip)
                .udp(flow, 53, &data)
        }),
    ];
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(BURST as u64));
    for (name, way, port, frame_of) in kinds {
        let port = PortId(port);
        let row = host.row(port);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || burst(port, row, frame_of),
                |burst| host.run(way, burst),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Two logical routers on the way, among so many others: the network's size
/// must not show.
fn routing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("routed");
    group.throughput(Throughput::Elements(BURST as u64));
    for others in [0, 998] {
        let plan = bench::crowd::among(Plan::of(Site::R).paths(2), others);
        let segments = plan.compiled.segments.len();
        let mut host = plan.host();
        let frame_of = |flow: u16| {
            Frame::between(A.mac, J.mac)
                .ipv4(A.ip, H.ip)
                .udp(flow, 53, &[0x5a; 64])
        };
        let port = PortId(A.port);
        let row = host.row(port);
        let name = format!("two of {} routers, {segments} segments", others + 2);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || burst(port, row, frame_of),
                |burst| host.run(Way::Node, burst),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// A burst in a network with so many rules that all might concern its sender; the
/// last of them decides. Beside it in each run, the yardstick: the same rules gone
/// through from the first on, for as many packets.
fn rules(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules");
    group.throughput(Throughput::Elements(BURST as u64));
    let frame_of = |flow: u16| v4(A, F).udp(flow, 53, &[0x5a; 64]);
    let port = PortId(A.port);
    let mut measure = |name: String, mut host: bench::Host| {
        let row = host.row(port);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || burst(port, row, frame_of),
                |burst| host.run(Way::Node, burst),
                BatchSize::SmallInput,
            );
        });
    };
    measure("none".to_owned(), Plan::of(Site::R).host());
    for count in [10, 100, 1000] {
        let plan = Plan::of(Site::R).ruled(&many_rules(count, "allow"));
        measure(format!("{count}"), plan.host());
        let plan = Plan::of(Site::R).ruled(&many_rules(count, "deny"));
        measure(format!("{count}, as a packet that is refused"), plan.host());
    }
    for count in [10, 100, 1000] {
        let rules = bench::rules::rules(&many_rules(count, "allow"));
        let sent = one_by_one();
        group.bench_function(format!("{count}, one by one"), |bencher| {
            bencher.iter(|| {
                for _ in 0..BURST {
                    std::hint::black_box(decide(&rules, std::hint::black_box(&sent)));
                }
            });
        });
    }
    group.finish();
}

/// Rules of all kinds, none of which matches A's DNS queries to F but the last.
fn many_rules(count: usize, last: &str) -> String {
    let mut text = "rules:\n".to_owned();
    for at in 1..count {
        let (high, low) = (at / 200, at % 200);
        text += &match at % 4 {
            0 => format!("  - {{ from: a, to: 10.{high}.{low}.0/24, deny: udp }}\n"),
            1 => format!("  - {{ from: front, to: f, allow: tcp/{} }}\n", 1000 + at),
            2 => format!("  - {{ from: 172.16.{high}.{low}, to: any, deny: any }}\n"),
            _ => format!("  - {{ from: any, to: any, deny: udp/{} }}\n", 1000 + at),
        };
    }
    text + &format!("  - {{ from: a, to: front, {last}: udp/53 }}\n")
}

fn one_by_one() -> Sent {
    let end = |node: bench::Node| (bench::segment(FRONT), bench::plan::ip_of(node.ip));
    Sent {
        from: end(A),
        to: end(F),
        what: What::Ports(17, 1000, 53),
        len: Some(92),
        at: vnet::compiled::WeekMinute::at(0),
    }
}

/// Ways out that keep what is sent: buffers are freed after the clock stops.
struct Kept(Vec<HeapBuf>);

impl Exits<HeapBuf> for Kept {
    fn buffer(&mut self) -> Option<HeapBuf> {
        None
    }

    fn offer(&mut self, _: PortId, buf: HeapBuf) {
        self.0.push(buf);
    }

    fn punt(&mut self, punted: Punted<HeapBuf>) -> Result<(), Punted<HeapBuf>> {
        Err(punted)
    }
}

/// The end of a burst: what booking it costs.
fn settling(criterion: &mut Criterion) {
    let mut host = Plan::of(Site::R).paths(2).host();
    let data = [0x5a; 64];
    let port = PortId(A.port);
    let row = host.row(port);
    let forwarded = |flow| v4(A, G).udp(flow, 53, &data);
    let dropped = |flow| {
        Frame::between(NOBODY, G.mac)
            .ipv4(A.ip, G.ip)
            .udp(flow, 53, &data)
    };
    let mut group = criterion.benchmark_group("settle");
    group.throughput(Throughput::Elements(BURST as u64));
    type Kind<'a> = (&'a str, &'a dyn Fn(u16) -> Vec<u8>);
    let kinds: [Kind<'_>; 2] = [("forwarded", &forwarded), ("dropped", &dropped)];
    for (name, frame_of) in kinds {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = core::time::Duration::ZERO;
                let mut kept = Kept(Vec::with_capacity(BURST));
                for _ in 0..times {
                    let mut burst = burst(port, row, frame_of);
                    host.run(Way::Node, &mut burst);
                    let with = Settling {
                        tables: &host.tables,
                        ledger: &host.ledger,
                    };
                    let began = std::time::Instant::now();
                    settle(&mut burst, with, &mut host.state, &mut kept);
                    spent += began.elapsed();
                    kept.0.clear();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pipeline, routing, rules, settling);
criterion_main!(benches);
