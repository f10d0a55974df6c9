//! `ListGroups`.

use control_api::v1;
use datapath::snooping::How;
use datapath::tables::Sources;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, GroupMember};
use crate::control::wire;

pub(in crate::control) fn list(source: &dyn ControlSource) -> Pages<v1::ListGroupsReply> {
    pages(source.groups().into_iter().map(member), |members| {
        v1::ListGroupsReply { members }
    })
}

fn member(member: GroupMember) -> v1::GroupMember {
    let (filter, sources) = match &member.sources {
        Sources::All => (v1::SourceFilter::All, &[][..]),
        Sources::Only(these) => (v1::SourceFilter::Only, &these[..]),
        Sources::But(these) => (v1::SourceFilter::But, &these[..]),
    };
    v1::GroupMember {
        segment: Some(wire::segment(member.segment)),
        group: member.group.map(|group| group.to_bits()),
        host: member.host,
        node: member.node,
        port: member.port,
        known_by: match member.how {
            How::V2 => v1::GroupKnownBy::Igmpv2,
            How::V3 => v1::GroupKnownBy::Igmpv3,
            How::Querier => v1::GroupKnownBy::Querier,
            How::New => v1::GroupKnownBy::New,
            How::Host => v1::GroupKnownBy::Host,
        }
        .into(),
        filter: filter.into(),
        sources: sources.iter().map(|source| source.to_bits()).collect(),
        expires_ms: wire::milliseconds(member.expires),
    }
}
