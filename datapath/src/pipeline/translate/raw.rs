//! Raw carriage: the whole bare Ethernet frame in EtherIP (RFC 3378), for what
//! would not come back from IPv6 the same.
//!
//! ```text
//! IPv6, next header 97 | 0x3000 | Ethernet, as the node sent it | …
//! ```
//!
//! Next header 97 is only ever a vswitch's: a node's own EtherIP goes raw
//! itself, and what arrives must name inside whom its source proves outside.

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::ipv4::change_header;
use packet::ipv6::{IPV6_LEN, Ipv6Fields, Ipv6Header};
use packet::{EtherType, HeaderChecksum, IpProtocol, PacketBuf};
use zerocopy::{FromBytes, IntoBytes};

use super::v4_to_v6::{Addresses, Hops};
use crate::pipeline::admit::{is_dhcp_request, is_unnumbered_report};
use crate::pipeline::batch::{Sender, Tuple};
use crate::pipeline::claim::lease::is_to_client;
use crate::pipeline::claim::{self, Claims};
use crate::pipeline::classify;
use crate::pipeline::cut::fragments;
use crate::pipeline::verdict::DropReason;
use crate::tables::{Destination, Tables};

/// EtherIP's header (RFC 3378 §2): version 3, the rest zero.
const ETHERIP: [u8; 2] = [0x30, 0x00];

/// Its length, in bytes.
pub const ETHERIP_LEN: usize = ETHERIP.len();

/// What stands before the inner frame, behind the outer Ethernet header.
const OUTER_LEN: usize = IPV6_LEN + ETHERIP_LEN;

/// Wraps a bare frame; the 14 bytes before the IPv6 header are left for
/// `uplink` to fill.
///
/// # Errors
/// `no-headroom`, `raw-too-big`.
pub fn wrap<B: PacketBuf>(
    buf: &mut B,
    addresses: Addresses,
    traffic_class: u8,
    hops: Hops,
) -> Result<(), DropReason> {
    let payload_len = u16::try_from(ETHERIP_LEN + buf.len());
    let header = Ipv6Header::new(&Ipv6Fields {
        source: addresses.source,
        destination: addresses.destination,
        traffic_class,
        flow_label: hops.flow_label,
        next_header: IpProtocol::ETHERIP,
        hop_limit: hops.hop_limit,
        payload_len: payload_len.map_err(|_| DropReason::RawTooBig)?,
    });
    buf.prepend(ETHERNET_LEN + OUTER_LEN)
        .map_err(|_| DropReason::NoHeadroom)?;
    let outer = buf.data_mut().get_mut(ETHERNET_LEN..);
    let outer = outer.ok_or(DropReason::NoHeadroom)?;
    header
        .write_to_prefix(outer)
        .map_err(|_| DropReason::NoHeadroom)?;
    ETHERIP
        .write_to_prefix(outer.get_mut(IPV6_LEN..).unwrap_or_default())
        .map_err(|_| DropReason::NoHeadroom)
}

/// Unwraps a frame for `to`, whose outer source has been proved to be `from`.
/// Leaves the bare inner frame, and says what it is.
///
/// # Errors
/// `raw-malformed`, `raw-not-proven`, `ethertype-not-allowed`, and what
/// `classify` says of the inner IPv4 packet.
pub fn unwrap<B: PacketBuf>(
    buf: &mut B,
    from: &Sender,
    to: &Destination,
    tables: &Tables,
    claims: &mut Claims,
) -> Result<Tuple, DropReason> {
    let etherip = buf.data().get(ETHERNET_LEN + IPV6_LEN..);
    let etherip = etherip.and_then(|rest| rest.first_chunk::<2>());
    if etherip != Some(&ETHERIP) {
        return Err(DropReason::RawMalformed);
    }
    let outer = buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    let outer = Ipv6Header::ref_from_prefix(outer).map_err(|_| DropReason::RawMalformed)?;
    let traffic_class = outer.0.traffic_class();
    buf.trim_front(ETHERNET_LEN + OUTER_LEN)
        .map_err(|_| DropReason::RawMalformed)?;
    let (inner, _) =
        EthernetHeader::read_from_prefix(buf.data()).map_err(|_| DropReason::RawMalformed)?;
    let addressed = if to.is_group() {
        inner.destination.is_group()
    } else {
        inner.destination == to.mac()
    };
    let announces = inner.ether_type == EtherType::ARP;
    let sent = inner.source == from.mac || announces || from.relays;
    if !sent || !addressed {
        return Err(DropReason::RawNotProven);
    }
    let mut tuple = Tuple {
        destination_mac: inner.destination,
        source_mac: inner.source,
        tag: None,
        ether_type: inner.ether_type,
        ip: None,
    };
    match inner.ether_type {
        EtherType::IPV4 => {
            let ip = classify::ipv4(buf, HeaderChecksum::Unverified)?;
            let has = |address, who: &Destination| {
                let mapped = tables.destination(who.segment(), address);
                mapped.is_some_and(|mapped| mapped.is_same_interface(who))
            };
            let source_proven = match from.address {
                Some(address) if from.forwards => ip.source == address,
                Some(address) => tables
                    .destination(from.segment, address)
                    .is_some_and(|sender| has(ip.source, &sender)),
                None => false,
            };
            let addressed = match to.is_forwarding() {
                true => ip.destination == to.address(),
                false => to.is_group() || has(ip.destination, to) || is_to_client(&ip),
            };
            // What is relayed was proved where it came from the fabric first.
            let proven = source_proven && addressed || from.relays;
            if !proven && !is_dhcp_request(&ip) && !is_unnumbered_report(&ip) {
                return Err(DropReason::RawNotProven);
            }
            mark(buf.data_mut(), traffic_class).ok_or(DropReason::RawMalformed)?;
            tuple.ip = Some(ip);
        }
        EtherType::ARP => claim::announced(buf.data(), from, tables, claims)?,
        EtherType::DOT1Q | EtherType::DOT1AD => return Err(DropReason::RawMalformed),
        other if allows(to, tables, other) => {}
        _ => return Err(DropReason::EtherTypeNotAllowed),
    }
    Ok(tuple)
}

/// Carries the fabric's mark of congestion inside, where the packet may be
/// marked (RFC 6040 §4.2).
fn mark(frame: &mut [u8], outer_traffic_class: u8) -> Option<()> {
    const ECN: u8 = 0x03;
    const EXPERIENCED: u8 = 0x03;
    let inner = fragments::header(frame)?.traffic_class & ECN;
    if outer_traffic_class & ECN != EXPERIENCED || inner == 0 || inner == EXPERIENCED {
        return Some(());
    }
    let packet = frame.get_mut(ETHERNET_LEN..)?;
    change_header(packet, |header| header.traffic_class |= EXPERIENCED)
}

/// May it pass in the receiver's segment, as that is known here?
fn allows(to: &Destination, tables: &Tables, ether_type: EtherType) -> bool {
    let member = || {
        let members = tables.drawn.groups.of(to.segment())?;
        members.here_but(None).next()
    };
    let interface = to.interface().or_else(member);
    let interface = interface.and_then(|id| tables.drawn.ports.interface(id));
    let segment = interface.and_then(|interface| tables.drawn.ports.segment_of(interface));
    segment.is_some_and(|segment| segment.ethertypes.contains(&ether_type))
}
