//! Which logical routers has a packet from another host crossed?
//!
//! The sender's vswitch has done their work. The receiver sees the last one's
//! MAC, and hears nothing from a segment that no router links to its own.
//!
//! Exits: on; dropped as `denied`.

use packet::PacketBuf;

use super::route::may_be_routed;
use crate::pipeline::batch::{Burst, Routed, Routing};
use crate::pipeline::verdict::DropReason;
use crate::tables::{Destination, End, Tables, Walk};

/// The stage: takes what comes from another segment.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    burst.each(|packet| {
        let (Some(from), Some(to)) = (packet.cx.from, packet.cx.to) else {
            return Ok(());
        };
        if from.segment == to.segment() {
            return Ok(());
        }
        let ip = packet.cx.tuple.ip.ok_or(DropReason::Denied)?;
        if !may_be_routed(&ip) {
            return Err(DropReason::Denied);
        }
        let routes = &tables.drawn.routes;
        let to = (to.segment(), to.address());
        let way = routes.way(from.segment, to, || ip.symmetric_hash());
        let way = way.filter(|way| leads_to(&way.walk, packet.cx.to, tables));
        let way = way.ok_or(DropReason::Denied)?;
        packet.cx.routing = Routing::Routed(Routed {
            first: way.first,
            last: way.walk.last,
            mac: way.leg.mac,
            line: way.leg.line,
            hops: 0,
            mtu: u16::MAX,
        });
        Ok(())
    });
}

/// Does the last router pass it to the destination, or to the phantom router that
/// has it?
fn leads_to(walk: &Walk, to: Option<Destination>, tables: &Tables) -> bool {
    let Some(to) = to else { return false };
    match walk.end {
        End::Segment(_) => !to.is_forwarding(),
        End::Station { address, .. } if to.is_forwarding() => {
            let next = tables.destination(to.segment(), address);
            next.is_some_and(|next| next.interface() == to.interface())
        }
        _ => false,
    }
}
