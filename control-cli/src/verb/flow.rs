//! `flow list`.

use clap::{Args, Subcommand};
use control_api::v1;
use packet::{IpProtocol, SegmentId, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{seconds, span};
use crate::wire::{self, Segment, Shown, word};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the flows whose replies pass without a rule
    #[command(after_help = "Example: vswitchctl flow list --segment 0x00a001")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those with an end in this segment, e.g. 0x00a001
    #[arg(long, value_name = "ID")]
    segment: Option<SegmentId>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    let Verb::List(options) = verb;
    let mut client = session.connect().await?;
    let request = v1::ListFlowsRequest {
        segment: options.segment.map(SegmentId::get),
    };
    let mut pages = client.verbs().list_flows(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for flow in page.flows {
            listing.push(&Flow::try_from(flow)?)?;
        }
    }
    listing.finish()
}

/// Two that talk to each other, as rules permit.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Flow {
    /// Who has begun it.
    from: End,
    /// Who replies.
    to: End,
    /// The protocol's number.
    protocol: u32,
    /// Rules permit both to begin.
    both_ways: bool,
    /// `opening` (nobody has answered yet), `open`, or of TCP `closing` (one will send no more)
    /// and `closed` (it was reset).
    phase: String,
    #[serde(skip)]
    expires_ms: u64,
    /// When it will be forgotten, if nothing more is heard.
    expires_in_seconds: f64,
}

/// An end of a flow.
#[derive(Debug, Serialize, JsonSchema)]
struct End {
    /// The segment it is in.
    segment: Segment,
    /// Its address.
    address: Shown<VirtualAddr>,
    /// Its port; of a ping the identifier; zero where there is none.
    port: u32,
}

impl TryFrom<v1::Flow> for Flow {
    type Error = Failure;

    fn try_from(flow: v1::Flow) -> Result<Self, Failure> {
        Ok(Self {
            from: End::try_from(flow.from)?,
            to: End::try_from(flow.to)?,
            protocol: flow.protocol,
            both_ways: flow.both_ways,
            phase: word(flow.phase, v1::FlowPhase::as_str_name, "FLOW_PHASE_"),
            expires_ms: flow.expires_ms,
            expires_in_seconds: seconds(flow.expires_ms),
        })
    }
}

impl TryFrom<Option<v1::FlowEnd>> for End {
    type Error = Failure;

    fn try_from(end: Option<v1::FlowEnd>) -> Result<Self, Failure> {
        let end = end.ok_or_else(|| Failure::Malformed("a flow without its ends".to_owned()))?;
        Ok(Self {
            segment: wire::segment(end.segment)?,
            address: wire::virtual_address(end.address),
            port: end.port,
        })
    }
}

impl End {
    fn cells(&self) -> [String; 3] {
        let segment = format!("{} ({})", self.segment.name, self.segment.id);
        let port = match self.port {
            0 => String::new(),
            port => port.to_string(),
        };
        [segment, self.address.to_string(), port]
    }
}

impl Row for Flow {
    const COLUMNS: &'static [Column] = &[
        words("network"),
        words("entity"),
        words("from"),
        words("address"),
        number("port"),
        words("to"),
        words("address"),
        number("port"),
        words("protocol"),
        words("both ways"),
        words("phase"),
        words("expires"),
    ];

    fn cells(&self) -> Vec<String> {
        let [from, from_address, from_port] = self.from.cells();
        let [to, to_address, to_port] = self.to.cells();
        let protocol = match u8::try_from(self.protocol).map(IpProtocol) {
            Ok(IpProtocol::TCP) => "tcp".to_owned(),
            Ok(IpProtocol::UDP) => "udp".to_owned(),
            Ok(IpProtocol::ICMP) => "icmp".to_owned(),
            _ => self.protocol.to_string(),
        };
        vec![
            self.from.segment.network.clone(),
            self.from.segment.entity.clone(),
            from,
            from_address,
            from_port,
            to,
            to_address,
            to_port,
            protocol,
            if self.both_ways { "yes" } else { "no" }.to_owned(),
            self.phase.clone(),
            format!("in {}", span(self.expires_ms)),
        ]
    }
}
