//! Without space: a commit that does not fit is refused, nothing of it is
//! there, and the next one goes on where there is space again.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use vswitch::state::{Commit, Revision, StateError};

use crate::model::{Dice, change, nth, open};

/// Set in the process that runs out of space: the file that it writes.
const VICTIM: &str = "VSWITCH_TEST_STATE_FULL";

#[test]
fn without_space_a_commit_is_refused_whole_and_later_ones_go_on() {
    if let Some(path) = std::env::var_os(VICTIM) {
        return run_out_of_space(&PathBuf::from(path));
    }
    let folder = tempfile::tempdir().unwrap();
    // Too large a file is an error only where the signal for it is ignored.
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("full::without_space_a_commit_is_refused_whole_and_later_ones_go_on")
        .env(VICTIM, folder.path().join("state"))
        .status()
        .unwrap();
    assert!(status.success());
}

fn may_have(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit {
        current: bytes.or(maximum),
        maximum,
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

fn run_out_of_space(path: &PathBuf) {
    let (mut store, mut model, _) = open(path);
    for revision in 1..20 {
        model.commit(&nth(revision));
        store.commit(&[nth(revision)]).unwrap();
    }
    let mut dice = Dice::new(3);
    for (n, room) in [0, 4096, 100_000, 300_000, 1_000_000]
        .into_iter()
        .enumerate()
    {
        let length = std::fs::metadata(path).unwrap().len();
        may_have(Some(length + room));
        let mut refused = 0;
        let mut revision = model.recovered.revision.0;
        for _ in 0..200 {
            revision += 1;
            let mut commit = Commit::empty(Revision(revision));
            commit.mappings = (0..8192).map(|_| change(&mut dice)).collect();
            match store.commit(std::slice::from_ref(&commit)) {
                Ok(()) => model.commit(&commit),
                Err(StateError::NotWritten { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            if refused == 2 {
                break;
            }
        }
        assert_eq!(refused, 2, "{n}");
        may_have(None);
        model.commit(&nth(revision + 1));
        store.commit(&[nth(revision + 1)]).unwrap();
        store.close().unwrap();
        let (again, found, notices) = open(path);
        assert!(found == model, "{n}: {notices:?}");
        store = again;
    }
}
