use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::compiled::{Host, Interface, InterfaceId, Mapping};
use crate::diagnostic::Diagnostics;
use crate::topology::{KnownPort, Surroundings, Topology};

/// Host r, with two ports for nodes; s and t elsewhere.
fn around() -> Surroundings {
    let host = |name: &str, locator: &str| Host {
        name: name.to_owned(),
        locator: locator.parse().unwrap(),
    };
    let port = |name: &str| {
        Some(KnownPort {
            name: name.to_owned(),
            purpose: crate::topology::PortPurpose::Nodes,
        })
    };
    Surroundings {
        this: host("r", "fd00:0:0:a::/64"),
        others: vec![host("s", "fd00:0:0:b::/64"), host("t", "fd00:0:0:c::/64")],
        ports: vec![None, port("p0"), port("p1")],
    }
}

fn compiled(text: &str, before: Option<&Compiled>) -> Compiled {
    let mut out = Diagnostics::default();
    let topology = Topology::read([(Path::new("f").into(), text)], &mut out);
    let compiled = topology.compile(&around(), before, &mut out);
    let said: Vec<String> = out.into_sorted().iter().map(|d| d.to_string()).collect();
    assert!(
        said.iter().all(|d| d.contains("draws no network")),
        "{said:?}\n{text}"
    );
    compiled
}

const BEFORE: &str = "\
network: z
entity: Z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100, mtu: 9000, ethertypes: [lldp] }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
  - { name: old, id: 0x00a009, unknown-mac: drop, subnet: 10.0.9.0/24 }
  - { name: told, id: 0x00a00a, subnet: 10.0.8.0/24, dhcp: { lease: 1h } }
routers:
  - { name: j, interfaces: [{ segment: front, address: 10.0.0.1 }], routes: [{ to: 10.9.0.0/16, via: 10.0.0.9 }] }
nodes:
  - { name: a, host: r, port: p0, segment: front, address: 10.0.0.2 }
  - { name: g, host: s, port: x, link: { trunk: [front] }, segment: front, addresses: [10.0.0.3, 10.0.0.4] }
  - { name: o, host: s, segment: old, address: 10.0.9.3 }
mappings:
  - { segment: back, address: 10.0.5.7, locator: fd00:0:0:b::/64, mac: 02:00:00:00:00:07 }
";

/// What the plan says of an edit of the drawing above.
fn plan(edits: &[(&str, &str)]) -> (Plan, Vec<String>) {
    let before = compiled(BEFORE, None);
    let mut text = BEFORE.to_owned();
    for (was, is) in edits {
        assert!(text.contains(was), "{was}");
        text = text.replace(was, is);
    }
    let plan = Plan::between(&before, &compiled(&text, Some(&before)));
    let lines = plan.lines.iter();
    let lines = lines.map(|line| format!("{line} [{}]", line.mappings));
    let lines = lines.collect();
    (plan, lines)
}

#[test]
fn every_change_has_its_line() {
    let none = "No packet is lost by this change.";
    let but = |exception: &str| format!("No packet is lost by this change, except {exception}.");
    let mac = "02:00:00:00:00:07";
    for (was, is, line, loss) in [
        (
            "entity: Z",
            "entity: Y",
            "~ network z: entity Z -> Y [0]",
            none.to_owned(),
        ),
        (
            "mtu: 9000",
            "mtu: 1500",
            "~ segment front of network z: mtu 9000 -> 1500 [0]",
            but("in segment front what is longer than its new mtu"),
        ),
        (
            "[lldp]",
            "[ptp]",
            "~ segment front of network z: ethertype 0x88f7 added, ethertype 0x88cc removed [0]",
            but("in segment front of ethertypes that it no longer lets pass"),
        ),
        (
            "vlan: 200",
            "unknown-mac: resolve",
            "~ segment back of network z: vlan 200 -> none, unknown-mac drop -> resolve [0]",
            none.to_owned(),
        ),
        (
            "{ name: a, host: r, port: p0",
            "{ name: a, host: r, port: p1",
            "~ node a of network z: port p0 -> p1 [1]",
            but("to and from node a until it uses its new link"),
        ),
        (
            "{ name: a, host: r, port: p0",
            "{ name: a, host: t, port: p0",
            "~ node a of network z: moves from host r to host t [1]",
            but("to and from node a while it moves"),
        ),
        (
            "{ trunk: [front] }",
            "{ trunk: [back], native: front }",
            "~ node g of network z: in front: VLAN 100 -> native [0]",
            but("to and from node g until it uses its new link"),
        ),
        (
            "{ trunk: [front] }",
            "{ trunk: [front], outer: 300 }",
            "~ node g of network z: in front: VLAN 100 -> VLAN 100 in 0x88a8 300 [0]",
            but("to and from node g until it uses its new link"),
        ),
        (
            "vlan: 200",
            "vlan: 200, label: 2000",
            "~ segment back of network z: label none -> 2000 [0]",
            none.to_owned(),
        ),
        (
            "addresses: [10.0.0.3, 10.0.0.4]",
            "addresses: [10.0.0.3, 10.0.0.5]",
            "~ node g of network z: address 10.0.0.5 in front added, address 10.0.0.4 in front removed [2]",
            but("to and from what it removes"),
        ),
        (
            "address: 10.0.0.2 }",
            "address: 10.0.0.2 }\n  - { name: b, host: t, segment: old, address: 10.0.9.4 }",
            "+ node b of network z: on host t, 10.0.9.4 [1]",
            none.to_owned(),
        ),
        (
            "10.9.0.0/16, via: 10.0.0.9",
            "10.9.0.0/16, via: 10.0.0.8",
            "~ router j of network z: route to 10.9.0.0/16 via 10.0.0.9 -> 10.0.0.8 [0]",
            but("through router j by routes that go or change"),
        ),
        (
            "segment: front, address: 10.0.0.1 }",
            "segment: front, address: 10.0.0.1, mac: 02:00:00:00:00:01 }",
            "~ router j of network z: mac in front 02:a1:0a:00:00:01 -> 02:00:00:00:00:01 [1]",
            but("through router j until its neighbours have learned the new MAC"),
        ),
        (
            "locator: fd00:0:0:b::/64",
            "host: t",
            "~ mapping 10.0.5.7 in back of network z: moves from fd00:0:0:b::/64 to host t [1]",
            but("to and from mapping 10.0.5.7 in back while it moves"),
        ),
        (
            mac,
            "02:00:00:00:00:08",
            "~ mapping 10.0.5.7 in back of network z: mac 02:00:00:00:00:07 -> 02:00:00:00:00:08 [1]",
            but(
                "to and from mapping 10.0.5.7 in back until its neighbours have learned the new MAC",
            ),
        ),
        (
            "unknown-mac: drop, ",
            "unknown-mac: drop, multicast: { query-interval: 1m, withhold: [239.1.0.0/16, 224.1.0.0/16] }, ",
            "~ segment old of network z: multicast query-interval 125 s -> 60 s, multicast 224.1.0.0/16 and 239.1.0.0/16 withheld [0]",
            none.to_owned(),
        ),
        (
            "unknown-mac: drop, ",
            "unknown-mac: drop, multicast: { snooping: false }, ",
            "~ segment old of network z: multicast snooping removed [0]",
            none.to_owned(),
        ),
        (
            "unknown-mac: drop, ",
            "unknown-mac: drop, dhcp: true, ",
            "~ segment old of network z: dhcp added [0]",
            none.to_owned(),
        ),
        (
            "dhcp: { lease: 1h }",
            "dhcp: { lease: 90s, router: 10.0.8.1, dns: [10.0.0.53, 10.0.0.54], domain: z.example }",
            "~ segment told of network z: dhcp router default -> 10.0.8.1, dhcp dns none -> 10.0.0.53 and 10.0.0.54, dhcp domain none -> z.example, dhcp lease 3600 s -> 90 s [0]",
            none.to_owned(),
        ),
        (
            "dhcp: { lease: 1h }",
            "dhcp: { routes: [{ to: 10.9.0.0/16, via: 10.0.8.9 }] }",
            "~ segment told of network z: dhcp routes differ [0]",
            none.to_owned(),
        ),
        (
            "dhcp: { lease: 1h }",
            "dhcp: false",
            "~ segment told of network z: dhcp removed [0]",
            none.to_owned(),
        ),
        (
            "segment: front, address: 10.0.0.2 }",
            "segment: front, address: 10.0.0.2, dhcp-server: true }",
            "~ node a of network z: dhcp-server in front false -> true [0]",
            none.to_owned(),
        ),
    ] {
        let (plan, lines) = plan(&[(was, is)]);
        assert_eq!(
            (lines.as_slice(), plan.losses),
            (&[line.to_owned()][..], loss)
        );
        assert!(plan.entities.contains(&"Z".to_owned()));
    }
}

#[test]
fn several_changes_are_in_order_and_counted() {
    let (plan, lines) = plan(&[
        (
            "  - { name: old, id: 0x00a009, unknown-mac: drop, subnet: 10.0.9.0/24 }\n",
            "",
        ),
        (
            "  - { name: o, host: s, segment: old, address: 10.0.9.3 }\n",
            "",
        ),
        ("{ name: g, host: s", "{ name: g, host: t"),
    ]);
    let expected = [
        "- segment old of network z: 0x00a009 [1]",
        "~ node g of network z: moves from host s to host t [2]",
        "- node o of network z: was on host s [1]",
    ];
    assert_eq!(lines, expected);
    let counts = (
        plan.mappings_added,
        plan.mappings_changed,
        plan.mappings_removed,
    );
    assert_eq!(counts, (0, 2, 1));
    assert_eq!(
        plan.losses,
        "No packet is lost by this change, except: to and from node g while it moves; \
         to and from what it removes."
    );
}

#[test]
fn networks_come_and_go_as_a_whole() {
    let before = compiled(BEFORE, None);
    let nothing = compiled("", Some(&before));
    let whole = "network z: 4 segments, 1 router, 3 nodes, 1 static mapping";
    for (plan, sign) in [
        (Plan::between(&nothing, &before), '+'),
        (Plan::between(&before, &nothing), '-'),
    ] {
        let [line] = plan.lines.as_slice() else {
            panic!("{:?}", plan.lines);
        };
        assert_eq!(line.to_string(), format!("{sign} {whole}"));
        assert_eq!(line.mappings, 6);
        assert_eq!(plan.mappings_added + plan.mappings_removed, 6);
        assert_eq!(plan.entities, ["Z"]);
    }
}

/// A node, or (on host 3) a static mapping to a locator.
#[derive(Debug, Clone, PartialEq)]
struct Drawn {
    segment: u8,
    host: u8,
    port: u8,
    mac: u8,
    second: bool,
}

/// Each network's nodes, by number.
type Model = Vec<BTreeMap<u8, Drawn>>;

fn model() -> impl Strategy<Value = Model> {
    let drawn = (0..3_u8, 0..4_u8, 0..2_u8, 0..2_u8, any::<bool>());
    let drawn = drawn.prop_map(|(segment, host, port, mac, second)| Drawn {
        segment,
        host,
        port,
        mac,
        second,
    });
    vec(btree_map(0..8_u8, drawn, 0..6), 3)
}

/// A model and edits of it, one network at a time.
fn edited() -> impl Strategy<Value = Vec<Model>> {
    (model(), vec((0..3_usize, model()), 1..4)).prop_map(|(first, edits)| {
        let mut models = vec![first];
        for (at, donor) in edits {
            let mut next = models[models.len() - 1].clone();
            next[at] = donor[at].clone();
            models.push(next);
        }
        models
    })
}

/// The model as files; a network of nobody is not drawn.
fn text(model: &Model) -> String {
    let mut text = String::new();
    for (n, nodes) in model
        .iter()
        .enumerate()
        .filter(|(_, nodes)| !nodes.is_empty())
    {
        writeln!(text, "---\nnetwork: n{n}\nsegments:").unwrap();
        for segment in 0..3 {
            let id = n * 16 + segment + 1;
            let line = format!("name: s{segment}, id: {id}, subnet: 10.{segment}.0.0/16");
            writeln!(text, "  - {{ {line} }}").unwrap();
        }
        for (list, mappings) in [("nodes", false), ("mappings", true)] {
            writeln!(text, "{list}:").unwrap();
            let of_list = nodes
                .iter()
                .filter(|(_, drawn)| (drawn.host == 3) == mappings);
            if of_list.clone().next().is_none() {
                writeln!(text, "  []").unwrap();
            }
            for (i, drawn) in of_list {
                let (s, p) = (drawn.segment, drawn.port);
                let on = match drawn.host {
                    3 => format!("locator: fd00:0:0:{}::/64", p + 1),
                    host => {
                        let host = ["r", "s", "t"][usize::from(host)];
                        format!("name: a{i}, host: {host}, port: p{p}")
                    }
                };
                let mac = match drawn.mac {
                    0 => String::new(),
                    mac => format!(", mac: 02:00:00:{n:02x}:{i:02x}:{mac:02x}"),
                };
                let second = if drawn.second {
                    format!(", 10.{s}.1.{i}")
                } else {
                    String::new()
                };
                let rest = format!("segment: s{s}, addresses: [10.{s}.2.{i}{second}]{mac}");
                writeln!(text, "  - {{ {on}, {rest} }}").unwrap();
            }
        }
    }
    text
}

type Key = (SegmentId, packet::VirtualAddr);

fn mappings(compiled: &Compiled) -> BTreeMap<Key, Mapping> {
    let mappings = compiled.mappings.iter();
    mappings.map(|m| ((m.segment, m.address), *m)).collect()
}

/// What of an interface decides whether it is the same.
fn identity(interface: &Interface) -> impl Eq + core::hash::Hash + core::fmt::Debug + use<> {
    let Interface {
        port,
        tags,
        mac,
        segment,
        ..
    } = interface;
    (*port, *tags, *mac, *segment)
}

/// Mappings with what their ids stand for.
fn spelled_out(compiled: &Compiled) -> Vec<String> {
    let mappings = compiled.mappings.iter();
    let spelled = mappings.map(|m| {
        let host = compiled.host(m.host).unwrap().locator;
        let interface = m
            .interface
            .map(|id| identity(compiled.interface(id).unwrap()));
        format!(
            "{} {} {:?} {} {host} {interface:?}",
            m.segment, m.address, m.kind, m.mac
        )
    });
    spelled.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn changes_lead_from_one_form_to_the_next(models in edited()) {
        let mut before = compiled(&text(&models[0]), None);
        for pair in models.windows(2) {
            let after = compiled(&text(&pair[1]), Some(&before));
            let mut applied = mappings(&before);
            for change in mapping_changes(&before, &after) {
                prop_assert_ne!(change.before, change.after);
                let key = (change.segment, change.address);
                let had = match change.after {
                    Some(mapping) => applied.insert(key, *mapping),
                    None => applied.remove(&key),
                };
                prop_assert_eq!(had.as_ref(), change.before);
            }
            prop_assert_eq!(applied, mappings(&after));

            let plan = Plan::between(&before, &after);
            prop_assert_eq!(plan.is_empty(), pair[0] == pair[1], "{:?}", plan);
            prop_assert_eq!(plan.lines.is_empty(), pair[0] == pair[1]);
            let again = compiled(&text(&pair[1]), Some(&after));
            let nothing = Plan {
                losses: "No packet is lost by this change.".to_owned(),
                ..Plan::default()
            };
            prop_assert_eq!(Plan::between(&after, &again), nothing);
            before = after;
        }
    }

    #[test]
    fn ids_stay_what_they_were(models in edited()) {
        let mut before = compiled(&text(&models[0]), None);
        for model in &models[1..] {
            let after = compiled(&text(model), Some(&before));
            prop_assert_eq!(spelled_out(&after), spelled_out(&compiled(&text(model), None)));

            let locators = |c: &Compiled| -> Vec<_> { c.hosts.iter().map(|h| h.locator).collect() };
            prop_assert!(locators(&after).starts_with(&locators(&before)));

            let known = before.interfaces.iter().map(|i| (identity(i), i.id));
            let known: HashMap<_, _> = known.collect();
            let mut ids = BTreeSet::new();
            for interface in &after.interfaces {
                prop_assert!(ids.insert(interface.id));
                prop_assert_eq!(after.interface(interface.id), Some(interface));
                match known.get(&identity(interface)) {
                    Some(id) => prop_assert_eq!(*id, interface.id),
                    None => prop_assert!(before.interface(interface.id).is_none()),
                }
            }
            // A new one is the lowest that is free.
            let new = ids.iter().rev().find(|id| before.interface(**id).is_none());
            for below in (0..new.map_or(0, |id| id.0)).map(InterfaceId) {
                prop_assert!(ids.contains(&below) || before.interface(below).is_some());
            }
            before = after;
        }
    }
}

#[test]
fn rules_have_their_lines_and_what_they_refuse_is_said() {
    let rules = |text: &str| format!("{BEFORE}{text}");
    let lines = |was: &str, is: &str| {
        let before = compiled(&rules(was), None);
        let plan = Plan::between(&before, &compiled(&rules(is), Some(&before)));
        let lines: Vec<String> = plan.lines.iter().map(ToString::to_string).collect();
        (lines.join("; "), plan.losses.contains("rules now refuse"))
    };
    let two = "rules: [{ from: front, to: back, allow: tcp/443 }, { name: n, from: a, to: any, deny: icmp }]\n";
    assert_eq!(lines(two, two), (String::new(), false));
    let (said, refuses) = lines("", two);
    assert_eq!(
        said,
        "+ rule front -> back allow tcp/443 of network z; \
         + rule n of network z: a -> any deny icmp; \
         ~ rule (end) of network z: inside a segment allow -> deny, between segments allow -> deny"
    );
    assert!(refuses);
    let more = two.replace(
        "deny: icmp }",
        "deny: icmp }, { from: back, to: back, allow: any }",
    );
    let added = "+ rule back -> back allow any of network z".to_owned();
    assert_eq!(lines(two, &more), (added, false));
    let changed = two.replace("deny: icmp", "deny: udp");
    let detail = "~ rule n of network z: a -> any deny icmp -> a -> any deny udp".to_owned();
    assert_eq!(lines(two, &changed), (detail, true));
    let order = "rules: [{ name: n, from: a, to: any, deny: icmp }, { from: front, to: back, allow: tcp/443 }]\n";
    let detail = "~ rule (order) of network z: 2 rules in another order".to_owned();
    assert_eq!(lines(two, order), (detail, true));
    let told = format!("{two}defaults: {{ refused: reject, replies: deny }}\n");
    let detail = "~ rule (end) of network z: refused silence -> reject, replies allow -> deny";
    assert_eq!(lines(two, &told), (detail.to_owned(), true));
    // The name is another's now.
    let (was, is) = ("address: 10.0.0.2 }", "address: 10.0.0.22 }");
    let before = compiled(&rules(two), None);
    let after = compiled(&rules(two).replace(was, is), Some(&before));
    let plan = Plan::between(&before, &after);
    let said = plan.lines.last().unwrap().to_string();
    assert_eq!(said, "~ rule n of network z: whom its names mean differs");
}
