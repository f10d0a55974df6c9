//! Who is connected, and who has to make room.
//!
//! Everybody has a share of the connections, so that nobody takes all of them.
//! Where there is no room, the connection goes that has been idle for longest:
//! of the same user if that one's share is used up, else of whoever has most.
//! A connection with a request under way stays. So a thousand idle connections
//! keep nobody out; and whoever administers the daemon has places of their own.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::peer::{Access, Peer};

/// The open connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// By number, in the order in which they came.
    open: BTreeMap<u64, Open>,
    next: u64,
}

#[derive(Debug)]
struct Open {
    uid: u32,
    owner: bool,
    requests: Requests,
    close: oneshot::Sender<()>,
}

/// There is no room, and nobody is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Crowded {
    /// The user has used up its share.
    #[error("this user has too many connections, and none of them is idle")]
    Share,
    /// All connections are in use.
    #[error("there are too many connections, and none of them is idle")]
    Room,
}

impl Connections {
    /// Makes room for a peer's connection.
    ///
    /// # Errors
    /// [`Crowded`]: there is none.
    pub(super) fn admit(self: &Arc<Self>, peer: &Peer) -> Result<Place, Crowded> {
        let mut table = self.table.lock();
        let (uid, owner) = (peer.uid, peer.owns_the_daemon());
        if table.count(uid) >= share(peer) && !table.close_idle(|open| open.uid == uid) {
            return Err(Crowded::Share);
        }
        let room = if owner {
            CONNECTIONS + RESERVED
        } else {
            CONNECTIONS
        };
        if table.open.len() >= room {
            let greediest = table.greediest();
            let closed = greediest.is_some_and(|uid| table.close_idle(|open| open.uid == uid))
                || table.close_idle(|open| owner || !open.owner);
            if !closed {
                return Err(Crowded::Room);
            }
        }
        let (close, closed) = oneshot::channel();
        let requests = Requests::default();
        let number = table.next;
        table.next += 1;
        table.open.insert(
            number,
            Open {
                uid,
                owner,
                requests: requests.clone(),
                close,
            },
        );
        Ok(Place {
            number,
            connections: Arc::clone(self),
            requests,
            closed: Some(closed),
        })
    }
}

impl Table {
    fn count(&self, uid: u32) -> usize {
        self.open.values().filter(|open| open.uid == uid).count()
    }

    /// Which user, not counting the daemon's owners, has most connections?
    fn greediest(&self) -> Option<u32> {
        let others = self.open.values().filter(|open| !open.owner);
        others
            .map(|open| open.uid)
            .max_by_key(|uid| self.count(*uid))
    }

    /// Closes the connection that has been idle for longest among these.
    fn close_idle(&mut self, among: impl Fn(&Open) -> bool) -> bool {
        let candidates = self.open.iter().filter(|(_, open)| among(open));
        let idle = candidates
            .filter_map(|(number, open)| Some((open.requests.idle_since()?, *number)))
            .min();
        let Some(open) = idle.and_then(|(_, number)| self.open.remove(&number)) else {
            return false;
        };
        // Where nobody listens, it is gone already.
        let _ = open.close.send(());
        true
    }
}

fn share(peer: &Peer) -> usize {
    match peer.access {
        _ if peer.owns_the_daemon() => CONNECTIONS,
        Access::Nothing => SHARE_OF_STRANGERS,
        Access::Read => SHARE_OF_READERS,
        Access::Write => SHARE_OF_WRITERS,
    }
}

/// A connection's place among the others; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    connections: Arc<Connections>,
    requests: Requests,
    /// `None` once it was told to close.
    closed: Option<oneshot::Receiver<()>>,
}

impl Place {
    /// The requests on this connection.
    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Ready when the connection has to make room.
    pub(super) fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(closed) = &mut self.closed else {
            return Poll::Ready(());
        };
        let told = Pin::new(closed).poll(context).map(drop);
        if told.is_ready() {
            self.closed = None;
        }
        told
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.table.lock().open.remove(&self.number);
    }
}

/// The requests under way on one connection.
#[derive(Debug, Clone)]
pub(super) struct Requests(Arc<Mutex<Activity>>);

#[derive(Debug)]
struct Activity {
    under_way: usize,
    last_ended: Instant,
}

impl Default for Requests {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Activity {
            under_way: 0,
            last_ended: Instant::now(),
        })))
    }
}

impl Requests {
    /// A request begins; it ends when the answer is dropped.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.lock().under_way += 1;
        UnderWay(self.clone())
    }

    /// Since when there is none.
    fn idle_since(&self) -> Option<Instant> {
        let activity = self.0.lock();
        (activity.under_way == 0).then_some(activity.last_ended)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct UnderWay(Requests);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut activity = self.0.0.lock();
        activity.under_way -= 1;
        activity.last_ended = Instant::now();
    }
}

/// Connections of everybody together.
const CONNECTIONS: usize = 64;
/// More, for root and the daemon's own user.
const RESERVED: usize = 8;
/// Connections of one user who may change things, who may ask, who may neither.
const SHARE_OF_WRITERS: usize = 32;
const SHARE_OF_READERS: usize = 16;
const SHARE_OF_STRANGERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// Users that are neither root nor whoever runs the tests.
    const A: u32 = 3_000_001;
    const B: u32 = 3_000_002;

    fn closed(place: &mut Place) -> bool {
        let mut context = Context::from_waker(core::task::Waker::noop());
        place.poll_closed(&mut context).is_ready()
    }

    fn admit(connections: &Arc<Connections>, uid: u32) -> Result<Place, Crowded> {
        connections.admit(&Peer::of(uid, Access::Read))
    }

    fn fill(connections: &Arc<Connections>, uid: u32, count: usize) -> Vec<Place> {
        (0..count)
            .map(|_| admit(connections, uid).unwrap())
            .collect()
    }

    #[test]
    fn a_user_whose_share_is_used_up_loses_the_oldest_idle_one() {
        let connections = Arc::new(Connections::default());
        let mut of_a = fill(&connections, A, SHARE_OF_READERS);
        let mut of_b = fill(&connections, B, 1);
        let busy = of_a[0].requests().begin();
        let mut one_more = admit(&connections, A).unwrap();
        let gone: Vec<bool> = of_a.iter_mut().map(closed).collect();
        assert!(
            gone[1] && gone.iter().filter(|gone| **gone).count() == 1,
            "{gone:?}"
        );
        assert!(!closed(&mut of_b[0]) && !closed(&mut one_more));
        drop(busy);
    }

    #[test]
    fn where_all_are_busy_the_next_is_refused() {
        let connections = Arc::new(Connections::default());
        let of_a = fill(&connections, A, SHARE_OF_READERS);
        let mut busy: Vec<_> = of_a.iter().map(|place| place.requests().begin()).collect();
        assert_eq!(admit(&connections, A).unwrap_err(), Crowded::Share);
        assert!(admit(&connections, B).is_ok());
        // One ends: its connection is idle, and may go.
        busy.pop();
        assert!(admit(&connections, A).is_ok());
    }

    #[test]
    fn a_full_room_takes_from_whoever_has_most() {
        let connections = Arc::new(Connections::default());
        let mut few = fill(&connections, A, 1);
        let mut crowd: Vec<Place> = Vec::new();
        for user in 0..8 {
            let room = CONNECTIONS - 1 - crowd.len();
            crowd.extend(fill(
                &connections,
                4_000_000 + user,
                SHARE_OF_READERS.min(room),
            ));
        }
        assert!(admit(&connections, B).is_ok());
        assert!(!closed(&mut few[0]));
        assert_eq!(
            crowd
                .iter_mut()
                .filter_map(|p| closed(p).then_some(()))
                .count(),
            1
        );
    }

    #[test]
    fn the_owner_has_places_of_its_own() {
        let connections = Arc::new(Connections::default());
        let mut kept = Vec::new();
        for user in 0..4 {
            for place in fill(&connections, 4_000_000 + user, SHARE_OF_READERS) {
                kept.push((place.requests().begin(), place));
            }
        }
        assert_eq!(admit(&connections, A).unwrap_err(), Crowded::Room);
        let root = Peer::of(0, Access::Write);
        let own: Vec<_> = (0..RESERVED)
            .map(|_| connections.admit(&root).unwrap())
            .collect();
        assert_eq!(own.len(), RESERVED);
        // They do not take more from others than that, but from themselves.
        assert!(connections.admit(&root).is_ok());
        assert!(kept.iter_mut().all(|(_, place)| !closed(place)));
    }

    #[test]
    fn a_place_is_given_back() {
        let connections = Arc::new(Connections::default());
        for _ in 0..3 {
            let mut places = fill(&connections, A, SHARE_OF_READERS);
            assert!(places.iter_mut().all(|place| !closed(place)));
        }
        assert!(connections.table.lock().open.is_empty());
    }
}
