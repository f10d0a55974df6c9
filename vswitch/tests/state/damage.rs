//! Files that are damaged, of another format, or no state files at all: they
//! are put aside, and never read wrongly.

use std::fs;
use std::path::{Path, PathBuf};

use vswitch::state::{Notice, Store};

use crate::model::{Dice, HOST, Model, nth, open};

/// How many damaged files; 150 unless this is set.
const ROUNDS: &str = "VSWITCH_TEST_STATE_DAMAGES";

fn a_state_file(path: &Path, commits: u64) -> Model {
    let (mut store, mut model, _) = open(path);
    for revision in 1..=commits {
        let commit = nth(revision);
        model.commit(&commit);
        store.commit(&[commit]).unwrap();
    }
    let mut checkpoint = store.begin_checkpoint(model.snapshot().into_iter());
    store.checkpoint_step(&mut checkpoint).unwrap();
    for revision in commits + 1..commits + 10 {
        let commit = nth(revision);
        model.commit(&commit);
        store.commit(&[commit]).unwrap();
    }
    store.close().unwrap();
    model
}

/// Everything that an open and a replay find, or why it was put aside.
fn found(path: &Path) -> Result<(Model, Vec<Notice>), String> {
    let (store, recovered, notices) = Store::open(path, HOST).map_err(|e| e.to_string())?;
    let mut model = Model {
        recovered,
        ..Model::default()
    };
    store
        .replay(|changes| model.change(changes))
        .map_err(|e| e.to_string())?;
    store.close().map_err(|e| e.to_string())?;
    Ok((model, notices))
}

/// The files beside the state file.
fn aside(path: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file != path);
    files
}

#[test]
fn whatever_is_damaged_is_put_aside_and_never_read_wrongly() {
    let rounds = std::env::var(ROUNDS).map_or(150, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let model = a_state_file(&whole, 60);
    let bytes = fs::read(&whole).unwrap();
    let in_use: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let mut dice = Dice::new(u64::from(std::process::id()));
    let (mut as_before, mut put_aside) = (0, 0);
    for round in 0..rounds {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state");
        let mut damaged = bytes.clone();
        let at = in_use[dice.below(in_use.len() as u64) as usize];
        let what = match dice.below(6) {
            0 | 1 => {
                damaged[at] ^= 1 << dice.below(8);
                format!("a bit at {at}")
            }
            2 => {
                // Where the store keeps what its pages are.
                let at = dice.below(4096) as usize;
                damaged[at] ^= 1 << dice.below(8);
                format!("a bit of the header at {at}")
            }
            3 => {
                let end = damaged.len().min(at + dice.below(5000) as usize);
                damaged[at..end].fill_with(|| dice.roll() as u8);
                format!("noise from {at} to {end}")
            }
            4 => {
                let end = damaged.len().min(at + 4096);
                damaged[at..end].fill(0);
                format!("zeros from {at} to {end}")
            }
            _ => {
                let length = dice.below(damaged.len() as u64);
                damaged.truncate(length as usize);
                format!("cut to {length} bytes")
            }
        };
        fs::write(&path, damaged).unwrap();
        match found(&path) {
            Ok((found, notices)) if found == model => {
                // What was damaged is not in use.
                assert_eq!(notices, [], "round {round}: {what}");
                as_before += 1;
            }
            Ok((found, notices)) => {
                assert!(
                    found == Model::default(),
                    "round {round}: {what}: {notices:?}"
                );
                assert_eq!(notices.len(), 1, "round {round}: {what}");
                assert_eq!(aside(&path).len(), 1, "round {round}: {what}");
                put_aside += 1;
            }
            Err(error) => panic!("round {round}: {what}: {error}"),
        }
    }
    println!("{rounds} damages: {as_before} did not matter, {put_aside} were put aside");
    assert!(put_aside > rounds / 4);
}

#[test]
fn what_is_no_state_file_is_put_aside_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    for (n, content) in [&b"host: r\n"[..], &[0; 5000], b"redb"]
        .into_iter()
        .enumerate()
    {
        fs::write(&path, content).unwrap();
        let (model, notices) = found(&path).unwrap();
        assert_eq!(model, Model::default());
        assert_eq!(notices.len(), 1, "{content:?}");
        let said = notices[0].to_string();
        assert!(said.contains(".corrupt-"), "{said}");
        let files = aside(&path);
        assert_eq!(files.len(), n + 1);
        assert!(files.iter().any(|file| fs::read(file).unwrap() == content));
    }
}

#[test]
fn a_file_that_turns_out_wrong_later_is_put_aside_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let model = a_state_file(&path, 5);
    let (store, ..) = open(&path);
    let (mut store, notice) = store.set_aside("its networks do not fit").unwrap();
    let said = notice.to_string();
    assert!(said.contains("its networks do not fit"), "{said}");
    store.commit(&[nth(1)]).unwrap();
    store.close().unwrap();
    let [kept] = &aside(&path)[..] else {
        panic!("{:?}", aside(&path));
    };
    assert_eq!(open(kept).1, model);
    assert_eq!(open(&path).1.recovered.revision.0, 1);
}

#[test]
fn an_older_format_is_put_aside_under_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    a_state_file(&path, 3);
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let rows: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("vswitch");
        let mut rows = transaction.open_table(rows).unwrap();
        rows.insert("format", 0_u32.to_le_bytes().as_slice())
            .unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let (model, notices) = found(&path).unwrap();
    assert_eq!(model, Model::default());
    let said = notices[0].to_string();
    assert!(
        said.contains("format 0, this vswitch reads and writes 1"),
        "{said}"
    );
    assert!(said.contains("state.format-0-"), "{said}");
}

#[test]
fn a_folder_a_missing_one_and_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path(), HOST).unwrap_err().to_string();
    assert!(error.contains("it is not a file"), "{error}");
    let missing = folder.path().join("missing").join("state");
    let error = Store::open(&missing, HOST).unwrap_err().to_string();
    assert!(error.contains("create its folder"), "{error}");
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let (_, model, notices) = open(&empty);
    assert_eq!(model, Model::default());
    assert_eq!(notices.len(), 1);
}
