//! `interface list` and `interface show`.

use core::fmt::Write as _;

use clap::{Args, Subcommand};
use control_api::v1;
use packet::{MacAddr, SegmentId, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, printable, words};
use crate::wire::{self, Segment, Shown, segment_cells, word};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the nodes' interfaces on this host
    #[command(after_help = "Example: vswitchctl interface list --segment 0x00a001")]
    List(List),
    /// Shows the interfaces of one node on this host
    #[command(after_help = "Example: vswitchctl interface show c")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this segment, by its id
    #[arg(long, value_name = "ID")]
    segment: Option<SegmentId>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    /// Its network, if several have a node of that name
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::List(options) => list(&options, session).await,
        Verb::Show(options) => show(&options, session).await,
    }
}

async fn show(options: &Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListInterfacesRequest {};
    let mut pages = client.verbs().list_interfaces(request).await?.into_inner();
    let network = options.network.as_deref();
    let mut found = Vec::new();
    while let Some(page) = pages.message().await? {
        for interface in page.interfaces {
            let interface = Interface::try_from(interface)?;
            let is_there = network.is_none_or(|name| interface.segment.network == name);
            if interface.node == options.node && is_there {
                found.push(interface);
            }
        }
    }
    if found.is_empty() {
        return Err(Failure::File(format!(
            "node \"{}\" has no interface on this host; see: vswitchctl interface list",
            options.node
        )));
    }
    session.show(&found, |found| {
        let text: String = found.iter().map(Interface::text).collect();
        text.lines().map(|line| printable(line) + "\n").collect()
    })
}

async fn list(options: &List, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListInterfacesRequest {};
    let mut pages = client.verbs().list_interfaces(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for interface in page.interfaces {
            let interface = Interface::try_from(interface)?;
            if (options.segment).is_none_or(|id| interface.segment.id.0 == id) {
                listing.push(&interface)?;
            }
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
    /// The 802.1Q tag on its frames that says which segment they are of; null
    /// where there is none.
    tag: Option<u32>,
    /// The MPLS label that does so instead; null where there is none.
    label: Option<u32>,
    /// The provider's tag, outside of either; null where there is none.
    outer: Option<OuterTag>,
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

/// A provider's tag.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OuterTag {
    /// By which `EtherType` it is announced, in hexadecimal: `0x88a8` (802.1ad),
    /// `0x8100` or `0x9100`.
    tpid: String,
    /// Its VLAN id.
    vlan: u32,
}

impl From<v1::OuterTag> for OuterTag {
    fn from(tag: v1::OuterTag) -> Self {
        Self {
            tpid: format!("0x{:04x}", tag.tpid),
            vlan: tag.vlan,
        }
    }
}

impl Interface {
    /// `100`, `label 1000`, `100 in 0x88a8 300`, or nothing.
    fn tags(&self) -> String {
        let inner = match (self.tag, self.label) {
            (Some(tag), _) => tag.to_string(),
            (None, Some(label)) => format!("label {label}"),
            (None, None) => String::new(),
        };
        match &self.outer {
            None => inner,
            Some(OuterTag { tpid, vlan }) if inner.is_empty() => format!("{tpid} {vlan}"),
            Some(OuterTag { tpid, vlan }) => format!("{inner} in {tpid} {vlan}"),
        }
    }
}

impl Interface {
    /// A paragraph.
    fn text(&self) -> String {
        let Segment {
            name,
            id,
            network,
            entity,
        } = &self.segment;
        let mut text = format!(
            "interface of {} in {name} ({id})  network {network}  entity {entity}\n",
            self.node
        );
        let tags = match self.tags() {
            bare if bare.is_empty() => "untagged".to_owned(),
            tags => format!("tag {tags}"),
        };
        let _ = writeln!(text, "    port {}  link {}  {tags}", self.port, self.link);
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "    mac {}  address {}",
            self.mac,
            addresses.join(" ")
        );
        if let Some(slot) = self.slot {
            let forwards = self.forwards.join(" ");
            let _ = writeln!(text, "    slot {slot}  forwards {forwards}");
        }
        text
    }
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
            label: interface.label,
            outer: interface.outer.map(OuterTag::from),
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
            words("tag"),
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
            self.tags(),
            self.mac.to_string(),
            addresses.join(" "),
            self.forwards.join(" "),
            self.slot.map(|slot| slot.to_string()).unwrap_or_default(),
        ]
    }
}
