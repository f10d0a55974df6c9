//! What the operator asks of this host: the configuration file, read,
//! checked, and put into plain values: [`load`].
//!
//! * [`mod@file`]: the file, read; its networks come from files, or from the state.
//! * [`frame`]: what networks are held against, also later.
//! * [`ports`]: which devices there are.
//! * [`substrate`]: how this host stands on the fabric.
//!
//! Inside, `read` turns the file into typed text with places, and `check`
//! holds that against itself and against the networks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datapath::tables::PortRole;
use vnet::compiled::{Compiled, PortId};
use vnet::diagnostic::Diagnostic;
use vnet::topology::networks::NetworkTexts;

mod check;
pub mod file;
pub mod frame;
mod port;
pub mod ports;
mod read;
pub mod substrate;

pub use file::HostFile;
pub use frame::{Frame, FramePort};
pub use port::read_port;
pub use ports::{MemifRole, PortConfig, PortSource};
pub use substrate::{Announce, Kernel, Route, Substrate, Uplink, Via};

/// Reads and checks a host's configuration and the networks that it names.
///
/// # Errors
/// All that is wrong, errors and recommendations, in the order of the files;
/// at least one is an error.
pub fn load(path: &Path) -> Result<HostConfig, Vec<Diagnostic>> {
    HostFile::read(path).with_files()
}

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
    /// For how many ports, added while the daemon runs, room is kept, where the
    /// file says so.
    pub ports_reserve: Option<u16>,
    /// The ports; [`vnet::compiled::PortId`] is the place in this list.
    pub ports: Vec<PortConfig>,
    /// The control socket.
    pub control: Control,
    /// How many entries tables have room for.
    pub tables: TableLimits,
    /// The file that keeps what is applied while the daemon runs, if any does.
    pub state: Option<PathBuf>,
    /// The files that the networks are read from at the first start.
    pub topology: Vec<PathBuf>,
    /// The networks, word for word.
    pub networks: NetworkTexts,
    /// What other networks are held against.
    pub frame: Arc<Frame>,
    /// What the tables are filled from.
    pub compiled: Compiled,
    /// Recommendations: it works, yet something better is possible.
    pub warnings: Vec<Diagnostic>,
}

impl HostConfig {
    /// What is behind a port, as far as this file says: where it says nothing,
    /// nodes may be.
    pub fn role(&self, port: PortId) -> PortRole {
        let mut uplinks = self.substrate.uplinks.iter();
        if uplinks.any(|uplink| uplink.port == port) {
            PortRole::Uplink
        } else if self.uplink_of_kernel(port).is_some() {
            PortRole::Kernel
        } else {
            PortRole::Node
        }
    }

    /// The uplink whose kernel is behind a port, if any.
    pub fn uplink_of_kernel(&self, port: PortId) -> Option<&Uplink> {
        let kernel = |uplink: &&Uplink| uplink.kernel.as_ref().is_some_and(|k| k.port == port);
        self.substrate.uplinks.iter().find(kernel)
    }
}

/// How many entries tables have room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Mappings.
    pub mappings: u32,
    /// Flows whose replies pass without a rule.
    pub flows: u32,
    /// The occupancy above which there is an alarm, in percent.
    pub alarm_percent: Option<u8>,
}

impl Default for TableLimits {
    /// A million mappings cost address space, and memory only as they come.
    fn default() -> Self {
        Self {
            mappings: 1 << 20,
            flows: 1 << 16,
            alarm_percent: Some(80),
        }
    }
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
    /// The socket file's permission bits, where the default will not do.
    pub mode: Option<u32>,
}
