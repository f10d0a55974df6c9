//! Does it say who listens to which group?
//!
//! Of segments that snoop. What a node says goes up to the slow path, which
//! remembers it (`crate::snooping`), and to multicast routers; other nodes do not
//! see it, so that none keeps quiet because another has spoken (RFC 4541
//! §2.1.1). A multicast router's query goes to all, too. What another vswitch says
//! comes to the address kept for that, and is nobody else's.
//!
//! Exits: `Snoop`; `Copy`; punted (`Membership`); consumed, where nobody wants it;
//! dropped by a `snoop` reason, or as `group-withheld`.

use core::time::Duration;

use packet::ethernet::ETHERNET_LEN;
use packet::igmp::Message;
use packet::{IpProtocol, PacketBuf};

use super::batch::{Context, IpTuple, Packet};
use super::state::WorkerState;
use super::topology::group::RAW_GROUP;
use super::verdict::{Audience, DropReason, Punt, Verdict};
use crate::tables::Members;

/// Is it IGMP to a group of a segment that snoops?
pub(super) fn is_heeded(cx: &Context, members: &Members) -> bool {
    let is_igmp = cx
        .tuple
        .ip
        .is_some_and(|ip| ip.protocol == IpProtocol::IGMP);
    let to_group = cx.to.is_some_and(|to| to.is_group());
    is_igmp && to_group && members.multicast.snooping.is_some()
}

/// What becomes of such a packet. `Copy`: of one that is for nobody but other
/// nodes.
pub(super) fn heed<B: PacketBuf>(
    packet: &Packet<B>,
    ip: &IpTuple,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let sender = packet.cx.from.and_then(|from| from.interface);
    let between_vswitches = ip.destination == RAW_GROUP;
    if let Some(sender) = sender {
        if between_vswitches {
            return Err(DropReason::GroupWithheld);
        }
        if !state.reports.allows(sender, now) {
            return Err(DropReason::IgmpRateLimited);
        }
    }
    let payload = packet.buf.data();
    let payload = payload.get(ETHERNET_LEN + usize::from(ip.header_len)..);
    let payload = payload.filter(|_| !ip.fragment.is_fragment());
    let message = Message::parse(payload.unwrap_or_default());
    let message = message.map_err(|_| DropReason::IgmpMalformed)?;
    let audience = match message.is_query() {
        true => Audience::Everybody,
        false => Audience::Routers,
    };
    Ok(match sender {
        Some(_) => Verdict::Snoop(audience),
        None if between_vswitches => Verdict::Punt(Punt::Membership),
        None => Verdict::Copy(audience),
    })
}
