//! Goes through all mappings that clients have loaded or that were learned, in the order of their
//! keys, while they change.
//!
//! A thread of its own collects and sorts the keys; the values are looked up a
//! chunk at a time, as of that moment. So no snapshot is held for long, and
//! nobody waits for ten million keys to be sorted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use datapath::tables::{MappingKey, Origin};

use super::order::{MappingChange, MappingPlace};
use super::writer::SharedPublisher;

/// Keys whose values are looked up under one pin.
const CHUNK: usize = 4096;

/// A survey that has begun.
pub(super) struct Survey {
    ready: Arc<AtomicBool>,
}

impl Survey {
    /// Begins; gives the mappings, too. Who takes the first of them before the
    /// survey is ready waits for it.
    pub(super) fn begin(
        publisher: &SharedPublisher,
    ) -> io::Result<(Self, impl Iterator<Item = MappingChange> + Send + use<>)> {
        let (give, keys) = mpsc::sync_channel(1);
        let ready = Arc::new(AtomicBool::new(false));
        let (done, reads) = (Arc::clone(&ready), Arc::clone(publisher));
        thread::Builder::new()
            .name("survey".into())
            .spawn(move || {
                // Whoever wanted them may be gone.
                let _ = give.send(loaded_keys(&reads));
                done.store(true, Ordering::Release);
            })?;
        let publisher = Arc::clone(publisher);
        let chunks = keys.into_iter().flat_map(into_chunks);
        let mappings = chunks.flat_map(move |keys| values(&publisher, &keys));
        Ok((Self { ready }, mappings))
    }

    /// Are the keys there?
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

fn loaded_keys(publisher: &SharedPublisher) -> Vec<MappingKey> {
    let tables = publisher.lock().pin();
    let all = tables.mappings.iter(tables.version);
    let loaded = all.filter(|(_, entry)| entry.origin != Origin::Drawn);
    let mut keys: Vec<_> = loaded.map(|(key, _)| key).collect();
    drop(tables);
    keys.sort_unstable();
    keys
}

fn into_chunks(keys: Vec<MappingKey>) -> impl Iterator<Item = Vec<MappingKey>> {
    let mut keys = keys.into_iter();
    core::iter::from_fn(move || {
        let chunk: Vec<_> = keys.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn values(publisher: &SharedPublisher, keys: &[MappingKey]) -> Vec<MappingChange> {
    let tables = publisher.lock().pin();
    let value = |key: &MappingKey| {
        let entry = tables.mapping(key.segment, key.address)?;
        let place = MappingPlace {
            locator: tables.locator(entry.host)?,
            slot: entry.slot,
            mac: entry.mac,
        };
        (entry.origin != Origin::Drawn).then_some(MappingChange {
            segment: key.segment,
            address: key.address,
            place: Some(place),
        })
    };
    keys.iter().filter_map(value).collect()
}
