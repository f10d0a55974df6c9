//! What a change of the topology does, or would do: for `apply`, `diff` and
//! `rollback`.

use core::fmt::Write as _;
use std::io::{self, Write as _};

use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;
use crate::table::printable;
use crate::text::{counted, grouped};
use crate::wire::{Moment, word};

/// What a change of the topology did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Applied {
    /// What is wrong in the files; if one of these is an error, nothing was
    /// changed.
    diagnostics: Vec<Diagnostic>,
    /// The revision that is in force now; null if nothing was committed: a dry
    /// run, errors, or nothing to change.
    pub(crate) revision: Option<u64>,
    /// What changes.
    plan: Plan,
    /// When it goes back by itself unless confirmed; null: never.
    pub(crate) reverts_at: Option<Moment>,
    /// It survives a restart of the daemon.
    durable: bool,
    /// From the commit until all workers acted on it; null if nothing was
    /// committed.
    seen_seconds: Option<f64>,
    /// An earlier attempt had succeeded already; this is its answer.
    repeated: bool,
}

/// Something wrong in a file.
#[derive(Debug, Serialize, JsonSchema)]
struct Diagnostic {
    /// `error`: the file cannot be used; `warning`: something better is
    /// recommended.
    severity: String,
    /// The file, as it was named.
    file: String,
    /// The line, from 1; 0: the file as a whole.
    line: u32,
    /// The column, from 1; 0: the file as a whole.
    column: u32,
    /// What is wrong.
    message: String,
    /// What to write instead.
    remedy: String,
}

/// The difference between two topologies.
#[derive(Debug, Serialize, JsonSchema)]
struct Plan {
    /// What changes, in the order of the networks; at most 1000.
    lines: Vec<PlanLine>,
    /// Lines beyond those.
    more_lines: u64,
    /// Mappings that appear.
    mappings_added: u64,
    /// Mappings that change: another host, MAC, or interface.
    mappings_changed: u64,
    /// Mappings that disappear.
    mappings_removed: u64,
    /// Of the changed and removed ones, those that clients had loaded.
    loaded_mappings_lost: u64,
    /// The tenants whose networks change.
    entities: Vec<String>,
    /// Which packets are lost by the change, in words.
    losses: String,
}

/// One thing that changes.
#[derive(Debug, Serialize, JsonSchema)]
struct PlanLine {
    /// `added`, `changed` or `removed`.
    change: String,
    /// What sort of thing: `network`, `segment`, `router`, `node`, `mapping`, `rule`.
    what: String,
    /// Its name.
    name: String,
    /// The network it belongs to.
    network: String,
    /// What changes of it, in words.
    detail: String,
    /// How many mappings that concerns.
    mappings: u64,
}

impl From<v1::ApplyReply> for Applied {
    fn from(reply: v1::ApplyReply) -> Self {
        let diagnostics = reply.diagnostics.into_iter().map(Diagnostic::from);
        Self {
            diagnostics: diagnostics.collect(),
            revision: reply.revision,
            plan: reply.plan.unwrap_or_default().into(),
            reverts_at: reply.reverts_at_ms.map(Moment::from_ms),
            durable: reply.durable,
            seen_seconds: reply.seen_us.map(crate::text::seconds_of_us),
            repeated: reply.repeated,
        }
    }
}

impl From<v1::Diagnostic> for Diagnostic {
    fn from(diagnostic: v1::Diagnostic) -> Self {
        let severity = v1::Severity::as_str_name;
        Self {
            severity: word(diagnostic.severity, severity, "SEVERITY_"),
            file: diagnostic.file,
            line: diagnostic.line,
            column: diagnostic.column,
            message: diagnostic.message,
            remedy: diagnostic.remedy,
        }
    }
}

impl From<v1::Plan> for Plan {
    fn from(plan: v1::Plan) -> Self {
        Self {
            lines: plan.lines.into_iter().map(PlanLine::from).collect(),
            more_lines: plan.more_lines,
            mappings_added: plan.mappings_added,
            mappings_changed: plan.mappings_changed,
            mappings_removed: plan.mappings_removed,
            loaded_mappings_lost: plan.loaded_mappings_lost,
            entities: plan.entities,
            losses: plan.losses,
        }
    }
}

impl From<v1::PlanLine> for PlanLine {
    fn from(line: v1::PlanLine) -> Self {
        let change = v1::ChangeKind::as_str_name;
        Self {
            change: word(line.change, change, "CHANGE_KIND_"),
            what: line.what,
            name: line.name,
            network: line.network,
            detail: line.detail,
            mappings: line.mappings,
        }
    }
}

impl Applied {
    /// Is there anything to change?
    pub(crate) fn changes(&self) -> bool {
        let plan = &self.plan;
        let mappings = plan.mappings_added + plan.mappings_changed + plan.mappings_removed;
        !plan.lines.is_empty() || plan.more_lines + mappings > 0
    }

    /// Shows it: the plan, then for people what `done` says of it. What is
    /// wrong in the files, and what deserves a warning, goes to stderr where
    /// the answer is for people.
    ///
    /// # Errors
    /// The files have errors, so that nothing was done.
    pub(crate) fn show(
        &self,
        session: &mut Session<'_>,
        done: impl FnOnce(&Self) -> String,
    ) -> Result<(), Failure> {
        let errors = self.errors();
        if session.for_people() {
            self.warn();
            if errors > 0 {
                let words = format!(
                    "nothing was changed, because of {}",
                    counted(errors, "error", "errors")
                );
                return Err(Failure::File(words));
            }
        }
        session.show(self, |applied| applied.plan.text() + &done(applied))?;
        if errors > 0 {
            return Err(Failure::Negative);
        }
        Ok(())
    }

    fn errors(&self) -> u64 {
        let errors = self.diagnostics.iter().filter(|d| d.severity == "error");
        errors.count() as u64
    }

    fn warn(&self) {
        let mut words = String::new();
        for diagnostic in &self.diagnostics {
            words += &diagnostic.text();
        }
        if self.revision.is_some() && !self.durable {
            words += "vswitchctl: warning: this does not survive a restart of the vswitch: \
                      it keeps no state file (see: vswitchctl status)\n";
        }
        // With stderr closed there is nobody left to tell.
        let _ = io::stderr().lock().write_all(words.as_bytes());
    }
}

impl Diagnostic {
    /// As `vswitch --check` shows it.
    fn text(&self) -> String {
        let mut text = printable(&self.file);
        if self.line > 0 {
            let _ = write!(text, ":{}:{}", self.line, self.column);
        }
        let kind = match self.severity.as_str() {
            "error" => "",
            _ => "warning: ",
        };
        let _ = writeln!(text, ": {kind}{}", printable(&self.message));
        let _ = writeln!(text, "  remedy: {}", printable(&self.remedy));
        text
    }
}

impl Plan {
    fn text(&self) -> String {
        let several = self.lines.windows(2).any(|w| w[0].network != w[1].network);
        let whats: Vec<String> = self.lines.iter().map(|l| l.text(several)).collect();
        let width = whats.iter().map(|what| what.chars().count()).max();
        let width = width.unwrap_or(0).min(MAX_WIDTH);
        let mut text = String::new();
        for (line, what) in self.lines.iter().zip(&whats) {
            let _ = match line.mappings {
                0 => writeln!(text, "{what}"),
                n => writeln!(
                    text,
                    "{what:<width$}  {}",
                    counted(n, "mapping", "mappings")
                ),
            };
        }
        if self.more_lines > 0 {
            let _ = writeln!(text, "… and {} more", grouped(self.more_lines));
        }
        text + &self.totals()
    }

    /// How much changes altogether, for whom, and what it costs.
    fn totals(&self) -> String {
        let mut text = String::new();
        let totals = [
            ("added", self.mappings_added),
            ("changed", self.mappings_changed),
            ("removed", self.mappings_removed),
        ];
        let some = totals.iter().filter(|(_, count)| *count > 0);
        let some = some.map(|(how, count)| format!("{} {how}", grouped(*count)));
        let some: Vec<String> = some.collect();
        if !some.is_empty() {
            let _ = writeln!(text, "Mappings: {}.", some.join(", "));
        }
        if !self.entities.is_empty() {
            let entities: Vec<String> = self.entities.iter().map(|e| printable(e)).collect();
            let _ = writeln!(text, "Tenants: {}.", entities.join(", "));
        }
        if self.loaded_mappings_lost > 0 {
            let _ = writeln!(
                text,
                "Loaded mappings that are replaced or removed: {}.",
                grouped(self.loaded_mappings_lost)
            );
        }
        if !self.losses.is_empty() && !text.is_empty() {
            let _ = writeln!(text, "{}", printable(&self.losses));
        }
        text
    }
}

impl PlanLine {
    fn text(&self, with_network: bool) -> String {
        let sign = match self.change.as_str() {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        let mut text = format!("{sign} {} {}", self.what, self.name);
        if with_network && self.what != "network" {
            let _ = write!(text, " of network {}", self.network);
        }
        let _ = match self.detail.as_str() {
            "" => Ok(()),
            detail => write!(text, ": {detail}"),
        };
        printable(&text)
    }
}

/// Beyond it, lines end where they end.
const MAX_WIDTH: usize = 72;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(change: &str, name: &str, network: &str, detail: &str, mappings: u64) -> PlanLine {
        PlanLine {
            change: change.to_owned(),
            what: "node".to_owned(),
            name: name.to_owned(),
            network: network.to_owned(),
            detail: detail.to_owned(),
            mappings,
        }
    }

    fn plan(lines: Vec<PlanLine>) -> Plan {
        Plan {
            lines,
            more_lines: 0,
            mappings_added: 0,
            mappings_changed: 1,
            mappings_removed: 1200,
            loaded_mappings_lost: 0,
            entities: vec!["Z".to_owned()],
            losses: "No packet is lost by this change.".to_owned(),
        }
    }

    #[test]
    fn a_plan_lines_up() {
        let moves = line("changed", "g", "z", "moves from host s to host t", 1);
        let gone = line("removed", "x", "z", "", 1200);
        let new = line("added", "y", "z", "on host s", 0);
        assert_eq!(
            plan(vec![moves, gone, new]).text(),
            "~ node g: moves from host s to host t  1 mapping\n\
             - node x                               1,200 mappings\n\
             + node y: on host s\n\
             Mappings: 1 changed, 1,200 removed.\n\
             Tenants: Z.\n\
             No packet is lost by this change.\n"
        );
    }

    #[test]
    fn networks_are_named_where_there_are_several() {
        let lines = vec![
            line("added", "g", "z", "", 0),
            line("added", "g", "y", "\x1b[2J", 0),
        ];
        let text = plan(lines).text();
        assert!(text.starts_with("+ node g of network z\n+ node g of network y: \u{fffd}[2J\n"));
    }
}
