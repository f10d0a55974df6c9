//! Into what pieces must a packet go that is too large for its way?
//!
//! * [`fragments`]: IPv4 fragments, as any router makes them.
//! * [`segments`]: TCP segments, as the sender's device would have made them.
//!
//! Not a stage: `settle` comes here with a packet whose verdict is `Cut`, so
//! that its pieces leave in its place, in order. Each goes through the last
//! stages by itself, in bursts.

pub mod fragments;
pub mod segments;

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::change_header;
use packet::{IpProtocol, PacketBuf, VirtualAddr};

use super::batch::{BURST, Burst, Context, IpTuple, Packet};
use super::translate::identification::Identification;
use super::verdict::{Cut, DropReason, Verdict};

/// The most pieces that a packet is cut into: 64 KiB in segments of 64 bytes. A
/// sender could ask for as many as there are bytes.
pub const MAX_PIECES: usize = 1024;

/// How a packet is cut.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    kind: Kind,
    /// Each piece gets an identification of its own: (source, destination,
    /// protocol).
    identify: Option<(VirtualAddr, VirtualAddr, IpProtocol)>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Fragments(fragments::Plan),
    Segments(segments::Plan),
}

impl Plan {
    /// A plan for a bare frame.
    ///
    /// # Errors
    /// `too-big`, `super-frame-malformed`: it cannot be cut so.
    pub fn of<B: PacketBuf>(packet: &Packet<B>, how: Cut) -> Result<Self, DropReason> {
        let ip = packet.cx.ip()?;
        let len = packet.buf.len();
        let kind = match how {
            Cut::Fragments { limit } => Kind::Fragments(fragments::Plan::of(len, &ip, limit)?),
            Cut::Segments { payload } => {
                let first = packet.buf.data();
                Kind::Segments(segments::Plan::of(first, &ip, len, payload)?)
            }
        };
        // What came whole over the substrate has an identification of our own
        // making: so have its segments, each its own (RFC 6864 §4.3).
        let is_ours = packet.cx.from.is_some_and(|from| from.interface.is_none());
        let datagrams = matches!(kind, Kind::Segments(_)) && is_ours && !ip.dont_fragment;
        let plan = Self {
            kind,
            identify: datagrams.then_some((ip.source, ip.destination, ip.protocol)),
        };
        if plan.count() <= MAX_PIECES {
            Ok(plan)
        } else {
            Err(DropReason::SuperFrameMalformed)
        }
    }

    /// How many pieces.
    pub fn count(&self) -> usize {
        match &self.kind {
            Kind::Fragments(plan) => plan.count(),
            Kind::Segments(plan) => plan.count(),
        }
    }

    /// Adds the pieces from the `from`th on to a burst, as many as it takes.
    ///
    /// # Errors
    /// `no-buffer`; the burst has those pieces that could be made.
    pub fn fill<B: PacketBuf>(
        &self,
        burst: &mut Burst<B>,
        packet: &Packet<B>,
        from: usize,
        identification: &mut Identification,
        mut alloc: impl FnMut() -> Option<B>,
    ) -> Result<(), DropReason> {
        for at in (from..self.count()).take(BURST) {
            let mut buf = alloc().ok_or(DropReason::NoBuffer)?;
            match &self.kind {
                Kind::Fragments(plan) => plan.write(&packet.buf, at, &mut buf)?,
                Kind::Segments(plan) => plan.write(&packet.buf, at, &mut buf)?,
            }
            if let Some((source, destination, protocol)) = self.identify {
                let id = identification.next(source, destination, protocol);
                identify(buf.data_mut(), id).ok_or(DropReason::SuperFrameMalformed)?;
            }
            let cx = of_piece(&buf, packet.cx);
            // As many as a burst takes.
            let _ = burst.packets.try_push(Packet { buf, cx });
        }
        Ok(())
    }
}

/// Gives the IPv4 packet of a bare frame another identification.
fn identify(frame: &mut [u8], id: u16) -> Option<()> {
    let packet = frame.get_mut(ETHERNET_LEN..)?;
    change_header(packet, |header| header.set_identification(id))
}

fn of_piece<B: PacketBuf>(buf: &B, whole: Context) -> Context {
    let mut cx = Context {
        verdict: Verdict::Next,
        carriage: None,
        offload: packet::Offload::NONE,
        is_piece: true,
        ..whole
    };
    let header = fragments::header(buf.data());
    if let (Some(header), Some(ip)) = (header, cx.tuple.ip) {
        cx.tuple.ip = Some(IpTuple {
            // Fragments of a datagram hash alike.
            ports: if header.is_fragment() {
                (0, 0)
            } else {
                ip.ports
            },
            ..IpTuple::of_header(&header)
        });
        cx.flow_hash = cx.tuple.flow_hash();
    }
    cx
}
