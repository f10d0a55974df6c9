//! The rewrite: IPv4 ↔ IPv6, header for header, nothing wrapped.
//!
//! * [`flow_label`]: how TTL and DF travel.
//! * [`v4_to_v6`], [`v6_to_v4`]: the two directions, pure functions over one
//!   packet.
//! * [`icmp`]: echo between the two ICMPs.
//! * [`identification`]: the IPv4 id that the receiver makes.
//!
//! Exits: on; dropped by a `translate` reason. What would not survive the way
//! there and back is dropped by name until raw carriage is built.

pub mod flow_label;
pub mod icmp;
pub mod identification;
pub mod v4_to_v6;
pub mod v6_to_v4;

use packet::{PacketBuf, SubstrateAddr};

use self::identification::Identification;
use super::batch::Burst;
use super::verdict::DropReason;
use crate::tables::Tables;

/// What the rewrite remembers from packet to packet: one per worker.
#[derive(Debug)]
pub struct Translator {
    identification: Identification,
}

impl Translator {
    /// For the `worker`th of `workers`, so that no two make the same id.
    pub fn new(worker: u16, workers: u16) -> Self {
        Self {
            identification: Identification::new(worker, workers),
        }
    }
}

/// The stage of packets that leave this host.
pub fn to_substrate<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, _: &mut Translator) {
    let drawn = &tables.drawn;
    let hop_limit = tables.uplinks.hop_limit;
    burst.each(|packet| {
        let ip = packet.cx.ip()?;
        let from = packet.cx.from.ok_or(DropReason::UnknownMac)?;
        let sender = from.interface.and_then(|id| drawn.ports.interface(id));
        let sender = sender.ok_or(DropReason::UnknownMac)?;
        let to = packet.cx.to.ok_or(DropReason::NoMapping)?;
        let here = drawn.own_locator().ok_or(DropReason::NoRoute)?;
        let there = drawn.locator(to.entry.host).ok_or(DropReason::NoRoute)?;
        let addresses = v4_to_v6::Addresses {
            source: SubstrateAddr {
                slot: sender.slot,
                ..SubstrateAddr::ordinary(here, from.segment, ip.source)
            }
            .to_ipv6(),
            destination: SubstrateAddr {
                slot: to.entry.slot,
                ..SubstrateAddr::ordinary(there, to.segment, to.address)
            }
            .to_ipv6(),
        };
        v4_to_v6::rewrite(&mut packet.buf, &ip, addresses, hop_limit)
    });
}

/// The stage of packets that have arrived and are proved.
pub fn from_substrate<B: PacketBuf>(
    burst: &mut Burst<B>,
    _tables: &Tables,
    translator: &mut Translator,
) {
    burst.each(|packet| {
        let from = packet.cx.from.ok_or(DropReason::SourceNotProven)?;
        let to = packet.cx.to.ok_or(DropReason::DestinationNotHere)?;
        let ip = v6_to_v4::rewrite(
            &mut packet.buf,
            v6_to_v4::Macs {
                source: from.mac,
                destination: to.mac(),
            },
            &mut translator.identification,
        )?;
        packet.cx.tuple.ip = Some(ip);
        Ok(())
    });
}
