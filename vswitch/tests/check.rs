//! What the operator hears of a wrong configuration: every file in
//! `wrong-configs` has beside it, word for word, what is to be said about it.
//! Run with `REGENERATE=1` to write those files anew, then read the
//! difference.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vnet::compiled::{LinkType, MappingKind};
use vnet::diagnostic::{Diagnostic, Severity};
use vswitch::config;

/// Relative to the package, where tests run: the answers name these paths.
const WRONG: &str = "tests/wrong-configs";
const RIGHT: &str = "../configs";

fn wrong_configs() -> Vec<PathBuf> {
    let entries = fs::read_dir(WRONG).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    files
}

fn text(found: &[Diagnostic]) -> String {
    found.iter().map(|d| format!("{d}\n")).collect()
}

#[test]
fn every_wrong_configuration_names_line_and_remedy() {
    let files = wrong_configs();
    assert!(files.len() >= 24, "only {} cases", files.len());
    let mut differences = Vec::new();
    for file in &files {
        let Err(found) = config::load(file) else {
            panic!("{} was accepted", file.display());
        };
        assert!(
            found.iter().any(|d| d.severity == Severity::Error),
            "{} has no error",
            file.display()
        );
        let said = text(&found);
        let expected_file = file.with_extension("expected");
        if std::env::var_os("REGENERATE").is_some() {
            fs::write(&expected_file, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if said != expected {
            let name = file.display();
            differences.push(format!("{name}\n--- expected\n{expected}--- said\n{said}"));
        }
        for diagnostic in &found {
            let whole = diagnostic.place.line == 0;
            let empty = file.ends_with("empty.yaml");
            assert!(!whole || empty, "no line: {diagnostic}");
            assert!(!diagnostic.remedy.is_empty(), "no remedy: {diagnostic}");
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let found = config::load(Path::new("tests/none.yaml")).unwrap_err();
    assert_eq!(
        text(&found),
        "tests/none.yaml: cannot read the configuration: No such file or directory (os error 2)\n  \
         remedy: name a readable YAML file: vswitch --config FILE\n"
    );
}

/// The binary says what the library says, and ends with 1; with 0 where there
/// is nothing wrong.
#[test]
fn the_check_option_says_the_same() {
    let vswitch = || Command::new(env!("CARGO_BIN_EXE_vswitch"));
    let check = |file: &Path| {
        let run = vswitch().arg("--config").arg(file).arg("--check").output();
        let run = run.unwrap();
        let said = [run.stdout, run.stderr].concat();
        (run.status.code(), String::from_utf8(said).unwrap())
    };
    for file in wrong_configs() {
        let expected = fs::read_to_string(file.with_extension("expected")).unwrap();
        let (code, said) = check(&file);
        assert_eq!(code, Some(1), "{}: {said}", file.display());
        assert_eq!(said, expected, "{}", file.display());
    }
    for name in ["host-r.yaml", "host-s.yaml", "minimal.yaml"] {
        let (code, said) = check(&Path::new(RIGHT).join(name));
        assert_eq!((code, said.as_str()), (Some(0), ""), "{name}");
    }
}

#[test]
fn the_examples_are_the_worked_example() {
    let r = config::load(&Path::new(RIGHT).join("host-r.yaml")).unwrap();
    let s = config::load(&Path::new(RIGHT).join("host-s.yaml")).unwrap();
    for host in [&r, &s] {
        assert_eq!(text(&host.warnings), "");
    }
    let attached = |host: &config::HostConfig| -> Vec<String> {
        let port = |id: vnet::compiled::PortId| host.ports[usize::from(id.0)].name.clone();
        let interfaces = host.compiled.interfaces.iter().map(|i| {
            let (link, tag) = (
                i.link.as_str(),
                i.tags.inner_vlan().map_or(0, |tag| tag.get()),
            );
            let address = i.addresses[0];
            format!(
                "{} {} {} {address} {link} {tag}",
                i.node,
                port(i.port),
                i.segment
            )
        });
        interfaces.collect()
    };
    assert_eq!(
        attached(&r),
        [
            "b vm-b 0x00b001 10.0.0.2 access 0",
            "a vm-a 0x00a001 10.0.0.2 access 0",
            "c vm-c 0x00a002 10.0.5.1 access 0",
        ]
    );
    assert_eq!(
        attached(&s),
        [
            "g vm-g 0x00a001 10.0.0.3 trunk 100",
            "g vm-g 0x00a002 10.0.5.4 native 0",
            "h vm-h 0x00a003 10.1.5.3 access 0",
        ]
    );

    let mappings = |host: &config::HostConfig| -> Vec<String> {
        let network = |m: &vnet::compiled::Mapping| {
            let segments = &host.compiled.segments;
            let segment = segments.iter().find(|s| s.id == m.segment).unwrap();
            &host.compiled.networks[segment.network].name
        };
        let of_z = (host.compiled.mappings.iter()).filter(|m| network(m) == "z");
        let of_z = of_z.filter(|m| m.kind == MappingKind::Node);
        let of_z = of_z.map(|m| {
            let at = &host.compiled.hosts[m.host.0 as usize];
            let address = packet::SubstrateAddr::ordinary(at.locator, m.segment, m.address);
            assert_eq!(m.interface.is_some(), at.name == host.host);
            format!("{address} {}", m.mac)
        });
        of_z.collect()
    };
    let both = [
        "fd00::a:0:a001:a00:2 00:05:02:0b:27:44",
        "fd00::b:0:a001:a00:3 02:a1:0a:00:00:03",
        "fd00::a:0:a002:a00:501 02:a2:0a:00:05:01",
        "fd00::b:0:a002:a00:504 02:a2:0a:00:05:04",
        "fd00::b:0:a003:a01:503 00:00:7d:a2:34:11",
    ];
    assert_eq!(mappings(&r), both);
    assert_eq!(mappings(&s), both);
    let j = r
        .compiled
        .mappings
        .iter()
        .find(|m| m.kind == MappingKind::Router);
    assert_eq!(j.unwrap().mac.to_string(), "00:01:42:09:88:73");
    assert_eq!(r.ports[0].mtu, 1600);
    assert_eq!(r.ports[1].mtu, 1500);
    assert!(s.compiled.interfaces[0].link == LinkType::Trunk);
}

/// Between what is refused and what has room for everything: it works, and the
/// operator hears what will not pass whole.
#[test]
fn a_tight_substrate_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["topology-z.yaml", "topology-y.yaml"] {
        fs::copy(Path::new(RIGHT).join(name), directory.path().join(name)).unwrap();
    }
    let host = fs::read_to_string(Path::new(RIGHT).join("host-r.yaml")).unwrap();
    let file = directory.path().join("r.yaml");
    let said = |mtu: u16| -> Vec<String> {
        let changed = host.replace("mtu: 1600", &format!("mtu: {mtu}"));
        fs::write(&file, changed).unwrap();
        let warnings = config::load(&file).unwrap().warnings;
        warnings
            .iter()
            .map(|w| format!("{}\n{}", w.message, w.remedy))
            .collect()
    };
    let tight = |mtu, what| {
        format!(
            "substrate.mtu {mtu} is tight for segment \"front\" (mtu 1500): {what} will be cut, \
             sent back as too big where DF is set, or dropped if they are not IPv4\nraise substrate.mtu to 1556"
        )
    };
    let both = "fragments above 1492 bytes and raw packets above 1464 bytes";
    assert_eq!(said(1520), [tight(1520, both)]);
    assert_eq!(said(1528), [tight(1528, "raw packets above 1472 bytes")]);
    assert_eq!(said(1555), [tight(1555, "raw packets above 1499 bytes")]);
    assert!(said(1556).is_empty());
}

#[test]
fn the_minimal_example_needs_no_dpdk() {
    let m = config::load(&Path::new(RIGHT).join("minimal.yaml")).unwrap();
    assert_eq!(text(&m.warnings), "");
    assert!(m.ports.iter().all(|port| !port.source.needs_dpdk()));
    // A locator without a host gets its own text as name.
    assert_eq!(m.compiled.hosts[1].name, "fd00:0:0:d::/64");
    let config::PortSource::Pcap { receive, .. } = &m.ports[1].source else {
        panic!("{:?}", m.ports[1])
    };
    let expected = Path::new(RIGHT).join("vm-sends.pcap");
    assert_eq!(receive.as_deref(), Some(expected.as_path()));
}
