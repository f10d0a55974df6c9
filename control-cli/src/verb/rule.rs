//! `rule list`.

use clap::{Args, Subcommand};
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::text::grouped;
use crate::wire::word;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the access rules in the order in which they are asked, and how often each has decided
    #[command(after_help = "Example: vswitchctl rule list --network z")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this network
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

pub(super) async fn run(verb: Verb, session: &mut Session<'_>) -> Result<(), Failure> {
    let Verb::List(options) = verb;
    let mut client = session.connect().await?;
    let request = v1::ListRulesRequest {
        network: options.network,
    };
    let mut pages = client.verbs().list_rules(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for rule in page.rules {
            listing.push(&Rule::from(rule))?;
        }
    }
    listing.finish()
}

/// An access rule, or what becomes of what no rule matches.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Rule {
    /// The network it belongs to.
    network: String,
    /// The tenant whose network that is.
    entity: String,
    /// `rule`; or, behind the rules, `replies` (what passes as a reply), `inside` (what becomes of
    /// the rest inside a segment), `between` (the same between linked segments).
    kind: String,
    /// Its place among the rules, from 1; null: it is none.
    number: Option<u32>,
    /// Its name, if it was given one.
    name: Option<String>,
    /// What it says.
    rule: String,
    /// What it does: `allow`, `deny`, or `reject` (its sender is told).
    action: String,
    /// How many packets it has decided about on this host.
    packets: u64,
}

impl From<v1::Rule> for Rule {
    fn from(rule: v1::Rule) -> Self {
        Self {
            kind: word(rule.kind, v1::RuleKind::as_str_name, "RULE_KIND_"),
            action: word(rule.action, v1::RuleAction::as_str_name, "RULE_ACTION_"),
            network: rule.network,
            entity: rule.entity,
            number: rule.number,
            name: rule.name,
            rule: rule.text,
            packets: rule.packets,
        }
    }
}

impl Rule {
    /// As a sentence names it.
    pub(in crate::verb) fn called(&self) -> String {
        let mut text = match (self.number, self.kind.as_str()) {
            (Some(number), _) => format!("rule {number}"),
            (None, kind) => format!("default {kind}"),
        };
        text += &format!(" of network {}", self.network);
        if let Some(name) = &self.name {
            text += &format!(" ({name})");
        }
        if self.number.is_some() {
            text += &format!(": {}", self.rule);
        }
        text
    }
}

impl Row for Rule {
    const COLUMNS: &'static [Column] = &[
        words("network"),
        words("entity"),
        number("rule"),
        words("name"),
        words("says"),
        words("action"),
        number("packets"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.network.clone(),
            self.entity.clone(),
            self.number.map(|n| n.to_string()).unwrap_or_default(),
            self.name.clone().unwrap_or_default(),
            self.rule.clone(),
            self.action.clone(),
            grouped(self.packets),
        ]
    }
}
