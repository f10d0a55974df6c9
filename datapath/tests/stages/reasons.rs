//! Every drop reason is reached by a frame: the match below must name each,
//! so a new reason without a case does not compile.

use core::net::Ipv6Addr;
use core::num::NonZeroU16;

use datapath::pipeline::verdict::DropReason as Reason;
use datapath::pipeline::{DropReason, Verdict};
use datapath::tables::FlowTable;

use packet::build::{Frame, Ipv6};
use packet::{
    EtherType, HeapBuf, InnerTag, MacAddr, NoRoom, Offload, PacketBuf, SubstrateAddr, Tags,
    TransportChecksum,
};
use vnet::compiled::{AddressPolicy, Dhcp, Learn, LegId, NextHop, PortId};

use crate::bench::host::{Host, Made, Outcome, Way};
use crate::bench::plan::{self, router_mac};
use crate::bench::{
    A, BACK, C, D, F, FRONT, G, H, I, J, L, NOBODY, Node, Plan, R_UPLINKS, Site, VLAN_BACK,
    VLAN_FRONT, frame, tagged, v4,
};

/// What becomes of a frame that A, or whoever is named, sends on R.
fn node(node: Node, frame: &[u8]) -> Option<Outcome> {
    Some(Plan::of(Site::R).host().node_sends(node.port, frame))
}

/// What becomes of a frame on R's uplink.
fn substrate(frame: &[u8]) -> Option<Outcome> {
    Some(Plan::of(Site::R).host().substrate_delivers(frame))
}

/// What becomes of a frame that A sends under these rules.
fn ruled(rules: &str, frame: &[u8]) -> Option<Outcome> {
    let mut host = Plan::of(Site::R).ruled(rules).host();
    Some(host.node_sends(A.port, frame))
}

/// The same where a DHCP server is.
fn node_served(node: Node, frame: &[u8]) -> Option<Outcome> {
    let mut plan = Plan::of(Site::R);
    plan.segment(FRONT).dhcp = Some(Dhcp {
        router: None,
        dns: Vec::new(),
        domain: None,
        lease: 60,
        routes: Vec::new(),
    });
    Some(plan.host().node_sends(node.port, frame))
}

/// R where F's link goes by labels, and `front` lets LLDP pass.
fn f_by_label() -> Host {
    let mut plan = Plan::of(Site::R);
    plan.segment(FRONT).ethertypes = vec![EtherType::new(0x88cc)];
    let interfaces = plan.compiled.interfaces.iter_mut();
    let mut native = interfaces.filter(|i| i.node == "f" && i.tags == Tags::NONE);
    let label = packet::MplsLabel::new(1000).unwrap();
    native.next().unwrap().tags.inner = Some(InnerTag::Label(label));
    plan.host()
}

/// A DHCP client's, from A, on behalf of a node.
fn discover(node: Node) -> Vec<u8> {
    let mut message = vec![0; 236];
    message[..3].copy_from_slice(&[1, 1, 6]);
    message[28..34].copy_from_slice(&node.mac.octets());
    message.extend([99, 130, 83, 99, 53, 1, 1, 255]);
    let sent = Frame::between(A.mac, MacAddr::BROADCAST).ipv4([0; 4], [255; 4]);
    sent.udp(68, 67, &message)
}

/// From A, to be routed by J.
fn by_j(to: [u8; 4]) -> packet::build::Ipv4 {
    frame(A, J).ipv4(A.ip, to)
}

fn g_to_a() -> Ipv6 {
    on_uplink(
        Site::S.substrate(FRONT, G.ip),
        Site::R.substrate(FRONT, A.ip),
    )
}

/// A packet to A from a router of the fabric.
fn fabric_router() -> Ipv6 {
    let router = Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, 1);
    Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(router, Site::R.substrate(FRONT, A.ip).to_ipv6())
}

fn on_uplink(source: SubstrateAddr, destination: SubstrateAddr) -> Ipv6 {
    Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(source.to_ipv6(), destination.to_ipv6())
}

/// What becomes of a frame that R's kernel sends.
fn kernel(frame: &[u8]) -> Option<Outcome> {
    let mut host = Plan::of(Site::R).kernel(1, false).host();
    Some(host.kernel_sends(frame))
}

fn of_kernel(source: Ipv6Addr) -> Ipv6 {
    Frame::between(Site::R.uplink_mac(R_UPLINKS[0]), router_mac(0)).ipv6(source, Site::S.address())
}

/// A packet to the host itself.
fn to_kernel() -> Ipv6 {
    Frame::between(router_mac(0), Site::R.uplink_mac(R_UPLINKS[0]))
        .ipv6(Site::S.address(), Site::R.address())
}

/// A frame that is dropped for this reason; none where the pipeline is not
/// what decides it.
fn example(reason: Reason) -> Option<Outcome> {
    let to_all = |ip| Frame::between(A.mac, MacAddr::BROADCAST).ipv4(A.ip, ip);
    let at_r = |ip| Site::R.substrate(FRONT, ip);
    match reason {
        Reason::Truncated => node(A, &v4(A, F).udp(1, 2, b"x")[..20]),
        Reason::NotContiguous => {
            let chain = Chain(HeapBuf::from_slice(&v4(A, F).udp(1, 2, b"x")));
            let mut host = Plan::of(Site::R).host();
            Some(host.one(Way::Node, PortId(A.port), chain))
        }
        Reason::SourceMacInvalid => {
            let sent = Frame::between(MacAddr::BROADCAST, G.mac).ipv4(A.ip, G.ip);
            node(A, &sent.udp(1, 2, b"x"))
        }
        Reason::UnknownMac => node(C, &v4(A, F).udp(1, 2, b"x")),
        Reason::UnknownTag => node(D, &tagged(VLAN_BACK, D, C).udp(1, 2, b"x")),
        Reason::UntaggedOnTrunk => node(D, &v4(D, A).udp(1, 2, b"x")),
        Reason::TaggedOnAccess => node(A, &tagged(VLAN_FRONT, A, F).udp(1, 2, b"x")),
        Reason::DoubleTagged => {
            let sent = frame(D, A).vlan(VLAN_FRONT).vlan(VLAN_BACK);
            node(D, &sent.ipv4(D.ip, A.ip).udp(1, 2, b"x"))
        }
        Reason::LabelMalformed => {
            let mut sent = frame(F, A).label(1000).ipv4(F.ip, A.ip).udp(1, 2, b"x");
            sent[16] &= 0xfe;
            Some(f_by_label().node_sends(F.port, &sent))
        }
        Reason::BadIpHeader => node(A, &v4(A, F).version_ihl(0x65).udp(1, 2, b"x")),
        Reason::BadIpChecksum => node(A, &v4(A, F).wrong_header_checksum().udp(1, 2, b"x")),
        Reason::NotIpv6 => {
            let mac = Site::R.uplink_mac(R_UPLINKS[0]);
            let sent = Frame::between(router_mac(0), mac).arp_request([1; 4], [2; 4]);
            substrate(&sent)
        }
        Reason::NotForThisMac => {
            let sent = Frame::between(router_mac(0), router_mac(1));
            let [from, to] = [Site::S, Site::R].map(Site::address);
            substrate(&sent.ipv6(from, to).udp(1, 2, b"x"))
        }
        Reason::NotForThisHost => {
            let elsewhere = Site::S.substrate(FRONT, A.ip);
            let sent = on_uplink(Site::S.substrate(FRONT, G.ip), elsewhere);
            substrate(&sent.udp(1, 2, b"x"))
        }
        Reason::KernelRateLimited => {
            let sent = to_kernel().tcp(1, 22, b"");
            let mut host = Plan::of(Site::R).kernel(1, false).host();
            (0..17).map(|_| host.substrate_delivers(&sent)).last()
        }
        Reason::KernelMac => {
            let sent = Frame::between(A.mac, router_mac(0));
            kernel(
                &sent
                    .ipv6(Site::R.address(), Site::S.address())
                    .udp(1, 2, b"x"),
            )
        }
        Reason::KernelSpoofed => kernel(&of_kernel(at_r(A.ip).to_ipv6()).udp(1, 2, b"x")),
        Reason::KernelAdvertisement => {
            kernel(&of_kernel(Site::R.address()).icmp((136, 0), (0, 0), &[0; 16]))
        }
        Reason::KernelSuperFrame => {
            let offload = Offload {
                transport: TransportChecksum::Partial,
                segment_size: NonZeroU16::new(1000),
                ..Offload::NONE
            };
            let mut host = Plan::of(Site::R).kernel(1, false).host();
            let sent = to_kernel().tcp(1, 22, &[0; 3000]);
            Some(host.substrate_leaves_to_a_device(&sent, offload))
        }
        Reason::SpoofedAddress => node(A, &frame(A, F).ipv4(G.ip, F.ip).udp(1, 2, b"x")),
        Reason::SpoofedArp => node(A, &frame(A, F).arp_request(G.ip, F.ip)),
        Reason::ClaimRateLimited => {
            let mut plan = Plan::of(Site::R);
            plan.share([10, 0, 0, 100], None, &[A]);
            let mut host = plan.host();
            let to_all = Frame::between(A.mac, MacAddr::BROADCAST);
            let sent = to_all.arp_announcement([10, 0, 0, 100]);
            for _ in 0..64 {
                host.node_sends(A.port, &sent);
            }
            Some(host.node_sends(A.port, &sent))
        }
        Reason::AddressClaimed => {
            let mut plan = Plan::of(Site::R);
            let learn = Learn { most: 1, age: 300 };
            plan.claimant(FRONT, A, AddressPolicy::Learn(learn));
            let sent = frame(A, F).ipv4([10, 0, 0, 99], F.ip).udp(1, 2, b"x");
            Some(plan.host().node_sends(A.port, &sent))
        }
        Reason::DhcpNotAuthorised => node(A, &v4(A, F).udp(67, 68, &[2; 300])),
        Reason::DhcpNotServed => node(A, &discover(A)),
        Reason::DhcpMalformed => {
            let sent = Frame::between(A.mac, MacAddr::BROADCAST).ipv4([0; 4], [255; 4]);
            node_served(A, &sent.udp(68, 67, &[1; 240]))
        }
        Reason::DhcpSpoofed => node_served(A, &discover(F)),
        Reason::SnmpRateLimited => {
            let mut host = Plan::of(Site::R).host();
            let sent = by_j(J.ip).udp(1, 161, b"x");
            let mut sent = (0..=200).map(|_| host.node_sends(A.port, &sent));
            sent.find(|outcome| outcome.cx.verdict == Verdict::Drop(reason))
        }
        Reason::Ipv6NotYet => {
            let [from, to] = [Site::R, Site::S].map(Site::address);
            node(A, &frame(A, F).ipv6(from, to).udp(1, 2, b"x"))
        }
        Reason::EtherTypeNotAllowed => {
            let lldp = EtherType::new(0x88cc);
            node(A, &frame(A, F).carrying(lldp, &[0; 46]))
        }
        Reason::ArpMalformed => node(A, &frame(A, F).arp_request(A.ip, F.ip)[..40]),
        Reason::ArpNoSuchAddress => node(A, &frame(A, F).arp_request(A.ip, [10, 0, 0, 99])),
        Reason::UnknownDestinationMac => {
            let sent = Frame::between(A.mac, NOBODY).ipv4(A.ip, G.ip);
            node(A, &sent.udp(1, 2, b"x"))
        }
        Reason::NotTheDestinations => node(A, &frame(A, F).ipv4(A.ip, G.ip).udp(1, 2, b"x")),
        Reason::HairpinToSelf => node(A, &v4(A, A).udp(1, 2, b"x")),
        Reason::RouterIpOnly => {
            let mut plan = Plan::of(Site::R);
            plan.segment(FRONT).ethertypes = vec![EtherType::new(0x88cc)];
            let lldp = frame(A, J).carrying(EtherType::new(0x88cc), &[0; 46]);
            Some(plan.host().node_sends(A.port, &lldp))
        }
        Reason::NotRoutable => node(A, &by_j([127, 0, 0, 1]).udp(1, 2, b"x")),
        Reason::TtlExpired => node(A, &by_j(H.ip).ttl(1).icmp((3, 3), (0, 0), &[0; 28])),
        Reason::NoDrawnRoute => node(A, &by_j([8; 4]).icmp((3, 3), (0, 0), &[0; 28])),
        Reason::NextHopNoRouter => {
            let mut plan = Plan::of(Site::R);
            plan.compiled.routers[0].routes[0].via = vec![NextHop::Station {
                by: LegId(0),
                address: plan::ip_of(G.ip),
            }];
            let sent = by_j(H.ip).udp(1, 2, b"x");
            Some(plan.host().node_sends(A.port, &sent))
        }
        Reason::NoRouteBack => {
            let mut plan = Plan::of(Site::R);
            plan.compiled.routers[1].routes.clear();
            let sent = by_j(L.ip).icmp_echo(1, 1, b"x");
            Some(plan.host().node_sends(A.port, &sent))
        }
        Reason::RouterSilent => node(A, &v4(A, J).icmp_echo_reply(1, 1, b"x")),
        Reason::LabelIpOnly => {
            let sent = frame(A, F).carrying(EtherType::new(0x88cc), &[0; 46]);
            Some(f_by_label().node_sends(A.port, &sent))
        }
        Reason::SwitchSilent => {
            let host = plan::with_switch().host().node_sends(
                A.port,
                &frame(A, plan::SWITCH).ipv4(A.ip, plan::SWITCH.ip).udp(1, 2, b"x"),
            );
            Some(host)
        }
        Reason::GroupMalformed => {
            let group = SubstrateAddr {
                group: true,
                ..at_r(A.ip)
            };
            let g = Site::S.substrate(FRONT, G.ip);
            substrate(&on_uplink(g, group).udp(1, 2, b"x"))
        }
        Reason::GroupRateLimited => {
            let mut host = Plan::of(Site::R).host();
            let sent = to_all([10, 0, 0, 255]).udp(1, 2, b"x");
            let mut sent = (0..2000).map(|_| host.node_sends(A.port, &sent));
            sent.find(|outcome| outcome.sent.is_empty())
        }
        Reason::DeniedByRule => ruled(
            "rules: [{ from: a, to: any, deny: udp/53 }]\n",
            &v4(A, F).udp(1, 53, b"?"),
        ),
        Reason::DeniedByDefault => ruled("rules: []\n", &v4(A, F).udp(1, 53, b"?")),
        Reason::FragmentTooShort => ruled(
            "rules: [{ from: a, to: any, deny: tcp/22 }]\n",
            &v4(A, F).fragment(0, true).protocol(6, &[0; 8]),
        ),
        Reason::FlowTableFull => {
            // Many tenants share a small table: of the few flows that are one's
            // own there is seldom one where the next would be.
            let mut plan = Plan::of(Site::R).ruled("rules: [{ from: any, to: any, allow: udp }]\n");
            for network in plan.compiled.networks.len()..9 {
                let mut tenant = plan.compiled.networks[1].clone();
                tenant.name = format!("n{network}");
                tenant.entity = tenant.name.clone();
                plan.compiled.networks.push(tenant);
                let mut rules = plan.compiled.access[0].clone();
                rules.network = network;
                plan.compiled.access.push(rules);
            }
            let mut host = plan.host();
            host.tables.flows = FlowTable::new(64).into();
            let sent = |port| v4(A, F).udp(port, 53, b"?");
            let mut sends = (0..5000).map(|port| host.node_sends(A.port, &sent(port)));
            sends.find(|outcome| outcome.booked == [DropReason::FlowTableFull])
        }
        Reason::IgmpMalformed => node(A, &to_all([224, 0, 0, 1]).protocol(2, b"no")),
        Reason::IgmpRateLimited => {
            let mut host = Plan::of(Site::R).host();
            let report = packet::igmp::report(&[]);
            let sent = to_all([224, 0, 0, 22]).protocol(2, &report);
            let mut sent = (0..200).map(|_| host.node_sends(A.port, &sent));
            sent.find(|outcome| outcome.sent.is_empty())
        }
        Reason::GroupWithheld => node(A, &to_all([239, 255, 255, 254]).udp(1, 2, b"x")),
        Reason::Denied => {
            let g_back = Site::S.substrate(BACK, [10, 0, 5, 4]);
            substrate(&on_uplink(g_back, at_r(A.ip)).udp(1, 2, b"x"))
        }
        Reason::NoMapping => {
            let sent = Frame::between(I.mac, NOBODY).ipv4(I.ip, [10, 2, 0, 99]);
            node(I, &sent.udp(1, 2, b"x"))
        }
        Reason::SourceNotProven => {
            let forged = Site::S.substrate(FRONT, [10, 0, 0, 99]);
            substrate(&on_uplink(forged, at_r(A.ip)).udp(1, 2, b"x"))
        }
        Reason::FabricErrorMalformed => {
            // About a packet that nobody here has sent.
            substrate(&fabric_router().icmp((1, 0), (0, 0), &[0; 48]))
        }
        Reason::FabricErrorNotReported => {
            // A parameter problem.
            let sent = node(A, &v4(A, G).udp(1, 2, b"x"))?.forwarded(R_UPLINKS[0]);
            substrate(&fabric_router().icmp((4, 0), (0, 0), &sent[14..]))
        }
        Reason::DestinationNotHere => {
            let g = Site::S.substrate(FRONT, G.ip);
            substrate(&on_uplink(g, at_r([10, 0, 0, 99])).udp(1, 2, b"x"))
        }
        Reason::MovedAway => {
            let g = Site::S.substrate(FRONT, G.ip);
            substrate(&on_uplink(g, at_r(G.ip)).udp(1, 2, b"x"))
        }
        Reason::SourceRouted => {
            // An error, about which no other may be sent.
            let sent = v4(A, G).options(&[131, 7, 4, 10, 0, 0, 3]);
            node(A, &sent.icmp((3, 1), (0, 0), &[0; 28]))
        }
        Reason::UnexpectedNextHeader => substrate(&g_to_a().protocol(43, &[0; 8])),
        Reason::RawMalformed => substrate(&g_to_a().protocol(97, &[0x40; 60])),
        Reason::RawNotProven => {
            // From G outside, from D inside.
            let inner = v4(D, A).options(&[1]).udp(1, 2, b"x");
            substrate(&g_to_a().protocol(97, &[&[0x30, 0], &inner[..]].concat()))
        }
        Reason::TooBig => {
            // An error, about which no other may be sent.
            let sent = v4(A, F).dont_fragment();
            node(A, &sent.icmp((3, 1), (0, 0), &[0; 1473]))
        }
        Reason::RawTooBig => {
            let lldp = EtherType::new(0x88cc);
            let mut plan = Plan::of(Site::R);
            plan.segment(FRONT).ethertypes.push(lldp);
            let sent = frame(A, F).carrying(lldp, &[0; 1501]);
            Some(plan.host().node_sends(A.port, &sent))
        }
        Reason::SuperFrameMalformed => {
            let offload = Offload {
                transport: TransportChecksum::Partial,
                segment_size: NonZeroU16::new(1000),
                ..Offload::NONE
            };
            let sent = v4(A, F).udp(1, 2, &[0; 3000]);
            let mut host = Plan::of(Site::R).host();
            Some(host.node_leaves_to_a_device(A.port, &sent, offload))
        }
        Reason::ErrorRateLimited => {
            let mut host = Plan::of(Site::R).host();
            let sent = v4(A, F).dont_fragment().udp(1, 2, &[0; 1473]);
            (0..33).map(|_| host.node_sends(A.port, &sent)).last()
        }
        Reason::NoBuffer => {
            let sent = Cramped(HeapBuf::from_slice(&v4(A, F).udp(1, 2, &[0; 1473])));
            let mut host = Plan::of(Site::R).host();
            Some(host.one(Way::Node, PortId(A.port), sent))
        }
        Reason::NoHeadroom => {
            // 20 bytes more than an mbuf without headroom has.
            let frame = v4(A, G).udp(1, 2, b"x");
            let mut full = HeapBuf::with_capacity(0);
            full.prepend(frame.len()).unwrap();
            full.data_mut().copy_from_slice(&frame);
            let mut host = Plan::of(Site::R).host();
            let cramped = Cramped(full);
            Some(host.one(Way::Node, PortId(A.port), cramped))
        }
        Reason::NoRoute => {
            let mut plan = Plan::of(Site::R);
            plan.uplinks.by_host[1].clear();
            Some(plan.host().node_sends(A.port, &v4(A, G).udp(1, 2, b"x")))
        }
        // The slow path's, and the ports'.
        Reason::PuntQueueFull
        | Reason::HoldQueueFull
        | Reason::NeighborUnreachable
        | Reason::HostRefused
        | Reason::GroupTableFull
        | Reason::ShuttingDown
        // The agents'.
        | Reason::SnmpMalformed
        | Reason::SnmpWrongVersion
        | Reason::SnmpWrongCommunity
        | Reason::SnmpNotAnswered
        | Reason::PortFull
        | Reason::PortRefused => None,
    }
}

#[test]
fn every_reason_of_the_pipeline_is_reached() {
    let mut reached = 0;
    for &reason in DropReason::ALL {
        let Some(outcome) = example(reason) else {
            let stage = reason.stage();
            let outside = matches!(stage, "hold" | "groups" | "snmp" | "transmit")
                || reason == Reason::PuntQueueFull;
            assert!(outside, "{} has no example", reason.name());
            continue;
        };
        assert_eq!(outcome.dropped(), reason, "{}", reason.name());
        reached += 1;
    }
    assert_eq!(reached, DropReason::COUNT - 12);
}

#[test]
fn every_reason_says_what_it_is_and_what_to_do() {
    for reason in DropReason::ALL {
        assert!(!reason.description().is_empty(), "{}", reason.name());
        assert!(!reason.remedy().is_empty(), "{}", reason.name());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(reason.name().chars().all(plain), "{}", reason.name());
    }
}

/// A frame in several buffers.
#[derive(Debug)]
struct Chain(HeapBuf);

/// A frame whose buffer has no room in front.
#[derive(Debug)]
struct Cramped(HeapBuf);

macro_rules! buffer_but {
    ($kind:ident { $($change:item)* }) => {
        impl PacketBuf for $kind {
            fn data(&self) -> &[u8] { self.0.data() }
            fn data_mut(&mut self) -> &mut [u8] { self.0.data_mut() }
            fn headroom(&self) -> usize { self.0.headroom() }
            fn tailroom(&self) -> usize { self.0.tailroom() }
            fn trim_front(&mut self, len: usize) -> Result<(), NoRoom> { self.0.trim_front(len) }
            fn append(&mut self, len: usize) -> Result<(), NoRoom> { self.0.append(len) }
            fn truncate(&mut self, len: usize) { self.0.truncate(len); }
            fn set_offload(&mut self, offload: Offload) { self.0.set_offload(offload); }
            $($change)*
        }
    };
}

impl Made for Chain {
    fn made() -> Option<Self> {
        None
    }
}

impl Made for Cramped {
    fn made() -> Option<Self> {
        None
    }
}

buffer_but!(Chain {
    fn prepend(&mut self, len: usize) -> Result<(), NoRoom> { self.0.prepend(len) }
    fn is_contiguous(&self) -> bool { false }
});

buffer_but!(Cramped {
    fn prepend(&mut self, _: usize) -> Result<(), NoRoom> { Err(NoRoom) }
});
