//! Socket files that ports make: what a dead process left is removed, what a
//! living one uses is refused.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Why a socket cannot be made at a path.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody listens there.
    #[error("socket {path} is in use by another process; stop that, or use another path")]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// There is a file of another kind.
    #[error("{path} is not a socket; remove it, or use another path")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The folder is missing.
    #[error("folder {folder} of socket {path} does not exist; make it")]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot prepare socket {path}: {source}")]
    Io {
        /// The path.
        path: PathBuf,
        /// Its reason.
        source: std::io::Error,
    },
}

/// Makes sure that a socket can be made at `path`.
///
/// # Errors
/// [`SocketError`], with what to do about it.
pub fn make_way(path: &Path) -> Result<(), SocketError> {
    let owned = || path.to_owned();
    let io = |source| SocketError::Io {
        path: owned(),
        source,
    };
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            return Err(SocketError::NoFolder {
                folder: folder.to_owned(),
                path: owned(),
            });
        }
        _ => {}
    }
    let kind = match path.symlink_metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    if !kind.is_socket() {
        return Err(SocketError::NotASocket { path: owned() });
    }
    // A listener of another socket type is a listener, too: only a refused
    // connection says that nobody is there.
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(io)
        }
        _ => Err(SocketError::Busy { path: owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_what_nobody_uses_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        make_way(&path).unwrap();

        let listener = UnixListener::bind(&path).unwrap();
        assert!(matches!(make_way(&path), Err(SocketError::Busy { .. })));
        drop(listener);
        assert!(path.exists());
        make_way(&path).unwrap();
        assert!(!path.exists());

        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(
            make_way(&path),
            Err(SocketError::NotASocket { .. })
        ));
        assert!(path.exists());
        let lost = folder.path().join("no/s");
        assert!(make_way(&lost).unwrap_err().to_string().contains("make it"));
    }
}
