//! `port list`.

use control_api::v1;
use packet::MacAddr;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::grouped;
use crate::wire::{self, Shown, word};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListPortsRequest {};
    let mut pages = client.verbs().list_ports(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for port in page.ports {
            listing.push(&Port::try_from(port)?)?;
        }
    }
    listing.finish()
}

/// A port of the vswitch.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Port {
    /// Its name in the configuration.
    name: String,
    /// The word that chose its kind in the configuration: `pci`, `tap`, …
    kind: String,
    /// What that word was given: a PCI address, a path, an interface's name.
    device: String,
    /// What is behind it: `node`, `substrate`, `kernel` (this host's kernel,
    /// for its own frames on an uplink) or `unused`.
    role: String,
    /// Its own MAC address.
    mac: Shown<MacAddr>,
    /// The largest IP packet it carries.
    mtu_bytes: u32,
    /// Whether it has a carrier: `up`, `down` or `unknown`.
    link: String,
    /// Its speed in Mbit/s; null where the device does not say.
    speed_mbps: Option<u32>,
    /// How many queues it has in each direction.
    queues: u32,
    /// What its sending side does by itself: `checksum`, `segmentation`.
    offloads: Vec<String>,
    /// Frames received.
    rx_packets: u64,
    /// Their length, Ethernet header included, FCS not.
    rx_bytes: u64,
    /// Frames lost before the vswitch saw them.
    rx_missed_packets: u64,
    /// Frames sent.
    tx_packets: u64,
    /// Their length, as of those received.
    tx_bytes: u64,
    /// Frames that the device did not take, or could not send.
    tx_dropped_packets: u64,
}

impl TryFrom<v1::Port> for Port {
    type Error = Failure;

    fn try_from(port: v1::Port) -> Result<Self, Failure> {
        let received = port.received.unwrap_or_default();
        let sent = port.sent.unwrap_or_default();
        let offload = |value| word(value, v1::PortOffload::as_str_name, "PORT_OFFLOAD_");
        Ok(Self {
            role: word(port.role, v1::PortRole::as_str_name, "PORT_ROLE_"),
            link: word(port.link, v1::LinkState::as_str_name, "LINK_STATE_"),
            mac: wire::mac(&port.mac)?,
            name: port.name,
            kind: port.kind,
            device: port.device,
            mtu_bytes: port.mtu,
            speed_mbps: port.speed_mbps,
            queues: port.queues,
            offloads: port.offloads.into_iter().map(offload).collect(),
            rx_packets: received.packets,
            rx_bytes: received.bytes,
            rx_missed_packets: port.missed_packets,
            tx_packets: sent.packets,
            tx_bytes: sent.bytes,
            tx_dropped_packets: port.tx_dropped_packets,
        })
    }
}

impl Row for Port {
    const COLUMNS: &'static [Column] = &[
        words("port"),
        words("role"),
        words("kind"),
        words("device"),
        words("mac"),
        number("mtu"),
        words("link"),
        number("queues"),
        words("offloads"),
        number("rx packets"),
        number("rx bytes"),
        number("rx missed"),
        number("tx packets"),
        number("tx bytes"),
        number("tx dropped"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.role.clone(),
            self.kind.clone(),
            self.device.clone(),
            self.mac.to_string(),
            self.mtu_bytes.to_string(),
            match self.speed_mbps {
                Some(mbps) => format!("{} {} Mbit/s", self.link, grouped(mbps.into())),
                None => self.link.clone(),
            },
            self.queues.to_string(),
            self.offloads.join(" "),
            grouped(self.rx_packets),
            grouped(self.rx_bytes),
            grouped(self.rx_missed_packets),
            grouped(self.tx_packets),
            grouped(self.tx_bytes),
            grouped(self.tx_dropped_packets),
        ]
    }
}
