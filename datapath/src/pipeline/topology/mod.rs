//! Where does the drawn topology send this frame?
//!
//! * [`switch`]: the segment's switch, by destination MAC.
//! * [`group`]: everyone, or a group, by a group's MAC.
//! * [`route`]: the logical routers, if it is for one's MAC.
//! * [`arrive`]: which of them a packet from another host has crossed.
//! * [`hops`]: what crossing them does to it, before it goes out.
//! * [`vlan`]: the tag that the receiver's link wants.
//!
//! Exits: on, with a target; `Reply`; dropped by a `topology` reason.

pub mod arrive;
pub mod group;
pub mod hops;
pub mod route;
pub mod switch;
pub mod vlan;

use packet::PacketBuf;

use super::batch::Burst;
use super::state::WorkerState;
use crate::tables::Tables;

/// The stage of what nodes send.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    switch::process(burst, tables);
    route::process(burst, tables, state);
}
