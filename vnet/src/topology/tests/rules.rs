//! Access rules, from the text to the compiled form.

use super::*;
use crate::compiled::{AccessRules, Action, Refusal};

const NODES: &str = "\
network: z
segments:
  - { name: front, id: 1, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 2, subnet: 10.0.5.0/24, vlan: 200 }
  - { name: both, id: 3, subnet: 10.0.6.0/24 }
nodes:
  - { name: a, host: s, segment: front, address: 10.0.0.2 }
  - { name: both, host: s, segment: back, address: 10.0.5.9 }
  - name: g
    host: s
    link: { trunk: [front, back] }
    interfaces: [{ segment: front, addresses: [10.0.0.3, 10.0.0.4] }, { segment: back, address: 10.0.5.4 }]
";

fn read(rules: &str) -> (Option<AccessRules>, String) {
    let (compiled, said) = compiled(&format!("{NODES}{rules}"), &around("r", &["p"]));
    (compiled.access.first().cloned(), said)
}

#[track_caller]
fn right(rules: &str) -> AccessRules {
    let (access, said) = read(rules);
    assert_eq!(said, "");
    access.unwrap()
}

fn texts(access: &AccessRules) -> Vec<&str> {
    access.rules.iter().map(|rule| rule.text.as_str()).collect()
}

#[test]
fn names_become_segments_and_addresses() {
    let access = right(
        "\
groups:
  - { name: web, members: [a, { node: g, segment: back }, 10.0.5.16/28, 10.0.5.20, 10.0.5.16/29] }
rules:
  - { from: front, to: [g, web], allow: [icmp, tcp/443] }
  - { name: n, from: { segment: both }, to: { node: both }, deny: any }
  - { at: { node: g, segment: front }, direction: in, allow: udp/53 }
  - { at: g, direction: out, peer: [other-segment, 192.0.2.1], deny: 47 }
",
    );
    assert_eq!(
        texts(&access),
        [
            "front -> g, web allow icmp, tcp/443",
            "segment both -> node both deny any",
            "any -> node g in front allow udp/53",
            "g -> other-segment, 192.0.2.1 deny gre",
        ]
    );
    let to = &access.rules[0].to;
    let stations: Vec<String> = to
        .stations
        .iter()
        .map(|(segment, address)| format!("{}:{address}", segment.get()))
        .collect();
    assert_eq!(
        stations,
        ["1:10.0.0.2", "1:10.0.0.3", "1:10.0.0.4", "2:10.0.5.4"]
    );
    // What lies inside of another range is not kept twice.
    let prefixes: Vec<String> = to.prefixes.iter().map(ToString::to_string).collect();
    assert_eq!(prefixes, ["10.0.5.16/28"]);
    assert_eq!(access.rules[1].name.as_deref(), Some("n"));
    assert_eq!(access.rules[1].from.segments.len(), 1);
    assert_eq!(access.rules[2].to.stations.len(), 2);
}

#[test]
fn services_sizes_and_hours_have_one_spelling() {
    let access = right(
        "\
rules:
  - { from: any, to: any, allow: [any, udp/5000-5010, icmp/8, icmp/3/4, icmp/unreachable, 6] }
  - { from: any, to: any, deny: { protocol: tcp, ports: [80, 81-90], source-ports: 1024-65535 } }
  - { from: any, to: any, deny: udp, size: 0-576, when: { days: [mon-fri], hours: 08:00-18:00 } }
  - { from: any, to: any, deny: udp, size: 64, when: { days: [sat, sun-mon], hours: 22:00-06:00 } }
  - { from: any, to: any, deny: udp, when: {} }
",
    );
    assert_eq!(
        texts(&access),
        [
            "any -> any allow any, udp/5000-5010, icmp/echo, icmp/unreachable/4, icmp/unreachable, tcp",
            "any -> any deny tcp/1024-65535>80, tcp/1024-65535>81-90",
            "any -> any deny udp size 0-576 when mon-fri 08:00-18:00",
            "any -> any deny udp size 64-64 when mon sat sun 22:00-06:00",
            "any -> any deny udp when daily 00:00-24:00",
        ]
    );
}

#[test]
fn the_end_is_deny_once_there_are_rules_unless_it_is_said() {
    assert_eq!(read("").0, None);
    assert_eq!(read("defaults: { refused: reject }\n").0, None);
    let ends = |access: AccessRules| {
        let refusal = access.refusal == Refusal::Reject;
        (access.inside, access.between, refusal, access.replies)
    };
    use Action::{Allow, Deny};
    assert_eq!(ends(right("rules: []\n")), (Deny, Deny, false, true));
    let said = "rules: []\ndefaults: { inside: allow, refused: reject, replies: deny }\n";
    assert_eq!(ends(right(said)), (Allow, Deny, true, false));
    let said = "defaults: { between: deny }\n";
    assert_eq!(ends(right(said)), (Allow, Deny, false, true));
}

#[test]
fn every_fault_is_told_at_once_with_what_to_write() {
    let (_, said) = read(
        "\
groups: [{ name: w, members: [same-segment] }, { name: w, members: [] }]
rules:
  - { from: frnt, to: any, allow: tcp }
  - { from: both, to: any, allow: tcp }
  - { from: any, to: { node: a, segment: back }, allow: any }
  - { from: any, to: { group: x }, allow: tcp/80 }
  - { from: any, to: any, allow: tcpp/80 }
  - { from: any, to: any, allow: gre/80 }
  - { from: any, to: any, allow: tcp/90-80 }
  - { from: any, to: any, allow: [], deny: tcp }
  - { from: any, allow: tcp, size: 9-1 }
  - { from: any, to: 10.0.0.1/24, allow: icmp/x, when: { days: monday, hours: 25:00-26:00 } }
  - { at: a, to: g, direction: up, allow: any }
  - { name: n, from: any, to: any, allow: any }
  - { name: n, from: any, to: any, deny: any }
defaults: { inside: maybe }
",
    );
    let messages: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("  "))
        .map(|line| line.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(
        messages,
        [
            "a member of group \"w\" is neither a node, a segment nor a prefix",
            "group \"w\" is already defined at line 13",
            "a member is an empty list: nobody is meant",
            "there is no segment, node or group \"frnt\" in this network",
            "\"both\" is the name of more than one: segment, node, group",
            "node \"a\" has no interface in segment \"back\"",
            "there is no group \"x\" in this network",
            "there is no protocol \"tcpp\"",
            "protocol gre has no ports",
            "\"tcp/90-80\" is not a service",
            "a rule has both allow and deny",
            "a rule has no \"to\"",
            "size \"9-1\" is no range",
            "to 10.0.0.1/24 has bits set after its prefix",
            "\"icmp/x\" is not a service",
            "days \"monday\" are none",
            "hours \"25:00-26:00\" are no time of day",
            "a rule has both at and to",
            "direction cannot be \"up\"",
            "rule \"n\" is already defined at line 26",
            "inside cannot be \"maybe\"",
        ]
    );
}
