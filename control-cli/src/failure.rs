//! What went wrong, in words and as an exit code.

use core::net::Ipv6Addr;
use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use control_api::ConnectError;
use tonic::{Code, Status};

/// A verb did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The verb did its work, and its answer is "no".
    #[error("the answer is negative")]
    Negative,
    /// There was no conversation.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The daemon refused, or the connection broke.
    #[error("{}", in_words(.0))]
    Daemon(Box<Status>),
    /// The daemon's message makes no sense.
    #[error("the daemon sent {0}; use the vswitchctl that came with it")]
    Malformed(String),
    /// An IPv6 address that no host's locator covers.
    #[error(
        "{0} is under no locator (link-local, loopback or unspecified): it has no parts to show"
    )]
    NotUnderALocator(Ipv6Addr),
    /// A file that was named cannot be used as it is.
    #[error("{0}")]
    File(String),
    /// The daemon took back what it had begun to tell.
    #[error(
        "the daemon ended the watch: is it stopping? go on with: vswitchctl watch --after {after}"
    )]
    WatchEnded {
        /// The last revision that was told of.
        after: u64,
    },
    /// Mappings were loaded in part.
    #[error("{reason}; {loaded}")]
    LoadStopped {
        /// Why not all of them.
        reason: Box<Failure>,
        /// What is in force.
        loaded: String,
    },
    /// A transaction on mappings was refused.
    #[error("{0}")]
    Refused(String),
    /// A verb whose exit code 1 has a meaning could not find out.
    #[error(transparent)]
    Undecided(Box<Failure>),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[source] io::Error),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// This very process could not start.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
}

impl Failure {
    /// What to tell; nothing where the answer said it, or nobody listens.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Negative => None,
            Self::Undecided(inner) => inner.words(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            other => Some(other.to_string()),
        }
    }

    /// 0 done, 1 negative or failed, 3 no daemon reached. 2, wrong usage, is
    /// given by the command line's parser; and by verbs whose 1 is an answer,
    /// for whatever kept them from finding it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            // Whoever closed the pipe has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Self::Undecided(inner) => match inner.code() {
                FAILED => UNDECIDED,
                other => other,
            },
            Self::LoadStopped { reason, .. } => reason.code(),
            other if other.lost_the_daemon() => UNREACHABLE,
            _ => FAILED,
        }
    }

    /// No answer was had, though another attempt may have one.
    pub(crate) fn lost_the_daemon(&self) -> bool {
        match self {
            Self::Connect(ConnectError::Refused { .. } | ConnectError::Version { .. }) => false,
            Self::Connect(_) | Self::WatchEnded { .. } => true,
            Self::Daemon(status) => connection_broke(status) || status.code() == Code::Unavailable,
            _ => false,
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Daemon(Box::new(status))
    }
}

/// The transport made this status: what the daemon says has no source.
fn connection_broke(status: &Status) -> bool {
    matches!(status.code(), Code::Unknown | Code::Cancelled)
        || (status.code() == Code::Unavailable && status.source().is_some())
}

fn in_words(status: &Status) -> String {
    let said = status.message();
    match status.code() {
        _ if connection_broke(status) => {
            format!("lost the daemon in the middle of its answer ({said}); is it still running?")
        }
        Code::DeadlineExceeded => format!("the daemon took too long ({said}); look at its log"),
        Code::Unimplemented => {
            "the daemon does not know this verb: it is older than this vswitchctl; \
             use the vswitchctl that came with it"
                .to_owned()
        }
        // The daemon's own words say what to do.
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::ResourceExhausted
        | Code::Unavailable
            if !said.is_empty() =>
        {
            said.to_owned()
        }
        code => format!("the daemon failed: {said} ({code:?})"),
    }
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
const UNDECIDED: u8 = 2;
const UNREACHABLE: u8 = 3;
