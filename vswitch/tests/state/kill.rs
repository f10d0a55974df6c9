//! `kill -9` at random moments: what is found is a whole number of commits,
//! and all that were answered.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use vswitch::state::Progress;

use crate::model::{Dice, Model, nth, open};

/// Set in the process that is killed: the file that it writes.
const VICTIM: &str = "VSWITCH_TEST_STATE_VICTIM";

/// How many times; 12 unless this is set.
const ROUNDS: &str = "VSWITCH_TEST_STATE_KILLS";

#[test]
fn killed_at_any_moment_it_finds_whole_commits_and_every_answered_one() {
    if let Some(path) = std::env::var_os(VICTIM) {
        commit_until_killed(&PathBuf::from(path));
    }
    let rounds = std::env::var(ROUNDS).map_or(12, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut dice = Dice::new(u64::from(std::process::id()));
    let mut model = Model::default();
    let (mut found_more, mut in_checkpoint) = (0, 0);
    for round in 0..rounds {
        let told = kill_one(&path, &mut dice);
        // Now and then the next victim repairs the file, not we.
        let copy = folder.path().join("copy");
        let to_read = if dice.below(2) == 0 {
            path.clone()
        } else {
            fs::copy(&path, &copy).map_or_else(|_| path.clone(), |_| copy)
        };
        let (store, found, notices) = open(&to_read);
        store.close().unwrap();
        let aside = notices.iter().find(|notice| notice.done.contains("moved"));
        assert_eq!(aside, None, "round {round}");
        let revision = found.recovered.revision.0;
        assert!(
            revision >= told.answered && revision >= model.recovered.revision.0,
            "round {round}: answered {}, found {revision}",
            told.answered
        );
        for n in model.recovered.revision.0 + 1..=revision {
            model.commit(&nth(n));
        }
        assert!(
            found == model,
            "round {round}: a mix at revision {revision}"
        );
        found_more += u32::from(revision > told.answered);
        in_checkpoint += u32::from(told.in_checkpoint);
    }
    println!(
        "{rounds} kills, {} commits; {in_checkpoint} kills during a checkpoint, {found_more} \
         after a commit was durable and before it was answered",
        model.recovered.revision
    );
    assert!(model.recovered.revision.0 > rounds);
}

struct Told {
    answered: u64,
    in_checkpoint: bool,
}

/// Starts a process that commits, kills it, and returns what it had said.
fn kill_one(path: &Path, dice: &mut Dice) -> Told {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("kill::killed_at_any_moment_it_finds_whole_commits_and_every_answered_one")
        .env(VICTIM, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let said = BufReader::new(victim.stdout.take().unwrap());
    let mut lines = said.lines().map_while(Result::ok);
    let mut told = Told {
        answered: 0,
        in_checkpoint: false,
    };
    let mut hear = |line: String| {
        if let Some(revision) = line.strip_prefix("answered ") {
            told.answered = revision.parse().unwrap();
        } else if let Some(state) = line.strip_prefix("checkpoint ") {
            told.in_checkpoint = state == "more";
        }
    };
    // Most are killed while they commit, some while they open the file.
    if dice.below(6) != 0 {
        for line in lines.by_ref() {
            let begun = line.starts_with("answered ");
            hear(line);
            if begun {
                break;
            }
        }
    }
    std::thread::sleep(Duration::from_micros(dice.below(60_000)));
    victim.kill().unwrap();
    lines.for_each(hear);
    victim.wait().unwrap();
    told
}

fn commit_until_killed(path: &Path) -> ! {
    let (mut store, mut model, _) = open(path);
    let mut dice = Dice::new(u64::from(std::process::id()));
    let say = |text: String| {
        let mut out = std::io::stdout().lock();
        // The parent may be gone.
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    };
    let mut checkpoint = None;
    let mut next = model.recovered.revision.0 + 1;
    loop {
        let count = 1 + dice.below(4);
        let group: Vec<_> = (next..next + count).map(nth).collect();
        group.iter().for_each(|commit| model.commit(commit));
        next += count;
        if dice.below(4) == 0 {
            for commit in group {
                store.learn(commit).unwrap();
            }
            continue;
        }
        store.commit(&group).unwrap();
        say(format!("answered {}", next - 1));
        if dice.below(12) == 0 {
            let mappings = model.snapshot().into_iter();
            checkpoint = Some(store.begin_checkpoint(mappings).in_parts_of(700));
        }
        if let Some(under_way) = &mut checkpoint {
            if store.checkpoint_step(under_way).unwrap() == Progress::More {
                say("checkpoint more".to_owned());
            } else {
                say("checkpoint done".to_owned());
                checkpoint = None;
            }
        }
    }
}
