//! Malformed and random frames on node and substrate ports cause counted
//! drops and nothing else.
//!
//! `VSWITCH_FUZZ_FRAMES` sets how many (300 000 if not set; the release was
//! tried with tens of millions), `VSWITCH_FUZZ_SEED` from which seed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test ends where something is missing"
)]

mod bench;

use core::time::Duration;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bench::ends::{decided, ends_well, leaves_well, plan, ruled_plan};
use bench::host::Way;
use bench::random::Random;
use bench::{
    A, D, F, FAR, FRONT, G, H, Host, Ip, Plan, R_UPLINKS, Site, VLAN_FRONT, stew, tagged, v4,
};
use datapath::books::{Patience, RowId};
use datapath::pipeline::{BURST, Burst, DropReason, Exits, Punted, Settling, settle};
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

/// What left the host, in order.
#[derive(Debug, Default)]
struct Out {
    sent: Vec<(PortId, Vec<u8>)>,
    punted: u64,
}

impl Exits<HeapBuf> for Out {
    fn buffer(&mut self) -> Option<HeapBuf> {
        Some(buffer(&[]))
    }

    fn offer(&mut self, port: PortId, buf: HeapBuf) {
        self.sent.push((port, buf.data().to_vec()));
    }

    fn punt(&mut self, _: Punted<HeapBuf>) -> Result<(), Punted<HeapBuf>> {
        self.punted += 1;
        Ok(())
    }
}

/// A room of the size that a port's pool has, so that frames which fit there
/// fit here.
fn buffer(frame: &[u8]) -> HeapBuf {
    let mut buf = HeapBuf::with_capacity(HEADROOM + 2048);
    buf.append(frame.len()).unwrap();
    buf.data_mut().copy_from_slice(frame);
    buf
}

/// What was seen from outside, to hold against the host's books.
#[derive(Debug, Default)]
struct Tally {
    pushed: u64,
    to_nodes: u64,
    to_uplinks: u64,
    punted: u64,
}

/// A little later than it was, so that errors are rate-limited at times.
fn tick(host: &mut Host) {
    host.now += Duration::from_micros(100);
}

/// Pushes a burst through, and checks and counts what came of it.
fn push(host: &mut Host, way: Way, port: u16, frames: &[Vec<u8>], tally: &mut Tally) {
    let port = PortId(port);
    tick(host);
    let mut burst = Burst::new(port, host.now);
    for frame in frames {
        let row = host.row(port);
        assert!(burst.push(buffer(frame), row).is_ok());
    }
    let whole = catch_unwind(AssertUnwindSafe(|| {
        host.run(way, &mut burst);
        assert_eq!(burst.packets.len(), frames.len());
        let rows: Vec<_> = host.tables.drawn.ports.rows().iter().collect();
        for packet in &burst.packets {
            decided(way, packet.cx.verdict);
            let RowId(row) = packet.cx.row;
            let of_port = rows[row as usize].port == format!("port {}", port.0);
            assert!(of_port || usize::from(port.0) > 7, "{row}");
        }
        let out = settled(host, &mut burst);
        for (to, frame) in &out.sent {
            leaves_well(way, port, *to, frame);
            if R_UPLINKS.contains(&to.0) {
                tally.to_uplinks += 1;
            } else {
                tally.to_nodes += 1;
            }
        }
        tally.punted += out.punted;
        tally.pushed += frames.len() as u64;
    }));
    if whole.is_err() {
        let hex: Vec<String> = frames.iter().map(|frame| format!("{frame:02x?}")).collect();
        panic!("{way:?} on port {}:\n{}", port.0, hex.join("\n"));
    }
}

fn settled(host: &mut Host, burst: &mut Burst<HeapBuf>) -> Out {
    let mut out = Out::default();
    let with = Settling {
        tables: &host.tables,
        ledger: &host.ledger,
    };
    settle(burst, with, &mut host.state, &mut out);
    out
}

/// What the books say of all lines together.
#[derive(Debug, Default)]
struct Booked {
    received: u64,
    pieces: u64,
    copies: u64,
    forwarded: u64,
    answered: u64,
    consumed: u64,
    punted: u64,
    dropped: BTreeMap<DropReason, u64>,
}

/// The books balance, line by line and with what was seen.
fn balance(host: &Host, tally: &Tally) -> Booked {
    let mut all = Booked::default();
    for name in host.tables.drawn.ports.rows().iter() {
        let row = host.booked(name.id);
        for (reason, count) in DropReason::ALL.iter().zip(row.dropped) {
            if count > 0 {
                *all.dropped.entry(*reason).or_default() += count;
            }
        }
        let numbers = row.numbers;
        assert_eq!(row.began(), row.ended(), "{name:?}");
        all.received += numbers.received;
        all.pieces += numbers.pieces;
        all.copies += numbers.copies;
        all.forwarded += numbers.forwarded;
        all.answered += numbers.answered;
        all.consumed += numbers.consumed;
        all.punted += numbers.punted;
    }
    let totals = host.ledger.read(&Patience::none()).totals;
    assert_eq!(
        (totals.received, totals.pieces, totals.forwarded),
        (all.received, all.pieces, all.forwarded)
    );
    assert_eq!(totals.copies, all.copies);
    assert_eq!(
        (totals.answered, totals.consumed, totals.punted),
        (all.answered, all.consumed, all.punted)
    );
    assert_eq!(totals.dropped, all.dropped.values().sum::<u64>());
    assert_eq!(all.received, tally.pushed);
    assert_eq!(all.punted, tally.punted);
    assert_eq!(
        all.forwarded + all.answered,
        tally.to_nodes + tally.to_uplinks
    );
    all
}

/// Pushes random and spoilt frames into a host, and has its books.
fn pushed(plan: Plan, frames: u64, seed: u64) -> (Tally, Booked) {
    let mut random = Random::seeded(seed);
    let mut host = plan.host();
    let mut tally = Tally::default();
    while tally.pushed < frames {
        let mut of_port: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 9];
        for _ in 0..BURST * 4 {
            let (port, frame) = stew::from_node(&mut random);
            of_port[usize::from(port)].push(frame);
        }
        for (port, frames) in (0..).zip(&of_port) {
            for burst in frames.chunks(BURST) {
                push(&mut host, Way::Node, port, burst, &mut tally);
            }
        }
        for _ in 0..4 {
            let burst: Vec<_> = (0..BURST)
                .map(|_| stew::from_substrate(&mut random))
                .collect();
            let uplink = R_UPLINKS[0];
            push(&mut host, Way::Substrate, uplink, &burst, &mut tally);
        }
    }
    let booked = balance(&host, &tally);
    (tally, booked)
}

#[test]
fn under_access_rules_they_do_so_too() {
    let frames = number("VSWITCH_FUZZ_FRAMES", 300_000) / 4;
    let seed = number("VSWITCH_FUZZ_SEED", 1);
    let (tally, booked) = pushed(ruled_plan(), frames, seed);
    for reason in [
        DropReason::DeniedByRule,
        DropReason::DeniedByDefault,
        DropReason::FragmentTooShort,
    ] {
        assert!(
            booked.dropped.contains_key(&reason),
            "{reason:?}: {tally:?}"
        );
    }
}

#[test]
fn random_and_spoilt_frames_only_ever_cause_counted_drops() {
    let frames = number("VSWITCH_FUZZ_FRAMES", 300_000);
    let seed = number("VSWITCH_FUZZ_SEED", 1);
    let (tally, booked) = pushed(plan(), frames, seed);
    eprintln!("seed {seed}: {tally:?}\n{booked:?}");
    // The mix is worth its time only if it gets everywhere.
    for (what, count) in [
        ("to nodes", tally.to_nodes),
        ("to uplinks", tally.to_uplinks),
        ("answered", booked.answered),
        ("punted", booked.punted),
        ("pieces", booked.pieces),
        ("copies", booked.copies),
    ] {
        assert!(count > tally.pushed / 1000, "{count} of {tally:?} {what}");
    }
    // All but those of the slow path, of super-frames and of missing buffers,
    // `no-route`, `no-headroom` and `not-contiguous`.
    let reasons = booked.dropped.len();
    assert!(reasons >= 40, "{reasons}: {:?}", booked.dropped);
}

#[test]
fn packets_of_a_burst_do_not_influence_each_other() {
    let mut random = Random::seeded(number("VSWITCH_FUZZ_SEED", 2));
    let [mut together, mut alone] = [(); 2].map(|()| plan().host());
    for round in 0..300u16 {
        let (way, port) = if round % 2 == 0 {
            (Way::Substrate, R_UPLINKS[0])
        } else {
            (Way::Node, round / 2 % 6)
        };
        let mut frames = Vec::new();
        while frames.len() < BURST {
            match way {
                Way::Substrate => frames.push(stew::from_substrate(&mut random)),
                Way::Kernel => frames.push(stew::from_kernel(&mut random)),
                Way::Node => {
                    let (of, frame) = stew::from_node(&mut random);
                    frames.extend((of == port).then_some(frame));
                }
            }
        }
        let port = PortId(port);
        // Time for as many errors as there are packets.
        together.now += Duration::from_secs(1);
        alone.now = together.now;
        let mut burst = Burst::new(port, together.now);
        for frame in &frames {
            burst.push(buffer(frame), together.row(port)).unwrap();
        }
        assert!(burst.push(buffer(b"one too many"), RowId(0)).is_err());
        together.run(way, &mut burst);
        let mut left = Vec::new();
        for (packet, frame) in burst.packets.iter().zip(&frames) {
            let outcome = alone.one(way, port, buffer(frame));
            ends_well(way, port, &outcome);
            assert_eq!(packet.cx.verdict, outcome.cx.verdict, "{frame:02x?}");
            assert_eq!(packet.cx.row, outcome.cx.row, "{frame:02x?}");
            assert_eq!(packet.buf.data(), outcome.frame, "{frame:02x?}");
            left.extend(outcome.sent);
        }
        assert_eq!(settled(&mut together, &mut burst).sent, left);
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
    let of_a = uplink.clone().ipv6(a, g).payload_len(1460);
    let of_a = of_a.flow_label(0x40_8001).udp(1, 2, &data)[14..].to_vec();
    let fabric = core::net::Ipv6Addr::new(0xfd00, 0, 0, 0xfe, 0, 0, 0, 1);
    let router = || uplink.clone().ipv6(fabric, a);
    let from_substrate = [
        v6().udp(1, 2, &data),
        v6().tcp(1, 2, &data),
        v6().icmp_echo(1, 2, &data),
        v6().icmp((1, 0), (0, 0), &data),
        v6().protocol(44, &[&[17, 0, 0, 1, 0, 0, 0, 9], &data[..16]].concat()),
        v6().protocol(97, &[&[0x30, 0][..], &v4(G, A).udp(1, 2, &data)].concat()),
        v6().icmp((3, 0), (0, 0), &of_a),
        router().icmp((2, 0), (0, 1400), &of_a),
        router().icmp((1, 0), (0, 0), &of_a),
        uplink
            .clone()
            .ipv6(g, Site::R.address())
            .icmp_echo(1, 2, &data),
    ];
    let mut host = plan().host();
    let mut tally = Tally::default();
    let mut cut = |way, port, frame: &[u8]| {
        for len in 0..=frame.len() {
            push(&mut host, way, port, &[frame[..len].to_vec()], &mut tally);
        }
    };
    for (port, frame) in &from_node {
        cut(Way::Node, *port, frame);
    }
    for frame in &from_substrate {
        cut(Way::Substrate, R_UPLINKS[0], frame);
    }
    balance(&host, &tally);
    assert!(tally.to_nodes > 0 && tally.to_uplinks > 0);
}

/// What fuzzers begin with is worth more than noise: it goes all the way.
#[test]
fn the_fuzzers_corpus_passes() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (way, folder) in [(Way::Node, "from_node"), (Way::Substrate, "from_substrate")] {
        let files = std::fs::read_dir(corpus.join(folder)).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 7, "{files:?}");
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let mut host = plan().host();
            let (port, outcome) = match way {
                Way::Node => {
                    let port = u16::from(bytes[0] % 9);
                    (port, host.node_sends(port, &bytes[1..]))
                }
                Way::Substrate => (R_UPLINKS[0], host.substrate_delivers(&bytes)),
                Way::Kernel => continue,
            };
            ends_well(way, PortId(port), &outcome);
            assert!(!outcome.sent.is_empty(), "{file:?}: {outcome:?}");
        }
    }
}

/// From G's exact address, which proves nothing here: a forger on the fabric
/// could use it. Each of these differs in one thing from what is delivered.
#[test]
fn what_no_vswitch_sends_is_not_delivered() {
    let g = Site::S.substrate(FRONT, G.ip).to_ipv6();
    let a = Site::R.substrate(FRONT, A.ip).to_ipv6();
    let uplink = Frame::between(bench::plan::router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]));
    let v6 = |next_header, payload: &[u8]| uplink.clone().ipv6(g, a).protocol(next_header, payload);
    let fragment = |header: [u8; 8]| v6(44, &[&header[..], &[0; 16]].concat());
    let raw = |etherip: [u8; 2], frame: Vec<u8>| v6(97, &[&etherip[..], &frame].concat());
    let icmp = |kind| uplink.clone().ipv6(g, a).icmp(kind, (0, 0), &[0; 40]);
    let delivered = |frame: &[u8]| {
        let outcome = plan().host().substrate_delivers(frame);
        !outcome.sent.is_empty()
    };
    let lldp = |ether_type| {
        let ether_type = packet::EtherType::new(ether_type);
        Frame::between(G.mac, A.mac).carrying(ether_type, &[7; 46])
    };
    let group = |address: Ip| packet::SubstrateAddr {
        group: true,
        ..Site::R.substrate(FRONT, address)
    };
    let to_many = |address: Ip| uplink.clone().ipv6(g, group(address).to_ipv6());
    let mdns: Ip = [224, 0, 0, 251];
    let from_g = |mac: MacAddr, to: Ip| Frame::between(G.mac, mac).ipv4(G.ip, to).udp(1, 2, b"");
    let raw_to_many =
        |address, frame| to_many(address).protocol(97, &[vec![0x30, 0], frame].concat());
    for right in [
        to_many(mdns).udp(1, 2, b""),
        to_many([10, 0, 0, 255]).udp(1, 2, b""),
        raw_to_many(mdns, from_g(MacAddr::BROADCAST, mdns)),
        fragment([17, 0, 0, 1, 0, 0, 0, 9]),
        raw([0x30, 0], v4(G, A).udp(1, 2, b"")),
        raw([0x30, 0], lldp(0x88cc)),
        icmp((128, 0)),
    ] {
        assert!(delivered(&right), "{right:02x?}");
    }
    let mut wrong = vec![
        // An atomic fragment; an identification of 32 bits; a fragment of
        // either ICMP, of a fragment, of a raw frame.
        fragment([17, 0, 0, 0, 0, 0, 0, 9]),
        fragment([17, 0, 0, 1, 0, 1, 0, 9]),
        fragment([58, 0, 0, 1, 0, 0, 0, 9]),
        fragment([1, 0, 0, 1, 0, 0, 0, 9]),
        fragment([44, 0, 0, 1, 0, 0, 0, 9]),
        fragment([97, 0, 0, 1, 0, 0, 0, 9]),
        // Another version of EtherIP, another sender, another address, another
        // receiver, a tag, an ethertype that nobody allows.
        raw([0x40, 0], v4(G, A).udp(1, 2, b"")),
        raw([0x30, 0], v4(D, A).udp(1, 2, b"")),
        raw(
            [0x30, 0],
            Frame::between(G.mac, A.mac).ipv4(D.ip, A.ip).udp(1, 2, b""),
        ),
        raw([0x30, 0], v4(G, D).udp(1, 2, b"")),
        raw([0x30, 0], tagged(VLAN_FRONT, G, A).udp(1, 2, b"")),
        raw([0x30, 0], lldp(0x88cd)),
        raw([0x30, 0], lldp(0x86dd)),
    ];
    // Many, and the address or the MAC of one; a group without its bit; what
    // routers would have to pass on; another sender.
    let h = Site::S.substrate(FAR, H.ip).to_ipv6();
    let all_of_front = group([10, 0, 0, 255]).to_ipv6();
    let no_group = Site::R.substrate(FRONT, mdns).to_ipv6();
    wrong.extend([
        to_many(A.ip).udp(1, 2, b""),
        raw_to_many(mdns, from_g(A.mac, mdns)),
        raw([0x30, 0], from_g(MacAddr::BROADCAST, [255; 4])),
        uplink.clone().ipv6(g, no_group).udp(1, 2, b""),
        uplink.clone().ipv6(h, all_of_front).udp(1, 2, b""),
        raw_to_many(
            mdns,
            Frame::between(G.mac, MacAddr::BROADCAST)
                .ipv4(D.ip, mdns)
                .udp(1, 2, b""),
        ),
        raw_to_many(
            mdns,
            Frame::between(D.mac, MacAddr::BROADCAST)
                .ipv4(G.ip, mdns)
                .udp(1, 2, b""),
        ),
    ]);
    // Neighbour discovery, multicast listeners, node information.
    wrong.extend([130, 133, 135, 136, 137, 139, 143, 160].map(|kind| icmp((kind, 0))));
    wrong.extend([0, 1, 43, 44, 51, 59, 60, 135, 139, 140].map(|next| v6(next, &[0; 24])));
    for frame in wrong {
        assert!(!delivered(&frame), "{frame:02x?}");
    }
}
