//! A slow model of what tenants see, written from the product's description
//! and not from the code, against the pipeline: two hosts and a fabric must
//! deliver what one plain switch per segment would have delivered.
//!
//! `VSWITCH_PROPERTY_CASES` sets the number of cases per property (20 000 if not
//! set).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is missing"
)]

mod bench;

use bench::plan::{STATIONS, Station, ip_of};
use bench::{FAR, FRONT, Host, Ip, J, L, LOOSE, NOBODY, Node, Plan, Site, cross};
use datapath::pipeline::Verdict;
use packet::arp::{ArpOperation, ArpPacket};
use packet::build::{Checksum, Frame, Ipv4, Payload, padded};
use packet::{EtherType, IpProtocol, MacAddr};
use proptest::prelude::*;
use vnet::compiled::PortId;

fn config() -> ProptestConfig {
    let cases = std::env::var("VSWITCH_PROPERTY_CASES");
    ProptestConfig {
        cases: cases.map_or(20_000, |text| text.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What a tenant sees of a frame it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// The node on this port of this host gets this frame. Where it crossed
    /// the fabric unfragmented, its identification is not the sender's.
    Delivered(Site, u16, Vec<u8>),
    /// The sender gets this answer.
    Answered(Vec<u8>),
    /// Nobody hears of it.
    Nothing,
}

/// A frame that somebody may send.
#[derive(Debug, Clone)]
struct Sent {
    site: Site,
    port: u16,
    /// Tag control information, if tagged.
    tag: Option<u16>,
    source_mac: MacAddr,
    destination_mac: MacAddr,
    padded: bool,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Ip(Ip4),
    Arp {
        operation: ArpOperation,
        sender_mac: MacAddr,
        sender: Ip,
        target: Ip,
    },
    Other(u16),
}

#[derive(Debug, Clone)]
struct Ip4 {
    source: Ip,
    destination: Ip,
    ttl: u8,
    tos: u8,
    id: u16,
    dont_fragment: bool,
    options: Vec<u8>,
    fragment: Option<(u16, bool)>,
    payload: Payload,
    checksum: Checksum,
    header_checksum_wrong: bool,
}

impl Ip4 {
    fn build(&self, frame: Frame) -> Vec<u8> {
        let mut ip: Ipv4 = frame
            .ipv4(self.source, self.destination)
            .ttl(self.ttl)
            .tos(self.tos)
            .id(self.id)
            .options(&self.options)
            .checksum(self.checksum);
        if self.dont_fragment {
            ip = ip.dont_fragment();
        }
        if let Some((offset, more)) = self.fragment {
            ip = ip.fragment(offset, more);
        }
        if self.header_checksum_wrong {
            ip = ip.wrong_header_checksum();
        }
        ip.carrying(self.payload.clone())
    }

    fn is_fragment(&self) -> bool {
        self.fragment
            .is_some_and(|(offset, more)| offset != 0 || more)
    }

    /// §1.4: may it cross the fabric, before raw carriage is built?
    fn may_cross(&self) -> bool {
        let protocol = self.payload.protocol.0;
        let never = [0, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140];
        let bytes = &self.payload.bytes;
        // Nothing but zeros, the checksum too: wrong, and it would arrive right.
        let nothing = self.checksum == Checksum::Exactly(0) && bytes.iter().all(|b| *b == 0);
        let is_echo = || matches!(bytes[..], [0 | 8, 0, _, _, _, _, _, _, ..]) && !nothing;
        self.options.is_empty()
            && !self.is_fragment()
            && !never.contains(&protocol)
            && (protocol != 1 || is_echo())
    }

    fn len(&self) -> usize {
        20 + self.options.len().next_multiple_of(4) + self.payload.bytes.len()
    }
}

impl Sent {
    fn build(&self) -> Vec<u8> {
        let mut frame = Frame::between(self.source_mac, self.destination_mac);
        if let Some(control) = self.tag {
            frame = frame.tag(EtherType::DOT1Q, control);
        }
        let bytes = match &self.what {
            What::Ip(ip) => ip.build(frame),
            What::Arp {
                operation,
                sender_mac,
                sender,
                target,
            } => {
                let sender = (*sender_mac, ip_of(*sender));
                let target = (MacAddr::ZERO, ip_of(*target));
                frame.arp(&ArpPacket::new(*operation, sender, target))
            }
            What::Other(ether_type) => frame.carrying(EtherType::new(*ether_type), &[7; 46]),
        };
        if self.padded { padded(bytes) } else { bytes }
    }
}

// ---- the model ---------------------------------------------------------

/// Who has an address in a segment: a station, or a router.
fn owner(segment: u32, address: Ip) -> Option<Owner> {
    let router = [(J, FRONT), (L, FAR)];
    if let Some((router, _)) = router
        .iter()
        .find(|(router, of)| *of == segment && router.ip == address)
    {
        return Some(Owner::Router(router.mac));
    }
    STATIONS
        .iter()
        .find(|s| s.4 == segment && (s.2.ip == address || s.3 == Some(address)))
        .map(Owner::Station)
}

#[derive(Clone, Copy)]
enum Owner {
    Router(MacAddr),
    Station(&'static Station),
}

impl Owner {
    fn mac(self) -> MacAddr {
        match self {
            Self::Router(mac) => mac,
            Self::Station(station) => station.2.mac,
        }
    }
}

fn somebody_has(segment: u32, mac: MacAddr) -> bool {
    STATIONS.iter().any(|s| s.4 == segment && s.2.mac == mac)
        || (segment == FRONT && mac == J.mac)
        || (segment == FAR && mac == L.mac)
}

fn is(station: &Station, address: Ip) -> bool {
    station.2.ip == address || station.3 == Some(address)
}

/// §1.5: by (port, tag, source MAC), a priority tag being none.
fn sender(sent: &Sent) -> Option<&'static Station> {
    let tag = sent
        .tag
        .map(|control| control & 0x0fff)
        .filter(|id| *id != 0);
    STATIONS
        .iter()
        .find(|s| (s.1, s.2.port, s.5, s.2.mac) == (sent.site, sent.port, tag, sent.source_mac))
}

fn fate(sent: &Sent) -> Fate {
    let Some(from) = sender(sent) else {
        return Fate::Nothing;
    };
    match &sent.what {
        What::Other(_) => Fate::Nothing,
        What::Ip(ip) => fate_of_ip(sent, from, ip),
        What::Arp {
            operation,
            sender_mac,
            sender,
            target,
        } => {
            let honest = *sender_mac == from.2.mac && (*sender == [0; 4] || is(from, *sender));
            let question = *operation == ArpOperation::Request && !is(from, *target);
            match owner(from.4, *target) {
                Some(owner) if honest && question => {
                    let answer = tagged(Frame::between(owner.mac(), from.2.mac), from);
                    Fate::Answered(answer.arp_reply(*target, *sender))
                }
                _ => Fate::Nothing,
            }
        }
    }
}

fn fate_of_ip(sent: &Sent, from: &'static Station, ip: &Ip4) -> Fate {
    if ip.header_checksum_wrong || !is(from, ip.source) {
        return Fate::Nothing;
    }
    let segment = from.4;
    let Some(Owner::Station(to)) = owner(segment, ip.destination) else {
        return Fate::Nothing;
    };
    // §1.5 no. 4: by destination MAC; an unknown one is resolved by address
    // where the segment says so; nothing is flooded.
    let group = sent.destination_mac.octets()[0] & 1 != 0;
    let by_address = segment == LOOSE && !group && !somebody_has(segment, sent.destination_mac);
    let meant = to.2.mac == sent.destination_mac || by_address;
    let crosses = from.1 != to.1;
    if !meant || core::ptr::eq(from, to) || ip.len() > 1500 || (crosses && !ip.may_cross()) {
        return Fate::Nothing;
    }
    let frame = tagged(Frame::between(from.2.mac, to.2.mac), to);
    Fate::Delivered(to.1, to.2.port, ip.build(frame))
}

/// With the tag of the receiver's link, if it wants one.
fn tagged(frame: Frame, to: &Station) -> Frame {
    match to.5 {
        Some(vlan) => frame.vlan(vlan),
        None => frame,
    }
}

// ---- the product -------------------------------------------------------

/// What the hosts and the fabric make of it.
fn observed(sent: &Sent) -> Fate {
    let mut here = Plan::of(sent.site).host();
    let outcome = here.node_sends(sent.port, &sent.build());
    match outcome.cx.verdict {
        Verdict::Forward(PortId(port)) if sent.site.uplinks().contains(&PortId(port)) => {
            let mut there = other_host(sent.site);
            let arrived = there.substrate_delivers(&cross(&outcome.frame, there.site));
            match arrived.cx.verdict {
                Verdict::Forward(PortId(port)) => Fate::Delivered(there.site, port, arrived.frame),
                Verdict::Drop(_) => Fate::Nothing,
                other => panic!("{other:?}"),
            }
        }
        Verdict::Forward(PortId(port)) => Fate::Delivered(sent.site, port, outcome.frame),
        Verdict::Reply => Fate::Answered(outcome.frame),
        Verdict::Consume(_) | Verdict::Drop(_) => Fate::Nothing,
        other => panic!("{other:?}"),
    }
}

fn other_host(site: Site) -> Host {
    let other = if site == Site::R { Site::S } else { Site::R };
    Plan::of(other).host()
}

/// Both fates, the model's with the identification that the receiver made.
fn compare(sent: &Sent) -> (Fate, Fate) {
    let (mut expected, seen) = (fate(sent), observed(sent));
    if let (Fate::Delivered(site, _, model), Fate::Delivered(_, _, real)) = (&mut expected, &seen)
        && *site != sent.site
    {
        let header = if model[12..14] == [0x81, 0] { 18 } else { 14 };
        if let Some(id) = real.get(header + 4..header + 6) {
            model[header + 4..header + 6].copy_from_slice(id);
            model[header + 10..header + 12].fill(0);
            let sum = bench::check::ones_sum(&model[header..header + 20]);
            model[header + 10..header + 12].copy_from_slice(&sum.to_be_bytes());
        }
    }
    (expected, seen)
}

// ---- what is sent ------------------------------------------------------

fn payloads() -> impl Strategy<Value = Payload> {
    let data = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..100),
        1 => prop::collection::vec(any::<u8>(), 1380..1500),
        1 => (0..60usize).prop_map(|len| vec![0; len]),
    ];
    let echo = (prop_oneof![Just(0u8), Just(8)], any::<u16>(), any::<u16>());
    let other = prop_oneof![
        4 => any::<u8>(),
        1 => prop::sample::select(vec![0, 43, 44, 47, 50, 51, 58, 59, 60, 89, 97, 135, 139, 140]),
    ];
    (0..8, any::<(u16, u16, u32, u8)>(), echo, other, data).prop_map(
        |(kind, (a, b, word, flags), echo, protocol, data)| match kind {
            0 => Payload::tcp(a, b, word, flags, &data),
            1 => Payload::udp(a, b, &data),
            2 => Payload::udp_lite(a, b, &data),
            3 => Payload::dccp(a, b, &data),
            4 => Payload::sctp(a, b, word, &data),
            5 => Payload::icmp(IpProtocol::ICMP, (echo.0, 0), (echo.1, echo.2), &data),
            6 => Payload::icmp(IpProtocol::ICMP, (flags, flags >> 4), (a, b), &data),
            _ => Payload {
                protocol: IpProtocol(protocol),
                bytes: data,
            },
        },
    )
}

/// Every admissible IPv4 packet between two addresses that may cross.
fn packets(source: Ip, destination: Ip) -> impl Strategy<Value = Ip4> {
    let checksums = prop_oneof![
        8 => Just(Checksum::Right),
        1 => Just(Checksum::Wrong),
        1 => Just(Checksum::Exactly(0)),
    ];
    (any::<(u8, u8, u16, bool)>(), payloads(), checksums).prop_map(
        move |((ttl, tos, id, dont_fragment), payload, checksum)| Ip4 {
            source,
            destination,
            ttl,
            tos,
            id,
            dont_fragment,
            options: Vec::new(),
            fragment: None,
            payload,
            checksum,
            header_checksum_wrong: false,
        },
    )
}

fn anybody() -> impl Strategy<Value = Node> {
    let nobody = Node {
        mac: NOBODY,
        ip: [10, 0, 0, 99],
        port: 0,
    };
    let all = Node {
        mac: MacAddr::BROADCAST,
        ip: [255; 4],
        port: 0,
    };
    let nodes = STATIONS.iter().map(|s| s.2).chain([J, L, nobody, all]);
    prop::sample::select(nodes.collect::<Vec<_>>())
}

/// Now and then something else than what is right.
fn mostly<T: Clone + core::fmt::Debug + 'static>(
    right: T,
    otherwise: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![9 => Just(right), 1 => otherwise]
}

fn frames() -> impl Strategy<Value = Sent> {
    let from = prop::sample::select(STATIONS.to_vec());
    from.prop_flat_map(|from| {
        let same_segment: Vec<Node> = STATIONS
            .iter()
            .filter(|s| s.4 == from.4)
            .map(|s| s.2)
            .collect();
        let to = prop_oneof![4 => prop::sample::select(same_segment), 1 => anybody()];
        (Just(from), to)
    })
    .prop_flat_map(|(from, to)| {
        let tag = from.5;
        let tags = prop_oneof![
            Just(None),
            any::<u16>().prop_map(Some),
            Just(Some(100)),
            Just(Some(200)),
            Just(Some(0xe000)),
        ];
        (
            (
                mostly(from.2.port, 0..8u16),
                mostly(tag, tags),
                mostly(from.2.mac, anybody().prop_map(|node| node.mac)),
                mostly(to.mac, anybody().prop_map(|node| node.mac)),
                any::<bool>(),
            ),
            mostly(from.2.ip, anybody().prop_map(|node| node.ip)),
            mostly(to.ip, anybody().prop_map(|node| node.ip)),
            Just(from.1),
        )
    })
    .prop_flat_map(|(outside, source, destination, site)| {
        let source_mac = outside.2;
        let ip = (
            packets(source, destination),
            mostly(Vec::new(), prop::collection::vec(1..2u8, 1..41)),
            mostly(None, any::<(u16, bool)>().prop_map(Some)),
            mostly(false, Just(true)),
        )
            .prop_map(|(ip, options, fragment, header_checksum_wrong)| {
                What::Ip(Ip4 {
                    options,
                    fragment: fragment.map(|(offset, more)| (offset & 0x1fff, more)),
                    header_checksum_wrong,
                    ..ip
                })
            });
        let arp = (
            prop_oneof![4 => Just(ArpOperation::Request), 1 => Just(ArpOperation::Reply)],
            mostly(source_mac, anybody().prop_map(|node| node.mac)),
            prop_oneof![8 => Just(source), 1 => Just([0; 4]), 1 => Just(destination)],
            prop_oneof![8 => Just(destination), 1 => Just(source)],
        )
            .prop_map(|(operation, sender_mac, sender, target)| What::Arp {
                operation,
                sender_mac,
                sender,
                target,
            });
        let other = prop::sample::select(vec![0x86dd, 0x88cc, 0x8847, 46]).prop_map(What::Other);
        let what = prop_oneof![16 => ip, 3 => arp, 1 => other];
        (Just(outside), what, Just(site))
    })
    .prop_map(
        |((port, tag, source_mac, destination_mac, padded), what, site)| Sent {
            site,
            port,
            tag,
            source_mac,
            destination_mac,
            padded,
            what,
        },
    )
}

proptest! {
    #![proptest_config(config())]

    /// From A's interface through R, the fabric and S to G: what a plain
    /// switch would deliver, but for the identification.
    #[test]
    fn the_fabric_is_transparent(ip in packets(bench::A.ip, bench::G.ip), padded in any::<bool>()) {
        let sent = Sent {
            site: Site::R,
            port: bench::A.port,
            tag: None,
            source_mac: bench::A.mac,
            destination_mac: bench::G.mac,
            padded,
            what: What::Ip(ip.clone()),
        };
        let (expected, seen) = compare(&sent);
        prop_assert_eq!(&expected, &seen);
        let arrives = ip.may_cross() && ip.len() <= 1500;
        prop_assert_eq!(arrives, matches!(seen, Fate::Delivered(Site::S, 0, _)));
    }

    /// Any mix of senders, receivers, tags, MACs and addresses: the model says
    /// who gets what.
    #[test]
    fn everybody_gets_what_a_plain_switch_delivers(sent in frames()) {
        let (expected, seen) = compare(&sent);
        prop_assert_eq!(expected, seen);
    }
}

/// The mix is worth its time only if it gets everywhere.
#[test]
fn the_frames_of_the_model_meet_every_fate() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let [mut local, mut remote, mut answered, mut nothing] = [0; 4];
    for _ in 0..1000 {
        let sent = frames().new_tree(&mut runner).unwrap().current();
        match fate(&sent) {
            Fate::Delivered(site, _, _) if site == sent.site => local += 1,
            Fate::Delivered(..) => remote += 1,
            Fate::Answered(_) => answered += 1,
            Fate::Nothing => nothing += 1,
        }
    }
    let counts = [local, remote, answered, nothing];
    assert!(counts.iter().all(|count| *count >= 30), "{counts:?}");
}
