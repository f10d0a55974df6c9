//! Whom do the rules of a network mean?

use std::collections::{BTreeSet, HashMap};

use packet::{SegmentId, VirtualAddr};

use super::super::text::{AccessText, GroupText, PeerKind, PeerText, RuleText};
use super::super::{Node, SegmentIndex};
use super::{Once, Rooms};
use crate::compiled::{AccessRules, Action, Peers, Rule};
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;
use crate::yaml::nearest::did_you_mean;

/// The most rules of a network: what a change compiles, and a packet may have
/// to be held against, stays bounded.
pub(super) const MAX_RULES: usize = 4096;

/// How many names are compared with one that does not exist.
const COMPARED: usize = 1000;

/// One interface of a node: its segment and addresses.
type Attached = (SegmentIndex, SegmentId, Vec<VirtualAddr>);

/// What names may mean.
struct Meanings<'a> {
    nodes: HashMap<&'a str, Vec<Attached>>,
    groups: HashMap<String, Peers>,
}

impl Rooms<'_> {
    /// The rules of a network with these nodes; `None`: it has none.
    pub(super) fn access(&mut self, text: AccessText, nodes: &[Node]) -> Option<AccessRules> {
        let has_rules = text.has_rules;
        let has_defaults = text.inside.is_some() || text.between.is_some();
        let mut meanings = Meanings {
            nodes: self.attached(nodes),
            groups: HashMap::new(),
        };
        self.groups(&text.groups, &mut meanings);
        if let Some(rule) = text.rules.get(MAX_RULES) {
            let message = format!("a network has at most {MAX_RULES} rules");
            let remedy = "put what is alike into one rule: lists of peers and services, groups";
            self.out.error(&rule.place, message, remedy);
            return None;
        }
        let mut once = Once::new("rule");
        let mut rules = Vec::new();
        for rule in text.rules {
            if self.out.full() {
                break;
            }
            if let Some(name) = &rule.name {
                once.claim(name, "give one of them another name", self.out);
            }
            rules.extend(self.rule(rule, &meanings));
        }
        // Once there are rules, what no rule permits is refused.
        let end = if has_rules {
            Action::Deny
        } else {
            Action::Allow
        };
        (has_rules || has_defaults).then(|| AccessRules {
            network: self.network,
            rules,
            inside: text.inside.unwrap_or(end),
            between: text.between.unwrap_or(end),
            refusal: text.refusal.unwrap_or_default(),
            replies: text.replies.unwrap_or(Action::Allow) == Action::Allow,
        })
    }

    fn attached<'n>(&self, nodes: &'n [Node]) -> HashMap<&'n str, Vec<Attached>> {
        let mut attached: HashMap<&str, Vec<Attached>> = HashMap::new();
        for node in nodes {
            let interfaces = attached.entry(&node.name.value).or_default();
            for interface in &node.interfaces {
                let station = &interface.station;
                if let Some(id) = self.stations.id(station.segment) {
                    interfaces.push((station.segment, id, station.addresses.clone()));
                }
            }
        }
        attached
    }

    fn groups(&mut self, groups: &[GroupText], meanings: &mut Meanings<'_>) {
        let mut once = Once::new("group");
        for group in groups {
            once.claim(&group.name, "give one of them another name", self.out);
            let mut peers = Peers::default();
            for member in &group.members {
                if let PeerKind::SameSegment | PeerKind::OtherSegment | PeerKind::Group(_) =
                    member.kind
                {
                    let message = format!(
                        "a member of group \"{}\" is neither a node, a segment nor a prefix",
                        group.name.value
                    );
                    let remedy = "name nodes, segments and prefixes here, and both groups or \
                                  classes in the rule";
                    self.out.error(&member.place, message, remedy);
                    continue;
                }
                self.peer(member, meanings, &mut peers);
            }
            peers.tidy();
            meanings.groups.insert(group.name.value.clone(), peers);
        }
    }

    fn rule(&mut self, rule: RuleText, meanings: &Meanings<'_>) -> Option<Rule> {
        let from = self.peers(&rule.from, meanings);
        let to = self.peers(&rule.to, meanings);
        Some(Rule {
            name: rule.name.map(|name| name.value),
            text: rule.text,
            from: from?,
            to: to?,
            services: rule.services,
            size: rule.size,
            when: rule.when,
            action: rule.action,
        })
    }

    /// `None`: one of them is nobody, which is reported.
    fn peers(&mut self, texts: &[PeerText], meanings: &Meanings<'_>) -> Option<Peers> {
        let mut peers = Peers::default();
        let known: Vec<bool> = texts
            .iter()
            .map(|text| self.peer(text, meanings, &mut peers).is_some())
            .collect();
        peers.tidy();
        known.into_iter().all(|known| known).then_some(peers)
    }

    fn peer(&mut self, peer: &PeerText, meanings: &Meanings<'_>, into: &mut Peers) -> Option<()> {
        match &peer.kind {
            PeerKind::Any => into.any = true,
            PeerKind::SameSegment => into.same_segment = true,
            PeerKind::OtherSegment => into.other_segment = true,
            PeerKind::Prefix(prefix) => into.prefixes.push(*prefix),
            PeerKind::Segment(name) => {
                let name = Located::new(name.clone(), &peer.place);
                let segment = self.names.find(self.network, &name, self.out)?;
                into.segments.extend(self.stations.id(segment));
            }
            PeerKind::Node { node, segment } => {
                let Some(interfaces) = meanings.nodes.get(node.as_str()) else {
                    let names = meanings.nodes.keys().copied();
                    unknown("node", node, names, &peer.place, self.out);
                    return None;
                };
                let only = match segment {
                    Some(name) => {
                        let name = Located::new(name.clone(), &peer.place);
                        Some(self.names.find(self.network, &name, self.out)?)
                    }
                    None => None,
                };
                let there = interfaces
                    .iter()
                    .filter(|(segment, ..)| only.is_none_or(|only| only == *segment));
                let before = into.stations.len();
                extend(into, there);
                if only.is_some() && into.stations.len() == before {
                    let segment = segment.as_deref().unwrap_or_default();
                    let message =
                        format!("node \"{node}\" has no interface in segment \"{segment}\"");
                    let remedy = "name one of its segments, or leave segment out";
                    self.out.error(&peer.place, message, remedy);
                    return None;
                }
            }
            PeerKind::Group(name) => {
                let Some(group) = meanings.groups.get(name) else {
                    let names = meanings.groups.keys().map(String::as_str);
                    unknown("group", name, names, &peer.place, self.out);
                    return None;
                };
                join(into, group);
            }
            PeerKind::Named(name) => return self.named(name, peer, meanings, into),
        }
        Some(())
    }

    /// A segment, node or group; if the name is more than one of these, which
    /// has to be said.
    fn named(
        &mut self,
        name: &str,
        peer: &PeerText,
        meanings: &Meanings<'_>,
        into: &mut Peers,
    ) -> Option<()> {
        let located = Located::new(name.to_owned(), &peer.place);
        let segment = self.names.is_known(self.network, name);
        let node = meanings.nodes.get(name);
        let group = meanings.groups.get(name);
        match (segment, node, group) {
            (true, None, None) => {
                let segment = self.names.find(self.network, &located, self.out)?;
                into.segments.extend(self.stations.id(segment));
            }
            (false, Some(interfaces), None) => extend(into, interfaces.iter()),
            (false, None, Some(group)) => join(into, group),
            (false, None, None) => {
                let names = self.names.all(self.network);
                let names = names.chain(meanings.nodes.keys().copied());
                let names = names.chain(meanings.groups.keys().map(String::as_str));
                let what = "segment, node or group";
                unknown(what, name, names, &peer.place, self.out);
                return None;
            }
            _ => {
                let message =
                    format!("\"{name}\" is the name of more than one: segment, node, group");
                let remedy = format!(
                    "say which: {{ segment: {name} }}, {{ node: {name} }} or {{ group: {name} }}"
                );
                self.out.error(&peer.place, message, remedy);
                return None;
            }
        }
        Some(())
    }
}

fn unknown<'n>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n str>,
    place: &Place,
    out: &mut Diagnostics,
) {
    let known: BTreeSet<&str> = known.take(COMPARED).collect();
    let message = format!("there is no {what} \"{name}\" in this network");
    let remedy = did_you_mean(name, known.iter().copied(), || {
        format!("define the {what}, or use any, a prefix or an address")
    });
    out.error(place, message, remedy);
}

fn extend<'a>(into: &mut Peers, interfaces: impl Iterator<Item = &'a Attached>) {
    for (_, segment, addresses) in interfaces {
        let stations = addresses.iter().map(|address| (*segment, *address));
        into.stations.extend(stations);
    }
}

fn join(into: &mut Peers, group: &Peers) {
    into.any |= group.any;
    into.segments.extend(&group.segments);
    into.stations.extend(&group.stations);
    into.prefixes.extend(&group.prefixes);
}
