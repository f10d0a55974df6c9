//! `segment list` and `segment show`.

use core::fmt::Write as _;

use clap::{Args, Subcommand};
use control_api::{Client, v1};
use packet::{MacAddr, SegmentId, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, printable, words};
use crate::wire::{self, Segment, Shown, segment_cells};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the segments, with what links show for them
    #[command(after_help = "Example: vswitchctl segment list --network z")]
    List(List),
    /// Shows one segment, by name or id
    #[command(after_help = "Example: vswitchctl segment show front --network z")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this network
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The segment's name, or its id (0x00a001)
    #[arg(value_name = "SEGMENT")]
    segment: String,
    /// Its network, if several have a segment of that name
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::List(options) => list(options, session).await,
        Verb::Show(options) => show(options, session).await,
    }
}

async fn list(options: List, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListSegmentsRequest {
        network: options.network,
    };
    let mut pages = client.verbs().list_segments(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for segment in page.segments {
            listing.push(&Facts::try_from(segment)?)?;
        }
    }
    listing.finish()
}

/// The segments of a network, or all.
pub(super) async fn all(
    client: &mut Client,
    network: Option<String>,
) -> Result<Vec<Facts>, Failure> {
    let request = v1::ListSegmentsRequest { network };
    let mut pages = client.verbs().list_segments(request).await?.into_inner();
    let mut all = Vec::new();
    while let Some(page) = pages.message().await? {
        for segment in page.segments {
            all.push(Facts::try_from(segment)?);
        }
    }
    Ok(all)
}

async fn show(options: Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let mut found = all(&mut client, options.network).await?;
    let id: Option<SegmentId> = options.segment.parse().ok();
    let is_it =
        |facts: &Facts| facts.segment.name == options.segment || Some(facts.segment.id.0) == id;
    found.retain(is_it);
    match (found.pop(), found.as_slice()) {
        (None, _) => Err(Failure::File(format!(
            "there is no segment \"{}\"; see: vswitchctl segment list",
            options.segment
        ))),
        (Some(one), []) => session.show(&one, Facts::text),
        (Some(last), others) => {
            let networks = others.iter().chain([&last]);
            let networks: Vec<&str> = networks.map(|f| f.segment.network.as_str()).collect();
            Err(Failure::File(format!(
                "several networks have a segment \"{}\"; say which with --network: {}",
                options.segment,
                networks.join(", ")
            )))
        }
    }
}

/// A segment, with what was drawn of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Facts {
    /// The segment.
    segment: Segment,
    /// The range its addresses come from, as `10.0.0.0/24`.
    subnet: String,
    /// The 802.1Q tag that trunk links show for it; null: it has none.
    vlan: Option<u32>,
    /// The MPLS label that links show for it which go by labels; null: none.
    label: Option<u32>,
    /// The largest IPv4 packet that nodes may send.
    mtu_bytes: u32,
    /// What becomes of frames to MACs that nobody has: `drop` or `resolve`.
    unknown_mac: &'static str,
    /// What may pass besides IPv4 and ARP, in hexadecimal.
    ethertypes: Vec<String>,
    /// DHCP clients are answered from the drawing.
    dhcp: bool,
    /// The logical routers' addresses there.
    routers: Vec<Router>,
    /// How many interfaces it has on this host.
    interfaces_here: u32,
    /// How many virtual addresses are drawn in it, on whichever host; those of
    /// logical routers not counted.
    addresses: u32,
}

/// A logical router's interface to a segment.
#[derive(Debug, Serialize, JsonSchema)]
struct Router {
    /// The router's name.
    router: String,
    /// Its address there.
    address: Shown<VirtualAddr>,
    /// Its MAC address there.
    mac: Shown<MacAddr>,
}

impl TryFrom<v1::SegmentFacts> for Facts {
    type Error = Failure;

    fn try_from(facts: v1::SegmentFacts) -> Result<Self, Failure> {
        let routers = facts.routers.into_iter().map(Router::try_from);
        let ethertypes = facts.ethertypes.into_iter();
        Ok(Self {
            segment: wire::segment(facts.segment)?,
            subnet: wire::prefix(facts.subnet)?,
            vlan: facts.vlan,
            label: facts.label,
            mtu_bytes: facts.mtu,
            unknown_mac: if facts.resolves_unknown_macs {
                "resolve"
            } else {
                "drop"
            },
            ethertypes: ethertypes.map(|number| format!("0x{number:04x}")).collect(),
            dhcp: facts.answers_dhcp,
            routers: routers.collect::<Result<_, _>>()?,
            interfaces_here: facts.interfaces,
            addresses: facts.addresses,
        })
    }
}

impl TryFrom<v1::SegmentRouter> for Router {
    type Error = Failure;

    fn try_from(router: v1::SegmentRouter) -> Result<Self, Failure> {
        Ok(Self {
            router: router.name,
            address: wire::virtual_address(router.address),
            mac: wire::mac(&router.mac)?,
        })
    }
}

impl Row for Facts {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            segment,
            network,
            entity,
            words("subnet"),
            number("vlan"),
            number("label"),
            number("mtu"),
            words("dhcp"),
            words("routers"),
            number("interfaces here"),
            number("addresses"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let [segment, network, entity] = segment_cells(Some(&self.segment));
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let routers = self.routers.iter();
        let routers: Vec<String> = routers
            .map(|r| format!("{} {}", r.router, r.address))
            .collect();
        vec![
            segment,
            network,
            entity,
            self.subnet.clone(),
            number(self.vlan),
            number(self.label),
            self.mtu_bytes.to_string(),
            if self.dhcp { "yes" } else { "no" }.to_owned(),
            routers.join(", "),
            self.interfaces_here.to_string(),
            self.addresses.to_string(),
        ]
    }
}

impl Facts {
    /// One line of it, for what lists several.
    pub(super) fn line(&self) -> String {
        let Segment { name, id, .. } = &self.segment;
        let mut text = format!("segment {name} ({id}) {}", self.subnet);
        if let Some(vlan) = self.vlan {
            let _ = write!(text, " vlan {vlan}");
        }
        if let Some(label) = self.label {
            let _ = write!(text, " label {label}");
        }
        let _ = write!(text, " mtu {}", self.mtu_bytes);
        if self.dhcp {
            text += " dhcp";
        }
        for router in &self.routers {
            let _ = write!(text, " router {} {}", router.router, router.address);
        }
        let _ = writeln!(
            text,
            "  {} addresses, {} interfaces here",
            self.addresses, self.interfaces_here
        );
        text
    }

    fn text(&self) -> String {
        let Segment {
            name,
            id,
            network,
            entity,
        } = &self.segment;
        let mut text = format!("segment {name} ({id})  network {network}  entity {entity}\n");
        let or_none =
            |value: Option<u32>| value.map_or_else(|| "none".to_owned(), |v| v.to_string());
        let _ = writeln!(text, "subnet {}  mtu {}", self.subnet, self.mtu_bytes);
        let _ = writeln!(
            text,
            "vlan {}  label {}",
            or_none(self.vlan),
            or_none(self.label)
        );
        let _ = writeln!(
            text,
            "unknown-mac {}  dhcp {}",
            self.unknown_mac,
            if self.dhcp { "yes" } else { "no" }
        );
        if !self.ethertypes.is_empty() {
            let _ = writeln!(text, "ethertypes {}", self.ethertypes.join(" "));
        }
        for router in &self.routers {
            let Router {
                router,
                address,
                mac,
            } = router;
            let _ = writeln!(text, "router {router} {address} mac {mac}");
        }
        let _ = writeln!(
            text,
            "{} addresses, {} interfaces here",
            self.addresses, self.interfaces_here
        );
        let lines = text.lines().map(|line| printable(line) + "\n");
        lines.collect()
    }
}
