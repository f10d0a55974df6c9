//! `mapping list`.

use clap::Args;
use control_api::v1;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{seconds, span};
use crate::wire::{self, Moment, Segment, Shown, segment_cells};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only those of this segment, e.g. 0x00a001
    #[arg(long, value_name = "ID")]
    segment: Option<SegmentId>,
}

pub(super) async fn list(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListMappingsRequest {
        segment: options.segment.map(SegmentId::get),
    };
    let mut pages = client.verbs().list_mappings(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for mapping in page.mappings {
            listing.push(&Mapping::try_from(mapping)?)?;
        }
    }
    listing.finish()
}

/// Where a virtual address really is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Mapping {
    /// The segment.
    segment: Segment,
    /// The virtual address: IPv4, or a label that stands for IPv6.
    address: Shown<VirtualAddr>,
    /// What the address belongs to: `node` or `router`.
    kind: String,
    /// The node's or router's name, where known.
    name: Option<String>,
    /// The host it is on, by name.
    host: String,
    /// That host's locator: an IPv6 prefix of length 64.
    locator: Shown<Locator>,
    /// Its slot there, 0 to 63.
    slot: u32,
    /// The MAC address that ARP answers give for it.
    mac: Shown<MacAddr>,
    /// The port it is behind, where it is on this host.
    port: Option<String>,
    #[serde(skip)]
    expires_ms: Option<u64>,
    /// When it must be asked for again; null: never.
    expires_in_seconds: Option<f64>,
    /// Who says so: `drawn` (the topology), `loaded` (a client) or `learned` (an
    /// interface that may have claimed it); null from a daemon before API 1.3.
    origin: Option<String>,
    /// How it was learned; null: it was not.
    learned: Option<Learned>,
}

/// How a mapping was learned.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Learned {
    /// By what it was claimed last: `announced` (a gratuitous ARP of its node),
    /// `used` (its node sent from it), `vrrp` (an advertisement), `dhcp` (a
    /// server's word), `host` (its host said so again).
    by: String,
    /// Since when who has it has it.
    since: Moment,
    #[serde(skip)]
    heard_ago_ms: u64,
    /// How long ago it was heard of.
    heard_seconds_ago: f64,
    /// How often it has gone from one interface to another.
    moves: u64,
}

impl From<v1::Learned> for Learned {
    fn from(learned: v1::Learned) -> Self {
        Self {
            by: wire::word(learned.by, v1::LearnedBy::as_str_name, "LEARNED_BY_"),
            since: Moment::from_ms(learned.since_ms),
            heard_ago_ms: learned.heard_ago_ms,
            heard_seconds_ago: seconds(learned.heard_ago_ms),
            moves: learned.moves,
        }
    }
}

impl Learned {
    /// `vrrp, 3 s ago`.
    fn words(&self) -> String {
        let moves = match self.moves {
            0 => String::new(),
            1 => ", moved once".to_owned(),
            many => format!(", moved {many} times"),
        };
        format!("{}, {} ago{moves}", self.by, span(self.heard_ago_ms))
    }
}

impl TryFrom<v1::Mapping> for Mapping {
    type Error = Failure;

    fn try_from(mapping: v1::Mapping) -> Result<Self, Failure> {
        Ok(Self {
            segment: wire::segment(mapping.segment)?,
            address: wire::virtual_address(mapping.address),
            kind: wire::mapping_kind(mapping.kind),
            name: mapping.name,
            host: mapping.host,
            locator: wire::locator(mapping.locator),
            slot: mapping.slot,
            mac: wire::mac(&mapping.mac)?,
            port: mapping.port,
            expires_ms: mapping.expires_ms,
            expires_in_seconds: mapping.expires_ms.map(seconds),
            origin: wire::mapping_origin(mapping.origin),
            learned: mapping.learned.map(Learned::from),
        })
    }
}

impl Row for Mapping {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            segment,
            network,
            entity,
            words("address"),
            words("kind"),
            words("name"),
            words("host"),
            words("locator"),
            number("slot"),
            words("mac"),
            words("port"),
            words("expires"),
            words("origin"),
            words("learned"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let [segment, network, entity] = segment_cells(Some(&self.segment));
        vec![
            segment,
            network,
            entity,
            self.address.to_string(),
            self.kind.clone(),
            self.name.clone().unwrap_or_default(),
            self.host.clone(),
            self.locator.to_string(),
            self.slot.to_string(),
            self.mac.to_string(),
            self.port.clone().unwrap_or_default(),
            self.expires_ms
                .map_or_else(|| "never".to_owned(), |ms| format!("in {}", span(ms))),
            self.origin.clone().unwrap_or_default(),
            self.learned
                .as_ref()
                .map(Learned::words)
                .unwrap_or_default(),
        ]
    }
}
