//! The verbs: each asks the source, or gives an order to the administration,
//! and puts the answer into messages.

pub(super) mod address;
pub(super) mod apply;
pub(super) mod books;
pub(super) mod counter;
pub(super) mod export;
pub(super) mod flow;
pub(super) mod group;
pub(super) mod hello;
pub(super) mod history;
pub(super) mod interface;
pub(super) mod mapping;
pub(super) mod mtu;
pub(super) mod neighbor;
pub(super) mod network;
pub(super) mod port;
pub(super) mod port_change;
pub(super) mod rollback;
pub(super) mod route;
pub(super) mod router;
pub(super) mod rule;
pub(super) mod segment;
pub(super) mod status;
pub(super) mod switch;
pub(super) mod table;
pub(super) mod take_over;
pub(super) mod taken;
pub(super) mod transaction;
pub(super) mod uplink;
pub(super) mod watch;
