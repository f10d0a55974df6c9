//! Which way over the substrate?
//!
//! The routes to each host were computed when something changed; here the
//! flow's hash picks one of the next hops, and the Ethernet header is written.
//!
//! Exits: forwarded; punted (`Resolve`) while the next hop's MAC is unknown;
//! dropped by an `uplink` reason, or as `too-big`.

use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::{EtherType, MacAddr, PacketBuf};
use zerocopy::IntoBytes;

use super::batch::Burst;
use super::verdict::{DropReason, Punt, Verdict};
use crate::substrate::NextHopEntry;
use crate::tables::Tables;

/// The stage: takes what `translate` has made into IPv6 packets with room for
/// an Ethernet header in front.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    for packet in burst.undecided() {
        let hop = packet
            .cx
            .to
            .zip(packet.cx.tuple.ip)
            .and_then(|(to, ip)| tables.uplinks.next_hop(to.entry.host, ip.flow_hash()));
        packet.cx.verdict = match hop {
            None => Verdict::Drop(DropReason::NoRoute),
            Some(hop) => {
                tables.used.mark(hop.id);
                send(&mut packet.buf, hop)
            }
        };
    }
}

fn send<B: PacketBuf>(buf: &mut B, hop: &NextHopEntry) -> Verdict {
    if buf.len() > ETHERNET_LEN + usize::from(hop.mtu) {
        return Verdict::Drop(DropReason::TooBig);
    }
    let header = EthernetHeader {
        destination: hop.destination_mac.unwrap_or(MacAddr::ZERO),
        source: hop.source_mac,
        ether_type: EtherType::IPV6,
    };
    match (header.write_to_prefix(buf.data_mut()), hop.destination_mac) {
        (Err(_), _) => Verdict::Drop(DropReason::NoHeadroom),
        (Ok(()), Some(_)) => Verdict::Forward(hop.port),
        (Ok(()), None) => Verdict::Punt(Punt::Resolve(hop.id)),
    }
}
