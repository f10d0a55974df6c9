//! `router list` and `router show`.

use core::fmt::Write as _;

use clap::{Args, Subcommand};
use control_api::v1;
use control_api::v1::router_part::Part;
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
    /// Lists the logical routers, one line per leg
    #[command(after_help = "Example: vswitchctl router list --network z")]
    List(List),
    /// Shows one router's legs and routes, each with its next hops
    #[command(after_help = "Example: vswitchctl router show j --network z")]
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
    /// The router
    #[arg(value_name = "ROUTER")]
    name: String,
    /// Its network, if several have a router of that name
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
    let request = v1::ListRoutersRequest {
        network: options.network,
    };
    let mut pages = client.verbs().list_routers(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for leg in page.legs {
            listing.push(&Entry::try_from(leg)?)?;
        }
    }
    listing.finish()
}

async fn show(options: Show, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ShowRouterRequest {
        name: options.name,
        network: options.network,
    };
    let mut pages = client.verbs().show_router(request).await?.into_inner();
    let mut shown: Option<Whole> = None;
    while let Some(page) = pages.message().await? {
        for part in page.parts {
            match (part.part, &mut shown) {
                (Some(Part::Router(router)), _) => shown = Some(Whole::from(router)),
                (Some(Part::Leg(leg)), Some(whole)) => whole.legs.push(Leg::try_from(leg)?),
                (Some(Part::Route(route)), Some(whole)) => {
                    whole.routes.push(Route::try_from(route)?);
                }
                // What a later daemon may have to say besides.
                (None, _) => {}
                (Some(_), None) => return Err(without_its_router()),
            }
        }
    }
    session.show(&shown.ok_or_else(without_its_router)?, Whole::text)
}

fn without_its_router() -> Failure {
    Failure::Malformed("a leg or a route without its router".to_owned())
}

/// A leg of a logical router.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// The router's name.
    router: String,
    /// The network it belongs to.
    network: String,
    /// The tenant whose network that is.
    entity: String,
    /// The segment that the leg is in; null: the router has no leg.
    segment: Option<Segment>,
    /// The router's addresses there.
    addresses: Vec<Shown<VirtualAddr>>,
    /// Its MAC address there; null: it has no leg.
    mac: Option<Shown<MacAddr>>,
    /// How many routes the router has, those to its own segments not counted.
    routes: u32,
    /// Where its errors come from about what came by no segment; null: it has no
    /// address.
    source: Option<Shown<VirtualAddr>>,
}

impl TryFrom<v1::RouterLeg> for Entry {
    type Error = Failure;

    fn try_from(entry: v1::RouterLeg) -> Result<Self, Failure> {
        let router = entry.router.ok_or_else(without_its_router)?;
        let leg = entry.leg.map(Leg::try_from).transpose()?;
        let (segment, addresses, mac) = match leg {
            Some(leg) => (Some(leg.segment), leg.addresses, Some(leg.mac)),
            None => (None, Vec::new(), None),
        };
        Ok(Self {
            router: router.name,
            network: router.network,
            entity: router.entity,
            segment,
            addresses,
            mac,
            routes: router.routes,
            source: router.source.map(wire::virtual_address),
        })
    }
}

impl Row for Entry {
    const COLUMNS: &'static [Column] = &[
        words("router"),
        words("network"),
        words("entity"),
        words("segment"),
        words("addresses"),
        words("mac"),
        number("routes"),
        words("source"),
    ];

    fn cells(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        vec![
            self.router.clone(),
            self.network.clone(),
            self.entity.clone(),
            self.segment.as_ref().map(named).unwrap_or_default(),
            addresses.collect::<Vec<_>>().join(" "),
            self.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            self.routes.to_string(),
            self.source.map(|from| from.to_string()).unwrap_or_default(),
        ]
    }
}

/// A logical router.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Whole {
    /// Its name.
    router: String,
    /// The network it belongs to.
    network: String,
    /// The tenant whose network that is.
    entity: String,
    /// Where its errors come from about what came by no segment; null: it has no
    /// address.
    source: Option<Shown<VirtualAddr>>,
    /// Its interfaces.
    legs: Vec<Leg>,
    /// Its routes, those to its own segments not among them.
    routes: Vec<Route>,
}

/// A logical router's interface to a segment.
#[derive(Debug, Serialize, JsonSchema)]
struct Leg {
    /// The segment.
    segment: Segment,
    /// The segment's range, which the router reaches by this leg.
    subnet: String,
    /// The router's addresses there.
    addresses: Vec<Shown<VirtualAddr>>,
    /// Its MAC address there.
    mac: Shown<MacAddr>,
    /// The segment's MTU.
    mtu_bytes: u32,
    /// It answers ARP for what it would route (RFC 1027).
    proxy_arp: bool,
    /// What has passed it, as far as this host has done the router's work: it does
    /// that of what its own nodes send.
    counters: Counters,
}

/// What has passed an interface; bytes are those of Ethernet frames without tag
/// and check sequence.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Counters {
    /// Packets that came in by it.
    in_packets: u64,
    /// Their bytes.
    in_bytes: u64,
    /// Packets that left by it.
    out_packets: u64,
    /// Their bytes.
    out_bytes: u64,
    /// Packets that were to leave by it, and could not.
    out_discarded_packets: u64,
}

/// A route to what the router is not linked to.
#[derive(Debug, Serialize, JsonSchema)]
struct Route {
    /// The destinations, as `10.1.0.0/16`.
    to: String,
    /// The next hops: each flow takes one of them.
    next_hops: Vec<NextHop>,
}

/// Who gets a packet from the router.
#[derive(Debug, Serialize, JsonSchema)]
struct NextHop {
    /// The logical router that it is; null: a station.
    router: Option<String>,
    /// Its address; null: on a link that is no segment, it has none.
    address: Option<Shown<VirtualAddr>>,
    /// The segment in which it is reached; null: there is none between the two.
    segment: Option<Segment>,
}

impl From<v1::Router> for Whole {
    fn from(router: v1::Router) -> Self {
        Self {
            router: router.name,
            network: router.network,
            entity: router.entity,
            source: router.source.map(wire::virtual_address),
            legs: Vec::new(),
            routes: Vec::new(),
        }
    }
}

impl TryFrom<v1::Leg> for Leg {
    type Error = Failure;

    fn try_from(leg: v1::Leg) -> Result<Self, Failure> {
        let addresses = leg.addresses.into_iter();
        Ok(Self {
            segment: wire::segment(leg.segment)?,
            subnet: wire::prefix(leg.subnet)?,
            addresses: addresses.map(wire::virtual_address).collect(),
            mac: wire::mac(&leg.mac)?,
            mtu_bytes: leg.mtu,
            proxy_arp: leg.proxy_arp,
            counters: leg.counters.map(Counters::from).unwrap_or_default(),
        })
    }
}

impl From<v1::LegCounters> for Counters {
    fn from(counters: v1::LegCounters) -> Self {
        Self {
            in_packets: counters.in_packets,
            in_bytes: counters.in_bytes,
            out_packets: counters.out_packets,
            out_bytes: counters.out_bytes,
            out_discarded_packets: counters.out_discarded_packets,
        }
    }
}

impl TryFrom<v1::Route> for Route {
    type Error = Failure;

    fn try_from(route: v1::Route) -> Result<Self, Failure> {
        let next_hops = route.next_hops.into_iter().map(NextHop::try_from);
        Ok(Self {
            to: wire::prefix(route.to)?,
            next_hops: next_hops.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<v1::RouteNextHop> for NextHop {
    type Error = Failure;

    fn try_from(hop: v1::RouteNextHop) -> Result<Self, Failure> {
        Ok(Self {
            router: hop.router,
            address: hop.address.map(wire::virtual_address),
            segment: wire::optional_segment(hop.segment)?,
        })
    }
}

fn named(segment: &Segment) -> String {
    format!("{} ({})", segment.name, segment.id)
}

impl Whole {
    /// In the style of `ip route`.
    fn text(&self) -> String {
        let mut text = format!(
            "router {}  network {}  entity {}",
            self.router, self.network, self.entity
        );
        if let Some(source) = self.source {
            let _ = write!(text, "  source {source}");
        }
        text.push('\n');
        for leg in &self.legs {
            text += &leg.text();
        }
        for route in &self.routes {
            text += &route.text();
        }
        let lines = text.lines().map(|line| printable(line) + "\n");
        lines.collect()
    }
}

impl Leg {
    fn text(&self) -> String {
        let mut text = format!("{} dev {}", self.subnet, named(&self.segment));
        for address in &self.addresses {
            let _ = write!(text, " src {address}");
        }
        let _ = write!(text, " mac {} mtu {}", self.mac, self.mtu_bytes);
        if self.proxy_arp {
            text += " proxy-arp";
        }
        let counters = &self.counters;
        for (way, packets, bytes) in [
            ("in ", counters.in_packets, counters.in_bytes),
            ("out", counters.out_packets, counters.out_bytes),
        ] {
            let (packets, bytes) = (grouped(packets), grouped(bytes));
            let _ = write!(text, "\n    {way} {packets} packets {bytes} bytes");
        }
        if counters.out_discarded_packets > 0 {
            let discarded = grouped(counters.out_discarded_packets);
            let _ = write!(text, " {discarded} discarded");
        }
        text + "\n"
    }
}

impl Route {
    fn text(&self) -> String {
        let to = match self.to.as_str() {
            "0.0.0.0/0" => "default",
            other => other,
        };
        match self.next_hops.as_slice() {
            [] => format!("unreachable {to}\n"),
            [one] => format!("{to} {}\n", one.text()),
            several => {
                let hops = several.iter();
                let hops = hops.map(|hop| format!("    nexthop {}\n", hop.text()));
                format!("{to}\n{}", hops.collect::<String>())
            }
        }
    }
}

impl NextHop {
    fn text(&self) -> String {
        let mut text = "via".to_owned();
        if let Some(address) = self.address {
            let _ = write!(text, " {address}");
        }
        if let Some(segment) = &self.segment {
            let _ = write!(text, " dev {}", named(segment));
        }
        text + &match &self.router {
            Some(router) => format!(" router {router}"),
            None => " (a station: not yet)".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(router: Option<&str>, address: Option<u32>) -> NextHop {
        NextHop {
            router: router.map(str::to_owned),
            address: address.map(wire::virtual_address),
            segment: None,
        }
    }

    #[test]
    fn routes_read_as_with_ip() {
        let route = |to: &str, next_hops| Route {
            to: to.to_owned(),
            next_hops,
        };
        let text = |to, next_hops| route(to, next_hops).text();
        assert_eq!(text("10.0.0.0/8", Vec::new()), "unreachable 10.0.0.0/8\n");
        let one = vec![hop(Some("l"), None)];
        assert_eq!(text("0.0.0.0/0", one), "default via router l\n");
        let two = vec![hop(Some("l"), None), hop(None, Some(0x0a00_0009))];
        assert_eq!(
            text("10.8.0.0/16", two),
            "10.8.0.0/16\n    nexthop via router l\n    \
             nexthop via 10.0.0.9 (a station: not yet)\n"
        );
    }
}
