use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::topology::Topology;

fn file(label: &str) -> Arc<Path> {
    Path::new(label).into()
}

/// The set after one file was applied, and what was said about it.
fn merged(set: &NetworkTexts, text: &str, prune: bool) -> (NetworkTexts, Vec<String>) {
    let mut out = Diagnostics::default();
    let set = set.merge([(file("f"), text)], prune, &mut out);
    let said = out.into_sorted().iter().map(|d| d.to_string()).collect();
    (set, said)
}

fn drawn(text: &str) -> NetworkTexts {
    let (set, said) = merged(&NetworkTexts::default(), text, false);
    assert!(said.is_empty(), "{said:?}");
    set
}

fn names(set: &NetworkTexts) -> Vec<&str> {
    set.iter().map(|network| network.name.as_str()).collect()
}

#[test]
fn networks_are_added_replaced_and_pruned() {
    let set = drawn("network: z\n---\n# Mine.\nnetwork: y\n");
    assert_eq!(names(&set), ["y", "z"]);
    let y = set.get("y").unwrap();
    assert_eq!((&*y.text, y.first_line), ("# Mine.\nnetwork: y\n", 3));

    let text = "entity: e\nnetwork: y\n---\nnetwork: x\n";
    let (added, said) = merged(&set, text, false);
    assert!(said.is_empty());
    assert_eq!(names(&added), ["x", "y", "z"]);
    assert_eq!(&*added.get("y").unwrap().text, "entity: e\nnetwork: y\n");
    assert!(added.get("z").unwrap().in_use && !added.get("y").unwrap().in_use);
    let (only, _) = merged(&set, text, true);
    assert_eq!(names(&only), ["x", "y"]);

    assert_eq!(names(&added.without(["y", "nobody"])), ["x", "z"]);
    assert_eq!(added.to_yaml(&["x"]), "network: x\n");
}

#[test]
fn a_file_without_networks_changes_nothing_or_prunes_everything() {
    let set = drawn("network: z\n");
    for text in ["", "---\n# nothing\n"] {
        let (same, said) = merged(&set, text, false);
        assert!(same.same_texts(&set));
        assert!(said[0].starts_with("f: warning: the file draws no network"));
        assert!(merged(&set, text, true).0.is_empty());
    }
}

#[test]
fn what_is_wrong_with_a_document_is_said_at_its_place() {
    for (text, expected) in [
        (
            "network: z\n---\n\nnetwork: z\n",
            "f:4:10: network \"z\" is already drawn at line 1",
        ),
        (
            "network: z\n---\nnetwrk: y\n",
            "f:3:1: the network has no key \"netwrk\"",
        ),
        (
            "network: z\n---\n- network: y\n",
            "f:3:1: the network must be a map, but this is a list",
        ),
        (
            "network:\n---\nnetwork: y\n",
            "f:1:1: \"network\" of the network has no value",
        ),
        ("--- !x {a: b}\n", "f:1:8: YAML tags"),
        ("a: b\n---\na: [\n...\n", "f:1:1: the network has no key"),
    ] {
        let (_, said) = merged(&NetworkTexts::default(), text, false);
        assert!(said[0].starts_with(expected), "{text:?}: {said:?}");
    }
}

#[test]
fn a_conflict_with_a_network_in_use_names_the_file_that_it_came_from() {
    let segment = "segments: [{ name: front, id: 7, subnet: 10.0.0.0/24 }]\n";
    let set = drawn(&format!("# One.\n---\nnetwork: z\n{segment}"));
    let mut out = Diagnostics::default();
    let text = format!("network: y\n{segment}");
    let set = set.merge([(file("new"), text.as_str())], false, &mut out);
    Topology::of(&set, &mut out);
    let said = out.into_sorted();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].place.to_string(), "new:2:31");
    let expected = "segment id 0x000007 is already that of segment \"front\" at f (in use):4:31";
    assert_eq!(said[0].message, expected);
}

#[test]
fn nothing_hides_behind_a_nul() {
    for text in [
        "network: z\n\0\nnonsense: [\n",
        "network: z\0\nnonsense: [\n",
    ] {
        let mut out = Diagnostics::default();
        let set = NetworkTexts::default().merge([(file("f"), text)], false, &mut out);
        Topology::of(&set, &mut out);
        assert!(out.errors() > 0, "{text:?}");
    }
}

/// Lines of all kinds that may stand between and inside documents.
fn lines() -> impl Strategy<Value = String> {
    let line = select(vec![
        "---",
        "---  ",
        "...",
        "--- # c",
        "--- {a: 1}",
        "... # d",
        "... x",
        "%YAML 1.2",
        "# c",
        "  # c",
        "",
        "  ",
        "\t",
        "a: 1",
        "  - x",
        "   b: |",
        "\u{feff}",
        "\u{feff}a: 1",
        "---x",
        "....",
        "\u{feff}---",
        "\u{feff}\u{feff}%X",
        "\u{feff}# c",
        "--- \u{feff}",
        "é: ü",
    ]);
    let end = select(vec!["\n", "\n", "\r\n", "\r"]);
    let line = (line, end).prop_map(|(line, end)| [line, end].concat());
    let last = select(vec!["", "---", "...", "# c", "a: 1", "\u{feff}"]);
    (vec(line, 0..24), last).prop_map(|(lines, last)| lines.concat() + last)
}

/// A network whose text is written in one of many ways.
fn network(name: String) -> impl Strategy<Value = String> {
    let head = select(vec![
        "",
        "---\n",
        "%YAML 1.2\n---\n",
        "# Head.\n---\n# Head.\n",
        "--- # Here.\n",
        "\u{feff}",
        "---\n---\n\n  \n",
    ]);
    let body = select(vec![
        "network: NAME\n",
        "'network' : \"NAME\"\n",
        "{ entity: e, # Why.\n    network: NAME }",
        "segments:\n   -   name: front # VLAN Q.\n       id: 0xID\n       subnet: 10.0.0.0/24\nnetwork:   NAME\n\n",
        "entity: e\r\nnetwork:\r\n    NAME\r\nsegments: []\r\n",
        "nodes: []\rnetwork: NAME\r",
    ]);
    let tail = select(vec!["", "\n...\n", "\n# Tail.", "\n... # End.\n\n"]);
    (head, body, tail, 1..0xff_ffff_u32).prop_map(move |(head, body, tail, id)| {
        let body = body.replace("NAME", &name);
        [head, &body.replace("ID", &format!("{id:x}")), tail].concat()
    })
}

fn networks() -> impl Strategy<Value = (Vec<String>, String)> {
    proptest::collection::btree_set("[a-e]{1,2}", 1..6).prop_flat_map(|names| {
        let texts: Vec<_> = names.iter().cloned().map(network).collect();
        let names: Vec<String> = names.into_iter().collect();
        (Just(names), texts.prop_map(|texts| texts.join("\n---\n")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn documents_put_together_again_are_the_same_documents(text in lines()) {
        let texts = |text: &str| -> Vec<String> {
            stream::documents(text).into_iter().map(|d| d.text).collect()
        };
        let first = texts(&text);
        prop_assert_eq!(texts(&first.join("---\n")), first);
    }

    /// What a document's text says, it says in its file, at the same lines.
    #[test]
    fn every_line_of_a_document_is_at_its_place_in_the_file(text in lines()) {
        let unified = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = unified.split('\n').collect();
        for document in stream::documents(&text) {
            let text = document.text.replace("\r\n", "\n").replace('\r', "\n");
            for (line, written) in (document.first_line as usize..).zip(text.lines()) {
                let of_file = lines[line - 1];
                prop_assert!(of_file.ends_with(written.trim_end()), "{of_file:?} {written:?}");
            }
        }
    }

    #[test]
    fn what_is_exported_and_applied_again_changes_nothing((names_in, text) in networks()) {
        let set = drawn(&text);
        prop_assert_eq!(names(&set), names_in);
        for comment in ["# Head.", "# Here.", "# Why.", "# VLAN Q.", "# Tail.", "# End."] {
            let count = |text: &str| text.matches(comment).count();
            prop_assert_eq!(count(&text), count(&set.to_yaml(&[])));
        }
        let mut out = Diagnostics::default();
        let topology = Topology::of(&set, &mut out);
        prop_assert_eq!(topology.networks.len(), set.len());
        for prune in [false, true] {
            let (again, said) = merged(&set, &set.to_yaml(&[]), prune);
            prop_assert!(said.is_empty(), "{:?}", said);
            prop_assert!(again.same_texts(&set));
        }
        // Each by itself, too.
        for network in set.iter() {
            let (again, _) = merged(&set, &set.to_yaml(&[&network.name]), false);
            prop_assert!(again.same_texts(&set));
        }
    }
}
