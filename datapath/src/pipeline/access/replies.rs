//! Is it the reply to something that the rules have permitted?
//!
//! What the rules permit is noted as a flow; what they refuse passes if it is of
//! a flow that the other side has begun. TCP: a connection that one has not seen
//! begin (because this vswitch, a rule or an interface is new) is taken for
//! begun by the other side for a grace time, if the rules permit that.

use packet::ethernet::ETHERNET_LEN;
use packet::icmp::ICMP_LEN;
use packet::ipv4::Ipv4Header;
use packet::{IpProtocol, PacketBuf, SegmentId};
use zerocopy::FromBytes;

use super::carried::{Contents, InFlow};
use crate::pipeline::batch::{IpTuple, Packet};
use crate::pipeline::verdict::DropReason;
use crate::tables::Tables;
use crate::tables::access::{Carried, NetworkAccess, Peer, Question};
use crate::tables::flows::{Account, FlowEnd, FlowKey, Seconds, Side, Signal};

/// For so long, in seconds, TCP that nobody has seen begin is accepted: longer
/// than senders wait before they send again what was lost (RFC 6298 §2.5 lets
/// them wait a minute).
pub(super) const GRACE: Seconds = 90;

/// A packet, and who judges it.
pub(super) struct Asked<'a> {
    pub(super) network: &'a NetworkAccess,
    pub(super) question: &'a Question,
    pub(super) contents: &'a Contents,
    pub(super) now: Seconds,
    /// For how long the network's rules have been in force.
    pub(super) age: Seconds,
}

impl Asked<'_> {
    fn account(&self, tables: &Tables) -> Account {
        Account {
            owner: self.network.owner(),
            owners: tables.drawn.access.owners(),
            generation: self.network.generation(),
        }
    }

    fn key(&self, source: u16, destination: u16) -> Option<(FlowKey, Side)> {
        let (from, to) = (self.question.from, self.question.to);
        let protocol = self.question.carried.protocol()?;
        let end = |peer: Peer, port| FlowEnd {
            segment: peer.segment,
            address: peer.address,
            port,
        };
        Some(FlowKey::of(
            end(from, source),
            end(to, destination),
            protocol,
        ))
    }

    /// Would the rules permit the other side to begin this?
    fn permits_the_reverse(&self) -> bool {
        let carried = match self.contents.flow {
            // It answers a question.
            InFlow::Answer { .. } => Carried::Icmp {
                kind: packet::icmp::v4::ECHO_REQUEST,
                code: 0,
            },
            _ => self.question.carried,
        };
        let question = Question {
            carried,
            ..*self.question
        };
        self.network.judge(&question.reversed()).allows()
    }
}

/// Takes note of a packet that the rules permit.
///
/// # Errors
/// `flow-table-full`: what it would bring back would not be known as a reply.
pub(super) fn note(asked: &Asked<'_>, tables: &Tables) -> Result<(), DropReason> {
    let (source, destination, signal) = match asked.contents.flow {
        InFlow::Part {
            source,
            destination,
            signal,
        } => (source, destination, signal),
        InFlow::Query { port } => (port, port, Signal::Plain),
        InFlow::Answer { .. } | InFlow::Error | InFlow::Later | InFlow::None => return Ok(()),
    };
    let Some((key, side)) = asked.key(source, destination) else {
        return Ok(());
    };
    let noted = tables
        .flows
        .note(&key, side, signal, asked.account(tables), asked.now);
    noted.map_err(|_| DropReason::FlowTableFull)
}

/// Is it a reply?
pub(super) fn is_reply<B: PacketBuf>(
    packet: &Packet<B>,
    asked: &Asked<'_>,
    tables: &Tables,
) -> bool {
    let flows = &tables.flows;
    let known = |source, destination, signal| {
        let Some((key, side)) = asked.key(source, destination) else {
            return false;
        };
        let permits = || asked.permits_the_reverse();
        let generation = asked.network.generation();
        flows.is_reply(&key, side, signal, generation, asked.now, permits)
            || is_resumed(asked, tables, &key, side, signal)
    };
    match asked.contents.flow {
        InFlow::Part {
            source,
            destination,
            signal,
        } => known(source, destination, signal),
        InFlow::Answer { port } => known(port, port, Signal::Plain),
        // The rest of a datagram goes where its beginning may.
        InFlow::Later => asked.permits_the_reverse(),
        InFlow::Error => is_about_a_flow(packet, asked, tables),
        InFlow::Query { .. } | InFlow::None => false,
    }
}

/// A TCP connection in the middle, while there is grace.
fn is_resumed(
    asked: &Asked<'_>,
    tables: &Tables,
    key: &FlowKey,
    side: Side,
    signal: Signal,
) -> bool {
    let middle = key.protocol() == IpProtocol::TCP && matches!(signal, Signal::Plain | Signal::Fin);
    if !middle || asked.age >= GRACE || tables.flows.knows(key, asked.now) {
        return false;
    }
    let account = asked.account(tables);
    asked.permits_the_reverse()
        && tables
            .flows
            .note(key, side.other(), Signal::Plain, account, asked.now)
            .is_ok()
}

/// An ICMP error about a packet of a flow that is known, to whoever has sent
/// that. The flow's other end is in the segment of who complains, or of who
/// hears it.
fn is_about_a_flow<B: PacketBuf>(packet: &Packet<B>, asked: &Asked<'_>, tables: &Tables) -> bool {
    let Some(ip) = packet.cx.tuple.ip else {
        return false;
    };
    let start = ETHERNET_LEN + usize::from(ip.header_len) + ICMP_LEN;
    let quoted = packet.buf.data().get(start..).unwrap_or_default();
    let Ok((header, _)) = Ipv4Header::ref_from_prefix(quoted) else {
        return false;
    };
    let payload = quoted.get(header.header_len()..).unwrap_or_default();
    let about = IpTuple::of_header(header);
    if about.source != ip.destination {
        return false;
    }
    let (source, destination) = match (about.protocol, payload) {
        (IpProtocol::ICMP, &[_, _, _, _, a, b, ..]) => {
            let port = u16::from_be_bytes([a, b]);
            (port, port)
        }
        _ => crate::pipeline::classify::ports(about.protocol, payload),
    };
    let (complaining, hearing) = (asked.question.from.segment, asked.question.to.segment);
    let knows = |segment: SegmentId| {
        let from = FlowEnd {
            segment: hearing,
            address: about.source,
            port: source,
        };
        let to = FlowEnd {
            segment,
            address: about.destination,
            port: destination,
        };
        let (key, _) = FlowKey::of(from, to, about.protocol);
        tables.flows.knows(&key, asked.now)
    };
    knows(complaining) || knows(hearing)
}
