//! `mapping load`, `save`, `set` and `remove`, as typed.

use core::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use vswitch::commit::Refusal;

use crate::administration::{FakeAdministration, Order};
use crate::fake::Fake;
use crate::lab::{Lab, Outcome, command};

fn over(administration: FakeAdministration) -> (Lab, Arc<FakeAdministration>) {
    let administration = Arc::new(administration);
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    (lab, administration)
}

/// So many mappings of segment front, none of which the topology draws.
fn text(count: u32) -> String {
    let mut text = String::from("# generated\n");
    for n in 0..count {
        let (high, low) = (n >> 8 & 255, n & 255);
        let _ = writeln!(
            text,
            "0x00a001 10.1.{high}.{low} fd00:0:0:b::/64 02:00:00:00:{high:02x}:{low:02x}"
        );
    }
    text
}

fn file(lab: &Lab, text: &str) -> String {
    let path = lab.directory.path().join("m.txt");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_file_of_many_transactions_is_loaded_whole() {
    let (lab, daemon) = over(FakeAdministration::default());
    let m = file(&lab, &text(5000));
    let json = lab.json(&["mapping", "load", &m, "--batch", "64"]);
    assert_eq!(
        (&json["mappings"], &json["added"]),
        (&5000.into(), &5000.into())
    );
    assert_eq!(json["transactions"], 79);
    assert_eq!(json["revision"], 812 + 79);
    assert_eq!(json["durable"], true);
    assert_eq!(daemon.loaded(), 5000);
    // Once more changes nothing.
    let again = lab.ctl(&["mapping", "load", &m]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again:?}");
    let words = "0 added, 0 changed, 0 removed, 5,000 unchanged\nacknowledged as of revision 893\n";
    assert!(again.stdout.ends_with(words), "{again:?}");
    let less = file(&lab, "remove 0x00a001 10.1.0.0\nremove 0x00a001 10.2.0.0\n");
    let json = lab.json(&["mapping", "load", &less, "--learned"]);
    assert_eq!(
        (&json["removed"], &json["unchanged"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&json["durable"], &json["learned"]),
        (&false.into(), &true.into())
    );
    assert_eq!(daemon.loaded(), 4999);
    let empty = file(&lab, "# nothing\n\n");
    lab.ctl(&["mapping", "load", &empty])
        .shows("nothing to load: there is no mapping in the file\n");
}

#[test]
fn standard_input_is_loaded_as_it_comes() {
    let (lab, daemon) = over(FakeAdministration::default());
    let mut child = lab
        .command(&["mapping", "load", "-", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text(300).as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(daemon.loaded(), 300);
}

#[test]
fn a_bad_line_stops_before_its_transaction() {
    let (lab, daemon) = over(FakeAdministration::default());
    let m = file(
        &lab,
        &(text(150) + "0x00a001 10.1.9.9 nowhere 02:00:00:00:00:01\n"),
    );
    let outcome = lab.ctl(&["mapping", "load", &m, "--batch", "64"]);
    outcome.fails(
        1,
        &[
            "m.txt:152: \"nowhere\" is not a locator",
            "in force up to line 129 (128 mappings, revision 814)",
        ],
    );
    assert_eq!(daemon.loaded(), 128);
    let m = file(&lab, "nonsense\n");
    lab.ctl(&["mapping", "load", &m])
        .fails(1, &["m.txt:1:", "nothing was loaded"]);
    lab.ctl(&["mapping", "load", "/nonexistent"])
        .fails(1, &["cannot read /nonexistent"]);
    lab.ctl(&["mapping", "load", &m, "--batch", "8193"])
        .fails(2, &["8192"]);
}

#[test]
fn a_refused_transaction_is_found_in_the_file() {
    let (lab, daemon) = over(FakeAdministration::default());
    let drawn = "0x00a001 10.0.0.2 fd00:0:0:b::/64 02:00:00:00:00:01\n";
    let m = file(&lab, &(text(100) + drawn));
    lab.ctl(&["mapping", "load", &m, "--batch", "64"]).fails(
        1,
        &[
            "m.txt:102: 10.0.0.2 in segment 0x00a001 belongs to the topology",
            "up to line 65 but for 1 refused transaction (64 mappings, revision 813)",
        ],
    );
    assert_eq!(daemon.loaded(), 64);
    let (lab, _) = over(FakeAdministration {
        capacity: 100,
        ..FakeAdministration::default()
    });
    let m = file(&lab, &text(150));
    lab.ctl(&["mapping", "load", &m, "--batch", "64"])
        .fails(1, &["table mappings is full: 64 of 100 are used"]);
}

/// Stands between `vswitchctl` and the daemon, and breaks connections after so
/// many bytes of the daemon's; the first, the second … as said.
fn breaking(lab: &Lab, after: Vec<usize>) -> PathBuf {
    let path = lab.directory.path().join("proxy.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let daemon = lab.socket.clone();
    thread::spawn(move || {
        let mut after = after.into_iter();
        while let Ok((client, _)) = listener.accept() {
            let server = UnixStream::connect(&daemon).unwrap();
            let limit = after.next().unwrap_or(usize::MAX);
            let up = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || carry(up.0, up.1, usize::MAX));
            thread::spawn(move || carry(server, client, limit));
        }
    });
    path
}

/// Carries bytes from one to the other; at the end, or beyond the limit, ends
/// both.
fn carry(mut from: UnixStream, mut to: UnixStream, limit: usize) {
    let mut buffer = [0; 1024];
    let mut carried = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        carried += read;
        if carried > limit || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn load_over(socket: &Path, m: &str) -> Outcome {
    Outcome::of(command(
        socket,
        &["mapping", "load", m, "--batch", "16", "-o", "json"],
    ))
}

#[test]
fn broken_connections_lose_nothing_and_repeat_nothing() {
    let (lab, daemon) = over(FakeAdministration::default());
    let m = file(&lab, &text(5000));
    let socket = breaking(&lab, vec![700, 3000, 1500, 6000]);
    let outcome = load_over(&socket, &m);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let json: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(json["mappings"], 5000);
    assert_eq!(json["transactions"], 313);
    assert_eq!(daemon.loaded(), 5000);
    // Each was carried out once, though some were asked for again.
    assert_eq!(daemon.revision().0, 812 + 313);
    let asked = daemon.orders().len();
    assert!(asked > 313, "{asked} were asked for: nothing broke");
}

#[test]
fn a_daemon_that_stays_away_is_given_up() {
    let (mut lab, _) = over(FakeAdministration::default());
    let m = file(&lab, &text(50));
    let listener = breaking(&lab, vec![0; 99]);
    let outcome = load_over(&listener, &m);
    assert_eq!(outcome.code, 3, "{outcome:?}");
    lab.stop().unwrap();
    lab.ctl(&["mapping", "load", &m])
        .fails(3, &["is vswitch running?"]);
}

#[test]
fn a_daemon_that_hands_over_is_asked_again() {
    let (lab, daemon) = over(FakeAdministration {
        refuses: Some(Refusal::TakenOver),
        ..FakeAdministration::default()
    });
    let m = file(&lab, &text(5));
    lab.ctl(&["mapping", "load", &m]).fails(
        3,
        &[
            "another vswitch is taking over",
            "nothing was loaded",
            "1 more transaction may",
        ],
    );
    assert!(daemon.orders().len() > 1);
}

#[test]
fn what_is_saved_can_be_loaded() {
    let lab = Lab::start(Fake {
        more_mappings: 600,
        ..Fake::default()
    });
    let path = lab.directory.path().join("saved.txt");
    let saved = path.to_str().unwrap();
    lab.ctl(&["mapping", "save", saved])
        .shows(&format!("600 mappings written to {saved}\n"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# SEGMENT ADDRESS LOCATOR MAC [SLOT]\n"));
    assert_eq!(text.lines().count(), 601);
    assert_eq!(lab.ctl(&["mapping", "save"]).stdout, text);
    let all = lab.ctl(&["mapping", "save", "-", "--all"]).stdout;
    assert_eq!(all.lines().count(), 604);
    let none = lab.ctl(&["mapping", "save", "-", "--segment", "0x00a002"]);
    assert_eq!(none.stdout.lines().count(), 1);
    let json = lab.json(&["mapping", "load", saved]);
    assert_eq!(json["added"], 600);
    // Nothing is left behind beside it.
    let names = fs::read_dir(lab.directory.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains(".part")));
    lab.ctl(&["mapping", "save", "/nonexistent/m.txt"])
        .fails(1, &["cannot write /nonexistent/m.txt"]);
}

#[test]
fn one_mapping_is_set_and_removed() {
    let (lab, daemon) = over(FakeAdministration::default());
    let set = [
        "mapping",
        "set",
        "0x00a001",
        "10.0.0.9",
        "--locator",
        "fd00:0:0:b::/64",
        "--mac",
        "02:00:00:00:00:09",
        "--slot",
        "5",
    ];
    lab.ctl(&set)
        .shows("mapping 0x00a001 10.0.0.9 set as revision 813\n");
    lab.ctl(&set).shows("nothing to change\n");
    let orders = daemon.orders();
    let Order::ChangeMappings(order) = &orders[0] else {
        panic!("{orders:?}");
    };
    let place = order.changes[0].place.unwrap();
    assert_eq!(place.slot.get(), 5);
    assert_eq!(place.mac.to_string(), "02:00:00:00:00:09");
    let remove = ["mapping", "remove", "0x00a001", "10.0.0.9"];
    let json = lab.json(&remove);
    assert_eq!(
        (&json["removed"], &json["added"]),
        (&true.into(), &false.into())
    );
    lab.ctl(&remove).shows("nothing to change\n");
    lab.ctl(&[&remove[..], &["--expected-revision", "3"]].concat())
        .fails(
            1,
            &["vswitchctl: expected revision 3, but the vswitch is at"],
        );
    lab.ctl(&["mapping", "remove", "0x00bbbb", "10.0.0.9"])
        .fails(1, &["there is no segment 0x00bbbb"]);
    lab.ctl(&["mapping", "remove", "0x00a001", "10.0.0.2"])
        .fails(1, &["belongs to the topology"]);
}
