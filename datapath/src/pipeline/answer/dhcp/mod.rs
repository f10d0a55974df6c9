//! Which address is mine, and what else is there to know? (DHCP: RFC 2131.)
//!
//! Answered from the drawing: an interface has its first address by the
//! topology, so nothing is leased, and nothing has to be remembered.
//!
//! * `message`: what does the client say?
//! * `reply`: what is it told?
//! * `options`: how options are read and written.

pub(in crate::pipeline) mod message;
pub(in crate::pipeline) mod options;
mod reply;

use packet::checksum::Sum;
use packet::ethernet::ETHERNET_LEN;
use packet::{IpProtocol, PacketBuf, TransportChecksum, VirtualAddr};

use self::message::{Kind, Message};
use self::reply::{Reply, Told};
use crate::pipeline::answer::udp;
use crate::pipeline::batch::{IpTuple, Packet, Tuple};
use crate::pipeline::topology::vlan;
use crate::pipeline::verdict::{Consumed, DropReason, Verdict};
use crate::tables::{DhcpService, Interface, Segment, Tables};

/// Where servers listen, and where clients do (RFC 2131 §4.1).
pub(in crate::pipeline) const SERVER_PORT: u16 = 67;
pub(in crate::pipeline) const CLIENT_PORT: u16 = 68;

/// Is it from a DHCP client to a server?
pub fn is_of_a_client(ip: &IpTuple) -> bool {
    ip.ports == (CLIENT_PORT, SERVER_PORT) && ip.protocol == IpProtocol::UDP
}

/// Answers a client's message that is for the segment's own server, in the
/// message's place.
///
/// # Errors
/// `dhcp-not-served`, `dhcp-malformed`, `dhcp-spoofed`.
// Rare, and it needs a stack that other packets need not pay for.
#[inline(never)]
pub fn answer<B: PacketBuf>(
    packet: &mut Packet<B>,
    ip: &IpTuple,
    tables: &Tables,
) -> Result<Verdict, DropReason> {
    let ports = &tables.drawn.ports;
    let sender = packet.cx.sender(ports)?;
    let segment = ports.segment_of(sender).ok_or(DropReason::UnknownMac)?;
    let Some(service) = &segment.dhcp else {
        let to_many = packet.cx.tuple.destination_mac.is_group();
        return match to_many && !segment.has_dhcp_server {
            true => Err(DropReason::DhcpNotServed),
            false => Ok(Verdict::Next),
        };
    };
    if !is_for(service, segment, ip.destination, &packet.cx.tuple) {
        return Ok(Verdict::Next);
    }
    let message = message(packet, ip)?;
    if message.hardware != sender.mac {
        return Err(DropReason::DhcpSpoofed);
    }
    match decide(&message, ip.source, sender, service)? {
        Decision::Ends(consumed) => Ok(Verdict::Consume(consumed)),
        Decision::Tells(told) => {
            let reply = Reply {
                message: &message,
                told,
                client: sender.mac,
                service,
            };
            reply.write(&mut packet.buf, segment.mtu)?;
            vlan::tag(&mut packet.buf, sender.tags)?;
            Ok(Verdict::Reply)
        }
    }
}

/// What is for the server's address or a router's; and what is for everybody,
/// unless the client has chosen a station by its MAC.
fn is_for(service: &DhcpService, segment: &Segment, to: VirtualAddr, tuple: &Tuple) -> bool {
    let mac = tuple.destination_mac;
    let mut routers = segment.routers.iter();
    if to == service.address || routers.any(|router| router.address == to) {
        return true;
    }
    let to_all = to.ipv4().is_broadcast() || segment.subnet.broadcast() == Some(to);
    to_all && (mac.is_group() || mac == service.mac || segment.is_router(mac))
}

fn message<B: PacketBuf>(packet: &Packet<B>, ip: &IpTuple) -> Result<Message, DropReason> {
    if !packet.buf.is_contiguous() {
        return Err(DropReason::NotContiguous);
    }
    let datagram = packet.buf.data();
    let datagram = datagram.get(ETHERNET_LEN + usize::from(ip.header_len)..);
    let datagram = datagram.unwrap_or_default();
    let complete = packet.cx.offload.transport == TransportChecksum::Complete;
    let addresses = [ip.source.to_bits(), ip.destination.to_bits()];
    let [source, destination] = addresses.map(|bits| Sum::of(&bits.to_be_bytes()));
    let payload = udp::payload(datagram, source.and(destination), complete);
    payload
        .and_then(Message::read)
        .ok_or(DropReason::DhcpMalformed)
}

/// What a message comes to.
enum Decision {
    /// An answer.
    Tells(Told),
    /// None.
    Ends(Consumed),
}

/// RFC 2131 §4.3, of a server that knows every client.
fn decide(
    message: &Message,
    source: VirtualAddr,
    sender: &Interface,
    service: &DhcpService,
) -> Result<Decision, DropReason> {
    let own = sender.addresses.first();
    let own = *own.ok_or(DropReason::DhcpNotServed)?;
    let elsewhere = message
        .server
        .is_some_and(|server| server != service.address);
    let told = match message.kind {
        Kind::Discover => Told::Offer(own),
        Kind::Decline => return Ok(Decision::Ends(Consumed::DhcpDecline)),
        Kind::Release => return Ok(Decision::Ends(Consumed::Dhcp)),
        // §4.3.2, selecting: it has chosen another server.
        Kind::Request if elsewhere => return Ok(Decision::Ends(Consumed::Dhcp)),
        Kind::Request => {
            // Selecting and init-reboot name the address in an option;
            // renewing and rebinding have it already.
            let asked = message.requested.or(message.client_address);
            match asked.ok_or(DropReason::DhcpMalformed)? {
                asked if asked == own => Told::Ack(own),
                _ => Told::Nak,
            }
        }
        Kind::Inform => {
            // §4.3.5; clients have been seen that leave it to the IP header.
            let address = message.client_address.unwrap_or(source);
            match sender.addresses.contains(&address) {
                true => Told::Informed(address),
                false => return Err(DropReason::DhcpSpoofed),
            }
        }
    };
    Ok(Decision::Tells(told))
}
