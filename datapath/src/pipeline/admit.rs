//! May this interface send with these addresses? (Anti-spoofing.)
//!
//! The source MAC already chose the interface; here the source IP and the ARP
//! sender fields must be the interface's (a phantom router's: or one that it
//! stands for), and the protocol one that the segment carries.
//!
//! Exits: on; dropped by an `admit` reason.

use packet::arp::ArpPacket;
use packet::ethernet::ETHERNET_LEN;
use packet::{EtherType, IpProtocol, PacketBuf, VirtualAddr};
use zerocopy::FromBytes;

use super::batch::{Burst, IpTuple, Packet};
use super::classify;
use super::verdict::DropReason;
use crate::tables::{Interface, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let ports = &tables.drawn.ports;
    burst.each(|packet| {
        let sender = packet.cx.sender(ports)?;
        match (packet.cx.tuple.ether_type, packet.cx.tuple.ip) {
            (EtherType::IPV4, Some(ip)) => admit_ipv4(sender, &ip, packet),
            (EtherType::ARP, _) => admit_arp(sender, packet.buf.data()),
            (EtherType::IPV6, _) => Err(DropReason::Ipv6NotYet),
            (other, _) => match ports.segment_of(sender) {
                Some(segment) if segment.ethertypes.contains(&other) => Ok(()),
                _ => Err(DropReason::EtherTypeNotAllowed),
            },
        }
    });
}

fn admit_ipv4<B: PacketBuf>(
    sender: &Interface,
    ip: &IpTuple,
    packet: &Packet<B>,
) -> Result<(), DropReason> {
    if !has(sender, ip.source) && !sender.forwards(ip.source) {
        return match is_dhcp_request(ip) {
            true => Ok(()),
            false => Err(DropReason::SpoofedAddress),
        };
    }
    if ip.protocol == IpProtocol::UDP && !sender.dhcp_server && is_dhcp_reply(ip, packet) {
        return Err(DropReason::DhcpNotAuthorised);
    }
    Ok(())
}

/// RFC 2131 §4.1: a server sends from port 67 to 68. A first fragment has the
/// ports, too: cutting a message does not hide it.
fn is_dhcp_reply<B: PacketBuf>(ip: &IpTuple, packet: &Packet<B>) -> bool {
    let ports = if ip.fragment.is_fragment() && !ip.fragment.is_later() {
        let payload = packet.buf.data();
        let payload = payload.get(ETHERNET_LEN + usize::from(ip.header_len)..);
        classify::ports(ip.protocol, payload.unwrap_or_default())
    } else {
        ip.ports
    };
    ports == (67, 68)
}

/// RFC 2131 §4.1: a client without address sends from 0.0.0.0, port 68 to 67.
pub(super) fn is_dhcp_request(ip: &IpTuple) -> bool {
    ip.source == VirtualAddr::from_bits(0) && ip.protocol == IpProtocol::UDP && ip.ports == (68, 67)
}

/// RFC 5227 §2.1.1: a probe's sender address is zero, and says nothing false.
fn admit_arp(sender: &Interface, frame: &[u8]) -> Result<(), DropReason> {
    let bytes = frame.get(ETHERNET_LEN..).ok_or(DropReason::Truncated)?;
    let (arp, _) = ArpPacket::ref_from_prefix(bytes).map_err(|_| DropReason::ArpMalformed)?;
    // What the sender fields are is only known of ARP for IPv4 over Ethernet.
    arp.operation().ok_or(DropReason::ArpMalformed)?;
    let address = arp.sender_address();
    let probe = address == VirtualAddr::from_bits(0);
    if arp.sender_mac == sender.mac && (probe || has(sender, address)) {
        Ok(())
    } else {
        Err(DropReason::SpoofedArp)
    }
}

fn has(sender: &Interface, address: VirtualAddr) -> bool {
    sender.addresses.contains(&address)
}
