//! May these two interfaces talk?
//!
//! Inside a segment: yes. Anything else needs a logical router between them,
//! which this version does not have.
//!
//! Exits: on; dropped as `denied`.

use packet::PacketBuf;

use super::batch::Burst;
use super::verdict::DropReason;
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, _tables: &Tables) {
    burst.each(|packet| match (packet.cx.from, packet.cx.to) {
        (Some(from), Some(to)) if from.segment == to.segment() => Ok(()),
        _ => Err(DropReason::Denied),
    });
}
