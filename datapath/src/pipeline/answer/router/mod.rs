//! What does a logical router answer to what is for itself?
//!
//! It answers pings, says where it does not listen (RFC 1122 §3.2.2.1), and
//! refuses connections. SNMP, where its network has it, is [`super::snmp`]'s.
//!
//! * `sound`: what it may believe at all.
//! * `echo`: a ping.
//! * `reset`: a TCP segment.

pub(super) mod echo;
mod reset;
pub(super) mod sound;

use core::time::Duration;

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::icmp::v4;
use packet::{EtherType, IpProtocol, PacketBuf};
use zerocopy::IntoBytes;

use super::icmp_error::{self, Complaint, Speaker};
use super::snmp;
use crate::pipeline::batch::Packet;
use crate::pipeline::state::WorkerState;
use crate::pipeline::topology::vlan;
use crate::pipeline::verdict::{DropReason, Verdict};
use crate::tables::{At, Tables};

/// Answers a packet from a node of this host that has come to a router and is
/// for one of its addresses.
///
/// # Errors
/// `router-silent`: there is no answer to such, or it is not sound;
/// `no-route-back`; `error-rate-limited`.
pub fn answer<B: PacketBuf>(
    packet: &mut Packet<B>,
    at: At,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let ip = packet.cx.ip()?;
    let silent = DropReason::RouterSilent;
    // It would have to put fragments together first.
    if ip.fragment.is_fragment() {
        return Err(silent);
    }
    let bytes = packet.buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    if !sound::is_sound(bytes, packet.cx.offload.transport) {
        return Err(silent);
    }
    let complaint = match ip.protocol {
        IpProtocol::ICMP => return ping(packet, at, tables, state),
        IpProtocol::TCP => return refuse(packet, at, tables, state),
        IpProtocol::UDP if ip.ports.1 == snmp::PORT && tables.drawn.routes.has_agent(at.router) => {
            return snmp::punt(packet, state, now);
        }
        IpProtocol::UDP => Complaint::PortUnreachable,
        _ => Complaint::ProtocolUnreachable,
    };
    icmp_error::reply_of(packet, Some(at), tables, state, now, complaint, silent)
}

fn ping<B: PacketBuf>(
    packet: &mut Packet<B>,
    at: At,
    tables: &Tables,
    state: &WorkerState,
) -> Result<Verdict, DropReason> {
    let ip = packet.cx.ip()?;
    let kind = ETHERNET_LEN + usize::from(ip.header_len);
    if packet.buf.data().get(kind) != Some(&v4::ECHO_REQUEST) {
        return Err(DropReason::RouterSilent);
    }
    // The answer is as long, and nobody puts more into the segment.
    let sender = packet.cx.sender(&tables.drawn.ports)?;
    let segment = tables.drawn.ports.segment_of(sender);
    if segment.is_none_or(|segment| ip.len > segment.mtu) {
        return Err(DropReason::RouterSilent);
    }
    let speaker = speaker(packet, at, tables)?;
    let bytes = packet.buf.data_mut().get_mut(ETHERNET_LEN..);
    echo::turn(bytes.unwrap_or_default(), speaker.ttl).ok_or(DropReason::RouterSilent)?;
    let own = At { by: None, ..at };
    state.count_back(&tables.drawn.routes, own, &ip, packet.buf.len());
    address(packet, &speaker, tables)
}

fn refuse<B: PacketBuf>(
    packet: &mut Packet<B>,
    at: At,
    tables: &Tables,
    state: &WorkerState,
) -> Result<Verdict, DropReason> {
    let ip = packet.cx.ip()?;
    let speaker = speaker(packet, at, tables)?;
    let bytes = packet.buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    let reset = reset::of(bytes, speaker.ttl).ok_or(DropReason::RouterSilent)?;
    packet.buf.truncate(ETHERNET_LEN);
    packet
        .buf
        .append(reset.len())
        .map_err(|_| DropReason::NoHeadroom)?;
    let room = packet.buf.data_mut().get_mut(ETHERNET_LEN..);
    room.unwrap_or_default().copy_from_slice(&reset);
    let own = At { by: None, ..at };
    state.count_back(&tables.drawn.routes, own, &ip, packet.buf.len());
    address(packet, &speaker, tables)
}

fn speaker<B: PacketBuf>(
    packet: &Packet<B>,
    at: At,
    tables: &Tables,
) -> Result<Speaker, DropReason> {
    let ip = packet.cx.ip()?;
    let sender = packet.cx.sender(&tables.drawn.ports)?;
    Speaker::at(tables, at, sender.segment, &ip)
}

/// Addresses the frame to the node that asked.
fn address<B: PacketBuf>(
    packet: &mut Packet<B>,
    speaker: &Speaker,
    tables: &Tables,
) -> Result<Verdict, DropReason> {
    let sender = packet.cx.sender(&tables.drawn.ports)?;
    let ethernet = EthernetHeader {
        destination: sender.mac,
        source: speaker.mac,
        ether_type: EtherType::IPV4,
    };
    let frame = packet.buf.data_mut();
    ethernet
        .write_to_prefix(frame)
        .map_err(|_| DropReason::Truncated)?;
    vlan::tag(&mut packet.buf, sender.tags)?;
    Ok(Verdict::Reply)
}
