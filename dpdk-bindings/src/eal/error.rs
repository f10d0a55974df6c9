//! Why the EAL does not start, and what to do about it.

use super::probe::FreeHugepages;
use crate::errno::Errno;

/// Why the EAL does not start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EalError {
    /// It runs.
    #[error("DPDK was started in this process already, and can be only once; keep the first `Eal`")]
    AlreadyStarted,
    /// No memory asked for.
    #[error("DPDK with 0 MiB of memory cannot make a single buffer; give it at least 64 MiB")]
    ZeroMemory,
    /// The prefix is no file name.
    #[error("file-prefix \"{prefix}\" is unusable: give up to 64 letters, digits, '-', '_' or '.'")]
    FilePrefix {
        /// What was given.
        prefix: String,
    },
    /// Not a PCI address.
    #[error(
        "\"{address}\" is not a PCI address: write domain:bus:device.function, e.g. \
         0000:3b:00.0 (see: lspci -D)"
    )]
    PciAddress {
        /// What was given.
        address: String,
    },
    /// Not one free hugepage.
    #[error(
        "no free hugepages ({free}); reserve some, e.g. \
         echo 512 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages, \
         or configure memory without hugepages"
    )]
    NoHugepages {
        /// What is there.
        free: FreeHugepages,
    },
    /// Fewer free hugepages than asked for.
    #[error(
        "{mib} MiB of hugepages are asked for and {free_mib} MiB are free ({free}); reserve more, \
         e.g. echo {pages} > /sys/kernel/mm/hugepages/hugepages-{size_kib}kB/nr_hugepages, \
         or ask for less",
        free_mib = free.mib()
    )]
    TooFewHugepages {
        /// MiB asked for.
        mib: u32,
        /// What is there.
        free: FreeHugepages,
        /// How many pages would do, of the size `size_kib`.
        pages: u64,
        /// The page size of the example, in KiB.
        size_kib: u64,
    },
    /// Shared memory files need a mounted hugetlbfs.
    #[error(
        "file-prefix \"{prefix}\" needs a hugetlbfs, and none is mounted; \
         mount -t hugetlbfs nodev /dev/hugepages, or leave the file-prefix out"
    )]
    NoHugetlbfs {
        /// The prefix.
        prefix: String,
    },
    /// Less ordinary memory than asked for.
    #[error("{mib} MiB of memory are asked for and {free_mib} MiB are free; ask for less")]
    NotEnoughMemory {
        /// MiB asked for.
        mib: u32,
        /// MiB free.
        free_mib: u64,
    },
    /// Another process uses the prefix.
    #[error(
        "file-prefix \"{prefix}\" is in use by process {process}; stop it, or choose another \
         file-prefix, or none"
    )]
    FilePrefixBusy {
        /// The prefix.
        prefix: String,
        /// Who holds its lock.
        process: i32,
    },
    /// The thread's affinity cannot be read or restored.
    #[error("cannot read or restore this thread's CPU affinity: {0}")]
    Affinity(rustix::io::Errno),
    /// DPDK refused for a reason of its own.
    #[error("DPDK does not start: {errno}{said} (arguments: {arguments})")]
    Refused {
        /// DPDK's reason.
        errno: Errno,
        /// The command line it was given.
        arguments: String,
        /// What DPDK logged.
        said: String,
    },
}
