//! What is compared.

pub mod brown;
pub mod ours;
#[cfg(feature = "dpdk")]
pub mod rte;

use datapath::tables::MappingKey;
use packet::MacAddr;
use vnet::compiled::HostId;

use crate::workload::BURST;

/// A table under test.
pub trait Subject {
    /// What it is called in the results.
    const NAME: &'static str;

    /// Maps the keys with these numbers to where they are in this round, in as
    /// few steps as it can.
    fn put(&mut self, numbers: &[u32], round: u32);

    /// What is found of a burst, summed up so that all of it is needed.
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64;

    /// Its memory, as it knows it itself, in bytes.
    fn bytes(&self) -> Option<usize>;
}

/// A table that may be read while it is changed.
pub trait Concurrent: Subject {
    /// A reader's end.
    type Reader: Reader + Send;

    /// An end for another thread.
    fn reader(&mut self) -> Self::Reader;
}

/// A reader's end.
pub trait Reader {
    /// As [`Subject::look_up`].
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64;
}

/// Needs two words of an entry.
#[inline]
fn sum(found: impl Iterator<Item = (HostId, MacAddr)>) -> u64 {
    let of = |(host, mac): (HostId, MacAddr)| u64::from(host.0).wrapping_add(mac.to_u64());
    found.map(of).fold(0, u64::wrapping_add)
}
