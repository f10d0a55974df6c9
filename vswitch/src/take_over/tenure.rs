//! Who has a host's ports: a lock on a file beside the control socket, held from
//! before the first port is opened until the last is closed. The system lets go
//! of it when the process ends in any way.

use core::time::Duration;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The ports cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TenureError {
    /// Another vswitch does not let go of them.
    #[error(
        "another vswitch with control.socket {} has not closed its ports within {} s: end it \
         (its process has {} locked), then start this one", .socket.display(), .waited.as_secs(),
        .lock.display()
    )]
    Held {
        /// The socket of both.
        socket: PathBuf,
        /// The file.
        lock: PathBuf,
        /// For how long it was waited for.
        waited: Duration,
    },
    /// The file cannot be made.
    #[error("cannot make {}, which says who has the ports: {source}", .lock.display())]
    Io {
        /// The file.
        lock: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The right to open the ports.
#[derive(Debug)]
pub struct Tenure {
    _locked: File,
}

impl Tenure {
    /// Waits until no other daemon with this control socket has its ports open.
    ///
    /// # Errors
    /// [`TenureError`].
    pub fn begin(socket: &Path) -> Result<Self, TenureError> {
        Self::within(socket, PATIENCE)
    }

    fn within(socket: &Path, patience: Duration) -> Result<Self, TenureError> {
        let mut name = socket.file_name().unwrap_or_default().to_owned();
        name.push(".ports");
        let lock = socket.with_file_name(name);
        let failed = |source: io::Error| TenureError::Io {
            lock: lock.clone(),
            source,
        };
        let mut options = File::options();
        // Never truncated or removed: whoever waits has it open.
        let file = options.write(true).create(true).truncate(false);
        let file = file.open(&lock).map_err(failed)?;
        let began = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _locked: file }),
                Err(Errno::WOULDBLOCK) if began.elapsed() < patience => thread::sleep(LOOK_AGAIN),
                Err(Errno::WOULDBLOCK) => {
                    return Err(TenureError::Held {
                        socket: socket.to_owned(),
                        lock,
                        waited: patience,
                    });
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
    }
}

/// For another daemon to close its ports: it lets its clients' answers end, and
/// its workers.
const PATIENCE: Duration = Duration::from_secs(20);
/// Packets wait meanwhile.
const LOOK_AGAIN: Duration = Duration::from_micros(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_ports_and_the_next_one_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        let first = Tenure::begin(&socket).unwrap();
        let refused = Tenure::within(&socket, Duration::ZERO).unwrap_err();
        assert!(refused.to_string().contains("control.sock.ports"));
        let waiting = thread::spawn(move || Tenure::begin(&socket).map(drop));
        drop(first);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn another_socket_has_other_ports() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Tenure::begin(&folder.path().join("a.sock")).unwrap();
        assert!(Tenure::within(&folder.path().join("b.sock"), Duration::ZERO).is_ok());
    }
}
