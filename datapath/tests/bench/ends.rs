//! What may leave host R, whatever came in: for random frames and fuzzers.
//!
//! * To the fabric: IPv6 from R's locator to S's that strangers can read; never
//!   an extension header but a fragment's, never ICMPv6 that a tenant wrote,
//!   and raw frames only of the node that the source names.
//! * To a node: a frame with its MAC, its tag and its address, that the
//!   segment allows and that is not too large; if it comes from the fabric,
//!   from a neighbour or from the segment's router. Or a DHCP server's answer
//!   about its own address; a tenant's own server's also names another.
//! * To many: a frame from a neighbour, with the tag of those behind the port;
//!   on the fabric the address of a group has the group bit, and no other.
//! * To the kernel, and from it: what has the host's own address, and nothing
//!   under a locator.
//! * Nothing goes from the fabric to the fabric.

use core::net::Ipv6Addr;

use datapath::pipeline::{Punt, Verdict};
use packet::EtherType;
use vnet::compiled::{Dhcp, DhcpRoute, Ipv4Subnet, PortId};

use super::check::ones_sum;
use super::host::{Outcome, Way};
use super::names::*;
use super::plan::{Plan, STATIONS, Site, Station, ip_of};

/// The MTU of the segments and of the uplinks of [`plan`], in bytes: equal, so
/// that what fills a segment does not fit the fabric.
pub const MTU: usize = 1500;

/// What `front` allows besides IPv4 and ARP.
pub const EXTRA: u16 = 0x88cc;

/// Host R as random frames meet it.
pub fn plan() -> Plan {
    let mtu = MTU as u16;
    let mut plan = Plan::of(Site::R)
        .phantom(FRONT, F, &[(BEHIND_F, 32)])
        .phantom(FRONT, G, &[([192, 168, 7, 0], 24)])
        .paths(3)
        .uplink_mtu(mtu)
        .segment_mtu(mtu);
    plan.segment(FRONT).ethertypes = vec![EtherType::new(EXTRA)];
    for (segment, routes) in [(FRONT, 3), (BACK, 0)] {
        plan.segment(segment).dhcp = Some(dhcp(routes));
    }
    let interfaces = &mut plan.compiled.interfaces;
    let server = interfaces.iter_mut().find(|i| i.mac == F.mac).unwrap();
    server.dhcp_server = true;
    plan
}

/// The same with access rules that let through about half.
pub fn ruled_plan() -> Plan {
    plan().ruled(
        "\
rules:
  - { from: a, to: any, deny: [{ protocol: tcp, ports: 0-30000 }, icmp/echo] }
  - { from: front, to: [front, far], allow: [tcp, udp/0-40000, icmp, 47], size: 0-1200 }
  - { from: same-segment, to: 224.0.0.0/4, allow: any }
  - { from: any, to: [e, c], deny: any, when: { hours: 08:00-18:00 } }
defaults: { refused: reject }
",
    )
}

fn dhcp(routes: u8) -> Dhcp {
    let routes = (0..routes).map(|n| DhcpRoute {
        to: Ipv4Subnet::new([10, 50 + n, 0, 0].into(), 16).unwrap(),
        via: ip_of(G.ip),
    });
    Dhcp {
        router: Some(ip_of(J.ip)),
        dns: vec![ip_of(G.ip); 3],
        domain: Some("z.example".to_owned()),
        lease: 60,
        routes: routes.collect(),
    }
}

/// Everything is decided, and what left could be read.
pub fn ends_well(way: Way, came_in: PortId, outcome: &Outcome) {
    decided(way, outcome.cx.verdict);
    for (port, frame) in &outcome.sent {
        leaves_well(way, came_in, *port, frame);
    }
}

/// The stages have decided, and for what may be decided of such a packet.
pub fn decided(way: Way, verdict: Verdict) {
    match (verdict, way) {
        (Verdict::Next, _) => panic!("nobody decided"),
        (Verdict::Reply | Verdict::Punt(Punt::Resolve(_) | Punt::Agent), Way::Substrate)
        | (Verdict::Punt(Punt::Resolve(_) | Punt::ForHost), Way::Node)
        | (Verdict::Reply | Verdict::Punt(_) | Verdict::Cut(_), Way::Kernel) => {
            panic!("{verdict:?} {way:?}")
        }
        _ => {}
    }
}

/// A frame that came out of a port.
pub fn leaves_well(way: Way, came_in: PortId, port: PortId, frame: &[u8]) {
    if port.0 == R_KERNEL {
        assert_eq!((way, came_in.0), (Way::Substrate, R_UPLINKS[0]));
        to_the_kernel(frame);
    } else if way == Way::Kernel {
        assert_eq!((came_in.0, port.0), (R_KERNEL, R_UPLINKS[0]));
        from_the_kernel(frame);
    } else if R_UPLINKS.contains(&port.0) {
        assert_eq!(way, Way::Node, "from the fabric to the fabric");
        to_the_fabric(frame);
    } else {
        let (segment, bare) = to_a_node(port, frame, way == Way::Node && port == came_in);
        if way == Way::Substrate {
            from_somebody(segment, frame, bare);
        }
    }
}

/// What the kernel gets is for the host's own addresses or a group of the link:
/// never for a tenant, for no locator, and nothing that the vswitch answers.
fn to_the_kernel(frame: &[u8]) {
    assert_eq!(frame[12..14], [0x86, 0xdd]);
    let (header, rest) = etherparse::Ipv6Header::from_slice(&frame[14..]).unwrap();
    let destination = Ipv6Addr::from(header.destination);
    let solicits = header
        .destination
        .starts_with(&[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]);
    let link_group = header.destination.starts_with(&[0xff, 2]) && !solicits;
    let own = [Site::R.address(), Site::R.link_local()].contains(&destination);
    assert!(own || link_group, "for {destination}");
    assert!(!Site::R.locator().contains(destination));
    if header.next_header.0 == 58 {
        let answered = [128, 133, 134, 135, 136, 137];
        assert!(
            rest.first().is_none_or(|kind| !answered.contains(kind)),
            "answered here"
        );
    }
}

/// What the kernel sends goes out with the uplink's MAC and the host's own
/// address, or with none to a group: never a tenant's.
fn from_the_kernel(frame: &[u8]) {
    assert_eq!(frame[6..12], Site::R.uplink_mac(R_UPLINKS[0]).octets());
    assert_eq!(frame[12..14], [0x86, 0xdd]);
    assert!(frame.len() <= 14 + MTU);
    let (header, _) = etherparse::Ipv6Header::from_slice(&frame[14..]).unwrap();
    let source = Ipv6Addr::from(header.source);
    let probes = source.is_unspecified() && header.destination[0] == 0xff;
    let own = [Site::R.address(), Site::R.link_local()].contains(&source);
    assert!(probes || own, "from {source}");
    assert!(!Site::R.locator().contains(source));
}

fn to_the_fabric(frame: &[u8]) {
    assert_eq!(frame[12..14], [0x86, 0xdd], "no tag on the fabric");
    assert!(frame.len() <= 14 + MTU, "larger than the path");
    let (header, rest) = etherparse::Ipv6Header::from_slice(&frame[14..]).unwrap();
    assert_eq!(usize::from(header.payload_length), rest.len());
    let locator = |site: Site| site.locator().to_bits().to_be_bytes();
    assert_eq!(header.source[..8], locator(Site::R));
    assert_eq!(header.destination[..8], locator(Site::S));
    assert_eq!(header.hop_limit, 64);
    let to_many = header.destination[8] & 1 == 1;
    let group = matches!(header.destination[12..], [224..=239, ..] | [.., 255]);
    let to_pass_on = by_slot(&header.destination[8..], G);
    assert_eq!(to_many, group && !to_pass_on, "the group bit");
    let sent_for_others = by_slot(&header.source[8..], F);
    assert!(sent_for_others || header.source[8] == 0);
    assert!(!sent_for_others || header.source[12..] == BEHIND_F);
    assert!(to_pass_on || header.destination[8] & !1 == 0);
    let mut next_header = header.next_header.0;
    if next_header == 97 {
        return raw(&header.source, rest, to_many);
    }
    if next_header == 44 {
        next_header = fragment(rest);
    }
    let never = [0, 1, 43, 44, 51, 59, 60, 97, 135, 139, 140];
    assert!(
        !never.contains(&next_header),
        "a tenant speaks to the fabric"
    );
    if next_header == 58 {
        let echo = matches!(rest[..2], [128 | 129, 0]);
        let error = matches!(rest[0], 1..=4) && rest[8] >> 4 == 6 && frame.len() <= 14 + 1280;
        assert!(echo || error, "only echo and errors about packets");
    }
}

/// Forward, and the slot of this phantom router in `front`: the lower half of a
/// substrate address.
fn by_slot(lower: &[u8], node: Node) -> bool {
    let segment = u32::from_be_bytes([0, lower[1], lower[2], lower[3]]);
    lower[0] == node.ip[3] << 2 | 2 && segment == FRONT
}

/// What the fragment carries.
fn fragment(bytes: &[u8]) -> u8 {
    let place = u16::from_be_bytes([bytes[2], bytes[3]]);
    let len = bytes.len() - 8;
    assert_ne!(place & 0xfff9, 0, "an atomic fragment");
    assert_eq!((bytes[1], place & 6), (0, 0), "reserved");
    assert_eq!(bytes[4..6], [0, 0], "an identification of 32 bits");
    assert!(place & 1 == 0 || len.is_multiple_of(8), "odd length");
    assert_ne!(bytes[0], 58, "a fragment of ICMP");
    bytes[0]
}

/// A raw frame is its sender's own, and for many if the packet is.
fn raw(source: &[u8; 16], bytes: &[u8], to_many: bool) {
    assert_eq!(bytes[..2], [0x30, 0]);
    let frame = &bytes[2..];
    assert_eq!(frame[0] & 1 == 1, to_many, "for one, and for many");
    let segment = u32::from_be_bytes([0, source[9], source[10], source[11]]);
    let is_sender = |s: &&Station| {
        let outside: Ip = source[12..16].try_into().unwrap();
        let speaks = has(s, outside) || stands_for(s, outside);
        (s.1, s.4) == (Site::R, segment) && speaks && frame[6..12] == s.2.mac.octets()
    };
    let sender = STATIONS.iter().find(is_sender).unwrap();
    match [frame[12], frame[13]] {
        [8, 0] => {
            let from: Ip = readable_ipv4(&frame[14..])[12..16].try_into().unwrap();
            let speaks = has(sender, from) || stands_for(sender, from);
            assert!(speaks || from == [0; 4], "forged");
        }
        other => allowed(segment, other),
    }
}

/// Is it behind this one, which forwards in `front`?
fn stands_for(station: &Station, ip: Ip) -> bool {
    station.4 == FRONT
        && match station.2 {
            F => ip == BEHIND_F,
            G => ip[..3] == [192, 168, 7],
            _ => false,
        }
}

fn has(station: &Station, ip: Ip) -> bool {
    station.2.ip == ip || station.3 == Some(ip)
}

fn allowed(segment: u32, ether_type: [u8; 2]) {
    assert_eq!((segment, ether_type), (FRONT, EXTRA.to_be_bytes()));
}

/// `answer`: it may be one, to whom has just sent something. Returns the
/// receiver's segment, and where the packet in the frame begins.
fn to_a_node(PortId(port): PortId, frame: &[u8], answer: bool) -> (u32, usize) {
    let (tag, bare) = match frame[12..14] {
        [0x81, 0] => (Some(u16::from_be_bytes([frame[14], frame[15]])), 18),
        _ => (None, 14),
    };
    let is_there = |s: &Station| (s.1, s.2.port, s.5) == (Site::R, port, tag);
    let told = answer && is_dhcp(&frame[bare - 2..]);
    if frame[0] & 1 == 1 && !told {
        let here: Vec<_> = STATIONS.iter().filter(|s| is_there(s)).collect();
        return to_many(&here, frame, bare);
    }
    // A broadcast is for the client that it names.
    let mac = match told && frame[..6] == [0xff; 6] {
        true => &frame[bare + 28 + 28..][..6],
        false => &frame[..6],
    };
    let is_receiver = |s: &&Station| is_there(s) && mac == s.2.mac.octets();
    let receiver = STATIONS.iter().find(is_receiver).unwrap();
    match [frame[bare - 2], frame[bare - 1]] {
        [8, 0] => {
            let packet = readable_ipv4(&frame[bare..]);
            assert_eq!(packet.len(), frame.len() - bare, "nothing behind it");
            let to: Ip = packet[16..20].try_into().unwrap();
            if told {
                told_well(receiver, packet, to);
            } else {
                let dhcp = packet[12..16] == [0; 4];
                // F gets whatever is sent to its MAC, to pass it on.
                let passes_on = receiver.2 == F && to[0] < 224;
                let from_server = is_dhcp(&frame[bare - 2..]) && packet[12..16] == F.ip;
                let may = dhcp || passes_on || from_server;
                assert!(has(receiver, to) || may, "another's packet");
            }
        }
        [8, 6] => assert!(answer && frame.len() == bare + 28, "ARP is answered"),
        other => allowed(receiver.4, other),
    }
    (receiver.4, bare)
}

/// From a DHCP server to a client, in IPv4 without options?
fn is_dhcp(carried: &[u8]) -> bool {
    carried.len() > 30
        && carried[..3] == [8, 0, 0x45]
        // A later fragment has no ports.
        && u16::from_be_bytes([carried[8], carried[9]]) & 0x1fff == 0
        && carried[11] == 17
        && carried[22..26] == [0, 67, 0, 68]
}

/// Who asks is told of its own first address, or of none, by the server of its
/// segment, in a message that ends.
fn told_well(receiver: &Station, packet: &[u8], to: Ip) {
    let server = match receiver.4 {
        FRONT => J.ip,
        BACK => [192, 0, 0, 8],
        other => panic!("nobody answers in {other:x}"),
    };
    assert_eq!(packet[12..16], server);
    let message = &packet[28..];
    assert!(message.len() >= 300 && message[0] == 2);
    let given: Ip = message[16..20].try_into().unwrap();
    assert!(
        given == receiver.2.ip || given == [0; 4],
        "another's address"
    );
    assert!(has(receiver, to) || to == [255; 4]);
    assert_eq!(message[28..34], receiver.2.mac.octets());
    let mut options = &message[240..];
    while options[0] != 255 {
        options = &options[2 + usize::from(options[1])..];
    }
}

/// A frame to whoever is behind a port with a tag: the sender is a neighbour,
/// and one of them is not the sender.
fn to_many(here: &[&Station], frame: &[u8], bare: usize) -> (u32, usize) {
    let segment = here.first().unwrap().4;
    let from = |s: &&Station| s.4 == segment && frame[6..12] == s.2.mac.octets();
    let sender = STATIONS.iter().find(from).unwrap();
    assert!(here.iter().any(|s| s.2 != sender.2), "back to the sender");
    match [frame[bare - 2], frame[bare - 1]] {
        [8, 0] => {
            let packet = readable_ipv4(&frame[bare..]);
            assert_eq!(packet.len(), frame.len() - bare, "nothing behind it");
            let source: Ip = packet[12..16].try_into().unwrap();
            // A client without address may be told of by its own host.
            let speaks = has(sender, source) || stands_for(sender, source);
            assert!(speaks || source == [0; 4], "forged");
        }
        other => allowed(segment, other),
    }
    (segment, bare)
}

/// What arrives from the fabric has a neighbour's MAC and that neighbour's
/// address; or the router's MAC, and the address of somebody on the other host
/// to whom routers link the segment; but the router's, or nobody's, if it is an
/// error of ours.
fn from_somebody(segment: u32, frame: &[u8], bare: usize) {
    let mac = &frame[6..12];
    let is_ip = frame[bare - 2..bare] == [8, 0];
    let source: Ip = match is_ip {
        true => frame[bare + 12..bare + 16].try_into().unwrap(),
        false => [0; 4],
    };
    let right = |s: &Station| {
        let address = has(s, source) || stands_for(s, source) || source == [0; 4];
        s.4 == segment && mac == s.2.mac.octets() && address
    };
    let routers = [(J, FRONT, FAR), (L, FAR, FRONT)];
    let mut router = routers.iter().filter(|(_, of, _)| *of == segment);
    let router = router.find(|(router, ..)| mac == router.mac.octets());
    let is_router = router.is_some_and(|(router, ..)| source == router.ip);
    let is_routed = |beyond: u32| {
        let sender = |s: &&Station| (s.1, s.4) == (Site::S, beyond) && has(s, source);
        is_ip && STATIONS.iter().any(|s| sender(&s))
    };
    let is_routed = router.is_some_and(|(_, _, beyond)| is_routed(*beyond));
    // Type 3, behind a header without options.
    let unreachable = is_ip && frame[bare + 9] == 1 && frame.get(bare + 20) == Some(&3);
    let ours = unreachable && (is_router || source == [192, 0, 0, 8]);
    let somebodys = STATIONS.iter().any(right) || is_routed;
    assert!(somebodys || ours, "from nobody");
}

fn readable_ipv4(packet: &[u8]) -> &[u8] {
    let (header, _) = etherparse::Ipv4Header::from_slice(packet).unwrap();
    let packet = &packet[..usize::from(header.total_len)];
    assert!(packet.len() <= MTU, "larger than the segment allows");
    // Over the bytes: the parser's own sum knows no reserved flag.
    assert_eq!(ones_sum(&packet[..header.header_len()]), 0);
    packet
}
