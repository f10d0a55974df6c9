//! `network list` and `network show`.

use clap::{Args, Subcommand};
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use super::segment::{self, Facts};
use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, printable, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the virtual networks, and how much there is in each
    #[command(after_help = "Example: vswitchctl network list")]
    List,
    /// Shows one network and its segments
    #[command(after_help = "Example: vswitchctl network show z")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The network
    #[arg(value_name = "NETWORK")]
    name: String,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::List => list(session).await,
        Verb::Show(options) => show(options, session).await,
    }
}

async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListNetworksRequest {};
    let mut pages = client.verbs().list_networks(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for network in page.networks {
            listing.push(&Network::from(network))?;
        }
    }
    listing.finish()
}

async fn show(options: Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    // Says so, too, where there is no such network.
    let segments = segment::all(&mut client, Some(options.name.clone())).await?;
    let request = v1::ListNetworksRequest {};
    let mut pages = client.verbs().list_networks(request).await?.into_inner();
    let mut found = None;
    while let Some(page) = pages.message().await? {
        let mut networks = page.networks.into_iter();
        found = found.or_else(|| networks.find(|network| network.name == options.name));
    }
    let gone = || Failure::Malformed(format!("segments of \"{}\" without it", options.name));
    let whole = Whole {
        network: found.ok_or_else(gone)?.into(),
        segments,
    };
    session.show(&whole, Whole::text)
}

/// A virtual network.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Network {
    /// Its name.
    network: String,
    /// The tenant that owns it.
    entity: String,
    /// How many segments it has.
    segments: u32,
    /// How many logical routers it has.
    routers: u32,
    /// How many interfaces it has on this host.
    interfaces_here: u32,
    /// How many virtual addresses are drawn in it, on whichever host; those of
    /// logical routers not counted.
    addresses: u32,
}

impl From<v1::Network> for Network {
    fn from(network: v1::Network) -> Self {
        Self {
            network: network.name,
            entity: network.entity,
            segments: network.segments,
            routers: network.routers,
            interfaces_here: network.interfaces,
            addresses: network.addresses,
        }
    }
}

impl Row for Network {
    const COLUMNS: &'static [Column] = &[
        words("network"),
        words("entity"),
        number("segments"),
        number("routers"),
        number("interfaces here"),
        number("addresses"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.network.clone(),
            self.entity.clone(),
            self.segments.to_string(),
            self.routers.to_string(),
            self.interfaces_here.to_string(),
            self.addresses.to_string(),
        ]
    }
}

/// A network with its segments.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Whole {
    /// The network.
    #[serde(flatten)]
    network: Network,
    /// Its segments, ordered by id.
    #[serde(rename = "segment_list")]
    segments: Vec<Facts>,
}

impl Whole {
    fn text(&self) -> String {
        let of = &self.network;
        let mut text = format!(
            "network {}  entity {}  {} segments, {} routers, {} addresses, {} interfaces here\n",
            of.network, of.entity, of.segments, of.routers, of.addresses, of.interfaces_here
        );
        for segment in &self.segments {
            text += &segment.line();
        }
        let lines = text.lines().map(|line| printable(line) + "\n");
        lines.collect()
    }
}
