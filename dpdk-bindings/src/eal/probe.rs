//! The conditions that the EAL needs, looked at before it starts: it would fail
//! late, or with a message that helps nobody.

use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Flock, FlockType};
use rustix::thread::CpuSet;

use super::config::{EalConfig, EalMemory};
use super::error::EalError;

/// How many hugepages of each size are free.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FreeHugepages(Vec<HugepageSize>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct HugepageSize {
    kib: u64,
    free: u64,
    total: u64,
}

impl FreeHugepages {
    /// What the kernel says now.
    pub fn now() -> Self {
        Self::below(Path::new("/sys/kernel/mm/hugepages"))
    }

    fn below(folder: &Path) -> Self {
        let mut sizes: Vec<HugepageSize> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let kib = name
                    .to_str()?
                    .strip_prefix("hugepages-")?
                    .strip_suffix("kB")?;
                let read = |file: &str| -> Option<u64> {
                    fs::read_to_string(entry.path().join(file))
                        .ok()?
                        .trim()
                        .parse()
                        .ok()
                };
                Some(HugepageSize {
                    kib: kib.parse().ok()?,
                    free: read("free_hugepages")?,
                    total: read("nr_hugepages")?,
                })
            })
            .collect();
        sizes.sort_by_key(|size| size.kib);
        Self(sizes)
    }

    /// MiB free, all sizes together.
    pub fn mib(&self) -> u64 {
        self.0.iter().map(|size| size.kib * size.free / 1024).sum()
    }

    /// The smallest page size, in KiB, and how many of it make `mib` MiB.
    fn pages_for(&self, mib: u32) -> (u64, u64) {
        let kib = self.0.first().map_or(2048, |size| size.kib);
        (kib, (u64::from(mib) * 1024).div_ceil(kib.max(1)))
    }
}

impl fmt::Display for FreeHugepages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("this kernel offers no hugepages");
        }
        for (index, size) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let HugepageSize { kib, free, total } = size;
            write!(
                f,
                "{separator}{free} of {total} hugepages of {kib} KiB free"
            )?;
        }
        Ok(())
    }
}

/// Everything that can be known to fail.
pub(super) fn preconditions(config: &EalConfig) -> Result<(), EalError> {
    match config.memory {
        EalMemory::Ordinary { mib } => {
            if let Some(free_mib) = available_mib()
                && u64::from(mib) > free_mib
            {
                return Err(EalError::NotEnoughMemory { mib, free_mib });
            }
        }
        EalMemory::Hugepages { mib } => {
            hugepages(mib, FreeHugepages::now())?;
            if let Some(prefix) = &config.file_prefix
                && !has_hugetlbfs()
            {
                return Err(EalError::NoHugetlbfs {
                    prefix: prefix.clone(),
                });
            }
        }
    }
    match &config.file_prefix {
        Some(prefix) => prefix_is_free(prefix),
        None => Ok(()),
    }
}

fn hugepages(mib: Option<u32>, free: FreeHugepages) -> Result<(), EalError> {
    match mib {
        // Without a demand the EAL starts with no page at all, and the first
        // pool fails.
        _ if free.mib() == 0 => Err(EalError::NoHugepages { free }),
        Some(mib) if free.mib() < u64::from(mib) => {
            let (size_kib, pages) = free.pages_for(mib);
            Err(EalError::TooFewHugepages {
                mib,
                free,
                pages,
                size_kib,
            })
        }
        _ => Ok(()),
    }
}

fn available_mib() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn has_hugetlbfs() -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(2) == Some("hugetlbfs"))
}

/// Is there an IOMMU, so that devices can use virtual addresses?
pub(super) fn has_iommu() -> bool {
    fs::read_dir("/sys/kernel/iommu_groups").is_ok_and(|mut groups| groups.next().is_some())
}

/// The EAL of a process that uses a prefix holds a lock on its configuration.
fn prefix_is_free(prefix: &str) -> Result<(), EalError> {
    let Ok(file) = fs::File::open(runtime_folder().join(prefix).join("config")) else {
        return Ok(());
    };
    let whole = Flock::from(FlockType::WriteLock);
    match rustix::process::fcntl_getlk(&file, &whole) {
        Ok(Some(held)) => Err(EalError::FilePrefixBusy {
            prefix: prefix.to_owned(),
            process: held.pid.map_or(0, |pid| pid.as_raw_nonzero().get()),
        }),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Where the EAL keeps its files, by its own rule.
fn runtime_folder() -> PathBuf {
    let base = if rustix::process::getuid().is_root() {
        PathBuf::from("/var/run")
    } else {
        std::env::var_os("XDG_RUNTIME_DIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
    };
    base.join("dpdk")
}

/// The CPUs of a set as a list, e.g. `0-2,7`.
pub(super) fn cpus(set: &CpuSet) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for cpu in (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => ranges.push((cpu, cpu)),
        }
    }
    let text: Vec<String> = ranges
        .iter()
        .map(|&(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    text.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(kib: u64, free: u64, total: u64) -> FreeHugepages {
        FreeHugepages(vec![HugepageSize { kib, free, total }])
    }

    #[test]
    fn missing_hugepages_are_explained_with_numbers() {
        let none = hugepages(None, free(2048, 0, 8)).unwrap_err().to_string();
        assert!(none.contains("0 of 8 hugepages of 2048 KiB free"), "{none}");
        assert!(none.contains("nr_hugepages"));
        let few = hugepages(Some(512), free(2048, 100, 100))
            .unwrap_err()
            .to_string();
        assert!(
            few.contains("512 MiB") && few.contains("200 MiB are free"),
            "{few}"
        );
        assert!(few.contains("echo 256 >"), "{few}");
        assert!(hugepages(Some(200), free(2048, 100, 100)).is_ok());
        assert!(hugepages(None, FreeHugepages::default()).is_err());
    }

    #[test]
    fn cpu_sets_are_written_as_the_eal_reads_them() {
        let mut set = CpuSet::new();
        for cpu in [0, 1, 2, 7] {
            set.set(cpu);
        }
        assert_eq!(cpus(&set), "0-2,7");
    }

    #[test]
    fn more_memory_than_the_machine_has_is_refused() {
        let config = EalConfig::ordinary(u32::MAX);
        assert!(matches!(
            preconditions(&config),
            Err(EalError::NotEnoughMemory { mib: u32::MAX, .. })
        ));
    }
}
