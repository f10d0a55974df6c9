//! Which networks are drawn, word for word? The texts that are in use, and
//! what becomes of them when files are applied.
//!
//! What a tenant wrote is kept as it was written, comments and all: it is
//! what `export` gives back, and what a restart compiles again.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle};

use super::text;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;
use crate::yaml::stream::{self, Document};

/// A network as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkText {
    /// Its name.
    pub name: String,
    /// The file that it came from, as whoever applied it named it.
    pub label: Arc<Path>,
    /// The line of that file at which the text begins, from 1.
    pub first_line: u32,
    /// The YAML document ([`Document`] says what belongs to it).
    pub text: Arc<str>,
    /// It was in use before: the file may have changed since.
    pub in_use: bool,
}

impl NetworkText {
    /// How messages name its file: one in use is not what the file says now.
    pub(super) fn shown_as(&self) -> Arc<Path> {
        if self.in_use {
            let shown = format!("{} (in use)", self.label.display());
            Path::new(&shown).into()
        } else {
            self.label.clone()
        }
    }
}

/// A set of networks as they were written, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkTexts {
    networks: BTreeMap<String, NetworkText>,
}

impl FromIterator<NetworkText> for NetworkTexts {
    /// Of several with one name the last counts.
    fn from_iter<I: IntoIterator<Item = NetworkText>>(networks: I) -> Self {
        let networks = networks.into_iter();
        let named = networks.map(|network| (network.name.clone(), network));
        Self {
            networks: named.collect(),
        }
    }
}

impl NetworkTexts {
    /// The networks, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &NetworkText> {
        self.networks.values()
    }

    /// The network of that name.
    pub fn get(&self, name: &str) -> Option<&NetworkText> {
        self.networks.get(name)
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Are the same networks drawn, word for word, whatever their files are
    /// called?
    pub fn same_texts(&self, other: &Self) -> bool {
        let texts = |set: &Self| -> Vec<(String, Arc<str>)> {
            let texts = set.iter().map(|n| (n.name.clone(), n.text.clone()));
            texts.collect()
        };
        texts(self) == texts(other)
    }

    /// The set after files, given as label and text, were applied to this
    /// one: each network in them takes the place of the one with its name, or
    /// is added. `prune` removes those that no file draws.
    ///
    /// Only the networks' names are read here; [`super::Topology::of`] reads
    /// the rest. If `out` has errors, the set must not be used.
    pub fn merge<'t>(
        &self,
        files: impl IntoIterator<Item = (Arc<Path>, &'t str)>,
        prune: bool,
        out: &mut Diagnostics,
    ) -> Self {
        let mut drawn = BTreeMap::new();
        for (file, text) in files {
            for document in documents(&file, text, out) {
                draw(&mut drawn, &file, document, out);
            }
        }
        let mut networks = BTreeMap::new();
        if !prune {
            let kept = self.networks.values().cloned().map(|mut network| {
                network.in_use = true;
                (network.name.clone(), network)
            });
            networks.extend(kept);
        }
        let drawn = drawn
            .into_iter()
            .map(|(name, (network, _))| (name, network));
        networks.extend(drawn);
        Self { networks }
    }

    /// The set without the networks of these names.
    pub fn without<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut networks = self.networks.clone();
        for name in names {
            networks.remove(name);
        }
        Self { networks }
    }

    /// A file that draws the networks of these names, or all if none is
    /// named. [`NetworkTexts::merge`] reads the same networks back from it.
    pub fn to_yaml(&self, only: &[&str]) -> String {
        let wanted = |network: &&NetworkText| {
            only.is_empty() || only.iter().any(|name| *name == network.name)
        };
        let mut file = String::new();
        for network in self.iter().filter(wanted) {
            if !file.is_empty() {
                file.push_str("---\n");
            }
            file.push_str(&network.text);
        }
        file
    }
}

/// The documents of a file; a note in `out` if there is none.
pub(super) fn documents(file: &Arc<Path>, text: &str, out: &mut Diagnostics) -> Vec<Document> {
    out.reading(file);
    let documents = stream::documents(text);
    if documents.is_empty() {
        let remedy = "draw one, beginning with network: NAME, or leave the file out";
        out.warn(
            &Place::whole(file.clone()),
            "the file draws no network",
            remedy,
        );
    }
    documents
}

/// Adds one document of a file to what the files draw.
fn draw(
    drawn: &mut BTreeMap<String, (NetworkText, Place)>,
    file: &Arc<Path>,
    document: Document,
    out: &mut Diagnostics,
) {
    let Some(name) = name(file, &document) else {
        // Reading it says what is wrong with it.
        let errors = out.errors();
        let _ = text::read(file, document.first_line, &document.text, out);
        if out.errors() == errors {
            let place = Place {
                file: file.clone(),
                line: document.first_line,
                column: 1,
            };
            let remedy = "write network: NAME as its first line";
            out.error(&place, "this network has no name", remedy);
        }
        return;
    };
    match drawn.entry(name.value) {
        Entry::Occupied(before) => {
            let (network, (_, place)) = (before.key(), before.get());
            let message = format!(
                "network \"{network}\" is already drawn at {}",
                place.seen_from(&name.place)
            );
            let remedy = "give one of them another name; one network is one document";
            out.error(&name.place, message, remedy);
        }
        Entry::Vacant(free) => {
            let network = NetworkText {
                name: free.key().clone(),
                label: file.clone(),
                first_line: document.first_line,
                text: document.text.into(),
                in_use: false,
            };
            free.insert((network, name.place));
        }
    }
}

/// The value of `network:`, which need not be read to the end for that.
/// `None` if there is no such name before whatever else may be wrong.
fn name(file: &Arc<Path>, document: &Document) -> Option<Located<String>> {
    let (mut depth, mut at_key, mut wanted) = (0_usize, true, false);
    for event in Parser::new_from_str(&document.text) {
        let (event, span) = event.ok()?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                depth = depth.checked_sub(1)?;
                at_key = true;
            }
            Event::Scalar(key, ..) if depth == 1 && at_key => {
                wanted = key == "network";
                at_key = false;
            }
            Event::Scalar(value, style, ..) if depth == 1 => {
                at_key = true;
                if wanted {
                    let null = matches!(&*value, "" | "~" | "null");
                    let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
                    let column = u32::try_from(span.start.col()).unwrap_or(u32::MAX);
                    let place = Place {
                        file: file.clone(),
                        line: document.first_line.saturating_sub(1).saturating_add(line),
                        column: column.saturating_add(1),
                    };
                    let named = style != ScalarStyle::Plain || !null;
                    return named.then(|| Located::new(value.into_owned(), &place));
                }
            }
            _ => {}
        }
    }
    None
}
