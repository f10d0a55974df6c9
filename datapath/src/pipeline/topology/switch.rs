//! To whom on its segment is the frame, by destination MAC?
//!
//! A node: the target is the destination address, and `mapping` confirms that
//! the MAC's owner has it. A logical router, broadcast, multicast: not yet.
//! Nothing is ever flooded, so no MAC table is searched here: the address
//! finds the owner, and the owner's MAC must agree.

use packet::{MacAddr, PacketBuf};

use crate::pipeline::batch::{Burst, Target};
use crate::pipeline::verdict::DropReason;
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let ports = &tables.drawn.ports;
    burst.each(|packet| {
        let mac = packet.cx.tuple.destination_mac;
        if mac == MacAddr::BROADCAST {
            return Err(DropReason::BroadcastNotYet);
        }
        if mac.is_group() {
            return Err(DropReason::MulticastNotYet);
        }
        let ip = packet.cx.ip()?;
        let sender = packet.cx.sender(ports)?;
        if mac == sender.mac {
            return Err(DropReason::HairpinToSelf);
        }
        let segment = ports.segment_of(sender).ok_or(DropReason::UnknownMac)?;
        // A real segment's wires and NICs would not carry it either.
        if ip.len > segment.mtu {
            return Err(DropReason::TooBig);
        }
        if segment.router_macs.contains(&mac) {
            return Err(DropReason::RouterNotYet);
        }
        packet.cx.target = Some(Target {
            segment: sender.segment,
            address: ip.destination,
            mac: Some(mac),
        });
        Ok(())
    });
}
