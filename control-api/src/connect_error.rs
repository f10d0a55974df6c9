//! Why there is no conversation with a vswitch, and what to do about it.

use core::fmt::Write as _;
use core::time::Duration;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User};
use tonic::{Code, Status};

use crate::v1::ApiVersion;

/// There is no conversation with the daemon.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody has made the socket.
    #[error(
        "no socket at {}: is vswitch running? start it (vswitch --config FILE), \
         or name the socket of its configuration's control.socket with --socket",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// The socket is there, its maker is gone.
    #[error(
        "nobody listens on {}: a vswitch has ended without removing it; \
         see why in its log, and start it again (vswitch --config FILE)",
        .0.display()
    )]
    NobodyListens(PathBuf),
    /// What has that name is no socket.
    #[error("{} is not a socket; check the path given with --socket", .0.display())]
    NotASocket(PathBuf),
    /// The file system refuses.
    #[error("not allowed to connect to {}: {remedy}", .socket.display())]
    Forbidden {
        /// The socket.
        socket: PathBuf,
        /// Who may, and how to become one of them.
        remedy: String,
    },
    /// The daemon refuses.
    #[error("the vswitch at {} refuses: {reason}", .socket.display())]
    Refused {
        /// The socket.
        socket: PathBuf,
        /// The daemon's words.
        reason: String,
    },
    /// The two sides speak different major versions.
    #[error(
        "this client speaks control protocol version {ours}, but {daemon} (socket {}): \
         use the vswitchctl that came with that vswitch",
        .socket.display()
    )]
    Version {
        /// The socket.
        socket: PathBuf,
        /// Our major version.
        ours: u32,
        /// What is known of the daemon's.
        daemon: String,
    },
    /// The daemon took the connection and stays silent.
    #[error(
        "the vswitch at {} did not answer within {} s: its control thread hangs or is \
         overloaded; look at its log",
        .socket.display(), .waited.as_secs()
    )]
    NoAnswer {
        /// The socket.
        socket: PathBuf,
        /// For how long we listened.
        waited: Duration,
    },
    /// The path cannot be used as a socket.
    #[error("cannot connect to {}: {source}; check the path given with --socket", .socket.display())]
    Path {
        /// The path.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke, or is no vswitch's.
    #[error(
        "{} does not talk like a vswitch's control socket ({reason}): check the path given \
         with --socket; if it is right, that vswitch is ending or has too many clients: try again",
        .socket.display()
    )]
    Transport {
        /// The socket.
        socket: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

impl ConnectError {
    pub(crate) fn from_io(socket: &Path, error: io::Error) -> Self {
        let socket = socket.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotRunning(socket),
            // The system says the same of both.
            io::ErrorKind::ConnectionRefused if is_socket(&socket) => Self::NobodyListens(socket),
            io::ErrorKind::ConnectionRefused => Self::NotASocket(socket),
            io::ErrorKind::PermissionDenied => Self::Forbidden {
                remedy: who_may(&socket),
                socket,
            },
            _ => Self::Path {
                socket,
                source: error,
            },
        }
    }

    pub(crate) fn from_hello(socket: &Path, ours: ApiVersion, status: Status) -> Self {
        let socket = socket.to_owned();
        let reason = status.message().to_owned();
        match status.code() {
            Code::PermissionDenied | Code::ResourceExhausted => Self::Refused { socket, reason },
            Code::FailedPrecondition | Code::Unimplemented => Self::Version {
                socket,
                ours: ours.major,
                daemon: match status.code() {
                    Code::Unimplemented => "the daemon does not know that version".to_owned(),
                    _ => format!("the daemon says: {reason}"),
                },
            },
            _ => Self::Transport { socket, reason },
        }
    }
}

fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// Who may connect according to the socket's owner and mode.
fn who_may(socket: &Path) -> String {
    let Ok(file) = std::fs::metadata(socket) else {
        return "its directory is closed to you; run as root".to_owned();
    };
    let owner = name_or_number(
        User::from_uid(Uid::from_raw(file.uid())).map(|u| u.map(|u| u.name)),
        file.uid(),
    );
    let group = name_or_number(
        Group::from_gid(Gid::from_raw(file.gid())).map(|g| g.map(|g| g.name)),
        file.gid(),
    );
    let mode = file.mode() & 0o777;
    let mut text =
        format!("it belongs to user {owner}, group {group}, mode {mode:04o}; run as {owner}");
    // To become a member of root's group is no advice.
    if mode & GROUP_WRITE != 0 && file.gid() != 0 {
        let _ = write!(
            text,
            ", or join that group (usermod -aG {group} <you>) and log in again"
        );
    } else {
        text.push_str(", or ask for a control.read-group in vswitch's configuration");
    }
    text
}

fn name_or_number(name: nix::Result<Option<String>>, number: u32) -> String {
    name.ok().flatten().unwrap_or_else(|| number.to_string())
}

/// Connecting needs write permission (unix(7)).
const GROUP_WRITE: u32 = 0o020;

#[cfg(test)]
mod tests {
    use super::*;

    fn io(kind: io::ErrorKind) -> String {
        ConnectError::from_io(Path::new("/nowhere/control.sock"), kind.into()).to_string()
    }

    #[test]
    fn each_failure_says_what_to_do() {
        let missing = io(io::ErrorKind::NotFound);
        assert!(missing.contains("is vswitch running?"), "{missing}");
        assert!(missing.contains("/nowhere/control.sock"), "{missing}");
        let strange = io(io::ErrorKind::ConnectionRefused);
        assert!(strange.contains("not a socket"), "{strange}");
        let forbidden = io(io::ErrorKind::PermissionDenied);
        assert!(forbidden.contains("run as root"), "{forbidden}");
    }

    #[test]
    fn a_refused_version_names_ours_and_theirs() {
        let ours = ApiVersion { major: 1, minor: 0 };
        let status = Status::failed_precondition("this vswitch speaks version 2");
        let text = ConnectError::from_hello(Path::new("/s"), ours, status).to_string();
        assert!(
            text.contains("version 1") && text.contains("version 2"),
            "{text}"
        );
        assert!(text.contains("use the vswitchctl that came with"), "{text}");
    }
}
