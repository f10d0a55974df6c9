//! What is this frame, and whose is it?
//!
//! Parses each frame once into a [`Tuple`], takes off its tags (inside the
//! pipeline frames are bare; `tags`), and finds the interface that sent it by
//! (port, tags, source MAC), or on an uplink decides whether it is for the tenants, for
//! the host itself, or for its kernel.
//!
//! Exits: on; punted (`ForHost`); dropped by a `classify` reason.
//! Not its question: whether the sender may use the addresses it uses (admit),
//! and what to do with protocols the switch does not carry.

mod tags;

use packet::checksum;
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::icmp;
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{EtherType, HeaderChecksum, IpProtocol, MacAddr, PacketBuf, SubstrateAddr};
use zerocopy::FromBytes;

use super::batch::{Burst, IpTuple, Packet, Sender, Target, Tuple};
use super::kernel;
use super::verdict::{DropReason, Punt, Verdict};
use crate::tables::Tables;
use crate::tables::ports::NoInterface;

/// Frames that nodes sent.
pub fn from_node<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    prefetch(burst);
    let port = burst.port;
    let ports = &tables.drawn.ports;
    let is_marked = ports.has_marked(port);
    burst.each(|packet| {
        let header = ethernet(packet)?;
        let found = if is_marked {
            tags::marked(&mut packet.buf, &header, ports, port)?
        } else {
            tags::plain(&mut packet.buf, &header, ports, port)?
        };
        let ether_type = found.ether_type;
        packet.cx.tuple = Tuple {
            destination_mac: header.destination,
            source_mac: header.source,
            tag: found.tag,
            ether_type,
            ip: None,
        };
        if !header.source.is_unicast() {
            return Err(DropReason::SourceMacInvalid);
        }
        // The first buffer of a chain holds the headers, and no stage reads more
        // of an IPv4 packet: it is to be cut, or its sender to be told.
        if !packet.buf.is_contiguous() && ether_type != EtherType::IPV4 {
            return Err(DropReason::NotContiguous);
        }
        let (id, interface) = found.sender.map_err(reason)?;
        packet.cx.row = interface.row;
        packet.cx.from = Some(Sender {
            segment: interface.segment,
            mac: interface.mac,
            interface: Some(id),
            address: None,
            forwards: false,
            relays: false,
        });
        if ether_type == EtherType::IPV4 {
            let checked = packet.cx.offload.ipv4_header;
            packet.cx.tuple.ip = Some(ipv4(&mut packet.buf, checked)?);
        }
        Ok(())
    });
}

/// Frames that the substrate delivered: packets for the locator go on, with
/// the destination as their target; what is for the host itself is punted, or
/// goes on without a target where it is for the kernel.
pub fn from_substrate<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    prefetch(burst);
    let port = burst.port;
    let own = &tables.uplinks.own;
    let uplink = tables.uplinks.uplink(port);
    let own_mac = uplink.map(|uplink| uplink.mac);
    let has_kernel = uplink.is_some_and(|uplink| uplink.kernel.is_some());
    let rows = tables.drawn.ports.rows();
    burst.each(|packet| {
        let header = substrate(packet, own_mac)?;
        let destination = header.destination();
        let payload = packet.buf.data().get(ETHERNET_LEN + IPV6_LEN..);
        let payload = payload.unwrap_or_default();
        if has_kernel && kernel::takes(own, &header, payload) {
            return Ok(());
        }
        let icmp_kind = payload.first().copied().unwrap_or(0);
        if own.is_for_host(destination)
            || own.is_neighbor_discovery(destination, header.next_header, icmp_kind)
        {
            packet.cx.verdict = Verdict::Punt(Punt::ForHost);
            return Ok(());
        }
        let here = own
            .locator()
            .is_some_and(|locator| locator.contains(destination));
        let address = SubstrateAddr::from_ipv6(destination).ok().filter(|_| here);
        let address = address.ok_or(DropReason::NotForThisHost)?;
        packet.cx.row = rows.of(port, Some(address.segment));
        packet.cx.target = Some(Target {
            segment: address.segment,
            address: address.address,
            mac: None,
            passes_on: false,
        });
        Ok(())
    });
}

fn prefetch<B: PacketBuf>(burst: &Burst<B>) {
    for packet in &burst.packets {
        packet.buf.prefetch();
    }
}

fn ethernet<B: PacketBuf>(packet: &Packet<B>) -> Result<EthernetHeader, DropReason> {
    let (header, _) =
        EthernetHeader::read_from_prefix(packet.buf.data()).map_err(|_| DropReason::Truncated)?;
    Ok(header)
}

const fn reason(no_interface: NoInterface) -> DropReason {
    match no_interface {
        NoInterface::UnknownMac => DropReason::UnknownMac,
        NoInterface::UntaggedOnTrunk => DropReason::UntaggedOnTrunk,
        NoInterface::TaggedOnAccess => DropReason::TaggedOnAccess,
        NoInterface::UnknownTag => DropReason::UnknownTag,
        NoInterface::NoOuter => DropReason::DoubleTagged,
    }
}

/// Checks the IPv4 header as a router would (RFC 1812 §5.2.2), and cuts off
/// Ethernet's padding. A port that has checked the checksum saves the sum.
pub(super) fn ipv4<B: PacketBuf>(
    buf: &mut B,
    checked: HeaderChecksum,
) -> Result<IpTuple, DropReason> {
    let whole = buf.len();
    let bytes = buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    let (header, _) = Ipv4Header::ref_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
    let header_len = header.header_len();
    let total_len = header.total_len();
    if header.version() != 4 || header_len < IPV4_LEN || total_len < header_len {
        return Err(DropReason::BadIpHeader);
    }
    if whole < ETHERNET_LEN + total_len {
        return Err(DropReason::Truncated);
    }
    let here = bytes.get(..total_len).unwrap_or(bytes);
    let (with_options, payload) = here
        .split_at_checked(header_len)
        .ok_or(DropReason::Truncated)?;
    let right = match checked {
        HeaderChecksum::Good => true,
        HeaderChecksum::Bad => false,
        HeaderChecksum::Unverified => checksum::of(with_options) == 0,
    };
    if !right {
        return Err(DropReason::BadIpChecksum);
    }
    let tuple = IpTuple {
        ports: if header.is_fragment() {
            (0, 0)
        } else {
            ports(header.protocol, payload)
        },
        ..IpTuple::of_header(header)
    };
    buf.truncate(ETHERNET_LEN + total_len);
    Ok(tuple)
}

/// The ports of protocols that begin with them.
pub(super) fn ports(protocol: IpProtocol, payload: &[u8]) -> (u16, u16) {
    match (protocol, payload) {
        (
            IpProtocol::TCP
            | IpProtocol::UDP
            | IpProtocol::UDP_LITE
            | IpProtocol::DCCP
            | IpProtocol::SCTP,
            &[a, b, c, d, ..],
        ) => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
        _ => (0, 0),
    }
}

/// Checks what every packet from the substrate must be: IPv6, for our MAC, and
/// all there.
fn substrate<B: PacketBuf>(
    packet: &mut Packet<B>,
    own_mac: Option<MacAddr>,
) -> Result<Ipv6Header, DropReason> {
    if !packet.buf.is_contiguous() && packet.cx.offload.segment_size.is_none() {
        return Err(DropReason::NotContiguous);
    }
    let ethernet = ethernet(packet)?;
    packet.cx.tuple.source_mac = ethernet.source;
    packet.cx.tuple.destination_mac = ethernet.destination;
    packet.cx.tuple.ether_type = ethernet.ether_type;
    if !ethernet.destination.is_group() && Some(ethernet.destination) != own_mac {
        return Err(DropReason::NotForThisMac);
    }
    if ethernet.ether_type != EtherType::IPV6 {
        return Err(DropReason::NotIpv6);
    }
    let bytes = packet
        .buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    let (header, _) = Ipv6Header::read_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
    if header.version() != 6 {
        return Err(DropReason::BadIpHeader);
    }
    // All segments of a super-frame together.
    if packet.buf.len() < ETHERNET_LEN + IPV6_LEN + header.payload_len() {
        return Err(DropReason::Truncated);
    }
    // One station's packet in a frame to many: nobody honest sends that
    // (RFC 1122 §3.3.6 says so of IPv4).
    if ethernet.destination.is_group() && !header.destination().is_multicast() {
        return Err(DropReason::NotForThisMac);
    }
    packet
        .buf
        .truncate(ETHERNET_LEN + IPV6_LEN + header.payload_len());
    Ok(header)
}

/// Is it an ICMPv6 error (RFC 4443 §2.1)?
pub(super) fn is_icmpv6_error(header: &Ipv6Header, payload: &[u8]) -> bool {
    header.next_header == IpProtocol::ICMPV6
        && payload
            .first()
            .is_some_and(|kind| icmp::v6::is_error(*kind))
}
