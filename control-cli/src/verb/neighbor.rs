//! `neighbor list`.

use core::net::Ipv6Addr;

use control_api::v1;
use packet::MacAddr;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{seconds, span};
use crate::wire::{self, Shown, word};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListNeighborsRequest {};
    let mut pages = client.verbs().list_neighbors(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for neighbor in page.neighbors {
            listing.push(&Neighbor::try_from(neighbor)?)?;
        }
    }
    listing.finish()
}

/// A station on the fabric next to this host.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Neighbor {
    /// The uplink's port.
    port: String,
    /// Its IPv6 address.
    address: Ipv6Addr,
    /// Its MAC address; null while it is not known.
    mac: Option<Shown<MacAddr>>,
    /// The state of RFC 4861 §7.3.2 that it is in: `incomplete`, `reachable`,
    /// `stale`, `delay`, `probe`; or `failed` (it did not answer).
    state: String,
    /// It is a router.
    router: bool,
    #[serde(skip)]
    since_ms: u64,
    /// Since when it is in that state.
    since_seconds: f64,
    /// Packets that wait for its MAC address.
    held_packets: u32,
}

impl TryFrom<v1::Neighbor> for Neighbor {
    type Error = Failure;

    fn try_from(neighbor: v1::Neighbor) -> Result<Self, Failure> {
        Ok(Self {
            address: wire::ipv6(&neighbor.address)?,
            mac: neighbor.mac.as_deref().map(wire::mac).transpose()?,
            state: word(
                neighbor.state,
                v1::NeighborState::as_str_name,
                "NEIGHBOR_STATE_",
            ),
            port: neighbor.port,
            router: neighbor.router,
            since_ms: neighbor.since_ms,
            since_seconds: seconds(neighbor.since_ms),
            held_packets: neighbor.held_packets,
        })
    }
}

impl Row for Neighbor {
    const COLUMNS: &'static [Column] = &[
        words("port"),
        words("address"),
        words("mac"),
        words("state"),
        words("since"),
        words("router"),
        number("held packets"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.port.clone(),
            self.address.to_string(),
            self.mac.map(|m| m.to_string()).unwrap_or_default(),
            self.state.clone(),
            span(self.since_ms),
            if self.router { "yes" } else { "no" }.to_owned(),
            self.held_packets.to_string(),
        ]
    }
}
