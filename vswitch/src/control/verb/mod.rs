//! The verbs: each asks the source and puts the answer into messages.

pub(super) mod address;
pub(super) mod books;
pub(super) mod counter;
pub(super) mod hello;
pub(super) mod interface;
pub(super) mod mapping;
pub(super) mod mtu;
pub(super) mod neighbor;
pub(super) mod port;
pub(super) mod status;
pub(super) mod uplink;
