//! From devargs to a port number.

use core::fmt;
use std::ffi::{CStr, CString};
use std::fs;
use std::path::Path;

use super::DeviceError;
use crate::eal::is_pci_address;
use crate::errno::check;
use crate::log;
use crate::sys;

/// Longest device name, in bytes (`RTE_DEV_NAME_MAX_LEN`, less the NUL).
const NAME_MAX: usize = 63;

/// Which drivers are in this program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkedDrivers(());

impl LinkedDrivers {
    /// The driver archives' names, e.g. `net_tap`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        sys::LINKED_DRIVERS.iter().copied()
    }

    /// Is there a driver for a virtual device of this name?
    ///
    /// A name is a driver's followed by anything; `eth_` for `net_` is the
    /// drivers' own older spelling.
    pub fn serve(self, device_name: &str) -> bool {
        let name = match device_name.strip_prefix("eth_") {
            Some(rest) => format!("net_{rest}"),
            None => device_name.to_owned(),
        };
        self.names().any(|driver| match driver {
            "net_virtio" => name.starts_with("net_virtio_user") || name.starts_with("virtio_user"),
            "net_tap" => name.starts_with("net_tap") || name.starts_with("net_tun"),
            driver => name.starts_with(driver),
        })
    }
}

impl fmt::Display for LinkedDrivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.write_str(&names.join(", "))
    }
}

/// Attaches a device and returns its port's number. `owned`: the ports that
/// have an owner.
pub(super) fn attach(devargs: &str, owned: &[bool]) -> Result<u16, DeviceError> {
    let name = devargs.split(',').next().unwrap_or_default();
    let unusable = |reason| DeviceError::Devargs {
        devargs: devargs.to_owned(),
        reason,
    };
    if name.is_empty() {
        return Err(unusable("the device's name is missing"));
    }
    if name.len() > NAME_MAX {
        return Err(unusable("the device's name is longer than 63 bytes"));
    }
    let argument_lacks = |argument: &str| argument.split('=').next().is_none_or(str::is_empty);
    if devargs.split(',').skip(1).any(argument_lacks) {
        return Err(unusable("an argument has no key"));
    }
    let c_devargs = CString::new(devargs).map_err(|_| unusable("there is a NUL in it"))?;
    let c_name = CString::new(name).map_err(|_| unusable("there is a NUL in it"))?;

    if is_pci_address(name) {
        return pci(name, &c_name, owned);
    }
    if !LinkedDrivers(()).serve(name) {
        return Err(DeviceError::MissingDriver {
            name: name.to_owned(),
            drivers: LinkedDrivers(()),
        });
    }
    if port_of(&c_name).is_some() {
        return Err(DeviceError::Exists {
            name: name.to_owned(),
        });
    }
    // SAFETY: the EAL runs (the caller has an `Eal`).
    if u32::from(unsafe { sys::rte_eth_dev_count_avail() }) >= sys::VS_MAX_PORTS {
        return Err(DeviceError::TooMany {
            devargs: devargs.to_owned(),
        });
    }
    let mark = log::mark();
    let refused = |errno| DeviceError::Refused {
        device: devargs.to_owned(),
        step: "attach",
        errno,
        said: log::quote_since(mark),
    };
    // SAFETY: the EAL runs, the caller holds the control lock, and the string
    // is copied.
    check(unsafe { sys::rte_dev_probe(c_devargs.as_ptr()) }).map_err(refused)?;
    port_of(&c_name).ok_or_else(|| refused(crate::Errno::NOENT))
}

fn port_of(name: &CStr) -> Option<u16> {
    let mut port = 0;
    // SAFETY: both pointers live during the call.
    let status = unsafe { sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut port) };
    (status == 0).then_some(port)
}

/// PCI devices are probed when the EAL starts; here one is found, or the
/// reason why it was not.
fn pci(address: &str, c_address: &CStr, owned: &[bool]) -> Result<u16, DeviceError> {
    let full = if address.matches(':').count() == 1 {
        format!("0000:{address}")
    } else {
        address.to_owned()
    };
    let c_full = CString::new(full.as_str()).unwrap_or_else(|_| c_address.to_owned());
    if let Some(port) = port_of(&c_full).or_else(|| port_of(c_address)) {
        return match owned.get(usize::from(port)) {
            Some(false) => Ok(port),
            _ => Err(DeviceError::Exists {
                name: address.to_owned(),
            }),
        };
    }
    let folder = Path::new("/sys/bus/pci/devices").join(&full);
    if !folder.exists() {
        return Err(DeviceError::NoPciDevice { address: full });
    }
    let bound = fs::read_link(folder.join("driver"))
        .ok()
        .and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
    match bound.as_deref() {
        Some("vfio-pci" | "uio_pci_generic" | "igb_uio") => Err(DeviceError::MissingDriver {
            name: full,
            drivers: LinkedDrivers(()),
        }),
        bound => Err(DeviceError::PciBound {
            address: full,
            bound: bound.unwrap_or("no driver").to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_serve_their_names_and_no_others() {
        let linked = LinkedDrivers::default();
        for name in [
            "net_tap0",
            "net_tun1",
            "eth_ring0",
            "net_virtio_user3",
            "virtio_user0",
        ] {
            assert!(linked.serve(name), "{name}");
        }
        for name in ["net_", "net_bonding0", "net_virtio0", "tap0", ""] {
            assert!(!linked.serve(name), "{name}");
        }
        assert!(linked.to_string().contains("net_af_packet"));
    }

    #[test]
    fn devargs_are_checked_before_dpdk_sees_them() {
        let message = |devargs: &str| attach(devargs, &[]).unwrap_err().to_string();
        assert!(message("").contains("name is missing"));
        assert!(message("net_tap0,=x").contains("has no key"));
        assert!(message("net_tap0,").contains("has no key"));
        assert!(message("net_tap0\0").contains("NUL"));
        assert!(message(&"n".repeat(64)).contains("63 bytes"));
        assert!(message("net_bogus0").contains("no driver for \"net_bogus0\""));
    }
}
