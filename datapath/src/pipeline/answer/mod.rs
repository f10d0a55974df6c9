//! Does the switch itself answer this, on behalf of somebody else?
//!
//! Answers are values: the question's buffer is turned into the answer, and
//! sending it is another room's work.
//!
//! * [`arp`]: who has this address?
//! * [`dhcp`]: which address is mine, and what else is there to know?
//! * [`source_route`]: packets that want to choose their way.
//! * `udp`: the datagram around a question or an answer.
//! * [`router`]: what is for a logical router itself; `topology` comes here.
//! * [`switch`]: what is for a logical switch itself; `mapping` comes here.
//! * [`snmp`]: what is for an agent of either.
//! * [`icmp_error`]: how a node is told that its packet did not pass; other
//!   stages use it, too. [`limit`]: how often.
//!
//! Exits: on (not a question for us); `Reply`; consumed; dropped by an
//! `answer` reason.

pub mod arp;
pub mod dhcp;
pub mod icmp_error;
pub mod limit;
pub mod router;
pub mod snmp;
pub mod source_route;
pub mod switch;
pub(super) mod udp;

use core::time::Duration;

use packet::{EtherType, PacketBuf};

use self::icmp_error::Complaint;
use super::batch::{Burst, Packet};
use super::state::WorkerState;
use super::verdict::{DropReason, Verdict};
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let now = burst.now;
    for packet in burst.undecided() {
        packet.cx.verdict = answer(packet, tables, state, now).unwrap_or_else(Verdict::Drop);
    }
}

fn answer<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    if packet.cx.tuple.ether_type == EtherType::ARP {
        return arp::answer(packet, tables);
    }
    let Some(ip) = packet.cx.tuple.ip else {
        return Ok(Verdict::Next);
    };
    if ip.has_options() && source_route::is_source_routed(packet.buf.data(), &ip) {
        return icmp_error::reply(
            packet,
            tables,
            state,
            now,
            Complaint::SourceRouteFailed,
            DropReason::SourceRouted,
        );
    }
    match dhcp::is_of_a_client(&ip) {
        true => dhcp::answer(packet, &ip, tables),
        false => Ok(Verdict::Next),
    }
}
