//! What the operator asks of this host: the configuration file, read,
//! checked, and put into plain values: [`load`].
//!
//! * [`ports`]: which devices there are.
//! * [`substrate`]: how this host stands on the fabric.
//!
//! Inside, `read` turns the file into typed text with places, and `check`
//! holds that against itself and against the networks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vnet::compiled::Compiled;
use vnet::diagnostic::{Diagnostic, Diagnostics, Place};
use vnet::topology::Topology;
use vnet::yaml::Located;

mod check;
pub mod ports;
mod read;
pub mod substrate;

pub use ports::{MemifRole, PortConfig, PortSource};
pub use substrate::{Announce, Route, Substrate, Uplink, Via};

/// Reads and checks a host's configuration and the networks that it names.
///
/// # Errors
/// All that is wrong, errors and recommendations, in the order of the files;
/// at least one is an error.
pub fn load(path: &Path) -> Result<HostConfig, Vec<Diagnostic>> {
    let mut out = Diagnostics::default();
    let config = load_into(path, &mut out);
    let errors = out.errors();
    let found = out.into_sorted();
    match config {
        Some(config) if errors == 0 => Ok(HostConfig {
            warnings: found,
            ..config
        }),
        _ => Err(found),
    }
}

fn load_into(path: &Path, out: &mut Diagnostics) -> Option<HostConfig> {
    let file: Arc<Path> = path.into();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot read the configuration: {error}");
            let remedy = "name a readable YAML file: vswitch --config FILE";
            out.error(&Place::whole(file), message, remedy);
            return None;
        }
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = read::read(&file, &text, folder, out)?;
    let topologies = topologies(&text.topology, out);
    let topologies = topologies
        .iter()
        .map(|(file, text)| (file.clone(), text.as_str()));
    let topology = Topology::read(topologies, out);
    check::check(text, &topology, out)
}

/// The texts of the topology files.
fn topologies(files: &[Located<PathBuf>], out: &mut Diagnostics) -> Vec<(Arc<Path>, String)> {
    let mut texts: Vec<(Arc<Path>, String)> = Vec::new();
    for file in files {
        let shown = file.value.display();
        if texts.iter().any(|(before, _)| **before == *file.value) {
            let message = format!("{shown} is listed twice");
            out.error(&file.place, message, "list each file once");
            continue;
        }
        match std::fs::read_to_string(&file.value) {
            Ok(text) => texts.push((file.value.as_path().into(), text)),
            Err(error) => {
                let message = format!("cannot read {shown}: {error}");
                let remedy = "correct the path; it is relative to the folder of this file";
                out.error(&file.place, message, remedy);
            }
        }
    }
    texts
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
    /// The socket file's permission bits, where the default will not do.
    pub mode: Option<u32>,
}
