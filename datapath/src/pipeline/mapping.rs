//! Where is the target, and is it whom the sender meant?
//!
//! Looks up (segment, address). A frame switched by MAC must find that MAC's
//! owner there; what does not agree is a stale ARP entry or a sender that
//! takes a node for a router.
//!
//! Exits: on, with a destination; dropped by a `mapping` or `topology` reason.
//! A miss is final in this version: mappings come from the configuration.

use packet::{MacAddr, PacketBuf, SegmentId};
use vnet::compiled::UnknownMac;

use super::batch::{Burst, Context};
use super::verdict::DropReason;
use crate::tables::{Destination, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let mut found = burst.targets(tables).into_iter();
    burst.each(|packet| {
        let found = found.next().flatten();
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
        if to.is_router() {
            return Err(DropReason::RouterNotYet);
        }
        if to.interface().is_some() && to.interface() == packet.cx.from.and_then(|f| f.interface) {
            return Err(DropReason::HairpinToSelf);
        }
        address_frame(&mut packet.buf, &to);
        packet.cx.to = Some(to);
        Ok(())
    });
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
