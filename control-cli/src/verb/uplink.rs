//! `uplink list`.

use core::net::Ipv6Addr;

use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{seconds, span};
use crate::wire::{self, word};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ListUplinksRequest {};
    let mut pages = client.verbs().list_uplinks(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for mut uplink in page.uplinks {
            let addresses = core::mem::take(&mut uplink.addresses);
            // An uplink is listed even while it has no address yet.
            if addresses.is_empty() {
                listing.push(&Address::new(&uplink, None)?)?;
            }
            for address in addresses {
                listing.push(&Address::new(&uplink, Some(address))?)?;
            }
        }
    }
    listing.finish()
}

/// An address of the host itself, with the uplink that it is on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Address {
    /// The uplink's port.
    port: String,
    /// The IPv6 address; null where the uplink has none yet.
    address: Option<Ipv6Addr>,
    /// Where it comes from: `configured`, `link-local` (made from the port's
    /// MAC address) or `locator` (the first of a locator that is announced
    /// on-link; stands for all of it).
    kind: Option<String>,
    /// Whether it may be used: `tentative`, `preferred` or `duplicate`.
    state: Option<String>,
    #[serde(skip)]
    since_ms: Option<u64>,
    /// Since when it is in that state.
    since_seconds: Option<f64>,
    /// The largest IPv6 packet on the uplink.
    mtu_bytes: u32,
    /// Whether the uplink has a carrier: `up`, `down` or `unknown`.
    link: String,
    /// How the fabric learns where the host's locator is: `routed` or
    /// `on-link`.
    announce: String,
    /// Neighbours on the uplink that routes lead through.
    next_hops: u32,
    /// Those of them whose MAC address is known.
    next_hops_resolved: u32,
}

impl Address {
    fn new(uplink: &v1::Uplink, own: Option<v1::UplinkAddress>) -> Result<Self, Failure> {
        let own = own.as_ref();
        let kind = v1::UplinkAddressKind::as_str_name;
        let state = v1::UplinkAddressState::as_str_name;
        let announce = v1::LocatorAnnounce::as_str_name;
        Ok(Self {
            port: uplink.port.clone(),
            address: own.map(|own| wire::ipv6(&own.address)).transpose()?,
            kind: own.map(|own| word(own.kind, kind, "UPLINK_ADDRESS_KIND_")),
            state: own.map(|own| word(own.state, state, "UPLINK_ADDRESS_STATE_")),
            since_ms: own.map(|own| own.since_ms),
            since_seconds: own.map(|own| seconds(own.since_ms)),
            mtu_bytes: uplink.mtu,
            link: word(uplink.link, v1::LinkState::as_str_name, "LINK_STATE_"),
            announce: word(uplink.announce, announce, "LOCATOR_ANNOUNCE_"),
            next_hops: uplink.next_hops,
            next_hops_resolved: uplink.next_hops_resolved,
        })
    }
}

impl Row for Address {
    const COLUMNS: &'static [Column] = &[
        words("port"),
        words("address"),
        words("kind"),
        words("state"),
        words("since"),
        number("mtu"),
        words("link"),
        words("announce"),
        number("next hops"),
        number("resolved"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.port.clone(),
            self.address.map(|a| a.to_string()).unwrap_or_default(),
            self.kind.clone().unwrap_or_default(),
            self.state.clone().unwrap_or_default(),
            self.since_ms.map(span).unwrap_or_default(),
            self.mtu_bytes.to_string(),
            self.link.clone(),
            self.announce.clone(),
            self.next_hops.to_string(),
            self.next_hops_resolved.to_string(),
        ]
    }
}
