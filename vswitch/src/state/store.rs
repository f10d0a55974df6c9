//! A state file that is open, and what it takes.

use std::path::{Path, PathBuf};

use prost::Message as _;
use redb::{Database, WriteTransaction};

use super::checkpoint::{Checkpoint, Progress, drop_tables};
use super::error::{Notice, StateError};
use super::file::{self, Opening, Useless};
use super::image::{Image, Replayed, replay};
use super::layout::{BASE_PREFIX, Head, ROW_HEAD, ROWS};
use super::record::{Commit, MappingChange, Recovered, Revision};

/// Changes of mappings that [`Store::learn`] holds back at most.
const LEARNED_WAIT: usize = 1 << 16;

/// Changes in the file beyond what is needed, from which on a checkpoint is
/// worth its while even if there are few mappings: about 16 MiB.
const CHANGES_WORTH_IT: u64 = 1 << 20;

/// An open state file. Only the commit thread has it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// `None` after an error, until it could be opened again.
    database: Option<Database>,
    image: Image,
    learned: Vec<Commit>,
    learned_changes: usize,
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
        let mut notices = Vec::new();
        loop {
            let useless = match file::open(path)? {
                Opening::Missing => {
                    file::create(path, host)?;
                    continue;
                }
                Opening::Open(_, head) if head.host != host => {
                    return Err(StateError::OtherHost {
                        path: path.into(),
                        found: head.host,
                        host: host.to_owned(),
                    });
                }
                Opening::Open(database, head) => match Self::read(path, database, head) {
                    Ok((store, recovered)) => {
                        if !store.image.head.closed {
                            notices.push(Notice {
                                path: path.into(),
                                reason: "it was not closed when vswitch last ended".to_owned(),
                                done: format!(
                                    "it was checked, and is complete up to revision {}",
                                    recovered.revision
                                ),
                            });
                        }
                        return Ok((store, recovered, notices));
                    }
                    Err(reason) => Useless::Corrupt(reason),
                },
                Opening::Useless(useless) => useless,
            };
            notices.push(file::set_aside(path, &useless)?);
        }
    }

    fn read(path: &Path, database: Database, head: Head) -> Result<(Self, Recovered), String> {
        let (image, recovered) = Image::read(&database, head)?;
        let store = Self {
            path: path.into(),
            database: Some(database),
            image,
            learned: Vec::new(),
            learned_changes: 0,
        };
        Ok((store, recovered))
    }

    /// Whose state it is.
    pub fn host(&self) -> &str {
        &self.image.head.host
    }

    /// Hands out all mappings: changes to be carried out in their order, in
    /// slices of some thousands. To be called before the first commit.
    ///
    /// # Errors
    /// [`StateError::Corrupt`]: what was handed out until then is to be thrown
    /// away; [`Store::set_aside`] is the way on.
    pub fn replay(&self, each: impl FnMut(&[MappingChange])) -> Result<Replayed, StateError> {
        let replayed = match &self.database {
            Some(database) => replay(database, &self.image.head, each),
            None => Err("it could not be opened again".to_owned()),
        };
        replayed.map_err(|reason| StateError::Corrupt {
            path: self.path.clone(),
            reason,
        })
    }

    /// Moves the file aside and begins with an empty one.
    ///
    /// # Errors
    /// [`StateError::Unopened`], [`StateError::Held`].
    pub fn set_aside(self, reason: &str) -> Result<(Self, Notice), StateError> {
        let Self {
            path,
            database,
            image,
            ..
        } = self;
        // While it is locked: nobody else can have it in between.
        let notice = file::set_aside(&path, &Useless::Corrupt(reason.to_owned()))?;
        drop(database);
        let (store, _, _) = Self::open(&path, &image.head.host)?;
        Ok((store, notice))
    }

    /// Writes commits, in their order and together: after `Ok` all of them are
    /// on the disk, after an error none is. What [`Store::learn`] holds back
    /// goes with them, before them.
    ///
    /// # Errors
    /// [`StateError::NotWritten`], [`StateError::Unsure`],
    /// [`StateError::OutOfOrder`].
    pub fn commit(&mut self, group: &[Commit]) -> Result<(), StateError> {
        self.check_order(group)?;
        if self.learned.is_empty() && group.is_empty() {
            return Ok(());
        }
        let learned = core::mem::take(&mut self.learned);
        let written =
            self.write(|image, transaction| image.append(learned.iter().chain(group), transaction));
        if written.is_ok() {
            self.learned_changes = 0;
        } else {
            self.learned = learned;
        }
        written
    }

    /// Takes a commit of which a crash may lose the trace: it is written with
    /// the next [`Store::commit`] or [`Store::flush_learned`], or when too many
    /// wait.
    ///
    /// # Errors
    /// Those of [`Store::commit`]; the commit is not held back then.
    pub fn learn(&mut self, commit: Commit) -> Result<(), StateError> {
        let group = core::slice::from_ref(&commit);
        if self.learned_changes + commit.mappings.len() > LEARNED_WAIT {
            return self.commit(group);
        }
        self.check_order(group)?;
        self.learned_changes += commit.mappings.len();
        self.learned.push(commit);
        Ok(())
    }

    /// Writes what [`Store::learn`] holds back: to be called every two seconds.
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    pub fn flush_learned(&mut self) -> Result<(), StateError> {
        self.commit(&[])
    }

    fn check_order(&self, group: &[Commit]) -> Result<(), StateError> {
        let held_back = self.learned.last().map(|commit| commit.revision);
        let mut newest = held_back.unwrap_or(Revision(self.image.head.revision));
        for commit in group {
            let rises = commit.revision > newest;
            if !rises && (commit.revision < newest || commit.changes_tables()) {
                return Err(StateError::OutOfOrder {
                    revision: commit.revision,
                    newest,
                });
            }
            newest = commit.revision;
        }
        Ok(())
    }

    /// The file has grown so much beyond `mappings`, the number that there are,
    /// that it is time for a checkpoint.
    pub fn wants_checkpoint(&self, mappings: u64) -> bool {
        let Head {
            base_mappings,
            log_changes,
            ..
        } = self.image.head;
        let needed = mappings.saturating_add(mappings / 2);
        base_mappings + log_changes > needed.saturating_add(CHANGES_WORTH_IT)
    }

    /// Begins a checkpoint: all mappings are written anew, part by part between
    /// commits, and then the log of their changes goes. `mappings` are all that
    /// clients have loaded, each with its place, best by rising (segment,
    /// address): as of the last commit or later, for what comes after it is in
    /// the log as well. A checkpoint that is under way is given up.
    pub fn begin_checkpoint(
        &mut self,
        mappings: impl Iterator<Item = MappingChange> + Send + 'static,
    ) -> Checkpoint {
        let head = &mut self.image.head;
        head.log += 1;
        self.image.next_piece = 0;
        Checkpoint::new(head.log, head.log_changes, Box::new(mappings))
    }

    /// Writes the next part of a checkpoint; commits may come before and after
    /// it. What [`Store::learn`] holds back is written first: it may be among
    /// the mappings.
    ///
    /// # Errors
    /// Those of [`Store::commit`]; the checkpoint is to be dropped then.
    pub fn checkpoint_step(&mut self, checkpoint: &mut Checkpoint) -> Result<Progress, StateError> {
        self.flush_learned()?;
        let given_up = checkpoint.number() != self.image.head.log;
        if given_up || checkpoint.number() == self.image.head.base {
            return Ok(Progress::Done);
        }
        let mut progress = Progress::More;
        self.write(|image, transaction| {
            if checkpoint.is_new() {
                drop_tables(transaction, BASE_PREFIX, |base| base != image.head.base)?;
            }
            progress = checkpoint.write(transaction)?;
            if progress == Progress::Done {
                checkpoint.take_over(&mut image.head, transaction)?;
            }
            Ok(())
        })?;
        Ok(progress)
    }

    /// Writes what is held back and lets go of the file, so that another
    /// process can open it at once.
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    pub fn close(mut self) -> Result<(), StateError> {
        self.flush_learned()?;
        if !self.image.head.closed {
            self.write(|image, _| {
                image.head.closed = true;
                Ok(())
            })?;
        }
        let closed = self.database.take().map_or(Ok(()), Database::close);
        closed.map_err(|error| StateError::NotWritten {
            path: self.path,
            reason: format!("cannot close it: {error}"),
        })
    }

    /// One transaction: `change` says what is written, and what the file is
    /// like afterwards.
    fn write(
        &mut self,
        mut change: impl FnMut(&mut Image, &WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StateError> {
        let mut next = self.image.clone();
        next.head.transactions += 1;
        next.head.closed = false;
        let database = self.open_again()?;
        let mut written = || -> Result<(), redb::Error> {
            let transaction = database.begin_write()?;
            change(&mut next, &transaction)?;
            let head = next.head.encode_to_vec();
            let mut rows = transaction.open_table(ROWS)?;
            rows.insert(ROW_HEAD, head.as_slice())?;
            drop(rows);
            // With the default durability: on the disk when this returns.
            transaction.commit()?;
            Ok(())
        };
        let written = written();
        match written {
            Ok(()) => {
                self.image = next;
                Ok(())
            }
            Err(error) => Err(self.after(&error)),
        }
    }

    /// The open store; after an error, opens it again.
    fn open_again(&mut self) -> Result<&Database, StateError> {
        if self.database.is_none() {
            let (database, head) = match file::reopen(&self.path) {
                Ok(open) => open,
                Err(reason) => {
                    return Err(StateError::NotWritten {
                        path: self.path.clone(),
                        reason,
                    });
                }
            };
            if head.transactions != self.image.head.transactions {
                return Err(StateError::Unsure {
                    path: self.path.clone(),
                    reason: "it has a change that was reported as failed".to_owned(),
                });
            }
            return Ok(self.database.insert(database));
        }
        match &self.database {
            Some(database) => Ok(database),
            None => Err(StateError::NotWritten {
                path: self.path.clone(),
                reason: "it is not open".to_owned(),
            }),
        }
    }

    /// After a failed transaction: is the file as before it?
    fn after(&mut self, error: &redb::Error) -> StateError {
        // After an I/O error the store wants to be opened anew.
        self.database = None;
        let reason = error.to_string();
        match self.open_again() {
            Ok(_) => StateError::NotWritten {
                path: self.path.clone(),
                reason,
            },
            Err(StateError::Unsure { path, .. }) => StateError::Unsure { path, reason },
            Err(_) => StateError::NotWritten {
                path: self.path.clone(),
                reason,
            },
        }
    }
}
