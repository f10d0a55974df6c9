//! To whom on its segment is the frame, by destination MAC?
//!
//! A node: the target is the destination address, and `mapping` confirms that
//! the MAC's owner has it; what has no address for its destination (it is not
//! IPv4, or of or for a DHCP client that has none yet) goes to the MAC's owner. A
//! phantom router gets what is for others, too: it passes it on. A logical router: `route`
//! has it next. A group: everyone in the segment.
//! Nothing is ever flooded, so no MAC table is searched here: the address
//! finds the owner, and the owner's MAC must agree.

use packet::{PacketBuf, VirtualAddr};

use super::group;
use crate::pipeline::admit::is_dhcp_request;
use crate::pipeline::batch::{Burst, Context, IpTuple, Routing, Target};
use crate::pipeline::claim::lease::is_to_client;
use crate::pipeline::verdict::DropReason;
use crate::tables::{Interface, Segment, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let ports = &tables.drawn.ports;
    burst.each(|packet| {
        let mac = packet.cx.tuple.destination_mac;
        let sender = packet.cx.sender(ports)?;
        if mac.is_group() {
            let members = tables.drawn.groups.of(sender.segment);
            let members = members.ok_or(DropReason::UnknownMac)?;
            packet.cx.to = Some(group::of_frame(&packet.cx, sender.segment, members));
            return Ok(());
        }
        if mac == sender.mac {
            return Err(DropReason::HairpinToSelf);
        }
        let segment = ports.segment_of(sender).ok_or(DropReason::UnknownMac)?;
        if let Some(at) = segment.router(mac).and_then(|router| router.at) {
            packet.cx.routing = Routing::Entering(at);
            return Ok(());
        }
        if let Some(through) = passes_on(segment, &packet.cx) {
            packet.cx.target = Some(Target {
                segment: sender.segment,
                address: through,
                mac: Some(mac),
                passes_on: true,
            });
            return Ok(());
        }
        let by_mac = || tables.address_of(sender.segment, mac);
        let address = match packet.cx.tuple.ip {
            Some(ip) if !is_dhcp_request(&ip) && !offers(sender, &ip) => ip.destination,
            _ => by_mac().ok_or(DropReason::UnknownDestinationMac)?,
        };
        packet.cx.target = Some(Target {
            segment: sender.segment,
            address,
            mac: Some(mac),
            passes_on: false,
        });
        Ok(())
    });
}

/// An address of the phantom router whose MAC the frame is for, if it is to pass
/// the packet on.
fn passes_on(segment: &Segment, cx: &Context) -> Option<VirtualAddr> {
    let phantom = segment.phantoms.get(&cx.tuple.destination_mac)?;
    let ip = cx.tuple.ip.filter(|ip| !is_dhcp_request(ip))?;
    phantom.passes_on(ip.destination)
}

/// RFC 2131 §4.1: a server's answer is for the client's MAC, and names the
/// address that the client will have.
fn offers(sender: &Interface, ip: &IpTuple) -> bool {
    sender.dhcp_server && is_to_client(ip)
}
