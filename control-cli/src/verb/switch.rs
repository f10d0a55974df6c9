//! `switch list` and `switch show`.

use core::fmt::Write as _;

use clap::{Args, Subcommand};
use control_api::v1;
use control_api::v1::switch_part::Part;
use packet::{MacAddr, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, printable, words};
use crate::text::grouped;
use crate::wire::{self, Segment, Shown};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the logical switches
    #[command(after_help = "Example: vswitchctl switch list --network z")]
    List(List),
    /// Shows one switch's ports on this host, and what has passed them
    #[command(after_help = "Example: vswitchctl switch show sw --network z")]
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
    /// The switch
    #[arg(value_name = "SWITCH")]
    name: String,
    /// Its network, if several have a switch of that name
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    match verb {
        Verb::List(options) => {
            let found = ask(options.network, None, session).await?;
            let mut listing = session.list();
            for switch in found {
                listing.push(&Entry::from(switch))?;
            }
            listing.finish()
        }
        Verb::Show(options) => {
            let mut found = ask(options.network, Some(options.name), session).await?;
            let found = found.pop().ok_or_else(without_its_switch)?;
            session.show(&found, Whole::text)
        }
    }
}

async fn ask(
    network: Option<String>,
    name: Option<String>,
    session: &mut Session<'_>,
) -> Result<Vec<Whole>, Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListSwitchesRequest { network, name };
    let mut pages = client.verbs().list_switches(request).await?.into_inner();
    let mut found: Vec<Whole> = Vec::new();
    while let Some(page) = pages.message().await? {
        for part in page.parts {
            match (part.part, found.last_mut()) {
                (Some(Part::Switch(switch)), _) => found.push(Whole::try_from(switch)?),
                (Some(Part::Port(port)), Some(switch)) => switch.ports.push(Port::try_from(port)?),
                // What a later daemon may have to say besides.
                (None, _) => {}
                (Some(Part::Port(_)), None) => return Err(without_its_switch()),
            }
        }
    }
    Ok(found)
}

fn without_its_switch() -> Failure {
    Failure::Malformed("a port without its switch".to_owned())
}

/// A logical switch.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Its name.
    switch: String,
    /// The segment whose interfaces are its ports.
    segment: Segment,
    /// Its address; null: it cannot be reached.
    address: Option<Shown<VirtualAddr>>,
    /// Its MAC address; null where it has no address.
    mac: Option<Shown<MacAddr>>,
    /// How many interfaces of the segment are attached to this host.
    ports: usize,
}

impl From<Whole> for Entry {
    fn from(whole: Whole) -> Self {
        Self {
            switch: whole.switch,
            segment: whole.segment,
            address: whole.address,
            mac: whole.mac,
            ports: whole.ports.len(),
        }
    }
}

impl Row for Entry {
    const COLUMNS: &'static [Column] = &[
        words("switch"),
        words("network"),
        words("entity"),
        words("segment"),
        words("address"),
        words("mac"),
        number("ports"),
    ];

    fn cells(&self) -> Vec<String> {
        let segment = &self.segment;
        vec![
            self.switch.clone(),
            segment.network.clone(),
            segment.entity.clone(),
            format!("{} ({})", segment.name, segment.id),
            self.address.map(|a| a.to_string()).unwrap_or_default(),
            self.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            self.ports.to_string(),
        ]
    }
}

/// A logical switch with its ports on this host.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Whole {
    /// Its name.
    switch: String,
    /// The segment whose interfaces are its ports.
    segment: Segment,
    /// Its address; null: it cannot be reached.
    address: Option<Shown<VirtualAddr>>,
    /// Its MAC address; null where it has no address.
    mac: Option<Shown<MacAddr>>,
    /// The interfaces that are attached to this host.
    ports: Vec<Port>,
}

/// An interface that is attached to this host. What interfaces of one segment
/// behind one port send is counted together.
#[derive(Debug, Serialize, JsonSchema)]
struct Port {
    /// Its node.
    node: String,
    /// The vswitch's port that it is behind.
    port: String,
    /// Its MAC address.
    mac: Shown<MacAddr>,
    /// Packets that it has sent.
    in_packets: u64,
    /// Their bytes.
    in_bytes: u64,
    /// Of those, dropped.
    in_discarded_packets: u64,
    /// Packets that it has got; null: others are behind its port, too.
    out_packets: Option<u64>,
    /// Their bytes.
    out_bytes: Option<u64>,
}

impl TryFrom<v1::Switch> for Whole {
    type Error = Failure;

    fn try_from(switch: v1::Switch) -> Result<Self, Failure> {
        Ok(Self {
            switch: switch.name,
            segment: wire::segment(switch.segment)?,
            address: switch.address.map(wire::virtual_address),
            mac: switch.mac.as_deref().map(wire::mac).transpose()?,
            ports: Vec::new(),
        })
    }
}

impl TryFrom<v1::SwitchPort> for Port {
    type Error = Failure;

    fn try_from(port: v1::SwitchPort) -> Result<Self, Failure> {
        Ok(Self {
            node: port.node,
            port: port.port,
            mac: wire::mac(&port.mac)?,
            in_packets: port.in_packets,
            in_bytes: port.in_bytes,
            in_discarded_packets: port.in_discarded_packets,
            out_packets: port.out_packets,
            out_bytes: port.out_bytes,
        })
    }
}

impl Whole {
    fn text(&self) -> String {
        let segment = &self.segment;
        let mut text = format!(
            "switch {}  network {}  entity {}  segment {} ({})",
            self.switch, segment.network, segment.entity, segment.name, segment.id
        );
        if let (Some(address), Some(mac)) = (&self.address, &self.mac) {
            let _ = write!(text, "  address {address}  mac {mac}");
        }
        text.push('\n');
        for port in &self.ports {
            text += &port.text();
        }
        let lines = text.lines().map(|line| printable(line) + "\n");
        lines.collect()
    }
}

impl Port {
    fn text(&self) -> String {
        let mut text = format!("node {} port {} mac {}\n", self.node, self.port, self.mac);
        let (packets, bytes) = (grouped(self.in_packets), grouped(self.in_bytes));
        let _ = write!(text, "    in  {packets} packets {bytes} bytes");
        if self.in_discarded_packets > 0 {
            let _ = write!(text, " {} dropped", grouped(self.in_discarded_packets));
        }
        if let (Some(packets), Some(bytes)) = (self.out_packets, self.out_bytes) {
            let (packets, bytes) = (grouped(packets), grouped(bytes));
            let _ = write!(text, "\n    out {packets} packets {bytes} bytes");
        }
        text + "\n"
    }
}
