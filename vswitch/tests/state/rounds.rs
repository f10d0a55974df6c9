//! Commits, checkpoints, closes and crashes in any order: what is found again
//! is what was written.

use std::fs;

use proptest::prelude::*;
use vswitch::state::{Progress, Revision, Store};

use crate::model::{HOST, Model, nth, open};

#[derive(Debug, Clone)]
enum Step {
    Commit(u64),
    Learn(u64),
    Flush,
    BeginCheckpoint,
    NextPart,
    Close,
    /// A copy of the file is what a crash at this moment leaves.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_u64).prop_map(Step::Commit),
        2 => (1..3_u64).prop_map(Step::Learn),
        1 => Just(Step::Flush),
        1 => Just(Step::BeginCheckpoint),
        4 => Just(Step::NextPart),
        1 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_found_is_what_was_written(
        first in 1..1_000_000_u64,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut store, mut newest, notices) = open(&path);
        prop_assert_eq!(notices, []);
        let mut durable = newest.clone();
        let mut checkpoint = None;
        let mut next = first;
        for step in steps {
            match step {
                Step::Commit(count) => {
                    let group: Vec<_> = (next..next + count).map(nth).collect();
                    next += count;
                    store.commit(&group).unwrap();
                    group.iter().for_each(|commit| newest.commit(commit));
                    durable.clone_from(&newest);
                }
                Step::Learn(count) => {
                    for commit in (next..next + count).map(nth) {
                        newest.commit(&commit);
                        store.learn(commit).unwrap();
                    }
                    next += count;
                }
                Step::Flush => {
                    store.flush_learned().unwrap();
                    durable.clone_from(&newest);
                }
                Step::BeginCheckpoint => {
                    let mappings = newest.snapshot().into_iter();
                    checkpoint = Some(store.begin_checkpoint(mappings).in_parts_of(500));
                }
                Step::NextPart => {
                    if let Some(under_way) = &mut checkpoint {
                        let _ = store.checkpoint_step(under_way).unwrap();
                        durable.clone_from(&newest);
                    }
                }
                Step::Close => {
                    checkpoint = None;
                    store.close().unwrap();
                    durable.clone_from(&newest);
                    let (again, found, notices) = open(&path);
                    prop_assert_eq!(notices, []);
                    prop_assert_eq!(&found, &newest);
                    store = again;
                }
                Step::Crash => {
                    let copy = folder.path().join("copy");
                    fs::copy(&path, &copy).unwrap();
                    let (copied, found, notices) = open(&copy);
                    // Nothing to say where nothing was written since it was opened.
                    prop_assert!(notices.len() <= 1);
                    // Learned ones may be there, if too many waited.
                    prop_assert!(found == durable || found == newest);
                    copied.close().unwrap();
                }
            }
        }
    }
}

#[test]
fn a_checkpoint_makes_the_file_forget_what_was_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (mut store, mut model, _) = open(&path);
    let mut changes = 0;
    for revision in 1..=40 {
        let commit = nth(revision);
        model.commit(&commit);
        changes += commit.mappings.len() as u64;
        store.commit(&[commit]).unwrap();
    }
    assert_eq!(store.replay(|_| {}).unwrap().changes, changes);
    let mappings = model.mappings.len() as u64;
    let checkpoint = store.begin_checkpoint(model.snapshot().into_iter());
    let mut checkpoint = checkpoint.in_parts_of(100);
    let mut steps = 0;
    let mut after = 0;
    while store.checkpoint_step(&mut checkpoint).unwrap() == Progress::More {
        steps += 1;
        if steps % 3 == 0 {
            let commit = nth(40 + steps);
            model.commit(&commit);
            after += commit.mappings.len() as u64;
            store.commit(&[commit]).unwrap();
        }
    }
    assert!(steps > 10 && after > 0, "{steps} steps, {after} changes");
    store.close().unwrap();
    let (store, found, _) = open(&path);
    assert_eq!(found, model);
    let replayed = store.replay(|_| {}).unwrap().changes;
    assert_eq!(replayed, mappings + after);
    assert!(mappings < changes);
}

#[test]
fn a_revision_is_never_used_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (mut store, ..) = open(&path);
    store.commit(&[nth(7), nth(9)]).unwrap();
    let mut same = nth(9);
    same.mappings.clear();
    (same.topology, same.ports) = (None, None);
    // It changes nothing that a packet meets.
    store.commit(&[same.clone()]).unwrap();
    same.ports = Some(Vec::new());
    let refused = store.commit(&[same]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "revision 9 comes after revision 9: commits must be in order"
    );
    store.learn(nth(12)).unwrap();
    let refused = store.commit(&[nth(11)]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "revision 11 comes after revision 12: commits must be in order"
    );
    store.close().unwrap();
    let (_, found, _) = open(&path);
    assert_eq!(found.recovered.revision, Revision(12));
}

#[test]
fn another_host_and_another_process_are_told_whose_file_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (store, ..) = open(&path);
    let held = Store::open(&path, HOST).unwrap_err().to_string();
    let me = format!("is in use by process {} (", std::process::id());
    assert!(held.contains(&me), "{held}");
    store.close().unwrap();
    let other = Store::open(&path, "s").unwrap_err().to_string();
    assert!(other.contains("that of host r, this is host s"), "{other}");
    let (_, model, notices) = open(&path);
    assert_eq!((model, notices), (Model::default(), Vec::new()));
}
