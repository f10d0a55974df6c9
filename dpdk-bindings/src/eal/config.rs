//! What to start the EAL with, and the arguments that say so.

use super::error::EalError;

/// Where DPDK's memory comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EalMemory {
    /// Hugepages: of `mib` MiB at once, or (`None`) as they are needed.
    Hugepages {
        /// MiB to take at the start.
        mib: Option<u32>,
    },
    /// Ordinary pages: works everywhere, slower.
    Ordinary {
        /// MiB that may be used, at most.
        mib: u32,
    },
}

/// How to start the EAL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EalConfig {
    /// Where memory comes from.
    pub memory: EalMemory,
    /// With a prefix, DPDK's state is visible in the file system under it, so
    /// that DPDK's own tools can attach; without, nothing is shared and nothing
    /// is left behind.
    pub file_prefix: Option<String>,
    /// PCI devices that may be used: address, and the driver's arguments if
    /// any, e.g. `0000:3b:00.0`; no other device is touched, and without any
    /// the bus is not even scanned.
    pub pci: Vec<String>,
    /// One memory file for many pages, as memif's zero-copy and virtio-user
    /// need of hugepages (ordinary memory is one file anyway).
    pub single_file_segments: bool,
}

impl EalConfig {
    /// Without hugepages, sharing nothing, no PCI device.
    pub fn ordinary(mib: u32) -> Self {
        Self {
            memory: EalMemory::Ordinary { mib },
            file_prefix: None,
            pci: Vec::new(),
            single_file_segments: false,
        }
    }

    /// With hugepages, sharing nothing, no PCI device.
    pub fn hugepages(mib: Option<u32>) -> Self {
        Self {
            memory: EalMemory::Hugepages { mib },
            ..Self::ordinary(0)
        }
    }

    pub(super) fn check(&self) -> Result<(), EalError> {
        let mib = match self.memory {
            EalMemory::Ordinary { mib } => Some(mib),
            EalMemory::Hugepages { mib } => mib,
        };
        if mib == Some(0) {
            return Err(EalError::ZeroMemory);
        }
        if let Some(prefix) = &self.file_prefix
            && (prefix.is_empty()
                || prefix.len() > 64
                || !prefix
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)))
        {
            return Err(EalError::FilePrefix {
                prefix: prefix.clone(),
            });
        }
        let valid = |devargs: &String| devargs.split(',').next().is_some_and(is_pci_address);
        match self.pci.iter().find(|devargs| !valid(devargs)) {
            Some(address) => Err(EalError::PciAddress {
                address: address.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The command line, program name first. `cpus`: those the calling thread
    /// may run on, as a list for `--lcores`.
    pub(super) fn arguments(&self, cpus: &str, iommu: bool) -> Vec<String> {
        // One lcore, allowed wherever this thread is: workers are threads of
        // our own, and DPDK need not spawn any.
        let mut arguments = vec![
            "vswitch".to_owned(),
            format!("--lcores=0@({cpus})"),
            "--no-telemetry".to_owned(),
        ];
        // Physical addresses only where a device without IOMMU needs them.
        let physical = !self.pci.is_empty() && !iommu;
        arguments.push(format!(
            "--iova-mode={}",
            if physical { "pa" } else { "va" }
        ));
        match (self.memory, &self.file_prefix) {
            (EalMemory::Ordinary { mib }, prefix) => {
                arguments.push("--no-huge".to_owned());
                arguments.push(format!("-m{mib}"));
                if prefix.is_none() {
                    arguments.push("--no-shconf".to_owned());
                }
            }
            (EalMemory::Hugepages { mib }, prefix) => {
                if let Some(mib) = mib {
                    arguments.push(format!("-m{mib}"));
                }
                if self.single_file_segments {
                    arguments.push("--single-file-segments".to_owned());
                }
                arguments.push(match prefix {
                    None => "--in-memory".to_owned(),
                    // Pages are free again even after a crash.
                    Some(_) => "--huge-unlink=always".to_owned(),
                });
            }
        }
        if let Some(prefix) = &self.file_prefix {
            arguments.push(format!("--file-prefix={prefix}"));
        }
        if self.pci.is_empty() {
            arguments.push("--no-pci".to_owned());
        }
        for address in &self.pci {
            arguments.push(format!("--allow={address}"));
        }
        arguments
    }
}

/// Is this `DDDD:BB:DD.F`, the domain optional?
pub fn is_pci_address(text: &str) -> bool {
    let hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let Some((rest, function)) = text.rsplit_once('.') else {
        return false;
    };
    if !matches!(function.as_bytes(), [b'0'..=b'7']) {
        return false;
    }
    match rest.split(':').collect::<Vec<_>>().as_slice() {
        [bus, device] => hex(bus, 2) && hex(device, 2),
        [domain, bus, device] => hex(domain, 4) && hex(bus, 2) && hex(device, 2),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(config: &EalConfig, iommu: bool) -> String {
        config.check().unwrap();
        config.arguments("0-1", iommu).join(" ")
    }

    #[test]
    fn arguments_that_exclude_each_other_never_meet() {
        let common = "vswitch --lcores=0@(0-1) --no-telemetry --iova-mode=va";
        let mut config = EalConfig::ordinary(64);
        assert_eq!(
            line(&config, false),
            format!("{common} --no-huge -m64 --no-shconf --no-pci")
        );
        config.file_prefix = Some("x".to_owned());
        assert_eq!(
            line(&config, false),
            format!("{common} --no-huge -m64 --file-prefix=x --no-pci")
        );
        let mut config = EalConfig::hugepages(None);
        config.single_file_segments = true;
        assert_eq!(
            line(&config, true),
            format!("{common} --single-file-segments --in-memory --no-pci")
        );
        config.pci.push("0000:3b:00.0".to_owned());
        assert!(line(&config, true).ends_with("--in-memory --allow=0000:3b:00.0"));
        assert!(line(&config, false).contains("--iova-mode=pa"));
    }

    #[test]
    fn wrong_values_are_refused_with_a_remedy() {
        let refused = |config: EalConfig| config.check().unwrap_err().to_string();
        assert!(refused(EalConfig::ordinary(0)).contains("0 MiB"));
        let mut config = EalConfig::ordinary(1);
        config.file_prefix = Some("../etc".to_owned());
        assert!(refused(config.clone()).contains("../etc"));
        config.file_prefix = None;
        for bad in [
            "",
            "3b:00",
            "0000:3b:00.8",
            "00000:3b:00.0",
            "zz:00.0",
            "1:2:3:4.0",
        ] {
            config.pci = vec![bad.to_owned()];
            assert!(refused(config.clone()).contains("lspci"), "{bad}");
        }
        assert!(is_pci_address("3b:00.7"));
    }
}
