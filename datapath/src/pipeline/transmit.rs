//! Out of which port on this host?
//!
//! The last stage of what stays here, or has arrived. The segment's MTU holds
//! between two nodes of one host, too: it is what the nodes were promised.
//!
//! Exits: forwarded; on, what is for another host; dropped as `too-big`.

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
        let mtu = ports
            .segment_of(receiver)
            .map_or(u16::MAX, |segment| segment.mtu);
        let too_big = packet.cx.tuple.ip.is_some_and(|ip| ip.len > mtu);
        packet.cx.verdict = if too_big {
            Verdict::Drop(DropReason::TooBig)
        } else {
            Verdict::Forward(receiver.port)
        };
    }
}
