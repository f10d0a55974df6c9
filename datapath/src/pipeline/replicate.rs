//! Who else gets a copy?
//!
//! What is for all of a segment goes to every member of it on this host, and,
//! where a node of this host has sent it, to every other host that has members
//! (head-end replication): those make the copies for theirs. What is for a group
//! goes to those that have joined it, where that is known. Never back to the
//! sender. Copies are made where the packet is settled, and go on by themselves.
//!
//! Exits: on, what is for one; `Copy`; what `snoop` says of IGMP; consumed, where
//! nobody hears it; dropped as `group-withheld`, `group-rate-limited`,
//! `not-contiguous`.

use core::time::Duration;

use packet::{EtherType, PacketBuf, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId};

use super::batch::{Burst, Context, Packet};
use super::claim::SWITCHES;
use super::snoop;
use super::state::WorkerState;
use super::topology::group::RAW_GROUP;
use super::verdict::{Audience, Consumed, DropReason, Verdict};
use crate::tables::{Destination, Members, Tables};

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
    let to = packet.cx.to.ok_or(DropReason::NoMapping)?;
    let members = tables.drawn.groups.of(to.segment());
    let members = members.ok_or(DropReason::DestinationNotHere)?;
    let verdict = match &packet.cx.tuple.ip {
        Some(ip) if snoop::is_heeded(&packet.cx, members) => snoop::heed(packet, ip, state, now)?,
        Some(ip) if ip.destination == RAW_GROUP || members.multicast.withholds(ip.destination) => {
            return Err(DropReason::GroupWithheld);
        }
        _ => Verdict::Copy(audience(&to, members)),
    };
    let (Verdict::Copy(audience) | Verdict::Snoop(audience)) = verdict else {
        return Ok(verdict);
    };
    let copies = receivers(&packet.cx, audience, tables).count();
    if copies == 0 {
        return Ok(match verdict {
            Verdict::Copy(_) => Verdict::Consume(Consumed::Unheard),
            other => other,
        });
    }
    let sender = packet.cx.from.and_then(|from| from.interface);
    let copies = u32::try_from(copies).unwrap_or(u32::MAX);
    match sender {
        // What comes from the fabric was limited there.
        Some(sender) if !state.copies.takes(sender, copies, now) => {
            Err(DropReason::GroupRateLimited)
        }
        _ => Ok(verdict),
    }
}

/// For whom is what is for this group? Groups of one link are everybody's: many
/// systems listen to them and do not say so (RFC 4541 §2.1.2).
fn audience(to: &Destination, members: &Members) -> Audience {
    let ipv4 = to.address().ipv4();
    let is_one_links = matches!(ipv4.octets(), [224, 0, 0, _]);
    let is_a_group = ipv4.is_multicast() && to.address() != RAW_GROUP;
    match members.multicast.snooping {
        Some(_) if is_a_group && !is_one_links => Audience::Listeners,
        _ => Audience::Everybody,
    }
}

/// A word between switches about who has an address: no node hears it.
fn is_for_switches(cx: &Context) -> bool {
    cx.tuple.destination_mac == SWITCHES && cx.tuple.ether_type == EtherType::ARP
}

/// Where the copies of a packet go.
pub fn receivers<'t>(
    cx: &Context,
    audience: Audience,
    tables: &'t Tables,
) -> impl Iterator<Item = Destination> + use<'t> {
    let to = cx.to.filter(Destination::is_group);
    let sender = cx.from.and_then(|from| from.interface);
    let for_nodes = !is_for_switches(cx);
    let source = cx.tuple.ip.map(|ip| ip.source);
    let source = source.unwrap_or(VirtualAddr::from_bits(0));
    let members = to.and_then(|to| Some((to, tables.drawn.groups.of(to.segment())?)));
    members.into_iter().flat_map(move |(to, members)| {
        let segment = to.segment();
        let known = match audience {
            Audience::Everybody => None,
            Audience::Listeners | Audience::Routers => tables.listeners.of(segment),
        };
        let listening = known.map(|known| match audience {
            Audience::Routers => &known.of_all,
            Audience::Everybody | Audience::Listeners => known.of(to.address()),
        });
        // Until it is known who listens, all do.
        let all = listening.is_none().then(|| members.here_but(sender));
        let some = listening.map(|listening| {
            let from = (sender, source);
            listening.here_but(segment, from, &tables.drawn.ports)
        });
        let here = all.into_iter().flatten().chain(some.into_iter().flatten());
        let here = here.filter(move |_| for_nodes);
        let (drawn, loaded): (&[HostId], &[HostId]) = match sender {
            Some(_) => (&members.hosts, tables.loaded_hosts.of(segment)),
            None => (&[], &[]),
        };
        let is_new = |host: &&HostId| drawn.binary_search(host).is_err();
        let hosts = drawn.iter().chain(loaded.iter().filter(is_new));
        let hears = move |host: &&HostId| {
            let says_so = known.is_some_and(|known| known.heard.binary_search(host).is_ok());
            !says_so || listening.is_some_and(|listening| listening.has(**host))
        };
        let hosts = hosts.filter(hears);
        let here = here.map(move |interface: InterfaceId| to.at_interface(interface));
        here.chain(hosts.map(move |host| to.at_host(*host)))
    })
}
