//! `apply`, `diff`, `export`, `confirm`, `rollback`, `history` and `watch`, as
//! typed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::Arc;

use vswitch::commit::{Refusal, Revision, What};

use crate::administration::{FakeAdministration, Order};
use crate::fake::Fake;
use crate::lab::{Lab, Outcome};

fn lab() -> Lab {
    Lab::start(Fake::default())
}

fn over(administration: FakeAdministration) -> (Lab, Arc<FakeAdministration>) {
    let administration = Arc::new(administration);
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    (lab, administration)
}

/// A file in the lab's directory; its path.
fn file(lab: &Lab, name: &str, text: &str) -> String {
    let path = lab.directory.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn apply_says_what_changed_and_how_to_keep_it() {
    let (lab, daemon) = over(FakeAdministration::default());
    let z = file(&lab, "z.yaml", "network: z\n");
    let y = file(&lab, "y.yaml", "");
    let arguments = [
        "apply",
        "-f",
        &z,
        "-f",
        &y,
        "--prune",
        "--confirm-within",
        "60s",
        "--expected-revision",
        "809",
    ];
    lab.ctl(&arguments).shows(
        "+ node b: on host r, port vm-b         1 mapping\n\
         ~ node g: moves from host s to host t  1 mapping\n\
         Mappings: 1 added, 1 changed.\n\
         Tenants: Z.\n\
         No packet is lost by this change, except to node g while it moves.\n\
         applied as revision 813; confirm with: vswitchctl confirm 813     \
         (rolls back at 2026-11-21 18:01:00)\n",
    );
    let orders = daemon.orders();
    let [Order::Apply(order)] = &orders[..] else {
        panic!("{orders:?}");
    };
    assert!(order.prune && !order.dry_run && order.request.is_some());
    assert_eq!(order.expected, Some(Revision(809)));
    let files = order.files.iter();
    let files: Vec<_> = files
        .map(|(name, text)| (name.to_str().unwrap(), text.as_str()))
        .collect();
    // An empty file is a file.
    assert_eq!(files, [(z.as_str(), "network: z\n"), (y.as_str(), "")]);
    lab.ctl(&["confirm", "813"]).shows("revision 813 stays\n");
    lab.ctl(&["confirm", "813"])
        .fails(1, &["does not wait to be confirmed"]);
}

#[test]
fn standard_input_is_a_file_too() {
    let (lab, daemon) = over(FakeAdministration::default());
    let mut child = lab
        .command(&["apply", "-f", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let long = "# so long\n".repeat(20_000);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(long.as_bytes())
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    let json: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(json["revision"], 813);
    assert_eq!(json["plan"]["lines"][1]["change"], "changed");
    assert_eq!(json["seen_seconds"], 0.000_037);
    assert_eq!(json["reverts_at"], serde_json::Value::Null);
    let orders = daemon.orders();
    let [Order::Apply(order)] = &orders[..] else {
        panic!("{orders:?}");
    };
    assert_eq!(order.files[0].0.to_str(), Some("<stdin>"));
    assert_eq!(order.files[0].1, long);
}

#[test]
fn a_dry_run_and_an_empty_change_commit_nothing() {
    let (lab, daemon) = over(FakeAdministration::default());
    let z = file(&lab, "z.yaml", "network: z\n");
    let dry = lab.ctl(&["apply", "-f", &z, "--dry-run"]);
    assert!(
        dry.stdout.ends_with("a dry run: nothing was changed\n"),
        "{dry:?}"
    );
    let same = file(&lab, "same.yaml", "unchanged");
    lab.ctl(&["apply", "-f", &same])
        .shows("nothing to change\n");
    assert_eq!(daemon.revision(), Revision(812));
    lab.ctl(&["apply", "-f", &z, "--dry-run", "--confirm-within", "60s"])
        .fails(2, &["cannot be used with"]);
}

#[test]
fn faults_are_shown_as_the_daemon_itself_shows_them() {
    let lab = lab();
    let text = "network: z\nrecommend: mtu 9000 is better\nfault: no such host\n";
    let z = file(&lab, "z.yaml", text);
    let outcome = lab.ctl(&["apply", "-f", &z]);
    let expected = format!(
        "{z}:2:1: warning: mtu 9000 is better\n  remedy: leave that line out\n\
         {z}:3:1: no such host\n  remedy: leave that line out\n\
         vswitchctl: nothing was changed, because of 1 error\n"
    );
    outcome.fails(1, &[]);
    assert_eq!(outcome.stderr, expected);
    let json = lab.ctl(&["apply", "-f", &z, "-o", "json"]);
    assert_eq!((json.code, json.stderr.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["diagnostics"][0]["severity"], "warning");
    assert_eq!(json["diagnostics"][1]["line"], 3);
    // Warnings alone stop nothing.
    let z = file(&lab, "z.yaml", "recommend: mtu 9000 is better\n");
    let outcome = lab.ctl(&["apply", "-f", &z]);
    assert_eq!(outcome.code, 0);
    assert!(outcome.stderr.contains("warning: mtu 9000"), "{outcome:?}");
}

#[test]
fn diff_has_the_exit_codes_of_diff() {
    let (lab, daemon) = over(FakeAdministration::default());
    let z = file(&lab, "z.yaml", "network: z\n");
    let differs = lab.ctl(&["diff", "-f", &z]);
    assert_eq!((differs.code, differs.stderr.as_str()), (1, ""));
    assert!(differs.stdout.starts_with("+ node b: "), "{differs:?}");
    let same = file(&lab, "same.yaml", "unchanged");
    lab.ctl(&["diff", "-f", &same]).shows("nothing to change\n");
    let faulty = file(&lab, "faulty.yaml", "fault: no such host\n");
    lab.ctl(&["diff", "-f", &faulty])
        .fails(2, &["faulty.yaml:1:1: no such host"]);
    lab.ctl(&["diff", "-f", &faulty, "-o", "json"]);
    lab.ctl(&["diff", "-f", "/nonexistent.yaml"])
        .fails(2, &["cannot read /nonexistent.yaml"]);
    assert_eq!(daemon.revision(), Revision(812));
}

#[test]
fn refusals_are_the_daemons_own_words() {
    let lab = lab();
    let z = file(&lab, "z.yaml", "network: z\n");
    lab.ctl(&["apply", "-f", &z, "--expected-revision", "7"])
        .fails(
            1,
            &["vswitchctl: expected revision 7, but the topology is at 809"],
        );
    lab.ctl(&["rollback", "5"])
        .fails(1, &["no topology of revision 5"]);
    lab.ctl(&["export", "--network", "y"])
        .fails(1, &["there is no network \"y\""]);
    let (lab, _) = over(FakeAdministration {
        refuses: Some(Refusal::NotDurable("no space left".to_owned())),
        ..FakeAdministration::default()
    });
    let z = file(&lab, "z.yaml", "network: z\n");
    lab.ctl(&["apply", "-f", &z])
        .fails(1, &["could not be made durable: no space left"]);
}

#[test]
fn a_daemon_that_hands_over_is_asked_again_and_then_given_up() {
    let (lab, daemon) = over(FakeAdministration {
        refuses: Some(Refusal::TakenOver),
        ..FakeAdministration::default()
    });
    let z = file(&lab, "z.yaml", "network: z\n");
    lab.ctl(&["apply", "-f", &z])
        .fails(3, &["another vswitch is taking over"]);
    let orders = daemon.orders();
    assert!(orders.len() > 1, "{orders:?}");
    let ids = orders.iter().map(|order| match order {
        Order::Apply(order) => order.request.clone(),
        other => panic!("{other:?}"),
    });
    let first = ids.clone().next().unwrap();
    assert!(first.is_some() && ids.clone().all(|id| id == first));
}

#[test]
fn rollback_goes_back_as_a_new_revision() {
    let lab = lab();
    let dry = lab.ctl(&["rollback", "--dry-run"]);
    assert!(dry.stdout.ends_with("a dry run: nothing was changed\n"));
    let back = lab.ctl(&["rollback", "790"]);
    let words = "back at the topology of revision 790, as revision 813\n";
    assert!(back.stdout.ends_with(words), "{back:?}");
}

#[test]
fn history_is_the_newest_first() {
    let lab = lab();
    let json = lab.json(&["history"]);
    assert_eq!(json[0]["revision"], 809);
    assert_eq!(json[0]["current"], true);
    assert_eq!(json[1]["user"], "root");
    assert_eq!(json[2]["uid"], serde_json::Value::Null);
    assert_eq!(json[2]["cause"], "configured");
    assert_eq!(json[0]["applied_at"], "2026-11-21T17:00:00Z");
}

#[test]
fn export_is_what_apply_takes() {
    let (lab, _) = over(FakeAdministration {
        export_padding: 300_000,
        ..FakeAdministration::default()
    });
    let text = lab.ctl(&["export", "--network", "z"]).stdout;
    assert!(text.starts_with("---\nnetwork: z\n") && text.len() > 300_000);
    assert_eq!(lab.json(&["export"])["text"], text);
}

/// What a watcher reads, line by line, until the daemon ends.
pub(crate) fn watched(options: &[&str], lines: usize) -> (Vec<String>, Outcome) {
    let (mut lab, daemon) = over(FakeAdministration::default());
    let mut child = lab
        .command(&[&["watch"], options].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = vec![out.next().unwrap().unwrap()];
    daemon.happens(What::PortAdded("vm-b\x1b[2J".to_owned()));
    daemon.happens(What::Alarm {
        table: "mappings",
        raised: true,
        used: 9_600_000,
        capacity: 12_000_000,
    });
    let z = file(&lab, "z.yaml", "");
    let m = file(
        &lab,
        "m.txt",
        "0x00a001 10.0.0.9 fd00:0:0:b::/64 02:00:00:00:00:09 5\n\
         remove 0x00a001 10.0.0.8\n",
    );
    assert_eq!(
        lab.ctl(&["apply", "-f", &z, "--confirm-within", "60s"])
            .code,
        0
    );
    assert_eq!(lab.ctl(&["mapping", "load", &m]).code, 0);
    seen.extend(out.by_ref().take(lines - 1).map(Result::unwrap));
    lab.stop().unwrap();
    let rest: Vec<String> = out.map(Result::unwrap).collect();
    assert_eq!(rest, [] as [&str; 0]);
    let ended = child.wait_with_output().unwrap();
    let outcome = Outcome {
        code: ended.status.code().unwrap(),
        stdout: String::new(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    };
    (seen, outcome)
}

#[test]
fn a_watcher_sees_changes_as_they_come() {
    let (lines, ended) = watched(&[], 6);
    assert_eq!(lines[0], "watching what comes after revision 812");
    let reference = include_str!("../../../docs/vswitchctl.md");
    let told = [
        "  813  port vm-b\u{fffd}[2J: added",
        "  814  table mappings: ALARM, nearly full: 9,600,000 of 12,000,000",
        "  815  topology: network z: 1 node more, 1 node moves (rolls back at 2026-11-21 18:01:00)",
        "  816  mapping 0x00a001 10.0.0.9: at fd00:0:0:b::/64 slot 5, mac 02:00:00:00:00:09",
        "  816  mapping 0x00a001 10.0.0.8: removed",
    ];
    for (line, told) in lines[1..].iter().zip(told) {
        assert!(line.ends_with(told), "{line}");
        let shown = told.replace("\u{fffd}[2J", "");
        assert!(reference.contains(&shown), "the reference shows: {shown}");
    }
    ended.fails(3, &["go on with: vswitchctl watch --after 815"]);
}

#[test]
fn programs_watch_one_object_per_line() {
    let (lines, _) = watched(&["-o", "json", "--after", "812"], 6);
    let lines = lines.iter();
    let lines: Vec<serde_json::Value> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "watching",
            "port-added",
            "table-alarm",
            "topology",
            "mapping-set",
            "mapping-removed"
        ]
    );
    assert_eq!(lines[4]["mac"], "02:00:00:00:00:09");
    assert_eq!(lines[4]["slot"], 5);
}

#[test]
fn a_watch_from_too_long_ago_is_refused_in_words() {
    lab()
        .ctl(&["watch", "--after", "3"])
        .fails(1, &["vswitchctl: what changed after revision 3"]);
}
