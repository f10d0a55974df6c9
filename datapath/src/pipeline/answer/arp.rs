//! Who has this address? Answered from the mapping, on behalf of whoever has
//! it (RFC 826; probes and announcements: RFC 5227).
//!
//! A node hears what it would hear on a real LAN: a request is answered with
//! the MAC of whoever has the address; a probe for somebody else's address is
//! answered too, which tells the prober of the conflict; a probe for its own
//! address, an announcement, and a reply are met with silence.

use packet::arp::{ARP_LEN, ArpOperation, ArpPacket};
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::{EtherType, MacAddr, PacketBuf, SegmentId, VirtualAddr};
use zerocopy::{FromBytes, IntoBytes};

use crate::pipeline::batch::Packet;
use crate::pipeline::claim;
use crate::pipeline::topology::route::is_of_one;
use crate::pipeline::topology::vlan;
use crate::pipeline::verdict::{Consumed, DropReason, Verdict};
use crate::tables::{Interface, Tables};

/// Decides what becomes of an admitted ARP packet.
///
/// # Errors
/// `arp-malformed`, `arp-no-such-address`.
pub fn answer<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
) -> Result<Verdict, DropReason> {
    let bytes = packet
        .buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    let (arp, _) = ArpPacket::read_from_prefix(bytes).map_err(|_| DropReason::ArpMalformed)?;
    let operation = arp.operation().ok_or(DropReason::ArpMalformed)?;
    let ports = &tables.drawn.ports;
    let sender = packet.cx.sender(ports)?;
    let target = arp.target_address();
    if is_claim(packet, sender, &arp) {
        return Ok(Verdict::Next);
    }
    if operation == ArpOperation::Reply || sender.addresses.contains(&target) {
        return Ok(Verdict::Consume(Consumed::Arp));
    }
    let owner = tables.destination(sender.segment, target);
    let asks = packet.cx.from.and_then(|from| from.interface);
    if owner.is_some_and(|owner| owner.interface().is_some() && owner.interface() == asks) {
        // It has claimed it.
        return Ok(Verdict::Consume(Consumed::Arp));
    }
    let owner = owner.filter(|_| target.is_unicast());
    let owner = owner.map(|owner| owner.mac());
    let owner = owner.or_else(|| proxy(tables, sender.segment, arp.sender_address(), target));
    let owner = owner.or_else(|| {
        let service = ports.segment_of(sender)?.dhcp.as_ref()?;
        (service.address == target).then_some(service.mac)
    });
    let owner = owner.ok_or(DropReason::ArpNoSuchAddress)?;
    let reply = ArpPacket::new(
        ArpOperation::Reply,
        (owner, target),
        // RFC 5227 §2.1.1: a probe's sender address is zero; so is the
        // target of the answer that defends the address.
        (arp.sender_mac, arp.sender_address()),
    );
    let ethernet = EthernetHeader {
        destination: arp.sender_mac,
        source: owner,
        ether_type: EtherType::ARP,
    };
    packet.buf.truncate(ETHERNET_LEN + ARP_LEN);
    let frame = packet.buf.data_mut();
    ethernet
        .write_to_prefix(frame)
        .map_err(|_| DropReason::ArpMalformed)?;
    let body = frame
        .get_mut(ETHERNET_LEN..)
        .ok_or(DropReason::ArpMalformed)?;
    reply
        .write_to_prefix(body)
        .map_err(|_| DropReason::ArpMalformed)?;
    vlan::tag(&mut packet.buf, sender.tags)?;
    Ok(Verdict::Reply)
}

/// An announcement of an address that was not drawn as the sender's, which it
/// was found to have or to take: the neighbours hear it, and the other hosts.
fn is_claim<B: PacketBuf>(packet: &Packet<B>, sender: &Interface, arp: &ArpPacket) -> bool {
    sender.claims
        && claim::is_announcement(arp)
        && packet.cx.tuple.destination_mac.is_group()
        && !sender.addresses.contains(&arp.sender_address())
}

/// The MAC of a logical router of the segment that answers for what it would
/// route elsewhere (RFC 1027).
fn proxy(
    tables: &Tables,
    segment: SegmentId,
    asks: VirtualAddr,
    target: VirtualAddr,
) -> Option<MacAddr> {
    // RFC 5227: who probes asks whether somebody has the address, and the
    // router has it not.
    if asks.ipv4().is_unspecified() || !is_of_one(target) {
        return None;
    }
    let routes = &tables.drawn.routes;
    let mut routers = routes.in_segment(segment).iter();
    routers.find_map(|at| {
        let leg = routes.entered(*at).filter(|leg| leg.proxy_arp)?;
        routes.leads_elsewhere(*at, target).then_some(leg.mac)
    })
}
