//! Access rules, and replies to what they permit.

use core::time::Duration;
use std::sync::Arc;

use datapath::pipeline::DropReason;
use datapath::tables::FlowTable;
use packet::MacAddr;
use packet::build::Payload;
use vnet::compiled::WeekMinute;

use crate::bench::host::{Host, Outcome};
use crate::bench::{
    A, C, F, FRONT, G, H, J, L, Node, Plan, R_UPLINKS, Site, cross, frame, over_the_fabric, v4,
};

const BY_RULE: DropReason = DropReason::DeniedByRule;
const BY_DEFAULT: DropReason = DropReason::DeniedByDefault;

/// R and S under these rules.
fn hosts(rules: &str) -> (Host, Host) {
    let host = |site| Plan::of(site).ruled(rules).host();
    (host(Site::R), host(Site::S))
}

const SYN: u8 = 2;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;

fn tcp(from: Node, to: Node, ports: (u16, u16), flags: u8) -> Vec<u8> {
    let segment = Payload::tcp(ports.0, ports.1, 1, flags, b"segment");
    v4(from, to).carrying(segment)
}

/// From A to H and back, by way of J and L.
fn routed(there: bool, ports: (u16, u16), flags: u8) -> Vec<u8> {
    let segment = Payload::tcp(ports.0, ports.1, 1, flags, b"segment");
    match there {
        true => frame(A, J).ipv4(A.ip, H.ip).carrying(segment),
        false => frame(H, L).ipv4(H.ip, A.ip).carrying(segment),
    }
}

#[track_caller]
fn passes(outcome: &Outcome) {
    let said = (outcome.cx.verdict, &outcome.booked);
    assert!(
        !outcome.sent.is_empty() && outcome.booked.is_empty(),
        "{said:?}"
    );
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = "\
rules:
  - { from: a, to: 10.0.0.6, deny: udp/53 }
  - { from: front, to: front, allow: [icmp, udp/50-60] }
  - { from: any, to: f, deny: any }
";
    let mut r = Plan::of(Site::R).ruled(rules).host();
    let udp = |port| v4(A, F).udp(9, port, b"?");
    passes(&r.node_sends(A.port, &v4(A, F).icmp_echo(1, 1, b"ping")));
    passes(&r.node_sends(A.port, &udp(50)));
    passes(&r.node_sends(A.port, &udp(60)));
    assert_eq!(r.node_sends(A.port, &udp(53)).dropped(), BY_RULE);
    assert_eq!(r.node_sends(A.port, &udp(61)).dropped(), BY_RULE);
    assert_eq!(
        r.node_sends(A.port, &tcp(A, G, (9, 80), SYN)).dropped(),
        BY_DEFAULT
    );
    // What is no IPv4 is matched by `any` only.
    let hits = r.tables.drawn.access.named("z").unwrap().hits();
    let counts = [hits.of(0), hits.of(1), hits.of(2), hits.of_end(true)];
    assert_eq!(counts, [1, 3, 1, 1]);
}

#[test]
fn without_rules_nothing_is_asked_or_remembered() {
    let mut r = Plan::of(Site::R).host();
    passes(&r.node_sends(A.port, &tcp(A, F, (9, 80), SYN)));
    assert_eq!(r.tables.flows.used(), 0);
    // Nor is it in another network than the one that has rules.
    let (mut r, _) = hosts("rules: []\n");
    let b = crate::bench::B;
    let x = crate::bench::X;
    passes(&r.node_sends(b.port, &v4(b, x).udp(1, 2, b"y")));
    assert_eq!(r.tables.flows.used(), 0);
}

#[test]
fn replies_pass_on_both_hosts_and_only_those() {
    let (mut r, mut s) = hosts("rules: [{ from: front, to: far, allow: tcp/443 }]\n");
    let back = routed(false, (443, 999), SYN_ACK);
    assert_eq!(s.node_sends(H.port, &back).dropped(), BY_DEFAULT);
    let uplink = R_UPLINKS[0];
    let sent = r
        .node_sends(A.port, &routed(true, (999, 443), SYN))
        .forwarded(uplink);
    // Begun at R, but not heard of at S yet.
    assert_eq!(s.node_sends(H.port, &back).dropped(), BY_DEFAULT);
    passes(&s.substrate_delivers(&cross(&sent, Site::S)));
    passes(&over_the_fabric(&mut s, &mut r, H.port, &back));
    passes(&over_the_fabric(
        &mut r,
        &mut s,
        A.port,
        &routed(true, (999, 443), ACK),
    ));
    // Nobody begins from over there, not even with the same ports.
    for (ports, flags) in [((443, 998), SYN_ACK), ((443, 999), SYN), ((444, 999), ACK)] {
        let back = routed(false, ports, flags);
        assert_eq!(
            s.node_sends(H.port, &back).dropped(),
            BY_DEFAULT,
            "{ports:?}"
        );
    }
    assert_eq!((r.tables.flows.used(), s.tables.flows.used()), (1, 1));
}

#[test]
fn the_receiver_refuses_what_the_sender_should_have() {
    let (_, mut s) = hosts("rules: []\n");
    let mut r = Plan::of(Site::R).host();
    let refused = over_the_fabric(&mut r, &mut s, A.port, &v4(A, G).udp(1, 2, b"?"));
    assert_eq!(refused.dropped(), BY_DEFAULT);
}

#[test]
fn without_replies_each_direction_needs_its_rule() {
    let rules = "rules: [{ from: a, to: f, allow: udp/53 }]\ndefaults: { replies: deny }\n";
    let mut r = Plan::of(Site::R).ruled(rules).host();
    passes(&r.node_sends(A.port, &v4(A, F).udp(9, 53, b"?")));
    assert_eq!(
        r.node_sends(F.port, &v4(F, A).udp(53, 9, b"!")).dropped(),
        BY_DEFAULT
    );
    assert_eq!(r.tables.flows.used(), 0);
}

#[test]
fn pings_are_answered_and_nothing_else_is_taken_for_an_answer() {
    let mut r = Plan::of(Site::R)
        .ruled("rules: [{ from: a, to: f, allow: icmp/echo }]\n")
        .host();
    passes(&r.node_sends(A.port, &v4(A, F).icmp_echo(7, 1, b"ping")));
    passes(&r.node_sends(F.port, &v4(F, A).icmp_echo_reply(7, 1, b"ping")));
    let wrong = [
        v4(F, A).icmp_echo_reply(8, 1, b"ping"),
        v4(F, A).icmp_echo(7, 1, b"ping"),
        v4(F, A).icmp((13, 0), (7, 1), &[0; 12]),
    ];
    for frame in wrong {
        assert_eq!(r.node_sends(F.port, &frame).dropped(), BY_DEFAULT);
    }
}

#[test]
fn errors_pass_that_quote_a_known_flow() {
    let mut r = Plan::of(Site::R)
        .ruled("rules: [{ from: a, to: f, allow: udp/53 }]\n")
        .host();
    let question = v4(A, F).udp(9, 53, b"?");
    let error = |quoted: &[u8]| v4(F, A).icmp((3, 3), (0, 0), &quoted[14..42]);
    assert_eq!(
        r.node_sends(F.port, &error(&question)).dropped(),
        BY_DEFAULT
    );
    passes(&r.node_sends(A.port, &question));
    passes(&r.node_sends(F.port, &error(&question)));
    let other = v4(A, F).udp(9, 54, b"?");
    assert_eq!(r.node_sends(F.port, &error(&other)).dropped(), BY_DEFAULT);
    // About a packet that its hearer has not sent.
    let answer = v4(F, A).udp(53, 9, b"!");
    assert_eq!(r.node_sends(F.port, &error(&answer)).dropped(), BY_DEFAULT);
}

#[test]
fn later_fragments_pass_where_their_beginning_might() {
    let rules = "\
rules:
  - { from: a, to: f, allow: udp/53 }
  - { from: a, to: any, deny: any }
";
    let mut r = Plan::of(Site::R).ruled(rules).host();
    let later = |from, to, protocol| {
        v4(from, to)
            .fragment(10, false)
            .protocol(protocol, &[0; 16])
    };
    passes(&r.node_sends(A.port, &later(A, F, 17)));
    assert_eq!(r.node_sends(A.port, &later(A, F, 6)).dropped(), BY_RULE);
    assert_eq!(r.node_sends(A.port, &later(A, G, 17)).dropped(), BY_RULE);
    // The rest of a reply.
    passes(&r.node_sends(F.port, &later(F, A, 17)));
    assert_eq!(r.node_sends(F.port, &later(F, A, 6)).dropped(), BY_DEFAULT);
    // First ones have ports.
    let first = |port: u8| {
        v4(A, F)
            .fragment(0, true)
            .protocol(17, &[0, 9, 0, port, 0, 8, 0, 0])
    };
    passes(&r.node_sends(A.port, &first(53)));
    assert_eq!(r.node_sends(A.port, &first(54)).dropped(), BY_RULE);
}

#[test]
fn what_is_too_short_for_its_ports_does_not_get_past_a_rule_that_asks() {
    let short = DropReason::FragmentTooShort;
    let rules =
        "rules: [{ from: a, to: f, deny: [tcp/22, udp/22] }, { from: a, to: any, allow: any }]\n";
    let mut r = Plan::of(Site::R).ruled(rules).host();
    let first = |to, protocol, len| {
        v4(A, to)
            .fragment(0, true)
            .protocol(protocol, &[0; 64][..len])
    };
    assert_eq!(r.node_sends(A.port, &first(F, 6, 8)).dropped(), short);
    assert_eq!(r.node_sends(A.port, &first(F, 17, 3)).dropped(), short);
    passes(&r.node_sends(A.port, &first(F, 6, 24)));
    passes(&r.node_sends(A.port, &first(F, 17, 8)));
    // No rule asks for ports there.
    passes(&r.node_sends(A.port, &first(G, 6, 8)));
    // The second eight bytes hold TCP's flags (RFC 1858).
    let overwriting = v4(A, F).fragment(1, true).protocol(6, &[0; 8]);
    assert_eq!(r.node_sends(A.port, &overwriting).dropped(), short);
}

#[test]
fn who_is_refused_may_be_told_by_the_right_router() {
    let rules = "rules: []\ndefaults: { refused: reject }\n";
    let (mut r, mut s) = hosts(rules);
    let refused = |outcome: Outcome| {
        let answer = outcome.reply();
        let source: [u8; 4] = answer[26..30].try_into().unwrap();
        (source, (answer[34], answer[35]), answer[42..].to_vec())
    };
    // In its segment, J; across, also J: A knows no other.
    let sent = v4(A, G).ttl(9).udp(1, 2, b"inside");
    let told = (J.ip, (3, 13), sent[14..].to_vec());
    assert_eq!(refused(r.node_sends(A.port, &sent)), told);
    let sent = frame(A, J).ipv4(A.ip, H.ip).ttl(9).udp(1, 2, b"across");
    let told = (J.ip, (3, 13), sent[14..].to_vec());
    assert_eq!(refused(r.node_sends(A.port, &sent)), told);
    // Where there is no router, the dummy address.
    let e = crate::bench::E_BACK;
    let sent = v4(C, e).udp(1, 2, b"no router");
    assert_eq!(refused(r.node_sends(C.port, &sent)).0, [192, 0, 0, 8]);
    // Never about an error, a later fragment, or what is for many.
    let error = v4(A, G).icmp((3, 3), (0, 0), &[0; 28]);
    let later = v4(A, G).fragment(9, false).protocol(17, &[0; 16]);
    let everyone = packet::build::Frame::between(A.mac, MacAddr::BROADCAST)
        .ipv4(A.ip, [255; 4])
        .udp(1, 2, b"all");
    for frame in [error, later, everyone] {
        assert_eq!(r.node_sends(A.port, &frame).dropped(), BY_DEFAULT);
    }
    // Never to the fabric.
    let mut permissive = Plan::of(Site::R).host();
    let refused = over_the_fabric(&mut permissive, &mut s, A.port, &v4(A, G).udp(1, 2, b"?"));
    assert_eq!(refused.dropped(), BY_DEFAULT);
}

#[test]
fn what_is_for_many_is_matched_by_its_segment_and_group() {
    let rules = "\
rules:
  - { from: front, to: 239.0.0.0/8, deny: any }
  - { from: front, to: front, allow: any }
";
    let mut r = Plan::of(Site::R).ruled(rules).host();
    let to = |group: [u8; 4]| {
        let mac = match group {
            [255, ..] => MacAddr::BROADCAST,
            _ => MacAddr::for_ipv4_multicast(group.into()),
        };
        let sent = packet::build::Frame::between(A.mac, mac).ipv4(A.ip, group);
        sent.udp(1, 2, b"all")
    };
    assert_eq!(r.node_sends(A.port, &to([239, 1, 1, 1])).dropped(), BY_RULE);
    passes(&r.node_sends(A.port, &to([224, 0, 0, 251])));
    passes(&r.node_sends(A.port, &to([255; 4])));
    assert_eq!(r.tables.flows.used(), 0, "nobody answers for a group");
}

#[test]
fn sizes_and_hours_are_asked_of_each_packet() {
    let rules = "\
rules:
  - { from: a, to: f, deny: icmp, size: 100-65535 }
  - { from: a, to: f, allow: icmp, when: { days: mon-fri, hours: 08:00-18:00 } }
";
    let mut r = Plan::of(Site::R).ruled(rules).host();
    let ping = |len: usize| v4(A, F).icmp_echo(1, 1, &vec![0; len - 28]);
    let at = |r: &Host, minute| r.tables.week.set(WeekMinute::new(minute).unwrap());
    at(&r, 8 * 60);
    passes(&r.node_sends(A.port, &ping(99)));
    assert_eq!(r.node_sends(A.port, &ping(100)).dropped(), BY_RULE);
    at(&r, 18 * 60);
    assert_eq!(r.node_sends(A.port, &ping(99)).dropped(), BY_DEFAULT);
    at(&r, 5 * 1440 + 600);
    assert_eq!(
        r.node_sends(A.port, &ping(99)).dropped(),
        BY_DEFAULT,
        "a Saturday"
    );
    at(&r, 4 * 1440 + 1079);
    passes(&r.node_sends(A.port, &ping(99)));
}

#[test]
fn a_rule_that_goes_takes_its_replies_along() {
    let allow = "rules: [{ from: a, to: f, allow: udp/53 }, { from: a, to: any, allow: icmp }]\n";
    let mut r = Plan::of(Site::R).ruled(allow).host();
    let (question, answer) = (v4(A, F).udp(9, 53, b"?"), v4(F, A).udp(53, 9, b"!"));
    passes(&r.node_sends(A.port, &question));
    // Another change leaves it as it is.
    let other =
        "rules: [{ from: a, to: any, allow: [tcp, icmp] }, { from: a, to: f, allow: udp/53 }]\n";
    r.follow(&Plan::of(Site::R).ruled(other));
    passes(&r.node_sends(F.port, &answer));
    r.follow(&Plan::of(Site::R).ruled("rules: [{ from: a, to: any, allow: icmp }]\n"));
    assert_eq!(r.node_sends(F.port, &answer).dropped(), BY_DEFAULT);
}

#[test]
fn a_connection_that_nobody_has_seen_begin_goes_on_for_a_grace_time() {
    let rules = "rules: [{ from: a, to: f, allow: tcp/80 }]\n";
    let answer = |port, flags| tcp(F, A, (port, 9), flags);
    let mut r = Plan::of(Site::R).ruled(rules).host();
    r.now = Duration::from_secs(1000);
    passes(&r.node_sends(F.port, &answer(80, ACK)));
    assert_eq!(r.node_sends(F.port, &answer(81, ACK)).dropped(), BY_DEFAULT);
    assert_eq!(r.node_sends(F.port, &answer(80, SYN)).dropped(), BY_DEFAULT);
    r.now += Duration::from_secs(90);
    let late = tcp(F, A, (80, 10), ACK);
    assert_eq!(r.node_sends(F.port, &late).dropped(), BY_DEFAULT);
    // New rules, or who is new here, begin anew.
    r.follow(&Plan::of(Site::R).ruled("rules: [{ from: a, to: f, allow: [tcp/80, icmp] }]\n"));
    passes(&r.node_sends(F.port, &late));
}

#[test]
fn a_tenants_flows_are_bounded() {
    let mut r = Plan::of(Site::R)
        .ruled("rules: [{ from: a, to: any, allow: udp }]\n")
        .host();
    r.tables.flows = Arc::new(FlowTable::new(64));
    for port in 0..2000 {
        let sent = r.node_sends(A.port, &v4(A, F).udp(port, 53, b"?"));
        if !sent.sent.is_empty() {
            continue;
        }
        assert_eq!(sent.dropped(), DropReason::FlowTableFull);
    }
    assert!(r.tables.flows.used() <= 64);
    // The last is known.
    passes(&r.node_sends(F.port, &v4(F, A).udp(53, 1999, b"!")));
}

#[test]
fn arp_is_answered_whatever_the_rules() {
    let mut r = Plan::of(Site::R).ruled("rules: []\n").host();
    let asked = packet::build::Frame::between(A.mac, MacAddr::BROADCAST);
    r.node_sends(A.port, &asked.arp_request(A.ip, G.ip)).reply();
}

#[test]
fn what_is_not_ipv4_is_matched_by_any() {
    let lldp = packet::EtherType::new(0x88cc);
    let plan = |rules| {
        let mut plan = Plan::of(Site::R).ruled(rules);
        plan.segment(FRONT).ethertypes = vec![lldp];
        plan.host()
    };
    let sent = frame(A, F).carrying(lldp, &[1; 60]);
    let mut r = plan("rules: [{ from: a, to: f, allow: any }]\n");
    passes(&r.node_sends(A.port, &sent));
    let mut r = plan("rules: [{ from: a, to: f, allow: [udp, tcp, icmp] }]\n");
    assert_eq!(r.node_sends(A.port, &sent).dropped(), BY_DEFAULT);
}
