//! May this interface send with these addresses? (Anti-spoofing.)
//!
//! The source MAC already chose the interface; here the source IP and the ARP
//! sender fields must be the interface's (a phantom router's: or one that it
//! stands for), and the protocol one that the segment carries. Of an interface
//! that may come to have further addresses, `claim` is asked for those that were
//! not drawn.
//!
//! Exits: on; dropped by an `admit` reason.

use core::time::Duration;

use packet::arp::ArpPacket;
use packet::ethernet::ETHERNET_LEN;
use packet::{EtherType, IpProtocol, PacketBuf, VirtualAddr};
use zerocopy::FromBytes;

use super::batch::{Burst, IpTuple, Packet};
use super::claim::{self, Asker, Claims};
use super::classify;
use super::state::WorkerState;
use super::verdict::DropReason;
use crate::tables::{Interface, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let ports = &tables.drawn.ports;
    let now = burst.now;
    burst.each(|packet| {
        let sender = packet.cx.sender(ports)?;
        if sender.claims {
            return admit_claimant(packet, sender, tables, now, &mut state.claims);
        }
        match (packet.cx.tuple.ether_type, packet.cx.tuple.ip) {
            (EtherType::IPV4, Some(ip)) => admit_ipv4(sender, &ip, packet),
            (EtherType::ARP, _) => admit_arp(sender, packet.buf.data()),
            (other, _) => admit_other(sender, other, tables),
        }?;
        if sender.dhcp_server {
            hear_server(packet, sender, tables, &mut state.claims);
        }
        Ok(())
    });
}

fn admit_other(sender: &Interface, other: EtherType, tables: &Tables) -> Result<(), DropReason> {
    if other == EtherType::IPV6 {
        return Err(DropReason::Ipv6NotYet);
    }
    match tables.drawn.ports.segment_of(sender) {
        Some(segment) if segment.ethertypes.contains(&other) => Ok(()),
        _ => Err(DropReason::EtherTypeNotAllowed),
    }
}

/// Of an interface that may come to have addresses which were not drawn.
// Few are such, and the others need not pay for it.
#[inline(never)]
fn admit_claimant<B: PacketBuf>(
    packet: &mut Packet<B>,
    sender: &Interface,
    tables: &Tables,
    now: Duration,
    claims: &mut Claims,
) -> Result<(), DropReason> {
    let id = packet.cx.from.and_then(|from| from.interface);
    let asker = Asker {
        id: id.ok_or(DropReason::UnknownMac)?,
        interface: sender,
        tables,
        now,
    };
    match (packet.cx.tuple.ether_type, packet.cx.tuple.ip) {
        (EtherType::IPV4, Some(ip)) => {
            match admit_ipv4(sender, &ip, packet) {
                Err(DropReason::SpoofedAddress) => {
                    let mac = claim::admit_source(&asker, ip.source, claims)?;
                    if let Some(from) = &mut packet.cx.from {
                        from.address = Some(ip.source);
                        from.mac = mac;
                    }
                }
                admitted => admitted?,
            }
            one_mac(packet);
            if claim::may_tell(&ip) {
                claim::heard_from_node(&asker, &ip, packet, claims);
                hear_server(packet, sender, tables, claims);
            }
            Ok(())
        }
        (EtherType::ARP, _) => match admit_arp(sender, packet.buf.data()) {
            Err(DropReason::SpoofedArp) => {
                let arp = packet.buf.data().get(ETHERNET_LEN..);
                let arp = ArpPacket::read_from_prefix(arp.unwrap_or_default());
                let (arp, _) = arp.map_err(|_| DropReason::ArpMalformed)?;
                if arp.sender_mac != packet.cx.tuple.source_mac {
                    return Err(DropReason::SpoofedArp);
                }
                let to_many = packet.cx.tuple.destination_mac.is_group();
                claim::admit_arp(&asker, &arp, to_many, claims)
            }
            admitted => admitted,
        },
        (other, _) => {
            one_mac(packet);
            admit_other(sender, other, tables)
        }
    }
}

/// The frame has the MAC by which neighbours know its sender, whichever of its
/// MACs it was sent from: so they hear it the same, wherever they are.
fn one_mac<B: PacketBuf>(packet: &mut Packet<B>) {
    let Some(mac) = packet.cx.from.map(|from| from.mac) else {
        return;
    };
    let source = packet.buf.data_mut().get_mut(6..12);
    if mac != packet.cx.tuple.source_mac
        && let Some(source) = source
    {
        source.copy_from_slice(&mac.octets());
        packet.cx.tuple.source_mac = mac;
    }
}

/// A DHCP server of this host may give an address to a client of this host.
fn hear_server<B: PacketBuf>(
    packet: &Packet<B>,
    sender: &Interface,
    tables: &Tables,
    claims: &mut Claims,
) {
    let ip = packet.cx.tuple.ip.filter(claim::lease::is_to_client);
    if let Some(ip) = ip.filter(|_| sender.dhcp_server && !tables.drawn.claims.is_empty()) {
        let datagram = packet.buf.data();
        let datagram = datagram.get(ETHERNET_LEN + usize::from(ip.header_len)..);
        claim::leased(sender.segment, datagram.unwrap_or_default(), tables, claims);
    }
}

fn admit_ipv4<B: PacketBuf>(
    sender: &Interface,
    ip: &IpTuple,
    packet: &Packet<B>,
) -> Result<(), DropReason> {
    if !has(sender, ip.source) && !sender.forwards(ip.source) {
        return match is_dhcp_request(ip) || is_unnumbered_report(ip) {
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

/// RFC 3376 §4.2.13: a system without address reports its groups from 0.0.0.0.
pub(super) fn is_unnumbered_report(ip: &IpTuple) -> bool {
    ip.source == VirtualAddr::from_bits(0)
        && ip.protocol == IpProtocol::IGMP
        && ip.destination.ipv4().is_multicast()
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
