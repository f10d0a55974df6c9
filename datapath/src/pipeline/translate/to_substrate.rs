//! From a node's frame to a packet on the substrate.

use packet::checksum::Delta;
use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::{IpProtocol, PacketBuf, SegmentId, Slot, SubstrateAddr, VirtualAddr};
use zerocopy::FromBytes;

use super::flow_label::{self, Carried};
use super::icmp::{self, Scratch};
use super::mtu::Carriage;
use super::v4_to_v6::{self, Addresses, Hops};
use super::{raw, transport};
use crate::pipeline::batch::{Burst, Context, Packet};
use crate::pipeline::state::WorkerState;
use crate::pipeline::verdict::DropReason;
use crate::tables::{Destination, Tables};

/// The stage of packets that leave this host.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    burst.each(|packet| {
        let addresses = addresses(&packet.cx, tables)?;
        let (traffic_class, carried) = header_of(packet);
        let hops = Hops {
            flow_label: flow_label::encode(carried, packet.cx.flow_hash),
            hop_limit: tables.uplinks.hop_limit,
        };
        match packet.cx.carriage {
            Some(Carriage::Rewritten | Carriage::Fragment) => {
                rewrite(packet, tables, addresses, hops, &mut state.scratch)
            }
            _ => raw::wrap(&mut packet.buf, addresses, traffic_class, hops),
        }
    });
}

/// Would this ICMP message, which is no echo, come back the same?
pub fn icmp_error_survives(
    message: &[u8],
    cx: &Context,
    tables: &Tables,
    scratch: &mut Scratch,
) -> bool {
    let Ok(outer) = addresses(cx, tables) else {
        return false;
    };
    icmp_error(message, cx, tables, outer, scratch).is_some()
}

/// Where the packet's traffic class, TTL and DF are; a frame that is not IPv4
/// has none.
fn header_of<B: PacketBuf>(packet: &Packet<B>) -> (u8, Carried) {
    let header = packet.cx.tuple.ip.and_then(|_| {
        let bytes = packet.buf.data().get(ETHERNET_LEN..)?;
        Ipv4Header::ref_from_prefix(bytes).ok()
    });
    let nothing = Carried {
        ttl: 0,
        dont_fragment: false,
    };
    header.map_or((0, nothing), |(header, _)| {
        let carried = Carried {
            ttl: header.ttl,
            dont_fragment: header.dont_fragment(),
        };
        (header.traffic_class, carried)
    })
}

/// The packet's addresses on the substrate: the sender's interface, by the
/// address it sends from (or its identity, if that is none), and the receiver's.
/// A phantom router is known by its slot where the address is another's.
fn addresses(cx: &Context, tables: &Tables) -> Result<Addresses, DropReason> {
    let to = cx.to.ok_or(DropReason::NoMapping)?;
    if to.is_relay() {
        return relay(&to, tables).ok_or(DropReason::NoRoute);
    }
    let sender = cx.sender(&tables.drawn.ports)?;
    let here = tables.own_locator().ok_or(DropReason::NoRoute)?;
    let there = tables.locator(to.host()).ok_or(DropReason::NoRoute)?;
    let claimed = cx.from.and_then(|from| from.address);
    let own =
        |address: &VirtualAddr| sender.addresses.contains(address) || Some(*address) == claimed;
    let source = cx.tuple.ip.map(|ip| ip.source);
    let phantom = sender.phantom.as_deref();
    let phantom = phantom.zip(source.filter(|address| !own(address)));
    let phantom = phantom.filter(|(phantom, address)| phantom.forwards(*address));
    let source = match phantom {
        Some((phantom, address)) => SubstrateAddr {
            slot: phantom.slot,
            forward: true,
            ..SubstrateAddr::ordinary(here, sender.segment, address)
        },
        None => {
            let address = source.filter(own).unwrap_or(sender.identity);
            SubstrateAddr {
                slot: sender.slot,
                ..SubstrateAddr::ordinary(here, sender.segment, address)
            }
        }
    };
    let destination = SubstrateAddr {
        slot: to.slot(),
        forward: to.is_forwarding(),
        group: to.is_group(),
        ..SubstrateAddr::ordinary(there, to.segment(), to.address())
    };
    Ok(Addresses {
        source: source.to_ipv6(),
        destination: destination.to_ipv6(),
    })
}

/// From where somebody was to where it is now: what came here for it.
fn relay(to: &Destination, tables: &Tables) -> Option<Addresses> {
    let (here, there) = (tables.own_locator()?, tables.locator(to.host())?);
    let own = match to.is_forwarding() {
        true => {
            let phantoms = &tables.drawn.phantoms;
            let phantom = phantoms.at(to.host(), to.segment(), to.slot())?;
            *phantom.addresses.first()?
        }
        false => to.address(),
    };
    let slot = match to.is_forwarding() {
        true => Slot::ZERO,
        false => to.slot(),
    };
    let at = |locator| SubstrateAddr {
        slot,
        ..SubstrateAddr::ordinary(locator, to.segment(), own)
    };
    Some(Addresses {
        source: at(here).to_ipv6(),
        destination: at(there).to_ipv6(),
    })
}

/// The substrate address of whoever has a virtual one; a router has none.
fn substrate_address(
    tables: &Tables,
    segment: SegmentId,
    address: VirtualAddr,
) -> Option<SubstrateAddr> {
    let owner = tables.destination(segment, address)?;
    let locator = tables
        .locator(owner.host())
        .filter(|_| !owner.is_device())?;
    Some(SubstrateAddr {
        slot: owner.slot(),
        ..SubstrateAddr::ordinary(locator, segment, address)
    })
}

/// Header for header; the 14 bytes before the IPv6 header are left for `uplink`
/// to fill.
fn rewrite<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    addresses: Addresses,
    hops: Hops,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let ip = packet.cx.ip()?;
    let truncated = || DropReason::Truncated;
    let bytes = packet
        .buf
        .data()
        .get(ETHERNET_LEN..)
        .ok_or_else(truncated)?;
    let (v4, payload) = Ipv4Header::read_from_prefix(bytes).map_err(|_| truncated())?;
    let mut payload_len = ip.payload_len();
    let is_echo = ip.protocol == IpProtocol::ICMP && icmp::echo::survives(payload);
    if ip.protocol == IpProtocol::ICMP && !is_echo {
        let message = icmp_error(payload, &packet.cx, tables, addresses, scratch);
        let message = message.ok_or(DropReason::Truncated)?;
        payload_len = u16::try_from(message.len()).map_err(|_| DropReason::TooBig)?;
        replace_payload(&mut packet.buf, message)?;
    }
    let headers = v4_to_v6::headers(&v4, payload_len, addresses, hops);
    let payload = packet.buf.data_mut().get_mut(ETHERNET_LEN + IPV4_LEN..);
    let payload = payload.ok_or_else(truncated)?;
    if is_echo {
        icmp::echo::to_v6(payload, &headers.v6).map_err(|_| truncated())?;
    } else if ip.protocol != IpProtocol::ICMP {
        let delta = Delta::new(v4.address_sum(), headers.v6.address_sum());
        let state = packet.cx.offload.transport;
        transport::update(payload, ip.protocol, ip.fragment, state, delta);
    }
    packet
        .buf
        .prepend(headers.len() - IPV4_LEN)
        .map_err(|_| DropReason::NoHeadroom)?;
    let front = packet.buf.data_mut().get_mut(ETHERNET_LEN..);
    headers
        .write(front.unwrap_or_default())
        .map_err(|_| DropReason::NoHeadroom)
}

/// The ICMPv6 message that stands for an ICMP message other than echo.
fn icmp_error<'s>(
    message: &[u8],
    cx: &Context,
    tables: &Tables,
    outer: Addresses,
    scratch: &'s mut Scratch,
) -> Option<&'s [u8]> {
    // What went there comes back from there, perhaps through logical routers.
    let (here, there) = (cx.from?.segment, cx.to?.segment());
    let quoted = |source, destination| {
        Some(Addresses {
            source: substrate_address(tables, there, source)?.to_ipv6(),
            destination: substrate_address(tables, here, destination)?.to_ipv6(),
        })
    };
    icmp::to_v6_if_it_comes_back(message, outer, &quoted, scratch).ok()
}

fn replace_payload<B: PacketBuf>(buf: &mut B, payload: &[u8]) -> Result<(), DropReason> {
    let at = ETHERNET_LEN + IPV4_LEN;
    buf.truncate(at);
    buf.append(payload.len()).map_err(|_| DropReason::TooBig)?;
    let room = buf.data_mut().get_mut(at..).ok_or(DropReason::TooBig)?;
    room.copy_from_slice(payload);
    Ok(())
}
