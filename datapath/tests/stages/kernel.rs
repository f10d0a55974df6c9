//! What passes between an uplink and the host's own kernel, and what does not.

use core::net::Ipv6Addr;
use core::num::NonZeroU16;
use core::time::Duration;

use datapath::pipeline::kernel::hears;
use datapath::pipeline::{DropReason, Punt, Verdict};
use datapath::substrate::OwnAddresses;
use datapath::tables::PortOffloads;
use packet::build::{Checksum, Frame, Ipv6, padded};
use packet::checksum::{Sum, pseudo_header_v6};
use packet::{IpProtocol, MacAddr, Offload, SubstrateAddr, TransportChecksum};

use crate::bench::check::assert_sound;
use crate::bench::ends::{ends_well, plan};
use crate::bench::host::{Host, Outcome, Way};
use crate::bench::plan::{ip_of, router_mac, solicited};
use crate::bench::random::Random;
use crate::bench::{A, FRONT, G, Plan, R_KERNEL, R_UPLINKS, Site, segment, stew};
use vnet::compiled::PortId;

const RATE: u32 = 20_000;

fn text(address: &str) -> Ipv6Addr {
    address.parse().unwrap()
}

fn own() -> Ipv6Addr {
    Site::R.address()
}

/// The fabric's router: a neighbour with a service, a client.
fn router() -> Ipv6Addr {
    text("fd00:0:0:ff::1")
}

fn r() -> Host {
    Plan::of(Site::R).kernel(RATE, false).host()
}

/// From the fabric.
fn to(destination: Ipv6Addr) -> Ipv6 {
    let mac = if destination.is_multicast() {
        MacAddr::for_ipv6_multicast(destination)
    } else {
        Site::R.uplink_mac(R_UPLINKS[0])
    };
    Frame::between(router_mac(0), mac).ipv6(router(), destination)
}

/// From the kernel, to the router.
fn from(source: Ipv6Addr) -> Ipv6 {
    Frame::between(Site::R.uplink_mac(R_UPLINKS[0]), router_mac(0)).ipv6(source, router())
}

fn delivered(frame: &[u8]) -> Outcome {
    r().substrate_delivers(frame)
}

fn sent(frame: &[u8]) -> Outcome {
    r().kernel_sends(frame)
}

#[test]
fn what_the_vswitch_does_not_answer_goes_to_the_kernel_as_it_came() {
    let addresses = [
        own(),
        Site::R.link_local(),
        text("ff02::1"),
        text("ff02::5"),
    ];
    for destination in addresses {
        for frame in [
            to(destination).tcp(40_000, 22, b"ssh"),
            to(destination).udp(123, 123, &[0; 48]),
            to(destination).protocol(89, b"ospf"),
            // A later fragment; an error about what the kernel sent; its pings'
            // answers; a protocol's unknown options.
            to(destination).protocol(44, &[17, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0]),
            to(destination).icmp((2, 0), (0, 1280), &[0x60; 60]),
            to(destination).icmp((129, 0), (1, 1), b"pong"),
            to(destination).protocol(0, &[6, 0, 1, 4, 0, 0, 0, 0, 1, 2, 3, 4]),
        ] {
            assert_eq!(delivered(&frame).forwarded(R_KERNEL), frame);
            // Ethernet's padding stays behind.
            let padded = padded(frame.clone());
            assert_eq!(delivered(&padded).forwarded(R_KERNEL), frame);
        }
    }
}

#[test]
fn the_vswitch_answers_pings_discovery_and_listener_queries_itself() {
    let all = text("ff02::1");
    let mld = |kind| [&[58, 0, 5, 2, 0, 0, 1, 0, kind, 0, 0, 0], &[0; 24][..]].concat();
    for frame in [
        to(own()).icmp_echo(1, 1, b"ping"),
        to(Site::R.link_local()).icmp_echo(1, 1, b"ping"),
        to(solicited(own())).icmp((135, 0), (0, 0), &own().octets()),
        to(own()).icmp((135, 0), (0, 0), &own().octets()),
        to(own()).icmp((136, 0), (0x6000, 0), &router().octets()),
        to(all).icmp((136, 0), (0x2000, 0), &router().octets()),
        to(all).icmp((134, 0), (0, 0), &[0; 8]),
        to(own()).icmp((137, 0), (0, 0), &[0; 32]),
        to(all).protocol(0, &mld(130)),
        // Discovery behind options is discovery.
        to(own()).protocol(0, &mld(135)),
    ] {
        assert_eq!(delivered(&frame).punted(), Punt::ForHost, "{frame:02x?}");
    }
    // Of a group that only the kernel has joined, only it can say so.
    let frame = to(text("ff02::5")).protocol(0, &mld(130));
    delivered(&frame).forwarded(R_KERNEL);
    // Others' reports are nobody's.
    let frame = to(text("ff02::16")).protocol(0, &mld(143));
    assert_eq!(delivered(&frame).dropped(), DropReason::NotForThisHost);
}

#[test]
fn nothing_under_the_locator_goes_to_the_kernel() {
    let locator = Site::R.locator();
    for on_link in [false, true] {
        let mut r = Plan::of(Site::R).kernel(RATE, on_link).host();
        // Segment 0 is the vswitch itself: it answers there, and nobody else.
        for host in ["fd00:0:0:a::1", "fd00:0:0:a::", "fd00::a:0:0:1:2"] {
            let outcome = r.substrate_delivers(&to(text(host)).tcp(40_000, 22, b"ssh"));
            assert_eq!(outcome.punted(), Punt::ForHost);
        }
        for id in [FRONT, 1, 0xff_ffff] {
            let tenant = SubstrateAddr::ordinary(locator, segment(id), ip_of(A.ip)).to_ipv6();
            let outcome = r.substrate_delivers(&to(tenant).tcp(40_000, 22, b"ssh"));
            assert_eq!(outcome.dropped(), DropReason::SourceNotProven);
        }
    }
}

#[test]
fn other_hosts_and_wider_groups_are_as_without_a_kernel() {
    for destination in [
        "fd00:0:0:ff::b",
        "fe80::99",
        "ff05::2",
        "ff0e::1",
        "ff36::a:0:1",
    ] {
        let outcome = delivered(&to(text(destination)).udp(1, 2, b"x"));
        assert_eq!(
            outcome.dropped(),
            DropReason::NotForThisHost,
            "{destination}"
        );
    }
    let elsewhere = solicited(text("fd00::77:7777"));
    let outcome = delivered(&to(elsewhere).udp(1, 2, b"x"));
    assert_eq!(outcome.dropped(), DropReason::NotForThisHost);
    // And tenants do not notice.
    let g = Site::S.substrate(FRONT, G.ip).to_ipv6();
    let a = Site::R.substrate(FRONT, A.ip).to_ipv6();
    let frame = Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]));
    delivered(&frame.ipv6(g, a).udp(1, 2, b"x")).forwarded(A.port);
}

#[test]
fn an_uplink_without_a_kernel_punts_as_ever() {
    let frame = to(own()).tcp(40_000, 22, b"ssh");
    let outcome = Plan::of(Site::R).host().substrate_delivers(&frame);
    assert_eq!(outcome.punted(), Punt::ForHost);
    let outcome = Plan::of(Site::R)
        .host()
        .substrate_delivers(&to(text("ff02::5")).udp(1, 2, b""));
    assert_eq!(outcome.dropped(), DropReason::NotForThisHost);
    // The second uplink has none, either.
    let mut r = r();
    let mac = Site::R.uplink_mac(R_UPLINKS[1]);
    let frame = Frame::between(router_mac(1), mac)
        .ipv6(router(), own())
        .tcp(1, 22, b"");
    let buf = packet::HeapBuf::from_slice(&frame);
    let outcome = r.one(Way::Substrate, PortId(R_UPLINKS[1]), buf);
    assert_eq!(outcome.punted(), Punt::ForHost);
}

#[test]
fn the_kernel_gets_no_more_than_its_rate() {
    let mut r = r();
    let frame = to(own()).tcp(40_000, 22, b"syn");
    let mut through = |at| {
        r.now = at;
        let outcomes = (0..3000).map(|_| r.substrate_delivers(&frame));
        let passed = outcomes.filter(|outcome| match outcome.cx.verdict {
            Verdict::Forward(port) => port.0 == R_KERNEL,
            verdict => {
                assert_eq!(verdict, Verdict::Drop(DropReason::KernelRateLimited));
                false
            }
        });
        passed.count()
    };
    assert_eq!(through(Duration::from_secs(1)), 1000);
    assert_eq!(through(Duration::from_millis(1020)), 400);
    // What the vswitch answers does not wait for it.
    let ping = r.substrate_delivers(&to(own()).icmp_echo(1, 1, b"ping"));
    assert_eq!(ping.punted(), Punt::ForHost);
}

#[test]
fn what_the_kernel_sends_leaves_as_it_is() {
    for source in [own(), Site::R.link_local()] {
        for frame in [
            from(source).tcp(22, 40_000, b"ssh"),
            from(source).icmp_echo(1, 1, b"ping"),
            from(source).icmp((135, 0), (0, 0), &router().octets()),
            from(source).protocol(44, &[17, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0]),
            // Even to a tenant: the fabric and the other host will see to that.
            Frame::between(Site::R.uplink_mac(R_UPLINKS[0]), router_mac(0))
                .ipv6(source, Site::S.substrate(FRONT, G.ip).to_ipv6())
                .udp(1, 2, b"x"),
        ] {
            assert_eq!(sent(&frame).forwarded(R_UPLINKS[0]), frame);
        }
    }
    // Duplicate address detection.
    let group = solicited(own());
    let mac = MacAddr::for_ipv6_multicast(group);
    let probe = Frame::between(Site::R.uplink_mac(R_UPLINKS[0]), mac)
        .ipv6(Ipv6Addr::UNSPECIFIED, group)
        .icmp((135, 0), (0, 0), &own().octets());
    sent(&probe).forwarded(R_UPLINKS[0]);
}

#[test]
fn the_kernel_sends_from_the_hosts_addresses_only() {
    let tenant = Site::R.substrate(FRONT, A.ip).to_ipv6();
    let elsewhere = Site::S.substrate(FRONT, G.ip).to_ipv6();
    let others = [
        "fd00:0:0:a::1",
        "fd00:0:0:a::",
        "fd00:0:0:ff::b",
        "fe80::99",
        "::",
        "::1",
        "ff02::1",
    ];
    let others = others.map(text).into_iter().chain([tenant, elsewhere]);
    for source in others {
        let outcome = sent(&from(source).udp(1, 2, b"x"));
        assert_eq!(outcome.dropped(), DropReason::KernelSpoofed, "{source}");
    }
    // Where the locator is on-link, segment 0 is the vswitch's own address, and
    // still not the kernel's.
    let mut on_link = Plan::of(Site::R).kernel(RATE, true).host();
    let outcome = on_link.kernel_sends(&from(text("fd00:0:0:a::1")).udp(1, 2, b"x"));
    assert_eq!(outcome.dropped(), DropReason::KernelSpoofed);
}

#[test]
fn other_faults_of_the_kernel_have_their_reasons() {
    let mac = Site::R.uplink_mac(R_UPLINKS[0]);
    let arp = Frame::between(mac, MacAddr::BROADCAST).arp_request([1; 4], [2; 4]);
    assert_eq!(sent(&arp).dropped(), DropReason::NotIpv6);
    let wrong_mac = Frame::between(A.mac, router_mac(0)).ipv6(own(), router());
    assert_eq!(
        sent(&wrong_mac.udp(1, 2, b"x")).dropped(),
        DropReason::KernelMac
    );
    let tagged = Frame::between(mac, router_mac(0))
        .vlan(5)
        .ipv6(own(), router());
    assert_eq!(sent(&tagged.udp(1, 2, b"x")).dropped(), DropReason::NotIpv6);
    let version = from(own()).version(4).udp(1, 2, b"x");
    assert_eq!(sent(&version).dropped(), DropReason::BadIpHeader);
    let whole = from(own()).udp(1, 2, b"x");
    for len in 0..whole.len() {
        assert_eq!(sent(&whole[..len]).dropped(), DropReason::Truncated);
    }
    // The plan's uplinks carry 1600 bytes.
    let full = from(own()).udp(1, 2, &[0; 1552]);
    assert_eq!(sent(&full).forwarded(R_UPLINKS[0]), full);
    let more = from(own()).udp(1, 2, &[0; 1553]);
    assert_eq!(sent(&more).dropped(), DropReason::TooBig);
    let advertises = from(own()).icmp((136, 0), (0x2000, 0), &own().octets());
    assert_eq!(sent(&advertises).dropped(), DropReason::KernelAdvertisement);
}

#[test]
fn a_kernel_that_has_lost_its_uplink_has_no_route() {
    let mut r = r();
    let port = r.tables.uplinks.uplinks[0].kernel.unwrap().port;
    r.tables = Plan::of(Site::R).tables();
    let buf = packet::HeapBuf::from_slice(&from(own()).udp(1, 2, b"x"));
    let outcome = r.one(Way::Kernel, port, buf);
    assert_eq!(outcome.dropped(), DropReason::NoRoute);
}

#[test]
fn the_kernel_hears_of_its_neighbours_and_of_queries_only() {
    let of = |on_link| {
        let addresses = vec![own(), Site::R.link_local()];
        OwnAddresses::new(Site::R.locator(), on_link, addresses, vec![])
    };
    let all = text("ff02::1");
    let query = [58, 0, 5, 2, 0, 0, 1, 0, 130, 0, 0, 0, 0, 0, 0, 0];
    for on_link in [false, true] {
        let heard = |frame: &[u8]| hears(&of(on_link), frame);
        assert!(heard(&to(own()).icmp(
            (136, 0),
            (0x6000, 0),
            &router().octets()
        )));
        assert!(heard(&to(all).icmp(
            (136, 0),
            (0x2000, 0),
            &router().octets()
        )));
        assert!(heard(&to(all).protocol(0, &query)));
        let tenant = Site::R.substrate(FRONT, A.ip).to_ipv6();
        let first = text("fd00:0:0:a::1");
        for frame in [
            to(own()).icmp((135, 0), (0, 0), &own().octets()),
            to(solicited(own())).icmp((135, 0), (0, 0), &own().octets()),
            to(all).icmp((134, 0), (0, 0), &[0; 8]),
            to(own()).icmp_echo(1, 1, b"ping"),
            to(tenant).icmp((136, 0), (0x6000, 0), &router().octets()),
            to(first).icmp((136, 0), (0x6000, 0), &router().octets()),
        ] {
            assert!(!heard(&frame), "{frame:02x?}");
        }
        let whole = to(own()).icmp((136, 0), (0x6000, 0), &router().octets());
        for len in 0..whole.len().min(54) {
            assert!(!heard(&whole[..len]), "{len}");
        }
    }
}

const PARTIAL: Offload = Offload {
    transport: TransportChecksum::Partial,
    ..Offload::NONE
};

const ALL: PortOffloads = PortOffloads {
    checksum: true,
    segmentation: true,
};

/// The sum of the pseudo-header alone, as senders leave it to a device.
fn pseudo(a: Ipv6Addr, b: Ipv6Addr, len: usize, protocol: IpProtocol) -> Checksum {
    let addresses = Sum::of(&a.octets()).and(Sum::of(&b.octets()));
    Checksum::Exactly(pseudo_header_v6(addresses, len as u32, protocol).fold())
}

#[test]
fn a_partial_checksum_is_completed_where_the_port_does_not() {
    for data in [&b"even"[..], b"odd"] {
        let complete = from(own()).tcp(22, 40_000, data);
        let left = pseudo(own(), router(), 20 + data.len(), IpProtocol::TCP);
        let unfinished = from(own()).checksum(left).tcp(22, 40_000, data);
        let mut buf = packet::HeapBuf::from_slice(&unfinished);
        packet::PacketBuf::set_offload(&mut buf, PARTIAL);
        let outcome = r().one(Way::Kernel, PortId(R_KERNEL), buf.clone());
        assert_eq!(outcome.offloads, [Offload::NONE]);
        assert_eq!(outcome.sent[0].1, complete);
        assert_sound(&complete);
        let mut able = Plan::of(Site::R).kernel(RATE, false).offloading(ALL).host();
        let outcome = able.one(Way::Kernel, PortId(R_KERNEL), buf);
        assert_eq!(outcome.offloads, [PARTIAL]);
        assert_eq!(outcome.sent[0].1, unfinished);
        // The other way, too.
        let left = pseudo(router(), own(), 8 + data.len(), IpProtocol::UDP);
        let unfinished = to(own()).checksum(left).udp(1, 2, data);
        let outcome = r().substrate_leaves_to_a_device(&unfinished, PARTIAL);
        assert_eq!(outcome.offloads, [Offload::NONE]);
        assert_eq!(outcome.sent[0].1, to(own()).udp(1, 2, data));
    }
}

#[test]
fn super_frames_pass_whole_or_not_at_all() {
    let offload = |payload| Offload {
        segment_size: NonZeroU16::new(payload),
        ..PARTIAL
    };
    let frame = from(own()).tcp(22, 40_000, &[7; 8000]);
    let sends = |plan: Plan, payload| {
        let mut buf = packet::HeapBuf::from_slice(&frame);
        packet::PacketBuf::set_offload(&mut buf, offload(payload));
        plan.host().one(Way::Kernel, PortId(R_KERNEL), buf)
    };
    let plan = || Plan::of(Site::R).kernel(RATE, false);
    let outcome = sends(plan().offloading(ALL), 1428);
    assert_eq!(outcome.offloads, [offload(1428)]);
    assert_eq!(outcome.forwarded(R_UPLINKS[0]), frame);
    assert_eq!(sends(plan(), 1428).dropped(), DropReason::KernelSuperFrame);
    // Its segments do not fit the uplink, which carries 1600 bytes.
    let outcome = sends(plan().offloading(ALL), 1541);
    assert_eq!(outcome.dropped(), DropReason::TooBig);
}

/// Whatever comes: nothing for a tenant reaches the kernel, nothing of the kernel's
/// leaves with a tenant's address (`ends_well` says so, frame by frame), and every
/// frame is booked once.
#[test]
fn tenants_and_the_kernel_never_meet() {
    for on_link in [false, true] {
        let mut random = Random::seeded(17);
        let mut r = plan().kernel(RATE, on_link).host();
        let mut passed = [0; 2];
        for round in 0..60_000_u32 {
            r.now += Duration::from_micros(60);
            let (way, outcome) = match round % 3 {
                0 => (
                    Way::Substrate,
                    r.substrate_delivers(&stew::to_host(&mut random)),
                ),
                1 => (
                    Way::Substrate,
                    r.substrate_delivers(&stew::from_substrate(&mut random)),
                ),
                _ => (Way::Kernel, r.kernel_sends(&stew::from_kernel(&mut random))),
            };
            let came_in = match way {
                Way::Kernel => R_KERNEL,
                _ => R_UPLINKS[0],
            };
            ends_well(way, PortId(came_in), &outcome);
            for (port, _) in &outcome.sent {
                passed[0] += u32::from(port.0 == R_KERNEL);
                passed[1] += u32::from(way == Way::Kernel);
            }
        }
        assert!(passed.iter().all(|count| *count > 3000), "{passed:?}");
    }
}
