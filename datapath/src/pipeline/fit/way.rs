//! The way that a packet will take: out of which port, in what form, and how
//! large an IPv4 packet may be for it.

use core::time::Duration;

use packet::{IpProtocol, PacketBuf, TransportChecksum};

use crate::pipeline::batch::{Context, IpTuple, Packet, Routing};
use crate::pipeline::state::WorkerState;
use crate::pipeline::translate::mtu::Carriage;
use crate::pipeline::translate::{self, carriage};
use crate::pipeline::verdict::DropReason;
use crate::tables::{PortOffloads, Tables};

/// The way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// What the port does by itself for what goes out there.
    pub offloads: PortOffloads,
    /// In what form, if over the substrate.
    pub carriage: Option<Carriage>,
    /// The largest IPv4 packet (or other payload of Ethernet) that passes.
    pub limit: u16,
    /// The largest fragment of it that passes.
    pub piece_limit: u16,
}

/// The way of a packet whose destination is known.
///
/// # Errors
/// The destination is gone.
pub(super) fn of<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
    now: Duration,
) -> Result<Way, DropReason> {
    let segment_mtu = segment_mtu(&packet.cx, tables);
    let to = packet.cx.to.ok_or(DropReason::DestinationNotHere)?;
    if let Some(id) = to.interface() {
        let receiver = tables.drawn.ports.interface(id);
        let receiver = receiver.ok_or(DropReason::DestinationNotHere)?;
        // Devices find their way behind an 802.1Q tag, not behind what else there is.
        let offloads = match receiver.tags.is_plain() {
            true => tables.drawn.ports.offloads(receiver.port),
            false => PortOffloads::default(),
        };
        return Ok(Way {
            offloads,
            carriage: None,
            limit: segment_mtu,
            piece_limit: segment_mtu,
        });
    }
    let hop = packet.cx.hop.ok_or(DropReason::NoRoute)?;
    let hop = tables.uplinks.next_hops.get(hop.index());
    let hop = hop.ok_or(DropReason::NoRoute)?;
    let learned = tables.path_mtus.learned(to.host(), now);
    let path = learned.map_or(hop.mtu, |learned| learned.mtu.min(hop.mtu));
    let form = form(packet, tables, state);
    let is_icmp = packet.cx.tuple.ip.map(|ip| ip.protocol) == Some(IpProtocol::ICMP);
    let piece = match form {
        Carriage::Rewritten | Carriage::Fragment if !is_icmp => Carriage::Fragment,
        _ => Carriage::Raw,
    };
    Ok(Way {
        offloads: tables.drawn.ports.offloads(hop.port),
        carriage: Some(form),
        limit: segment_mtu.min(form.fits(path)),
        piece_limit: segment_mtu.min(piece.fits(path)),
    })
}

/// What the segments on the way promise their nodes, in bytes.
fn segment_mtu(cx: &Context, tables: &Tables) -> u16 {
    let ports = &tables.drawn.ports;
    let here = [
        cx.from.and_then(|from| from.interface),
        cx.to.and_then(|to| to.interface()),
    ];
    let on_the_way = match cx.routing {
        Routing::Routed(routed) => routed.mtu,
        Routing::Switched | Routing::Entering(_) => u16::MAX,
    };
    let mtus = here.into_iter().flatten().filter_map(|id| {
        let segment = ports.segment_of(ports.interface(id)?)?;
        Some(segment.mtu)
    });
    mtus.min().unwrap_or(u16::MAX).min(on_the_way)
}

fn form<B: PacketBuf>(
    packet: &mut Packet<B>,
    tables: &Tables,
    state: &mut WorkerState,
) -> Carriage {
    // Where it goes to another address than it says (a raw group's; that of a
    // DHCP client which does not have its own yet), the rewrite would lose that.
    let to = packet.cx.to;
    let says = |ip: &IpTuple| to.is_some_and(|to| to.address() == ip.destination);
    let always_raw = to.is_some_and(|to| to.is_relay());
    let Some(ip) = packet.cx.tuple.ip.filter(|ip| !always_raw && says(ip)) else {
        return Carriage::Raw;
    };
    let cx = &packet.cx;
    let partial = cx.offload.transport == TransportChecksum::Partial;
    carriage::of(packet.buf.data(), &ip, partial, |message| {
        translate::icmp_error_survives(message, cx, tables, &mut state.scratch)
    })
}
