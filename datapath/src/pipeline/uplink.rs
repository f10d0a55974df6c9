//! Which way over the substrate?
//!
//! The routes to each host were computed when something changed; here the
//! flow's hash picks one of the next hops before the rewrite, whose MTU it
//! decides, and behind it the Ethernet header is written.
//!
//! Exits: on; forwarded; punted (`Resolve`) while the next hop's MAC is being
//! asked for; dropped by an `uplink` reason, or as `neighbor-unreachable` where the next hop has failed: the slow path goes on
//! seeking it by itself, and a packet handed up could only be dropped there.

use packet::ethernet::EthernetHeader;
use packet::{EtherType, MacAddr, PacketBuf};
use zerocopy::IntoBytes;

use super::batch::Burst;
use super::verdict::{DropReason, Punt, Verdict};
use crate::substrate::{NeighborState, NextHopEntry};
use crate::tables::Tables;

/// The stage before the rewrite: which next hop, so that its MTU is known.
pub fn route<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    burst.each(|packet| {
        let to = packet.cx.to.ok_or(DropReason::NoMapping)?;
        if to.interface().is_some() {
            return Ok(());
        }
        packet.cx.flow_hash = packet.cx.tuple.flow_hash();
        let hop = tables.uplinks.next_hop(to.host(), packet.cx.flow_hash);
        packet.cx.hop = Some(hop.ok_or(DropReason::NoRoute)?.id);
        Ok(())
    });
}

/// The stage behind it: takes what `translate` has made into IPv6 packets with
/// room for an Ethernet header in front.
pub fn send<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    for packet in burst.undecided() {
        let hop = packet.cx.hop;
        let hop = hop.and_then(|id| tables.uplinks.next_hops.get(id.index()));
        packet.cx.verdict = match hop {
            None => Verdict::Drop(DropReason::NoRoute),
            Some(hop) => {
                tables.used.mark(hop.id);
                address(&mut packet.buf, hop)
            }
        };
    }
}

fn address<B: PacketBuf>(buf: &mut B, hop: &NextHopEntry) -> Verdict {
    if hop.destination_mac.is_none() && hop.state == NeighborState::Failed {
        return Verdict::Drop(DropReason::NeighborUnreachable);
    }
    let header = EthernetHeader {
        destination: hop.destination_mac.unwrap_or(MacAddr::ZERO),
        source: hop.source_mac,
        ether_type: EtherType::IPV6,
    };
    match (header.write_to_prefix(buf.data_mut()), hop.destination_mac) {
        (Err(_), _) => Verdict::Drop(DropReason::NoHeadroom),
        (Ok(()), Some(_)) => Verdict::Forward(hop.port),
        // A chain takes as many buffers as a whole hold queue may have.
        (Ok(()), None) if !buf.is_contiguous() => Verdict::Drop(DropReason::HoldQueueFull),
        (Ok(()), None) => Verdict::Punt(Punt::Resolve(hop.id)),
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use packet::HeapBuf;
    use vnet::compiled::PortId;

    use super::*;
    use crate::substrate::NextHopId;

    #[test]
    fn only_a_next_hop_that_may_still_answer_is_worth_the_slow_path() {
        let verdict = |destination_mac, state| {
            let hop = NextHopEntry {
                id: NextHopId(3),
                port: PortId(1),
                mtu: 1500,
                source_mac: MacAddr::new([2, 0, 0, 0, 0, 1]),
                destination_mac,
                state,
                address: Ipv6Addr::LOCALHOST,
            };
            address(&mut HeapBuf::from_slice(&[0; 60]), &hop)
        };
        let mac = Some(MacAddr::new([2, 0, 0, 0, 0, 2]));
        let forward = Verdict::Forward(PortId(1));
        assert_eq!(verdict(mac, NeighborState::Stale), forward);
        let resolve = Verdict::Punt(Punt::Resolve(NextHopId(3)));
        assert_eq!(verdict(None, NeighborState::Incomplete), resolve);
        let unreachable = Verdict::Drop(DropReason::NeighborUnreachable);
        assert_eq!(verdict(None, NeighborState::Failed), unreachable);
    }
}
