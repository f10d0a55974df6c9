//! Did the packet really come from where it claims to?
//!
//! The source must be *the* substrate address of a mapping held here: (segment,
//! address) maps to exactly that locator and slot. If it has the forward bit,
//! (locator, segment, slot) must be a phantom router's that stands for the
//! address. What the proof is worth: it
//! compares location with mapping; a machine that forges the exact address is
//! stopped by the fabric's source filters (BCP 38). Where somebody was until a
//! moment ago is known, too: see [`moved`].
//!
//! Exits: on, with a sender; on without one, for `fabric_error`: an ICMPv6 error
//! that no vswitch sent; dropped by a `prove` reason. A packet refused here
//! never causes an answer on the substrate.

use packet::ethernet::ETHERNET_LEN;
use packet::ipv6::Ipv6Header;
use packet::{PacketBuf, SubstrateAddr};
use zerocopy::FromBytes;

use super::batch::{Burst, Sender};
use super::classify::is_icmpv6_error;
use super::moved;
use super::topology::group;
use super::verdict::DropReason;
use crate::tables::{Destination, HostTable, MappingKey, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    let sources = burst.undecided().map(|packet| {
        let (header, _) = header(&packet.buf).ok()?;
        let source = SubstrateAddr::from_ipv6(header.source()).ok()?;
        Some(MappingKey::new(source.segment, source.address))
    });
    let mut known = tables.destinations(sources).into_iter();
    let now = burst.now;
    burst.each(|packet| {
        let known = known.next().flatten();
        let (header, payload) = header(&packet.buf)?;
        let destination = SubstrateAddr::from_ipv6(header.destination())
            .map_err(|_| DropReason::NotForThisHost)?;
        if destination.group {
            let members = tables.drawn.groups.of(destination.segment);
            let members = members.ok_or(DropReason::DestinationNotHere)?;
            let to = group::of_packet(destination.segment, destination.address, members);
            packet.cx.to = Some(to.ok_or(DropReason::GroupMalformed)?);
        } else if destination.forward {
            let phantoms = &tables.drawn.phantoms;
            let SubstrateAddr { segment, slot, .. } = destination;
            let to = phantoms
                .destination(HostTable::OWN, segment, slot, destination.address)
                .or_else(|| moved::phantom(tables, &destination, now));
            packet.cx.to = Some(to.ok_or(DropReason::DestinationNotHere)?);
        }
        let source = SubstrateAddr::from_ipv6(header.source());
        let source = source.map_err(|_| DropReason::SourceNotProven);
        let sender = source.and_then(|source| {
            let to_itself = moved::ToItself::of(header, &source, &destination);
            let sender = sender(tables, &source, known).or_else(|reason| {
                let was = moved::sender(tables, &source, known, now);
                was.filter(|_| to_itself.may_be_relayed()).ok_or(reason)
            });
            sender.map(|sender| to_itself.by(sender))
        });
        match sender {
            Ok(sender) => packet.cx.from = Some(sender),
            // A router of the fabric has something to say; under a host's
            // locator there is none, only tenants.
            Err(_)
                if is_icmpv6_error(header, payload)
                    && !tables.is_under_a_locator(header.source()) => {}
            Err(reason) => return Err(reason),
        }
        Ok(())
    });
}

fn header<B: PacketBuf>(buf: &B) -> Result<(&Ipv6Header, &[u8]), DropReason> {
    let bytes = buf.data().get(ETHERNET_LEN..);
    Ipv6Header::ref_from_prefix(bytes.unwrap_or_default()).map_err(|_| DropReason::Truncated)
}

/// Who has sent from this address, if that is where its owner is.
fn sender(
    tables: &Tables,
    source: &SubstrateAddr,
    known: Option<Destination>,
) -> Result<Sender, DropReason> {
    if source.forward {
        return phantom(tables, source).ok_or(DropReason::SourceNotProven);
    }
    let known = known
        // Routers are emulated at the sender: they never send on the
        // substrate. Nor does anything of this host reach it from there.
        .filter(|known| !known.is_device() && known.interface().is_none())
        .ok_or(DropReason::SourceNotProven)?;
    let proven = tables.locator(known.host()) == Some(source.locator)
        && known.slot() == source.slot
        && !source.group;
    if proven {
        Ok(Sender {
            segment: known.segment(),
            mac: known.mac(),
            interface: None,
            address: Some(source.address),
            forwards: false,
            relays: false,
        })
    } else {
        Err(DropReason::SourceNotProven)
    }
}

/// Which phantom router has sent this for somebody else, if it stands for that
/// address.
fn phantom(tables: &Tables, source: &SubstrateAddr) -> Option<Sender> {
    let host = tables.hosts.at(source.to_ipv6());
    let host = host.filter(|host| *host != HostTable::OWN && !source.group)?;
    let phantoms = &tables.drawn.phantoms;
    let phantom = phantoms.at(host, source.segment, source.slot)?;
    phantom.forwards(source.address).then_some(Sender {
        segment: phantom.segment,
        mac: phantom.mac,
        interface: None,
        address: Some(source.address),
        forwards: true,
        relays: false,
    })
}
