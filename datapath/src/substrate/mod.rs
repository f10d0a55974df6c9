//! The host on the substrate: what makes a vswitch an IPv6 host on each of its
//! uplinks. A pure state machine, driven by the control thread: frames, time
//! and uses come in, frames and facts come out.
#![doc = "Being furnished."]

pub mod address;
mod config;
mod effect;
mod neighbor;
mod prefix;
mod random;
mod snapshot;

pub use config::{
    Announce, Limits, MIN_MTU, RouteConfig, RouteVia, SubstrateConfig, SubstrateConfigError,
    UplinkConfig,
};
pub use effect::Effect;
pub use neighbor::NeighborState;
pub use prefix::{Ipv6Prefix, PrefixError};
pub use snapshot::{
    MAX_ECMP, NextHopEntry, NextHopId, NextHops, OwnAddresses, UplinkFacts, UplinkTable,
};
