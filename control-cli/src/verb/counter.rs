//! `counter list`.

use clap::{Args, Subcommand};
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::{ago, grouped, seconds};
use crate::wire::{self, Segment, segment_cells, word};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the counters that are not zero
    #[command(after_help = "Example: vswitchctl counter list --drops --port vm-a")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only drops, with what to do about them
    #[arg(long)]
    drops: bool,
    /// Only those of this port
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Also those that are zero
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    let Verb::List(list) = verb;
    if list.drops {
        show::<Drop>(list, session).await
    } else {
        show::<Counter>(list, session).await
    }
}

async fn show<R>(list: List, session: &mut Session<'_>) -> Result<(), Failure>
where
    R: Row + From<Counter>,
{
    let mut client = session.connect().await?;
    let request = v1::ListCountersRequest {
        drops_only: list.drops,
        port: list.port,
        zeros: list.all,
    };
    let mut pages = client.verbs().list_counters(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for counter in page.counters {
            listing.push(&R::from(Counter::try_from(counter)?))?;
        }
    }
    listing.finish()
}

/// A counter.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Counter {
    /// The port it counts for; null: the vswitch as a whole.
    port: Option<String>,
    /// The segment it counts for; null: none, or packets that were never placed
    /// in one.
    segment: Option<Segment>,
    /// What it counts.
    name: String,
    /// `event`, `drop` or another kind of counting.
    kind: String,
    /// How many.
    value: u64,
    /// Of what: `packets`, …
    unit: String,
    #[serde(skip)]
    last_seen_ms: Option<u64>,
    /// How long ago it last rose; null where that is not noted.
    last_seen_seconds: Option<f64>,
    /// What it counts, in words.
    description: String,
    /// What to do about it; null: nothing.
    remedy: Option<String>,
}

impl TryFrom<v1::Counter> for Counter {
    type Error = Failure;

    fn try_from(counter: v1::Counter) -> Result<Self, Failure> {
        Ok(Self {
            segment: wire::optional_segment(counter.segment)?,
            kind: word(counter.kind, v1::CounterKind::as_str_name, "COUNTER_KIND_"),
            port: counter.port,
            name: counter.name,
            value: counter.value,
            unit: counter.unit,
            last_seen_ms: counter.last_seen_ms,
            last_seen_seconds: counter.last_seen_ms.map(seconds),
            description: counter.description,
            remedy: counter.remedy,
        })
    }
}

impl Row for Counter {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            words("port"),
            segment,
            network,
            entity,
            words("counter"),
            number("value"),
            words("unit"),
            words("description"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let [segment, network, entity] = segment_cells(self.segment.as_ref());
        vec![
            self.port.clone().unwrap_or_default(),
            segment,
            network,
            entity,
            self.name.clone(),
            grouped(self.value),
            self.unit.clone(),
            self.description.clone(),
        ]
    }
}

/// A counter of drops: the table says when and what to do, programs see the
/// same fields as of every counter.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Drop(Counter);

impl From<Counter> for Drop {
    fn from(counter: Counter) -> Self {
        Self(counter)
    }
}

impl Row for Drop {
    const COLUMNS: &'static [Column] = {
        let [segment, network, entity] = Segment::COLUMNS;
        &[
            words("port"),
            segment,
            network,
            entity,
            words("reason"),
            number("packets"),
            words("last seen"),
            words("remedy"),
        ]
    };

    fn cells(&self) -> Vec<String> {
        let Self(counter) = self;
        let [segment, network, entity] = segment_cells(counter.segment.as_ref());
        vec![
            counter.port.clone().unwrap_or_default(),
            segment,
            network,
            entity,
            counter.name.clone(),
            grouped(counter.value),
            counter.last_seen_ms.map(ago).unwrap_or_default(),
            counter
                .remedy
                .clone()
                .unwrap_or_else(|| counter.description.clone()),
        ]
    }
}
