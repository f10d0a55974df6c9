//! What keeps the EAL from starting, as a user would meet it.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use common::unique;
use dpdk_bindings::{Eal, EalConfig, EalError, FreeHugepages};

/// Names the prefix to hold, to the process that holds it.
const HOLD: &str = "DPDK_BINDINGS_TEST_HOLD_PREFIX";

fn with_prefix(prefix: &str) -> EalConfig {
    EalConfig {
        file_prefix: Some(prefix.to_owned()),
        ..EalConfig::ordinary(64)
    }
}

/// Not a test by itself: the other process of the one below.
#[test]
fn holder() {
    let Ok(prefix) = std::env::var(HOLD) else {
        return;
    };
    Eal::start(&with_prefix(&prefix)).unwrap();
    writeln!(std::io::stdout(), "holding").unwrap();
    // Until the other process closes its end.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Runs a process that holds the prefix, until [`release`].
fn hold(prefix: &str) -> Child {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holder", "--nocapture"])
        .env(HOLD, prefix)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.as_mut().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains("holding")),
        "the other process has no EAL"
    );
    holder
}

fn release(mut holder: Child) {
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
}

#[test]
fn a_busy_file_prefix_is_refused_with_its_holder_and_free_afterwards() {
    let prefix = unique("test");
    let holder = hold(&prefix);
    let refused = Eal::start(&with_prefix(&prefix)).unwrap_err();
    let EalError::FilePrefixBusy { process, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(u32::try_from(process), Ok(holder.id()));
    let text = refused.to_string();
    assert!(
        text.contains(&prefix) && text.contains("another file-prefix"),
        "{text}"
    );

    release(holder);
    release(hold(&prefix));
    std::fs::remove_dir_all(format!("/var/run/dpdk/{prefix}")).unwrap();
}

#[test]
fn hugepages_that_are_not_there_are_explained_before_the_eal_starts() {
    let more = u32::try_from(FreeHugepages::now().mib() + 2).unwrap();
    let text = Eal::start(&EalConfig::hugepages(Some(more)))
        .unwrap_err()
        .to_string();
    assert!(text.contains("nr_hugepages"), "{text}");
}
