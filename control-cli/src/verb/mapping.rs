//! `mapping list`.

use clap::{Args, Subcommand};
use control_api::v1;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{seconds, span};
use crate::wire::{self, Segment, Shown, segment_cells};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the mappings, by segment id and address
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this segment, e.g. 0x00a001
    #[arg(long, value_name = "ID")]
    segment: Option<SegmentId>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    let Verb::List(list) = verb;
    let mut client = session.connect().await?;
    let request = v1::ListMappingsRequest {
        segment: list.segment.map(SegmentId::get),
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

#[derive(Debug, Serialize)]
struct Mapping {
    segment: Segment,
    address: Shown<VirtualAddr>,
    kind: String,
    name: Option<String>,
    host: String,
    locator: Shown<Locator>,
    slot: u32,
    mac: Shown<MacAddr>,
    port: Option<String>,
    #[serde(skip)]
    expires_ms: Option<u64>,
    expires_in_seconds: Option<f64>,
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
        ]
    }
}
