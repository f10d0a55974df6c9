//! Is the destination here, or has it moved away?
//!
//! What is for a group is here. What is for somebody who was here until a moment
//! ago is sent on to where it is now, for a grace time ([`MoveTable`]): as a raw
//! frame from its old substrate address to its new one. So the fabric's source
//! filters let it pass, and no other packet looks like that: its source and its
//! destination are one interface. The new host believes it from the old place
//! only, and as long as the grace time lasts. What was sent on is never sent on
//! again.
//!
//! Exits: on, with a destination on this host, or with another host's that is to
//! be relayed to; dropped by a `moved` reason.
//!
//! [`MoveTable`]: crate::tables::MoveTable

use core::time::Duration;

use packet::ipv6::Ipv6Header;
use packet::{IpProtocol, PacketBuf, SubstrateAddr};

use super::batch::{Burst, Sender};
use super::verdict::DropReason;
use crate::tables::{Destination, HostTable, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let now = burst.now;
    let mut found = burst.targets(tables).into_iter();
    burst.each(|packet| {
        let to = found.next().flatten();
        if packet.cx.to.is_some() {
            return Ok(());
        }
        let to = to
            .filter(|to| !to.is_device())
            .ok_or(DropReason::DestinationNotHere)?;
        packet.cx.to = Some(if to.interface().is_some() {
            to
        } else {
            let relayed = packet.cx.from.is_some_and(|from| from.relays);
            let was_here = tables.moves.from(to.key(), now) == Some(HostTable::OWN);
            let to = was_here.then(|| to.relayed()).filter(|_| !relayed);
            to.ok_or(DropReason::MovedAway)?
        });
        Ok(())
    });
}

/// The phantom router that had this slot here until a moment ago.
pub(super) fn phantom(
    tables: &Tables,
    destination: &SubstrateAddr,
    now: Duration,
) -> Option<Destination> {
    let SubstrateAddr { segment, slot, .. } = *destination;
    let was = tables.moves.phantom(HostTable::OWN, segment, slot, now)?;
    let is = tables.destination(segment, *was.addresses.first()?)?;
    let to = is.forwarding(destination.address)?;
    Some(match to.interface() {
        Some(_) => to,
        None => to.relayed(),
    })
}

/// Who has sent from this address, if that is where its owner was until a moment
/// ago.
pub(super) fn sender(
    tables: &Tables,
    source: &SubstrateAddr,
    known: Option<Destination>,
    now: Duration,
) -> Option<Sender> {
    if tables.moves.is_empty() || source.group {
        return None;
    }
    let host = tables.hosts.at(source.to_ipv6());
    let host = host.filter(|host| *host != HostTable::OWN)?;
    if source.forward {
        let moves = &tables.moves;
        let was = moves.phantom(host, source.segment, source.slot, now)?;
        return was.forwards(source.address).then_some(Sender {
            segment: was.segment,
            mac: was.mac,
            interface: None,
            address: Some(source.address),
            forwards: true,
            relays: false,
        });
    }
    let known = known.filter(|known| known.slot() == source.slot)?;
    let was_there = tables.moves.from(known.key(), now) == Some(host);
    was_there.then_some(Sender {
        segment: known.segment(),
        mac: known.mac(),
        interface: None,
        address: Some(source.address),
        forwards: false,
        relays: false,
    })
}

/// From an interface's old substrate address to its new one comes what is relayed,
/// and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToItself {
    /// Between two interfaces, or to many.
    No,
    /// A raw frame: its old place stands for whoever has sent it, which the old
    /// host has proved, and asked the rules about.
    Relay,
    /// What nobody sends.
    Other,
}

impl ToItself {
    pub(super) fn of(
        header: &Ipv6Header,
        source: &SubstrateAddr,
        destination: &SubstrateAddr,
    ) -> Self {
        let one = |address: &SubstrateAddr| (address.segment, address.address);
        let flags = source.forward || destination.forward || destination.group;
        match header.next_header {
            _ if one(source) != one(destination) || flags => Self::No,
            IpProtocol::ETHERIP => Self::Relay,
            _ => Self::Other,
        }
    }

    /// May it come from where its sender was before?
    pub(super) fn may_be_relayed(self) -> bool {
        self != Self::Other
    }

    /// The sender, as far as it is to be believed.
    pub(super) fn by(self, sender: Sender) -> Sender {
        match self {
            Self::Relay => Sender {
                address: None,
                relays: true,
                ..sender
            },
            Self::No | Self::Other => sender,
        }
    }
}
