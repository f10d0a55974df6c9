//! Who sends, and to whom: names, ranges, classes.

use core::net::Ipv4Addr;

use crate::compiled::Ipv4Subnet;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::{Fields, Located, Node, Value, fields, scalar};

/// One of those at an end of a rule.
#[derive(Debug, Clone)]
pub(in super::super::super) struct PeerText {
    pub(in super::super::super) place: Place,
    pub(in super::super::super) kind: PeerKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super::super) enum PeerKind {
    /// Everyone.
    Any,
    /// Who is in the segment of the other end.
    SameSegment,
    /// Who is not.
    OtherSegment,
    /// Who has an address of it.
    Prefix(Ipv4Subnet),
    /// A segment, a node or a group of that name.
    Named(String),
    /// A segment of that name.
    Segment(String),
    /// A node of that name; with a segment: its interface there.
    Node {
        node: String,
        segment: Option<String>,
    },
    /// A group of that name.
    Group(String),
}

impl PeerText {
    pub(super) fn any(place: &Place) -> Self {
        Self {
            place: place.clone(),
            kind: PeerKind::Any,
        }
    }
}

/// One, or several; `what` is the key, for messages.
pub(super) fn read(node: &Node, what: &str, out: &mut Diagnostics) -> Vec<PeerText> {
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        let message = format!("{what} is an empty list: nobody is meant");
        out.error(&node.place, message, "name at least one, or write any");
    }
    let items = fields::one_or_many(node).iter();
    items.filter_map(|item| one(item, what, out)).collect()
}

fn one(node: &Node, what: &str, out: &mut Diagnostics) -> Option<PeerText> {
    let kind = match &node.value {
        Value::Map(_) => of_map(node, what, out)?,
        _ => of_word(node, what, out)?,
    };
    Some(PeerText {
        place: node.place.clone(),
        kind,
    })
}

fn of_word(node: &Node, what: &str, out: &mut Diagnostics) -> Option<PeerKind> {
    let text = fields::text(node, what, out)?;
    match text.value.as_str() {
        "any" => return Some(PeerKind::Any),
        "same-segment" => return Some(PeerKind::SameSegment),
        "other-segment" => return Some(PeerKind::OtherSegment),
        _ => {}
    }
    if text.value.contains('/') {
        let prefix = super::super::subnet(node, what, out)?;
        return Some(PeerKind::Prefix(prefix.value));
    }
    if let Ok(address) = text.value.parse::<Ipv4Addr>() {
        return Ipv4Subnet::new(address, 32).map(PeerKind::Prefix);
    }
    let name = scalar::name(node, what, out)?;
    Some(PeerKind::Named(name.value))
}

/// `{ segment: front }`, `{ node: g }`, `{ node: g, segment: front }`,
/// `{ group: web }`: where a bare name would be two things.
fn of_map(node: &Node, what: &str, out: &mut Diagnostics) -> Option<PeerKind> {
    let mut fields = Fields::of(node, what, out)?;
    let mut named = |key, out: &mut Diagnostics| -> Option<Located<String>> {
        let node = fields.get(key, out)?;
        scalar::name(node, key, out)
    };
    let group = named("group", out);
    let of_node = named("node", out);
    let segment = named("segment", out);
    fields.finish(out);
    let value = |name: Located<String>| name.value;
    match (group, of_node, segment) {
        (Some(group), None, None) => Some(PeerKind::Group(group.value)),
        (None, Some(of_node), segment) => Some(PeerKind::Node {
            node: of_node.value,
            segment: segment.map(value),
        }),
        (None, None, Some(segment)) => Some(PeerKind::Segment(segment.value)),
        _ => {
            let message = format!("{what} is neither a group, nor a node, nor a segment");
            let remedy = "write { group: G }, { node: N }, { segment: S }, or \
                          { node: N, segment: S } for one interface";
            out.error(&node.place, message, remedy);
            None
        }
    }
}

/// In one spelling.
pub(super) fn spelled(peers: &[PeerText]) -> String {
    let one = |peer: &PeerText| match &peer.kind {
        PeerKind::Any => "any".to_owned(),
        PeerKind::SameSegment => "same-segment".to_owned(),
        PeerKind::OtherSegment => "other-segment".to_owned(),
        PeerKind::Prefix(prefix) if prefix.length() == 32 => prefix.network().to_string(),
        PeerKind::Prefix(prefix) => prefix.to_string(),
        PeerKind::Named(name) => name.clone(),
        PeerKind::Segment(name) => format!("segment {name}"),
        PeerKind::Node {
            node,
            segment: None,
        } => format!("node {node}"),
        PeerKind::Node {
            node,
            segment: Some(segment),
        } => format!("node {node} in {segment}"),
        PeerKind::Group(name) => format!("group {name}"),
    };
    let spelled: Vec<String> = peers.iter().map(one).collect();
    spelled.join(", ")
}
