//! Is the destination here, or has it moved away?
//!
//! What is for a group is here.
//!
//! Exits: on, with a destination on this host; dropped by a `moved` reason.
//! Forwarding to the new host for a grace time comes with moves.

use packet::PacketBuf;

use super::batch::Burst;
use super::verdict::DropReason;
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let mut found = burst.targets(tables).into_iter();
    burst.each(|packet| {
        let to = found.next().flatten();
        if packet.cx.to.is_some() {
            return Ok(());
        }
        let to = to
            .filter(|to| !to.is_router())
            .ok_or(DropReason::DestinationNotHere)?;
        if to.interface().is_none() {
            return Err(DropReason::MovedAway);
        }
        packet.cx.to = Some(to);
        Ok(())
    });
}
