//! `route get`: which way a packet would take through the drawn networks.

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use core::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use control_api::v1;
use control_api::v1::get_route_request;
use packet::{IpProtocol, MacAddr, SegmentId, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use super::rule::Rule;
use crate::failure::Failure;
use crate::session::Session;
use crate::table::printable;
use crate::wire::{self, Segment, Shown, word};

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl route get --from 10.0.0.2 --to 10.1.5.3 --network z
  vswitchctl route get --from 0x00a001 --to 10.1.5.3 --protocol udp --destination-port 53";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Says which way a packet would take; exits 1 if it does not arrive
    #[command(after_help = HELP)]
    Get(Get),
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Who sends it: a node's virtual address, or a segment, e.g. 0x00a001
    #[arg(long, value_name = "ADDRESS|ID")]
    from: From,
    /// The virtual address it is for
    #[arg(long, value_name = "ADDRESS")]
    to: Ipv4Addr,
    /// The sender's network, if several have that address
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// The router that the sender gives it to [default: the first of its segment that leads there]
    #[arg(long, value_name = "NAME")]
    router: Option<String>,
    /// What it carries: with the ports, that decides between equal ways
    #[arg(long, value_enum, default_value_t)]
    protocol: Protocol,
    /// The port it comes from
    #[arg(long, value_name = "PORT", default_value_t)]
    source_port: u16,
    /// The port it goes to
    #[arg(long, value_name = "PORT", default_value_t)]
    destination_port: u16,
}

/// A sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Segment(SegmentId),
    Address(Ipv4Addr),
}

#[derive(Debug, thiserror::Error)]
#[error("neither an IPv4 address, e.g. 10.0.0.2, nor a segment's id, e.g. 0x00a001")]
pub(crate) struct NoSender;

impl FromStr for From {
    type Err = NoSender;

    fn from_str(text: &str) -> Result<Self, NoSender> {
        let segment = || text.parse().map(Self::Segment);
        let address = text.parse().map(Self::Address);
        address.or_else(|_| segment()).map_err(|_| NoSender)
    }
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Protocol {
    /// ICMP, as ping
    #[default]
    Icmp,
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    let Verb::Get(get) = verb;
    let mut client = session.connect().await?;
    let reply = client.verbs().get_route(get.into_request()).await?;
    let way = Way::try_from(reply.into_inner())?;
    session.show(&way, Way::text)?;
    if way.arrives {
        Ok(())
    } else {
        Err(Failure::Negative)
    }
}

impl Get {
    fn into_request(self) -> v1::GetRouteRequest {
        let IpProtocol(protocol) = match self.protocol {
            Protocol::Icmp => IpProtocol::ICMP,
            Protocol::Tcp => IpProtocol::TCP,
            Protocol::Udp => IpProtocol::UDP,
        };
        v1::GetRouteRequest {
            to: self.to.to_bits(),
            network: self.network,
            router: self.router,
            protocol: Some(protocol.into()),
            source_port: self.source_port.into(),
            destination_port: self.destination_port.into(),
            from: Some(match self.from {
                From::Segment(id) => get_route_request::From::Segment(id.get()),
                From::Address(address) => get_route_request::From::Address(address.to_bits()),
            }),
        }
    }
}

/// The way of a packet.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Way {
    /// The segment where it is sent.
    from_segment: Segment,
    /// Its sender's address; null: nobody is in the segment.
    from: Option<Shown<VirtualAddr>>,
    /// The logical routers to which it comes, in order.
    hops: Vec<Hop>,
    /// It gets to whoever has the address.
    arrives: bool,
    /// How it ends: `delivered`, `router` (at the router whose address it is),
    /// `nobody` (has the address), `no-router` (in the segment), `no-route`,
    /// `station` (the next hop is no router), `circle`, `too-far` (too many
    /// routers), `not-routable` or `refused` (by an access rule).
    end: String,
    /// The same in words.
    meaning: String,
    /// The segment in which it ends; null: it ends at a router.
    to_segment: Option<Segment>,
    /// Who has the address; or the next hop that is no router.
    destination: Destination,
    /// The largest packet that all segments on the way take; null: it does not
    /// arrive.
    mtu_bytes: Option<u32>,
    /// The access rule, or the default, that decides about it, where it begins something;
    /// null: its network has no rules, or it does not get there.
    rule: Option<Rule>,
    /// The other routers of the sender's segment.
    other_routers: Vec<String>,
}

/// A logical router on the way.
#[derive(Debug, Serialize, JsonSchema)]
struct Hop {
    /// Its name.
    router: String,
    /// The address from which it answers a traceroute.
    address: Shown<VirtualAddr>,
    /// The segment by which the packet comes to it; null: by a link that is
    /// none.
    segment: Option<Segment>,
    /// The sender hears its errors: it has a route back.
    heard: bool,
    /// It has several equal ways, and the flow chose this one.
    chosen_by_flow: bool,
}

/// Who is at the end.
#[derive(Debug, Serialize, JsonSchema)]
struct Destination {
    /// Its address.
    address: Shown<VirtualAddr>,
    /// What it belongs to: `node` or `router`; null: nobody known has it.
    kind: Option<String>,
    /// The node's or router's name, where known.
    name: Option<String>,
    /// The host it is on; null: a router, which is on none, or nobody.
    host: Option<String>,
    /// Its MAC address; null where it is a router that the packet has come to,
    /// or nobody.
    mac: Option<Shown<MacAddr>>,
}

impl TryFrom<v1::GetRouteReply> for Way {
    type Error = Failure;

    fn try_from(way: v1::GetRouteReply) -> Result<Self, Failure> {
        let end = v1::RouteEnd::try_from(way.end).unwrap_or_default();
        let hops = way.hops.into_iter().map(Hop::try_from);
        let hops: Vec<Hop> = hops.collect::<Result<_, _>>()?;
        let destination = way.destination.ok_or_else(|| {
            Failure::Malformed("a way without the address it leads to".to_owned())
        })?;
        let destination = Destination::try_from(destination)?;
        let from_segment = wire::segment(way.from_segment)?;
        let to_segment = wire::optional_segment(way.to_segment)?;
        let last = hops.last().map_or("", |hop| hop.router.as_str());
        let rule = way.rule.map(Rule::from);
        let meaning = match (end, &rule) {
            (v1::RouteEnd::Refused, Some(rule)) => format!("refused by {}", rule.called()),
            _ => meaning(end, last, &destination, &from_segment),
        };
        Ok(Self {
            from: way.from.map(wire::virtual_address),
            arrives: matches!(
                end,
                v1::RouteEnd::Delivered | v1::RouteEnd::Router | v1::RouteEnd::Forwarded
            ),
            end: word(way.end, v1::RouteEnd::as_str_name, "ROUTE_END_").replace('_', "-"),
            meaning,
            hops,
            from_segment,
            to_segment,
            destination,
            mtu_bytes: way.mtu,
            rule,
            other_routers: way.other_routers,
        })
    }
}

impl TryFrom<v1::RouteHop> for Hop {
    type Error = Failure;

    fn try_from(hop: v1::RouteHop) -> Result<Self, Failure> {
        Ok(Self {
            router: hop.router,
            address: wire::virtual_address(hop.address),
            segment: wire::optional_segment(hop.segment)?,
            heard: hop.heard,
            chosen_by_flow: hop.chosen_by_flow,
        })
    }
}

impl TryFrom<v1::RouteDestination> for Destination {
    type Error = Failure;

    fn try_from(destination: v1::RouteDestination) -> Result<Self, Failure> {
        let known = destination.kind != i32::from(v1::MappingKind::Unspecified);
        Ok(Self {
            address: wire::virtual_address(destination.address),
            kind: known.then(|| wire::mapping_kind(destination.kind)),
            name: destination.name,
            host: destination.host,
            mac: destination.mac.as_deref().map(wire::mac).transpose()?,
        })
    }
}

/// How it ends, and what its sender hears of that.
fn meaning(end: v1::RouteEnd, last: &str, destination: &Destination, from: &Segment) -> String {
    let address = destination.address;
    let owner = destination.name.as_deref().unwrap_or("a node");
    match end {
        v1::RouteEnd::Delivered => format!("arrives at {owner}"),
        v1::RouteEnd::Router => format!("arrives: the address is router {owner}'s own"),
        v1::RouteEnd::Nobody if last.is_empty() => {
            format!("nobody in {} has address {address}", from.name)
        }
        v1::RouteEnd::Nobody => {
            format!("nobody has address {address}: router {last} says so (ICMP 3/1)")
        }
        v1::RouteEnd::NoRouter => format!("{} has no router", from.name),
        v1::RouteEnd::NoRoute => {
            format!("router {last} has no route to {address} and says so (ICMP 3/0)")
        }
        v1::RouteEnd::Forwarded => format!("{owner} gets it, and passes it on as it likes"),
        v1::RouteEnd::Station => format!(
            "router {last} would pass it to {owner}, {address}, which forwards for nobody \
             (next-hop-no-router): give it forwards"
        ),
        v1::RouteEnd::Circle => format!(
            "it comes to router {last} again and again, until its TTL ends (ICMP 11/0): \
             correct their routes"
        ),
        v1::RouteEnd::TooFar => format!("too many routers: it ends at {last} (ICMP 11/0)"),
        v1::RouteEnd::NotRoutable => {
            format!("router {last} passes nothing on to {address} (not-routable)")
        }
        v1::RouteEnd::Refused => "access rules refuse it".to_owned(),
        v1::RouteEnd::Unspecified => {
            "it ends in a way that this vswitchctl does not know".to_owned()
        }
    }
}

impl Way {
    /// As traceroute would show it, and why.
    fn text(&self) -> String {
        let mut text = "from ".to_owned();
        if let Some(from) = self.from {
            let _ = write!(text, "{from} in ");
        }
        let Segment {
            id, name, network, ..
        } = &self.from_segment;
        let _ = writeln!(text, "{name} ({id}), network {network}");
        let own = self.end == "router";
        // A router that is meant answers from the address that is meant.
        let passing = self.hops.len() - usize::from(own && !self.hops.is_empty());
        for (number, hop) in (1..).zip(self.hops.iter().take(passing)) {
            let _ = writeln!(text, "{number:2}  {}", hop.text());
        }
        if self.arrives {
            let _ = writeln!(text, "{:2}  {}", passing + 1, self.arrival());
        } else {
            let _ = writeln!(text, "ends: {}", self.meaning);
        }
        if let Some(rule) = self.rule.as_ref().filter(|_| self.arrives) {
            let _ = writeln!(text, "allowed by {}", rule.called());
        }
        if let Some(mtu) = self.mtu_bytes {
            let _ = writeln!(text, "mtu {mtu}");
        }
        if !self.other_routers.is_empty() {
            let others = self.other_routers.join(", ");
            let _ = writeln!(text, "other routers in {name} (--router): {others}");
        }
        let lines = text.lines().map(|line| printable(line) + "\n");
        lines.collect()
    }

    fn arrival(&self) -> String {
        let of = &self.destination;
        let mut text = of.address.to_string();
        if let Some(kind) = &of.kind {
            let _ = write!(text, "  {kind}");
        }
        if let Some(name) = &of.name {
            let _ = write!(text, " {name}");
        }
        if let Some(segment) = &self.to_segment {
            let _ = write!(text, " in {} ({})", segment.name, segment.id);
        }
        if let Some(host) = &of.host {
            let _ = write!(text, " on host {host}");
        }
        if let Some(mac) = of.mac {
            let _ = write!(text, " mac {mac}");
        }
        if self.end == "forwarded" {
            text += ", which passes it on as it likes";
        }
        text
    }
}

impl Hop {
    fn text(&self) -> String {
        let mut text = if self.heard {
            format!("{}  router {}", self.address, self.router)
        } else {
            format!("*  router {} (no route back: not heard)", self.router)
        };
        if self.chosen_by_flow {
            text += "  (one of its equal ways, by the flow)";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_or_a_segment() {
        let from = |text: &str| text.parse::<From>().ok();
        let address = Ipv4Addr::new(10, 0, 0, 2);
        assert_eq!(from("10.0.0.2"), Some(From::Address(address)));
        let segment = SegmentId::new(0xa001).ok().map(From::Segment);
        assert_eq!(from("0x00a001"), segment);
        assert_eq!(from("40961"), segment);
        assert_eq!((from("front"), from("10.0.0")), (None, None));
    }
}
