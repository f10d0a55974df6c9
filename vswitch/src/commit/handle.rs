//! Where orders for the commit thread are left.

use std::sync::Arc;

use crossbeam::channel::{Receiver, Sender, unbounded};
use tokio::sync::oneshot;

use super::clerk::{Answer, Order};
use super::event::{TooOld, Watch};
use super::in_force::Showcase;
use super::order::{
    AddPort, Applied, Apply, Author, ChangeMappings, Committed, HistoryEntry, PortChanged,
    RemovePort, Revision, Rollback,
};
use super::refusal::Refusal;
use super::{Administration, Pending};

/// Leaves orders for the commit thread. The thread ends when all of these are
/// gone.
#[derive(Clone)]
pub struct Commits {
    orders: Sender<Order>,
    show: Arc<Showcase>,
}

/// Where the commit thread finds its orders.
pub struct Orders(pub(super) Receiver<Order>);

/// Both ends.
pub fn ordering(show: Arc<Showcase>) -> (Commits, Orders) {
    // Bounded by who asks: each connection has few unanswered.
    let (orders, taken) = unbounded();
    (Commits { orders, show }, Orders(taken))
}

impl Commits {
    /// What the commit thread shows.
    pub const fn show(&self) -> &Arc<Showcase> {
        &self.show
    }

    /// Lets the commit thread end, after the orders that it has.
    pub fn end(&self) {
        // It may have ended by itself.
        let _ = self.orders.send(Order::End);
    }

    fn leave<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Pending<T> {
        let (answer, pending) = oneshot::channel();
        if let Err(left) = self.orders.send(order(Answer(answer))) {
            // The thread has ended; the answer goes with the order, and who
            // waits for it sees that.
            drop(left);
        }
        pending
    }
}

impl Administration for Commits {
    fn apply(&self, order: Apply) -> Pending<Applied> {
        self.leave(|answer| Order::Apply(order, answer))
    }

    fn rollback(&self, order: Rollback) -> Pending<Applied> {
        self.leave(|answer| Order::Rollback(order, answer))
    }

    fn confirm(&self, author: Author, revision: Revision) -> Pending<Revision> {
        self.leave(|answer| Order::Confirm(author, revision, answer))
    }

    fn change_mappings(&self, order: ChangeMappings) -> Pending<Committed> {
        self.leave(|answer| Order::ChangeMappings((order, answer)))
    }

    fn add_port(&self, order: AddPort) -> Pending<PortChanged> {
        self.leave(|answer| Order::AddPort(order, answer))
    }

    fn remove_port(&self, order: RemovePort) -> Pending<PortChanged> {
        self.leave(|answer| Order::RemovePort(order, answer))
    }

    fn hand_over(&self) -> Pending<()> {
        self.leave(Order::HandOver)
    }

    fn take_back(&self) {
        // It may have ended.
        let _ = self.orders.send(Order::TakeBack);
    }

    fn history(&self) -> Vec<HistoryEntry> {
        let in_force = self.show.in_force();
        let newest_first = in_force.history.iter().rev().zip(0..);
        newest_first
            .map(|(record, age)| HistoryEntry {
                revision: record.revision,
                at: record.at,
                author: record.author,
                cause: record.cause,
                summary: record.summary.clone(),
                current: age == 0,
                reverts_at: in_force.reverts_at().filter(|_| age == 0),
            })
            .collect()
    }

    fn export(&self, networks: &[String]) -> Result<String, Refusal> {
        let in_force = self.show.in_force();
        let missing = |name: &&String| in_force.networks.get(name).is_none();
        if let Some(missing) = networks.iter().find(missing) {
            return Err(Refusal::NotFound(format!(
                "there is no network \"{missing}\"; see: vswitchctl export"
            )));
        }
        let names: Vec<&str> = networks.iter().map(String::as_str).collect();
        Ok(in_force.networks.to_yaml(&names))
    }

    fn secretive(&self, networks: &[String]) -> Option<String> {
        let in_force = self.show.in_force();
        let mut drawn = in_force.compiled.networks.iter();
        let found = drawn.find(|network| {
            let asked = networks.is_empty() || networks.contains(&network.name);
            asked && network.snmp.is_some()
        });
        found.map(|network| network.name.clone())
    }

    fn watch(&self, after: Option<Revision>) -> Result<Watch, TooOld> {
        self.show.events.watch(after)
    }
}
