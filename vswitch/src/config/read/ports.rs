//! `ports:` as written.

use std::path::Path;

use vnet::diagnostic::Diagnostics;
use vnet::topology::MIN_MTU;
use vnet::yaml::{Fields, Located, Node, Value, fields, nearest, scalar};

use super::PortText;
use crate::config::{MemifRole, PortSource};
use crate::ports::live::MAX_PORTS;

/// The largest MTU of a port, in bytes: what jumbo frames carry.
pub(in super::super) const MAX_MTU: u16 = 16_056;
/// The most queues of a port: a worker each.
const MAX_QUEUES: u16 = 64;
/// The longest name of a kernel interface, in bytes (`IFNAMSIZ`, without its
/// terminator).
const MAX_INTERFACE: usize = 15;

/// The kinds of port, as keys.
const KINDS: [&str; 9] = [
    "pci",
    "tap",
    "af_packet",
    "af_xdp",
    "memif",
    "vhost",
    "devargs",
    "pcap",
    "memory",
];

pub(super) fn read(node: &Node, folder: &Path, out: &mut Diagnostics) -> Vec<PortText> {
    let items = fields::items(node, "ports", out);
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        let remedy = "list at least the uplink's port: { name: uplink0, pci: ... }";
        out.error(&node.place, "ports is empty", remedy);
    }
    let ports = items.iter().filter_map(|item| port(item, folder, out));
    ports.collect()
}

/// `ports-reserve`: for how many ports, added later, to keep room.
pub(super) fn reserve(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Option<u16> {
    let node = fields.get("ports-reserve", out)?;
    let number = scalar::number(node, "ports-reserve", 0..=MAX_PORTS, out)?;
    Some(number.value)
}

pub(in super::super) fn port(
    node: &Node,
    folder: &Path,
    out: &mut Diagnostics,
) -> Option<PortText> {
    let mut fields = Fields::of(node, "a port", out)?;
    let name = fields.need("name", "a name, unique on this host", out);
    let name = name.and_then(|node| scalar::name(node, "port", out));
    if let Some(name) = &name {
        fields.what = format!("port \"{}\"", name.value);
    }
    let queues = fields.get("queues", out);
    let queues = queues.and_then(|n| scalar::number(n, "queues", 1..=MAX_QUEUES, out));
    let mtu = fields.get("mtu", out);
    let mtu = mtu.and_then(|node| scalar::number(node, "mtu", MIN_MTU..=MAX_MTU, out));
    let descriptors = fields.get("descriptors", out);
    let descriptors = descriptors.and_then(|node| descriptors_of(node, out));
    let source = source(&mut fields, folder, out);
    fields.finish(out);
    Some(PortText {
        name: name?,
        queues: queues.map_or(1, |queues| queues.value),
        mtu,
        descriptors,
        source,
    })
}

/// A power of two that rings may have.
fn descriptors_of(node: &Node, out: &mut Diagnostics) -> Option<u16> {
    let number = scalar::number(node, "descriptors", 64..=32_768_u16, out)?;
    if number.value.is_power_of_two() {
        return Some(number.value);
    }
    let message = format!("descriptors {} is not a power of two", number.value);
    let near = number.value.checked_next_power_of_two().unwrap_or(32_768);
    out.error(&node.place, message, format!("write e.g. {near}"));
    None
}

/// The one key that says which device it is.
fn source(
    fields: &mut Fields<'_>,
    folder: &Path,
    out: &mut Diagnostics,
) -> Option<Located<PortSource>> {
    let mut found = KINDS.into_iter().filter(|kind| fields.has(kind));
    let (first, second) = (found.next(), found.next());
    let kinds = KINDS.join(", ");
    if let (Some(first), Some(second)) = (first, second) {
        let message = format!("{} names two devices: {first} and {second}", fields.what);
        let node = fields.get(second, out);
        let place = node.map_or(fields.place, |node| &node.place);
        out.error(place, message, "keep one of the two");
    }
    let mut source = None;
    for kind in KINDS {
        let node = fields.get(kind, out);
        if Some(kind) == first {
            source = node;
        }
    }
    let Some(kind) = first else {
        // A slip in the kind's own key is reported as such.
        if !fields
            .keys()
            .any(|key| nearest::nearest(key, KINDS).is_some())
        {
            let message = format!("{} names no device", fields.what);
            out.error(fields.place, message, format!("add one of: {kinds}"));
        }
        return None;
    };
    let node = source?;
    let read = of_kind(kind, node, folder, out)?;
    Some(Located::new(read, &node.place))
}

fn of_kind(kind: &str, node: &Node, folder: &Path, out: &mut Diagnostics) -> Option<PortSource> {
    Some(match kind {
        "pci" => PortSource::Pci {
            address: pci(node, out)?,
        },
        "tap" => PortSource::Tap {
            interface: interface(node, kind, out)?,
            mac: None,
        },
        "af_packet" => PortSource::AfPacket {
            interface: interface(node, kind, out)?,
        },
        "af_xdp" => PortSource::AfXdp {
            interface: interface(node, kind, out)?,
        },
        "memif" => memif(node, folder, out)?,
        "vhost" => vhost(node, folder, out)?,
        "devargs" => devargs(node, out)?,
        "pcap" => pcap(node, folder, out)?,
        _ => memory(node, out)?,
    })
}

/// `domain:bus:device.function`, the domain being 0000 if left out.
fn pci(node: &Node, out: &mut Diagnostics) -> Option<String> {
    let text = fields::text(node, "pci", out)?.value.to_ascii_lowercase();
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let valid = |text: &str| {
        let mut parts = text.splitn(3, ':');
        let (domain, bus, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let (device, function) = rest.split_once('.')?;
        let function = matches!(function.as_bytes(), [b'0'..=b'7']);
        (hex(domain, 4) && hex(bus, 2) && hex(device, 2) && function).then_some(())
    };
    for full in [text.clone(), format!("0000:{text}")] {
        if valid(&full).is_some() {
            return Some(full);
        }
    }
    let message = format!("pci: \"{}\" is not a PCI address", text.escape_debug());
    let remedy = "write domain:bus:device.function as lspci -D shows it, e.g. \"0000:3b:00.0\"";
    out.error(&node.place, message, remedy);
    None
}

/// A kernel interface's name.
pub(super) fn interface(node: &Node, kind: &str, out: &mut Diagnostics) -> Option<String> {
    let name = fields::text(node, kind, out)?.value;
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'/' | b':' | b',');
    let fits = (1..=MAX_INTERFACE).contains(&name.len());
    if fits && name.bytes().all(allowed) && !matches!(name.as_str(), "." | "..") {
        return Some(name);
    }
    let name = name.escape_debug();
    let message = format!("{kind}: \"{name}\" is not an interface name");
    let remedy = format!("write a name as ip link shows it, at most {MAX_INTERFACE} characters");
    out.error(&node.place, message, remedy);
    None
}

/// A socket's path, or `{ socket, role, id }`.
fn memif(node: &Node, folder: &Path, out: &mut Diagnostics) -> Option<PortSource> {
    if let Value::Scalar(_) = node.value {
        return Some(PortSource::Memif {
            socket: super::socket(node, "memif", folder, out)?.value,
            role: MemifRole::default(),
            id: 0,
        });
    }
    let mut fields = Fields::of(node, "memif", out)?;
    let socket = fields.need("socket", "its path", out);
    let socket = socket.and_then(|node| super::socket(node, "socket", folder, out));
    let choices = [("server", MemifRole::Server), ("client", MemifRole::Client)];
    let role = fields.get("role", out);
    let role = role.and_then(|node| scalar::choice(node, "role", &choices, out));
    let id = fields.get("id", out);
    let id = id.and_then(|node| scalar::number(node, "id", 0..=u32::MAX, out));
    fields.finish(out);
    Some(PortSource::Memif {
        socket: socket?.value,
        role: role.unwrap_or_default(),
        id: id.map_or(0, |id| id.value),
    })
}

/// A socket's path, or `{ path, client }`.
fn vhost(node: &Node, folder: &Path, out: &mut Diagnostics) -> Option<PortSource> {
    if let Value::Scalar(_) = node.value {
        return Some(PortSource::Vhost {
            path: super::socket(node, "vhost", folder, out)?.value,
            client: false,
        });
    }
    let mut fields = Fields::of(node, "vhost", out)?;
    let path = fields.need("path", "the socket's path", out);
    let path = path.and_then(|node| super::socket(node, "path", folder, out));
    let client = fields.get("client", out);
    let client = client.and_then(|node| scalar::boolean(node, "client", out));
    fields.finish(out);
    Some(PortSource::Vhost {
        path: path?.value,
        client: client.unwrap_or(false),
    })
}

fn devargs(node: &Node, out: &mut Diagnostics) -> Option<PortSource> {
    let devargs = fields::text(node, "devargs", out)?.value;
    let allowed = |b: u8| b.is_ascii_graphic();
    if !devargs.is_empty() && devargs.bytes().all(allowed) {
        return Some(PortSource::Devargs { devargs });
    }
    let message = format!("devargs: \"{}\" is not a device", devargs.escape_debug());
    let remedy = "write a driver and its parameters without blanks, e.g. net_ring0";
    out.error(&node.place, message, remedy);
    None
}

/// `{ receive: file, transmit: file }`, at least one of them.
fn pcap(node: &Node, folder: &Path, out: &mut Diagnostics) -> Option<PortSource> {
    let mut fields = Fields::of(node, "pcap", out)?;
    let receive = fields.get("receive", out);
    let receive = receive.and_then(|node| super::path(node, "receive", folder, out));
    let transmit = fields.get("transmit", out);
    let transmit = transmit.and_then(|node| super::path(node, "transmit", folder, out));
    if !fields.has("receive") && !fields.has("transmit") {
        let remedy = "add receive: a file to read, or transmit: a file to write, or both";
        out.error(fields.place, "pcap names no file", remedy);
    }
    fields.finish(out);
    Some(PortSource::Pcap {
        receive: receive.map(|path| path.value),
        transmit: transmit.map(|path| path.value),
    })
}

fn memory(node: &Node, out: &mut Diagnostics) -> Option<PortSource> {
    match scalar::boolean(node, "memory", out)? {
        true => Some(PortSource::Memory),
        false => {
            let message = "memory: false leaves the port without a device";
            out.error(
                &node.place,
                message,
                "write memory: true, or name another device",
            );
            None
        }
    }
}
