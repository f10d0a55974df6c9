//! Why a device cannot be attached or started, and what to do about it.

use super::attach::LinkedDrivers;
use super::info::OutOfRange;
use crate::errno::Errno;
use crate::sys;

/// Why a device cannot be attached or started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeviceError {
    /// Not a name with arguments.
    #[error(
        "devargs \"{devargs}\" are unusable: {reason}; write name[,key=value...], e.g. \
         net_tap0,iface=tap0"
    )]
    Devargs {
        /// What was given.
        devargs: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No driver for the name.
    #[error(
        "no driver for \"{name}\" is built in; it has {drivers}; correct the name, or build with the \
         feature that links the driver (physical-pmds, mlx5)"
    )]
    MissingDriver {
        /// The device asked for.
        name: String,
        /// What there is.
        drivers: LinkedDrivers,
    },
    /// The name is taken.
    #[error("a device named \"{name}\" is attached already; give each device its own name")]
    Exists {
        /// The device asked for.
        name: String,
    },
    /// DPDK's tables are full.
    #[error(
        "DPDK as built here holds at most {max} ports, and all are taken; \"{devargs}\" cannot be \
         attached",
        max = sys::VS_MAX_PORTS
    )]
    TooMany {
        /// The device asked for.
        devargs: String,
    },
    /// The PCI device does not exist.
    #[error("there is no PCI device {address}; see: lspci -D")]
    NoPciDevice {
        /// Its address.
        address: String,
    },
    /// The PCI device was not allowed when the EAL started.
    #[error(
        "PCI device {address} was not among those that DPDK was started with; restart with the \
         port in the configuration"
    )]
    PciNotAllowed {
        /// Its address.
        address: String,
    },
    /// The PCI device is not DPDK's.
    #[error(
        "PCI device {address} is bound to {bound}, so DPDK cannot use it; bind it to vfio-pci: \
         dpdk-devbind.py -b vfio-pci {address} (needs the IOMMU, intel_iommu=on or amd_iommu=on)"
    )]
    PciBound {
        /// Its address.
        address: String,
        /// Which kernel driver has it.
        bound: String,
    },
    /// A value that the driver or the buffers cannot do.
    #[error("device \"{device}\": {range}")]
    Range {
        /// Which device.
        device: String,
        /// Which value, and what it may be.
        range: OutOfRange,
    },
    /// It runs.
    #[error("device \"{device}\" is started already; stop it first")]
    Running {
        /// Which device.
        device: String,
    },
    /// Somebody still has a queue.
    #[error("device \"{device}\" has queues in use; drop them before stopping it")]
    QueuesInUse {
        /// Which device.
        device: String,
    },
    /// The driver refuses.
    #[error("cannot {step} device \"{device}\": {errno}{said}")]
    Refused {
        /// Which device.
        device: String,
        /// What was being done.
        step: &'static str,
        /// The driver's reason.
        errno: Errno,
        /// What DPDK logged: empty, or `; DPDK says: …`.
        said: String,
    },
}
