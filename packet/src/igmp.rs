//! Internet group management: who listens to which group (RFC 1112 version 1,
//! RFC 2236 version 2, RFC 3376 version 3), as a switch reads it, and as it asks.
//!
//! Every message of versions 2 and 3 travels with TTL 1 and a Router Alert option
//! ([`ROUTER_ALERT`]).

use core::net::Ipv4Addr;
use core::time::Duration;

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum;
use crate::ids::VirtualAddr;

/// Type of a query, all versions.
pub const QUERY: u8 = 0x11;
/// Type of a version 1 report.
pub const V1_REPORT: u8 = 0x12;
/// Type of a version 2 report.
pub const V2_REPORT: u8 = 0x16;
/// Type of a version 2 leave.
pub const V2_LEAVE: u8 = 0x17;
/// Type of a version 3 report.
pub const V3_REPORT: u8 = 0x22;

/// The TTL of every message.
pub const TTL: u8 = 1;
/// The Router Alert option (RFC 2113 §2.1).
pub const ROUTER_ALERT: [u8; 4] = [148, 4, 0, 0];

/// Where general queries go.
pub const ALL_SYSTEMS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// Where version 3 reports go.
pub const ALL_V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);

/// The shortest message, in bytes.
const MIN_LEN: usize = 8;
/// A version 3 report before its records, in bytes.
pub const REPORT_LEN: usize = 8;
/// A record without sources, in bytes.
pub const RECORD_LEN: usize = 8;
/// An address, in bytes.
const ADDRESS_LEN: usize = 4;

/// A message that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IgmpError {
    /// Cut short, or its records reach beyond its end.
    #[error("shorter than it says")]
    Truncated,
    /// Damaged.
    #[error("checksum is wrong")]
    Checksum,
    /// Of something that is no group.
    #[error("group is not a multicast address")]
    Group,
    /// None of the types above.
    #[error("type is unknown")]
    Kind,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Fixed {
    kind: u8,
    code: u8,
    checksum: U16,
    group: [u8; 4],
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RecordHeader {
    kind: u8,
    auxiliary_words: u8,
    sources: U16,
    group: [u8; 4],
}

/// A message whose checksum, lengths and groups are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'m> {
    /// A router asks.
    Query(Query),
    /// A host listens to one group (versions 1 and 2).
    Report(VirtualAddr),
    /// A host no longer listens to one group (version 2).
    Leave(VirtualAddr),
    /// What a host says of its groups (version 3).
    Records(Records<'m>),
}

/// "Who listens?"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The group asked for; `None` asks for all.
    pub group: Option<VirtualAddr>,
    /// Answer within this time.
    pub max_response: Duration,
}

/// The records of a version 3 report, which [`Message::parse`] has found sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records<'m> {
    left: u16,
    bytes: &'m [u8],
}

/// What a version 3 report says of one group (RFC 3376 §4.2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'m> {
    /// How its sources are meant.
    pub kind: RecordKind,
    /// The group.
    pub group: VirtualAddr,
    /// The sources.
    pub sources: Sources<'m>,
}

/// How the sources of a record are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// These only (`MODE_IS_INCLUDE`); answer to a query.
    IsInclude,
    /// All but these (`MODE_IS_EXCLUDE`); answer to a query.
    IsExclude,
    /// These only, from now (`CHANGE_TO_INCLUDE_MODE`).
    ToInclude,
    /// All but these, from now (`CHANGE_TO_EXCLUDE_MODE`).
    ToExclude,
    /// These, too (`ALLOW_NEW_SOURCES`).
    Allow,
    /// These no longer (`BLOCK_OLD_SOURCES`).
    Block,
}

impl RecordKind {
    const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::IsInclude,
            2 => Self::IsExclude,
            3 => Self::ToInclude,
            4 => Self::ToExclude,
            5 => Self::Allow,
            6 => Self::Block,
            _ => return None,
        })
    }

    const fn number(self) -> u8 {
        match self {
            Self::IsInclude => 1,
            Self::IsExclude => 2,
            Self::ToInclude => 3,
            Self::ToExclude => 4,
            Self::Allow => 5,
            Self::Block => 6,
        }
    }
}

/// The source addresses of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sources<'m>(&'m [u8]);

impl<'m> Sources<'m> {
    /// How many.
    pub const fn len(self) -> usize {
        self.0.len() / ADDRESS_LEN
    }

    /// None at all?
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each.
    pub fn iter(self) -> impl Iterator<Item = VirtualAddr> + use<'m> {
        let (all, _) = self.0.as_chunks::<ADDRESS_LEN>();
        let bits = all.iter().copied().map(u32::from_be_bytes);
        bits.map(VirtualAddr::from_bits)
    }
}

impl<'m> Message<'m> {
    /// The message in the payload of an IPv4 packet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(payload: &'m [u8]) -> Result<Self, IgmpError> {
        let (fixed, rest) = Fixed::ref_from_prefix(payload).map_err(|_| IgmpError::Truncated)?;
        if checksum::of(payload) != 0 {
            return Err(IgmpError::Checksum);
        }
        let group = VirtualAddr::from_bits(u32::from_be_bytes(fixed.group));
        let of_group = || match group.ipv4().is_multicast() {
            true => Ok(group),
            false => Err(IgmpError::Group),
        };
        Ok(match fixed.kind {
            QUERY => Self::Query(Query {
                group: match group.to_bits() {
                    0 => None,
                    _ => Some(of_group()?),
                },
                max_response: max_response(fixed.code, rest),
            }),
            V1_REPORT | V2_REPORT => Self::Report(of_group()?),
            V2_LEAVE => Self::Leave(of_group()?),
            V3_REPORT => {
                let [_, _, high, low] = fixed.group;
                let records = Records {
                    left: u16::from_be_bytes([high, low]),
                    bytes: rest,
                };
                records.check()?;
                Self::Records(records)
            }
            _ => return Err(IgmpError::Kind),
        })
    }

    /// Does a router say it?
    pub const fn is_query(&self) -> bool {
        matches!(self, Self::Query(_))
    }
}

/// Tenths of a second; in version 3 with the floating point form of RFC 3376
/// §4.1.1, in version 1 (code 0) always ten seconds.
fn max_response(code: u8, rest: &[u8]) -> Duration {
    let code = u32::from(code);
    let tenths = match (code, rest.is_empty()) {
        (0, true) => 100,
        (128.., false) => (code & 0x0f | 0x10) << ((code >> 4 & 7) + 3),
        _ => code,
    };
    Duration::from_millis(u64::from(tenths) * 100)
}

impl Records<'_> {
    fn check(self) -> Result<(), IgmpError> {
        let mut records = self;
        while records.left > 0 {
            let record = records.advance().ok_or(IgmpError::Truncated)?;
            if !record.1.group.ipv4().is_multicast() {
                return Err(IgmpError::Group);
            }
        }
        Ok(())
    }
}

impl<'m> Records<'m> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.left as usize
    }

    /// None at all?
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The next record and its type, which may be unknown.
    fn advance(&mut self) -> Option<(Option<RecordKind>, Record<'m>)> {
        let left = self.left.checked_sub(1)?;
        let (header, rest) = RecordHeader::ref_from_prefix(self.bytes).ok()?;
        let sources = usize::from(header.sources.get()) * ADDRESS_LEN;
        let (sources, rest) = rest.split_at_checked(sources)?;
        let auxiliary = usize::from(header.auxiliary_words) * 4;
        self.bytes = rest.get(auxiliary..)?;
        self.left = left;
        let kind = RecordKind::of(header.kind);
        let record = Record {
            kind: kind.unwrap_or(RecordKind::IsInclude),
            group: VirtualAddr::from_bits(u32::from_be_bytes(header.group)),
            sources: Sources(sources),
        };
        Some((kind, record))
    }
}

/// Those of a known type: others are passed over (RFC 3376 §4.2.12).
impl<'m> Iterator for Records<'m> {
    type Item = Record<'m>;

    fn next(&mut self) -> Option<Record<'m>> {
        loop {
            if let (Some(_), record) = self.advance()? {
                return Some(record);
            }
        }
    }
}

/// A version 3 query, which hosts of versions 1 and 2 understand as theirs.
/// `interval`: how often the querier asks.
pub fn query(group: Option<VirtualAddr>, max_response: Duration, interval: Duration) -> Vec<u8> {
    let tenths = u32::try_from(max_response.as_millis() / 100).unwrap_or(u32::MAX);
    let seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
    let group = group.map_or(0, VirtualAddr::to_bits);
    // Robustness 2, nothing suppressed, no sources.
    let mut message = vec![QUERY, code(tenths), 0, 0];
    message.extend(group.to_be_bytes());
    message.extend([2, code(seconds), 0, 0]);
    sealed(message)
}

/// The largest that RFC 3376 §4.1.1 can say which is not above.
fn code(value: u32) -> u8 {
    if value < 128 {
        return u8::try_from(value).unwrap_or(127);
    }
    let exponent = value.ilog2().saturating_sub(7);
    if exponent > 7 {
        return 0xff;
    }
    let mantissa = (value >> (exponent + 3)) & 0x0f;
    u8::try_from(0x80 | exponent << 4 | mantissa).unwrap_or(0xff)
}

/// A version 3 report with these records, none of which has sources. At most
/// 65 535; what fits a packet is the caller's business ([`REPORT_LEN`],
/// [`RECORD_LEN`]).
pub fn report(records: &[(RecordKind, VirtualAddr)]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
    let mut message = Vec::with_capacity(REPORT_LEN + records.len() * RECORD_LEN);
    message.extend([V3_REPORT, 0, 0, 0, 0, 0]);
    message.extend(count.to_be_bytes());
    for (kind, group) in records.iter().take(count.into()) {
        message.extend([kind.number(), 0, 0, 0]);
        message.extend(group.to_bits().to_be_bytes());
    }
    sealed(message)
}

/// A message of version 1 or 2 about one group.
pub fn of_group(kind: u8, group: VirtualAddr) -> Vec<u8> {
    let mut message = Vec::with_capacity(MIN_LEN);
    message.extend([kind, 0, 0, 0]);
    message.extend(group.to_bits().to_be_bytes());
    sealed(message)
}

/// With its checksum.
fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum::of(&message).to_be_bytes();
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum);
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(text: &str) -> VirtualAddr {
        VirtualAddr::new(text.parse().unwrap())
    }

    #[test]
    fn each_version_says_the_same_of_a_group() {
        let mdns = group("224.0.0.251");
        for kind in [V1_REPORT, V2_REPORT] {
            let message = of_group(kind, mdns);
            assert_eq!(message[..2], [kind, 0]);
            assert_eq!(Message::parse(&message), Ok(Message::Report(mdns)));
        }
        let leave = of_group(V2_LEAVE, mdns);
        assert_eq!(Message::parse(&leave), Ok(Message::Leave(mdns)));
        let records = [
            (RecordKind::ToExclude, mdns),
            (RecordKind::ToInclude, group("239.7.7.7")),
        ];
        let message = report(&records);
        assert_eq!(message.len(), 24);
        let Ok(Message::Records(parsed)) = Message::parse(&message) else {
            panic!("no records");
        };
        assert_eq!(parsed.len(), 2);
        let parsed: Vec<_> = parsed.map(|r| (r.kind, r.group)).collect();
        assert_eq!(parsed, records);
    }

    /// A report as Linux sends it, with two sources and auxiliary data.
    #[test]
    fn sources_and_auxiliary_data_have_their_lengths() {
        let mut bytes = vec![V3_REPORT, 0, 0, 0, 0, 0, 0, 3];
        bytes.extend([5, 1, 0, 2, 239, 1, 1, 1]);
        bytes.extend([10, 0, 0, 1, 10, 0, 0, 2, 9, 9, 9, 9]);
        // Of an unknown type: passed over.
        bytes.extend([9, 0, 0, 0, 239, 1, 1, 3]);
        bytes.extend([1, 0, 0, 0, 239, 1, 1, 2]);
        let bytes = sealed(bytes);
        let Ok(Message::Records(mut records)) = Message::parse(&bytes) else {
            panic!("no records");
        };
        let first = records.next().unwrap();
        assert_eq!(
            (first.kind, first.group),
            (RecordKind::Allow, group("239.1.1.1"))
        );
        let sources: Vec<_> = first.sources.iter().collect();
        assert_eq!(sources, [group("10.0.0.1"), group("10.0.0.2")]);
        let second = records.next().unwrap();
        assert_eq!(second.group, group("239.1.1.2"));
        assert!(second.sources.is_empty() && records.next().is_none());
        for len in [7, 11, 19, 27, 35, 43] {
            let cut = sealed([&bytes[..2], &[0, 0], &bytes[4..len]].concat());
            assert_eq!(Message::parse(&cut), Err(IgmpError::Truncated), "{len}");
        }
    }

    #[test]
    fn queries_say_how_long_to_wait() {
        let parsed = |message: &[u8]| match Message::parse(message) {
            Ok(Message::Query(query)) => (query.group, query.max_response),
            other => panic!("{other:?}"),
        };
        let [second, minute] = [1, 60].map(Duration::from_secs);
        assert_eq!(parsed(&query(None, second, minute)), (None, second));
        let asked = group("239.7.7.7");
        let found = parsed(&query(Some(asked), second * 10, minute));
        assert_eq!(found, (Some(asked), second * 10));
        // Version 1: no time; version 2: eight bytes.
        let old = sealed(vec![QUERY, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(parsed(&old).1, second * 10);
        let v2 = sealed(vec![QUERY, 200, 0, 0, 0, 0, 0, 0]);
        assert_eq!(parsed(&v2).1, second * 20);
    }

    #[test]
    fn long_times_are_floating_point() {
        for value in (0..32_000_u32).step_by(7) {
            // Sixteen steps from one power of two to the next.
            let said = max_response(code(value), &[0; 4]).as_millis() / 100;
            let said = u32::try_from(said).unwrap();
            assert!(
                said <= value && said * 17 / 16 + 1 >= value.min(31_744),
                "{value}: {said}"
            );
        }
        assert_eq!(code(u32::MAX), 0xff);
    }

    #[test]
    fn each_fault_has_its_error() {
        let wrong = |bytes: Vec<u8>| Message::parse(&sealed(bytes)).unwrap_err();
        assert_eq!(
            wrong(vec![V2_REPORT, 0, 0, 0, 10, 0, 0, 1]),
            IgmpError::Group
        );
        assert_eq!(wrong(vec![QUERY, 0, 0, 0, 10, 0, 0, 1]), IgmpError::Group);
        assert_eq!(wrong(vec![0x13, 0, 0, 0, 239, 0, 0, 1]), IgmpError::Kind);
        let mut damaged = of_group(V2_REPORT, group("239.7.7.7"));
        damaged[7] ^= 1;
        assert_eq!(Message::parse(&damaged), Err(IgmpError::Checksum));
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_or_a_message_never_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let bytes = if bytes.len() > 3 { sealed([&bytes[..2], &[0, 0], &bytes[4..]].concat()) } else { bytes };
            if let Ok(Message::Records(records)) = Message::parse(&bytes) {
                prop_assert!(records.map(|r| r.sources.len()).sum::<usize>() <= bytes.len());
            }
        }
    }
}
