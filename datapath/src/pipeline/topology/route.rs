//! Through which logical routers does it go, and what do they say to it?
//!
//! The sender's vswitch does the work of all of them: a packet ends here where
//! the first router would have ended it, and goes on where the last one would
//! have sent it. What crossing changes in it is done later, by
//! [`super::hops`]: errors quote it as it was.
//!
//! Exits: on, with a target in the last router's segment; `Reply` (ICMP errors
//! and answers of a router); dropped by a `topology` reason.

use core::time::Duration;

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::change_header;
use packet::{PacketBuf, VirtualAddr};
use vnet::compiled::LegId;

use crate::pipeline::answer::icmp_error::{self, Complaint};
use crate::pipeline::answer::router;
use crate::pipeline::batch::{Burst, IpTuple, Packet, Routed, Routing, Target};
use crate::pipeline::state::WorkerState;
use crate::pipeline::verdict::{DropReason, Verdict};
use crate::tables::{At, End, Tables, Walk};

/// The byte of an IPv4 header that holds the TTL.
const TTL: usize = ETHERNET_LEN + 8;

/// The stage: takes what is for a logical router's MAC.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let now = burst.now;
    for packet in burst.undecided() {
        if let Routing::Entering(at) = packet.cx.routing {
            let verdict = route(packet, at, tables, state, now);
            packet.cx.verdict = verdict.unwrap_or_else(Verdict::Drop);
        }
    }
}

fn route<B: PacketBuf>(
    packet: &mut Packet<B>,
    at: At,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let ip = packet.cx.tuple.ip.ok_or(DropReason::RouterIpOnly)?;
    if !may_be_routed(&ip) {
        return Err(DropReason::NotRoutable);
    }
    let ttl = packet.buf.data().get(TTL).copied();
    let ttl = ttl.ok_or(DropReason::Truncated)?;
    let routes = &tables.drawn.routes;
    let flow = || ip.symmetric_hash();
    let walk = match &state.legs {
        Some(legs) => {
            let counted = (&**legs, ip.frame_len());
            routes.walk_counting(at, ip.destination, ttl, flow, counted)
        }
        None => routes.walk(at, ip.destination, ttl, flow),
    };
    let (complaint, otherwise) = match walk.end {
        End::Segment(leg) => return into(packet, at, walk, leg, ip.destination, tables),
        End::Station { by, address } => return into(packet, at, walk, by, address, tables),
        End::Own => {
            // As it came to that router.
            lower_ttl(&mut packet.buf, walk.hops);
            return router::answer(packet, walk.last, tables, state, now);
        }
        End::Broadcast => return Err(DropReason::NotRoutable),
        End::Expired => (Complaint::TimeExceeded, DropReason::TtlExpired),
        End::NoRoute => (Complaint::NetUnreachable, DropReason::NoDrawnRoute),
    };
    // As it came to the last router.
    lower_ttl(&mut packet.buf, walk.hops);
    icmp_error::reply_of(
        packet,
        Some(walk.last),
        tables,
        state,
        now,
        complaint,
        otherwise,
    )
}

/// The last router sends it into the segment of its leg: to the destination, or
/// to a station that passes it on.
fn into<B: PacketBuf>(
    packet: &mut Packet<B>,
    first: At,
    walk: Walk,
    leg: LegId,
    to: VirtualAddr,
    tables: &Tables,
) -> Result<Verdict, DropReason> {
    let leg = tables.drawn.routes.leg(walk.last.router, leg);
    let leg = leg.ok_or(DropReason::NoDrawnRoute)?;
    packet.cx.routing = Routing::Routed(Routed {
        first,
        last: walk.last,
        mac: leg.mac,
        line: leg.line,
        hops: walk.hops,
        mtu: walk.mtu,
    });
    packet.cx.target = Some(Target {
        segment: leg.segment,
        address: to,
        mac: None,
        passes_on: matches!(walk.end, End::Station { .. }),
    });
    Ok(Verdict::Next)
}

/// The last router finds nobody who has the address.
///
/// # Errors
/// `no-mapping`, where no error may be sent.
pub fn host_unreachable<B: PacketBuf>(
    packet: &mut Packet<B>,
    routed: &Routed,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    // It had passed it on already.
    lower_ttl(&mut packet.buf, routed.hops);
    icmp_error::reply_of(
        packet,
        Some(routed.last),
        tables,
        state,
        now,
        Complaint::HostUnreachable,
        DropReason::NoMapping,
    )
}

/// Takes hops off the TTL of a bare frame's packet, and puts its checksum right.
pub(super) fn lower_ttl<B: PacketBuf>(buf: &mut B, hops: u8) {
    if hops == 0 {
        return;
    }
    let packet = buf.data_mut().get_mut(ETHERNET_LEN..).unwrap_or_default();
    // `classify` has found the header whole.
    let _ = change_header(packet, |header| {
        header.ttl = header.ttl.saturating_sub(hops);
    });
}

/// RFC 1812 §5.3.7: neither from nor to nobody, this host, or a group.
pub(super) fn may_be_routed(ip: &IpTuple) -> bool {
    is_of_one(ip.source) && is_of_one(ip.destination)
}

/// Can a station elsewhere have this address?
pub fn is_of_one(address: VirtualAddr) -> bool {
    let first = address.ipv4().octets()[0];
    first != 0 && first != 127 && first < 224
}
