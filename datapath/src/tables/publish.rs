//! Publication: how the control thread hands a new snapshot to the workers.
//!
//! Each worker *owns* the snapshot it reads: no lock, no reference count per
//! packet, no hazard pointer. To publish, the writer puts a reference into
//! each worker's mailbox; at its next burst boundary the worker takes it and
//! puts its old one into the return box, which only the writer empties. So a
//! worker's last reference to a snapshot is always dropped by the writer, and
//! memory is never freed on the packet path.
//!
//! The revision that a worker shows says which snapshot it reads: when all
//! show at least `n`, nobody reads anything older (the grace period of RCU,
//! McKenney & Slingwine 1998; quiescent state = burst boundary).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;

/// Counts publications; the first snapshot has revision 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

struct Mailbox<T> {
    /// The newest snapshot that its worker has not taken: at most one.
    new: ArrayQueue<(Revision, Arc<T>)>,
    /// Snapshots that the worker is through with. It puts one in per one it
    /// takes, and the writer empties it before it offers another: two suffice.
    old: ArrayQueue<Arc<T>>,
    /// The writer's newest revision, as this worker's cache line.
    latest: CachePadded<AtomicU64>,
    /// The revision the worker reads.
    seen: CachePadded<AtomicU64>,
}

/// The writer's end. Dropping it leaves the readers with what they have.
pub struct Publisher<T> {
    current: Arc<T>,
    revision: Revision,
    mailboxes: Vec<Arc<Mailbox<T>>>,
}

/// A worker's end.
pub struct Reader<T> {
    current: Arc<T>,
    seen: u64,
    mailbox: Arc<Mailbox<T>>,
}

impl<T> Publisher<T> {
    /// A publisher whose first snapshot is `first`.
    pub fn new(first: T) -> Self {
        Self {
            current: Arc::new(first),
            revision: Revision(0),
            mailboxes: Vec::new(),
        }
    }

    /// A reader that starts from the newest snapshot.
    pub fn reader(&mut self) -> Reader<T> {
        let revision = self.revision.0;
        let mailbox = Arc::new(Mailbox {
            new: ArrayQueue::new(1),
            old: ArrayQueue::new(2),
            latest: CachePadded::new(AtomicU64::new(revision)),
            seen: CachePadded::new(AtomicU64::new(revision)),
        });
        self.mailboxes.push(Arc::clone(&mailbox));
        Reader {
            current: Arc::clone(&self.current),
            seen: revision,
            mailbox,
        }
    }

    /// Makes `next` the newest snapshot; each reader takes it at its next
    /// burst boundary.
    pub fn publish(&mut self, next: T) -> Revision {
        self.collect();
        self.revision.0 += 1;
        self.current = Arc::new(next);
        for mailbox in &self.mailboxes {
            // One that was not taken in time is superseded, and freed here.
            drop(
                mailbox
                    .new
                    .force_push((self.revision, Arc::clone(&self.current))),
            );
            mailbox.latest.store(self.revision.0, Ordering::Release);
        }
        self.revision
    }

    /// Frees what the workers have given back.
    pub fn collect(&mut self) {
        for mailbox in &self.mailboxes {
            while let Some(old) = mailbox.old.pop() {
                drop(old);
            }
        }
    }

    /// The newest snapshot.
    pub fn current(&self) -> &Arc<T> {
        &self.current
    }

    /// The newest revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The oldest revision that any reader still reads.
    pub fn seen_by_all(&self) -> Revision {
        let seen = self
            .mailboxes
            .iter()
            .map(|m| m.seen.load(Ordering::Acquire))
            .min();
        Revision(seen.unwrap_or(self.revision.0))
    }
}

impl<T> Reader<T> {
    /// The burst boundary: takes the newest snapshot if there is one. Costs a
    /// load of this worker's own cache line where there is none.
    pub fn refresh(&mut self) {
        if self.mailbox.latest.load(Ordering::Acquire) == self.seen {
            return;
        }
        if self.mailbox.old.is_full() {
            // The writer is in the middle of something: take it next time.
            return;
        }
        let Some((revision, next)) = self.mailbox.new.pop() else {
            return;
        };
        let old = core::mem::replace(&mut self.current, next);
        // Never full: see above, and only this worker puts anything in.
        let _ = self.mailbox.old.push(old);
        self.seen = revision.0;
        self.mailbox.seen.store(revision.0, Ordering::Release);
    }

    /// The snapshot for this burst.
    pub fn snapshot(&self) -> &T {
        &self.current
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread::{self, ThreadId};

    use super::*;

    /// A snapshot that knows who freed it.
    struct Spy {
        value: u64,
        twice: u64,
        freed_by: Arc<parking::Names>,
    }

    mod parking {
        use std::sync::Mutex;
        use std::thread::ThreadId;

        #[derive(Default)]
        pub(super) struct Names(pub(super) Mutex<Vec<ThreadId>>);
    }

    impl Drop for Spy {
        fn drop(&mut self) {
            self.freed_by.0.lock().unwrap().push(thread::current().id());
        }
    }

    #[test]
    fn a_reader_sees_the_newest_whole_snapshot_and_never_frees_one() {
        let freed_by = Arc::new(parking::Names::default());
        let spy = |value| Spy {
            value,
            twice: 2 * value,
            freed_by: Arc::clone(&freed_by),
        };
        let mut publisher = Publisher::new(spy(0));
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let mut reader = publisher.reader();
                let stop = Arc::clone(&stop);
                thread::spawn(move || {
                    let mut last = 0;
                    while !stop.load(Ordering::Relaxed) {
                        reader.refresh();
                        let now = reader.snapshot();
                        assert_eq!(now.twice, 2 * now.value);
                        assert!(now.value >= last);
                        last = now.value;
                    }
                    reader
                })
            })
            .collect();
        const ROUNDS: u64 = if cfg!(miri) { 50 } else { 20_000 };
        for value in 1..=ROUNDS {
            publisher.publish(spy(value));
        }
        while publisher.seen_by_all() < Revision(ROUNDS) {
            publisher.collect();
            thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        let readers: Vec<_> = readers.into_iter().map(|t| t.join().unwrap()).collect();
        publisher.collect();
        let here: ThreadId = thread::current().id();
        let freed = freed_by.0.lock().unwrap();
        assert_eq!(freed.len() as u64, ROUNDS, "all but the newest are freed");
        assert!(
            freed.iter().all(|by| *by == here),
            "a reader freed a snapshot"
        );
        drop(freed);
        drop(readers);
    }
}
