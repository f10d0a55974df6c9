//! Why ports cannot come or go.

use std::time::Duration;

use crate::ports::live::{MAX_PORTS, WorkerIndex};
use crate::ports::opener::OpenPortError;
use crate::ports::sizing::later::NoRoom;

/// Why a port cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AddPortError {
    /// The name is taken.
    #[error("there is a port \"{name}\" already; use another name, or remove that port first")]
    Exists {
        /// The name.
        name: String,
    },
    /// The device is another port's.
    #[error(
        "port \"{port}\": {device} is already that of port \"{other}\"; give each port a device of \
         its own"
    )]
    DeviceTaken {
        /// The port that was to be.
        port: String,
        /// The device, in words.
        device: String,
        /// Whose it is.
        other: String,
    },
    /// There are as many ports as there may be.
    #[error("port \"{port}\": there are {MAX_PORTS} ports already; remove one first")]
    Full {
        /// The port that was to be.
        port: String,
    },
    /// It does not fit what the daemon was started with.
    #[error(transparent)]
    Room(#[from] NoRoom),
    /// Its device.
    #[error(transparent)]
    Open(#[from] OpenPortError),
}

/// Why a port cannot be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemovePortError {
    /// There is none of the name.
    #[error("there is no port \"{name}\"; see: vswitchctl port list")]
    NoSuchPort {
        /// The name.
        name: String,
    },
    /// What is behind it needs it.
    #[error(
        "port \"{name}\" is no port of nodes but the host's own, and stays as long as the daemon \
         runs; change the configuration file, then restart the daemon"
    )]
    NotOfNodes {
        /// The name.
        name: String,
    },
    /// A worker does not turn.
    #[error(transparent)]
    Stuck(#[from] StuckWorker),
}

/// A worker did not answer, and everything is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "worker {} did not turn for {} ms, so port \"{port}\" was left as it was; try again, and if \
     the worker does not recover (see: vswitchctl status), restart the daemon",
    worker.0,
    waited.as_millis()
)]
pub struct StuckWorker {
    /// Which.
    pub worker: WorkerIndex,
    /// The port that was to be plugged in or out.
    pub port: String,
    /// How long it was waited for.
    pub waited: Duration,
}
