//! What an IPv4 packet is made from: a few numbers, which shrink well, and how
//! they become bytes. Written out; nothing of the product is in it.

use crate::bench::Ip;
use crate::bench::check::ones_sum;
use crate::bench::random::Random;

/// An IPv4 packet of any kind, but for its addresses.
#[derive(Debug, Clone)]
pub struct Draft {
    pub tos: u8,
    pub id: u16,
    pub ttl: u8,
    pub reserved: bool,
    pub dont_fragment: bool,
    pub options: Vec<Opt>,
    /// Set: only this piece of the datagram.
    pub piece: Option<Piece>,
    pub body: Body,
}

/// A piece of a datagram: its place in units of 8 bytes, whether more follow,
/// and how many bytes it has (or as many as there are).
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    pub offset: u16,
    pub more: bool,
    pub len: u16,
}

/// Bytes that a seed repeats; seed 0 is zeros.
#[derive(Debug, Clone, Copy)]
pub struct Data {
    pub len: u16,
    pub seed: u32,
}

#[derive(Debug, Clone)]
pub enum Body {
    /// TCP, UDP, UDP-Lite or DCCP.
    Transport {
        protocol: u8,
        ports: (u16, u16),
        data: Data,
        checksum: Field,
    },
    /// Any other protocol, or one of those without a header of its own.
    Opaque { protocol: u8, data: Data },
    /// ICMP without a quoted packet.
    Icmp {
        kind: (u8, u8),
        word: u32,
        data: Data,
        checksum: Field,
    },
    /// ICMP with one.
    Error {
        kind: (u8, u8),
        word: u32,
        quote: Box<Quote>,
        checksum: Field,
    },
}

/// What stands in a checksum field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Right,
    Wrong,
    Zero,
    AllOnes,
    /// The right one, of data that make it zero (sent as all ones by UDP).
    ComputedZero,
}

/// The packet that an ICMP error is about.
#[derive(Debug, Clone)]
pub struct Quote {
    pub draft: Draft,
    pub whose: Whose,
    /// It is cut off after so many bytes.
    pub cut: u16,
    pub header_checksum_wrong: bool,
    pub extension: Option<Extension>,
}

#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// From whom the error goes to, to whom it comes from: what errors are for.
    Receivers,
    /// The other way round.
    Senders,
    /// Between others.
    Strangers(Ip, Ip),
}

/// RFC 4884: more about the error, behind the quoted packet.
#[derive(Debug, Clone, Copy)]
pub struct Extension {
    /// The length attribute says where it begins (§4); if not, it begins after
    /// 128 bytes (§5.5: before there was a length attribute).
    pub length_said: bool,
    pub data: Data,
}

#[derive(Debug, Clone, Copy)]
pub enum Opt {
    End,
    Nop,
    /// Addresses there is room for, and how many are filled in.
    RecordRoute(u8, u8),
    Timestamp(u8, u8),
    RouterAlert,
    LooseRoute(u8, u8),
    StrictRoute(u8, u8),
    /// Any other: its type (with the copied bit), and how many bytes follow.
    Other(u8, u8),
}

impl Draft {
    /// The IPv4 packet between two addresses.
    pub fn between(&self, source: Ip, destination: Ip) -> Vec<u8> {
        let whole = self.body.bytes(source, destination);
        let payload = match self.piece {
            None => whole,
            Some(piece) => {
                let from = usize::from(piece.offset) * 8;
                let rest = whole.get(from..).filter(|rest| !rest.is_empty());
                let mut rest = rest.unwrap_or(&whole).to_vec();
                rest.truncate(usize::from(piece.len));
                rest
            }
        };
        let options = options(&self.options);
        let header_len = 20 + options.len();
        let total = (header_len + payload.len()) as u16;
        let (offset, more) = self.piece.map_or((0, false), |p| (p.offset, p.more));
        let flags = u16::from(self.reserved) << 15
            | u16::from(self.dont_fragment) << 14
            | u16::from(more) << 13
            | offset;
        let mut packet = vec![0x40 | (header_len / 4) as u8, self.tos];
        packet.extend(total.to_be_bytes());
        packet.extend(self.id.to_be_bytes());
        packet.extend(flags.to_be_bytes());
        packet.extend([self.ttl, self.body.protocol(), 0, 0]);
        packet.extend(source);
        packet.extend(destination);
        packet.extend(options);
        let sum = ones_sum(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(payload);
        packet
    }
}

impl Body {
    pub fn protocol(&self) -> u8 {
        match self {
            Self::Transport { protocol, .. } | Self::Opaque { protocol, .. } => *protocol,
            Self::Icmp { .. } | Self::Error { .. } => 1,
        }
    }

    fn bytes(&self, source: Ip, destination: Ip) -> Vec<u8> {
        match self {
            Self::Opaque { data, .. } => data.bytes(),
            Self::Transport {
                protocol,
                ports,
                data,
                checksum,
            } => {
                let mut bytes = transport(*protocol, *ports, *data);
                let pseudo = pseudo_header(source, destination, *protocol, bytes.len());
                let (at, tuned) = if *protocol == 6 { (16, 4) } else { (6, 8) };
                let never_zero = matches!(protocol, 17 | 136);
                checksum.put(&mut bytes, &pseudo, at, tuned, never_zero);
                bytes
            }
            Self::Icmp {
                kind,
                word,
                data,
                checksum,
            } => icmp(*kind, word.to_be_bytes(), &data.bytes(), *checksum),
            Self::Error {
                kind,
                word,
                quote,
                checksum,
            } => {
                let (quoted, words) = quote.bytes(source, destination);
                let mut word = word.to_be_bytes();
                if let Some(words) = words {
                    word[1] = words;
                }
                icmp(*kind, word, &quoted, *checksum)
            }
        }
    }
}

impl Data {
    pub fn bytes(self) -> Vec<u8> {
        let len = usize::from(self.len);
        match self.seed {
            0 => vec![0; len],
            seed => Random::seeded(u64::from(seed)).bytes(len),
        }
    }
}

impl Quote {
    /// The bytes behind the error's header, and RFC 4884's length attribute.
    fn bytes(&self, source: Ip, destination: Ip) -> (Vec<u8>, Option<u8>) {
        let (from, to) = match self.whose {
            Whose::Receivers => (destination, source),
            Whose::Senders => (source, destination),
            Whose::Strangers(from, to) => (from, to),
        };
        let mut bytes = self.draft.between(from, to);
        if self.header_checksum_wrong {
            bytes[11] ^= 1;
        }
        bytes.truncate(usize::from(self.cut));
        let Some(extension) = self.extension else {
            return (bytes, None);
        };
        // RFC 4884 §4: padded with zeros, to 128 bytes at least.
        if extension.length_said {
            bytes.resize(bytes.len().next_multiple_of(4).clamp(128, 1020), 0);
        } else {
            bytes.resize(128, 0);
        }
        let words = extension.length_said.then_some((bytes.len() / 4) as u8);
        let object = extension.data.bytes();
        let mut structure = vec![0x20, 0, 0, 0];
        structure.extend(((object.len() + 4) as u16).to_be_bytes());
        structure.extend([1, 1]);
        structure.extend(object);
        let sum = ones_sum(&structure);
        structure[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes.extend(structure);
        (bytes, words)
    }
}

impl Field {
    /// Writes it at `at`. `tuned` is where a word may be changed to get a
    /// checksum of zero.
    fn put(self, bytes: &mut [u8], pseudo: &[u8], at: usize, tuned: usize, never_zero: bool) {
        let sum = |bytes: &[u8]| match ones_sum(&[pseudo, bytes].concat()) {
            0 if never_zero => 0xffff,
            sum => sum,
        };
        let right = sum(bytes);
        if self == Self::ComputedZero
            && let Some([high, low]) = bytes.get_mut(tuned..tuned + 2)
        {
            let word = u32::from(u16::from_be_bytes([*high, *low])) + u32::from(right);
            [*high, *low] = (((word & 0xffff) + (word >> 16)) as u16).to_be_bytes();
        }
        let value = match self {
            Self::Right | Self::ComputedZero => sum(bytes),
            Self::Wrong => right ^ 0x0100,
            Self::Zero => 0,
            Self::AllOnes => 0xffff,
        };
        if let Some(field) = bytes.get_mut(at..at + 2) {
            field.copy_from_slice(&value.to_be_bytes());
        }
    }
}

fn transport(protocol: u8, ports: (u16, u16), data: Data) -> Vec<u8> {
    let mut bytes = ports.0.to_be_bytes().to_vec();
    bytes.extend(ports.1.to_be_bytes());
    match protocol {
        6 => {
            // Sequence numbers from the data's seed; no options; flags, window.
            bytes.extend(data.seed.to_be_bytes());
            bytes.extend((!data.seed).to_be_bytes());
            bytes.extend([0x50, data.seed as u8, 0x12, 0x34, 0, 0, 0, 0]);
        }
        33 => {
            // Data offset 3 words, CCVal and CsCov 0; Data, short sequence.
            bytes.extend([3, 0, 0, 0, 4, 0, 0, 7]);
        }
        _ => {
            bytes.extend((data.len + 8).to_be_bytes());
            bytes.extend([0, 0]);
        }
    }
    bytes.extend(data.bytes());
    bytes
}

fn icmp(kind: (u8, u8), word: [u8; 4], data: &[u8], checksum: Field) -> Vec<u8> {
    let mut bytes = vec![kind.0, kind.1, 0, 0];
    bytes.extend(word);
    bytes.extend(data);
    checksum.put(&mut bytes, &[], 2, 4, false);
    bytes
}

/// RFC 793 §3.1, RFC 768.
pub fn pseudo_header(source: Ip, destination: Ip, protocol: u8, len: usize) -> Vec<u8> {
    let mut bytes = [source, destination].concat();
    bytes.extend([0, protocol]);
    bytes.extend((len as u16).to_be_bytes());
    bytes
}

/// As many as 40 bytes hold, filled up with End of Option List.
fn options(list: &[Opt]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for option in list {
        let next = option.bytes();
        if bytes.len() + next.len() <= 40 {
            bytes.extend(next);
        }
        if matches!(option, Opt::End) {
            break;
        }
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

impl Opt {
    fn bytes(self) -> Vec<u8> {
        let route = |kind: u8, room: u8, used: u8| {
            let mut bytes = vec![kind, 3 + 4 * room, 4 + 4 * used.min(room)];
            bytes.extend((0..room).flat_map(|at| [10, 0, 0, at]));
            bytes
        };
        match self {
            Self::End => vec![0],
            Self::Nop => vec![1],
            Self::RecordRoute(room, used) => route(7, room, used),
            Self::LooseRoute(room, used) => route(131, room, used),
            Self::StrictRoute(room, used) => route(137, room, used),
            Self::Timestamp(room, used) => {
                let mut bytes = vec![68, 4 + 4 * room, 5 + 4 * used.min(room), 0];
                bytes.extend((0..room).flat_map(|at| [0x80, at, 0, 1]));
                bytes
            }
            Self::RouterAlert => vec![148, 4, 0, 0],
            Self::Other(kind, len) => {
                let mut bytes = vec![kind, 2 + len];
                bytes.extend(0..len);
                bytes
            }
        }
    }
}
