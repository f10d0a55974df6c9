//! Does it fit its way, and does the port do what the sender left to a device?
//!
//! The segment's MTU holds everywhere, also between two nodes of one host: it
//! is what the nodes were promised. Between hosts the path's MTU holds, too,
//! less what the substrate's form adds ([`Carriage`]). A packet with DF that is
//! too large ends here, and its sender is told the MTU that will work (RFC 1191
//! §4); one without is cut into fragments (RFC 791 §3.2). A super-frame stays
//! whole where its port cuts it, and is cut into segments where it does not.
//!
//! Exits: on; `Cut`; `Reply` (ICMP 3/4); dropped by a `fit` reason.

pub(super) mod checksum;
mod way;

use core::num::NonZeroU16;
use core::time::Duration;

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::change_header;
use packet::{Offload, PacketBuf, TransportChecksum};

use self::way::Way;
use super::answer::icmp_error::{self, Complaint};
use super::batch::{Burst, IpTuple, Packet};
use super::cut::segments;
use super::state::WorkerState;
use super::translate::mtu::Carriage;
use super::verdict::{Cut, DropReason, Verdict};
use crate::tables::{PortOffloads, Tables};

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    let now = burst.now;
    for packet in burst.undecided() {
        packet.cx.verdict = fit(packet, tables, state, now).unwrap_or_else(Verdict::Drop);
    }
}

fn fit<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Verdict, DropReason> {
    let way = way::of(packet, tables, state, now)?;
    packet.cx.carriage = way.carriage;
    let Some(ip) = packet.cx.tuple.ip else {
        let len = packet.buf.len().saturating_sub(ETHERNET_LEN);
        return if len <= usize::from(way.limit) {
            Ok(Verdict::Next)
        } else {
            Err(DropReason::RawTooBig)
        };
    };
    let port = way.offloads;
    let decided = match packet.cx.offload.segment_size {
        Some(payload) => super_frame(packet, &ip, &way, port, payload)?,
        None => frame(packet, &ip, &way, port)?,
    };
    match decided {
        Fit::Next => Ok(Verdict::Next),
        Fit::Cut(cut) => Ok(Verdict::Cut(cut)),
        Fit::TooBig => icmp_error::reply(
            packet,
            tables,
            state,
            now,
            Complaint::FragmentationNeeded { mtu: way.limit },
            DropReason::TooBig,
        ),
    }
}

enum Fit {
    Next,
    Cut(Cut),
    TooBig,
}

/// A packet as it stands on a wire, but perhaps for its checksum.
fn frame<B: PacketBuf>(
    packet: &mut Packet<B>,
    ip: &IpTuple,
    way: &Way,
    port: PortOffloads,
) -> Result<Fit, DropReason> {
    let fits = ip.len <= way.limit;
    if !fits && ip.dont_fragment {
        return Ok(Fit::TooBig);
    }
    if fits && !packet.buf.is_contiguous() {
        return Err(DropReason::NotContiguous);
    }
    // Only whole packets that are rewritten can be finished by a device behind
    // the rewrite: it finds the headers where it expects them.
    let device = fits && port.checksum && way.carriage != Some(Carriage::Raw);
    if packet.cx.offload.transport == TransportChecksum::Partial && !device {
        let start = ETHERNET_LEN + usize::from(ip.header_len);
        checksum::complete(&mut packet.buf, ip.protocol, start);
        packet.cx.offload = Offload::NONE;
    }
    if fits {
        return Ok(Fit::Next);
    }
    // A piece fits, or nothing does.
    let limit = way.piece_limit;
    if packet.cx.is_piece || limit < MIN_PIECE {
        return Err(DropReason::TooBig);
    }
    Ok(Fit::Cut(Cut::Fragments { limit }))
}

/// RFC 791 §3.2: every network carries 68 bytes: the longest header and 8 bytes.
const MIN_PIECE: u16 = 68;

/// What a sender left to a device to cut into segments of `payload` bytes.
///
/// Segments that are too large may be cut into fragments, where DF allows it; they
/// are made smaller instead, which the receiver's TCP cannot tell from a sender
/// that chose so.
fn super_frame<B: PacketBuf>(
    packet: &mut Packet<B>,
    ip: &IpTuple,
    way: &Way,
    port: PortOffloads,
    payload: NonZeroU16,
) -> Result<Fit, DropReason> {
    let plan = segments::Plan::of(packet.buf.data(), ip, packet.buf.len(), payload)?;
    let fits = plan.segment_len() <= usize::from(way.limit);
    if !fits && ip.dont_fragment {
        quote_first_segment(packet, ip, plan.segment_len());
        return Ok(Fit::TooBig);
    }
    if fits && port.segmentation && way.carriage != Some(Carriage::Raw) {
        return Ok(Fit::Next);
    }
    let room = usize::from(way.limit).saturating_sub(plan.headers_len());
    let room = u16::try_from(room).ok().and_then(NonZeroU16::new);
    let payload = payload.min(room.ok_or(DropReason::TooBig)?);
    Ok(Fit::Cut(Cut::Segments { payload }))
}

/// The error is to quote a packet that a wire could have carried.
fn quote_first_segment<B: PacketBuf>(packet: &mut Packet<B>, ip: &IpTuple, segment_len: usize) {
    let payload_len = segment_len.saturating_sub(usize::from(ip.header_len));
    let payload_len = u16::try_from(payload_len).unwrap_or(u16::MAX);
    let quoted = packet.buf.data_mut().get_mut(ETHERNET_LEN..);
    // `classify` has found the header whole.
    let _ = change_header(quoted.unwrap_or_default(), |header| {
        header.set_piece(ip.fragment, payload_len);
    });
}
