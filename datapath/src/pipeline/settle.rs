//! Where does every packet of the burst end, and on which line of the books?
//!
//! Not a stage: the end of every itinerary. Each packet is received once and
//! ends once, in the same place in the code, so the books balance by
//! construction.

use packet::ethernet::ETHERNET_LEN;
use packet::ipv6::Ipv6Header;
use packet::{IpProtocol, PacketBuf, nd};
use vnet::compiled::PortId;
use zerocopy::FromBytes;

use super::batch::Burst;
use super::verdict::{DropReason, Punt, Verdict};
use crate::books::{Ledger, RowId};

/// A packet on its way to the slow path.
#[derive(Debug)]
pub struct Punted<B> {
    /// The packet: an Ethernet frame as it came in (`ForHost`), or one that
    /// lacks only its destination MAC (`Resolve`).
    pub buf: B,
    /// The port it came in by.
    pub port: PortId,
    /// Its line of the books.
    pub row: RowId,
    /// What is asked.
    pub punt: Punt,
}

impl<B: PacketBuf> Punted<B> {
    /// Is it a neighbour solicitation or advertisement that no router has
    /// touched? Only a station on the link can send one with this hop limit
    /// (RFC 4861 §7.1).
    pub fn is_discovery(&self) -> bool {
        let headers = || {
            let bytes = self.buf.data().get(ETHERNET_LEN..)?;
            let (ip, message) = Ipv6Header::ref_from_prefix(bytes).ok()?;
            Some((ip, *message.first()?))
        };
        headers().is_some_and(|(ip, kind)| {
            ip.next_header == IpProtocol::ICMPV6
                && ip.hop_limit == nd::HOP_LIMIT
                && matches!(kind, nd::NEIGHBOR_SOLICITATION | nd::NEIGHBOR_ADVERTISEMENT)
        })
    }
}

/// The ways out of the pipeline.
pub trait Exits<B> {
    /// Takes a frame that is to go out of a port, and books what becomes of it
    /// there.
    fn offer(&mut self, port: PortId, buf: B);

    /// Hands a packet up.
    ///
    /// # Errors
    /// The packet, if the slow path has no room.
    fn punt(&mut self, punted: Punted<B>) -> Result<(), Punted<B>>;
}

/// Carries out the verdicts of a burst, books them, and leaves it empty.
pub fn settle<B: PacketBuf>(burst: &mut Burst<B>, ledger: &Ledger, exits: &mut impl Exits<B>) {
    let port = burst.port;
    for packet in burst.packets.drain(..) {
        let (buf, cx) = (packet.buf, packet.cx);
        let Some(row) = ledger.row(cx.row) else {
            continue;
        };
        row.cells.received.add(1);
        row.cells.received_bytes.add(u64::from(cx.wire_len));
        match cx.verdict {
            Verdict::Forward(out) => {
                row.cells.forwarded.add(1);
                exits.offer(out, buf);
            }
            Verdict::Reply => {
                row.cells.answered.add(1);
                ledger.work().generated.add(1);
                exits.offer(port, buf);
            }
            Verdict::Consume(_) => row.cells.consumed.add(1),
            Verdict::Punt(punt) => {
                match exits.punt(Punted {
                    buf,
                    port,
                    row: cx.row,
                    punt,
                }) {
                    Ok(()) => row.cells.punted.add(1),
                    Err(_) => ledger.book_drop(cx.row, DropReason::PuntQueueFull),
                }
            }
            Verdict::Drop(reason) => ledger.book_drop(cx.row, reason),
            // The last stage of both itineraries decides about everything.
            Verdict::Next => ledger.book_drop(cx.row, DropReason::NoRoute),
        }
    }
}
