//! What a sender leaves to a device, and what a device does with it: partial
//! checksums made whole, and super-frames cut into TCP segments. Written out,
//! for IPv4 and for IPv6.

use core::num::NonZeroU16;

use packet::{Offload, TransportChecksum};
use proptest::prelude::*;
use proptest::sample::select;

use super::Judged;
use super::bench::check::{ones_sum, pseudo_sum};
use super::bench::plan::{STATIONS, Station};
use super::compare::{Met, Seen, judge, seal};
use super::draft::{Body, Data, Draft, Field, Opt, pseudo_header};
use super::ipv4::Packet;
use super::product::World;
use super::routers::routed_to;
use super::sent::{Sent, Setting};
use super::switch::{Fate, Refusal, Sizes, fate, sender_of};
use super::{brief, ensure};

/// What is left to do of a frame with TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Nothing,
    Checksum,
    /// Segments with so many bytes of payload.
    Segments(u16),
}

/// Whole TCP and UDP packets, and what is left of them.
pub fn drafts() -> impl Strategy<Value = (Draft, Left)> {
    let sizes = select(vec![536, 1208, 1420, 1440, 1460, 8940]);
    let super_frame = (sizes, 1..60_000u16)
        .prop_map(|(size, len): (u16, u16)| (6, Left::Segments(size), len % (size * 7)));
    let partial = (select(vec![6, 17]), prop_oneof![0..100u16, 1380..1510u16])
        .prop_map(|(protocol, len)| (protocol, Left::Checksum, len));
    let what = prop_oneof![super_frame, partial];
    // A raw frame's device would look in vain for the header.
    let raw = prop_oneof![5 => Just(false), 1 => Just(true)];
    let header = (any::<(u8, u16, u8, bool)>(), raw);
    (header, what, any::<(u16, u16)>(), any::<u32>()).prop_map(
        |(((tos, id, ttl, dont_fragment), raw), (protocol, left, len), ports, seed)| {
            let draft = Draft {
                tos,
                id,
                ttl,
                reserved: false,
                dont_fragment,
                options: match left {
                    Left::Checksum if raw => vec![Opt::RouterAlert],
                    _ => Vec::new(),
                },
                piece: None,
                body: Body::Transport {
                    protocol,
                    ports,
                    data: Data { len, seed },
                    checksum: Field::Right,
                },
            };
            (draft, left)
        },
    )
}

/// Sends what a device is to finish, and compares what happened with what
/// happens to the frames that a device would have made.
pub fn check(setting: Setting, sent: &Sent, left: Left) -> Judged<Met> {
    let finished = sent.frame();
    let from = sender_of(sent.site, sent.port, &finished).ok_or("neighbours are somebody")?;
    let unfinished = leave(&finished, left);
    let frames = finish(
        &unfinished,
        narrowed(setting.sizes(), from, &finished, left),
    );
    World::with(setting, |world| {
        let seen = world.node_leaves(sent.site, sent.port, &unfinished, left);
        let mut rest = seen.clone();
        let mut met = Met::Nothing;
        for frame in &frames {
            let fate = fate(setting.sizes(), sent.site, sent.port, frame);
            let fate = or_quoted_unfinished(fate, &unfinished);
            let part = take(&mut rest, &fate);
            let judged = judge(&fate, setting.sizes(), Some(from), &part, &mut world.ids);
            met = judged.map_err(|fault| {
                let (fate, sent) = (fate.describe(), brief(&unfinished));
                format!("{fault}\nsent: {sent}\nas {}\n{fate}\n{seen}", brief(frame))
            })?;
            if matches!(fate, Fate::Either(_)) {
                // Of the whole super-frame the sender hears once.
                break;
            }
        }
        ensure(
            rest.nodes.is_empty() && rest.wire.is_empty(),
            "more than was sent",
        )?;
        Ok(met)
    })
}

/// Segments that are too large for their way, and may be cut, are made smaller
/// instead: the receiver cannot tell.
fn narrowed(sizes: Sizes, from: &Station, finished: &[u8], left: Left) -> Left {
    let places = Places::of(finished);
    let may_be_cut = finished[places.ip + 6] & 0x40 == 0;
    let address = finished[places.ip + 16..places.ip + 20].try_into().unwrap();
    let receiver = STATIONS
        .iter()
        .find(|s| s.4 == from.4 && finished[..6] == s.2.mac.octets())
        .or_else(|| routed_to(from.4, address));
    let crosses = receiver.is_some_and(|to| to.1 != from.1);
    let limit = if crosses {
        sizes.segment.min(sizes.path - 20)
    } else {
        sizes.segment
    };
    match left {
        Left::Segments(size) if may_be_cut => Left::Segments(size.min(limit - 40)),
        left => left,
    }
}

/// Where an error is made before a device has seen the packet, it quotes the
/// transport's header as the sender left it.
fn or_quoted_unfinished(fate: Fate, unfinished: &[u8]) -> Fate {
    let Fate::Refused(refusal) = fate else {
        return fate;
    };
    let places = Places::of(unfinished);
    let header = places.transport..places.checksum + 2;
    let at = places.transport - places.ip;
    let mut packet = refusal.packet.clone();
    packet[at..at + header.len()].copy_from_slice(&unfinished[header]);
    let as_left = Refusal {
        packet,
        ..refusal.clone()
    };
    Fate::Either(Box::new([Fate::Refused(refusal), Fate::Refused(as_left)]))
}

/// What of all that was seen is the first frame's.
fn take(seen: &mut Seen, fate: &Fate) -> Seen {
    let is_last = |(.., frame): &(_, _, Vec<u8>)| {
        let at = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
        !Packet::read(&frame[at..]).is_some_and(|piece| piece.more)
    };
    let count = match fate {
        Fate::Cut(..) => seen.nodes.iter().position(is_last).map_or(0, |at| at + 1),
        _ => seen.nodes.len().min(1),
    };
    let crossed = count.min(seen.wire.len());
    Seen {
        nodes: seen.nodes.drain(..count).collect(),
        wire: seen.wire.drain(..crossed).collect(),
    }
}

impl Left {
    /// In the words of the product.
    pub fn offload(self) -> Offload {
        match self {
            Self::Nothing => Offload::NONE,
            Self::Checksum => Offload {
                transport: TransportChecksum::Partial,
                ..Offload::NONE
            },
            Self::Segments(size) => Offload {
                transport: TransportChecksum::Partial,
                segment_size: NonZeroU16::new(size),
                ..Offload::NONE
            },
        }
    }

    pub fn of(offload: Offload) -> Self {
        match (offload.segment_size, offload.transport) {
            (Some(size), _) => Self::Segments(size.get()),
            (None, TransportChecksum::Partial) => Self::Checksum,
            (None, TransportChecksum::Complete) => Self::Nothing,
        }
    }
}

/// Where things stand in a frame with TCP or UDP in IPv4 or IPv6.
struct Places {
    ip: usize,
    v6: bool,
    transport: usize,
    protocol: u8,
    /// The checksum field.
    checksum: usize,
}

impl Places {
    fn of(frame: &[u8]) -> Self {
        let ip = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
        let v6 = frame[ip] >> 4 == 6;
        let (transport, protocol) = if v6 {
            (ip + 40, frame[ip + 6])
        } else {
            (ip + usize::from(frame[ip] & 15) * 4, frame[ip + 9])
        };
        let in_header = match protocol {
            6 => 16,
            17 => 6,
            other => panic!("a device knows no protocol {other}"),
        };
        Self {
            ip,
            v6,
            transport,
            protocol,
            checksum: transport + in_header,
        }
    }

    fn addresses<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        if self.v6 {
            &frame[self.ip + 8..self.ip + 40]
        } else {
            &frame[self.ip + 12..self.ip + 20]
        }
    }
}

/// Takes back what a device is to do: the checksum field has the sum of the
/// pseudo-header.
fn leave(finished: &[u8], left: Left) -> Vec<u8> {
    let mut frame = finished.to_vec();
    let places = Places::of(&frame);
    if left != Left::Nothing {
        let addresses = places.addresses(&frame);
        let (source, destination) = addresses.split_at(4);
        let len = frame.len() - places.transport;
        let pseudo = pseudo_header(
            source.try_into().unwrap(),
            destination.try_into().unwrap(),
            places.protocol,
            len,
        );
        let partial = !ones_sum(&pseudo);
        frame[places.checksum..places.checksum + 2].copy_from_slice(&partial.to_be_bytes());
    }
    frame
}

/// The frames that a device puts on a wire.
pub fn finish(frame: &[u8], left: Left) -> Vec<Vec<u8>> {
    let size = match left {
        Left::Nothing => return vec![frame.to_vec()],
        Left::Checksum => usize::MAX,
        Left::Segments(size) => usize::from(size),
    };
    let places = Places::of(frame);
    let field = places.checksum..places.checksum + 2;
    if size == usize::MAX {
        // It only adds up what it finds, so what it finds must be right.
        let mut frame = frame.to_vec();
        let sum = match ones_sum(&frame[places.transport..]) {
            0 if places.protocol == 17 => 0xffff,
            sum => sum,
        };
        frame[field].copy_from_slice(&sum.to_be_bytes());
        return vec![frame];
    }
    let headers = places.transport + usize::from(frame[places.transport + 12] >> 4) * 4;
    let (headers, payload) = frame.split_at(headers);
    let addresses = places.addresses(frame);
    let found = u16::from_be_bytes([frame[field.start], frame[field.start + 1]]);
    let len = (frame.len() - places.transport) as u32;
    let pseudo = [addresses, &len.to_be_bytes(), &[0, places.protocol]].concat();
    assert_eq!(
        found,
        !ones_sum(&pseudo),
        "the super-frame's partial checksum"
    );
    let count = payload.len().div_ceil(size).max(1);
    (0..count)
        .map(|at| {
            let from = at * size;
            let to = payload.len().min(from + size);
            let mut segment = [headers, &payload[from..to]].concat();
            number(&mut segment, &places, at, from);
            if at + 1 < count {
                // FIN and PSH are the last's …
                segment[places.transport + 13] &= !0x09;
            }
            if at > 0 {
                // … and CWR the first's.
                segment[places.transport + 13] &= !0x80;
            }
            segment[field.clone()].fill(0);
            let sum = pseudo_sum(addresses, places.protocol, &segment[places.transport..]);
            segment[field.clone()].copy_from_slice(&sum.to_be_bytes());
            segment
        })
        .collect()
}

/// Lengths, identification and sequence number of a segment.
fn number(segment: &mut [u8], places: &Places, at: usize, from: usize) {
    let ip = places.ip;
    let word = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    if places.v6 {
        let len = (segment.len() - ip - 40) as u16;
        segment[ip + 4..ip + 6].copy_from_slice(&len.to_be_bytes());
    } else {
        let len = (segment.len() - ip) as u16;
        segment[ip + 2..ip + 4].copy_from_slice(&len.to_be_bytes());
        let id = word(&segment[ip + 4..]).wrapping_add(at as u16);
        segment[ip + 4..ip + 6].copy_from_slice(&id.to_be_bytes());
        seal(&mut segment[ip..places.transport]);
    }
    let sequence = &mut segment[places.transport + 4..places.transport + 8];
    let first = u32::from_be_bytes((*sequence).try_into().unwrap());
    sequence.copy_from_slice(&first.wrapping_add(from as u32).to_be_bytes());
}
