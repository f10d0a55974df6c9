//! What goes wrong is said on stderr, with an exit code to act on.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use crate::fake::Fake;
use crate::lab::{Lab, Outcome, command};

#[test]
fn no_socket() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("control.sock");
    let outcome = Outcome::of(command(&socket, &["status"]));
    outcome.fails(
        3,
        &["is vswitch running?", "--socket", socket.to_str().unwrap()],
    );
}

#[test]
fn a_socket_whose_daemon_died() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("control.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let outcome = Outcome::of(command(&socket, &["port", "list"]));
    outcome.fails(3, &["nobody listens", "start it again"]);
}

#[test]
fn a_file_that_is_no_socket() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("control.sock");
    std::fs::write(&socket, "").unwrap();
    Outcome::of(command(&socket, &["status"])).fails(3, &["is not a socket"]);
}

#[test]
fn somebody_else_answers() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        // Until the client gives up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let outcome = Outcome::of(command(&socket, &["status"]));
    outcome.fails(3, &["does not talk like a vswitch's control socket"]);
    stranger.join().unwrap();
}

#[test]
fn wrong_usage() {
    let lab = Lab::start(Fake::default());
    lab.ctl(&[]).fails(2, &["Usage"]);
    lab.ctl(&["port"]).fails(2, &["list"]);
    lab.ctl(&["status", "-o", "xml"])
        .fails(2, &["table", "json"]);
    lab.ctl(&["mapping", "list", "--segment", "0"])
        .fails(2, &["0x000001 to 0xffffff"]);
    lab.ctl(&["address", "decode", "10.0.0.3"])
        .fails(2, &["IPv6"]);
}

#[test]
fn a_port_that_is_not_there() {
    let lab = Lab::start(Fake::default());
    let outcome = lab.ctl(&["counter", "list", "--port", "vm-x"]);
    outcome.fails(1, &["no port \"vm-x\"", "uplink0, vm-a"]);
}

#[test]
fn a_request_larger_than_any_sensible_one() {
    let lab = Lab::start(Fake::default());
    let name = "x".repeat(100_000);
    lab.ctl(&["counter", "list", "--port", &name])
        .fails(1, &["takes at most 65536"]);
    assert_eq!(lab.ctl(&["status"]).code, 0);
}

#[test]
fn a_reader_who_has_seen_enough() {
    let lab = Lab::start(Fake {
        more_mappings: 100_000,
        ..Fake::default()
    });
    for format in ["table", "json"] {
        let mut command = lab.command(&["mapping", "list", "-o", format]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Reads a little and drops the pipe.
        let mut first = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    }
}

#[test]
fn completion_and_help_need_no_daemon() {
    let nowhere = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| Outcome::of(command(&nowhere.path().join("x"), arguments));
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completion", shell]);
        assert_eq!(script.code, 0);
        assert!(script.stdout.contains("neighbor"), "{shell}");
    }
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("Exit codes"), "{help:?}");
}
