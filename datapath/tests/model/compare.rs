//! Did the tenants, and the fabric, see what the model says?

use std::collections::{HashMap, HashSet, VecDeque};

use packet::MacAddr;

use super::bench::check::ones_sum;
use super::bench::plan::Station;
use super::bench::{Ip, Site};
use super::carriage::{Carriage, Why, carriage_to, is_textbook_error};
use super::copies::many;
use super::groups::is_group;
use super::ipv4::Packet;
use super::switch::{Fate, Refusal, Sizes, ethernet, is};
use super::wire::{self, Wire};
use super::{Judged, brief, ensure};

/// Everything that left the hosts after one frame came in.
#[derive(Clone, Default)]
pub struct Seen {
    /// Frames to nodes: host, port, bytes.
    pub nodes: Vec<(Site, u16, Vec<u8>)>,
    /// Frames between the hosts.
    pub wire: Vec<Vec<u8>>,
}

impl core::fmt::Display for Seen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for frame in &self.wire {
            writeln!(f, "on the fabric: {}", brief(frame))?;
        }
        for (site, port, frame) in &self.nodes {
            writeln!(f, "out of {site:?}'s port {port}: {}", brief(frame))?;
        }
        Ok(())
    }
}

/// What a case has met, for the count of what the cases are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    Nothing,
    Answered,
    /// With a type and a code.
    Refused(u8, u8),
    Local,
    LocalCut,
    Rewritten,
    Fragment,
    Raw(Why),
    ErrorTranslated {
        textbook: bool,
    },
    ErrorRaw,
    Cut,
    /// It arrived over routers …
    Routed(Hop),
    /// … and one of them answered.
    RouterAnswered,
    /// Everybody heard it; how those on the other host did.
    Many(Spread),
}

/// How what is for many went to the other host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spread {
    Rewritten,
    Fragment,
    /// Under its group's address …
    Raw,
    /// … or under the one that is kept for the rest.
    RawToAll,
    Error,
    Cut,
    /// It is too large for the fabric and may not be cut; on this host, some
    /// have got it.
    HereOnly,
}

/// How a packet that was routed went the last part of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    Local,
    Rewritten,
    Fragment,
    Raw,
    Error,
    Cut,
}

/// The identifications of whole datagrams that may be fragmented: each (source,
/// destination, protocol)'s latest, which must differ (RFC 6864 §4.3).
#[derive(Debug, Default)]
pub struct Ids(HashMap<(Ip, Ip, u8), Recent>);

/// The same identifications twice: to look up, and in order.
type Recent = (HashSet<u16>, VecDeque<u16>);

impl Ids {
    /// So many datagrams of a triple may be under way at once.
    const LIFETIME: usize = 4096;

    fn add(&mut self, packet: &Packet<'_>) -> Judged {
        let key = (packet.source, packet.destination, packet.protocol);
        let (set, order) = self.0.entry(key).or_default();
        order.push_back(packet.id);
        if order.len() > Self::LIFETIME {
            let oldest = order.pop_front().unwrap();
            set.remove(&oldest);
        }
        ensure(
            set.insert(packet.id),
            "an identification came again too soon",
        )
    }
}

/// Compares what was seen with the fate of what `from` sent.
pub fn judge(
    fate: &Fate,
    sizes: Sizes,
    from: Option<&Station>,
    seen: &Seen,
    ids: &mut Ids,
) -> Judged<Met> {
    let Some(from) = from else {
        ensure(*fate == Fate::Nothing, "the model knows no sender")?;
        return nothing(seen);
    };
    match fate {
        Fate::Nothing => nothing(seen),
        Fate::Answered(frame) => {
            only_frame(seen, from, frame)?;
            ensure(
                seen.wire.is_empty(),
                "an answer, and something on the fabric",
            )?;
            let at = if frame[12..14] == [0x81, 0] { 16 } else { 12 };
            Ok(match frame[at..at + 2] {
                [8, 0] => Met::RouterAnswered,
                _ => Met::Answered,
            })
        }
        Fate::Refused(refusal) => refused(refusal, from, seen),
        Fate::Delivered(to, frame) if to.1 == from.1 => {
            only_frame(seen, to, frame)?;
            ensure(
                seen.wire.is_empty(),
                "stays here, and something on the fabric",
            )?;
            Ok(or_routed(Met::Local, frame, from))
        }
        Fate::Delivered(to, frame) => {
            let met = delivered(frame, sizes, (from, to), seen, ids)?;
            Ok(or_routed(met, frame, from))
        }
        Fate::Cut(to, frame) => {
            let met = cut(frame, sizes, (from, to), seen)?;
            Ok(or_routed(met, frame, from))
        }
        Fate::Many(copies) => many(copies, sizes, from, seen, ids),
        Fate::Either(fates) => {
            let [one, other] = &**fates;
            judge(one, sizes, Some(from), seen, ids)
                .or_else(|_| judge(other, sizes, Some(from), seen, ids))
        }
    }
}

/// What arrives from another's MAC has been routed.
fn or_routed(met: Met, frame: &[u8], from: &Station) -> Met {
    if source_of(frame) == from.2.mac {
        return met;
    }
    Met::Routed(match met {
        Met::Local => Hop::Local,
        Met::Rewritten => Hop::Rewritten,
        Met::Fragment => Hop::Fragment,
        Met::Raw(_) => Hop::Raw,
        Met::ErrorTranslated { .. } | Met::ErrorRaw => Hop::Error,
        Met::Cut | Met::LocalCut => Hop::Cut,
        other => return other,
    })
}

/// The MAC from which a frame arrives.
fn source_of(frame: &[u8]) -> MacAddr {
    MacAddr::new(frame[6..12].try_into().unwrap())
}

fn nothing(seen: &Seen) -> Judged<Met> {
    ensure(
        seen.nodes.is_empty() && seen.wire.is_empty(),
        "nobody should hear of it",
    )?;
    Ok(Met::Nothing)
}

/// One frame went to a node: this one to this one.
fn only_frame(seen: &Seen, to: &Station, frame: &[u8]) -> Judged {
    match &seen.nodes[..] {
        [(site, port, bytes)] if (*site, *port) == (to.1, to.2.port) => {
            ensure(bytes == frame, "not the frame that should arrive")
        }
        _ => Err("not one frame to the right node".to_owned()),
    }
}

/// The IPv4 packet in a frame to a station, whose Ethernet header and tag must
/// be these.
fn packet_in<'a>(frame: &'a [u8], to: &Station, source: MacAddr) -> Judged<Packet<'a>> {
    let header = ethernet(source, to, 0x0800, &[]);
    let bytes = frame.strip_prefix(&header[..]);
    let bytes = bytes.ok_or("Ethernet header or tag")?;
    let packet = Packet::read(bytes).ok_or("an IPv4 header that nobody may believe")?;
    ensure(packet.len() == bytes.len(), "bytes behind the packet")?;
    Ok(packet)
}

fn delivered(
    frame: &[u8],
    sizes: Sizes,
    (from, to): (&Station, &Station),
    seen: &Seen,
    ids: &mut Ids,
) -> Judged<Met> {
    let [crossed] = &seen.wire[..] else {
        return Err(format!(
            "{} packets on the fabric, not one",
            seen.wire.len()
        ));
    };
    let crossed = wire::read(crossed, from, to, sizes.path)?;
    let source = source_of(frame);
    let Ok(sent) = packet_in(frame, to, source) else {
        // Not IP: goes raw, as it is.
        only_frame(seen, to, frame)?;
        ensure(matches!(crossed, Wire::Raw(_)), "not raw")?;
        return Ok(Met::Raw(Why::NotIp));
    };
    let met = crossed_rightly(&crossed, &sent, from, to)?;
    let whole = matches!(crossed, Wire::Rewritten(_)) && !sent.is_fragment();
    let mut expected = frame.to_vec();
    if let [(.., got)] = &seen.nodes[..]
        && whole
        && let Ok(got) = packet_in(got, to, source)
    {
        if got.dont_fragment {
            ensure(got.id == 0, "DF, and an identification other than 0")?;
        } else {
            ids.add(&got)?;
        }
        let header = frame.len() - sent.len();
        expected[header + 4..header + 6].copy_from_slice(&got.id.to_be_bytes());
        seal(&mut expected[header..header + sent.header_len]);
    }
    only_frame(seen, to, &expected)?;
    Ok(met)
}

/// One packet on the fabric stands for one IPv4 packet, and travels as it must.
fn crossed_rightly(
    crossed: &Wire,
    packet: &Packet<'_>,
    from: &Station,
    to: &Station,
) -> Judged<Met> {
    let expected = carriage_to(to, packet);
    let to_many = is_group(to.2.mac);
    let known = is(from, packet.source) && is(to, packet.destination);
    match crossed {
        Wire::Raw(raw) => {
            let inside = &raw.frame;
            ensure(raw.traffic_class == packet.tos, "DSCP and ECN outside")?;
            let right = inside[6..12] == from.2.mac.octets() && inside[12..14] == [8, 0];
            ensure(right && inside[14..] == *packet.bytes, "another raw frame")?;
            ensure(
                !to_many || inside[..6] == to.2.mac.octets(),
                "for other many",
            )?;
            match expected {
                Carriage::Raw(why) => Ok(Met::Raw(why)),
                // What is quoted was from a group, or from or to somebody who is
                // drawn nowhere: they have no address.
                Carriage::ByContents if to_many || !known || !is_textbook_error(packet) => {
                    Ok(Met::ErrorRaw)
                }
                _ => Err("raw, and need not be".to_owned()),
            }
        }
        Wire::Rewritten(header) => {
            header.says(packet, from, to)?;
            match expected {
                Carriage::Rewritten => Ok(Met::Rewritten),
                Carriage::Fragment => Ok(Met::Fragment),
                Carriage::ByContents => {
                    let textbook = is_textbook_error(packet);
                    Ok(Met::ErrorTranslated { textbook })
                }
                Carriage::Raw(why) => Err(format!("must go raw: {why:?}")),
            }
        }
    }
}

/// It arrives in pieces that make up the packet again: each byte once, each
/// field as it was, each option where RFC 791 §3.1 wants it.
fn cut(frame: &[u8], sizes: Sizes, ends: (&Station, &Station), seen: &Seen) -> Judged<Met> {
    let (from, to) = ends;
    let source = source_of(frame);
    let sent = packet_in(frame, to, source)?;
    let crosses = from.1 != to.1;
    ensure(seen.nodes.len() >= 2, "not cut")?;
    let mut pieces = Vec::new();
    for (site, port, bytes) in &seen.nodes {
        ensure(
            (*site, *port) == (to.1, to.2.port),
            "a piece to somebody else",
        )?;
        pieces.push(packet_in(bytes, to, source)?);
    }
    let mut rewritten = Vec::new();
    if crosses {
        ensure(
            seen.wire.len() == pieces.len(),
            "pieces were lost, or made, on the way",
        )?;
        for (piece, crossed) in pieces.iter().zip(&seen.wire) {
            let crossed = wire::read(crossed, from, to, sizes.path)?;
            crossed_rightly(&crossed, piece, from, to)?;
            if let Wire::Rewritten(header) = crossed {
                rewritten.push(header);
            }
        }
    } else {
        ensure(
            seen.wire.is_empty(),
            "stays here, and something on the fabric",
        )?;
    }
    let room = match crosses {
        false => sizes.segment,
        true if rewritten.len() == pieces.len() => sizes.segment.min(sizes.path - 28),
        true => sizes.segment.min(sizes.path - 56),
    };
    make_up(&pieces, &sent, sizes, room.into())?;
    if rewritten.len() == pieces.len() && !sent.is_fragment() {
        let payloads: Vec<&[u8]> = rewritten.iter().map(|r| &r.payload[..]).collect();
        let whole = wire::Rewritten {
            payload: payloads.concat(),
            ..rewritten[0].clone()
        };
        whole.checksum_is_as_right_as(sent.source, sent.destination, sent.payload)?;
    }
    Ok(if crosses { Met::Cut } else { Met::LocalCut })
}

/// In `room` bytes each fits, and what one piece can hold is not in two.
fn make_up(pieces: &[Packet<'_>], sent: &Packet<'_>, sizes: Sizes, room: usize) -> Judged {
    let mut at = sent.offset;
    let mut payload = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let last = number + 1 == pieces.len();
        let same = |p: &Packet<'_>| {
            let addresses = (p.source, p.destination);
            (
                addresses,
                p.tos,
                p.id,
                p.ttl,
                p.protocol,
                p.reserved,
                p.dont_fragment,
            )
        };
        ensure(same(piece) == same(sent), "a field of the header changed")?;
        ensure(piece.offset == at, "a gap or an overlap")?;
        ensure(piece.more == (!last || sent.more), "more fragments, or not")?;
        ensure(
            last || piece.payload.len() % 8 == 0,
            "a piece of odd length",
        )?;
        ensure(
            piece.len() <= usize::from(sizes.segment),
            "larger than the segment's MTU",
        )?;
        let fair = room - sent.header_len - 7;
        ensure(last || piece.payload.len() >= fair, "cut finer than needed")?;
        if number == 0 {
            ensure(piece.options == sent.options, "options of the first piece")?;
        } else {
            let mut copied = sent.option_list();
            copied.retain(|(kind, _)| kind & 0x80 != 0);
            ensure(piece.option_list() == copied, "options of a later piece")?;
        }
        payload.extend_from_slice(piece.payload);
        at += piece.payload.len();
    }
    ensure(payload == sent.payload, "not the bytes that were sent")
}

/// RFC 792, RFC 1191 §4, RFC 1812 §4.3.2: the error quotes the packet as it was.
fn refused(refusal: &Refusal, from: &Station, seen: &Seen) -> Judged<Met> {
    ensure(seen.wire.is_empty(), "refused, and something on the fabric")?;
    let [(site, port, frame)] = &seen.nodes[..] else {
        return Err(format!(
            "{} frames to nodes, not one error",
            seen.nodes.len()
        ));
    };
    ensure(
        (*site, *port) == (from.1, from.2.port),
        "an error to somebody else",
    )?;
    let error = packet_in(frame, from, refusal.from.mac)?;
    let packet = Packet::read(&refusal.packet).ok_or("the model's own packet")?;
    let plain = error.options.is_empty() && !error.is_fragment() && !error.reserved;
    ensure(plain && error.protocol == 1, "an odd header")?;
    ensure(error.ttl == refusal.from.ttl, "the error's own TTL")?;
    ensure(
        error.source == refusal.from.ip,
        "not from whom it should be",
    )?;
    ensure(error.destination == packet.source, "not to the sender")?;
    ensure(ones_sum(error.payload) == 0, "the error's checksum")?;
    // RFC 1812 §4.3.2.5: internetwork control, and the rest as in the packet.
    ensure(
        error.tos == 0xc0 | packet.tos & 0x1e,
        "the error's type of service",
    )?;
    let [high, low] = refusal.mtu.to_be_bytes();
    let [kind, code, _, _, 0, 0, a, b, quoted @ ..] = error.payload else {
        return Err("an error of an odd form".to_owned());
    };
    ensure((*kind, *code) == refusal.kind, "type or code")?;
    ensure([*a, *b] == [high, low], "MTU")?;
    ensure(error.len() <= 576, "RFC 1812 §4.3.2.3: at most 576 bytes")?;
    let enough = refusal.known.min(packet.header_len + 8);
    ensure(quoted.len() >= enough, "quotes too little")?;
    ensure(packet.bytes.starts_with(quoted), "quotes something else")?;
    Ok(Met::Refused(*kind, *code))
}

/// Writes the right checksum into an IPv4 header.
pub fn seal(header: &mut [u8]) {
    header[10..12].fill(0);
    let sum = ones_sum(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}
