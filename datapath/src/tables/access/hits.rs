//! How often each rule has decided.
//!
//! Every worker counts in a row of its own, so that two that count the same rule
//! do not wait for each other's cache line.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::utils::CachePadded;
use vnet::compiled::Rule;

use super::Ruling;

/// Rows: workers that are so many apart share one.
const ROWS: usize = 4;

/// The row of one worker.
#[derive(Debug, Clone, Copy)]
pub struct HitRow(usize);

impl HitRow {
    /// Of the worker with that number.
    pub fn of_worker(worker: u16) -> Self {
        Self(usize::from(worker) % ROWS)
    }
}

/// How often something happened.
#[derive(Debug, Default)]
pub struct RuleHits([CachePadded<AtomicU64>; ROWS]);

impl RuleHits {
    fn add(&self, HitRow(row): HitRow) {
        if let Some(count) = self.0.get(row) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often, over all workers.
    pub fn sum(&self) -> u64 {
        let counts = self.0.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// The counts of a network's rules.
#[derive(Debug)]
pub struct Hits {
    rules: Vec<Arc<RuleHits>>,
    /// Of the defaults: between segments, inside of one.
    ends: [Arc<RuleHits>; 2],
    replies: Arc<RuleHits>,
}

impl Hits {
    /// A rule that was there before goes on counting.
    pub(super) fn new(rules: &[Rule], before: Option<(&[Rule], &Self)>) -> Self {
        let mut known: hashbrown::HashMap<_, Vec<&Arc<RuleHits>>> = hashbrown::HashMap::new();
        for (rule, hits) in before
            .into_iter()
            .flat_map(|(rules, hits)| rules.iter().zip(&hits.rules))
            .rev()
        {
            known.entry(key(rule)).or_default().push(hits);
        }
        let rules = rules.iter().map(|rule| {
            let before = known.get_mut(&key(rule)).and_then(Vec::pop);
            before.cloned().unwrap_or_default()
        });
        Self {
            rules: rules.collect(),
            ends: before
                .map(|(_, hits)| hits.ends.clone())
                .unwrap_or_default(),
            replies: before
                .map(|(_, hits)| Arc::clone(&hits.replies))
                .unwrap_or_default(),
        }
    }

    /// What decided about a packet.
    pub fn count(&self, ruling: Ruling, inside: bool, row: HitRow) {
        match ruling {
            Ruling::ByRule(_, at) => {
                if let Some(hits) = self.rules.get(at) {
                    hits.add(row);
                }
            }
            Ruling::ByDefault(_) => self.end(inside).add(row),
            Ruling::TooShort => {}
        }
    }

    /// A packet passed as a reply.
    pub fn count_reply(&self, row: HitRow) {
        self.replies.add(row);
    }

    /// Of the rule at that place.
    pub fn of(&self, rule: usize) -> u64 {
        self.rules.get(rule).map_or(0, |hits| hits.sum())
    }

    /// Of the default, inside a segment or between two.
    pub fn of_end(&self, inside: bool) -> u64 {
        self.end(inside).sum()
    }

    fn end(&self, inside: bool) -> &RuleHits {
        let [between, within] = &self.ends;
        if inside { within } else { between }
    }

    /// Of replies.
    pub fn of_replies(&self) -> u64 {
        self.replies.sum()
    }
}

fn key(rule: &Rule) -> (Option<&str>, &str) {
    (rule.name.as_deref(), &rule.text)
}
