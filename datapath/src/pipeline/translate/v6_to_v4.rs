//! IPv6 → IPv4 (RFC 7915 §5.1), for packets that [`super::v4_to_v6`] made.

use packet::checksum::Delta;
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::ipv4::{IPV4_LEN, Ipv4Fields, Ipv4Header};
use packet::ipv6::{IPV6_LEN, Ipv6Header};
use packet::{EtherType, IpProtocol, MacAddr, PacketBuf, SubstrateAddr, VirtualAddr};
use zerocopy::{FromBytes, IntoBytes};

use super::identification::Identification;
use super::v4_to_v6::transport_checksum;
use super::{flow_label, icmp};
use crate::pipeline::batch::IpTuple;
use crate::pipeline::classify;
use crate::pipeline::verdict::DropReason;

/// The MACs of the frame that the receiver gets.
#[derive(Debug, Clone, Copy)]
pub struct Macs {
    /// The sender's on the segment.
    pub source: MacAddr,
    /// The receiver's.
    pub destination: MacAddr,
}

/// Rewrites an Ethernet frame with a proved IPv6 packet into a bare Ethernet
/// frame with the IPv4 packet that was sent.
///
/// # Errors
/// What no vswitch sends, and what this version does not carry, by reason; the
/// packet is then unusable.
pub fn rewrite<B: PacketBuf>(
    buf: &mut B,
    macs: Macs,
    identification: &mut Identification,
) -> Result<IpTuple, DropReason> {
    let bytes = buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    let (v6, _) = Ipv6Header::read_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
    let protocol = protocol(v6.next_header)?;
    let carried = flow_label::decode(v6.flow_label());
    let source = virtual_address(v6.source())?;
    let destination = virtual_address(v6.destination())?;
    let payload_len = v6.payload_len();
    let payload_len_u16 = u16::try_from(payload_len)
        .ok()
        .filter(|len| usize::from(*len) <= usize::from(u16::MAX) - IPV4_LEN)
        .ok_or(DropReason::TooBig)?;
    let v4 = Ipv4Header::new(&Ipv4Fields {
        source,
        destination,
        traffic_class: v6.traffic_class(),
        ttl: carried.ttl,
        protocol,
        dont_fragment: carried.dont_fragment,
        identification: identification.next(source, destination, protocol),
        payload_len: payload_len_u16,
    });
    let payload = buf
        .data_mut()
        .get_mut(ETHERNET_LEN + IPV6_LEN..)
        .and_then(|rest| rest.get_mut(..payload_len))
        .ok_or(DropReason::Truncated)?;
    if protocol == IpProtocol::ICMP {
        icmp::to_v4(payload, &v6)?;
    } else {
        let delta = Delta::new(v6.address_sum(), v4.address_sum());
        transport_checksum(payload, protocol, delta);
    }
    let ports = classify::ports(protocol, payload);
    buf.trim_front(IPV6_LEN - IPV4_LEN)
        .map_err(|_| DropReason::Truncated)?;
    let ethernet = EthernetHeader {
        destination: macs.destination,
        source: macs.source,
        ether_type: EtherType::IPV4,
    };
    let frame = buf.data_mut();
    ethernet
        .write_to_prefix(frame)
        .map_err(|_| DropReason::Truncated)?;
    let header = frame.get_mut(ETHERNET_LEN..).ok_or(DropReason::Truncated)?;
    v4.write_to_prefix(header)
        .map_err(|_| DropReason::Truncated)?;
    Ok(IpTuple {
        source,
        destination,
        protocol,
        ports,
        fragment: false,
        options: false,
        len: payload_len_u16.saturating_add(20),
    })
}

/// The IPv4 protocol of a next header.
fn protocol(next_header: IpProtocol) -> Result<IpProtocol, DropReason> {
    match next_header {
        IpProtocol::ICMPV6 => Ok(IpProtocol::ICMP),
        IpProtocol::FRAGMENT => Err(DropReason::FragmentNotYet),
        IpProtocol::ETHERIP => Err(DropReason::RawNotYet),
        // ICMPv4 always travels as ICMPv6, so this is nobody's.
        IpProtocol::ICMP => Err(DropReason::UnexpectedNextHeader),
        other if other.may_be_next_header() => Ok(other),
        _ => Err(DropReason::UnexpectedNextHeader),
    }
}

fn virtual_address(address: core::net::Ipv6Addr) -> Result<VirtualAddr, DropReason> {
    let parts = SubstrateAddr::from_ipv6(address).map_err(|_| DropReason::SourceNotProven)?;
    Ok(parts.address)
}
