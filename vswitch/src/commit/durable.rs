//! The state file, if there is one, in the commit thread's words.

use std::path::{Path, PathBuf};

use super::order::{MappingChange, Revision};
use super::refusal::Refusal;
use super::survey::Survey;
use super::writer::SharedPublisher;
use crate::state::{Checkpoint, Commit, Notice, Progress, StateError, Store};

/// The state file, or nothing.
pub struct Durable {
    store: Option<(Store, PathBuf)>,
    checkpoint: Option<(Checkpoint, Survey)>,
    /// Lent to the vswitch that takes over.
    lent: Option<Lent>,
}

/// How a file is opened again.
struct Lent {
    path: PathBuf,
    host: String,
}

impl Durable {
    /// This file, just opened.
    pub fn in_file(store: Store, path: &Path) -> Self {
        Self {
            store: Some((store, path.to_owned())),
            checkpoint: None,
            lent: None,
        }
    }

    /// No file: nothing survives a restart.
    pub const fn nowhere() -> Self {
        Self {
            store: None,
            checkpoint: None,
            lent: None,
        }
    }

    /// Hands out the mappings that clients have loaded, at the start.
    ///
    /// # Errors
    /// [`StateError::Corrupt`].
    pub fn replay(&self, each: impl FnMut(&[MappingChange])) -> Result<(), StateError> {
        match &self.store {
            Some((store, _)) => store.replay(each).map(drop),
            None => Ok(()),
        }
    }

    /// Puts the file aside, and begins another.
    ///
    /// # Errors
    /// [`StateError::Unopened`].
    pub fn set_aside(self, reason: &str) -> Result<(Store, Notice), StateError> {
        let Some((store, _)) = self.store else {
            return Err(StateError::Unopened {
                path: PathBuf::new(),
                problem: reason.to_owned(),
                remedy: "name a state file in the configuration",
            });
        };
        store.set_aside(reason)
    }

    /// Does anything survive a restart?
    pub(super) const fn is_there(&self) -> bool {
        self.store.is_some()
    }

    /// The file.
    pub fn path(&self) -> Option<&Path> {
        self.store.as_ref().map(|(_, path)| path.as_path())
    }

    /// Writes one commit.
    pub(super) fn write(&mut self, commit: Commit) -> Result<(), Refusal> {
        let Some((store, _)) = &mut self.store else {
            return Ok(());
        };
        store.commit(&[commit]).map_err(not_durable)
    }

    /// Writes transactions in their order; learned ones may wait a while.
    pub(super) fn write_transactions(
        &mut self,
        commits: impl Iterator<Item = (Commit, bool)>,
    ) -> Result<(), Refusal> {
        let Some((store, _)) = &mut self.store else {
            return Ok(());
        };
        let (commits, learned): (Vec<_>, Vec<_>) = commits.unzip();
        if learned.iter().all(|learned| *learned) {
            let mut commits = commits.into_iter();
            return commits.try_for_each(|commit| store.learn(commit).map_err(not_durable));
        }
        store.commit(&commits).map_err(not_durable)
    }

    /// Writes what was learned; about every two seconds.
    pub(super) fn flush(&mut self) {
        if let Some((store, path)) = &mut self.store
            && let Err(error) = store.flush_learned()
        {
            tracing::error!(file = %path.display(), %error, "learned mappings are not written");
        }
    }

    /// Is it time to write all mappings anew?
    pub(super) fn wants_checkpoint(&self, mappings: u64) -> bool {
        let store = self.store.as_ref();
        self.checkpoint.is_none() && store.is_some_and(|(s, _)| s.wants_checkpoint(mappings))
    }

    /// Begins to write all mappings anew. What changes meanwhile is in the log,
    /// too, so it does no harm that the pieces are of different moments.
    pub(super) fn begin_checkpoint(&mut self, publisher: &SharedPublisher) {
        let Some((store, path)) = &mut self.store else {
            return;
        };
        match Survey::begin(publisher) {
            Ok((survey, mappings)) => {
                self.checkpoint = Some((store.begin_checkpoint(mappings), survey));
            }
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "the state file goes on growing");
            }
        }
    }

    /// Writes a piece of the checkpoint, if there is one. True if there is more.
    pub(super) fn checkpoint_step(&mut self) -> bool {
        let (Some((store, path)), Some((checkpoint, survey))) =
            (&mut self.store, &mut self.checkpoint)
        else {
            return false;
        };
        if !survey.is_ready() {
            return true;
        }
        match store.checkpoint_step(checkpoint) {
            Ok(Progress::More) => return true,
            Ok(Progress::Done) => {}
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "the state file goes on growing");
            }
        }
        self.checkpoint = None;
        false
    }

    /// Lets go of the file for another vswitch: it has all that was answered.
    ///
    /// # Errors
    /// What was learned last could not be written; the file is closed all the
    /// same.
    pub(super) fn lend(&mut self) -> Result<(), StateError> {
        self.lent = self.store.as_ref().map(|(store, path)| Lent {
            path: path.clone(),
            host: store.host().to_owned(),
        });
        self.close()
    }

    /// Opens the file that was lent. Gives the newest revision in it; `None`:
    /// there is no file.
    ///
    /// # Errors
    /// Those of [`Store::open`]; then it is still lent.
    pub(super) fn take_back(&mut self) -> Result<Option<Revision>, StateError> {
        let Some(Lent { path, host }) = &self.lent else {
            return Ok(None);
        };
        let (store, recovered, _) = Store::open(path, host)?;
        self.store = Some((store, path.clone()));
        self.lent = None;
        Ok(Some(recovered.revision))
    }

    /// Lets go of the file.
    ///
    /// # Errors
    /// What was learned last could not be written.
    pub(super) fn close(&mut self) -> Result<(), StateError> {
        self.checkpoint = None;
        match self.store.take() {
            Some((store, _)) => store.close(),
            None => Ok(()),
        }
    }
}

fn not_durable(error: StateError) -> Refusal {
    Refusal::NotDurable(error.to_string())
}
