//! Is every name, and every device, that of one port only?

use std::collections::HashMap;
use std::path::Path;

use vnet::diagnostic::{Diagnostics, Place};

use crate::config::PortSource;
use crate::config::read::HostText;

pub(super) fn check(text: &HostText, out: &mut Diagnostics) {
    let mut names: HashMap<&str, &Place> = HashMap::new();
    let mut devices: HashMap<String, (String, &Place)> = HashMap::new();
    let control = device_of_socket(&text.control.socket);
    devices.insert(
        control,
        ("the control socket".to_owned(), &text.control_place),
    );
    for port in &text.ports {
        let name = &port.name;
        if let Some(before) = names.get(name.value.as_str()) {
            let before = before.seen_from(&name.place);
            let message = format!("port \"{}\" is already defined at {before}", name.value);
            out.error(&name.place, message, "give one of them another name");
        } else {
            names.insert(&name.value, &name.place);
        }
        let Some(source) = &port.source else { continue };
        let owner = format!("port \"{}\"", name.value);
        let Some(device) = device(&source.value) else {
            continue;
        };
        if let Some((other, before)) = devices.get(&device) {
            let before = before.seen_from(&source.place);
            let message = format!("{device} is already that of {other} at {before}");
            out.error(&source.place, message, "give each port a device of its own");
        } else {
            devices.insert(device, (owner, &source.place));
        }
    }
}

/// What only one port can have; in words, for it is also shown.
fn device(source: &PortSource) -> Option<String> {
    Some(match source {
        PortSource::Pci { address } => format!("PCI device {address}"),
        PortSource::Tap { interface }
        | PortSource::AfPacket { interface }
        | PortSource::AfXdp { interface } => format!("interface {interface}"),
        PortSource::Memif { socket, id: 0, .. } => device_of_socket(socket),
        PortSource::Memif { socket, id, .. } => {
            format!("interface {id} of socket {}", socket.display())
        }
        PortSource::Vhost { path, .. } => device_of_socket(path),
        PortSource::Devargs { devargs } => format!("device {devargs}"),
        PortSource::Pcap { transmit, .. } => {
            let file = transmit.as_ref()?;
            format!("capture file {}", file.display())
        }
        PortSource::Memory => return None,
    })
}

fn device_of_socket(path: &Path) -> String {
    format!("socket {}", path.display())
}
