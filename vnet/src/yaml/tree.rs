//! Text to a tree: which scalars, lists and maps were written, and where?

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::diagnostic::{Diagnostics, Place};

/// A value in a file.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing was written (or `~`, or `null`).
    Null,
    /// A text, without quotes; numbers too are still text here.
    Scalar(String),
    /// `[…]`, or lines that begin with `-`.
    List(Vec<Node>),
    /// `{…}`, or lines `key: value`.
    Map(Vec<Entry>),
}

impl Value {
    /// What it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// A key of a map and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is written.
    pub place: Place,
    /// The value.
    pub value: Node,
}

/// Reads a file that is one YAML document. `None` if there is none, or if it
/// is not YAML: then `out` says why. A key that is there twice is reported,
/// and its first value kept.
pub fn read(file: &Arc<Path>, text: &str, out: &mut Diagnostics) -> Option<Node> {
    let errors = out.errors();
    let root = read_document(file, 1, text, out);
    if root.is_none() && out.errors() == errors {
        let whole = Place::whole(file.clone());
        let remedy = "write a configuration into it; docs/configuration.md has every key";
        out.error(&whole, "the file is empty", remedy);
    }
    root
}

/// Reads one document of a file, whose text begins at a line of the file. The
/// same, but `None` without a note if there is nothing.
pub fn read_document(
    file: &Arc<Path>,
    first_line: u32,
    text: &str,
    out: &mut Diagnostics,
) -> Option<Node> {
    out.reading(file);
    let mut tree = Tree {
        file: file.clone(),
        lines_before: first_line.saturating_sub(1),
        open: Vec::new(),
        root: None,
        out,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => tree.take(event, span)?,
            Err(error) => {
                let marker = error.marker();
                let place = tree.place(marker.line(), marker.col());
                tree.out.error(
                    &place,
                    format!("this is not YAML: {}", error.info()),
                    "check indentation (spaces, no tabs), quotes and brackets around here",
                );
                return None;
            }
        }
    }
    tree.root.take()
}

/// A list or map whose end was not reached yet.
enum Open {
    List(Place, Vec<Node>),
    Map {
        place: Place,
        entries: Vec<Entry>,
        keys: HashSet<String>,
        key: Option<Key>,
    },
}

/// A key whose value was not reached yet.
struct Key {
    key: String,
    place: Place,
    /// It is already in the map: its value is read and forgotten.
    again: bool,
}

struct Tree<'o> {
    file: Arc<Path>,
    lines_before: u32,
    open: Vec<Open>,
    root: Option<Node>,
    out: &'o mut Diagnostics,
}

impl Tree<'_> {
    /// A place from a line that begins at 1 and a column that begins at 0.
    fn place(&self, line: usize, column: usize) -> Place {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Place {
            file: self.file.clone(),
            line: self.lines_before.saturating_add(line),
            column: u32::try_from(column).map_or(u32::MAX, |c| c.saturating_add(1)),
        }
    }

    /// `None`: no use in reading on.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let place = self.place(span.start.line(), span.start.col());
        if event.tag().is_some() {
            self.out.error(
                &place,
                "YAML tags (!…) have no meaning here",
                "remove the tag; put text that looks like something else into quotes",
            );
        }
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                let remedy = "make it a file of its own";
                self.out
                    .error(&place, "a second document begins here", remedy);
                return None;
            }
            Event::Scalar(text, style, ..) => self.scalar(text.into_owned(), style, place)?,
            Event::SequenceStart(..) => {
                self.not_as_key(&place)?;
                self.open.push(Open::List(place, Vec::new()));
            }
            Event::MappingStart(..) => {
                self.not_as_key(&place)?;
                self.open.push(Open::Map {
                    place,
                    entries: Vec::new(),
                    keys: HashSet::new(),
                    key: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop()? {
                Open::List(place, items) => self.put(Node {
                    place,
                    value: Value::List(items),
                }),
                Open::Map { place, entries, .. } => self.put(Node {
                    place,
                    value: Value::Map(entries),
                }),
            },
            Event::Alias(_) => {
                self.out.error(
                    &place,
                    "YAML aliases (*…) are not followed here",
                    "write the value out",
                );
                return None;
            }
            _ => {}
        }
        Some(())
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, place: Place) -> Option<()> {
        if let Some(Open::Map { key, keys, .. }) = self.open.last_mut()
            && key.is_none()
        {
            let again = !keys.insert(text.clone());
            if again {
                let message = format!("\"{}\" is already set in this map", text.escape_debug());
                self.out.error(&place, message, "keep one of the two");
            }
            *key = Some(Key {
                key: text,
                place,
                again,
            });
            return Some(());
        }
        let plain = style == ScalarStyle::Plain;
        let value = match text.as_str() {
            "" | "~" | "null" if plain => Value::Null,
            _ => Value::Scalar(text),
        };
        self.put(Node { place, value });
        Some(())
    }

    /// Refuses a list or a map in the place of a key.
    fn not_as_key(&mut self, place: &Place) -> Option<()> {
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            let message = "a key must be a single word";
            self.out.error(place, message, "write: key: value");
            return None;
        }
        Some(())
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                if let Some(Key { key, place, again }) = key.take()
                    && !again
                {
                    entries.push(Entry {
                        key,
                        place,
                        value: node,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> (Option<Node>, Vec<String>) {
        let mut out = Diagnostics::default();
        let node = read(&Path::new("f").into(), text, &mut out);
        let found = out.into_sorted();
        (node, found.iter().map(|d| d.to_string()).collect())
    }

    #[test]
    fn every_value_has_its_place_and_its_text() {
        let (node, found) = reading("a: 0x00a001\nb:\n  - { c: 1e3, d: \"\" }\ne:\n");
        assert!(found.is_empty(), "{found:?}");
        let Value::Map(top) = node.unwrap().value else {
            panic!()
        };
        assert!(matches!(&top[0].value.value, Value::Scalar(t) if t == "0x00a001"));
        assert_eq!(top[0].value.place.to_string(), "f:1:4");
        let Value::List(items) = &top[1].value.value else {
            panic!()
        };
        assert_eq!(items[0].place.to_string(), "f:3:5");
        let Value::Map(inner) = &items[0].value else {
            panic!()
        };
        assert!(matches!(&inner[0].value.value, Value::Scalar(t) if t == "1e3"));
        assert_eq!(inner[1].place.to_string(), "f:3:15");
        assert!(matches!(&inner[1].value.value, Value::Scalar(t) if t.is_empty()));
        assert!(matches!(top[2].value.value, Value::Null));
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused_with_its_place() {
        for (text, expected) in [
            ("a: 1\na: 2\n", "f:2:1: \"a\" is already set in this map"),
            ("a: [1\n", "f:1:4: this is not YAML: "),
            ("a:\n\tb: 1\n", "f:2:2: this is not YAML: "),
            ("a: !x 1\n", "f:1:7: YAML tags (!…) have no meaning here"),
            ("a: &x 1\nb: *x\n", "f:2:4: YAML aliases"),
            ("a: 1\n---\nb: 2\n", "f:2:1: a second document begins here"),
            ("{a: 1}: 2\n", "f:1:1: a key must be a single word"),
            ("", "f: the file is empty"),
            ("# nothing\n", "f: the file is empty"),
        ] {
            let (_, found) = reading(text);
            assert_eq!(found.len(), 1, "{text:?}: {found:?}");
            assert!(found[0].starts_with(expected), "{text:?}: {found:?}");
            assert!(found[0].contains("\n  remedy: "));
        }
    }
}
