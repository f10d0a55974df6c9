//! What does crossing logical routers do to a packet?
//!
//! Its TTL falls by one for each, and its receiver sees the last one's MAC. On
//! the substrate the sender's MAC stays: it is what the receiving vswitch proves,
//! and it knows the last router itself; what is relayed was proved here.
//!
//! Exits: on.

use packet::PacketBuf;

use super::route::lower_ttl;
use crate::pipeline::batch::{Burst, Routing};

/// The stage: takes what has been routed.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>) {
    for packet in burst.undecided() {
        let Routing::Routed(routed) = packet.cx.routing else {
            continue;
        };
        lower_ttl(&mut packet.buf, routed.hops);
        let to = packet.cx.to;
        let here = to.is_some_and(|to| to.interface().is_some() || to.is_relay());
        let source = packet.buf.data_mut().get_mut(6..12);
        if let Some(source) = source.filter(|_| here) {
            source.copy_from_slice(&routed.mac.octets());
        }
    }
}
