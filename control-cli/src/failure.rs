//! What went wrong, in words and as an exit code.

use core::net::Ipv6Addr;
use std::io;
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
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[source] io::Error),
    /// This very process could not start.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
}

impl Failure {
    /// What to tell; nothing where the answer said it, or nobody listens.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::Negative => None,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            other => Some(other.to_string()),
        }
    }

    /// 0 done, 1 negative or failed, 3 no daemon reached. (2, wrong usage, is
    /// given by the command line's parser.)
    pub(crate) fn exit_code(&self) -> ExitCode {
        let code = match self {
            // Whoever closed the pipe has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Self::Connect(ConnectError::Refused { .. } | ConnectError::Version { .. }) => FAILED,
            Self::Connect(_) => UNREACHABLE,
            Self::Daemon(status) if connection_broke(status) => UNREACHABLE,
            _ => FAILED,
        };
        ExitCode::from(code)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Daemon(Box::new(status))
    }
}

fn connection_broke(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Cancelled
    )
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
        Code::InvalidArgument | Code::NotFound | Code::PermissionDenied => said.to_owned(),
        code => format!("the daemon failed: {said} ({code:?})"),
    }
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
const UNREACHABLE: u8 = 3;
