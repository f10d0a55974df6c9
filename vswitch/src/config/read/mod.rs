//! The configuration file as it was written: typed, not yet checked against
//! itself. What could not be read is `None`, reported, and not held against
//! whatever refers to it.

mod control;
pub(super) mod ports;
mod substrate;
mod tables;
mod workers;

use core::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packet::{Ipv6Prefix, Locator};
use vnet::diagnostic::{Diagnostics, Place};
use vnet::yaml::{Fields, Located, Node, fields, scalar, tree};

use super::{Announce, Control, Memory, PortSource, TableLimits, Workers};

pub(super) use ports::MAX_MTU;

/// The whole file.
#[derive(Debug)]
pub(super) struct HostText {
    pub(super) host: Option<Located<String>>,
    pub(super) workers: Workers,
    /// The cores, with their places, for checks against the machine.
    pub(super) cores: Vec<Located<u16>>,
    pub(super) memory: Memory,
    pub(super) substrate: Option<SubstrateText>,
    pub(super) ports: Vec<PortText>,
    pub(super) ports_reserve: Option<u16>,
    pub(super) hosts: Vec<OtherHost>,
    pub(super) control: Control,
    pub(super) control_place: Place,
    pub(super) tables: TableLimits,
    pub(super) state: Option<PathBuf>,
    pub(super) topology: Vec<Located<PathBuf>>,
}

#[derive(Debug)]
pub(super) struct SubstrateText {
    pub(super) locator: Option<Located<Locator>>,
    pub(super) announce: Announce,
    pub(super) hop_limit: u8,
    pub(super) move_grace: core::time::Duration,
    pub(super) uplinks: Vec<UplinkText>,
}

#[derive(Debug, Clone)]
pub(super) struct UplinkText {
    /// What its keys hang from, for messages: `substrate`, `uplink "u0"`.
    pub(super) what: String,
    pub(super) port: Option<Located<String>>,
    pub(super) address: Option<Located<(core::net::Ipv6Addr, u8)>>,
    /// `None`: what was written is no MTU.
    pub(super) mtu: Option<Located<u16>>,
    pub(super) routes: Vec<RouteText>,
    pub(super) kernel: Option<KernelText>,
}

/// An uplink's way to this machine's kernel.
#[derive(Debug, Clone)]
pub(super) struct KernelText {
    pub(super) port: Located<String>,
    /// Is the port a tap that is made for it, and not one of `ports`?
    pub(super) is_own_tap: bool,
    pub(super) rate: NonZeroU32,
}

#[derive(Debug, Clone)]
pub(super) struct RouteText {
    pub(super) to: Option<Located<Ipv6Prefix>>,
    pub(super) via: ViaText,
    pub(super) port: Option<Located<String>>,
}

#[derive(Debug, Clone)]
pub(super) enum ViaText {
    NextHops(Vec<Located<core::net::Ipv6Addr>>),
    OnLink,
}

#[derive(Debug)]
pub(super) struct PortText {
    pub(super) name: Located<String>,
    pub(super) queues: u16,
    pub(super) mtu: Option<Located<u16>>,
    pub(super) descriptors: Option<u16>,
    pub(super) source: Option<Located<PortSource>>,
}

#[derive(Debug)]
pub(super) struct OtherHost {
    pub(super) name: Located<String>,
    pub(super) locator: Option<Located<Locator>>,
}

/// Reads a host's configuration file. Paths in it are relative to `folder`.
pub(super) fn read(
    file: &Arc<Path>,
    text: &str,
    folder: &Path,
    out: &mut Diagnostics,
) -> Option<HostText> {
    let root = tree::read(file, text, out)?;
    let mut fields = Fields::of(&root, "the configuration", out)?;
    let host = fields.need("host", "this host's name, e.g. r", out);
    let host = host.and_then(|node| scalar::name(node, "host", out));
    let (workers, cores) = workers::read(&mut fields, out);
    let memory = workers::memory(&mut fields, out);
    let example = "{ locator: ..., ports: [...], address: ..., routes: [...] }";
    let substrate = fields.need("substrate", example, out);
    let substrate = substrate.and_then(|node| substrate::read(node, out));
    let ports = fields.need("ports", "[{ name: ..., pci: ... }]", out);
    let ports = ports.map_or_else(Vec::new, |node| ports::read(node, folder, out));
    let ports_reserve = ports::reserve(&mut fields, out);
    let hosts = fields.list("hosts", out);
    let hosts = hosts.iter().filter_map(|node| other_host(node, out));
    let hosts = hosts.collect();
    let (control, control_place) = control::read(&mut fields, folder, out);
    let remedy = "remove it, and name the networks' files: topology: [files]";
    fields.not_yet("manager", remedy, out);
    let tables = tables::read(&mut fields, out);
    let state = fields.get("state", out);
    let state = state.and_then(|node| path(node, "state", folder, out));
    let topology = topology(&mut fields, folder, out);
    fields.finish(out);
    Some(HostText {
        host,
        workers,
        cores,
        memory,
        substrate,
        ports,
        ports_reserve,
        hosts,
        control,
        control_place,
        tables,
        state: state.map(|state| state.value),
        topology,
    })
}

fn other_host(node: &Node, out: &mut Diagnostics) -> Option<OtherHost> {
    let mut fields = Fields::of(node, "a host", out)?;
    let name = fields.need("name", "the host's name", out);
    let name = name.and_then(|node| scalar::name(node, "host", out));
    if let Some(name) = &name {
        fields.what = format!("host \"{}\"", name.value);
    }
    let locator = fields.need("locator", "its /64, e.g. fd00:0:0:b::/64", out);
    let locator = locator.and_then(|node| scalar::parsed(node, "locator", out));
    fields.finish(out);
    Some(OtherHost {
        name: name?,
        locator,
    })
}

fn topology(
    fields: &mut Fields<'_>,
    folder: &Path,
    out: &mut Diagnostics,
) -> Vec<Located<PathBuf>> {
    let Some(node) = fields.need("topology", "a file, or [files], with the networks", out) else {
        return Vec::new();
    };
    let files = fields::one_or_many(node).iter();
    let files = files.filter_map(|node| path(node, "topology", folder, out));
    files.collect()
}

/// A path; a relative one is taken from `folder`.
fn path(node: &Node, what: &str, folder: &Path, out: &mut Diagnostics) -> Option<Located<PathBuf>> {
    let text = fields::text(node, what, out)?;
    if text.value.is_empty() || text.value.contains('\0') {
        out.error(
            &node.place,
            format!("{what} is not a path"),
            "write a file's path",
        );
        return None;
    }
    Some(Located::new(folder.join(text.value), &node.place))
}

/// The longest path of a Unix socket, in bytes (`sun_path`, without its
/// terminator).
const MAX_SOCKET_PATH: usize = 107;

/// The path of a Unix socket.
fn socket(
    node: &Node,
    what: &str,
    folder: &Path,
    out: &mut Diagnostics,
) -> Option<Located<PathBuf>> {
    let path = path(node, what, folder, out)?;
    let text = path.value.to_string_lossy();
    // Drivers take it as one of several parameters.
    if let Some(special) = text.chars().find(|c| matches!(c, ',' | '[' | ']' | '"')) {
        let message = format!("{what}: a socket's path cannot contain {special}");
        out.error(&node.place, message, "use a path without , [ ] and quotes");
        return None;
    }
    let length = path.value.as_os_str().len();
    if length <= MAX_SOCKET_PATH {
        return Some(path);
    }
    let message = format!(
        "{what}: the socket's path has {length} bytes, but the kernel takes {MAX_SOCKET_PATH}"
    );
    out.error(
        &node.place,
        message,
        "use a shorter path, e.g. below /run/vswitch/",
    );
    None
}
