//! Values out of messages, checked; what several verbs show.

use core::fmt::{self, Display};
use core::net::Ipv6Addr;
use std::borrow::Cow;

use control_api::v1;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::table::{Column, words};

/// A value that programs get as the text that people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<T: Display> Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> JsonSchema for Shown<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A point in time: for people in the local time zone, for programs as in
/// RFC 3339, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(Timestamp);

impl Moment {
    /// From milliseconds since 1970.
    pub(crate) fn from_ms(milliseconds: u64) -> Self {
        let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        Self(Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX))
    }

    /// The date and the time of day.
    pub(crate) fn local(self) -> String {
        let local = self.0.to_zoned(TimeZone::system());
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A segment, with all that a listing says of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Segment {
    /// Its id, in hexadecimal: `0x00a001`.
    pub(crate) id: Shown<SegmentId>,
    /// Its name.
    pub(crate) name: String,
    /// The network it belongs to.
    pub(crate) network: String,
    /// The tenant whose network that is.
    pub(crate) entity: String,
}

impl Segment {
    /// The columns that [`segment_cells`] fills.
    pub(crate) const COLUMNS: [Column; 3] = [words("segment"), words("network"), words("entity")];
}

impl TryFrom<v1::Segment> for Segment {
    type Error = Failure;

    fn try_from(segment: v1::Segment) -> Result<Self, Failure> {
        Ok(Self {
            id: Shown(segment_id(segment.id)?),
            name: segment.name,
            network: segment.network,
            entity: segment.entity,
        })
    }
}

/// The cells that show a segment: its name and id, its network, its entity.
pub(crate) fn segment_cells(segment: Option<&Segment>) -> [String; 3] {
    segment.map_or_else(Default::default, |s| {
        [
            format!("{} ({})", s.name, s.id),
            s.network.clone(),
            s.entity.clone(),
        ]
    })
}

/// A segment that must be there.
pub(crate) fn segment(segment: Option<v1::Segment>) -> Result<Segment, Failure> {
    segment
        .ok_or_else(|| Failure::Malformed("an entry without its segment".to_owned()))?
        .try_into()
}

/// A segment that may be missing.
pub(crate) fn optional_segment(segment: Option<v1::Segment>) -> Result<Option<Segment>, Failure> {
    segment.map(Segment::try_from).transpose()
}

pub(crate) fn segment_id(id: u32) -> Result<SegmentId, Failure> {
    SegmentId::new(id).map_err(|_| Failure::Malformed(format!("segment id {id:#x}")))
}

pub(crate) fn mac(octets: &[u8]) -> Result<Shown<MacAddr>, Failure> {
    <[u8; 6]>::try_from(octets)
        .map(|octets| Shown(MacAddr::new(octets)))
        .map_err(|_| Failure::Malformed(format!("a MAC address of {} octets", octets.len())))
}

pub(crate) fn ipv6(octets: &[u8]) -> Result<Ipv6Addr, Failure> {
    <[u8; 16]>::try_from(octets)
        .map(Ipv6Addr::from)
        .map_err(|_| Failure::Malformed(format!("an IPv6 address of {} octets", octets.len())))
}

/// A range of IPv4 addresses that must be there, as `10.0.0.0/24`.
pub(crate) fn prefix(prefix: Option<v1::Prefix>) -> Result<String, Failure> {
    let missing = || Failure::Malformed("an entry without its range".to_owned());
    let prefix = prefix.ok_or_else(missing)?;
    let network = core::net::Ipv4Addr::from_bits(prefix.network);
    Ok(format!("{network}/{}", prefix.length))
}

pub(crate) fn locator(bits: u64) -> Shown<Locator> {
    Shown(Locator::from_bits(bits))
}

pub(crate) fn virtual_address(bits: u32) -> Shown<VirtualAddr> {
    Shown(VirtualAddr::from_bits(bits))
}

/// The word for a value of an enumeration: `PORT_ROLE_NODE` without its
/// prefix, as `node`. One that this build does not know keeps its number.
pub(crate) fn word<E>(value: i32, name: fn(&E) -> &'static str, prefix: &str) -> String
where
    E: TryFrom<i32>,
{
    match E::try_from(value) {
        Ok(known) => {
            let name = name(&known);
            let word = name.strip_prefix(prefix).unwrap_or(name);
            word.to_ascii_lowercase().replace('_', "-")
        }
        Err(_) => format!("unknown-{value}"),
    }
}

/// The word for a mapping's kind.
pub(crate) fn mapping_kind(kind: i32) -> String {
    word(kind, v1::MappingKind::as_str_name, "MAPPING_KIND_")
}

/// The word for who says where an address is; nothing from a daemon that does
/// not say.
pub(crate) fn mapping_origin(origin: i32) -> Option<String> {
    let word = word(origin, v1::MappingOrigin::as_str_name, "MAPPING_ORIGIN_");
    (word != "unspecified").then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_times_in_utc() {
        let moment = Moment::from_ms(1_787_234_551_000);
        let json = serde_json::to_value(moment).unwrap();
        assert_eq!(json, "2026-08-20T14:02:31Z");
        let far = serde_json::to_value(Moment::from_ms(u64::MAX)).unwrap();
        assert!(far.as_str().unwrap().starts_with("9999-"));
    }

    #[test]
    fn enumerations_have_their_words() {
        let role = |value| word(value, v1::PortRole::as_str_name, "PORT_ROLE_");
        assert_eq!(role(v1::PortRole::Substrate.into()), "substrate");
        assert_eq!(role(77), "unknown-77");
        assert_eq!(mapping_kind(v1::MappingKind::Router.into()), "router");
    }

    #[test]
    fn nonsense_is_named() {
        let text = mac(&[1, 2, 3]).unwrap_err().to_string();
        assert!(text.contains("MAC address of 3 octets"), "{text}");
        let text = ipv6(&[0; 4]).unwrap_err().to_string();
        assert!(text.contains("IPv6 address of 4 octets"), "{text}");
        assert!(segment_id(0).is_err() && segment_id(1 << 24).is_err());
    }
}
