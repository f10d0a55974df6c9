//! What changed, for those who watch.
//!
//! The newest events are kept in a ring. A watcher pulls from it at its own
//! pace; one that is too slow finds that its place is gone, and must look at
//! the whole again. So nobody waits for a watcher, and a watcher costs nothing.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::order::{MappingChange, Revision};

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The revision that changed it.
    pub revision: Revision,
    /// When.
    pub at: SystemTime,
    /// What.
    pub what: What,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Another topology is in force.
    Topology {
        /// What changed, in one line.
        summary: String,
        /// When it goes back by itself.
        reverts_at: Option<SystemTime>,
    },
    /// A mapping.
    Mapping(MappingChange),
    /// A port was added.
    PortAdded(String),
    /// A port was removed.
    PortRemoved(String),
    /// A table's occupancy crossed its alarm threshold.
    Alarm {
        /// The table's name.
        table: &'static str,
        /// It is above.
        raised: bool,
        /// Entries in use.
        used: u64,
        /// Entries that fit.
        capacity: u64,
    },
}

/// That revision is not remembered any more, or was never made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "what changed after revision {after} is not known any more (the oldest known is {oldest}, the \
     newest {newest}); list what there is, then watch from the revision in force"
)]
pub struct TooOld {
    /// From where the watcher wanted to begin.
    pub after: Revision,
    /// The oldest revision whose events are all remembered.
    pub oldest: Revision,
    /// The newest.
    pub newest: Revision,
}

/// Events that are remembered at most.
const REMEMBERED: usize = 1 << 16;

/// The ring of events, as its one writer sees it.
#[derive(Debug)]
pub struct Events {
    ring: Arc<Mutex<Ring>>,
    newest: watch::Sender<Revision>,
}

#[derive(Debug)]
struct Ring {
    events: VecDeque<Event>,
    /// How many events came before those in the ring.
    forgotten: u64,
    /// All events of later revisions are in the ring.
    complete_after: Revision,
    newest: Revision,
}

impl Events {
    /// A ring in which nothing has happened since `revision`.
    pub fn new(revision: Revision) -> Self {
        let ring = Ring {
            events: VecDeque::new(),
            forgotten: 0,
            complete_after: revision,
            newest: revision,
        };
        Self {
            ring: Arc::new(Mutex::new(ring)),
            newest: watch::Sender::new(revision),
        }
    }

    /// Notes what a revision changed. Revisions only rise.
    pub fn note(&self, revision: Revision, what: impl Iterator<Item = What>) {
        let at = SystemTime::now();
        {
            let mut ring = self.ring.lock();
            for what in what {
                let event = Event { revision, at, what };
                if ring.events.len() >= REMEMBERED
                    && let Some(oldest) = ring.events.pop_front()
                {
                    ring.forgotten += 1;
                    // The rest of that revision is worth nothing without it.
                    ring.complete_after = oldest.revision;
                }
                ring.events.push_back(event);
            }
            ring.newest = revision;
        }
        self.newest.send_replace(revision);
    }

    /// Follows what comes after a revision, or from now on.
    ///
    /// # Errors
    /// [`TooOld`].
    pub fn watch(&self, after: Option<Revision>) -> Result<Watch, TooOld> {
        let ring = self.ring.lock();
        let after = after.unwrap_or(ring.newest);
        if after < ring.complete_after || after > ring.newest {
            return Err(ring.too_old(after));
        }
        let seen = ring.events.partition_point(|e| e.revision <= after);
        Ok(Watch {
            ring: Arc::clone(&self.ring),
            newest: self.newest.subscribe(),
            next: ring.forgotten + seen as u64,
            after,
        })
    }
}

impl Ring {
    fn too_old(&self, after: Revision) -> TooOld {
        TooOld {
            after,
            oldest: self.complete_after,
            newest: self.newest,
        }
    }
}

/// One watcher's place in the ring.
#[derive(Debug)]
pub struct Watch {
    ring: Arc<Mutex<Ring>>,
    newest: watch::Receiver<Revision>,
    /// The number of the next event, counted since the daemon's start.
    next: u64,
    /// The revision of the last event it has seen.
    after: Revision,
}

impl Watch {
    /// The newest revision, as of now.
    pub fn newest(&self) -> Revision {
        *self.newest.borrow()
    }

    /// Will there be no more, since their writer is gone?
    pub fn is_over(&self) -> bool {
        self.newest.has_changed().is_err()
    }

    /// The next events, at most `limit`, at once; empty: none so far.
    ///
    /// # Errors
    /// [`TooOld`]: this watcher was too slow.
    pub fn next_now(&mut self, limit: usize) -> Result<Vec<Event>, TooOld> {
        let ring = self.ring.lock();
        let Some(seen) = self.next.checked_sub(ring.forgotten) else {
            return Err(ring.too_old(self.after));
        };
        let unseen = ring
            .events
            .iter()
            .skip(usize::try_from(seen).unwrap_or(usize::MAX));
        let events: Vec<_> = unseen.take(limit).cloned().collect();
        self.next += events.len() as u64;
        self.after = events.last().map_or(self.after, |event| event.revision);
        Ok(events)
    }

    /// The next events: waits until there are any, or the time is over.
    ///
    /// # Errors
    /// [`TooOld`]: this watcher was too slow.
    pub async fn next(&mut self, limit: usize, patience: Duration) -> Result<Vec<Event>, TooOld> {
        self.newest.mark_unchanged();
        let events = self.next_now(limit)?;
        if !events.is_empty() {
            return Ok(events);
        }
        let _ = tokio::time::timeout(patience, self.newest.changed()).await;
        self.next_now(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(n: usize) -> What {
        What::PortAdded(n.to_string())
    }

    fn names(events: Vec<Event>) -> Vec<String> {
        let name = |event: Event| match event.what {
            What::PortAdded(name) => name,
            other => panic!("{other:?}"),
        };
        events.into_iter().map(name).collect()
    }

    #[test]
    fn a_watcher_sees_every_event_once_in_order_in_pieces_of_any_size() {
        for limit in 1..9 {
            let events = Events::new(Revision(4));
            let mut watch = events.watch(None).unwrap();
            let mut seen = Vec::new();
            let mut made = 0;
            for revision in 5..40_u64 {
                let many = usize::try_from(revision % 5).unwrap();
                events.note(Revision(revision), (made..made + many).map(added));
                made += many;
                if revision % 3 == 0 {
                    seen.extend(names(watch.next_now(limit).unwrap()));
                }
            }
            loop {
                let next = names(watch.next_now(limit).unwrap());
                if next.is_empty() {
                    break;
                }
                seen.extend(next);
            }
            let all: Vec<_> = (0..made).map(|n| n.to_string()).collect();
            assert_eq!(seen, all, "in pieces of {limit}");
        }
    }

    #[test]
    fn one_can_begin_where_one_has_left_off() {
        let events = Events::new(Revision(0));
        for revision in 1..=5_u64 {
            events.note(Revision(revision), [added(0)].into_iter());
        }
        let from = |after| events.watch(Some(Revision(after)));
        assert_eq!(from(3).unwrap().next_now(9).unwrap().len(), 2);
        assert_eq!(from(5).unwrap().next_now(9).unwrap().len(), 0);
        assert_eq!(from(6).unwrap_err().newest, Revision(5));
    }

    #[test]
    fn who_is_too_slow_is_told_so() {
        let events = Events::new(Revision(0));
        let mut slow = events.watch(None).unwrap();
        for revision in 1..=3_u64 {
            events.note(Revision(revision), (0..REMEMBERED / 2).map(added));
        }
        let told = slow.next_now(9).unwrap_err();
        assert_eq!((told.after, told.oldest), (Revision(0), Revision(1)));
        assert_eq!(
            events
                .watch(Some(Revision(1)))
                .unwrap()
                .next_now(REMEMBERED * 2)
                .unwrap()
                .len(),
            REMEMBERED
        );
    }

    #[tokio::test]
    async fn a_watcher_wakes_when_something_happens() {
        let events = Arc::new(Events::new(Revision(0)));
        let mut watch = events.watch(None).unwrap();
        let noting = Arc::clone(&events);
        let later = tokio::spawn(async move {
            tokio::task::yield_now().await;
            noting.note(Revision(1), [added(7)].into_iter());
        });
        let woken = watch.next(9, Duration::from_secs(60)).await.unwrap();
        later.await.unwrap();
        assert_eq!(names(woken), ["7"]);
    }
}
