//! Where is the target, and is it whom the sender meant?
//!
//! Looks up (segment, address). A frame switched by MAC must find that MAC's
//! owner there; what does not agree is a stale ARP entry or a sender that
//! takes a node for a router. A phantom router is one, and gets what it is to
//! pass on.
//!
//! Exits: on, with a destination; dropped by a `mapping` or `topology` reason.
//! A miss is final in this version: mappings come from the configuration. The
//! last of the logical routers on the way says so.

use packet::{MacAddr, PacketBuf, SegmentId};
use vnet::compiled::UnknownMac;

use super::answer::switch;
use super::batch::{Burst, Context, Packet, Routing};
use super::state::WorkerState;
use super::topology::route;
use super::verdict::{DropReason, Verdict};
use crate::tables::{Destination, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let now = burst.now;
    let mut found = burst.targets(tables).into_iter();
    for packet in burst.undecided() {
        let found = found.next().flatten();
        if packet.cx.to.is_some() {
            // It is for a group, which is nowhere.
            continue;
        }
        packet.cx.verdict = match (find(packet, found, tables), packet.cx.routing) {
            (Ok(None), _) => Verdict::Next,
            (Ok(Some(switch)), _) => {
                switch::answer(packet, &switch, tables, state, now).unwrap_or_else(Verdict::Drop)
            }
            (Err(DropReason::NoMapping), Routing::Routed(routed)) => {
                route::host_unreachable(packet, &routed, tables, state, now)
                    .unwrap_or_else(Verdict::Drop)
            }
            (Err(reason), _) => Verdict::Drop(reason),
        };
    }
}

/// Gives the packet its destination; or returns the logical switch that it has
/// come to.
fn find<B: PacketBuf>(
    packet: &mut Packet<B>,
    found: Option<Destination>,
    tables: &Tables,
) -> Result<Option<Destination>, DropReason> {
    let target = packet.cx.target.ok_or(DropReason::NoMapping)?;
    let to = match (found, target.mac) {
        (Some(to), Some(mac)) if to.mac() != mac => {
            stale_mac(tables, &packet.cx, target.segment, mac).map(|()| to)?
        }
        (Some(to), _) => to,
        (None, Some(mac)) => {
            stale_mac(tables, &packet.cx, target.segment, mac)?;
            return Err(DropReason::NoMapping);
        }
        (None, None) => return Err(DropReason::NoMapping),
    };
    if to.is_device() {
        // Of routers: sent to a MAC that nobody has, so there is none to pass it on.
        return match to.is_switch() {
            true => Ok(Some(to)),
            false => Err(DropReason::UnknownDestinationMac),
        };
    }
    let is_switched = packet.cx.routing == Routing::Switched;
    let sender = packet.cx.from.and_then(|from| from.interface);
    if is_switched && to.interface().is_some() && to.interface() == sender {
        return Err(DropReason::HairpinToSelf);
    }
    let to = match packet.cx.tuple.ip {
        Some(ip) if target.passes_on => {
            (to.forwarding(ip.destination)).ok_or(DropReason::NextHopNoRouter)?
        }
        _ => to,
    };
    address_frame(&mut packet.buf, &to);
    packet.cx.to = Some(to);
    Ok(None)
}

/// The frame's MAC is not that of the address's owner. `Ok`: nobody has that
/// MAC, and the segment says to deliver by address.
fn stale_mac(
    tables: &Tables,
    cx: &Context,
    segment: SegmentId,
    mac: MacAddr,
) -> Result<(), DropReason> {
    if tables.has_mac(segment, mac) {
        return Err(DropReason::NotTheDestinations);
    }
    let sender = cx.sender(&tables.drawn.ports)?;
    match tables.drawn.ports.segment_of(sender).map(|s| s.unknown_mac) {
        Some(UnknownMac::Resolve) => Ok(()),
        _ => Err(DropReason::UnknownDestinationMac),
    }
}

/// The receiver's own MAC, in case the sender's was stale.
fn address_frame<B: PacketBuf>(buf: &mut B, to: &Destination) {
    if let Some(destination) = buf.data_mut().first_chunk_mut::<6>() {
        *destination = to.mac().octets();
    }
}
