//! Multicast listener discovery, the listener's side: queries in, reports out
//! (RFC 3810 version 2, RFC 2710 version 1).
//!
//! Every message travels with hop limit 1 and a Router Alert option
//! ([`ROUTER_ALERT`]), from a link-local address or, before there is one,
//! from `::`.

use core::net::Ipv6Addr;
use core::time::Duration;

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ipv6::Ipv6Header;
use crate::protocol::IpProtocol;

/// ICMPv6 type of a query, both versions.
pub const QUERY: u8 = 130;
/// ICMPv6 type of a version 1 report.
pub const V1_REPORT: u8 = 131;
/// ICMPv6 type of a version 1 farewell.
pub const V1_DONE: u8 = 132;
/// ICMPv6 type of a version 2 report.
pub const V2_REPORT: u8 = 143;

/// The hop limit of every message.
pub const HOP_LIMIT: u8 = 1;

/// A hop-by-hop header that holds Router Alert for MLD (RFC 2711 §2.1) and two
/// bytes of padding, followed by ICMPv6.
pub const ROUTER_ALERT: [u8; 8] = [IpProtocol::ICMPV6.0, 0, 5, 2, 0, 0, 1, 0];

/// Length of the fixed part of a version 2 report, in bytes.
pub const REPORT_LEN: usize = 8;
/// Length of a group's record without sources, in bytes.
pub const RECORD_LEN: usize = 20;

/// A query that must be ignored (RFC 3810 §5.1.14, §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MldError {
    /// A router has touched it, or someone beyond one sent it.
    #[error("hop limit is not 1")]
    HopLimit,
    /// Not from a link-local address.
    #[error("source is not link-local")]
    Source,
    /// Without a Router Alert option.
    #[error("Router Alert is missing")]
    RouterAlert,
    /// Neither the length of version 1 nor one of version 2.
    #[error("length fits no version")]
    Length,
    /// The group is neither `::` nor multicast.
    #[error("group is not a multicast address")]
    Group,
}

/// Which version of the protocol a querier speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// RFC 2710.
    V1,
    /// RFC 3810.
    V2,
}

/// "Who listens?"
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query {
    /// The querier's version.
    pub version: Version,
    /// Answer within this time.
    pub max_response_delay: Duration,
    /// The group asked for; `None` asks for all. Sources asked for are not
    /// kept: a listener without source filters answers for the group.
    pub group: Option<Ipv6Addr>,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct V1Message {
    kind: u8,
    code: u8,
    checksum: U16,
    max_response: U16,
    reserved: U16,
    group: [u8; 16],
}

/// What version 2 adds to a query.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct V2Tail {
    flags_and_robustness: u8,
    query_interval: u8,
    sources: U16,
}

impl Query {
    /// The query in an ICMPv6 message whose checksum is right. `router_alert`:
    /// the option was there.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(
        header: &Ipv6Header,
        router_alert: bool,
        message: &[u8],
    ) -> Result<Self, MldError> {
        if header.hop_limit != HOP_LIMIT {
            return Err(MldError::HopLimit);
        }
        if !header.source().is_unicast_link_local() {
            return Err(MldError::Source);
        }
        if !router_alert {
            return Err(MldError::RouterAlert);
        }
        let (fixed, rest) = V1Message::ref_from_prefix(message).map_err(|_| MldError::Length)?;
        let code = fixed.max_response.get();
        let (version, milliseconds) = if rest.is_empty() {
            (Version::V1, u32::from(code))
        } else {
            let (tail, sources) = V2Tail::ref_from_prefix(rest).map_err(|_| MldError::Length)?;
            if sources.len() < usize::from(tail.sources.get()) * 16 {
                return Err(MldError::Length);
            }
            (Version::V2, response_milliseconds(code))
        };
        let group = Ipv6Addr::from_octets(fixed.group);
        if !group.is_unspecified() && !group.is_multicast() {
            return Err(MldError::Group);
        }
        Ok(Self {
            version,
            max_response_delay: Duration::from_millis(milliseconds.into()),
            group: group.is_multicast().then_some(group),
        })
    }
}

/// The floating point form of RFC 3810 §5.1.3.
fn response_milliseconds(code: u16) -> u32 {
    let code = u32::from(code);
    if code < 0x8000 {
        code
    } else {
        ((code & 0x0fff) | 0x1000) << (((code >> 12) & 7) + 3)
    }
}

/// What a record says of a group (RFC 3810 §5.2.12). A listener without source
/// filters is in mode "exclude nobody" or, after leaving, "include nobody".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// Answer to a query: we listen.
    Listening,
    /// We begin to listen.
    Joined,
    /// We stop listening.
    Left,
}

impl Record {
    const fn number(self) -> u8 {
        match self {
            Self::Listening => 2,
            Self::Left => 3,
            Self::Joined => 4,
        }
    }
}

/// A version 2 report with these records, its checksum field zero. At most
/// 65 535 records; what fits the link is the caller's business
/// ([`REPORT_LEN`], [`RECORD_LEN`]).
pub fn v2_report(records: &[(Record, Ipv6Addr)]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
    let mut message = Vec::with_capacity(REPORT_LEN + records.len() * RECORD_LEN);
    message.extend([V2_REPORT, 0, 0, 0, 0, 0]);
    message.extend(count.to_be_bytes());
    for (record, group) in records.iter().take(count.into()) {
        message.extend([record.number(), 0, 0, 0]);
        message.extend(group.octets());
    }
    message
}

/// A version 1 report ([`V1_REPORT`]) or farewell ([`V1_DONE`]), its checksum
/// field zero.
pub fn v1_message(kind: u8, group: Ipv6Addr) -> Vec<u8> {
    let message = V1Message {
        kind,
        code: 0,
        checksum: U16::ZERO,
        max_response: U16::ZERO,
        reserved: U16::ZERO,
        group: group.octets(),
    };
    message.as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ipv6::{FlowLabel, Ipv6Fields};

    fn header(source: &str, hop_limit: u8) -> Ipv6Header {
        Ipv6Header::new(&Ipv6Fields {
            source: source.parse().unwrap(),
            destination: "ff02::1".parse().unwrap(),
            traffic_class: 0,
            flow_label: FlowLabel::default(),
            next_header: IpProtocol::HOP_BY_HOP,
            hop_limit,
            payload_len: 36,
        })
    }

    fn query(group: &str, code: u16, sources: Option<u16>) -> Vec<u8> {
        let mut bytes = v1_message(QUERY, group.parse().unwrap());
        bytes[4..6].copy_from_slice(&code.to_be_bytes());
        if let Some(sources) = sources {
            bytes.extend([2, 125]);
            bytes.extend(sources.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn queries_of_both_versions() {
        let router = header("fe80::1", 1);
        let general = Query::parse(&router, true, &query("::", 10_000, Some(0))).unwrap();
        let expect = Query {
            version: Version::V2,
            max_response_delay: Duration::from_secs(10),
            group: None,
        };
        assert_eq!(general, expect);
        let old = Query::parse(&router, true, &query("ff02::1:ff00:1", 0xffff, None)).unwrap();
        assert_eq!(old.version, Version::V1);
        assert_eq!(old.max_response_delay, Duration::from_millis(0xffff));
        assert_eq!(old.group, "ff02::1:ff00:1".parse().ok());
    }

    #[test]
    fn long_delays_are_floating_point() {
        assert_eq!(response_milliseconds(0x7fff), 0x7fff);
        assert_eq!(response_milliseconds(0x8000), 0x8000);
        assert_eq!(response_milliseconds(0xffff), 0x1fff << 10);
    }

    #[test]
    fn each_rule_has_its_error() {
        let router = header("fe80::1", 1);
        let good = query("::", 1, Some(0));
        let refused = |header: &Ipv6Header, alert, bytes: &[u8]| {
            Query::parse(header, alert, bytes).unwrap_err()
        };
        assert_eq!(
            refused(&header("fe80::1", 255), true, &good),
            MldError::HopLimit
        );
        assert_eq!(
            refused(&header("fd00::1", 1), true, &good),
            MldError::Source
        );
        assert_eq!(refused(&router, false, &good), MldError::RouterAlert);
        for len in [0, 23, 25, 27] {
            assert_eq!(refused(&router, true, &good[..len]), MldError::Length);
        }
        let sources_cut_off = query("ff02::2", 1, Some(1));
        assert_eq!(refused(&router, true, &sources_cut_off), MldError::Length);
        assert_eq!(
            refused(&router, true, &query("fd00::1", 1, Some(0))),
            MldError::Group
        );
    }

    #[test]
    fn bytes_of_a_report() {
        let group: Ipv6Addr = "ff02::1:ff00:1".parse().unwrap();
        let bytes = v2_report(&[(Record::Joined, group), (Record::Left, group)]);
        assert_eq!(bytes.len(), REPORT_LEN + 2 * RECORD_LEN);
        assert_eq!(bytes[..12], [143, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0]);
        assert_eq!(bytes[12..28], group.octets());
        assert_eq!(bytes[28], 3);
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_or_a_query_never_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = Query::parse(&header("fe80::1", 1), true, &bytes);
        }
    }
}
