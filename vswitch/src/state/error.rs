//! Why the state file could not be used, and what to do.

use core::fmt;
use std::path::PathBuf;

use super::record::Revision;

/// Why the state file could not be used. Nothing was changed then, but for
/// [`StateError::Unsure`].
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be opened, made or moved: permissions, a missing folder, an
    /// I/O error.
    #[error("state file {}: {problem}\n  remedy: {remedy}", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Another process has it open.
    #[error(
        "state file {} is in use by {holder}\n  remedy: stop that one first, or give this one \
         a file of its own (state: FILE)", path.display()
    )]
    Held {
        /// The file.
        path: PathBuf,
        /// Who: `process 812 (vswitch)`, or `another process`.
        holder: String,
    },
    /// It is the state of another host.
    #[error(
        "state file {} is that of host {found}, this is host {host}\n  remedy: name this host's \
         own file (state: FILE), or move the other one away", path.display()
    )]
    OtherHost {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Who we are.
        host: String,
    },
    /// What it says cannot be right, or cannot be read.
    #[error("state file {} is corrupt: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A commit was not written. The file is as before, and takes the next.
    #[error("state file {}: {reason}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A commit may have been written or not; a restart will tell. Until then
    /// the file takes no more.
    #[error(
        "state file {}: it is not certain that the last change was written ({reason}); nothing \
         more is written until vswitch is restarted", path.display()
    )]
    Unsure {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A commit is not newer than what the file has.
    #[error("revision {revision} comes after revision {newest}: commits must be in order")]
    OutOfOrder {
        /// The commit's.
        revision: Revision,
        /// The file's.
        newest: Revision,
    },
}

/// Something that the operator should hear of, though the start goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The state file.
    pub path: PathBuf,
    /// What was found.
    pub reason: String,
    /// What was done about it.
    pub done: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, reason, done } = self;
        write!(f, "state file {}: {reason}; {done}", path.display())
    }
}
