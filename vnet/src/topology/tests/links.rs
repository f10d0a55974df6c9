//! What is on the frames of a link.

use super::*;

/// What stands on the frames of g's interfaces, for a link, in two segments.
fn marks(link: &str) -> (Vec<String>, String) {
    let text = format!(
        "\
network: z
segments:
  - {{ name: front, id: 1, subnet: 10.0.0.0/24, vlan: 100, label: 1000 }}
  - {{ name: back, id: 2, subnet: 10.0.5.0/24, label: 2000 }}
  - {{ name: far, id: 3, subnet: 10.1.5.0/24, vlan: 300 }}
nodes:
  - name: g
    host: r
    port: p
    link: {link}
    interfaces: [{{ segment: front, address: 10.0.0.3 }}, {{ segment: back, address: 10.0.5.4 }}]
"
    );
    let (r, said) = compiled(&text, &around("r", &["p"]));
    let tags = r.interfaces.iter().map(|i| i.tags.to_string());
    (tags.collect(), said)
}

#[test]
fn a_trunk_goes_by_vlans_and_by_labels_where_there_are_none() {
    for (link, expected) in [
        ("{ trunk: [front, back] }", ["VLAN 100", "label 2000"]),
        (
            "{ trunk: [front, back], by: label }",
            ["label 1000", "label 2000"],
        ),
        ("{ trunk: [front], native: back }", ["VLAN 100", "untagged"]),
        (
            "{ trunk: [back], native: front }",
            ["untagged", "label 2000"],
        ),
        (
            "{ trunk: [front], native: back, outer: 77 }",
            ["VLAN 100 in 0x88a8 77", "untagged in 0x88a8 77"],
        ),
        (
            "{ trunk: [front, back], by: label, outer: { vlan: 77, tpid: 0x9100 } }",
            ["label 1000 in 0x9100 77", "label 2000 in 0x9100 77"],
        ),
    ] {
        let (tags, said) = marks(link);
        assert_eq!(
            (tags, said.as_str()),
            (expected.map(str::to_owned).to_vec(), ""),
            "{link}"
        );
    }
}

#[test]
fn a_link_that_cannot_be_told_apart_is_refused() {
    for (link, expected) in [
        (
            "{ trunk: [front, back], by: vlan }",
            "segment \"back\" has no vlan",
        ),
        (
            "{ trunk: [front, far], by: label }",
            "segment \"far\" has no label",
        ),
        ("{ outer: 77 }", "an access link carries one"),
        (
            "{ outer: 77, native: front }",
            "link has native, but no trunk",
        ),
        ("{ outer: 77, by: label }", "link has by, but no trunk"),
        ("{ outer: 0, trunk: [front, back] }", "outer"),
        ("{ outer: { tpid: 0x88a8 }, trunk: [front, back] }", "vlan"),
        (
            "{ outer: { vlan: 5, tpid: 0x8847 }, trunk: [front, back] }",
            "announces no outer tag",
        ),
        (
            "{ outer: { vlan: 5, tpid: 88a8 }, trunk: [front, back] }",
            "announces no outer tag",
        ),
        (
            "{ outer: { vlan: 5, tpid: 0x8100 }, trunk: [front], native: back }",
            "needs an 802.1Q tag inside",
        ),
        (
            "{ outer: { vlan: 5, tpid: 0x8100 }, trunk: [front, back] }",
            "needs an 802.1Q tag inside",
        ),
    ] {
        let (_, said) = marks(link);
        assert!(said.contains(expected), "{link}: {said}");
    }
}

#[test]
fn labels_are_the_networks_own_and_none_that_is_reserved() {
    let of = |labels: [u32; 2]| {
        let [a, b] = labels;
        let text = format!(
            "network: z\nsegments:\n  - {{ name: a, id: 1, subnet: 10.0.0.0/24, label: {a} }}\n  \
             - {{ name: b, id: 2, subnet: 10.0.0.0/24, label: {b} }}\n"
        );
        compiled(&text, &around("r", &[])).1
    };
    assert_eq!(of([16, 0xf_ffff]), "");
    assert!(of([16, 16]).contains("label 16 is already that of segment \"a\""));
    for reserved in [15, 0x10_0000] {
        assert!(of([16, reserved]).contains("label"), "{reserved}");
    }
}

#[test]
fn arp_must_say_who_it_is_from_where_it_has_no_label() {
    let of = |links: [&str; 2], macs: [u8; 2]| {
        let node = |name: &str, segment: &str, link: &str, mac: u8| {
            format!(
                "  - {{ name: {name}, host: r, port: p, link: {link}, segment: {segment}, \
                 address: 10.0.0.2, mac: 02:00:00:00:00:{mac:02x} }}\n"
            )
        };
        let text = format!(
            "network: z\nsegments:\n  - {{ name: a, id: 1, subnet: 10.0.0.0/24, vlan: 1, label: 100 }}\n  \
             - {{ name: b, id: 2, subnet: 10.0.0.0/24, vlan: 2, label: 200 }}\nnodes:\n{}{}",
            node("x", "a", links[0], macs[0]),
            node("y", "b", links[1], macs[1])
        );
        compiled(&text, &around("r", &["p"])).1
    };
    let (by_label, by_vlan) = ("{ trunk: [a, b], by: label }", "{ trunk: [a, b] }");
    let outer = "{ trunk: [a, b], by: label, outer: 5 }";
    for links in [
        [by_label, by_label],
        [by_label, "access"],
        ["access", by_label],
    ] {
        let said = of(links, [1, 1]);
        assert!(
            said.contains("cannot be told from node \"x\""),
            "{links:?}: {said}"
        );
        assert!(said.contains("by its ARP, which has no label"), "{said}");
        assert_eq!(of(links, [1, 2]), "", "{links:?}");
    }
    // Everything else says who it is.
    for links in [[by_label, by_vlan], [by_vlan, by_vlan], [by_label, outer]] {
        assert_eq!(of(links, [1, 1]), "", "{links:?}");
    }
}

#[test]
fn the_same_address_may_be_in_two_vlans_and_two_networks() {
    let network = |name: &str, id: u32, mac: u8| {
        format!(
            "\
---
network: {name}
segments:
  - {{ name: p, id: {id}, subnet: 10.0.0.0/24, vlan: 1 }}
  - {{ name: q, id: {}, subnet: 10.0.0.0/24, vlan: 2 }}
nodes:
  - name: n
    host: r
    port: p
    mac: 02:00:00:00:00:{mac:02x}
    link: {{ trunk: [p, q] }}
    interfaces: [{{ segment: p, address: 10.0.0.2 }}, {{ segment: q, address: 10.0.0.2 }}]
",
            id + 1
        )
    };
    let text = network("z", 1, 1) + &network("y", 3, 2);
    let (r, said) = compiled(&text, &around("r", &["p"]));
    assert_eq!(said, "");
    assert_eq!((r.interfaces.len(), r.mappings.len()), (4, 4));
}
