//! DPDK's `rte_hash`: lock-free, looked up in bulk. Its values are eight bytes,
//! so they are the places of entries beside it. Those are written word by word
//! while readers read them: faster than right, which is to its advantage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datapath::tables::MappingKey;
use dpdk_bindings::{Eal, HashError, HashReader, HashWriter, hash_table};

use super::{Concurrent, Reader, Subject};
use crate::workload::{BURST, entry, key};

/// The table and the entries.
pub struct Rte {
    writer: HashWriter,
    reader: RteReader,
}

/// What a worker has of them.
#[derive(Clone)]
pub struct RteReader {
    table: HashReader,
    entries: Arc<[[AtomicU64; 4]]>,
}

impl Rte {
    /// With room for so many.
    ///
    /// # Errors
    /// [`HashError`]: mostly, that DPDK has not enough memory.
    pub fn new(eal: &Eal, capacity: u32) -> Result<Self, HashError> {
        let (writer, table) = hash_table(eal, capacity)?;
        let entries = (0..capacity).map(|_| Default::default()).collect();
        let reader = RteReader { table, entries };
        Ok(Self { writer, reader })
    }
}

impl Subject for Rte {
    const NAME: &'static str = "rte_hash";

    fn put(&mut self, numbers: &[u32], round: u32) {
        for number in numbers {
            let entry = entry(*number, round);
            if let Some([mac, host, ..]) = self.reader.entries.get(*number as usize) {
                mac.store(entry.mac.to_u64(), Ordering::Relaxed);
                host.store(u64::from(entry.host.0), Ordering::Relaxed);
            }
            // Made with room for all: it cannot be full.
            let _ = self.writer.add(key(*number).to_bits(), *number as usize);
        }
    }

    #[inline]
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64 {
        self.reader.look_up(keys)
    }

    fn bytes(&self) -> Option<usize> {
        None
    }
}

impl Concurrent for Rte {
    type Reader = RteReader;

    fn reader(&mut self) -> RteReader {
        self.reader.clone()
    }
}

impl Reader for RteReader {
    #[inline]
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64 {
        let keys = keys.map(MappingKey::to_bits);
        let mut found = [None; BURST];
        self.table.lookup_bulk(&keys, &mut found);
        let sum = |at: usize| {
            let [mac, host, ..] = self.entries.get(at)?;
            let (mac, host) = (mac.load(Ordering::Relaxed), host.load(Ordering::Relaxed));
            Some(mac.wrapping_add(host))
        };
        let sums = found.into_iter().flatten().filter_map(sum);
        sums.fold(0, u64::wrapping_add)
    }
}
