//! The mappings that change, and what is known of them at each moment.
//!
//! A mapping has versions, counted from 0. Where the address is follows from
//! its number and the version, so every packet tells by which version it was
//! forwarded. A packet may be forwarded by any version from the last one that
//! was answered when it was sent, to the last one that had been asked for when
//! it arrived; by none other.

use std::sync::atomic::{AtomicU32, Ordering};

/// Addresses whose mappings change.
pub(crate) const CHANGING: u32 = 1 << 14;
/// Hosts they are on.
pub(crate) const HOSTS: u32 = 64;

/// The upper half of a host's locator.
pub(crate) fn host(number: u32) -> u64 {
    0xfd00_0000_0001_0000 + u64::from(number)
}

/// What is known of each mapping.
pub(crate) struct Pool {
    asked: Vec<AtomicU32>,
    answered: Vec<AtomicU32>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let zeros = || (0..CHANGING).map(|_| AtomicU32::new(0)).collect();
        Self {
            asked: zeros(),
            answered: zeros(),
        }
    }

    /// The address with this number.
    pub(crate) fn address(number: u32) -> u32 {
        0x0a02_0000 + number
    }

    /// On which host a version is; every fourth version is nowhere.
    pub(crate) fn place(number: u32, version: u32) -> Option<u64> {
        (version % 4 != 3).then(|| host((number + version) % HOSTS))
    }

    /// Begins the next version, which is going to be asked for.
    pub(crate) fn change(&self, number: u32) -> u32 {
        self.asked[number as usize].fetch_add(1, Ordering::SeqCst) + 1
    }

    /// All workers act on this version.
    pub(crate) fn answer(&self, number: u32, version: u32) {
        self.answered[number as usize].store(version, Ordering::SeqCst);
    }

    /// The last version that was answered.
    pub(crate) fn answered(&self, number: u32) -> u32 {
        self.answered[number as usize].load(Ordering::SeqCst)
    }

    /// The last version that was asked for.
    pub(crate) fn asked(&self, number: u32) -> u32 {
        self.asked[number as usize].load(Ordering::SeqCst)
    }

    /// Can a packet sent when `floor` was answered, and arrived by now, have
    /// gone to this host?
    pub(crate) fn was_at(&self, number: u32, floor: u32, host: u64) -> bool {
        (floor..=self.asked(number)).any(|version| Self::place(number, version) == Some(host))
    }

    /// Can it have been dropped for want of a mapping?
    pub(crate) fn may_have_been_nowhere(&self, number: u32, floor: u32) -> bool {
        (floor..=self.asked(number)).any(|version| Self::place(number, version).is_none())
    }
}
