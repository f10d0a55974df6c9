//! Valid configurations with something changed at random: reading them never
//! panics, what is refused has an error, and what is accepted is free of
//! contradictions.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use vnet::compiled::HostId;
use vnet::diagnostic::Severity;
use vswitch::config::{self, HostConfig};

const EXAMPLES: [(&str, &[&str]); 3] = [
    (
        "host-r.yaml",
        &["host-r.yaml", "topology-z.yaml", "topology-y.yaml"],
    ),
    ("host-s.yaml", &["host-s.yaml", "topology-z.yaml"]),
    ("minimal.yaml", &["minimal.yaml", "topology-minimal.yaml"]),
];

/// Things that somebody might type, or that have a meaning in YAML.
const WORDS: &[&str] = &[
    "",
    " ",
    "\n",
    "  ",
    "\t",
    "-",
    "- ",
    ":",
    ": ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "#",
    "|",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "~",
    "null",
    "true",
    "---\n",
    "...",
    "<<",
    "\u{0}",
    "é",
    "0",
    "1",
    "-1",
    "24",
    "64",
    "100",
    "4095",
    "65535",
    "65536",
    "99999999999999999999",
    "0x",
    "0x00a001",
    "1e9",
    "10.0.0.2",
    "10.0.5.1",
    "10.0.0.255",
    "0.0.0.0",
    "10.0.0.0/24",
    "10.0.0.0/33",
    "::",
    "::/0",
    "fd00:0:0:a::/64",
    "fd00:0:0:b::/64",
    "ff02::1",
    "fe80::1",
    "00:05:02:0b:27:44",
    "ff:ff:ff:ff:ff:ff",
    "r",
    "s",
    "z",
    "a",
    "g",
    "j",
    "front",
    "back",
    "far",
    "lan",
    "vm-a",
    "vm-c",
    "uplink0",
    "access",
    "trunk",
    "native",
    "memory",
    "none",
    "auto",
];

#[derive(Debug, Clone)]
enum Change {
    /// Insert a word before, or put it in place of, one word of the text.
    Word { with: usize, replace: bool },
    /// Take out some characters.
    Cut { length: usize },
    /// Write a line twice.
    Double,
    /// Exchange a line with the next.
    Swap,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..WORDS.len(), any::<bool>())
            .prop_map(|(with, replace)| Change::Word { with, replace }),
        2 => (1..20_usize).prop_map(|length| Change::Cut { length }),
        1 => Just(Change::Double),
        1 => Just(Change::Swap),
    ]
}

/// Applies a change somewhere in the text.
fn apply(text: &str, at: Index, change: &Change) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/');
    let characters: Vec<char> = text.chars().collect();
    let length = characters.len();
    if length == 0 {
        return text.to_owned();
    }
    let start = at.index(length);
    let string = |part: &[char]| part.iter().collect::<String>();
    match change {
        Change::Word { with, replace } => {
            let boundary = |from: usize, inside: bool| {
                let found = characters[from..]
                    .iter()
                    .position(|&c| is_word(c) == inside);
                found.map_or(length, |n| from + n)
            };
            let start = boundary(start, true);
            let end = if *replace {
                boundary(start, false)
            } else {
                start
            };
            string(&characters[..start]) + WORDS[*with] + &string(&characters[end..])
        }
        Change::Cut { length: cut } => {
            let end = (start + cut).min(length);
            string(&characters[..start]) + &string(&characters[end..])
        }
        Change::Double | Change::Swap => {
            let mut lines: Vec<&str> = text.lines().collect();
            let line = at.index(lines.len());
            if matches!(change, Change::Double) {
                lines.insert(line, lines[line]);
            } else if line + 1 < lines.len() {
                lines.swap(line, line + 1);
            }
            lines.join("\n") + "\n"
        }
    }
}

/// What the pipeline may rely on.
fn is_consistent(config: &HostConfig) -> Result<(), TestCaseError> {
    let compiled = &config.compiled;
    prop_assert_eq!(&compiled.hosts[0].name, &config.host);
    prop_assert_eq!(compiled.hosts[0].locator, config.substrate.locator);
    prop_assert!(!config.substrate.uplinks.is_empty());
    let uplinks: HashSet<_> = config.substrate.uplinks.iter().map(|u| u.port).collect();
    prop_assert_eq!(uplinks.len(), config.substrate.uplinks.len());
    for uplink in &config.substrate.uplinks {
        prop_assert!(usize::from(uplink.port.0) < config.ports.len());
        prop_assert!(!config.substrate.locator.contains(uplink.address));
    }
    prop_assert!(compiled.segments.is_sorted_by(|a, b| a.id < b.id));
    let segment = |id| compiled.segments.iter().find(|segment| segment.id == id);
    let mut senders = HashSet::new();
    for interface in &compiled.interfaces {
        prop_assert!(usize::from(interface.port.0) < config.ports.len());
        prop_assert!(!uplinks.contains(&interface.port));
        prop_assert!(senders.insert((interface.port, interface.tags, interface.mac)));
        prop_assert!(interface.mac.is_unicast() && !interface.addresses.is_empty());
        let segment = segment(interface.segment).unwrap();
        let tags = interface.tags;
        prop_assert!(tags.inner_vlan().is_none() || tags.inner_vlan() == segment.vlan);
        prop_assert!(tags.label().is_none() || tags.label() == segment.label);
        for uplink in &config.substrate.uplinks {
            prop_assert!(uplink.mtu >= segment.mtu + 20);
        }
        prop_assert!(config.ports[usize::from(interface.port.0)].mtu >= segment.mtu);
    }
    let order = |m: &vnet::compiled::Mapping| (m.segment, m.address);
    let ascending = (compiled.mappings).is_sorted_by(|a, b| order(a) < order(b));
    prop_assert!(ascending, "{:?}", compiled.mappings);
    for mapping in &compiled.mappings {
        let segment = segment(mapping.segment).unwrap();
        prop_assert!(segment.subnet.contains(mapping.address));
        prop_assert!(mapping.address.is_unicast() && mapping.mac.is_unicast());
        prop_assert!((mapping.host.0 as usize) < compiled.hosts.len());
        if let Some(id) = mapping.interface {
            let interface = &compiled.interfaces[id.0 as usize];
            prop_assert_eq!(mapping.host, HostId(0));
            prop_assert_eq!(interface.segment, mapping.segment);
            prop_assert!(interface.addresses.contains(&mapping.address));
        }
    }
    let local = compiled.mappings.iter().filter(|m| m.interface.is_some());
    let addresses = compiled.interfaces.iter().map(|i| i.addresses.len());
    prop_assert_eq!(local.count(), addresses.sum::<usize>());
    Ok(())
}

#[test]
fn the_examples_themselves_are_consistent() {
    for (host, _) in EXAMPLES {
        let config = config::load(&Path::new("../configs").join(host)).unwrap();
        is_consistent(&config).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_change_leads_to_a_panic_or_a_contradiction(
        example in 0..EXAMPLES.len(),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), change()), 1..4),
    ) {
        let (host, files) = EXAMPLES[example];
        let folder = tempfile::tempdir().unwrap();
        let mut texts: Vec<String> = (files.iter())
            .map(|file| fs::read_to_string(Path::new("../configs").join(file)).unwrap())
            .collect();
        for (file, at, change) in &changes {
            let text = &mut texts[file.index(files.len())];
            *text = apply(text, *at, change);
        }
        for (file, text) in files.iter().zip(&texts) {
            fs::write(folder.path().join(file), text).unwrap();
        }
        match config::load(&folder.path().join(host)) {
            Ok(config) => is_consistent(&config)?,
            Err(found) => {
                prop_assert!(found.iter().any(|d| d.severity == Severity::Error));
                for diagnostic in &found {
                    let lines = diagnostic.to_string();
                    prop_assert_eq!(lines.lines().count(), 2, "{}", lines);
                    prop_assert!(!diagnostic.message.is_empty());
                    prop_assert!(!diagnostic.remedy.is_empty());
                }
            }
        }
    }
}
