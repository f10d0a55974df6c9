//! SNMP for a logical device: what a worker does with a question, and the frame
//! around its answer.
//!
//! What is asked and answered is the agent's business, which has a thread of its
//! own (`vswitch/src/snmp/`): a worker only sees to it that nobody asks too much.

use core::time::Duration;

use packet::checksum::Sum;
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::ipv4::{IPV4_LEN, Ipv4Fields, Ipv4Header};
use packet::{EtherType, Fragment, IpProtocol, MacAddr, PacketBuf, SegmentId, Tags};
use vnet::compiled::{InterfaceId, PortId, RouterId};
use zerocopy::{FromBytes, IntoBytes};

use super::icmp_error::FIRST_TTL;
use super::switch::Back;
use super::udp::{self, UDP_LEN};
use crate::books::LegBooks;
use crate::pipeline::batch::{IpTuple, Packet};
use crate::pipeline::state::WorkerState;
use crate::pipeline::topology::vlan;
use crate::pipeline::verdict::{DropReason, Punt, Verdict};
use crate::tables::{At, Drawn, End, Interface, MappingKey};

/// Where agents listen (RFC 3417 §3.1).
pub const PORT: u16 = 161;

/// Hands a sound, whole datagram for a device's agent up.
///
/// # Errors
/// `snmp-rate-limited`, `not-contiguous`.
pub fn punt<B: PacketBuf>(
    packet: &Packet<B>,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    if !packet.buf.is_contiguous() {
        return Err(DropReason::NotContiguous);
    }
    let interface = packet.cx.from.and_then(|from| from.interface);
    let interface = interface.ok_or(DropReason::UnknownMac)?;
    match state.questions.allows(interface, now) {
        true => Ok(Verdict::Punt(Punt::Agent)),
        false => Err(DropReason::SnmpRateLimited),
    }
}

/// Which device is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Device {
    /// A logical router.
    Router(RouterId),
    /// A logical switch, by its address.
    Switch(MappingKey),
}

/// A question to a device, as its agent needs it.
#[derive(Debug, Clone)]
pub struct Question<'f> {
    /// Who is asked.
    pub device: Device,
    /// What is asked.
    pub message: &'f [u8],
    /// The port that the asker is behind, by which the answer leaves.
    pub port: PortId,
    /// The longest answer that gets to the asker in one piece, in bytes.
    pub room: usize,
    asker: MacAddr,
    tags: Tags,
    /// The MAC that the answer comes from in the asker's segment.
    mac: MacAddr,
    /// The TTL that it has there.
    ttl: u8,
    /// The first router on the answer's way.
    first: Option<At>,
    ip: IpTuple,
}

impl<'f> Question<'f> {
    /// Reads a bare frame that `from` has sent, and finds who is asked in what
    /// is drawn now: it may have changed since a worker looked.
    /// `None`: nobody who could answer.
    pub fn of(frame: &'f [u8], from: InterfaceId, drawn: &Drawn) -> Option<Self> {
        let (ethernet, rest) = EthernetHeader::ref_from_prefix(frame).ok()?;
        let (header, _) = Ipv4Header::ref_from_prefix(rest).ok()?;
        let mut ip = IpTuple::of_header(header);
        let datagram = rest.get(header.header_len()..usize::from(ip.len))?;
        let &[a, b, c, d, ..] = datagram else {
            return None;
        };
        ip.ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        // A worker has looked at the checksum.
        let message = udp::payload(datagram, Sum::default(), false)?;
        let asker = drawn.ports.interface(from)?;
        // The number may be another interface's by now.
        if asker.mac != ethernet.source || ip.protocol != IpProtocol::UDP || ip.ports.1 != PORT {
            return None;
        }
        let addressed = Addressed::find(asker, ethernet.destination, &ip, drawn)?;
        Some(Self {
            device: addressed.device,
            message,
            port: asker.port,
            room: usize::from(addressed.mtu).checked_sub(IPV4_LEN + UDP_LEN)?,
            asker: asker.mac,
            tags: asker.tags,
            mac: addressed.mac,
            ttl: addressed.ttl,
            first: addressed.first,
            ip,
        })
    }

    /// The bare frame of an answer; `None`, if it is longer than there is room.
    pub fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        if message.len() > self.room {
            return None;
        }
        let ethernet = EthernetHeader {
            destination: self.asker,
            source: self.mac,
            ether_type: EtherType::IPV4,
        };
        let header = Ipv4Header::new(&Ipv4Fields {
            source: self.ip.destination,
            destination: self.ip.source,
            traffic_class: 0,
            ttl: self.ttl,
            protocol: IpProtocol::UDP,
            // Then any identification does (RFC 6864 §4.1).
            dont_fragment: true,
            identification: 0,
            fragment: Fragment::WHOLE,
            payload_len: u16::try_from(UDP_LEN + message.len()).ok()?,
        });
        let mut frame = vec![0; ETHERNET_LEN + IPV4_LEN + UDP_LEN + message.len()];
        ethernet.write_to_prefix(&mut frame).ok()?;
        header
            .write_to_prefix(frame.get_mut(ETHERNET_LEN..)?)
            .ok()?;
        let datagram = frame.get_mut(ETHERNET_LEN + IPV4_LEN..)?;
        datagram.get_mut(UDP_LEN..)?.copy_from_slice(message);
        let (source, destination) = self.ip.ports;
        udp::write(datagram, (destination, source), header.address_sum())?;
        Some(frame)
    }

    /// Tags an answer as its asker's link wants it.
    ///
    /// # Errors
    /// `no-headroom`.
    pub fn tag<B: PacketBuf>(&self, answer: &mut B) -> Result<(), DropReason> {
        vlan::tag(answer, self.tags)
    }

    /// Counts an answer, in a frame of so many bytes, on the legs of routers that
    /// it leaves by.
    pub fn count(&self, frame: usize, drawn: &Drawn, legs: &LegBooks) {
        if let Some(first) = self.first {
            let flow = || self.ip.symmetric_hash();
            let counted = (legs, frame as u64);
            drawn
                .routes
                .count_from(first, self.ip.source, flow, counted);
        }
    }
}

/// Whom a datagram has come to, and how the answer comes back.
struct Addressed {
    device: Device,
    mac: MacAddr,
    ttl: u8,
    /// The largest packet that gets to the asker.
    mtu: u16,
    first: Option<At>,
}

impl Addressed {
    fn find(asker: &Interface, to: MacAddr, ip: &IpTuple, drawn: &Drawn) -> Option<Self> {
        let segment = drawn.ports.segment_of(asker)?;
        let Some(router) = segment.router(to) else {
            let found = Self::switch(asker, asker.segment, ip, drawn)?;
            return (found.mac == to).then_some(found);
        };
        let routes = &drawn.routes;
        let flow = || ip.symmetric_hash();
        let walk = routes.walk(router.at?, ip.destination, u8::MAX, flow);
        let router = walk.last.router;
        if let End::Segment(leg) = walk.end {
            let there = routes.leg(router, leg)?.segment;
            return Self::switch(asker, there, ip, drawn);
        }
        if walk.end != End::Own || !routes.has_agent(router) {
            return None;
        }
        let back = routes.from_router(router, ip.source, flow)?;
        (back.last.segment == asker.segment).then_some(Self {
            device: Device::Router(router),
            mac: back.last.mac,
            ttl: FIRST_TTL - back.hops,
            mtu: back.mtu,
            first: Some(At { router, by: None }),
        })
    }

    /// A switch of a segment.
    fn switch(asker: &Interface, segment: SegmentId, ip: &IpTuple, drawn: &Drawn) -> Option<Self> {
        let key = MappingKey::new(segment, ip.destination);
        let switch = drawn.switches.at(key).filter(|switch| switch.has_agent)?;
        let back = Back::of(key, switch, asker.segment, ip, drawn)?;
        Some(Self {
            device: Device::Switch(key),
            mac: back.mac,
            ttl: back.ttl,
            mtu: back.mtu,
            first: back.first,
        })
    }
}
