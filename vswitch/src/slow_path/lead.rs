//! What the control side asks of the slow path: ways to hosts, groups of
//! tenants, and words on behalf of interfaces. Rare, and answered when it is done, so that the tables know the way
//! to a host before they say that something is there.

use core::net::Ipv6Addr;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
pub use datapath::pipeline::Word;
use packet::Locator;
use vnet::compiled::HostId;

/// How long the slow path has: it turns every quarter of a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);

/// The control side's end.
#[derive(Debug, Clone)]
pub struct Leader {
    orders: Sender<(Lead, Sender<()>)>,
}

/// The slow path's end.
#[derive(Debug)]
pub struct Led {
    orders: Receiver<(Lead, Sender<()>)>,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Lead {
    /// These are the hosts that ways are needed to.
    Peers(Vec<(HostId, Locator)>),
    /// These are the tenants' addresses on this host.
    Tenants(Vec<Ipv6Addr>),
    /// This is to be said on behalf of interfaces of this host.
    Say(Vec<Word>),
}

/// Both ends.
pub fn leading() -> (Leader, Led) {
    let (give, take) = bounded(4);
    (Leader { orders: give }, Led { orders: take })
}

impl Leader {
    /// Finds the ways to these hosts: all that there are. When it returns they
    /// are in the tables, as far as they are known.
    pub fn lead(&self, peers: Vec<(HostId, Locator)>) {
        self.ask(Lead::Peers(peers));
    }

    /// Listens for these tenants: all that there are.
    pub fn serve(&self, tenants: Vec<Ipv6Addr>) {
        self.ask(Lead::Tenants(tenants));
    }

    /// Says this to other hosts and to nodes, on behalf of interfaces here.
    pub fn say(&self, words: Vec<Word>) {
        if !words.is_empty() {
            self.ask(Lead::Say(words));
        }
    }

    fn ask(&self, what: Lead) {
        let (done, answer) = bounded(1);
        let asked = self.orders.send_timeout((what, done), PATIENCE);
        if asked.is_err() || answer.recv_timeout(PATIENCE).is_err() {
            tracing::error!("the slow path does not turn: ways to new hosts come later");
        }
    }
}

impl Led {
    /// The next thing asked, and where to say that it is done.
    pub(super) fn next(&self) -> Option<(Lead, Sender<()>)> {
        self.orders.try_recv().ok()
    }
}
