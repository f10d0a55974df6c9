//! `interface list`.

use control_api::v1;
use packet::{MacAddr, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::wire::{self, Segment, Shown, segment_cells, word};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListInterfacesRequest {};
    let mut pages = client.verbs().list_interfaces(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for interface in page.interfaces {
            listing.push(&Interface::try_from(interface)?)?;
        }
    }
    listing.finish()
}

/// A node's attachment to a segment.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Interface {
    /// The node's name.
    node: String,
    /// The port it is behind.
    port: String,
    /// The segment it is in.
    segment: Segment,
    /// The 802.1Q tag on its frames; null where they are untagged.
    tag: Option<u32>,
    /// How its link carries VLANs: `access`, `trunk` or `native`.
    link: String,
    /// Its MAC address.
    mac: Shown<MacAddr>,
    /// Its virtual addresses: IPv4, or labels that stand for IPv6.
    addresses: Vec<Shown<VirtualAddr>>,
    /// What it forwards for: IPv4 prefixes.
    forwards: Vec<String>,
    /// Its slot on this host; null where it forwards for nobody.
    slot: Option<u32>,
}

impl TryFrom<v1::Interface> for Interface {
    type Error = Failure;

    fn try_from(interface: v1::Interface) -> Result<Self, Failure> {
        let addresses = interface.addresses.into_iter();
        Ok(Self {
            segment: wire::segment(interface.segment)?,
            link: word(interface.link, v1::LinkType::as_str_name, "LINK_TYPE_"),
            mac: wire::mac(&interface.mac)?,
            addresses: addresses.map(wire::virtual_address).collect(),
            node: interface.node,
            port: interface.port,
            tag: interface.tag,
            forwards: interface.forwards,
            slot: interface.slot,
        })
    }
}

impl Row for Interface {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            words("node"),
            words("port"),
            segment,
            network,
            entity,
            words("link"),
            number("tag"),
            words("mac"),
            words("addresses"),
            words("forwards"),
            number("slot"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let [segment, network, entity] = segment_cells(Some(&self.segment));
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        vec![
            self.node.clone(),
            self.port.clone(),
            segment,
            network,
            entity,
            self.link.clone(),
            self.tag.map(|t| t.to_string()).unwrap_or_default(),
            self.mac.to_string(),
            addresses.join(" "),
            self.forwards.join(" "),
            self.slot.map(|slot| slot.to_string()).unwrap_or_default(),
        ]
    }
}
