//! What does a logical switch answer to what is for itself?
//!
//! Pings, and its network's SNMP ([`super::snmp`]), whether the asker is in its
//! segment or behind routers. Nothing else: a switch has no other service, and
//! does not say so.

use core::time::Duration;

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::icmp::v4;
use packet::{EtherType, IpProtocol, MacAddr, PacketBuf, SegmentId};
use zerocopy::IntoBytes;

use super::icmp_error::FIRST_TTL;
use super::router::{echo, sound};
use super::snmp;
use crate::pipeline::batch::{IpTuple, Packet};
use crate::pipeline::state::WorkerState;
use crate::pipeline::topology::vlan;
use crate::pipeline::verdict::{DropReason, Verdict};
use crate::tables::{At, Destination, Drawn, LogicalSwitch, MappingKey, Tables};

/// How what a switch says comes to an asker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Back {
    /// The Ethernet source that the asker sees.
    pub(super) mac: MacAddr,
    /// The TTL that is left of it.
    pub(super) ttl: u8,
    /// The largest packet that gets there, in bytes.
    pub(super) mtu: u16,
    /// The first router on the way, if there is one.
    pub(super) first: Option<At>,
}

impl Back {
    /// To the sender of a packet of `ip`, in its segment.
    pub(super) fn of(
        key: MappingKey,
        switch: &LogicalSwitch,
        segment: SegmentId,
        ip: &IpTuple,
        drawn: &Drawn,
    ) -> Option<Self> {
        if segment == key.segment {
            return Some(Self {
                mac: switch.management.mac,
                ttl: FIRST_TTL,
                mtu: switch.mtu,
                first: None,
            });
        }
        let to = (segment, ip.source);
        let way = drawn.routes.way(key.segment, to, || ip.symmetric_hash())?;
        Some(Self {
            mac: way.leg.mac,
            ttl: FIRST_TTL.checked_sub(way.walk.hops)?,
            mtu: switch.mtu.min(way.walk.mtu),
            first: Some(way.first),
        })
    }
}

/// Answers a packet from a node of this host that has come to a switch's address.
///
/// # Errors
/// `switch-silent`: there is no answer to such, or it is not sound;
/// `no-route-back`.
pub fn answer<B: PacketBuf>(
    packet: &mut Packet<B>,
    to: &Destination,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let silent = DropReason::SwitchSilent;
    let ip = packet.cx.tuple.ip.ok_or(silent)?;
    let switch = tables.drawn.switches.at(to.key()).ok_or(silent)?;
    if ip.destination != to.address() || ip.fragment.is_fragment() {
        return Err(silent);
    }
    let bytes = packet.buf.data().get(ETHERNET_LEN..).unwrap_or_default();
    if !sound::is_sound(bytes, packet.cx.offload.transport) {
        return Err(silent);
    }
    // It has come to its receiver.
    packet.cx.to = Some(*to);
    match ip.protocol {
        IpProtocol::ICMP => ping(packet, &ip, to.key(), switch, tables, state),
        IpProtocol::UDP if ip.ports.1 == snmp::PORT && switch.has_agent => {
            snmp::punt(packet, state, now)
        }
        _ => Err(silent),
    }
}

fn ping<B: PacketBuf>(
    packet: &mut Packet<B>,
    ip: &IpTuple,
    key: MappingKey,
    switch: &LogicalSwitch,
    tables: &Tables,
    state: &WorkerState,
) -> Result<Verdict, DropReason> {
    let silent = DropReason::SwitchSilent;
    let kind = ETHERNET_LEN + usize::from(ip.header_len);
    if packet.buf.data().get(kind) != Some(&v4::ECHO_REQUEST) {
        return Err(silent);
    }
    let sender = packet.cx.sender(&tables.drawn.ports)?;
    let back = Back::of(key, switch, sender.segment, ip, &tables.drawn);
    let back = back.ok_or(DropReason::NoRouteBack)?;
    // The answer is as long.
    if ip.len > back.mtu {
        return Err(silent);
    }
    let bytes = packet.buf.data_mut().get_mut(ETHERNET_LEN..);
    echo::turn(bytes.unwrap_or_default(), back.ttl).ok_or(silent)?;
    let ethernet = EthernetHeader {
        destination: sender.mac,
        source: back.mac,
        ether_type: EtherType::IPV4,
    };
    let frame = packet.buf.data_mut();
    ethernet
        .write_to_prefix(frame)
        .map_err(|_| DropReason::Truncated)?;
    if let Some(first) = back.first {
        state.count_back(&tables.drawn.routes, first, ip, packet.buf.len());
    }
    vlan::tag(&mut packet.buf, sender.tags)?;
    Ok(Verdict::Reply)
}
