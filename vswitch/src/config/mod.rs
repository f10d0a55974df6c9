//! What the operator asks of this host: the configuration file, read,
//! checked, and put into plain values.
//!
//! * [`ports`]: which devices there are.
//! * [`substrate`]: how this host stands on the fabric.

use std::path::PathBuf;

use vnet::compiled::Compiled;
use vnet::diagnostic::Diagnostic;

pub mod ports;
pub mod substrate;

pub use ports::{MemifRole, PortConfig, PortSource};
pub use substrate::{Announce, Ipv6Prefix, Route, Substrate, Uplink};

/// One host's configuration: complete, and free of contradictions.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// This host's name: `hosts[0]` of [`HostConfig::compiled`].
    pub host: String,
    /// Which cores turn, and how.
    pub workers: Workers,
    /// Where packet memory comes from.
    pub memory: Memory,
    /// How this host stands on the fabric.
    pub substrate: Substrate,
    /// The ports; [`vnet::compiled::PortId`] is the place in this list.
    pub ports: Vec<PortConfig>,
    /// The control socket.
    pub control: Control,
    /// The files that the networks were read from.
    pub topology: Vec<PathBuf>,
    /// What the tables are filled from.
    pub compiled: Compiled,
    /// Recommendations: it works, yet something better is possible.
    pub warnings: Vec<Diagnostic>,
}

/// The poll-mode workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// One worker on each.
    pub cores: Cores,
    /// What a worker does when there is nothing to do.
    pub poll: Poll,
}

/// Which cores the workers are pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cores {
    /// The isolated cores; without any, all but the first that this process
    /// may use.
    Auto,
    /// These, by number; not empty, no number twice.
    List(Vec<u16>),
}

/// What a worker does when there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Poll {
    /// Looks again at once.
    #[default]
    Busy,
    /// Sleeps a little, longer the longer it was idle.
    Adaptive,
}

/// Where packet memory comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Hugepages.
    Hugepages {
        /// How much, in bytes.
        bytes: u64,
    },
    /// Ordinary pages: works everywhere, slower.
    None,
}

/// The socket that `vswitchctl` speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its path.
    pub socket: PathBuf,
    /// The group that may look.
    pub read_group: Option<String>,
    /// The group that may also change.
    pub write_group: Option<String>,
    /// The socket file's permission bits.
    pub mode: u32,
}
