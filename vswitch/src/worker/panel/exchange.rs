//! Moves the workers' shares of ports there and back.
//!
//! What is wanted of a port, in or out, is written down once; each call of
//! [`Exchange::advance`] then moves what can be moved. So a wish can be reversed
//! at any time, and what a slow worker has not done yet is done later.
//!
//! In go the workers that own transmit queues first, and out they go last: a
//! frame that was handed over always finds an owner.

use std::thread;
use std::time::{Duration, Instant};

use vnet::compiled::PortId;

use crate::ports::live::WorkerIndex;
use crate::worker::deal::Share;
use crate::worker::desk::{Command, Desk, Mailbox, desk};

/// How often an answer is looked for.
const LOOK: Duration = Duration::from_micros(50);

/// Where a port is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// With the workers.
    In,
    /// Here.
    Out,
}

impl Wanted {
    fn reverse(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

/// Where a worker's share of a port is.
enum Seat<B> {
    Here(Share<B>),
    /// With the worker: this much.
    Away {
        queues: usize,
    },
    /// On its way, as the worker's errand says.
    Travelling,
}

/// A port and where its shares are. `K` is kept along with it.
struct Entry<B, K> {
    port: PortId,
    wanted: Wanted,
    /// The workers that own transmit queues: so many, the first ones.
    owners: usize,
    seats: Vec<Seat<B>>,
    kept: K,
}

/// One worker's desk, and what the control side knows of it.
struct Counter<B> {
    desk: Desk<B>,
    /// What was put down and not answered yet.
    errand: Option<Errand>,
    /// How many queues the worker polls, or is about to.
    polled: usize,
}

/// A share on its way.
struct Errand {
    port: PortId,
    to: Wanted,
    /// So many queues to poll are in it.
    queues: usize,
}

/// The ports whose shares are, or may be, with the workers.
pub(super) struct Exchange<B, K> {
    counters: Vec<Counter<B>>,
    entries: Vec<Entry<B, K>>,
}

impl<B, K> Exchange<B, K> {
    /// An exchange with so many workers, and their ends of it.
    pub(super) fn new(workers: u16) -> (Self, Vec<Mailbox<B>>) {
        let (counters, mailboxes) = (0..workers)
            .map(|_| {
                let (desk, mailbox) = desk();
                let counter = Counter {
                    desk,
                    errand: None,
                    polled: 0,
                };
                (counter, mailbox)
            })
            .unzip();
        let exchange = Self {
            counters,
            entries: Vec::new(),
        };
        (exchange, mailboxes)
    }

    /// What is kept of each port that is here.
    pub(super) fn kept(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|entry| &entry.kept)
    }

    /// Takes a port in, with a share for each worker; `owners` of them own
    /// transmit queues. They stay here until [`Exchange::bring`].
    pub(super) fn put(&mut self, port: PortId, owners: usize, shares: Vec<Share<B>>, kept: K) {
        self.entries.push(Entry {
            port,
            wanted: Wanted::Out,
            owners,
            seats: shares.into_iter().map(Seat::Here).collect(),
            kept,
        });
    }

    /// Gives a port's shares to workers that have not begun to turn, by hand.
    pub(super) fn hand_out(&mut self, port: PortId, mut to: impl FnMut(WorkerIndex, Share<B>)) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.port == port) else {
            return;
        };
        entry.wanted = Wanted::In;
        let seats = entry.seats.iter_mut().zip(&mut self.counters);
        for (worker, (seat, counter)) in (0..).map(WorkerIndex).zip(seats) {
            match core::mem::replace(seat, Seat::Travelling) {
                Seat::Here(share) => {
                    let queues = share.polled.len();
                    counter.polled += queues;
                    *seat = Seat::Away { queues };
                    to(worker, share);
                }
                other => *seat = other,
            }
        }
    }

    /// Takes a port out whose shares are all here and wanted here.
    pub(super) fn take(&mut self, port: PortId) -> Option<(Vec<Share<B>>, K)> {
        let ready = |entry: &Entry<B, K>| entry.port == port && entry.is_out();
        let at = self.entries.iter().position(ready)?;
        let entry = self.entries.swap_remove(at);
        let shares = entry.seats.into_iter().filter_map(Seat::here);
        Some((shares.collect(), entry.kept))
    }

    /// Takes out all ports that are not wanted, and are here.
    pub(super) fn take_all_out(&mut self) -> Vec<(Vec<Share<B>>, K)> {
        let out = self.entries.iter().filter(|entry| entry.is_out());
        let out: Vec<PortId> = out.map(|entry| entry.port).collect();
        out.into_iter().filter_map(|port| self.take(port)).collect()
    }

    /// Moves all of a port's shares to where they are wanted.
    ///
    /// # Errors
    /// The first worker that did not answer within `patience`. The wish was
    /// reversed, and carried out as far as it could be in as long again; the
    /// rest is left to [`Exchange::advance`].
    pub(super) fn bring(
        &mut self,
        port: PortId,
        wanted: Wanted,
        patience: Duration,
    ) -> Result<(), WorkerIndex> {
        self.want(port, wanted);
        let Err(stuck) = self.settle(port, patience) else {
            return Ok(());
        };
        self.want(port, wanted.reverse());
        self.withdraw(port);
        // What does not end now, ends in a later call.
        let _ = self.settle(port, patience);
        Err(stuck)
    }

    /// Moves what can be moved now.
    pub(super) fn advance(&mut self) {
        for (worker, counter) in self.counters.iter_mut().enumerate() {
            if let Some((port, came)) = counter.answer() {
                let entry = self.entries.iter_mut().find(|entry| entry.port == port);
                if let Some(seat) = entry.and_then(|entry| entry.seats.get_mut(worker)) {
                    *seat = came;
                }
            }
        }
        for entry in &mut self.entries {
            entry.advance(&mut self.counters);
        }
    }

    fn want(&mut self, port: PortId, wanted: Wanted) {
        for entry in self.entries.iter_mut().filter(|entry| entry.port == port) {
            entry.wanted = wanted;
        }
    }

    /// Waits until a port's shares are where they are wanted.
    fn settle(&mut self, port: PortId, patience: Duration) -> Result<(), WorkerIndex> {
        let until = Instant::now() + patience;
        loop {
            self.advance();
            let entry = self.entries.iter().find(|entry| entry.port == port);
            let Some(waiting) = entry.and_then(Entry::waits_for) else {
                return Ok(());
            };
            if Instant::now() >= until {
                return Err(waiting);
            }
            thread::sleep(LOOK);
        }
    }

    /// Takes back a port's commands that no worker has taken.
    fn withdraw(&mut self, port: PortId) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.port == port) else {
            return;
        };
        for (seat, counter) in entry.seats.iter_mut().zip(&mut self.counters) {
            if let Some(back) = counter.withdraw(port) {
                *seat = back;
            }
        }
    }
}

impl<B, K> Entry<B, K> {
    fn is_out(&self) -> bool {
        let here = |seat: &Seat<B>| matches!(seat, Seat::Here(_));
        self.wanted == Wanted::Out && self.seats.iter().all(here)
    }

    /// A worker whose share is not where it is wanted: one that was asked, if
    /// there is one.
    fn waits_for(&self) -> Option<WorkerIndex> {
        let travels = |seat: &Seat<B>| matches!(seat, Seat::Travelling);
        let misplaced = |seat: &Seat<B>| !seat.is(self.wanted);
        let at = self.seats.iter().position(travels);
        let at = at.or_else(|| self.seats.iter().position(misplaced))?;
        Some(WorkerIndex(u16::try_from(at).unwrap_or(u16::MAX)))
    }

    /// Sends out what may go now, where a worker has no other errand.
    fn advance(&mut self, counters: &mut [Counter<B>]) {
        let owners = self.owners.min(self.seats.len());
        let in_place = |seats: &[Seat<B>]| seats.iter().all(|seat| seat.is(self.wanted));
        let (own, others) = self.seats.split_at(owners);
        let range = match self.wanted {
            Wanted::In if !in_place(own) => 0..owners,
            Wanted::Out if !in_place(others) => owners..self.seats.len(),
            _ => 0..self.seats.len(),
        };
        let seats = self.seats.iter_mut().zip(counters).enumerate();
        for (_, (seat, counter)) in seats.filter(|(at, _)| range.contains(at)) {
            if counter.errand.is_none() && !seat.is(self.wanted) {
                seat.send(self.port, counter);
            }
        }
    }
}

impl<B> Seat<B> {
    fn here(self) -> Option<Share<B>> {
        match self {
            Self::Here(share) => Some(share),
            Self::Away { .. } | Self::Travelling => None,
        }
    }

    fn is(&self, wanted: Wanted) -> bool {
        match self {
            Self::Here(_) => wanted == Wanted::Out,
            Self::Away { .. } => wanted == Wanted::In,
            Self::Travelling => false,
        }
    }

    /// To the worker, or back from there.
    fn send(&mut self, port: PortId, counter: &mut Counter<B>) {
        let (to, queues, command) = match core::mem::replace(self, Self::Travelling) {
            Self::Here(mut share) => {
                let queues = share.polled.len();
                // Room for what the worker polls already.
                share.polled.reserve_exact(counter.polled);
                counter.polled += queues;
                (Wanted::In, queues, Command::Adopt(Box::new(share)))
            }
            Self::Away { queues } => {
                let share = Share {
                    port,
                    polled: Vec::with_capacity(queues),
                    lane: None,
                };
                (Wanted::Out, queues, Command::Release(Box::new(share)))
            }
            Self::Travelling => return,
        };
        counter.errand = Some(Errand { port, to, queues });
        counter.desk.post(command);
    }
}

impl<B> Counter<B> {
    /// What has arrived: a port's share, here or at the worker.
    fn answer(&mut self) -> Option<(PortId, Seat<B>)> {
        let share = self.desk.reply()?;
        let Errand { port, to, queues } = self.errand.take()?;
        Some(match to {
            Wanted::In => (port, Seat::Away { queues }),
            Wanted::Out => {
                self.polled = self.polled.saturating_sub(queues);
                (port, Seat::Here(*share))
            }
        })
    }

    /// Takes a port's share back that the worker has not taken, or leaves it
    /// where it has not given it.
    fn withdraw(&mut self, port: PortId) -> Option<Seat<B>> {
        let errand = self.errand.take_if(|errand| errand.port == port)?;
        let Errand { queues, .. } = errand;
        match self.desk.withdraw() {
            None => {
                self.errand = Some(errand);
                None
            }
            Some(Command::Adopt(share)) => {
                self.polled = self.polled.saturating_sub(queues);
                Some(Seat::Here(*share))
            }
            Some(Command::Release(_)) => Some(Seat::Away { queues }),
        }
    }
}

#[cfg(test)]
mod tests;
