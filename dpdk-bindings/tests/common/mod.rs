//! What the tests of this crate share: one EAL per process, pools and folders
//! with names of their own, and commands run as root.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part; a helper that fails fails its test"
)]

pub(crate) mod interfaces;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dpdk_bindings::{DeviceConfig, DeviceOffloads, Eal, EalConfig, Mempool};

/// The process's EAL: no hugepages, nothing shared.
pub(crate) fn eal() -> Eal {
    static EAL: OnceLock<Eal> = OnceLock::new();
    *EAL.get_or_init(|| Eal::start(&EalConfig::ordinary(512)).unwrap())
}

/// A pool of buffers for frames of a classic Ethernet.
pub(crate) fn pool(name: &str, count: u32) -> Mempool {
    Mempool::new(eal(), name, count, 2048, 32.min(count / 4)).unwrap()
}

/// As many queues each way.
pub(crate) fn config(queues: u16, mtu: u16) -> DeviceConfig {
    DeviceConfig {
        rx_queues: queues,
        tx_queues: queues,
        rx_descriptors: 256,
        tx_descriptors: 256,
        mtu,
        keep_mtu: false,
        offloads: DeviceOffloads::NONE,
    }
}

/// Waits for a condition; it must come true in time that is ample.
pub(crate) fn poll_until(ample: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < ample, "the condition did not come true");
        std::thread::yield_now();
    }
}

/// A name that no other test of this or another process has; at most 15 bytes,
/// as network interfaces want.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{:x}-{number}", std::process::id())
}

/// A folder that is removed in the end.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new(prefix: &str) -> Self {
        let path = std::env::temp_dir().join(unique(prefix));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command that must succeed.
pub(crate) fn run(line: &str) {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {stderr}");
}
