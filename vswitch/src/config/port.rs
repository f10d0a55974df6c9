//! One port, from a text of its own: for those that are added at run time.

use std::path::Path;
use std::sync::Arc;

use vnet::diagnostic::{Diagnostic, Diagnostics};
use vnet::topology::DEFAULT_MTU;
use vnet::yaml::tree;

use super::PortConfig;
use super::read::{PortText, ports};

/// Reads an entry of `ports`. Paths in it are absolute, or relative to the
/// folder that the daemon runs in.
///
/// # Errors
/// All that is wrong; at least one is an error.
pub fn read_port(text: &str) -> Result<PortConfig, Vec<Diagnostic>> {
    let port = read(text)?;
    Ok(PortConfig {
        name: port.name.value,
        queues: port.queues,
        mtu: port.mtu.map_or(DEFAULT_MTU, |mtu| mtu.value),
        descriptors: port.descriptors,
        source: port.source.ok_or_else(Vec::new)?.value,
    })
}

/// The same, as it was written.
pub(super) fn read(text: &str) -> Result<PortText, Vec<Diagnostic>> {
    let mut out = Diagnostics::default();
    let name: Arc<Path> = Path::new("port").into();
    let node = tree::read(&name, text, &mut out);
    let port = node.and_then(|node| ports::port(&node, Path::new(""), &mut out));
    let errors = out.errors();
    let found = out.into_sorted();
    // What was read without an error has its device.
    port.filter(|port| errors == 0 && port.source.is_some())
        .ok_or(found)
}
