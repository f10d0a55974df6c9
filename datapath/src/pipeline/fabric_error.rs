//! What does a router of the fabric complain of, and who must hear it?
//!
//! An ICMPv6 error about a packet that left this host. What it quotes must be
//! ours: from an interface here, to where a mapping says. Packet Too Big feeds
//! the path MTUs (RFC 8201 §4), and a node whose packet had DF is told at once
//! what will get through; that the fabric does not get a packet there is told as
//! "host unreachable": a tenant never sees the fabric. The node's packet is
//! quoted as it left the node, TTL and all.
//!
//! Exits: on, as an IPv4 error to a node of this host; consumed; dropped by a
//! `fabric_error` reason.

use core::time::Duration;

use packet::checksum::{Sum, pseudo_header_v6};
use packet::ethernet::ETHERNET_LEN;
use packet::icmp::{IcmpHeader, v6};
use packet::ipv4::{Ipv4Header, change_header};
use packet::ipv6::{IPV6_LEN, IPV6_MIN_MTU, Ipv6Header};
use packet::{EtherType, IpProtocol, PacketBuf, SubstrateAddr};
use vnet::compiled::InterfaceId;
use zerocopy::FromBytes;

use super::answer::icmp_error::{self, Complaint, Listener, Speaker};
use super::batch::{Burst, IpTuple, Packet, Sender, Target};
use super::classify;
use super::state::WorkerState;
use super::translate::{flow_label, icmp};
use super::verdict::{Consumed, DropReason, Verdict};
use crate::tables::{Destination, Tables};

/// As much of a packet as an IPv4 error quotes, in bytes.
const QUOTED: usize = 548;

/// The stage: takes what `prove` has left without a sender.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let now = burst.now;
    for packet in burst.undecided() {
        if packet.cx.from.is_none() {
            packet.cx.verdict = hear(packet, tables, state, now).unwrap_or_else(Verdict::Drop);
        }
    }
}

fn hear<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let bytes = packet.buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    let (icmp, message) = message(bytes).ok_or(DropReason::FabricErrorMalformed)?;
    let about = About::read(message, bytes, tables);
    let about = about.ok_or(DropReason::FabricErrorMalformed)?;
    let carried = flow_label::decode(about.header.flow_label());
    if !state.heard.allows(about.interface, now) {
        return Err(DropReason::ErrorRateLimited);
    }
    let path = match icmp.kind {
        v6::PACKET_TOO_BIG => {
            let path = about
                .too_big_for(icmp)
                .ok_or(DropReason::FabricErrorMalformed)?;
            tables.path_mtus.lower(about.to.host(), path, now);
            if !carried.dont_fragment {
                return Ok(Verdict::Consume(Consumed::PacketTooBig));
            }
            Some(path)
        }
        v6::UNREACHABLE | v6::TIME_EXCEEDED => None,
        _ => return Err(DropReason::FabricErrorNotReported),
    };
    let mut quoted = [0; QUOTED];
    let addresses = (about.from.address(), about.to.address());
    let returned = icmp::returned_to_v4(message, addresses, &mut quoted);
    let returned = returned.map_err(|_| DropReason::FabricErrorNotReported)?;
    let quoted = quoted.get_mut(..returned.len).unwrap_or_default();
    let way = about.way(quoted, tables)?;
    if let Some(way) = way {
        // As it left the node. `returned` has made the header whole.
        let _ = change_header(quoted, |header| {
            header.ttl = header.ttl.saturating_add(way.hops);
        });
    }
    if !may_be_reported(quoted) {
        return Err(DropReason::FabricErrorNotReported);
    }
    let complaint = path.map_or(Complaint::HostUnreachable, |path| {
        let mtu = returned.carriage.fits(path);
        Complaint::FragmentationNeeded { mtu }
    });
    let speaker = way.map(|way| way.speaker);
    tell(packet, tables, &about, speaker, complaint, quoted)?;
    Ok(Verdict::Next)
}

/// The error's header and what it quotes, if its checksum is right.
fn message(bytes: &[u8]) -> Option<(IcmpHeader, &[u8])> {
    let (outer, message) = Ipv6Header::ref_from_prefix(bytes).ok()?;
    let len = u32::try_from(message.len()).ok()?;
    let pseudo = pseudo_header_v6(outer.address_sum(), len, IpProtocol::ICMPV6);
    let right = pseudo.and(Sum::of(message)).checksum() == 0;
    let (icmp, quoted) = IcmpHeader::read_from_prefix(message).ok()?;
    right.then_some((icmp, quoted))
}

/// The packet of ours that an error is about.
#[derive(Debug, Clone, Copy)]
struct About {
    header: Ipv6Header,
    interface: InterfaceId,
    from: Destination,
    to: Destination,
}

/// How a packet went through logical routers.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// The first of them.
    speaker: Speaker,
    hops: u8,
}

impl About {
    /// What the quoted packet says, if this host has sent it and the error is to
    /// whom it was from.
    fn read(quoted: &[u8], outer: &[u8], tables: &Tables) -> Option<Self> {
        let (header, _) = Ipv6Header::read_from_prefix(quoted).ok()?;
        let (outer, _) = Ipv6Header::ref_from_prefix(outer).ok()?;
        let from = mapped(tables, &header.source())?;
        let to = mapped(tables, &header.destination())?;
        let interface = from.interface()?;
        if from.is_forwarding() {
            let sender = tables.drawn.ports.interface(interface)?;
            sender.forwards(from.address()).then_some(())?;
        }
        let ours = outer.destination() == header.source() && to.interface().is_none();
        ours.then_some(Self {
            header,
            interface,
            from,
            to,
        })
    }

    /// How the node's packet went; `Ok(None)`: it stayed in its segment.
    fn way(&self, quoted: &[u8], tables: &Tables) -> Result<Option<Way>, DropReason> {
        if self.from.segment() == self.to.segment() {
            return Ok(None);
        }
        let malformed = DropReason::FabricErrorMalformed;
        let ip = tuple(quoted).ok_or(malformed)?;
        let to = (self.to.segment(), self.to.address());
        let routes = &tables.drawn.routes;
        let way = routes.way(self.from.segment(), to, || ip.symmetric_hash());
        let way = way.ok_or(malformed)?;
        Ok(Some(Way {
            speaker: Speaker::at(tables, way.first, self.from.segment(), &ip)?,
            hops: way.walk.hops,
        }))
    }

    /// The path's MTU, if a router may well have said so of this packet (RFC
    /// 8201 §4: less than IPv6's least is to be discarded).
    fn too_big_for(&self, icmp: IcmpHeader) -> Option<u16> {
        let mtu = u16::try_from(icmp.word()).ok()?;
        let too_big = usize::from(mtu) < IPV6_LEN + self.header.payload_len();
        (too_big && mtu >= IPV6_MIN_MTU).then_some(mtu)
    }
}

/// Whose substrate address this is, exactly.
fn mapped(tables: &Tables, address: &core::net::Ipv6Addr) -> Option<Destination> {
    let parts = SubstrateAddr::from_ipv6(*address).ok()?;
    if parts.forward {
        let host = tables.hosts.at(*address).filter(|_| !parts.group)?;
        let phantoms = &tables.drawn.phantoms;
        return phantoms.destination(host, parts.segment, parts.slot, parts.address);
    }
    let owner = tables.destination(parts.segment, parts.address)?;
    let exact = tables.locator(owner.host()) == Some(parts.locator)
        && owner.slot() == parts.slot
        && !parts.group
        && !owner.is_device();
    exact.then_some(owner)
}

/// What the quoted packet's headers say, as far as it goes.
fn tuple(quoted: &[u8]) -> Option<IpTuple> {
    let (header, _) = Ipv4Header::ref_from_prefix(quoted).ok()?;
    let payload = quoted.get(header.header_len()..).unwrap_or_default();
    Some(IpTuple {
        ports: if header.is_fragment() {
            (0, 0)
        } else {
            classify::ports(header.protocol, payload)
        },
        ..IpTuple::of_header(header)
    })
}

/// Never an error about an error, a group, or a later fragment.
fn may_be_reported(quoted: &[u8]) -> bool {
    let Ok((header, _)) = Ipv4Header::ref_from_prefix(quoted) else {
        return false;
    };
    let kind = quoted.get(header.header_len()).copied();
    icmp_error::may_be_about(&IpTuple::of_header(header), kind)
}

/// Makes the error for the node out of the router's.
fn tell<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    about: &About,
    speaker: Option<Speaker>,
    complaint: Complaint,
    quoted: &[u8],
) -> Result<(), DropReason> {
    let interface = tables.drawn.ports.interface(about.interface);
    let interface = interface.ok_or(DropReason::DestinationNotHere)?;
    let segment = tables.drawn.ports.segment_of(interface);
    let speaker = speaker.unwrap_or_else(|| Speaker::of(segment, about.to.mac()));
    let listener = Listener {
        address: about.from.address(),
        mac: interface.mac,
    };
    let buf = &mut packet.buf;
    buf.truncate(ETHERNET_LEN);
    buf.append(quoted.len())
        .map_err(|_| DropReason::FabricErrorNotReported)?;
    let room = buf.data_mut().get_mut(ETHERNET_LEN..);
    room.unwrap_or_default().copy_from_slice(quoted);
    icmp_error::compose(buf, speaker, listener, complaint)?;
    let header = buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    let (header, _) = Ipv4Header::ref_from_prefix(header).map_err(|_| DropReason::Truncated)?;
    let cx = &mut packet.cx;
    cx.tuple.ether_type = EtherType::IPV4;
    cx.tuple.source_mac = speaker.mac;
    cx.tuple.destination_mac = listener.mac;
    cx.tuple.ip = Some(IpTuple::of_header(header));
    cx.from = Some(Sender {
        segment: about.from.segment(),
        mac: speaker.mac,
        interface: None,
        address: None,
        forwards: false,
        relays: false,
    });
    cx.target = Some(Target {
        segment: about.from.segment(),
        address: about.from.address(),
        mac: None,
        passes_on: about.from.is_forwarding(),
    });
    Ok(())
}
