//! What a worker has of the ports.

use datapath::books::Ledger;
use packet::PacketBuf;

use super::Polled;
use super::desk::{Command, Mailbox};
use super::outbox::Outbox;

/// One worker's queues and ways out, and where it finds changes of them.
pub struct Hand<B> {
    /// What it polls.
    pub polled: Vec<Polled<B>>,
    /// Where it sends.
    pub outbox: Outbox<B>,
    mailbox: Mailbox<B>,
}

impl<B: PacketBuf> Hand<B> {
    /// A hand without ports.
    pub(super) fn new(mailbox: Mailbox<B>) -> Self {
        Self {
            polled: Vec::new(),
            outbox: Outbox::default(),
            mailbox,
        }
    }

    /// At a turn's beginning: takes up a port, or gives one back, if told to.
    /// True if it was. Allocates and frees nothing, and costs one load where
    /// nothing is to be done.
    #[inline]
    pub fn change(&mut self, ledger: &Ledger) -> bool {
        let Some(command) = self.mailbox.take() else {
            return false;
        };
        self.carry_out(command, ledger);
        true
    }

    #[cold]
    pub(super) fn carry_out(&mut self, command: Command<B>, ledger: &Ledger) {
        let share = match command {
            Command::Adopt(mut share) => {
                if let Some(lane) = share.lane.take() {
                    share.lane = self.outbox.open(share.port, lane);
                }
                // The new list has room for the old one's queues.
                core::mem::swap(&mut self.polled, &mut share.polled);
                self.polled.append(&mut share.polled);
                share
            }
            Command::Release(mut share) => {
                let port = share.port;
                let queues = self.polled.extract_if(.., |polled| polled.port == port);
                share.polled.extend(queues);
                share.lane = self.outbox.close(port, ledger);
                share
            }
        };
        self.mailbox.answer(share);
    }

    /// The worker's end of its desk, for tests of workers that hang.
    #[cfg(test)]
    pub(super) fn mailbox(&mut self) -> &mut Mailbox<B> {
        &mut self.mailbox
    }
}
