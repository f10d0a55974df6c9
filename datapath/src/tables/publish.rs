//! Publication: how the control thread hands a new snapshot to the workers.
//!
//! Each worker *owns* the snapshot it reads: no lock, no reference count per
//! packet, no hazard pointer. To publish, the writer puts a reference into
//! each worker's mailbox; at its next burst boundary the worker takes it and
//! puts its old one into the return box, which only the writer empties. So a
//! worker's last reference to a snapshot is always dropped by the writer, and
//! memory is never freed on the packet path.
//!
//! The publication that a worker shows says which snapshot it reads: when all
//! show at least `n`, nobody reads anything older (the grace period of RCU,
//! McKenney & Slingwine 1998; quiescent state = burst boundary).
//!
//! Who reads for longer than a burst (a listing, an export) pins a snapshot:
//! it counts as a reader of that snapshot until it lets go.

use std::sync::Arc;

use crossbeam::utils::CachePadded;

use super::atomics::{ArrayQueue, AtomicBool, AtomicU64, Ordering};

/// Counts hand-overs of a snapshot; the first snapshot is number 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Publication(pub u64);

struct Mailbox<T> {
    /// The newest snapshot that its worker has not taken: at most one.
    new: ArrayQueue<(Publication, Arc<T>)>,
    /// Snapshots that the worker is through with. It puts one in per one it
    /// takes, and the writer empties it before it offers another: two suffice.
    old: ArrayQueue<Arc<T>>,
    /// The writer's newest publication, as this worker's cache line.
    latest: CachePadded<AtomicU64>,
    /// The publication the worker reads.
    seen: CachePadded<AtomicU64>,
}

/// The writer's end. Dropping it leaves the readers with what they have.
pub struct Publisher<T> {
    current: Arc<T>,
    publication: Publication,
    mailboxes: Vec<Arc<Mailbox<T>>>,
    pins: Vec<Arc<Hold>>,
}

/// A snapshot that stays as it is for whoever has it, for as long as that takes:
/// nothing that it leads to is freed or used again before it is dropped.
pub struct Pin<T> {
    snapshot: Arc<T>,
    publication: Publication,
    hold: Arc<Hold>,
}

/// What a pin and its publisher share.
struct Hold {
    publication: Publication,
    released: AtomicBool,
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
            publication: Publication(0),
            mailboxes: Vec::new(),
            pins: Vec::new(),
        }
    }

    /// A reader that starts from the newest snapshot.
    pub fn reader(&mut self) -> Reader<T> {
        let publication = self.publication.0;
        let mailbox = Arc::new(Mailbox {
            new: ArrayQueue::new(1),
            old: ArrayQueue::new(2),
            latest: CachePadded::new(AtomicU64::new(publication)),
            seen: CachePadded::new(AtomicU64::new(publication)),
        });
        self.mailboxes.push(Arc::clone(&mailbox));
        Reader {
            current: Arc::clone(&self.current),
            seen: publication,
            mailbox,
        }
    }

    /// The newest snapshot, to be read at leisure.
    pub fn pin(&mut self) -> Pin<T> {
        let hold = Arc::new(Hold {
            publication: self.publication,
            released: AtomicBool::new(false),
        });
        self.pins.push(Arc::clone(&hold));
        Pin {
            snapshot: Arc::clone(&self.current),
            publication: self.publication,
            hold,
        }
    }

    /// Makes `next` the newest snapshot; each reader takes it at its next
    /// burst boundary.
    pub fn publish(&mut self, next: T) -> Publication {
        self.hand_over(Arc::new(next))
    }

    /// Hands the newest snapshot over once more, so that its being seen by all
    /// says that they have come past now.
    pub fn publish_again(&mut self) -> Publication {
        self.hand_over(Arc::clone(&self.current))
    }

    fn hand_over(&mut self, next: Arc<T>) -> Publication {
        self.collect();
        self.publication.0 += 1;
        self.current = next;
        for mailbox in &self.mailboxes {
            // One that was not taken in time is superseded, and freed here.
            drop(
                mailbox
                    .new
                    .force_push((self.publication, Arc::clone(&self.current))),
            );
            mailbox.latest.store(self.publication.0, Ordering::Release);
        }
        self.publication
    }

    /// Frees what the workers have given back.
    pub fn collect(&mut self) {
        self.pins.retain(|hold| !hold.released());
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

    /// The newest publication.
    pub fn publication(&self) -> Publication {
        self.publication
    }

    /// The oldest publication that any reader, not counting pins, still reads.
    pub fn seen_by_readers(&self) -> Publication {
        let seen = self.mailboxes.iter();
        let seen = seen.map(|m| Publication(m.seen.load(Ordering::Acquire)));
        let oldest = seen.min().unwrap_or(self.publication);
        oldest.min(self.publication)
    }

    /// The oldest publication that any reader or pin still reads.
    pub fn seen_by_all(&self) -> Publication {
        let seen = self
            .mailboxes
            .iter()
            .map(|m| Publication(m.seen.load(Ordering::Acquire)));
        let pinned = self.pins.iter().filter(|hold| !hold.released());
        let oldest = seen.chain(pinned.map(|hold| hold.publication)).min();
        oldest.map_or(self.publication, |oldest| oldest.min(self.publication))
    }
}

impl Hold {
    fn released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }
}

impl<T> Pin<T> {
    /// The publication that it pins.
    pub const fn publication(&self) -> Publication {
        self.publication
    }
}

impl<T> core::ops::Deref for Pin<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.snapshot
    }
}

impl<T> Drop for Pin<T> {
    fn drop(&mut self) {
        self.hold.released.store(true, Ordering::Release);
    }
}

/// A reader that has gone holds nothing back.
impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.mailbox.seen.store(u64::MAX, Ordering::Release);
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
        let Some((publication, next)) = self.mailbox.new.pop() else {
            return;
        };
        let old = core::mem::replace(&mut self.current, next);
        // Never full: see above, and only this worker puts anything in.
        let _ = self.mailbox.old.push(old);
        self.seen = publication.0;
        self.mailbox.seen.store(publication.0, Ordering::Release);
    }

    /// The snapshot for this burst.
    pub fn snapshot(&self) -> &T {
        &self.current
    }
}

#[cfg(test)]
mod tests {
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
    fn a_pin_and_a_reader_hold_back_until_they_go() {
        let mut publisher = Publisher::new(1);
        let mut reader = publisher.reader();
        let pin = publisher.pin();
        assert_eq!(publisher.publish(2), Publication(1));
        assert_eq!(publisher.publish_again(), Publication(2));
        reader.refresh();
        assert_eq!((*pin, *reader.snapshot()), (1, 2));
        assert_eq!(publisher.seen_by_all(), Publication(0));
        drop(pin);
        assert_eq!(publisher.seen_by_all(), Publication(2));
        publisher.publish(3);
        assert_eq!(publisher.seen_by_all(), Publication(2));
        drop(reader);
        assert_eq!(publisher.seen_by_all(), Publication(3));
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
        const ROUNDS: u64 = if cfg!(miri) { 20 } else { 20_000 };
        for value in 1..=ROUNDS {
            publisher.publish(spy(value));
        }
        while publisher.seen_by_all() < Publication(ROUNDS) {
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
