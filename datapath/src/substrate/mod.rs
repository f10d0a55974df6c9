//! The host on the substrate: what makes a vswitch an IPv6 host on each of its
//! uplinks.
//!
//! A pure state machine, driven by the control thread: frames, time and uses
//! come in, frames and facts come out. Nothing here is on the packet path; the
//! packet path reads the [`UplinkTable`] that is made here.
//!
//! The rooms, in the order in which a start goes through them:
//!
//! * `config`: what the host is told, and what of it
//!   cannot work.
//! * `uplink`: a link with its addresses; `dad` proves that nobody else has
//!   them; `mld` tells switches and routers which groups they are asked in.
//! * `routes`: which neighbours lead to which host.
//! * `neighbor` is what is known of one neighbour, a state machine;
//!   `neighbor_cache` is all of them.
//! * `snapshot`: what the fast path gets to know of all that.
//! * [`host`](SubstrateHost) joins them: frames come in there, time in `tick`,
//!   orders in `control`; packets leave by `send`, facts by `table`.
//! * `frame` reads and writes Ethernet and IPv6; `answer` is neighbour
//!   discovery, `echo` is ping; `reason` says why a frame was of no use; `rate`
//!   bounds answers.
//! * `listing`: what people get to see.
//!
//! Where it departs from the RFCs, knowingly: a neighbour that fails is kept for
//! a while as failed, and a next hop that failed is sought again (`neighbor`);
//! a duplicate link-local address is not used, but the uplink still is
//! (RFC 4862 §5.4.5 would disable it); a looped-back solicitation is ignored,
//! not repeated (RFC 7527 §4.2); queries about sources are answered for the
//! group (`mld`).
//!
//! What it does not do: it learns no routes and no addresses (router
//! advertisements and redirects are counted and ignored), reassembles nothing,
//! and has no services. Packets for services go to the kernel: see
//! `pipeline/kernel.rs`.

pub mod address;
mod answer;
mod config;
mod control;
mod dad;
mod echo;
mod effect;
mod frame;
mod host;
mod listing;
mod mld;
mod neighbor;
mod neighbor_cache;
mod random;
mod rate;
mod reason;
mod routes;
mod send;
mod snapshot;
mod table;
mod tick;
mod uplink;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use address::is_solicited_node;
pub use config::{
    Announce, Held, HeldAddress, HeldNeighbor, Limits, MIN_MTU, RouteConfig, RouteVia,
    SubstrateConfig, SubstrateConfigError, UplinkConfig,
};
pub use dad::{AddressKind, AddressState};
pub use effect::{Effect, Handled};
pub use host::SubstrateHost;
pub use listing::{AddressInfo, NeighborInfo};
pub use neighbor::NeighborState;
pub use reason::{Counts, Reason};
pub use snapshot::{
    KernelPath, MAX_ECMP, NextHopEntry, NextHopId, NextHops, OwnAddresses, UplinkFacts, UplinkTable,
};
