//! A host with 100 000 interfaces, each in a segment of its own: how long its
//! tables take to fill, what they and the books weigh, and what readers cost
//! whoever counts. Prints; asserts no time.
//! `cargo test --release -p datapath --test scale -- --ignored --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_macros,
    reason = "it is there to print"
)]

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use datapath::books::{Ledger, Patience, RowId};
use datapath::tables::{Drawn, PortEntry, PortOffloads, PortRole};
use packet::{MacAddr, SegmentId, VirtualAddr, VlanId};
use vnet::compiled::{
    AddressPolicy, Compiled, Interface, InterfaceId, Ipv4Subnet, LinkType, PortId, Segment,
    UnknownMac,
};

const INTERFACES: u32 = 100_000;
const NODE_PORTS: u16 = 30;

/// A number to spread interfaces by.
fn number(id: u32) -> u16 {
    (id % 0xffff).try_into().unwrap()
}

fn compiled() -> Compiled {
    let numbers = 1..=INTERFACES;
    let segment = |id| Segment {
        id: SegmentId::new(id).unwrap(),
        name: String::new(),
        network: 0,
        subnet: Ipv4Subnet::new([10, 0, 0, 0].into(), 8).unwrap(),
        vlan: None,
        label: None,
        mtu: 1500,
        unknown_mac: UnknownMac::Drop,
        ethertypes: Vec::new(),
        dhcp: None,
        multicast: vnet::compiled::Multicast::default(),
        has_dhcp_server: false,
    };
    let interface = |id: u32| Interface {
        id: InterfaceId(id - 1),
        node: String::new(),
        port: PortId(2 + number(id) % NODE_PORTS),
        segment: SegmentId::new(id).unwrap(),
        tags: VlanId::new(1 + number(id) % 4094).ok().into(),
        link: LinkType::Trunk,
        mac: {
            let [a, b, c, d] = id.to_be_bytes();
            MacAddr::new([2, 0, a, b, c, d])
        },
        addresses: vec![VirtualAddr::from_bits(0x0a00_0000 + id)],
        dhcp_server: false,
        policy: AddressPolicy::Fixed,
    };
    Compiled {
        segments: numbers.clone().map(segment).collect(),
        interfaces: numbers.map(interface).collect(),
        ..Compiled::default()
    }
}

fn ports() -> Vec<Option<PortEntry>> {
    let entry = |port: u16| PortEntry {
        name: format!("port {port}").into(),
        role: if port < 2 {
            PortRole::Uplink
        } else {
            PortRole::Node
        },
        offloads: PortOffloads::default(),
    };
    (0..2 + NODE_PORTS).map(entry).map(Some).collect()
}

/// Memory of this process that is really there, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap() * 1024
}

/// Time that this thread had a core.
fn on_core() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
#[ignore = "measures; run it by itself"]
fn a_hundred_thousand_interfaces_in_as_many_segments() {
    let (compiled, ports) = (compiled(), ports());
    let before = resident();
    let began = on_core();
    let drawn = Drawn::new(&compiled, &ports);
    let took = on_core() - began;
    let each = (resident() - before) / u64::from(INTERFACES);
    let rows = drawn.ports.rows();
    println!(
        "filled in {took:?}; {each} bytes per interface; {} lines",
        rows.len()
    );
    let began = on_core();
    let next = drawn.followed_by(&compiled, &ports);
    println!(
        "the next configuration, nothing new: {:?}",
        on_core() - began
    );
    assert_eq!(next.ports.rows().len(), rows.len());

    let before = resident();
    let began = Instant::now();
    let ledger = Ledger::of(rows).unwrap();
    let took = began.elapsed();
    println!("a ledger in {took:?}; {} KiB", (resident() - before) / 1024);
    let lines: Vec<RowId> = rows.iter().map(|name| name.id).collect();
    let book = |id: &RowId| {
        let line = ledger.line(*id);
        line.received(60);
        line.forwarded();
    };
    lines[..INTERFACES as usize].iter().for_each(book);
    let each = (resident() - before) / u64::from(INTERFACES);
    println!("after {INTERFACES} lines were booked on: {each} bytes per line");

    // Someone reads all the time; the longest boundary, and the longest line.
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                let patience = &Patience::of(Duration::from_secs(60));
                let began = Instant::now();
                ledger.read(patience);
                let there = lines.iter().filter_map(|id| ledger.read_row(*id, patience));
                for row in there {
                    assert_eq!(row.numbers.received, row.ended());
                }
                longest = longest.max(began.elapsed());
            }
            println!("longest reading of all: {longest:?}");
        });
        let mut boundaries = Vec::with_capacity(1 << 20);
        let until = Instant::now() + Duration::from_secs(5);
        for burst in lines[..INTERFACES as usize].chunks(32).cycle() {
            burst.iter().for_each(book);
            let began = Instant::now();
            ledger.boundary();
            let took = began.elapsed();
            if boundaries.len() < boundaries.capacity() {
                boundaries.push(took);
            }
            if Instant::now() >= until {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        boundaries.sort();
        let at = |part: usize| boundaries[(boundaries.len() - 1) * part / 100_000];
        println!(
            "{} boundaries: median {:?}, 99.9 % {:?}, 99.999 % {:?}, longest {:?}",
            boundaries.len(),
            at(50_000),
            at(99_900),
            at(99_999),
            at(100_000)
        );
    });
}
