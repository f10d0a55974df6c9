//! What changes from one compiled form to the next: for the people who decide
//! on it, and mapping by mapping for the tables.
//!
//! * `mappings`: which mappings differ.
//! * `networks`, `segments`, `routers`, `nodes`, `shared`: one line for each thing that
//!   a person drew, by its name.
//! * `dhcp`: what a segment's nodes are told.
//! * `rules`: who may send what to whom.
//! * `loss`: whose packets the change costs.

mod dhcp;
mod join;
mod loss;
mod mappings;
mod multicast;
mod networks;
mod nodes;
mod routers;
mod rules;
mod segments;
mod shared;
mod snmp;
mod stations;
mod switches;
#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::{BTreeSet, HashMap};

use packet::SegmentId;

pub use mappings::{MappingChange, mapping_changes};

use crate::compiled::Compiled;

/// What changes from one compiled form to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What changes, thing by thing: by network, then by kind, then by name.
    pub lines: Vec<PlanLine>,
    /// Mappings that appear.
    pub mappings_added: u64,
    /// Mappings that change: another host, MAC or interface.
    pub mappings_changed: u64,
    /// Mappings that disappear.
    pub mappings_removed: u64,
    /// The tenants whose networks change, each once, in order.
    pub entities: Vec<String>,
    /// Whose packets the change costs, as a sentence.
    pub losses: String,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// How.
    pub change: Change,
    /// What kind of thing it is: `network`, `segment`, `router`, `switch`, `node`,
    /// `mapping`, `rule`, `shared address`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// The network it is in.
    pub network: String,
    /// What about it changes; of what is added or removed, what it is.
    pub detail: String,
    /// How many mappings change with it.
    pub mappings: u64,
}

/// How a thing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// It was not there before.
    Added,
    /// It stays, and is not what it was.
    Changed,
    /// It is not there any more.
    Removed,
}

impl Change {
    /// The sign that stands for it in listings.
    pub const fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
        }
    }
}

impl Plan {
    /// What changes from `before` to `after`, which was compiled with the
    /// former's ids.
    pub fn between(before: &Compiled, after: &Compiled) -> Self {
        let mut differences = Differences::new(before, after);
        differences.networks();
        let entities = differences.entities.into_iter().map(str::to_owned);
        let mut plan = Self {
            lines: differences.lines,
            entities: entities.collect(),
            losses: differences.losses.to_string(),
            ..Self::default()
        };
        for change in mapping_changes(before, after) {
            match (change.before, change.after) {
                (None, _) => plan.mappings_added += 1,
                (Some(_), None) => plan.mappings_removed += 1,
                (Some(_), Some(_)) => plan.mappings_changed += 1,
            }
        }
        plan
    }

    /// Does nothing change?
    pub fn is_empty(&self) -> bool {
        let mappings = self.mappings_added + self.mappings_changed + self.mappings_removed;
        self.lines.is_empty() && mappings == 0
    }
}

/// `~ node g of network z: moves from host s to host t`
impl fmt::Display for PlanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, what) = (self.change.sign(), self.what);
        write!(f, "{sign} {what} {}", self.name)?;
        if what != NETWORK {
            write!(f, " of network {}", self.network)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

const NETWORK: &str = "network";
const SEGMENT: &str = "segment";
const ROUTER: &str = "router";
const SWITCH: &str = "switch";
const NODE: &str = "node";
const MAPPING: &str = "mapping";
const RULE: &str = "rule";

/// What is found while two forms are compared.
struct Differences<'a> {
    before: Side<'a>,
    after: Side<'a>,
    lines: Vec<PlanLine>,
    entities: BTreeSet<&'a str>,
    losses: loss::Losses,
}

/// One of the two forms, and how many mappings there are in each segment.
struct Side<'a> {
    compiled: &'a Compiled,
    mappings: HashMap<SegmentId, u64>,
}

impl<'a> Differences<'a> {
    fn new(before: &'a Compiled, after: &'a Compiled) -> Self {
        Self {
            before: Side::new(before),
            after: Side::new(after),
            lines: Vec::new(),
            entities: BTreeSet::new(),
            losses: loss::Losses::default(),
        }
    }
}

impl<'a> Side<'a> {
    fn new(compiled: &'a Compiled) -> Self {
        let mut mappings = HashMap::new();
        for mapping in &compiled.mappings {
            *mappings.entry(mapping.segment).or_insert(0) += 1;
        }
        Self { compiled, mappings }
    }

    fn mappings_in(&self, segment: SegmentId) -> u64 {
        self.mappings.get(&segment).copied().unwrap_or(0)
    }
}

/// `1 node`, `2 nodes`.
fn counted(count: usize, what: &str) -> String {
    let plural = match what {
        _ if count == 1 => "",
        "address" | "shared address" | "switch" => "es",
        _ => "s",
    };
    format!("{count} {what}{plural}")
}

/// The parts of a detail, of which what is too many is only counted.
fn listed(mut parts: Vec<String>, what: &str, how: &str) -> Vec<String> {
    if parts.len() > LISTED {
        parts = vec![format!("{} {how}", counted(parts.len(), what))];
    }
    parts
}

/// How many things of one kind a detail lists one by one.
const LISTED: usize = 3;
