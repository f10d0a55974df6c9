//! Out of which port on this host?
//!
//! The last stage of what stays here, or has arrived.
//!
//! Exits: forwarded; on, what is for another host.

use packet::PacketBuf;

use super::batch::Burst;
use super::verdict::{DropReason, Verdict};
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let ports = &tables.drawn.ports;
    for packet in burst.undecided() {
        let Some(id) = packet.cx.to.and_then(|to| to.interface()) else {
            continue;
        };
        let Some(receiver) = ports.interface(id) else {
            packet.cx.verdict = Verdict::Drop(DropReason::DestinationNotHere);
            continue;
        };
        packet.cx.verdict = Verdict::Forward(receiver.port);
    }
}
