//! Into what pieces must a packet go that is too large for its way?
//!
//! * [`fragments`]: IPv4 fragments, as any router makes them.
//! * [`segments`]: TCP segments, as the sender's device would have made them.
//!
//! Not a stage: `settle` comes here with a packet whose verdict is `Cut`, so
//! that its pieces leave in its place, in order. Each goes through the last
//! stages by itself. All buffers are taken before the first is filled: a packet
//! is cut whole or dropped.

pub mod fragments;
pub mod segments;

use core::time::Duration;

use arrayvec::ArrayVec;
use packet::PacketBuf;
use vnet::compiled::PortId;

use super::batch::{BURST, Burst, Context, IpTuple, Packet};
use super::verdict::{Cut, DropReason, Verdict};

/// The most pieces that a packet is cut into: 64 KiB in fragments for an IPv6
/// path of the least MTU are 55, in segments of 536 bytes 123.
pub const MAX_PIECES: usize = 128;

/// Buffers for pieces.
pub type Pieces<B> = ArrayVec<B, MAX_PIECES>;

/// Cuts a bare frame. `alloc` gives buffers.
///
/// # Errors
/// `too-big`, `super-frame-malformed`: it cannot be cut so; `no-buffer`.
pub fn cut<B: PacketBuf>(
    packet: &Packet<B>,
    how: Cut,
    alloc: impl FnMut() -> Option<B>,
) -> Result<Pieces<B>, DropReason> {
    let ip = packet.cx.ip()?;
    match how {
        Cut::Fragments { limit } => {
            let plan = fragments::Plan::of(packet.buf.data(), &ip, limit)?;
            make(plan.count(), alloc, |at, piece| {
                plan.write(&packet.buf, at, piece)
            })
        }
        Cut::Segments { payload } => {
            let plan = segments::Plan::of(packet.buf.data(), &ip, packet.buf.len(), payload)?;
            make(plan.count(), alloc, |at, piece| {
                plan.write(&packet.buf, at, piece)
            })
        }
    }
}

fn make<B: PacketBuf>(
    count: usize,
    mut alloc: impl FnMut() -> Option<B>,
    mut write: impl FnMut(usize, &mut B) -> Result<(), DropReason>,
) -> Result<Pieces<B>, DropReason> {
    let mut pieces = Pieces::new();
    for _ in 0..count {
        let buf = alloc().ok_or(DropReason::NoBuffer)?;
        pieces.try_push(buf).map_err(|_| DropReason::TooBig)?;
    }
    for (at, piece) in pieces.iter_mut().enumerate() {
        write(at, piece)?;
    }
    Ok(pieces)
}

/// The pieces as bursts with the context of the packet that they are of.
pub fn bursts<B: PacketBuf>(
    pieces: Pieces<B>,
    port: PortId,
    now: Duration,
    cx: Context,
) -> impl Iterator<Item = Burst<B>> {
    let mut pieces = pieces.into_iter();
    core::iter::from_fn(move || {
        let mut burst = Burst::new(port, now);
        for buf in pieces.by_ref().take(BURST) {
            let cx = of_piece(&buf, cx);
            // As many as a burst takes.
            let _ = burst.packets.try_push(Packet { buf, cx });
        }
        (!burst.packets.is_empty()).then_some(burst)
    })
}

fn of_piece<B: PacketBuf>(buf: &B, whole: Context) -> Context {
    let mut cx = Context {
        verdict: Verdict::Next,
        carriage: None,
        offload: packet::Offload::NONE,
        cuts: whole.cuts.saturating_add(1),
        ..whole
    };
    let header = fragments::header(buf.data());
    if let (Some(header), Some(ip)) = (header, cx.tuple.ip) {
        cx.tuple.ip = Some(IpTuple {
            fragment: header.fragment(),
            header_len: u8::try_from(header.header_len()).unwrap_or(ip.header_len),
            len: u16::try_from(header.total_len()).unwrap_or(ip.len),
            // Fragments of a datagram hash alike.
            ports: if header.is_fragment() {
                (0, 0)
            } else {
                ip.ports
            },
            ..ip
        });
    }
    cx
}
