//! `watch`: what changes, as it changes.

use clap::Args;
use control_api::v1;
use packet::{Locator, MacAddr, SegmentId, VirtualAddr};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;
use crate::table::printable;
use crate::text::grouped;
use crate::wire::{self, Moment, Shown};

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl watch
  vswitchctl watch --after 812 -o json | jq .event

Ends with an error when the daemon ends, or when it does not remember so far back.";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Begin with what came after this revision [default: what comes next]
    #[arg(long, value_name = "REVISION")]
    after: Option<u64>,
}

pub(super) async fn run(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::WatchRequest {
        after_revision: options.after,
    };
    let mut pages = client.verbs().watch(request).await?.into_inner();
    let mut after = None;
    loop {
        let page = match pages.message().await.map_err(Failure::from) {
            Ok(Some(page)) => page,
            Err(failure) if !(failure.lost_the_daemon() && after.is_some()) => return Err(failure),
            Ok(None) | Err(_) => break,
        };
        if after.is_none() {
            let begin = options.after.unwrap_or(page.revision);
            session.tell(&Event::begin(begin), Event::text)?;
        }
        // More of the last revision may have been about to come.
        after = Some(match page.events.last() {
            Some(last) => last.revision.saturating_sub(1),
            None => page.revision,
        });
        for event in page.events {
            session.tell(&Event::try_from(event)?, Event::text)?;
        }
        session.flush()?;
    }
    Err(Failure::WatchEnded {
        after: after.or(options.after).unwrap_or_default(),
    })
}

/// Something that happened. Each is a line of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Event {
    /// The revision that changed it; of `watching`: the one after which the
    /// watch begins.
    revision: u64,
    /// When; null of `watching`.
    at: Option<Moment>,
    #[serde(flatten)]
    what: What,
}

/// What happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum What {
    /// The watch has begun.
    Watching,
    /// Another topology is in force.
    Topology {
        /// What changed, in one line.
        summary: String,
        /// When it goes back by itself unless confirmed; null: never.
        reverts_at: Option<Moment>,
    },
    /// A mapping appeared or changed.
    MappingSet {
        /// The segment's id.
        segment_id: Shown<SegmentId>,
        /// The virtual address.
        address: Shown<VirtualAddr>,
        /// The locator of the host it is on.
        locator: Shown<Locator>,
        /// Its slot there.
        slot: u32,
        /// Its MAC address.
        mac: Shown<MacAddr>,
    },
    /// A mapping disappeared.
    MappingRemoved {
        /// The segment's id.
        segment_id: Shown<SegmentId>,
        /// The virtual address.
        address: Shown<VirtualAddr>,
    },
    /// A port was added.
    PortAdded {
        /// Its name.
        port: String,
    },
    /// A port was removed.
    PortRemoved {
        /// Its name.
        port: String,
    },
    /// A table's occupancy crossed its alarm threshold.
    TableAlarm {
        /// The table's name.
        table: String,
        /// It is above the threshold.
        raised: bool,
        /// Entries in use.
        used: u64,
        /// Entries that fit.
        capacity: u64,
    },
    /// Something that this vswitchctl does not know of.
    Unknown,
}

impl TryFrom<v1::Event> for Event {
    type Error = Failure;

    fn try_from(event: v1::Event) -> Result<Self, Failure> {
        use v1::event::What as Wire;
        let what = match event.what {
            Some(Wire::Topology(topology)) => What::Topology {
                summary: topology.summary,
                reverts_at: topology.reverts_at_ms.map(Moment::from_ms),
            },
            Some(Wire::Mapping(change)) => mapping(&change)?,
            Some(Wire::PortAdded(port)) => What::PortAdded { port },
            Some(Wire::PortRemoved(port)) => What::PortRemoved { port },
            Some(Wire::Alarm(alarm)) => What::TableAlarm {
                table: alarm.table,
                raised: alarm.raised,
                used: alarm.used,
                capacity: alarm.capacity,
            },
            None => What::Unknown,
        };
        Ok(Self {
            revision: event.revision,
            at: Some(Moment::from_ms(event.at_ms)),
            what,
        })
    }
}

fn mapping(change: &v1::MappingChange) -> Result<What, Failure> {
    let segment_id = Shown(wire::segment_id(change.segment)?);
    let address = wire::virtual_address(change.address);
    if change.remove {
        return Ok(What::MappingRemoved {
            segment_id,
            address,
        });
    }
    let [_, _, mac @ ..] = change.mac.to_be_bytes();
    Ok(What::MappingSet {
        segment_id,
        address,
        locator: wire::locator(change.locator),
        slot: change.slot,
        mac: Shown(MacAddr::new(mac)),
    })
}

impl Event {
    fn begin(after: u64) -> Self {
        Self {
            revision: after,
            at: None,
            what: What::Watching,
        }
    }

    fn text(&self) -> String {
        let revision = self.revision;
        let Some(at) = self.at else {
            return format!("watching what comes after revision {revision}");
        };
        format!(
            "{}  {revision}  {}",
            at.local(),
            printable(&self.what.text())
        )
    }
}

impl What {
    fn text(&self) -> String {
        match self {
            Self::Watching => String::new(),
            Self::Topology {
                summary,
                reverts_at: None,
            } => format!("topology: {summary}"),
            Self::Topology {
                summary,
                reverts_at: Some(at),
            } => format!("topology: {summary} (rolls back at {})", at.local()),
            Self::MappingSet {
                segment_id,
                address,
                locator,
                slot,
                mac,
            } => format!("mapping {segment_id} {address}: at {locator} slot {slot}, mac {mac}"),
            Self::MappingRemoved {
                segment_id,
                address,
            } => format!("mapping {segment_id} {address}: removed"),
            Self::PortAdded { port } => format!("port {port}: added"),
            Self::PortRemoved { port } => format!("port {port}: removed"),
            Self::TableAlarm {
                table,
                raised,
                used,
                capacity,
            } => {
                let (used, capacity) = (grouped(*used), grouped(*capacity));
                let how = match raised {
                    true => "ALARM, nearly full",
                    false => "no longer nearly full",
                };
                format!("table {table}: {how}: {used} of {capacity}")
            }
            Self::Unknown => "something that this vswitchctl does not know of".to_owned(),
        }
    }
}
