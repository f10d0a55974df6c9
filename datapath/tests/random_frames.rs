//! Malformed and random frames on node and substrate ports cause counted
//! drops and nothing else.
//!
//! `VSWITCH_FUZZ_FRAMES` sets how many (300 000 if not set; the release was
//! tried with tens of millions), `VSWITCH_FUZZ_SEED` from which seed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is missing"
)]

mod bench;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bench::ends::ends_well;
use bench::host::Way;
use bench::random::Random;
use bench::{A, D, F, FRONT, G, Host, Plan, R_UPLINKS, Site, VLAN_FRONT, stew, tagged, v4};
use datapath::books::RowId;
use datapath::pipeline::{BURST, Burst, DropReason, Packet, Verdict};
use packet::build::{Frame, Payload};
use packet::heap::HEADROOM;
use packet::{HeapBuf, IpProtocol, MacAddr, PacketBuf};
use vnet::compiled::PortId;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.replace('_', "").parse().unwrap(),
        Err(_) => default,
    }
}

/// What came of the packets of one line of the books.
#[derive(Debug, Default, Clone)]
struct Line {
    received: u64,
    forwarded: u64,
    answered: u64,
    consumed: u64,
    punted: u64,
    dropped: u64,
}

#[derive(Default)]
struct Books {
    lines: Vec<Line>,
    reasons: BTreeMap<DropReason, u64>,
    to_nodes: u64,
    to_uplinks: u64,
}

/// A room of the size that a port's pool has, so that frames which fit there
/// fit here.
fn buffer(frame: &[u8]) -> HeapBuf {
    let mut buf = HeapBuf::with_capacity(HEADROOM + 2048);
    buf.append(frame.len()).unwrap();
    buf.data_mut().copy_from_slice(frame);
    buf
}

/// Pushes a burst through, and checks and books what came of it.
fn push(host: &mut Host, way: Way, port: u16, frames: &[Vec<u8>], books: &mut Books) {
    let port = PortId(port);
    let mut burst = Burst::new(port);
    for frame in frames {
        let row = host.row(port);
        assert!(burst.push(buffer(frame), row).is_ok());
    }
    let whole = catch_unwind(AssertUnwindSafe(|| {
        host.run(way, &mut burst);
        let rows: Vec<_> = host.tables.drawn.ports.rows().iter().collect();
        books.lines.resize(rows.len(), Line::default());
        for packet in &burst.packets {
            ends_well(way, packet.cx.verdict, packet.buf.data());
            let RowId(row) = packet.cx.row;
            let (_, of_port, _) = rows[row as usize];
            assert!(of_port == port || usize::from(port.0) > 7, "{row}");
            book(packet, &mut books.lines[row as usize], &mut books.reasons);
            match packet.cx.verdict {
                Verdict::Forward(PortId(port)) if R_UPLINKS.contains(&port) => {
                    books.to_uplinks += 1;
                }
                Verdict::Forward(_) => books.to_nodes += 1,
                _ => {}
            }
        }
        assert_eq!(burst.packets.len(), frames.len());
    }));
    if whole.is_err() {
        let hex: Vec<String> = frames.iter().map(|frame| format!("{frame:02x?}")).collect();
        panic!("{way:?} on port {}:\n{}", port.0, hex.join("\n"));
    }
}

fn book(packet: &Packet<HeapBuf>, line: &mut Line, reasons: &mut BTreeMap<DropReason, u64>) {
    line.received += 1;
    match packet.cx.verdict {
        Verdict::Next => unreachable!("checked"),
        Verdict::Forward(_) => line.forwarded += 1,
        Verdict::Reply => line.answered += 1,
        Verdict::Consume(_) => line.consumed += 1,
        Verdict::Punt(_) => line.punted += 1,
        Verdict::Drop(reason) => {
            line.dropped += 1;
            *reasons.entry(reason).or_default() += 1;
        }
    }
}

/// The books balance, line by line and as a whole.
fn balance(books: &Books, pushed: u64) {
    let mut received = 0;
    for line in &books.lines {
        let ends = line.forwarded + line.answered + line.consumed + line.punted + line.dropped;
        assert_eq!(line.received, ends, "{line:?}");
        received += line.received;
    }
    assert_eq!(received, pushed);
    let dropped: u64 = books.lines.iter().map(|line| line.dropped).sum();
    assert_eq!(dropped, books.reasons.values().sum::<u64>());
}

#[test]
fn random_and_spoilt_frames_only_ever_cause_counted_drops() {
    let frames = number("VSWITCH_FUZZ_FRAMES", 300_000);
    let seed = number("VSWITCH_FUZZ_SEED", 1);
    let mut random = Random::seeded(seed);
    let mut host = Plan::of(Site::R).paths(3).host();
    let mut books = Books::default();
    let mut pushed = 0;
    while pushed < frames {
        let mut of_port: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 9];
        for _ in 0..BURST * 4 {
            let (port, frame) = stew::from_node(&mut random);
            of_port[usize::from(port)].push(frame);
        }
        for (port, frames) in (0..).zip(&of_port) {
            for burst in frames.chunks(BURST) {
                push(&mut host, Way::FromNode, port, burst, &mut books);
            }
        }
        for _ in 0..4 {
            let burst: Vec<_> = (0..BURST)
                .map(|_| stew::from_substrate(&mut random))
                .collect();
            push(
                &mut host,
                Way::FromSubstrate,
                R_UPLINKS[0],
                &burst,
                &mut books,
            );
        }
        pushed += 8 * BURST as u64;
    }
    balance(&books, pushed);
    // The mix is worth its time only if it gets everywhere.
    let answered: u64 = books.lines.iter().map(|line| line.answered).sum();
    let punted: u64 = books.lines.iter().map(|line| line.punted).sum();
    let reasons = books.reasons.len();
    eprintln!(
        "{pushed} frames, seed {seed}: {} to nodes, {} to uplinks, {answered} answered, \
         {punted} punted, dropped for {reasons} reasons: {:?}",
        books.to_nodes, books.to_uplinks, books.reasons
    );
    for (what, count) in [
        ("to nodes", books.to_nodes),
        ("to uplinks", books.to_uplinks),
        ("answered", answered),
        ("punted", punted),
    ] {
        assert!(count > pushed / 1000, "{count} of {pushed} {what}");
    }
    // All but `no-route`, `no-headroom`, `not-contiguous` and the slow path's.
    assert!(reasons >= 37, "{:?}", books.reasons);
}

#[test]
fn packets_of_a_burst_do_not_influence_each_other() {
    let mut random = Random::seeded(number("VSWITCH_FUZZ_SEED", 2));
    let [mut together, mut alone] = [(); 2].map(|()| Plan::of(Site::R).paths(3).host());
    for round in 0..300u16 {
        let (way, port) = if round % 2 == 0 {
            (Way::FromSubstrate, R_UPLINKS[0])
        } else {
            (Way::FromNode, round / 2 % 6)
        };
        let mut frames = Vec::new();
        while frames.len() < BURST {
            match way {
                Way::FromSubstrate => frames.push(stew::from_substrate(&mut random)),
                Way::FromNode => {
                    let (of, frame) = stew::from_node(&mut random);
                    frames.extend((of == port).then_some(frame));
                }
            }
        }
        let port = PortId(port);
        let mut burst = Burst::new(port);
        for frame in &frames {
            burst.push(buffer(frame), together.row(port)).unwrap();
        }
        assert!(burst.push(buffer(b"one too many"), RowId(0)).is_err());
        together.run(way, &mut burst);
        for (packet, frame) in burst.packets.iter().zip(&frames) {
            let outcome = alone.one(way, port, buffer(frame));
            assert_eq!(packet.cx.verdict, outcome.cx.verdict, "{frame:02x?}");
            assert_eq!(packet.cx.row, outcome.cx.row, "{frame:02x?}");
            assert_eq!(packet.buf.data(), outcome.frame, "{frame:02x?}");
        }
    }
}

#[test]
fn whole_frames_cut_at_every_length_only_ever_cause_counted_drops() {
    let data = [0x5a; 20];
    let of_a = |ip: packet::build::Ipv4| ip.ttl(3).dont_fragment();
    let broadcast = Frame::between(A.mac, MacAddr::BROADCAST);
    let icmp = |kind| Payload::icmp(IpProtocol::ICMP, (kind, 0), (1, 2), &data);
    let mut from_node: Vec<(u16, Vec<u8>)> = vec![
        (A.port, broadcast.arp_request(A.ip, G.ip)),
        (A.port, broadcast.arp_probe(G.ip)),
        (
            A.port,
            of_a(v4(A, G))
                .options(&[7, 7, 4, 0, 0, 0, 0])
                .udp(1, 2, &data),
        ),
        (
            A.port,
            of_a(v4(A, F))
                .options(&[7, 7, 4, 0, 0, 0, 0])
                .udp(1, 2, &data),
        ),
        (A.port, v4(A, F).fragment(0, true).protocol(17, &data)),
    ];
    for to in [F, G] {
        for payload in [
            Payload::udp(1, 2, &data),
            Payload::tcp(1, 2, 3, 2, &data),
            Payload::udp_lite(1, 2, &data),
            Payload::dccp(1, 2, &data),
            Payload::sctp(1, 2, 3, &data),
            icmp(8),
            icmp(0),
            icmp(3),
        ] {
            from_node.push((A.port, of_a(v4(A, to)).carrying(payload.clone())));
            from_node.push((D.port, tagged(VLAN_FRONT, D, to).carrying(payload)));
        }
    }
    let g = Site::S.substrate(FRONT, G.ip).to_ipv6();
    let a = Site::R.substrate(FRONT, A.ip).to_ipv6();
    let uplink = Frame::between(bench::plan::router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]));
    let v6 = || uplink.clone().ipv6(g, a);
    let from_substrate = [
        v6().udp(1, 2, &data),
        v6().tcp(1, 2, &data),
        v6().icmp_echo(1, 2, &data),
        v6().icmp((1, 0), (0, 0), &data),
        v6().protocol(44, &data),
        v6().protocol(97, &data),
        uplink
            .clone()
            .ipv6(g, Site::R.address())
            .icmp_echo(1, 2, &data),
    ];
    let mut host = Plan::of(Site::R).host();
    let mut books = Books::default();
    let mut pushed = 0;
    let mut cut = |way, port, frame: &[u8], books: &mut Books| {
        for len in 0..=frame.len() {
            // As it is, and with a length field that tells of the cut.
            push(&mut host, way, port, &[frame[..len].to_vec()], books);
            pushed += 1;
        }
    };
    for (port, frame) in &from_node {
        cut(Way::FromNode, *port, frame, &mut books);
    }
    for frame in &from_substrate {
        cut(Way::FromSubstrate, R_UPLINKS[0], frame, &mut books);
    }
    balance(&books, pushed);
    assert!(books.to_nodes > 0 && books.to_uplinks > 0);
}
