//! Does each uplink's kernel have a port, and for itself?

use std::collections::{HashMap, HashSet};

use vnet::diagnostic::{Diagnostics, Place};
use vnet::yaml::Located;

use super::uplinks::port_id;
use crate::config::read::{HostText, KernelText, PortText, SubstrateText};
use crate::config::{Kernel, PortSource};

/// The taps that are made for the kernel: ports like any others, behind those
/// of the file.
pub(super) fn taps(substrate: &SubstrateText) -> Vec<PortText> {
    let kernels = substrate.uplinks.iter().filter_map(|up| up.kernel.as_ref());
    // A name that two uplinks have is reported once: by `Kernels`.
    let mut names = HashSet::new();
    let taps = kernels.filter(|kernel| kernel.is_own_tap && names.insert(&kernel.port.value));
    let taps = taps.map(|kernel| {
        let source = PortSource::Tap {
            interface: kernel.port.value.clone(),
            mac: None,
        };
        PortText {
            name: kernel.port.clone(),
            queues: 1,
            mtu: None,
            descriptors: None,
            source: Some(Located::new(source, &kernel.port.place)),
        }
    });
    taps.collect()
}

/// The kernels' ports so far.
#[derive(Default)]
pub(super) struct Kernels<'a> {
    ports: HashMap<&'a str, &'a Place>,
}

impl<'a> Kernels<'a> {
    /// The next uplink's.
    pub(super) fn check(
        &mut self,
        text: &'a HostText,
        kernel: &'a KernelText,
        out: &mut Diagnostics,
    ) -> Option<Kernel> {
        let port = &kernel.port;
        let uplinks = text.substrate.iter().flat_map(|s| &s.uplinks);
        let mut names = uplinks.filter_map(|uplink| uplink.port.as_ref());
        if names.any(|uplink| uplink.value == port.value) {
            let message = format!("the kernel's port \"{}\" is an uplink", port.value);
            let remedy = "name another port, or a tap to make: kernel: host0";
            out.error(&port.place, message, remedy);
            return None;
        }
        if let Some(before) = self.ports.insert(&port.value, &port.place) {
            let before = before.seen_from(&port.place);
            let message = format!(
                "port \"{}\" is already the kernel's for the uplink at {before}",
                port.value
            );
            out.error(
                &port.place,
                message,
                "give each uplink's kernel a port of its own",
            );
            return None;
        }
        Some(Kernel {
            port: port_id(text, port, out)?,
            rate: kernel.rate,
        })
    }
}
