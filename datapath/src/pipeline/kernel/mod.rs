//! What passes between an uplink and the kernel of this machine?
//!
//! A machine whose only NIC a vswitch drives still needs SSH, NTP and BGP. Its
//! kernel has them behind the uplink's address, on an interface that is the
//! other end of a port of ours ([`KernelPath`]): so many packets per second go
//! there, unchanged, and what comes back goes out of the uplink, unchanged.
//!
//! To the kernel goes what is for the host's own addresses, or for a group of
//! the link, except for what the vswitch answers: echo requests, neighbour
//! discovery and MLD. (Advertisements and queries that the kernel needs, too, the
//! slow path gives it as copies: [`hears`].) From the kernel goes what has such an
//! address as its source, or none yet. Nothing under the locator passes, either
//! way: neither a tenant's address, nor segment 0's.
//!
//! Exits: on, what is the tenants'; forwarded; dropped by a `kernel` reason, from
//! the kernel also as `truncated`, `not-ipv6`, `bad-ip-header` or `too-big`.
//! Not its question: what the vswitch answers itself (classify).

pub mod limit;

use core::net::Ipv6Addr;

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::icmp::v6;
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{EtherType, IpProtocol, Offload, PacketBuf, TransportChecksum, mld, nd};
use vnet::compiled::PortId;
use zerocopy::FromBytes;

use super::batch::{Burst, Packet};
use super::fit::checksum;
use super::state::WorkerState;
use super::verdict::{DropReason, Verdict};
use crate::substrate::{KernelPath, OwnAddresses, UplinkFacts, is_solicited_node};
use crate::tables::Tables;

/// The stage of what the substrate delivered: what `classify` has left without a
/// target is the kernel's.
pub fn deliver<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let (port, now) = (burst.port, burst.now);
    let Some((at, path)) = path_of(tables, port) else {
        return;
    };
    for packet in burst.undecided() {
        if packet.cx.target.is_some() {
            continue;
        }
        let allowed = state.kernel.allows(at, path.rate, now);
        packet.cx.verdict = if allowed {
            hand_over(packet, tables, path.port).unwrap_or_else(Verdict::Drop)
        } else {
            Verdict::Drop(DropReason::KernelRateLimited)
        };
    }
}

/// A burst that the kernel sent on its own port: the whole itinerary.
pub fn to_uplink<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let Some(uplink) = tables.uplinks.of_kernel(burst.port) else {
        // The port has just lost its uplink.
        burst.each(|_| Err(DropReason::NoRoute));
        return;
    };
    let own = &tables.uplinks.own;
    for packet in burst.undecided() {
        let verdict =
            check(packet, uplink, own).and_then(|()| hand_over(packet, tables, uplink.port));
        packet.cx.verdict = verdict.unwrap_or_else(Verdict::Drop);
    }
}

/// Is what came in by an uplink with a kernel for that kernel?
pub(super) fn takes(own: &OwnAddresses, header: &Ipv6Header, payload: &[u8]) -> bool {
    let destination = header.destination();
    if !is_kernels_destination(own, destination) {
        return false;
    }
    match icmp_kind(header, payload) {
        // To a group that the kernel alone listens to.
        Some(mld::QUERY) => !own.is_for_host(destination),
        Some(
            v6::ECHO_REQUEST
            | mld::V1_REPORT
            | mld::V1_DONE
            | mld::V2_REPORT
            | nd::ROUTER_SOLICITATION
            | nd::ROUTER_ADVERTISEMENT
            | nd::NEIGHBOR_SOLICITATION
            | nd::NEIGHBOR_ADVERTISEMENT
            | nd::REDIRECT,
        ) => false,
        _ => true,
    }
}

/// Must the kernel hear of a frame that is the vswitch's, too? Where its own
/// neighbours are, and which groups a querier asks about. Not of router
/// advertisements: the kernel would give itself addresses that the vswitch does
/// not answer for.
pub fn hears(own: &OwnAddresses, frame: &[u8]) -> bool {
    let bytes = frame.get(ETHERNET_LEN..).unwrap_or_default();
    let Ok((header, payload)) = Ipv6Header::ref_from_prefix(bytes) else {
        return false;
    };
    let kind = icmp_kind(header, payload);
    is_kernels_destination(own, header.destination())
        && matches!(kind, Some(nd::NEIGHBOR_ADVERTISEMENT | mld::QUERY))
}

/// The host's own addresses, and the groups of the link. Not those in which
/// addresses are solicited: the vswitch answers there.
fn is_kernels_destination(own: &OwnAddresses, destination: Ipv6Addr) -> bool {
    let is_link_group = matches!(destination.octets(), [0xff, 0x02, ..]);
    (is_link_group && !is_solicited_node(destination)) || own.is_kernels(destination)
}

/// The type of an ICMPv6 message, also behind hop-by-hop options, as MLD has
/// them (RFC 3810 §5).
fn icmp_kind(header: &Ipv6Header, payload: &[u8]) -> Option<u8> {
    match (header.next_header, payload) {
        (IpProtocol::ICMPV6, [kind, ..]) => Some(*kind),
        (IpProtocol::HOP_BY_HOP, [next, eighths, ..]) if *next == IpProtocol::ICMPV6.0 => {
            payload.get((usize::from(*eighths) + 1) * 8).copied()
        }
        _ => None,
    }
}

/// The uplink's place among the uplinks, and its kernel.
fn path_of(tables: &Tables, port: PortId) -> Option<(usize, KernelPath)> {
    let mut uplinks = tables.uplinks.uplinks.iter().enumerate();
    let (at, uplink) = uplinks.find(|(_, uplink)| uplink.port == port)?;
    Some((at, uplink.kernel?))
}

/// May the kernel send this out of the uplink?
fn check<B: PacketBuf>(
    packet: &mut Packet<B>,
    uplink: &UplinkFacts,
    own: &OwnAddresses,
) -> Result<(), DropReason> {
    let (ethernet, bytes) =
        EthernetHeader::ref_from_prefix(packet.buf.data()).map_err(|_| DropReason::Truncated)?;
    if ethernet.ether_type != EtherType::IPV6 {
        return Err(DropReason::NotIpv6);
    }
    if ethernet.source != uplink.mac {
        return Err(DropReason::KernelMac);
    }
    let (header, payload) =
        Ipv6Header::ref_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
    if header.version() != 6 {
        return Err(DropReason::BadIpHeader);
    }
    let len = packet.buf.len().saturating_sub(ETHERNET_LEN);
    if len < IPV6_LEN + header.payload_len() {
        return Err(DropReason::Truncated);
    }
    let (source, destination) = (header.source(), header.destination());
    // While an address is being proved (RFC 4862 §5.4), and listeners without
    // any (RFC 3810 §5.2.13).
    let none_yet = source.is_unspecified() && destination.is_multicast();
    if !none_yet && !own.is_kernels(source) {
        return Err(DropReason::KernelSpoofed);
    }
    if icmp_kind(header, payload) == Some(nd::NEIGHBOR_ADVERTISEMENT) {
        return Err(DropReason::KernelAdvertisement);
    }
    let wire_len = match packet.cx.offload.segment_size {
        Some(size) => IPV6_LEN + TCP_LEN + usize::from(size.get()),
        None => len,
    };
    if wire_len > usize::from(uplink.mtu) {
        return Err(DropReason::TooBig);
    }
    Ok(())
}

/// A TCP header without options, in bytes.
const TCP_LEN: usize = 20;

/// On to a port as it is, but for what a sender left to a device and this port
/// does not do.
fn hand_over<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    port: PortId,
) -> Result<Verdict, DropReason> {
    let does = tables.drawn.ports.offloads(port);
    let left = packet.cx.offload;
    if left.segment_size.is_some() {
        if !does.segmentation {
            return Err(DropReason::KernelSuperFrame);
        }
    } else if left.transport == TransportChecksum::Partial && !does.checksum {
        let bytes = packet.buf.data().get(ETHERNET_LEN..).unwrap_or_default();
        let protocol = Ipv6Header::ref_from_prefix(bytes).map(|(header, _)| header.next_header);
        let protocol = protocol.map_err(|_| DropReason::Truncated)?;
        checksum::complete(&mut packet.buf, protocol, ETHERNET_LEN + IPV6_LEN);
        packet.cx.offload = Offload::NONE;
    }
    Ok(Verdict::Forward(port))
}
