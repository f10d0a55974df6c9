//! Is every name, and every device, that of one port only?

use std::collections::HashMap;

use vnet::diagnostic::{Diagnostics, Place};

use crate::config::ports::socket_in_words;
use crate::config::read::HostText;

pub(super) fn check(text: &HostText, out: &mut Diagnostics) {
    let mut names: HashMap<&str, &Place> = HashMap::new();
    let mut devices: HashMap<String, (String, &Place)> = HashMap::new();
    let control = socket_in_words(&text.control.socket);
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
        let Some(device) = source.value.exclusive_device() else {
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
