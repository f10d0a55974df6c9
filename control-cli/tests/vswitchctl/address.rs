//! `address decode` and `address encode`, with and without a daemon.

use std::path::Path;

use crate::fake::Fake;
use crate::lab::{Lab, Outcome, command};

const G: &str = "fd00::b:0:a001:a00:3";

#[test]
fn decoding_without_a_daemon_still_shows_the_parts() {
    let nowhere = tempfile::tempdir().unwrap();
    let socket = nowhere.path().join("control.sock");
    let outcome = Outcome::of(command(&socket, &["address", "decode", G]));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(
        outcome.stdout,
        "organisation fd00:0000  topology 0000:000b \
         (version 0: locale 0, area 0, rack 0, machine 11)\n\
         slot 0  forward no  group no  segment 0x00a001  address 10.0.0.3\n"
    );
    // That socket was asked for by name: its absence is worth a word.
    assert!(
        outcome.stderr.contains("without names: no socket at"),
        "{outcome:?}"
    );
}

#[test]
fn names_come_from_the_daemon() {
    let lab = Lab::start(Fake::default());
    let json = lab.json(&["address", "decode", G]);
    assert_eq!(json["host"], "s");
    assert_eq!(json["segment"]["network"], "z");
    assert_eq!(json["owner"]["kind"], "node");
    assert_eq!(json["owner"]["name"], "g");
    let unknown = lab.json(&["address", "decode", "fd00::c:0:bbbb:a00:9"]);
    assert_eq!(unknown["segment_id"], "0x00bbbb");
    assert!(unknown["segment"].is_null() && unknown["owner"].is_null());
}

#[test]
fn encoding_needs_no_daemon_and_decodes_again() {
    let nowhere = Path::new("/nonexistent/control.sock");
    let parts = [
        "address",
        "encode",
        "--locator",
        "fd00:0:0:b::/64",
        "--segment",
        "40961",
        "--address",
        "10.0.0.3",
        "--slot",
        "63",
        "--forward",
        "--group",
    ];
    let outcome = Outcome::of(command(nowhere, &parts));
    outcome.shows("fd00::b:ff00:a001:a00:3\n");
    let mut json = command(nowhere, &parts);
    json.args(["-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&Outcome::of(json).stdout).unwrap();
    assert_eq!(json["slot"], 63);
    assert_eq!(json["forward"], true);
    assert_eq!(json["virtual_address"], "10.0.0.3");
}

#[test]
fn parts_out_of_range_are_refused_with_the_range() {
    let refused = |change: [&str; 2], says: &str| {
        let mut arguments = vec!["address", "encode", "--address", "10.0.0.3"];
        for (option, fine) in [
            ("--locator", "fd00:0:0:b::/64"),
            ("--segment", "1"),
            ("--slot", "0"),
        ] {
            arguments.push(option);
            arguments.push(if change[0] == option { change[1] } else { fine });
        }
        Outcome::of(command(Path::new("/nonexistent"), &arguments)).fails(2, &[says]);
    };
    refused(["--slot", "64"], "use 0 to 63");
    refused(["--slot", "x"], "is not a number");
    refused(["--segment", "0"], "0x000001 to 0xffffff");
    refused(["--segment", "0x1000000"], "0x000001 to 0xffffff");
    refused(
        ["--locator", "fd00::b:0:a001:a00:3/64"],
        "write fd00:0:0:b::/64",
    );
}

#[test]
fn an_address_under_no_locator_is_refused() {
    let outcome = Outcome::of(command(
        Path::new("/nonexistent"),
        &["address", "decode", "fe80::1"],
    ));
    outcome.fails(1, &["fe80::1 is under no locator"]);
}
