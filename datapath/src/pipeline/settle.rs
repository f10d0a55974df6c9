//! Where does every packet of the burst end, and on which line of the books?
//!
//! Not a stage: the end of every itinerary. Each packet is received once and
//! ends once, in the same place in the code, so the books balance by
//! construction.

use core::time::Duration;

use packet::ethernet::ETHERNET_LEN;
use packet::ipv6::Ipv6Header;
use packet::{IpProtocol, Offload, PacketBuf, nd};
use vnet::compiled::PortId;
use zerocopy::FromBytes;

use super::batch::{BURST, Burst, Context, Packet, Routing, Sender};
use super::claim::Claim;
use super::state::WorkerState;
use super::verdict::{Audience, Consumed, Cut, DropReason, Punt, Verdict};
use super::{cut, replicate};
use crate::books::{Ledger, Line, RowId};
use crate::tables::{Destination, Tables};

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
    /// Who sent it, if that is known.
    pub from: Option<Sender>,
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
    /// An empty buffer for a piece of a packet; none when the pool is exhausted.
    fn buffer(&mut self) -> Option<B>;

    /// Takes a frame that is to go out of a port, and books what becomes of it
    /// there.
    fn offer(&mut self, port: PortId, buf: B);

    /// Hands a packet up.
    ///
    /// # Errors
    /// The packet, if the slow path has no room.
    fn punt(&mut self, punted: Punted<B>) -> Result<(), Punted<B>>;

    /// Tells of a claim to an address. Nobody need listen: it is made again.
    fn claim(&mut self, _claim: Claim) {}
}

/// What settling needs besides the burst.
#[derive(Debug, Clone, Copy)]
pub struct Settling<'a> {
    /// The tables that the burst was run with.
    pub tables: &'a Tables,
    /// The worker's books.
    pub ledger: &'a Ledger,
}

/// Carries out the verdicts of a burst, books them, and leaves it empty.
pub fn settle<B: PacketBuf>(
    burst: &mut Burst<B>,
    with: Settling<'_>,
    state: &mut WorkerState,
    exits: &mut impl Exits<B>,
) {
    let (port, now) = (burst.port, burst.now);
    for claim in state.claims.drain() {
        exits.claim(claim);
    }
    for packet in burst.packets.drain(..) {
        let line = with.ledger.line(packet.cx.row);
        line.received(u64::from(packet.cx.wire_len));
        let mut ending = Ending {
            port,
            now,
            with,
            line: &line,
            state: &mut *state,
            exits: &mut *exits,
        };
        ending.end(packet);
    }
}

struct Ending<'a, E> {
    port: PortId,
    now: Duration,
    with: Settling<'a>,
    /// Its line, and that of its pieces.
    line: &'a Line<'a>,
    state: &'a mut WorkerState,
    exits: &'a mut E,
}

impl<E> Ending<'_, E> {
    /// The end of a packet, or of a piece of one.
    fn end<B: PacketBuf>(&mut self, packet: Packet<B>)
    where
        E: Exits<B>,
    {
        let line = self.line;
        match packet.cx.verdict {
            Verdict::Cut(how) => return self.cut(&packet, how),
            Verdict::Copy(audience) => {
                let ended = self.copy(&packet, audience);
                self.line.copies(ended.saturating_sub(1));
                return;
            }
            Verdict::Snoop(audience) => {
                let ended = self.copy(&packet, audience);
                self.line.copies(ended);
                return self.punt(packet.buf, packet.cx, Punt::Membership);
            }
            _ => {}
        }
        self.leaves_router(&packet.cx);
        let (mut buf, cx) = (packet.buf, packet.cx);
        match cx.verdict {
            Verdict::Forward(out) => {
                line.forwarded();
                if cx.to.is_some_and(|to| to.is_relay()) {
                    line.relayed();
                }
                buf.set_offload(cx.offload);
                self.exits.offer(out, buf);
            }
            Verdict::Reply => {
                line.answered();
                self.with.ledger.work().generated.add(1);
                buf.set_offload(Offload::NONE);
                self.exits.offer(self.port, buf);
            }
            Verdict::Consume(what) => {
                line.consumed();
                if what == Consumed::DhcpDecline {
                    line.declined();
                }
            }
            Verdict::Punt(punt) => {
                buf.set_offload(cx.offload);
                self.punt(buf, cx, punt);
            }
            Verdict::Drop(reason) => line.dropped(reason),
            // The last stage of both itineraries decides about everything.
            Verdict::Next | Verdict::Cut(_) | Verdict::Copy(_) | Verdict::Snoop(_) => {
                line.dropped(DropReason::NoRoute);
            }
        }
    }

    fn punt<B: PacketBuf>(&mut self, buf: B, cx: Context, punt: Punt)
    where
        E: Exits<B>,
    {
        let punted = Punted {
            buf,
            port: self.port,
            row: cx.row,
            from: cx.from,
            punt,
        };
        match self.exits.punt(punted) {
            Ok(()) => self.line.punted(),
            Err(_) => self.line.dropped(DropReason::PuntQueueFull),
        }
    }

    /// Counts what the last logical router on a packet's way has done with it.
    fn leaves_router(&self, cx: &Context) {
        let Routing::Routed(routed) = cx.routing else {
            return;
        };
        // Of what comes from another host, the sender's vswitch counts it.
        let Some(ip) = cx.tuple.ip.filter(|_| routed.hops > 0) else {
            return;
        };
        let legs = self.with.ledger.legs();
        match cx.verdict {
            Verdict::Forward(_) | Verdict::Punt(_) => legs.left(routed.line, ip.frame_len()),
            // A logical switch has got it, and answers.
            Verdict::Reply if cx.to.is_some_and(|to| to.is_switch()) => {
                legs.left(routed.line, ip.frame_len());
            }
            _ => legs.discarded(routed.line),
        }
    }

    /// The copies of a packet go through the last stages, and end each by
    /// itself. Says how many did.
    fn copy<B: PacketBuf>(&mut self, packet: &Packet<B>, audience: Audience) -> u64
    where
        E: Exits<B>,
    {
        let receivers = replicate::receivers(&packet.cx, audience, self.with.tables);
        let mut receivers = receivers.peekable();
        let mut ended = 0_u64;
        while receivers.peek().is_some() {
            let mut burst = Burst::new(self.port, self.now);
            let mut failed = None;
            for to in receivers.by_ref().take(BURST) {
                match copy_of(packet, to, self.exits.buffer()) {
                    // As many as a burst takes.
                    Ok(copy) => drop(burst.packets.try_push(copy)),
                    Err(reason) => failed = Some(reason),
                }
                if failed.is_some() {
                    break;
                }
            }
            super::uplink::route(&mut burst, self.with.tables);
            super::onward(&mut burst, self.with.tables, self.state);
            for copy in burst.packets {
                ended += 1;
                self.end(copy);
            }
            if let Some(reason) = failed {
                // The rest ends as one.
                self.line.dropped(reason);
                ended += 1;
                break;
            }
        }
        ended
    }

    /// The pieces of a packet go through the last stages, and end each by
    /// itself.
    fn cut<B: PacketBuf>(&mut self, packet: &Packet<B>, how: Cut)
    where
        E: Exits<B>,
    {
        let plan = match cut::Plan::of(packet, how) {
            Ok(plan) => plan,
            Err(reason) => return self.line.dropped(reason),
        };
        let mut ended = 0;
        while ended < plan.count() {
            let mut burst = Burst::new(self.port, self.now);
            let ids = &mut self.state.identification;
            let exits = &mut *self.exits;
            let filled = plan.fill(&mut burst, packet, ended, ids, || exits.buffer());
            super::onward(&mut burst, self.with.tables, self.state);
            for piece in burst.packets {
                ended += 1;
                self.end(piece);
            }
            if let Err(reason) = filled {
                // The rest ends as one.
                self.line.dropped(reason);
                ended += 1;
                break;
            }
        }
        self.line.pieces(ended.saturating_sub(1) as u64);
    }
}

/// A copy of a whole packet for one receiver, in an empty buffer.
fn copy_of<B: PacketBuf>(
    packet: &Packet<B>,
    to: Destination,
    buf: Option<B>,
) -> Result<Packet<B>, DropReason> {
    let mut buf = buf.ok_or(DropReason::NoBuffer)?;
    let frame = packet.buf.data();
    buf.append(frame.len()).map_err(|_| DropReason::NoBuffer)?;
    buf.data_mut().copy_from_slice(frame);
    let cx = Context {
        verdict: Verdict::Next,
        to: Some(to),
        ..packet.cx
    };
    Ok(Packet { buf, cx })
}
