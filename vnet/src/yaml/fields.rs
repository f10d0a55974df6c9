//! The keys of a map: which are there, which lack, which are unknown?

use super::Located;
use super::nearest::nearest;
use super::tree::{Entry, Node, Value};
use crate::diagnostic::{Diagnostics, Place};

/// A map whose keys are asked for one by one; [`Fields::finish`] then reports
/// those that nobody asked for.
#[derive(Debug)]
pub struct Fields<'a> {
    /// What the map describes, for messages: `port "vm-a"`, `substrate`.
    pub what: String,
    /// Where the map begins.
    pub place: &'a Place,
    entries: &'a [Entry],
    known: Vec<&'static str>,
    missing: Vec<Missing>,
}

/// A key that must be there and is not.
#[derive(Debug)]
struct Missing {
    key: &'static str,
    message: String,
    remedy: String,
}

impl<'a> Fields<'a> {
    /// The keys of `node`, which describes `what`. `None`, with a note in
    /// `out`, if it is not a map.
    pub fn of(node: &'a Node, what: impl Into<String>, out: &mut Diagnostics) -> Option<Self> {
        let what = what.into();
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            other => {
                let message = format!("{what} must be a map, but this is {}", other.kind());
                out.error(
                    &node.place,
                    message,
                    "write keys and values: { key: value }",
                );
                return None;
            }
        };
        Some(Self {
            what,
            place: &node.place,
            entries,
            known: Vec::new(),
            missing: Vec::new(),
        })
    }

    /// The value of a key, if the key is there. A key without a value is
    /// reported, and taken as absent.
    pub fn get(&mut self, key: &'static str, out: &mut Diagnostics) -> Option<&'a Node> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        if matches!(entry.value.value, Value::Null) {
            let message = format!("\"{key}\" of {} has no value", self.what);
            out.error(&entry.place, message, "give it a value, or remove the key");
            return None;
        }
        Some(&entry.value)
    }

    /// The value of a key that must be there; `example` is what the remedy
    /// proposes as its value. [`Fields::finish`] reports it if it is not,
    /// unless one of the unknown keys is nearly the same.
    pub fn need(
        &mut self,
        key: &'static str,
        example: &str,
        out: &mut Diagnostics,
    ) -> Option<&'a Node> {
        if !self.has(key) {
            self.known.push(key);
            self.missing.push(Missing {
                key,
                message: format!("{} has no \"{key}\"", self.what),
                remedy: format!("add {key}: {example}"),
            });
            return None;
        }
        self.get(key, out)
    }

    /// Is the key there (with or without a value)?
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The keys that are there.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Refuses a key that a later version will know.
    pub fn not_yet(&mut self, key: &'static str, remedy: &str, out: &mut Diagnostics) {
        if let Some(entry) = self.entries.iter().find(|entry| entry.key == key) {
            self.known.push(key);
            let message = format!("\"{key}\" is not supported yet");
            out.error(&entry.place, message, remedy);
        }
    }

    /// The items of a key that is a list; empty if the key is absent.
    pub fn list(&mut self, key: &'static str, out: &mut Diagnostics) -> &'a [Node] {
        let Some(node) = self.get(key, out) else {
            return &[];
        };
        let what = &self.what;
        items(node, &format!("\"{key}\" of {what}"), out)
    }

    /// Reports every key that nobody asked for, and every one that lacks.
    pub fn finish(mut self, out: &mut Diagnostics) {
        for entry in self.entries {
            let key = entry.key.as_str();
            if self.known.contains(&key) {
                continue;
            }
            let remedy = match nearest(key, self.known.iter().copied()) {
                Some(near) => {
                    self.missing.retain(|missing| missing.key != near);
                    format!("did you mean \"{near}\"?")
                }
                None => format!("remove it; the keys here are: {}", self.known.join(", ")),
            };
            let message = format!("{} has no key \"{}\"", self.what, key.escape_debug());
            out.error(&entry.place, message, remedy);
        }
        for missing in self.missing {
            out.error(self.place, missing.message, missing.remedy);
        }
    }
}

/// The items of a list. A note in `out`, and none, if it is something else.
pub fn items<'a>(node: &'a Node, what: &str, out: &mut Diagnostics) -> &'a [Node] {
    match &node.value {
        Value::List(items) => items,
        other => {
            let message = format!("{what} must be a list, but this is {}", other.kind());
            out.error(
                &node.place,
                message,
                "write a list: [a, b], or lines that begin with -",
            );
            &[]
        }
    }
}

/// The items of a list, or the one value that stands for a list of one.
pub fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => core::slice::from_ref(node),
    }
}

/// The text of a scalar. A note in `out` if it is something else.
pub fn text(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Located<String>> {
    match &node.value {
        Value::Scalar(text) => Some(Located::new(text.clone(), &node.place)),
        other => {
            let message = format!(
                "{what} must be a single value, but this is {}",
                other.kind()
            );
            out.error(&node.place, message, "write one value");
            None
        }
    }
}
