//! Rules as packets meet them say the same as rules that are gone through one by
//! one, whatever the rules and whatever the packets.

use datapath::tables::access::{Carried, Peer, Question};
use datapath::tables::{NetworkAccess, Ruling};
use packet::{IpProtocol, SegmentId, VirtualAddr};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vnet::compiled::{
    AccessRules, Action, Ipv4Subnet, Peers, PortRange, Refusal, Rule, Service, WEEK, WeekMinute,
    Window,
};

use crate::bench::first_match::{Decision, Sent, What, decide};
use crate::bench::{BACK, FAR, FRONT, Plan, Site, segment};

fn a_segment() -> impl Strategy<Value = SegmentId> {
    prop_oneof![Just(FRONT), Just(BACK), Just(FAR)].prop_map(segment)
}

/// Few, so that they are met often; and the ends of the range.
fn an_address() -> impl Strategy<Value = VirtualAddr> {
    let few = (0..24_u32).prop_map(|at| 0x0a00_0000 + at);
    prop_oneof![8 => few, 1 => Just(0), 1 => Just(u32::MAX)].prop_map(VirtualAddr::from_bits)
}

fn a_prefix() -> impl Strategy<Value = Ipv4Subnet> {
    let length = prop_oneof![26..=32_u8, 0..=32_u8];
    (an_address(), length)
        .prop_map(|(address, length)| Ipv4Subnet::around(address, length).unwrap())
}

fn peers() -> impl Strategy<Value = Peers> {
    let stations = vec((a_segment(), an_address()), 0..4);
    let flags = (
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    let sets = (vec(a_segment(), 0..2), stations, vec(a_prefix(), 0..4));
    (flags, sets).prop_map(|((any, same, other), (segments, stations, prefixes))| {
        let mut peers = Peers {
            any,
            same_segment: same,
            other_segment: other,
            segments,
            stations,
            prefixes,
        };
        peers.tidy();
        peers
    })
}

const PROTOCOLS: [u8; 5] = [1, 6, 17, 47, 132];
const WITH_PORTS: [u8; 3] = [6, 17, 132];

fn a_port() -> impl Strategy<Value = u16> {
    prop_oneof![8 => 0..12_u16, 1 => Just(u16::MAX)]
}

fn ports() -> impl Strategy<Value = PortRange> {
    let some = (a_port(), a_port()).prop_map(|(a, b)| PortRange {
        first: a.min(b),
        last: a.max(b),
    });
    prop_oneof![2 => some, 1 => Just(PortRange::ALL)]
}

fn a_service() -> impl Strategy<Value = Service> {
    let with_ports = prop::sample::select(&WITH_PORTS[..]);
    prop_oneof![
        1 => Just(Service::Any),
        2 => prop::sample::select(&PROTOCOLS[..]).prop_map(|p| Service::Protocol(IpProtocol(p))),
        6 => (with_ports, ports(), ports()).prop_map(|(protocol, source, destination)| {
            Service::Ports { protocol: IpProtocol(protocol), source, destination }
        }),
        2 => (0..4_u8, option::of(0..3_u8)).prop_map(|(kind, code)| Service::Icmp { kind, code }),
    ]
}

fn an_action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Allow), Just(Action::Deny)]
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let size = (0..120_u16, 0..120_u16).prop_map(|(a, b)| a.min(b)..=a.max(b));
    let when = (0..0x80_u8, 0..1440_u16, 1..=1440_u16);
    let when = when.prop_map(|(days, from, to)| Window { days, from, to });
    (
        (peers(), peers(), vec(a_service(), 1..4)),
        (
            option::weighted(0.1, size),
            option::weighted(0.1, when),
            an_action(),
        ),
    )
        .prop_map(|((from, to, services), (size, when, action))| Rule {
            name: None,
            text: String::new(),
            from,
            to,
            services,
            size,
            when,
            action,
        })
}

fn rules() -> impl Strategy<Value = AccessRules> {
    let count = prop_oneof![0..5_usize, 0..200_usize];
    let rules = count.prop_flat_map(|count| vec(a_rule(), count));
    (rules, an_action(), an_action()).prop_map(|(rules, inside, between)| AccessRules {
        network: 0,
        rules,
        inside,
        between,
        refusal: Refusal::Silence,
        replies: true,
    })
}

fn what() -> impl Strategy<Value = What> {
    let protocol = || prop::sample::select(&PROTOCOLS[..]);
    let with_ports = prop::sample::select(&WITH_PORTS[..]);
    prop_oneof![
        1 => Just(What::NotIpv4),
        1 => Just(What::Other(47)),
        6 => (with_ports, a_port(), a_port()).prop_map(|(p, a, b)| What::Ports(p, a, b)),
        2 => (0..4_u8, 0..3_u8).prop_map(|(kind, code)| What::Icmp(kind, code)),
        2 => protocol().prop_map(What::LaterFragment),
        1 => protocol().prop_map(What::TooShort),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let end = || (a_segment(), an_address());
    (
        end(),
        end(),
        what(),
        option::weighted(0.9, 0..120_u16),
        0..WEEK,
    )
        .prop_map(|(from, to, what, len, at)| Sent {
            from,
            to,
            what,
            len: len.filter(|_| !matches!(what, What::NotIpv4 | What::LaterFragment(_))),
            at: WeekMinute::new(at).unwrap(),
        })
}

fn ruled(access: &NetworkAccess, sent: &Sent) -> Decision {
    let peer = |(segment, address)| Peer { segment, address };
    let ruling = access.judge(&Question {
        from: peer(sent.from),
        to: peer(sent.to),
        carried: match sent.what {
            What::NotIpv4 => Carried::Foreign,
            What::Other(protocol) => Carried::Opaque(IpProtocol(protocol)),
            What::Ports(protocol, source, destination) => Carried::Ports {
                protocol: IpProtocol(protocol),
                source,
                destination,
            },
            What::Icmp(kind, code) => Carried::Icmp { kind, code },
            What::LaterFragment(protocol) => Carried::Later(IpProtocol(protocol)),
            What::TooShort(protocol) => Carried::Short(IpProtocol(protocol)),
        },
        len: sent.len,
        at: sent.at,
    });
    match ruling {
        Ruling::TooShort => Decision::TooShort,
        ruling if ruling.allows() => Decision::Pass,
        Ruling::ByRule(_, at) => Decision::Refuse(Some(at)),
        Ruling::ByDefault(_) => Decision::Refuse(None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn compiled_rules_decide_as_those_that_are_read(
        rules in rules(),
        packets in vec(sent(), 1..300),
    ) {
        let mut plan = Plan::of(Site::R);
        plan.compiled.access = vec![rules.clone()];
        let tables = plan.tables();
        let access = tables.drawn.access.named("z").unwrap();
        for sent in packets {
            prop_assert_eq!(ruled(access, &sent), decide(&rules, &sent), "{:?}", sent);
        }
    }
}
