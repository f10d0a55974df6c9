//! A host's configuration file, read, and not yet held against any networks:
//! those are in files beside it, or in the state that a restart finds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vnet::diagnostic::{Diagnostic, Diagnostics, Place};
use vnet::topology::Topology;
use vnet::topology::networks::NetworkTexts;
use vnet::yaml::Located;

use super::read::{self, HostText};
use super::{HostConfig, check};

/// The file, read.
#[derive(Debug)]
pub struct HostFile {
    text: Option<HostText>,
    out: Diagnostics,
}

impl HostFile {
    /// Reads a configuration file. What is wrong with it is told with the rest.
    pub fn read(path: &Path) -> Self {
        let mut out = Diagnostics::default();
        let file: Arc<Path> = path.into();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                read::read(&file, &text, folder, &mut out)
            }
            Err(error) => {
                let message = format!("cannot read the configuration: {error}");
                let remedy = "name a readable YAML file: vswitch --config FILE";
                out.error(&Place::whole(file), message, remedy);
                None
            }
        };
        Self { text, out }
    }

    /// The file that keeps the state, if one is named, and the host's name.
    pub fn state(&self) -> Option<(&Path, &str)> {
        let text = self.text.as_ref()?;
        let host = text.host.as_ref()?;
        Some((text.state.as_deref()?, &host.value))
    }

    /// Adds a port that is in no file. False if the file names one like it.
    ///
    /// # Errors
    /// All that is wrong with its text.
    pub fn add_port(&mut self, port: &str) -> Result<bool, Vec<Diagnostic>> {
        let port = super::port::read(port)?;
        let Some(text) = &mut self.text else {
            return Ok(false);
        };
        let known = text
            .ports
            .iter()
            .any(|known| known.name.value == port.name.value);
        if !known {
            text.ports.push(port);
        }
        Ok(!known)
    }

    /// With the networks of the files that it names.
    ///
    /// # Errors
    /// All that is wrong, errors and recommendations, in the order of the
    /// files; at least one is an error.
    pub fn with_files(mut self) -> Result<HostConfig, Vec<Diagnostic>> {
        let files = self.text.as_ref().map(|text| text.topology.as_slice());
        let texts = topologies(files.unwrap_or_default(), &mut self.out);
        let texts = texts.iter();
        let texts = texts.map(|(file, text)| (Arc::clone(file), text.as_str()));
        let networks = NetworkTexts::default().merge(texts, false, &mut self.out);
        self.with(networks)
    }

    /// With these networks; the files that it names are not read.
    ///
    /// # Errors
    /// As [`HostFile::with_files`].
    pub fn with(self, networks: NetworkTexts) -> Result<HostConfig, Vec<Diagnostic>> {
        let Self { text, mut out } = self;
        let config = text.and_then(|text| {
            let topology = Topology::of(&networks, &mut out);
            check::check(text, &topology, &mut out)
        });
        let errors = out.errors();
        let found = out.into_sorted();
        match config {
            Some(config) if errors == 0 => Ok(HostConfig {
                warnings: found,
                networks,
                ..config
            }),
            _ => Err(found),
        }
    }
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
