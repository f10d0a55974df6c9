//! May these two interfaces talk?
//!
//! Where their network has no rules: inside a segment, yes; from one segment to
//! another, if logical routers have brought the packet there. Where it has some,
//! they say so, or the packet is a reply to one that they have permitted. Both
//! hosts ask, the sender's and the receiver's.
//!
//! Rules are not asked about ARP, nor about IGMP where the switch takes note of it,
//! nor about what the switch itself says to a node.
//!
//! * `carried`: what the rules want to know of what is behind the IP header.
//! * `replies`: the flows.
//!
//! Exits: on; `Reply` (ICMP 3/13, where the network says so); dropped by an
//! `access` reason.

mod carried;
mod replies;

use core::time::Duration;

use packet::ethernet::ETHERNET_LEN;
use packet::{EtherType, PacketBuf};
use vnet::compiled::{Refusal, WeekMinute};

use self::carried::Contents;
use super::answer::icmp_error::{self, Complaint};
use super::batch::{Burst, Context, Packet, Routing};
use super::cut::segments;
use super::snoop;
use super::state::WorkerState;
use super::verdict::{DropReason, Verdict};
use crate::tables::access::{Carried, Peer, Question};
use crate::tables::{NetworkAccess, Ruling, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    if tables.drawn.access.is_empty() {
        burst.each(|packet| are_linked(&packet.cx));
        return;
    }
    let now = burst.now;
    let week = tables.week.now();
    for packet in burst.undecided() {
        let verdict = are_linked(&packet.cx).and_then(|()| {
            let network = packet
                .cx
                .from
                .and_then(|from| tables.drawn.access.of(from.segment));
            let network = network.filter(|_| is_a_nodes(&packet.cx, tables));
            match network {
                Some(network) => ruled(packet, network, week, tables, state, now),
                None => Ok(Verdict::Next),
            }
        });
        packet.cx.verdict = verdict.unwrap_or_else(Verdict::Drop);
    }
}

fn are_linked(cx: &Context) -> Result<(), DropReason> {
    match (cx.from, cx.to) {
        (Some(from), Some(to)) if from.segment == to.segment() => Ok(()),
        (Some(_), Some(_)) if matches!(cx.routing, Routing::Routed(_)) => Ok(()),
        _ => Err(DropReason::Denied),
    }
}

/// Has a node sent it? What the switch has made itself has no sender, and comes
/// because of something that was permitted.
fn is_a_nodes(cx: &Context, tables: &Tables) -> bool {
    let from = cx
        .from
        .filter(|from| from.interface.is_some() || from.address.is_some());
    let members = from.and_then(|from| tables.drawn.groups.of(from.segment));
    let is_igmp = members.is_some_and(|members| snoop::is_heeded(cx, members));
    from.is_some() && cx.tuple.ether_type != EtherType::ARP && !is_igmp
}

fn ruled<B: PacketBuf>(
    packet: &mut Packet<B>,
    network: &NetworkAccess,
    week: WeekMinute,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let contents = Contents::of(packet);
    let question = question(packet, &contents, week, tables).ok_or(DropReason::Denied)?;
    let ruling = network.judge(&question);
    if ruling == Ruling::TooShort {
        return Err(DropReason::FragmentTooShort);
    }
    // 32 bits of seconds last for 136 years.
    let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    let asked = replies::Asked {
        network,
        question: &question,
        contents: &contents,
        now: seconds,
        age: network.age(seconds),
    };
    if ruling.allows() {
        network
            .hits()
            .count(ruling, question.is_inside(), state.hits);
        if network.replies() && packet.cx.to.is_some_and(|to| !to.is_group()) {
            replies::note(&asked, tables)?;
        }
        return Ok(Verdict::Next);
    }
    if network.replies() && replies::is_reply(packet, &asked, tables) {
        network.hits().count_reply(state.hits);
        return Ok(Verdict::Next);
    }
    network
        .hits()
        .count(ruling, question.is_inside(), state.hits);
    let reason = match ruling {
        Ruling::ByRule(..) => DropReason::DeniedByRule,
        Ruling::ByDefault(_) | Ruling::TooShort => DropReason::DeniedByDefault,
    };
    // Where it comes from the fabric, its sender's host would have said so.
    if network.refusal() == Refusal::Silence || packet.cx.from.is_none_or(|f| f.interface.is_none())
    {
        return Err(reason);
    }
    let prohibited = Complaint::Prohibited;
    icmp_error::reply(packet, tables, state, now, prohibited, reason)
}

fn question<B: PacketBuf>(
    packet: &Packet<B>,
    contents: &Contents,
    at: WeekMinute,
    tables: &Tables,
) -> Option<Question> {
    let cx = &packet.cx;
    let (from, to) = (cx.from?, cx.to?);
    let (source, destination) = match cx.tuple.ip {
        Some(ip) => (ip.source, ip.destination),
        None => {
            let interface = from
                .interface
                .and_then(|id| tables.drawn.ports.interface(id));
            let own = interface.and_then(|interface| interface.addresses.first().copied());
            (from.address.or(own)?, to.address())
        }
    };
    Some(Question {
        from: Peer {
            segment: from.segment,
            address: source,
        },
        to: Peer {
            segment: to.segment(),
            address: destination,
        },
        carried: contents.carried,
        len: len(packet, contents),
        at,
    })
}

/// The length that the rules go by: what stands on a wire in the end. Of a piece
/// nobody knows how its sender has cut it.
fn len<B: PacketBuf>(packet: &Packet<B>, contents: &Contents) -> Option<u16> {
    let ip = packet.cx.tuple.ip?;
    if contents.carried == Carried::Foreign || ip.fragment.is_fragment() {
        return None;
    }
    let Some(payload) = packet.cx.offload.segment_size else {
        return Some(ip.len);
    };
    let frame = packet.buf.data();
    let whole = packet.buf.len().max(ETHERNET_LEN);
    let plan = segments::Plan::of(frame, &ip, whole, payload).ok()?;
    u16::try_from(plan.segment_len()).ok()
}
