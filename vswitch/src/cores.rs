//! Which cores the workers turn on.

use std::num::NonZero;
use std::thread;

use crate::config::{Cores, Workers};

/// A configured core is not there.
#[derive(Debug, thiserror::Error)]
#[error("workers.cores names core {core}, which this process may not use; it may use {allowed:?}")]
pub struct NoSuchCore {
    /// The core.
    pub core: u16,
    /// What there is.
    pub allowed: Vec<u16>,
}

/// Pins the calling thread to a core; only warns where the kernel refuses.
pub fn pin(core: u16) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(usize::from(core));
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        tracing::warn!(core, %error, "cannot pin a worker; it runs where the kernel puts it");
    }
}

/// The cores that this process may use.
fn allowed_cores() -> Vec<u16> {
    rustix::thread::sched_getaffinity(None).map_or_else(
        |_| Vec::new(),
        |set| {
            (0..u16::MAX)
                .filter(|core| usize::from(*core) < 1024 && set.is_set(usize::from(*core)))
                .collect()
        },
    )
}

/// One entry per worker: the core it is pinned to.
///
/// # Errors
/// [`NoSuchCore`]: a configured core that this process may not use.
pub fn of(workers: &Workers) -> Result<Vec<Option<u16>>, NoSuchCore> {
    let allowed = allowed_cores();
    match &workers.cores {
        Cores::List(cores) => {
            if let Some(core) = cores.iter().find(|core| !allowed.contains(core)) {
                return Err(NoSuchCore {
                    core: *core,
                    allowed,
                });
            }
            Ok(cores.iter().copied().map(Some).collect())
        }
        Cores::Auto => {
            let isolated = isolated_cores()
                .into_iter()
                .filter(|core| allowed.contains(core));
            let mut cores: Vec<_> = isolated.map(Some).collect();
            if cores.is_empty() {
                let count = thread::available_parallelism().map_or(1, NonZero::get);
                // The first core keeps the kernel and the control thread.
                cores = allowed
                    .into_iter()
                    .skip(usize::from(count > 1))
                    .map(Some)
                    .collect();
            }
            if cores.is_empty() {
                // The kernel did not say which there are: one, unpinned.
                cores.push(None);
            }
            Ok(cores)
        }
    }
}

/// The cores that the kernel was told to leave alone (`isolcpus=`).
fn isolated_cores() -> Vec<u16> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/isolated").unwrap_or_default();
    let range = |part: &str| -> Option<core::ops::RangeInclusive<u16>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}
