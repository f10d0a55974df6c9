//! What a packet costs in instructions, for `benches/instructions/run`: it
//! counts them under a simulator, once for these rounds and once for bursts
//! that are only made, so that the difference is the pipeline's.
//!
//! `instructions WAY made|run ROUNDS`; without arguments the ways, a line each.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "a program for a script, which ends where something is missing"
)]

#[path = "../tests/bench/mod.rs"]
mod bench;

use bench::host::Way;
use bench::{A, F, FRONT, G, H, J, NOBODY, Plan, R_UPLINKS, Site, v4};
use datapath::books::RowId;
use datapath::pipeline::{BURST, Burst, Exits, Punted, Settling, settle};
use packet::build::Frame;
use packet::heap::HEADROOM;
use packet::{HeapBuf, PacketBuf};
use vnet::compiled::PortId;

/// A way through the pipeline: its name, where it begins, and a flow's frame.
type Kind = (&'static str, Way, u16, fn(u16) -> Vec<u8>);

/// The same as over two routers, where there are a thousand, and 10 000 segments.
const AMONG_MANY: &str = "two-of-1000-routers-udp";

const KINDS: [Kind; 8] = [
    ("node-to-fabric-udp", Way::Node, A.port, |flow| {
        v4(A, G).udp(flow, 53, &[0x5a; 18])
    }),
    ("node-to-fabric-tcp", Way::Node, A.port, |flow| {
        v4(A, G).tcp(flow, 80, &[0x5a; 6])
    }),
    ("fabric-to-node-udp", Way::Substrate, R_UPLINKS[0], |flow| {
        Frame::between(bench::plan::router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
            .ipv6(
                Site::S.substrate(FRONT, G.ip).to_ipv6(),
                Site::R.substrate(FRONT, A.ip).to_ipv6(),
            )
            .udp(flow, 53, &[0x5a; 18])
    }),
    ("node-to-node-udp", Way::Node, A.port, |flow| {
        v4(A, F).udp(flow, 53, &[0x5a; 18])
    }),
    ("two-routers-udp", Way::Node, A.port, |flow| {
        Frame::between(A.mac, J.mac)
            .ipv4(A.ip, H.ip)
            .udp(flow, 53, &[0x5a; 18])
    }),
    (AMONG_MANY, Way::Node, A.port, |flow| {
        Frame::between(A.mac, J.mac)
            .ipv4(A.ip, H.ip)
            .udp(flow, 53, &[0x5a; 18])
    }),
    ("arp-answered", Way::Node, A.port, |_| {
        Frame::between(A.mac, G.mac).arp_request(A.ip, G.ip)
    }),
    ("dropped-unknown-mac", Way::Node, A.port, |flow| {
        Frame::between(NOBODY, G.mac)
            .ipv4(A.ip, G.ip)
            .udp(flow, 53, &[0x5a; 18])
    }),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [way, what, rounds] if what == "made" || what == "run" => {
            let kind = KINDS.iter().find(|kind| kind.0 == way);
            turn(*kind.unwrap(), what == "run", rounds.parse().unwrap());
        }
        _ => KINDS.iter().for_each(|kind| println!("{}", kind.0)),
    }
}

fn turn((name, way, port, frame_of): Kind, is_run: bool, rounds: u32) {
    let others = if name == AMONG_MANY { 998 } else { 0 };
    let mut host = bench::crowd::among(Plan::of(Site::R).paths(2), others).host();
    let port = PortId(port);
    let row = host.row(port);
    let frames: Vec<Vec<u8>> = (0..).take(BURST).map(frame_of).collect();
    let mut kept = Kept(Vec::with_capacity(2 * BURST));
    for _ in 0..rounds {
        let mut burst = burst(port, row, &frames);
        if is_run {
            host.run(way, &mut burst);
            let with = Settling {
                tables: &host.tables,
                ledger: &host.ledger,
            };
            settle(&mut burst, with, &mut host.state, &mut kept);
        }
        kept.0.clear();
    }
}

fn burst(port: PortId, row: RowId, frames: &[Vec<u8>]) -> Burst<HeapBuf> {
    let mut burst = Burst::new(port, core::time::Duration::ZERO);
    for frame in frames {
        let mut buf = HeapBuf::with_capacity(HEADROOM + 256);
        buf.append(frame.len()).unwrap();
        buf.data_mut().copy_from_slice(frame);
        burst.push(buf, row).unwrap();
    }
    burst
}

/// Ways out that keep what is sent.
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
