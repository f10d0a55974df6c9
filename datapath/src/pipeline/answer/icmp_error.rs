//! An ICMP error to the node that sent a packet, made of that packet (RFC 792,
//! RFC 1812 §4.3.2).
//!
//! The address it comes from is one that a tenant may see: the router's of the
//! segment, or, where there is none, the IPv4 dummy address (RFC 7600 §4.8), which
//! stands for who has none. The fabric's own never shows.

use core::net::Ipv4Addr;
use core::time::Duration;

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::icmp::v4::{self, unreachable};
use packet::icmp::{ICMP_LEN, IcmpHeader};
use packet::ipv4::{IPV4_LEN, Ipv4Fields, Ipv4Header};
use packet::{
    EtherType, Fragment, IpProtocol, MacAddr, PacketBuf, SegmentId, VirtualAddr, checksum,
};
use zerocopy::{FromBytes, IntoBytes};

use crate::pipeline::batch::{IpTuple, Packet, Routing};
use crate::pipeline::state::WorkerState;
use crate::pipeline::topology::vlan;
use crate::pipeline::verdict::{DropReason, Verdict};
use crate::tables::{At, Segment, Tables};

/// The IPv4 dummy address (RFC 7600 §4.8, IANA special purpose).
pub const DUMMY_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);

/// RFC 1812 §4.3.2.3: an error quotes as much as fits 576 bytes.
const MAX_LEN: usize = 576;

/// RFC 1812 §4.3.2.5: errors have precedence 6, internetwork control, and the
/// type of service of the packet in error.
const INTERNETWORK_CONTROL: u8 = 0xc0;
const TYPE_OF_SERVICE: u8 = 0x1e;

/// What the node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// Type 3 code 4: too large, and DF is set (RFC 1191 §4).
    FragmentationNeeded {
        /// The largest packet that gets through, in bytes.
        mtu: u16,
    },
    /// Type 3 code 5: source routes are refused.
    SourceRouteFailed,
    /// Type 3 code 1: the fabric does not get it there, or nobody has the
    /// address.
    HostUnreachable,
    /// Type 3 code 0: a router does not know where to.
    NetUnreachable,
    /// Type 3 code 13: rules do not permit it (RFC 1812 §5.2.7.1).
    Prohibited,
    /// Type 3 code 2: a router does not speak that protocol.
    ProtocolUnreachable,
    /// Type 3 code 3: a router does not listen there.
    PortUnreachable,
    /// Type 11 code 0: the TTL ended at a router.
    TimeExceeded,
}

impl Complaint {
    /// Does it come from the very address that the packet was for?
    const fn is_of_the_addressee(self) -> bool {
        matches!(self, Self::PortUnreachable | Self::ProtocolUnreachable)
    }

    /// Type, code, and the MTU that some of them tell.
    const fn on_the_wire(self) -> (u8, u8, u16) {
        match self {
            Self::FragmentationNeeded { mtu } => {
                (v4::UNREACHABLE, unreachable::FRAGMENTATION_NEEDED, mtu)
            }
            Self::SourceRouteFailed => (v4::UNREACHABLE, unreachable::SOURCE_ROUTE_FAILED, 0),
            Self::HostUnreachable => (v4::UNREACHABLE, unreachable::HOST, 0),
            Self::Prohibited => (v4::UNREACHABLE, unreachable::PROHIBITED, 0),
            Self::NetUnreachable => (v4::UNREACHABLE, unreachable::NET, 0),
            Self::ProtocolUnreachable => (v4::UNREACHABLE, unreachable::PROTOCOL, 0),
            Self::PortUnreachable => (v4::UNREACHABLE, unreachable::PORT, 0),
            // RFC 792: code 0, in transit.
            Self::TimeExceeded => (v4::TIME_EXCEEDED, 0, 0),
        }
    }
}

/// Who tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    /// The IPv4 source.
    pub address: VirtualAddr,
    /// The Ethernet source.
    pub mac: MacAddr,
    /// The TTL that is left of what it says when the listener hears it.
    pub ttl: u8,
}

/// The TTL that routers begin with, as most stations do.
pub const FIRST_TTL: u8 = 64;

/// Who hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// The IPv4 destination.
    pub address: VirtualAddr,
    /// The Ethernet destination.
    pub mac: MacAddr,
}

impl Speaker {
    /// The router of the segment, or the dummy address behind `instead`: the MAC
    /// to which the packet in error went.
    pub fn of(segment: Option<&Segment>, instead: MacAddr) -> Self {
        let router = segment.and_then(|segment| segment.routers.first());
        let dummy = Self {
            address: VirtualAddr::new(DUMMY_ADDRESS),
            mac: instead,
            ttl: FIRST_TTL,
        };
        router.map_or(dummy, |router| Self {
            address: router.address,
            mac: router.mac,
            ttl: FIRST_TTL,
        })
    }

    /// A logical router to which a packet of `ip` had come, as the packet's
    /// sender hears it in its segment.
    ///
    /// # Errors
    /// `no-route-back`: what it says does not get there.
    pub fn at(
        tables: &Tables,
        router: At,
        segment: SegmentId,
        ip: &IpTuple,
    ) -> Result<Self, DropReason> {
        let routes = &tables.drawn.routes;
        let back = routes.from_router(router.router, ip.source, || ip.symmetric_hash());
        let back = back
            .filter(|back| back.last.segment == segment)
            .ok_or(DropReason::NoRouteBack)?;
        Ok(Self {
            address: back.source.unwrap_or(VirtualAddr::new(DUMMY_ADDRESS)),
            mac: back.last.mac,
            ttl: FIRST_TTL - back.hops,
        })
    }
}

/// Turns a bare frame that an interface of this host sent into an error about
/// it, addressed to that interface and tagged for it. It comes from the first
/// router on the packet's way, or where there is none from the segment's.
///
/// # Errors
/// `otherwise`, where no error may be sent about the packet;
/// `error-rate-limited`.
pub fn reply<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
    complaint: Complaint,
    otherwise: DropReason,
) -> Result<Verdict, DropReason> {
    let router = match packet.cx.routing {
        Routing::Switched => None,
        Routing::Entering(first) => Some(first),
        Routing::Routed(routed) => Some(routed.first),
    };
    reply_of(packet, router, tables, state, now, complaint, otherwise)
}

/// The same, from a logical router to which the packet had come; `None`: from
/// the segment's.
///
/// # Errors
/// As [`reply`], and `no-route-back`.
pub fn reply_of<B: PacketBuf>(
    packet: &mut Packet<B>,
    router: Option<At>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
    complaint: Complaint,
    otherwise: DropReason,
) -> Result<Verdict, DropReason> {
    let ip = packet.cx.ip()?;
    let ports = &tables.drawn.ports;
    let interface = packet.cx.from.and_then(|from| from.interface);
    let interface = interface.ok_or(otherwise)?;
    let sender = packet.cx.sender(ports)?;
    let destination = packet.cx.tuple.destination_mac;
    let kind = ETHERNET_LEN + usize::from(ip.header_len);
    let kind = packet.buf.data().get(kind).copied();
    if destination.is_group() || !may_be_about(&ip, kind) {
        return Err(otherwise);
    }
    if !state.errors.allows(interface, now) {
        return Err(DropReason::ErrorRateLimited);
    }
    let mut speaker = match router {
        None => Speaker::of(ports.segment_of(sender), destination),
        Some(at) => Speaker::at(tables, at, sender.segment, &ip)?,
    };
    if complaint.is_of_the_addressee() {
        speaker.address = ip.destination;
    }
    let listener = Listener {
        address: ip.source,
        mac: sender.mac,
    };
    compose(&mut packet.buf, speaker, listener, complaint)?;
    if let Some(at) = router {
        let own = At { by: None, ..at };
        state.count_back(&tables.drawn.routes, own, &ip, packet.buf.len());
    }
    vlan::tag(&mut packet.buf, sender.tags)?;
    Ok(Verdict::Reply)
}

/// May there be an error about this packet, whose payload begins with `kind`?
/// Never about an error, to or from a group or nobody, or a later fragment
/// (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7).
pub fn may_be_about(ip: &IpTuple, kind: Option<u8>) -> bool {
    let (source, destination) = (ip.source.ipv4(), ip.destination.ipv4());
    let from_one = !source.is_unspecified() && !source.is_multicast() && !source.is_broadcast();
    let to_one = !destination.is_multicast() && !destination.is_broadcast();
    let is_error = ip.protocol == IpProtocol::ICMP && kind.is_none_or(v4::is_error);
    from_one && to_one && !ip.fragment.is_later() && !is_error
}

/// Puts an error in front of the IPv4 packet of a bare frame, and cuts the
/// packet to what an error quotes. Returns the length of the new IPv4 packet.
///
/// # Errors
/// `no-headroom`.
pub fn compose<B: PacketBuf>(
    buf: &mut B,
    speaker: Speaker,
    listener: Listener,
    complaint: Complaint,
) -> Result<u16, DropReason> {
    let service = buf.data().get(ETHERNET_LEN + 1).copied().unwrap_or(0);
    buf.truncate(ETHERNET_LEN + MAX_LEN - IPV4_LEN - ICMP_LEN);
    buf.prepend(IPV4_LEN + ICMP_LEN)
        .map_err(|_| DropReason::NoHeadroom)?;
    let frame = buf.data_mut();
    let room = || DropReason::Truncated;
    let (headers, message) = frame
        .split_at_mut_checked(ETHERNET_LEN + IPV4_LEN)
        .ok_or_else(room)?;
    let (kind, code, mtu) = complaint.on_the_wire();
    let icmp = IcmpHeader {
        kind,
        code,
        checksum: 0.into(),
        identifier: 0.into(),
        // RFC 1191 §4: the low 16 bits of what is unused otherwise.
        sequence: mtu.into(),
    };
    icmp.write_to_prefix(message).map_err(|_| room())?;
    let sum = checksum::of(message);
    let (header, _) = IcmpHeader::mut_from_prefix(message).map_err(|_| room())?;
    header.checksum = sum.into();
    let ethernet = EthernetHeader {
        destination: listener.mac,
        source: speaker.mac,
        ether_type: EtherType::IPV4,
    };
    // At most MAX_LEN.
    let payload_len = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let ipv4 = Ipv4Header::new(&Ipv4Fields {
        source: speaker.address,
        destination: listener.address,
        traffic_class: INTERNETWORK_CONTROL | service & TYPE_OF_SERVICE,
        ttl: speaker.ttl,
        protocol: IpProtocol::ICMP,
        // Then any identification does (RFC 6864 §4.1).
        dont_fragment: true,
        identification: 0,
        fragment: Fragment::WHOLE,
        payload_len,
    });
    ethernet.write_to_prefix(headers).map_err(|_| room())?;
    let rest = headers.get_mut(ETHERNET_LEN..).ok_or_else(room)?;
    ipv4.write_to_prefix(rest).map_err(|_| room())?;
    Ok(payload_len.saturating_add(20))
}
