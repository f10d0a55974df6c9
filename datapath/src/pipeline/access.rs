//! May these two interfaces talk?
//!
//! Inside a segment: yes. From one segment to another: if logical routers have
//! brought the packet there.
//!
//! Exits: on; dropped as `denied`.

use packet::PacketBuf;

use super::batch::{Burst, Routing};
use super::verdict::DropReason;
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, _tables: &Tables) {
    burst.each(|packet| match (packet.cx.from, packet.cx.to) {
        (Some(from), Some(to)) if from.segment == to.segment() => Ok(()),
        (Some(_), Some(_)) if matches!(packet.cx.routing, Routing::Routed(_)) => Ok(()),
        _ => Err(DropReason::Denied),
    });
}
