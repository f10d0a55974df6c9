//! IPv4 → IPv6 (RFC 7915 §4.1), for packets that come back whole by
//! [`super::v6_to_v4`].

use core::net::Ipv6Addr;

use packet::checksum::Delta;
use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::ipv6::{IPV6_LEN, Ipv6Fields, Ipv6Header};
use packet::{IpProtocol, PacketBuf};
use zerocopy::{FromBytes, IntoBytes};

use super::flow_label::{self, Carried};
use super::icmp;
use crate::pipeline::batch::IpTuple;
use crate::pipeline::verdict::DropReason;

/// The addresses of the packet on the substrate.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The sender's.
    pub source: Ipv6Addr,
    /// The receiver's.
    pub destination: Ipv6Addr,
}

/// Rewrites a bare Ethernet frame with a checked IPv4 packet into an IPv6
/// packet; the 14 bytes before it are left for `uplink` to fill.
///
/// # Errors
/// What would not survive, by reason; the packet is then unusable.
pub fn rewrite<B: PacketBuf>(
    buf: &mut B,
    ip: &IpTuple,
    addresses: Addresses,
    hop_limit: u8,
) -> Result<(), DropReason> {
    survives(ip)?;
    let bytes = buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    let (v4, _) = Ipv4Header::read_from_prefix(bytes).map_err(|_| DropReason::Truncated)?;
    let carried = Carried {
        ttl: v4.ttl,
        dont_fragment: v4.dont_fragment(),
    };
    let is_icmp = v4.protocol == IpProtocol::ICMP;
    let payload_len = v4.total_len().saturating_sub(IPV4_LEN);
    let v6 = Ipv6Header::new(&Ipv6Fields {
        source: addresses.source,
        destination: addresses.destination,
        traffic_class: v4.traffic_class,
        flow_label: flow_label::encode(carried, ip.flow_hash()),
        next_header: if is_icmp {
            IpProtocol::ICMPV6
        } else {
            v4.protocol
        },
        hop_limit,
        payload_len: u16::try_from(payload_len).map_err(|_| DropReason::TooBig)?,
    });
    let payload = buf
        .data_mut()
        .get_mut(ETHERNET_LEN + IPV4_LEN..)
        .and_then(|rest| rest.get_mut(..payload_len))
        .ok_or(DropReason::Truncated)?;
    if is_icmp {
        icmp::to_v6(payload, &v6)?;
    } else {
        let delta = Delta::new(v4.address_sum(), v6.address_sum());
        transport_checksum(payload, v4.protocol, delta);
    }
    buf.prepend(IPV6_LEN - IPV4_LEN)
        .map_err(|_| DropReason::NoHeadroom)?;
    let header = buf
        .data_mut()
        .get_mut(ETHERNET_LEN..)
        .ok_or(DropReason::Truncated)?;
    v6.write_to_prefix(header)
        .map_err(|_| DropReason::Truncated)
}

/// Does the packet come back the same? What does not will go raw.
fn survives(ip: &IpTuple) -> Result<(), DropReason> {
    if ip.options {
        return Err(DropReason::OptionsNeedRaw);
    }
    if !ip.protocol.may_be_next_header() {
        return Err(DropReason::ProtocolNeedsRaw);
    }
    if ip.fragment {
        return Err(DropReason::FragmentNotYet);
    }
    Ok(())
}

/// Applies the change of the pseudo-header's addresses to the checksum of TCP,
/// UDP, UDP-Lite and DCCP. A datagram too short to have one stays as it is, in
/// both directions.
pub(super) fn transport_checksum(payload: &mut [u8], protocol: IpProtocol, delta: Delta) {
    let Some(at) = protocol.checksum_offset() else {
        return;
    };
    let Some(field) = payload
        .get_mut(at..)
        .and_then(|rest| rest.first_chunk_mut::<2>())
    else {
        return;
    };
    let old = u16::from_be_bytes(*field);
    let never_zero = matches!(protocol, IpProtocol::UDP | IpProtocol::UDP_LITE);
    if never_zero && old == 0 {
        // RFC 768: no checksum. It stays none between two vswitches. RFC 3828
        // §3.1: illegal, and so it must arrive.
        return;
    }
    let new = match delta.apply(old) {
        // RFC 768, RFC 3828 §3.1: a computed zero is sent as all ones.
        0 if never_zero => 0xffff,
        new => new,
    };
    *field = new.to_be_bytes();
}
