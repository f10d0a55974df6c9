//! `control:` as written.

use std::path::{Path, PathBuf};

use vnet::diagnostic::{Diagnostics, Place};
use vnet::yaml::{Fields, Node, fields, scalar};

use crate::config::Control;

/// Where `vswitchctl` looks unless told otherwise.
pub(super) const DEFAULT_SOCKET: &str = "/run/vswitch/control.sock";

/// The section, and the place of the socket's path.
pub(super) fn read(
    outer: &mut Fields<'_>,
    folder: &Path,
    out: &mut Diagnostics,
) -> (Control, Place) {
    let mut control = Control {
        socket: PathBuf::from(DEFAULT_SOCKET),
        read_group: None,
        write_group: None,
        mode: None,
    };
    let mut place = outer.place.clone();
    let node = outer.get("control", out);
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "control", out)) else {
        return (control, place);
    };
    place = fields.place.clone();
    let socket = fields.get("socket", out);
    if let Some(socket) = socket.and_then(|node| super::socket(node, "socket", folder, out)) {
        control.socket = socket.value;
        place = socket.place;
    }
    let mut group = |key: &'static str| {
        let node = fields.get(key, out)?;
        scalar::name(node, key, out).map(|name| name.value)
    };
    control.read_group = group("read-group");
    control.write_group = group("write-group");
    if let Some(node) = fields.get("mode", out) {
        control.mode = mode(node, out);
    }
    fields.finish(out);
    (control, place)
}

/// Permission bits, in octal.
fn mode(node: &Node, out: &mut Diagnostics) -> Option<u32> {
    let text = fields::text(node, "mode", out)?;
    let digits = text.value.strip_prefix("0o").unwrap_or(&text.value);
    let octal = (3..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let mode = u32::from_str_radix(digits, 8).ok();
    let mode = mode.filter(|mode| octal && mode & !0o777 == 0);
    match mode {
        Some(mode) if mode & 0o600 == 0o600 => Some(mode),
        Some(_) => {
            let message = format!("mode {} locks the daemon's own user out", text.value);
            out.error(&node.place, message, "begin with 6, e.g. 0660");
            None
        }
        None => {
            let message = format!("mode \"{}\" is not a file mode", text.value.escape_debug());
            out.error(
                &node.place,
                message,
                "write permission bits in octal, e.g. 0660",
            );
            None
        }
    }
}
