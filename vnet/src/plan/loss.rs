//! Whose packets does a change cost?
//!
//! A change is atomic for packets: whatever is the same before and after
//! loses none. What is left are the packets of what changes, where others
//! (nodes, other hosts) must take note of it first.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

/// Why packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A node moves to another host.
    Moves,
    /// A node's port, link or tag changes.
    Link,
    /// A node's or a router's MAC changes.
    Mac,
    /// What a node forwards for, or its slot, changes.
    Forwards,
    /// A router's routes are not what they were.
    Routes,
    /// A segment's id changes.
    SegmentId,
    /// A segment's MTU becomes smaller.
    Mtu,
    /// A segment lets less pass than before.
    Ethertypes,
    /// A segment no longer resolves frames to MACs that nobody has.
    UnknownMac,
    /// A network's rules may refuse what they did not.
    Rules,
}

/// Whose packets are lost, and why.
#[derive(Debug, Default)]
pub(super) struct Losses {
    of: BTreeMap<(Why, &'static str), BTreeSet<String>>,
    /// Something is not there any more.
    removed: bool,
}

/// How many are called by their names.
const NAMED: usize = 3;

impl Losses {
    pub(super) fn note(&mut self, why: Why, what: &'static str, name: &str) {
        let names = self.of.entry((why, what)).or_default();
        names.insert(name.to_owned());
    }

    pub(super) fn removed(&mut self) {
        self.removed = true;
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.of.iter();
        let mut exceptions: Vec<String> = of
            .map(|(&(why, what), names)| why.to_whom(what, names))
            .collect();
        if self.removed {
            exceptions.push("to and from what it removes".to_owned());
        }
        f.write_str("No packet is lost by this change")?;
        match exceptions.as_slice() {
            [] => {}
            [one] => write!(f, ", except {one}")?,
            several => write!(f, ", except: {}", several.join("; "))?,
        }
        f.write_str(".")
    }
}

impl Why {
    fn to_whom(self, what: &'static str, names: &BTreeSet<String>) -> String {
        let one = names.len() == 1;
        let (it, its) = if one {
            ("it", "its")
        } else {
            ("they", "their")
        };
        let s = if one { "s" } else { "" };
        let who = called(what, names);
        match self {
            Self::Moves => format!("to and from {who} while {it} move{s}"),
            Self::Link => format!("to and from {who} until {it} use{s} {its} new link"),
            Self::Mac if what == super::ROUTER => {
                format!("through {who} until {its} neighbours have learned the new MAC")
            }
            Self::Mac => {
                format!("to and from {who} until {its} neighbours have learned the new MAC")
            }
            Self::Forwards => {
                format!("what {who} forward{s}, until every host knows of it")
            }
            Self::Routes => format!("through {who} by routes that go or change"),
            Self::SegmentId => format!("in {who} until every host has the new id"),
            Self::Mtu => format!("in {who} what is longer than {its} new mtu"),
            Self::Ethertypes => format!("in {who} of ethertypes that {it} no longer let{s} pass"),
            Self::UnknownMac => format!("in {who} to MACs that nobody has"),
            Self::Rules => format!("in {who} what {its} rules now refuse"),
        }
    }
}

/// `node g`, `nodes g and h`, `5 nodes`.
fn called(what: &'static str, names: &BTreeSet<String>) -> String {
    let mut listed: Vec<&str> = names.iter().map(String::as_str).collect();
    if listed.len() > NAMED {
        return super::counted(listed.len(), what);
    }
    match (listed.pop(), listed.as_slice()) {
        (None, _) => format!("no {what}"),
        (Some(one), []) => format!("{what} {one}"),
        (Some(last), before) => format!("{what}s {} and {last}", before.join(", ")),
    }
}
