//! A state file that is open, and what it takes.

use std::path::Path;

use super::error::{Notice, StateError};
use super::record::{Commit, MappingChange, Recovered};

/// An open state file. Only the commit thread has it.
#[derive(Debug)]
pub struct Store {}

/// What [`Store::replay`] went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Changes that were handed out: puts and removals, in order.
    pub changes: u64,
}

/// Writes all mappings anew, piece by piece between commits, so that the log
/// of changes can go: [`Store::begin_checkpoint`].
#[derive(Debug)]
pub struct Checkpoint {}

/// How far a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to write.
    More,
    /// It is complete, and the old log is gone.
    Done,
}

impl Store {
    /// Opens a host's state file, or makes it. A file that is corrupt or of
    /// another format is moved aside, which the notices say, and a new one is
    /// made.
    ///
    /// # Errors
    /// [`StateError::Unopened`], [`StateError::Held`],
    /// [`StateError::OtherHost`]: the start should not go on.
    pub fn open(path: &Path, host: &str) -> Result<(Self, Recovered, Vec<Notice>), StateError> {
        let _ = (path, host);
        Ok((Self {}, Recovered::default(), Vec::new()))
    }

    /// Hands out all mappings: changes to be carried out in their order, in
    /// slices of some thousands. To be called before the first commit.
    ///
    /// # Errors
    /// [`StateError::Corrupt`]: what was handed out until then is to be thrown
    /// away; [`Store::set_aside`] is the way on.
    pub fn replay(&self, mut each: impl FnMut(&[MappingChange])) -> Result<Replayed, StateError> {
        each(&[]);
        Ok(Replayed::default())
    }

    /// Moves the file aside and begins with an empty one.
    ///
    /// # Errors
    /// [`StateError::Unopened`].
    pub fn set_aside(self, reason: &str) -> Result<(Self, Notice), StateError> {
        let _ = reason;
        Err(StateError::Unopened {
            path: Path::new("").into(),
            problem: String::new(),
            remedy: "",
        })
    }

    /// Writes commits, in their order and together: after `Ok` all of them are
    /// on the disk, after an error none is. What [`Store::learn`] holds back
    /// goes with them, before them.
    ///
    /// # Errors
    /// [`StateError::NotWritten`], [`StateError::Unsure`],
    /// [`StateError::OutOfOrder`].
    pub fn commit(&mut self, group: &[Commit]) -> Result<(), StateError> {
        let _ = group;
        Ok(())
    }

    /// Takes a commit of which a crash may lose the trace: it is written with
    /// the next [`Store::commit`] or [`Store::flush_learned`], or when too many
    /// wait.
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    pub fn learn(&mut self, commit: Commit) -> Result<(), StateError> {
        let _ = commit;
        Ok(())
    }

    /// Writes what [`Store::learn`] holds back: to be called every two seconds.
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    pub fn flush_learned(&mut self) -> Result<(), StateError> {
        self.commit(&[])
    }

    /// The file has grown so much beyond `mappings`, the number that there are,
    /// that it is time for a checkpoint.
    pub fn wants_checkpoint(&self, mappings: u64) -> bool {
        let _ = mappings;
        false
    }

    /// Begins a checkpoint. `mappings` are all that clients have loaded, by
    /// rising (segment, address), each with its place, as of the last commit:
    /// an iterator over a snapshot of the tables.
    pub fn begin_checkpoint(
        &mut self,
        mappings: impl Iterator<Item = MappingChange> + Send + 'static,
    ) -> Checkpoint {
        drop(mappings);
        Checkpoint {}
    }

    /// Writes the next piece of a checkpoint, about a megabyte; commits may
    /// come before and after it.
    ///
    /// # Errors
    /// Those of [`Store::commit`]; the checkpoint is to be dropped then.
    pub fn checkpoint_step(&mut self, checkpoint: &mut Checkpoint) -> Result<Progress, StateError> {
        let _ = checkpoint;
        Ok(Progress::Done)
    }

    /// Writes what is held back and lets go of the file, so that another
    /// process can open it at once.
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    pub fn close(mut self) -> Result<(), StateError> {
        self.flush_learned()
    }
}
