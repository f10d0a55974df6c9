//! Which access rules of a network come, go and change?

use std::collections::HashMap;

use super::join::{Joined, join_unordered};
use super::loss::Why;
use super::{Change, Differences, NETWORK, PlanLine, RULE, counted};
use crate::compiled::{AccessRules, Action, Refusal, Rule};
use crate::topology::Network;

/// What stands behind the last rule.
const END: &str = "(end)";
/// The sequence of them all.
const ORDER: &str = "(order)";

impl Differences<'_> {
    pub(super) fn rules(&mut self, before: &Network, after: &Network) -> Vec<PlanLine> {
        if before.access == after.access {
            return Vec::new();
        }
        let (old, new) = (of(before), of(after));
        let joined = join_unordered(numbered(old), numbered(new));
        let mut refuses = false;
        let mut lines = Vec::new();
        for ((name, _), joined) in joined {
            let (change, detail, action) = match joined {
                Joined::Before(rule) => {
                    // What a denial no longer refuses loses nothing.
                    refuses |= rule.action == Action::Allow;
                    (Change::Removed, text(rule), rule.action)
                }
                Joined::After(rule) => (Change::Added, text(rule), rule.action),
                Joined::Both(old, new) if old == new => continue,
                Joined::Both(old, new) => {
                    let detail = match old.text == new.text {
                        true => "whom its names mean differs".to_owned(),
                        false => format!("{} -> {}", old.text, new.text),
                    };
                    refuses = true;
                    (Change::Changed, detail, new.action)
                }
            };
            refuses |= change == Change::Added && action == Action::Deny;
            lines.push(PlanLine::new(change, RULE, name, detail));
        }
        let moved = moved(old, new);
        if moved > 0 {
            refuses = true;
            let detail = format!("{} in another order", counted(moved, "rule"));
            lines.push(PlanLine::new(Change::Changed, RULE, ORDER, detail));
        }
        let (parts, stricter) = ends(before.access.as_ref(), after.access.as_ref());
        refuses |= stricter;
        if !parts.is_empty() {
            let detail = parts.join(", ");
            lines.push(PlanLine::new(Change::Changed, RULE, END, detail));
        }
        if refuses {
            let name = &after.name.value;
            self.losses.note(Why::Rules, NETWORK, name);
        }
        lines
    }
}

fn of(network: &Network) -> &[Rule] {
    let access = network.access.as_ref();
    access
        .map(|access| access.rules.as_slice())
        .unwrap_or_default()
}

/// A named rule goes by its name, another by what it says.
fn name(rule: &Rule) -> &str {
    rule.name.as_deref().unwrap_or(&rule.text)
}

fn text(rule: &Rule) -> String {
    match rule.name {
        Some(_) => rule.text.clone(),
        None => String::new(),
    }
}

/// The rules by name, and which of those with that name.
fn numbered(rules: &[Rule]) -> Vec<((&str, usize), &Rule)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let numbered = rules.iter().map(|rule| {
        let count = seen.entry(name(rule)).or_default();
        *count += 1;
        ((name(rule), *count), rule)
    });
    numbered.collect()
}

/// How many of the rules that stay stand elsewhere among these.
fn moved(old: &[Rule], new: &[Rule]) -> usize {
    let (old, new) = (numbered(old), numbered(new));
    let places: HashMap<_, _> = new.iter().map(|(key, _)| *key).zip(0..).collect();
    let stay: Vec<usize> = old
        .iter()
        .filter_map(|(key, _)| places.get(key).copied())
        .collect();
    let mut sorted = stay.clone();
    sorted.sort_unstable();
    let pairs = stay.iter().zip(&sorted);
    pairs.filter(|(is, sorted)| is != sorted).count()
}

/// What about the end of the list is not as it was, and may that refuse more?
fn ends(old: Option<&AccessRules>, new: Option<&AccessRules>) -> (Vec<String>, bool) {
    let mut parts = Vec::new();
    let mut stricter = false;
    let inside = |rules: &AccessRules| rules.inside;
    let between = |rules: &AccessRules| rules.between;
    let pairs = [
        ("inside a segment", old.map(inside), new.map(inside)),
        ("between segments", old.map(between), new.map(between)),
    ];
    for (what, was, is) in pairs {
        let (was, is) = (was.unwrap_or(Action::Allow), is.unwrap_or(Action::Allow));
        if was != is {
            parts.push(format!("{what} {} -> {}", word(was), word(is)));
            stricter |= is == Action::Deny;
        }
    }
    let refused = |rules: Option<&AccessRules>| match rules.map(|rules| rules.refusal) {
        Some(Refusal::Reject) => "reject",
        Some(Refusal::Silence) | None => "silence",
    };
    if refused(old) != refused(new) {
        parts.push(format!("refused {} -> {}", refused(old), refused(new)));
    }
    let replies = |rules: Option<&AccessRules>| rules.is_none_or(|rules| rules.replies);
    if replies(old) != replies(new) {
        let (was, is) = match replies(new) {
            true => ("deny", "allow"),
            false => ("allow", "deny"),
        };
        parts.push(format!("replies {was} -> {is}"));
        stricter |= !replies(new);
    }
    (parts, stricter)
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Deny => "deny",
    }
}
