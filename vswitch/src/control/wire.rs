//! Values that several verbs put into messages.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use control_api::v1;
use packet::MacAddr;
use vnet::compiled::MappingKind;

use super::source::{LinkState, SegmentLabel};

pub(super) fn mac(mac: MacAddr) -> Vec<u8> {
    mac.octets().to_vec()
}

/// Half a billion years fit.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// More than anybody waits fits.
pub(super) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970, as far as the clock is right.
pub(super) fn since_1970(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(super) fn segment(segment: SegmentLabel) -> v1::Segment {
    v1::Segment {
        id: segment.id.get(),
        name: segment.name,
        network: segment.network,
        entity: segment.entity,
    }
}

pub(super) fn mapping_kind(kind: MappingKind) -> i32 {
    match kind {
        MappingKind::Node => v1::MappingKind::Node,
        MappingKind::Phantom => v1::MappingKind::Phantom,
        MappingKind::Router => v1::MappingKind::Router,
        MappingKind::Switch => v1::MappingKind::Switch,
    }
    .into()
}

pub(super) fn link(link: LinkState) -> i32 {
    match link {
        LinkState::Up => v1::LinkState::Up,
        LinkState::Down => v1::LinkState::Down,
        LinkState::Unknown => v1::LinkState::Unknown,
    }
    .into()
}
