//! `group list`.

use control_api::v1;
use packet::VirtualAddr;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, words};
use crate::text::{seconds, span};
use crate::wire::{self, Segment, Shown, segment_cells, word};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListGroupsRequest {};
    let mut pages = client.verbs().list_groups(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for member in page.members {
            listing.push(&Member::try_from(member)?)?;
        }
    }
    listing.finish()
}

/// A member of a group: an interface on this host, or another host that has some.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Member {
    /// The segment.
    segment: Segment,
    /// The group's address; null: it hears every group.
    group: Option<Shown<VirtualAddr>>,
    /// The host that it is on.
    host: String,
    /// The node's name; null on another host.
    node: Option<String>,
    /// The port it is behind; null on another host.
    port: Option<String>,
    /// How the membership is known: by `igmpv2` (or version 1), by `igmpv3`; it is
    /// a `querier` (a multicast router); it is `new`, and has not answered yet; its
    /// `host` says so.
    known_by: String,
    /// How `sources` are meant: `all` are heard, `only` these, all `but` these.
    filter: String,
    /// The sources that the filter names.
    sources: Vec<Shown<VirtualAddr>>,
    #[serde(skip)]
    expires_ms: u64,
    /// Until it is forgotten, unless it is heard of again.
    expires_seconds: f64,
}

impl TryFrom<v1::GroupMember> for Member {
    type Error = Failure;

    fn try_from(member: v1::GroupMember) -> Result<Self, Failure> {
        let sources = member.sources.into_iter();
        Ok(Self {
            segment: wire::segment(member.segment)?,
            group: member.group.map(wire::virtual_address),
            host: member.host,
            node: member.node,
            port: member.port,
            known_by: word(
                member.known_by,
                v1::GroupKnownBy::as_str_name,
                "GROUP_KNOWN_BY_",
            ),
            filter: word(
                member.filter,
                v1::SourceFilter::as_str_name,
                "SOURCE_FILTER_",
            ),
            sources: sources.map(wire::virtual_address).collect(),
            expires_ms: member.expires_ms,
            expires_seconds: seconds(member.expires_ms),
        })
    }
}

impl Row for Member {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            segment,
            network,
            entity,
            words("group"),
            words("host"),
            words("node"),
            words("port"),
            words("known by"),
            words("sources"),
            words("expires"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let [segment, network, entity] = segment_cells(Some(&self.segment));
        let group = self.group.map(|group| group.to_string());
        let sources = self.sources.iter().map(ToString::to_string);
        let sources: Vec<String> = [self.filter.clone()].into_iter().chain(sources).collect();
        vec![
            segment,
            network,
            entity,
            group.unwrap_or_else(|| "every".to_owned()),
            self.host.clone(),
            self.node.clone().unwrap_or_default(),
            self.port.clone().unwrap_or_default(),
            self.known_by.clone(),
            sources.join(" "),
            span(self.expires_ms),
        ]
    }
}
