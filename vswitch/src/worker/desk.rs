//! How a worker gets ports, and gives them back, while it turns.
//!
//! The control side puts one command at a time on the worker's desk; the worker
//! takes it at its next turn's beginning, and puts what comes of it into the
//! return tray. Boxes travel there and back: the worker allocates nothing, and
//! frees nothing. A command that was not taken yet can be withdrawn, so that a
//! worker that does not turn leaves nothing half done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;

use super::deal::Share;

/// What a worker is told.
pub(super) enum Command<B> {
    /// Poll and send by these from now on. The share's list of queues has room
    /// for all that the worker polls already.
    Adopt(Box<Share<B>>),
    /// Fill this with your share of its port. The list has room for it.
    Release(Box<Share<B>>),
}

struct Shared<B> {
    commands: ArrayQueue<Command<B>>,
    replies: ArrayQueue<Box<Share<B>>>,
    /// Counts the commands ever put down; written by the control side alone.
    posted: CachePadded<AtomicU64>,
}

/// The control side's end.
pub(super) struct Desk<B> {
    shared: Arc<Shared<B>>,
}

/// The worker's end.
pub struct Mailbox<B> {
    shared: Arc<Shared<B>>,
    /// How many commands have been looked for.
    seen: u64,
}

pub(super) fn desk<B>() -> (Desk<B>, Mailbox<B>) {
    let shared = Arc::new(Shared {
        commands: ArrayQueue::new(1),
        replies: ArrayQueue::new(1),
        posted: CachePadded::new(AtomicU64::new(0)),
    });
    let desk = Desk {
        shared: Arc::clone(&shared),
    };
    (desk, Mailbox { shared, seen: 0 })
}

impl<B> Desk<B> {
    /// Puts a command down. There must be none, and no reply either.
    pub(super) fn post(&self, command: Command<B>) {
        // There is room: see above.
        let _ = self.shared.commands.push(command);
        self.shared.posted.fetch_add(1, Ordering::Release);
    }

    /// Takes back a command that the worker has not taken.
    pub(super) fn withdraw(&self) -> Option<Command<B>> {
        self.shared.commands.pop()
    }

    /// What came of the command, once.
    pub(super) fn reply(&self) -> Option<Box<Share<B>>> {
        self.shared.replies.pop()
    }
}

impl<B> Mailbox<B> {
    /// The command, if there is a new one. Costs one load where there is none.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Command<B>> {
        let posted = self.shared.posted.load(Ordering::Acquire);
        if posted == self.seen {
            return None;
        }
        self.seen = posted;
        self.shared.commands.pop()
    }

    /// Answers the command that was taken.
    pub(super) fn answer(&self, share: Box<Share<B>>) {
        // One command at a time, one answer to each: there is room.
        let _ = self.shared.replies.push(share);
    }
}
