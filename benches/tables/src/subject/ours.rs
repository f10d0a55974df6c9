//! The mapping table of `datapath`, with its versions and publications.

use std::sync::Arc;

use datapath::tables::publish::{Publisher, Reader as Roots};
use datapath::tables::{MappingKey, MappingTable, MappingWriter, TableVersion};

use super::{Concurrent, Reader, Subject, sum};
use crate::workload::{BURST, entry, key};

/// The table.
pub struct Ours {
    writer: MappingWriter,
    publisher: Publisher<TableVersion>,
    reader: OurReader,
}

/// What a worker has of it.
pub struct OurReader {
    table: Arc<MappingTable>,
    roots: Roots<TableVersion>,
}

impl Ours {
    /// With room for so many.
    pub fn new(capacity: u32) -> Self {
        let writer = MappingWriter::new(capacity as usize);
        let mut publisher = Publisher::new(writer.version());
        let reader = OurReader {
            table: Arc::clone(writer.table()),
            roots: publisher.reader(),
        };
        Self {
            writer,
            publisher,
            reader,
        }
    }

    /// False if readers have to come further first.
    fn try_put(&mut self, numbers: &[u32], round: u32) -> bool {
        let mut staged = self.writer.stage();
        for number in numbers {
            if staged.put(key(*number), entry(*number, round)).is_err() {
                return false;
            }
        }
        let version = staged.commit();
        self.writer.published(self.publisher.publish(version));
        true
    }
}

impl Subject for Ours {
    const NAME: &'static str = "ours";

    /// One transaction: committed, published, and freed as readers come on.
    fn put(&mut self, numbers: &[u32], round: u32) {
        loop {
            let done = self.try_put(numbers, round);
            self.reader.roots.refresh();
            self.writer.reclaim(self.publisher.seen_by_all());
            if done {
                return;
            }
            std::hint::spin_loop();
        }
    }

    #[inline]
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64 {
        self.reader.look_up(keys)
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.writer.stats().reserved_bytes)
    }
}

impl Concurrent for Ours {
    type Reader = OurReader;

    fn reader(&mut self) -> OurReader {
        OurReader {
            table: Arc::clone(self.writer.table()),
            roots: self.publisher.reader(),
        }
    }
}

impl Reader for OurReader {
    #[inline]
    fn look_up(&mut self, keys: &[MappingKey; BURST]) -> u64 {
        self.roots.refresh();
        let at = *self.roots.snapshot();
        let keys = keys.iter().copied().map(Some);
        let found = self.table.find_all::<BURST>(at, keys);
        let found = found.iter().flatten();
        sum(found.map(|found| (found.host(), found.mac())))
    }
}
