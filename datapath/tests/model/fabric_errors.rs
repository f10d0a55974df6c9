//! What the fabric's routers say of our packets (RFC 4443 §3), and what of it a
//! node hears: that its packet was too large, or did not get there; never who
//! said so.

use packet::MacAddr;
use proptest::prelude::*;
use proptest::sample::select;

use super::bench::check::pseudo_sum;
use super::bench::cross;
use super::bench::plan::{STATIONS, Station, router_mac};
use super::carriage::{Carriage, carriage, is_echo_of_nothing};
use super::compare::{Met, Seen, judge, seal};
use super::ipv4::Packet;
use super::product::World;
use super::sent::{Sent, Setting};
use super::switch::{Fate, Refusal, Sizes, fate, refused, sender_of};
use super::{Judged, brief};

/// An ICMPv6 error.
#[derive(Debug, Clone)]
pub struct Complaint {
    kind: (u8, u8),
    /// The second word: the MTU of Packet Too Big.
    word: Word,
    /// So many bytes of the packet are quoted at most.
    quoted: usize,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Any(u32),
    /// So much less than the packet's length.
    Less(u16),
}

/// What a forger gets wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Checksum,
    /// The quoted packet's source is another address of our locator …
    Source,
    /// … or its destination one that nobody has.
    Destination,
    /// It is not sent to whom the quoted packet was from.
    Receiver,
}

pub fn complaints() -> impl Strategy<Value = Complaint> {
    let kinds = prop_oneof![
        6 => Just((2, 0)),
        4 => (select(vec![1, 3]), 0..8u8),
        1 => (0..128u8, 0..8u8),
    ];
    let words = prop_oneof![
        1 => any::<u32>().prop_map(Word::Any),
        2 => (1200..9100u32).prop_map(Word::Any),
        5 => (1..300u16).prop_map(Word::Less),
    ];
    // Even: nobody cuts a checksum in two.
    let quoted = prop_oneof![3 => Just(1232), 1 => 0..1232usize, 1 => 40..140usize];
    let quoted = quoted.prop_map(|len| len & !1);
    let faults = prop_oneof![
        8 => Just(None),
        1 => select(vec![Fault::Checksum, Fault::Source, Fault::Destination, Fault::Receiver])
            .prop_map(Some),
    ];
    (kinds, words, quoted, faults).prop_map(|(kind, word, quoted, fault)| Complaint {
        kind,
        word,
        quoted,
        fault,
    })
}

/// Sends a frame, lets a router of the fabric complain of what left, and says
/// what the sender should have heard and did.
pub fn check(setting: Setting, sent: &Sent, complaint: &Complaint) -> Judged<Met> {
    let frame = sent.frame();
    let from = sender_of(sent.site, sent.port, &frame).ok_or("neighbours are somebody")?;
    World::with(setting, |world| {
        let before = world.node_sends(sent.site, sent.port, &frame);
        let Some(crossed) = before.wire.last() else {
            return Ok(Met::Nothing);
        };
        let error = complaint.about(crossed, sent);
        let heard = world.substrate_delivers(sent.site, &error);
        let expected = complaint.heard(from, &frame, &before);
        let dump = |fault: String| {
            let (fate, error) = (expected.describe(), brief(&error));
            format!(
                "{fault}\nsent: {}\nsays: {error}\n{fate}\n{heard}",
                brief(&frame)
            )
        };
        let sizes = complaint.sizes_after(setting.sizes(), crossed);
        let judged = judge(&expected, sizes, Some(from), &heard, &mut world.ids);
        let met = judged.map_err(dump)?;
        // From now on the path is as long as the router said, and no shorter.
        let again = fate(sizes, sent.site, sent.port, &frame);
        let seen = world.node_sends(sent.site, sent.port, &frame);
        judge(&again, sizes, Some(from), &seen, &mut world.ids)
            .map_err(|fault| dump(format!("again: {fault}: {}\n{seen}", again.describe())))?;
        Ok(met)
    })
}

impl Complaint {
    fn word_about(&self, crossed: &[u8]) -> u32 {
        let len = (crossed.len() - 14) as u32;
        match self.word {
            Word::Any(word) => word,
            Word::Less(less) => len.saturating_sub(less.into()),
        }
    }

    /// The MTU that a router may well have said of the packet (RFC 8201 §4).
    fn believable_mtu(&self, crossed: &[u8]) -> Option<u16> {
        let mtu = self.word_about(crossed);
        let believable = self.kind.0 == 2 && self.is_sound() && mtu >= 1280;
        let lower = mtu < (crossed.len() - 14) as u32;
        (believable && lower).then_some(mtu as u16)
    }

    fn is_sound(&self) -> bool {
        self.fault.is_none() && self.quoted >= 40
    }

    fn sizes_after(&self, sizes: Sizes, crossed: &[u8]) -> Sizes {
        let mtu = self.believable_mtu(crossed).unwrap_or(u16::MAX);
        Sizes {
            path: sizes.path.min(mtu),
            ..sizes
        }
    }

    /// The frame that arrives at the sending host's uplink.
    fn about(&self, crossed: &[u8], sent: &Sent) -> Vec<u8> {
        let mut quoted = cross(crossed, sent.site)[14..].to_vec();
        let mut receiver: [u8; 16] = quoted[8..24].try_into().unwrap();
        match self.fault {
            Some(Fault::Source) => quoted[23] ^= 0x80,
            // Behind a phantom router there may be anybody: another slot then.
            Some(Fault::Destination) if quoted[32] & 2 != 0 => quoted[32] ^= 0x80,
            Some(Fault::Destination) => quoted[39] ^= 0x80,
            Some(Fault::Receiver) => receiver[15] ^= 0x40,
            Some(Fault::Checksum) | None => {}
        }
        quoted.truncate(self.quoted);
        let router = [0xfd, 0, 0, 0, 0, 0, 0, 0xfe, 0, 0, 0, 0, 0, 0, 0, 7];
        let mut message = vec![self.kind.0, self.kind.1, 0, 0];
        message.extend(self.word_about(crossed).to_be_bytes());
        message.extend(quoted);
        let sum = pseudo_sum(&[router, receiver].concat(), 58, &message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        if matches!(self.fault, Some(Fault::Checksum)) {
            message[3] ^= 1;
        }
        let uplink = sent.site.uplink_mac(sent.site.uplinks()[0].0);
        let mut frame = [uplink.octets(), router_mac(0).octets()].concat();
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((message.len() as u16).to_be_bytes());
        frame.extend([58, 61]);
        frame.extend(router);
        frame.extend(receiver);
        frame.extend(message);
        frame
    }

    /// What the sender hears.
    fn heard(&self, from: &Station, frame: &[u8], before: &Seen) -> Fate {
        let (Some(crossed), Some((site, port, arrived))) =
            (before.wire.last(), before.nodes.last())
        else {
            return Fate::Nothing;
        };
        let place = |frame: &[u8]| if frame[12..14] == [0x81, 0] { 18 } else { 14 };
        let tag = (place(arrived) == 18).then(|| u16::from_be_bytes([arrived[14], arrived[15]]));
        let is_receiver = |s: &&Station| {
            (s.1, s.2.port, s.5) == (*site, *port, tag) && arrived[..6] == s.2.mac.octets()
        };
        let Some(to) = STATIONS.iter().find(is_receiver) else {
            return Fate::Nothing;
        };
        // A piece is quoted as it arrived; what was not cut, as it was sent.
        let cut = before.wire.len() > 1;
        let packet_of = |frame: &[u8]| {
            let at = place(frame);
            (frame[at - 2..at] == [8, 0]).then(|| frame[at..].to_vec())
        };
        let Some(mut bytes) = packet_of(if cut { arrived } else { frame }) else {
            return Fate::Nothing;
        };
        // Its sender knows it with the TTL that it had before all routers; of
        // one that brought it back into its own segment nothing is known.
        let known = if to.4 == from.4 { arrived } else { frame };
        bytes[8] = known[place(known) + 8];
        let header_len = usize::from(bytes[0] & 15) * 4;
        seal(&mut bytes[..header_len]);
        let raw = crossed[20] == 97;
        let Some(packet) = Packet::read(&bytes) else {
            return Fate::Nothing;
        };
        let (header_len, whole) = (packet.header_len, !packet.is_fragment());
        if !raw && whole {
            // Nobody on the way knows it.
            bytes[4..6].fill(0);
            seal(&mut bytes[..header_len]);
        }
        let packet = Packet::read(&bytes).unwrap();
        self.report((from, to.2.mac), &packet, crossed)
    }

    fn report(&self, (from, to): (&Station, MacAddr), packet: &Packet<'_>, crossed: &[u8]) -> Fate {
        let overhead = match (crossed[20], carriage(packet)) {
            (97, _) => 56,
            (_, Carriage::Fragment) => 28,
            _ => 20,
        };
        let report = match self.kind.0 {
            _ if !self.is_sound() => Fate::Nothing,
            1 | 3 => refused(from, to, packet, (3, 1), 0),
            2 => match self.believable_mtu(crossed) {
                Some(mtu) if packet.dont_fragment => {
                    refused(from, to, packet, (3, 4), mtu - overhead)
                }
                _ => Fate::Nothing,
            },
            _ => Fate::Nothing,
        };
        let known = self.quoted.saturating_sub(usize::from(overhead));
        let report = with_known(report, known.min(packet.len()));
        if is_echo_of_nothing(packet) && known.min(576 - 28) < packet.len() {
            // Its checksum's zero is one of two, and only the whole tells which.
            return Fate::Either(Box::new([either_zero(report, packet), Fate::Nothing]));
        }
        if known < packet.header_len + packet.payload.len().min(8) {
            // RFC 4443 §2.4 c wants as much as possible. Of less than 8 bytes
            // the node may be told, or not.
            return Fate::Either(Box::new([report, Fate::Nothing]));
        }
        report
    }
}

fn either_zero(fate: Fate, packet: &Packet<'_>) -> Fate {
    let mut other = packet.bytes.to_vec();
    other[packet.header_len + 2..packet.header_len + 4].fill(0);
    let of_other = match fate.clone() {
        Fate::Refused(refusal) => Fate::Refused(Refusal {
            packet: other,
            known: packet.header_len,
            ..refusal
        }),
        fate => fate,
    };
    Fate::Either(Box::new([fate, of_other]))
}

fn with_known(fate: Fate, known: usize) -> Fate {
    match fate {
        Fate::Refused(refusal) => Fate::Refused(Refusal { known, ..refusal }),
        Fate::Either(fates) => {
            let [one, other] = *fates;
            Fate::Either(Box::new([with_known(one, known), with_known(other, known)]))
        }
        other => other,
    }
}
