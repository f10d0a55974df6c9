//! `hashbrown`, as it is: no versions, and nobody reads while it is changed.

use datapath::tables::{MappingEntry, MappingKey};
use hashbrown::HashMap;

use super::{Subject, sum};
use crate::workload::{BURST, entry, key};

/// The map.
pub struct Brown(HashMap<u64, MappingEntry>);

impl Brown {
    /// With room for so many.
    pub fn new(capacity: u32) -> Self {
        Self(HashMap::with_capacity(capacity as usize))
    }
}

impl Subject for Brown {
    const NAME: &'static str = "hashbrown";

    fn put(&mut self, numbers: &[u32], round: u32) {
        for number in numbers {
            self.0.insert(key(*number).to_bits(), entry(*number, round));
        }
    }

    #[inline]
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64 {
        let found = keys.iter().filter_map(|key| self.0.get(&key.to_bits()));
        sum(found.map(|entry| (entry.host, entry.mac)))
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.0.allocation_size())
    }
}
