//! Who else gets a copy?
//!
//! What is for a group goes to every member of the segment on this host, and,
//! where a node of this host has sent it, to every other host that has members
//! (head-end replication): those make the copies for theirs. Never back to the
//! sender. Copies are made where the packet is settled, and go on by themselves.
//!
//! Exits: on, what is for one; `Copy`; consumed, where nobody hears it; dropped
//! as `group-rate-limited`, `not-contiguous`.

use core::time::Duration;

use packet::{EtherType, PacketBuf};
use vnet::compiled::{HostId, InterfaceId};

use super::batch::{Burst, Context, Packet};
use super::claim::SWITCHES;
use super::state::WorkerState;
use super::verdict::{Consumed, DropReason, Verdict};
use crate::tables::{Destination, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let now = burst.now;
    for packet in burst.undecided() {
        if packet.cx.to.is_some_and(|to| to.is_group()) {
            let verdict = replicate(packet, tables, state, now);
            packet.cx.verdict = verdict.unwrap_or_else(Verdict::Drop);
        }
    }
}

fn replicate<B: PacketBuf>(
    packet: &Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    if !packet.buf.is_contiguous() {
        return Err(DropReason::NotContiguous);
    }
    let copies = receivers(&packet.cx, tables).count();
    if copies == 0 {
        return Ok(Verdict::Consume(Consumed::Unheard));
    }
    let sender = packet.cx.from.and_then(|from| from.interface);
    let copies = u32::try_from(copies).unwrap_or(u32::MAX);
    match sender {
        // What comes from the fabric was limited there.
        Some(sender) if !state.copies.takes(sender, copies, now) => {
            Err(DropReason::GroupRateLimited)
        }
        _ => Ok(Verdict::Copy),
    }
}

/// A word between switches about who has an address: no node hears it.
fn is_for_switches(cx: &Context) -> bool {
    cx.tuple.destination_mac == SWITCHES && cx.tuple.ether_type == EtherType::ARP
}

/// Where the copies of a packet go.
pub fn receivers<'t>(
    cx: &Context,
    tables: &'t Tables,
) -> impl Iterator<Item = Destination> + use<'t> {
    let to = cx.to.filter(Destination::is_group);
    let sender = cx.from.and_then(|from| from.interface);
    let for_nodes = !is_for_switches(cx);
    let members = to.and_then(|to| Some((to, tables.drawn.groups.of(to.segment())?)));
    members.into_iter().flat_map(move |(to, members)| {
        let here = members.here_but(sender).filter(move |_| for_nodes);
        let (drawn, loaded): (&[HostId], &[HostId]) = match sender {
            Some(_) => (&members.hosts, tables.loaded_hosts.of(to.segment())),
            None => (&[], &[]),
        };
        let is_new = |host: &&HostId| drawn.binary_search(host).is_err();
        let hosts = drawn.iter().chain(loaded.iter().filter(is_new));
        let here = here.map(move |interface: InterfaceId| to.at_interface(interface));
        here.chain(hosts.map(move |host| to.at_host(*host)))
    })
}
