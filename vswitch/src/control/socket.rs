//! The socket's file: made with its mode and group in one step, never taken
//! from a daemon that still listens, removed at the end.

use core::time::Duration;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::peer::AccessRules;

/// The `control` section of the configuration, in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlConfig {
    /// The socket's path.
    pub socket: PathBuf,
    /// The socket's mode. `None`: 0660, or 0666 where two different groups
    /// are named, since a file has only one; who is in neither is then
    /// refused after connecting.
    pub mode: Option<u32>,
    /// The group whose members may use the reading verbs. Where no group is
    /// named at all, the socket's mode alone decides who may read.
    pub read_group: Option<String>,
    /// The group whose members may use every verb.
    pub write_group: Option<String>,
}

impl ControlConfig {
    /// Checks what can be checked before the socket is made.
    ///
    /// # Errors
    /// [`ControlError::NoSuchGroup`].
    pub fn check(&self) -> Result<(), ControlError> {
        AccessRules::new(self).map(drop)
    }
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            socket: control_api::DEFAULT_SOCKET.into(),
            mode: None,
            read_group: None,
            write_group: None,
        }
    }
}

/// The control socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another daemon listens there.
    #[error(
        "control.socket {} is in use: another vswitch listens on it; stop that one, or \
         give this one another control.socket",
        .0.display()
    )]
    InUse(PathBuf),
    /// Something else has that name.
    #[error(
        "control.socket {} exists and is not a socket; move it away, or choose another path",
        .0.display()
    )]
    NotASocket(PathBuf),
    /// The system has no such group.
    #[error(
        "control.{field} \"{group}\": this host has no such group; create it \
         (groupadd {group}) or leave {field} out"
    )]
    NoSuchGroup {
        /// `read-group` or `write-group`.
        field: &'static str,
        /// Its value.
        group: String,
    },
    /// A step in making the socket failed.
    #[error("control.socket {}: cannot {step}: {source}", .socket.display())]
    Io {
        /// The socket's path.
        socket: PathBuf,
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The server ended by itself.
    #[error("control.socket {}: the server ended: {source}", .socket.display())]
    Server {
        /// The socket's path.
        socket: PathBuf,
        /// Why.
        source: tonic::transport::Error,
    },
}

/// The file of a listening socket; removed when dropped.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A daemon started after us may have put its own in the place.
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.inode);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(socket = %self.path.display(), %error, "control socket stays behind");
        }
    }
}

/// Listens on the configured path.
///
/// The socket is made under another name and renamed once it has its mode and
/// group, so that nobody ever meets it half made.
pub(super) fn listen(
    config: &ControlConfig,
    rules: &AccessRules,
) -> Result<(UnixListener, SocketFile), ControlError> {
    let path = &config.socket;
    let failed = |step: &'static str| {
        move |source: io::Error| ControlError::Io {
            socket: path.clone(),
            step,
            source,
        }
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !directory.exists() {
        fs::create_dir(directory).map_err(failed("create its directory"))?;
    }
    // Two daemons that start at once must not both find the path free.
    let _lock = lock(directory).map_err(failed("lock its directory"))?;
    refuse_unless_free(path)?;

    let unnamed = path.with_extension(format!("{}.new", std::process::id()));
    // Left behind by a daemon that was killed here and had the same id.
    let _ = fs::remove_file(&unnamed);
    let listener = UnixListener::bind(&unnamed).map_err(failed("listen on it"))?;
    let dressed = dress(&unnamed, config, rules)
        .and_then(|()| fs::symlink_metadata(&unnamed))
        .and_then(|made| fs::rename(&unnamed, path).map(|()| made));
    let made = dressed.map_err(|error| {
        let _ = fs::remove_file(&unnamed);
        failed("set its mode and group")(error)
    })?;
    let file = SocketFile {
        path: path.clone(),
        inode: (made.dev(), made.ino()),
    };
    Ok((listener, file))
}

/// Whoever holds this lock does so for an instant, unless it is not one of us.
fn lock(directory: &Path) -> io::Result<File> {
    let directory = File::open(directory)?;
    for _ in 0..LOCK_TRIES {
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => thread::sleep(LOCK_PAUSE),
            other => return other.map(|()| directory).map_err(io::Error::from),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

fn dress(socket: &Path, config: &ControlConfig, rules: &AccessRules) -> io::Result<()> {
    if let Some(group) = rules.socket_group() {
        std::os::unix::fs::chown(socket, None, Some(group))?;
    }
    let mode = config.mode.unwrap_or_else(|| rules.socket_mode());
    fs::set_permissions(socket, fs::Permissions::from_mode(mode))
}

fn refuse_unless_free(path: &Path) -> Result<(), ControlError> {
    let there = match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(there) => there,
    };
    if !there.file_type().is_socket() {
        return Err(ControlError::NotASocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Whatever else it is, it is not known to be dead.
        Ok(_) | Err(_) => Err(ControlError::InUse(path.to_owned())),
    }
}

const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn config(directory: &tempfile::TempDir) -> ControlConfig {
        ControlConfig {
            socket: directory.path().join("control.sock"),
            ..ControlConfig::default()
        }
    }

    fn open(config: &ControlConfig) -> Result<(UnixListener, SocketFile), ControlError> {
        listen(config, &AccessRules::new(config).unwrap())
    }

    #[test]
    fn the_file_has_its_mode_and_goes_with_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&directory);
        let (listener, file) = open(&config).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&config.socket), 0o660);
        drop((listener, file));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

        config.mode = Some(0o600);
        let _second = open(&config).unwrap();
        assert_eq!(mode(&config.socket), 0o600);
    }

    #[test]
    fn a_missing_directory_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let config = ControlConfig {
            socket: directory.path().join("run/control.sock"),
            ..ControlConfig::default()
        };
        let (_listener, _file) = open(&config).unwrap();
        assert!(UnixStream::connect(&config.socket).is_ok());
    }

    #[test]
    fn a_live_socket_is_left_alone_and_a_dead_one_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        let dead = UnixListener::bind(&config.socket).unwrap();
        let error = open(&config).unwrap_err();
        assert!(matches!(error, ControlError::InUse(_)), "{error}");
        drop(dead);
        let (_listener, _file) = open(&config).unwrap();
        assert!(UnixStream::connect(&config.socket).is_ok());
    }

    #[test]
    fn something_else_is_never_removed() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        fs::write(&config.socket, "notes").unwrap();
        let error = open(&config).unwrap_err();
        assert!(matches!(error, ControlError::NotASocket(_)), "{error}");
        assert_eq!(fs::read_to_string(&config.socket).unwrap(), "notes");
    }

    #[test]
    fn a_successor_keeps_its_socket_when_we_end() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        let (first, file) = open(&config).unwrap();
        drop(first);
        let (_second, _its_file) = open(&config).unwrap();
        drop(file);
        assert!(UnixStream::connect(&config.socket).is_ok());
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_said_so() {
        let directory = tempfile::tempdir().unwrap();
        let config = ControlConfig {
            socket: directory.path().join("x".repeat(120)),
            ..ControlConfig::default()
        };
        let text = open(&config).unwrap_err().to_string();
        assert!(text.contains("cannot listen on it"), "{text}");
    }
}
