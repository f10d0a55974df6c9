//! `link:` of a node as written: how does it carry its segments?

use packet::{EtherType, OuterKind, OuterTag, VlanId};

use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Located, Node, Value, fields, scalar};

/// A node's link.
#[derive(Debug, Clone)]
pub(in super::super) struct Link {
    /// What it carries.
    pub(in super::super) lanes: Lanes,
    /// The provider's tag on all its frames.
    pub(in super::super) outer: Option<Located<OuterTag>>,
}

/// What a link carries.
#[derive(Debug, Clone)]
pub(in super::super) enum Lanes {
    /// One segment, untagged.
    Access,
    /// Several segments.
    Trunk {
        tagged: Vec<Located<String>>,
        native: Option<Located<String>>,
        /// By what they are told apart; `None`: by their VLAN ids, or by its
        /// label where a segment has no VLAN id.
        by: Option<By>,
    },
}

/// By what the segments of a trunk are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum By {
    /// 802.1Q tags.
    Vlan,
    /// MPLS labels.
    Label,
}

impl Link {
    /// One segment, and nothing on its frames.
    pub(in super::super) const ACCESS: Self = Self {
        lanes: Lanes::Access,
        outer: None,
    };
}

/// `access`, or `{ trunk: [segments], native: segment, by: label, outer: tag }`.
pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<Located<Link>> {
    if let Value::Scalar(word) = &node.value {
        if word == "access" {
            return Some(Located::new(Link::ACCESS, &node.place));
        }
        let message = format!("link cannot be \"{}\"", word.escape_debug());
        let remedy =
            "write access, or { trunk: [segments] }, or { trunk: [segments], native: segment }";
        out.error(&node.place, message, remedy);
        return None;
    }
    let mut fields = Fields::of(node, "link", out)?;
    let outer = fields.get("outer", out);
    let has_outer = fields.has("outer");
    let outer = outer.map(|node| outer_tag(node, out));
    // An access link of a provider's: nothing but its tag.
    let trunk = if has_outer && !fields.has("trunk") {
        fields.get("trunk", out)
    } else {
        fields.need("trunk", "[segments that are tagged]", out)
    };
    let is_access = has_outer && !fields.has("trunk");
    let items = trunk.map(|node| (node, fields::items(node, "trunk", out)));
    let native = fields.get("native", out);
    let by = fields.get("by", out);
    if is_access {
        for (key, node) in [("native", native), ("by", by)] {
            if let Some(node) = node {
                let message = format!("link has {key}, but no trunk");
                let remedy = format!("add trunk: [segments that are tagged], or remove {key}");
                out.error(&node.place, message, remedy);
            }
        }
    }
    let native = native.and_then(|node| scalar::name(node, "native", out));
    let choices = [("vlan", By::Vlan), ("label", By::Label)];
    let by = by.and_then(|node| scalar::choice(node, "by", &choices, out));
    fields.finish(out);
    let outer = match outer {
        Some(outer) => Some(outer?),
        None => None,
    };
    let lanes = if is_access {
        Lanes::Access
    } else {
        let (trunk, items) = items?;
        if items.is_empty() && matches!(trunk.value, Value::List(_)) {
            let message = "trunk lists no segment";
            let remedy = "list the tagged segments; for one untagged segment write link: access";
            out.error(&trunk.place, message, remedy);
            return None;
        }
        let tagged = items.iter().filter_map(|n| scalar::name(n, "trunk", out));
        Lanes::Trunk {
            tagged: tagged.collect(),
            native,
            by,
        }
    };
    Some(Located::new(Link { lanes, outer }, &node.place))
}

/// A VLAN id, or `{ vlan: 300, tpid: 0x88a8 }`.
fn outer_tag(node: &Node, out: &mut Diagnostics) -> Option<Located<OuterTag>> {
    let (vlan, kind) = if matches!(node.value, Value::Scalar(_)) {
        (number(node, "outer", out), Some(OuterKind::default()))
    } else {
        let mut fields = Fields::of(node, "outer", out)?;
        let vlan = fields.need("vlan", "the provider's VLAN id, 1 to 4094", out);
        let vlan = vlan.and_then(|node| number(node, "vlan", out));
        let kind = match fields.get("tpid", out) {
            Some(node) => tpid(node, out),
            None if fields.has("tpid") => None,
            None => Some(OuterKind::default()),
        };
        fields.finish(out);
        (vlan, kind)
    };
    let tag = OuterTag {
        kind: kind?,
        vlan: vlan?,
    };
    Some(Located::new(tag, &node.place))
}

fn number(node: &Node, what: &str, out: &mut Diagnostics) -> Option<VlanId> {
    let number = scalar::number(node, what, 1..=4094_u16, out)?;
    VlanId::new(number.value).ok()
}

fn tpid(node: &Node, out: &mut Diagnostics) -> Option<OuterKind> {
    let text = fields::text(node, "tpid", out)?.value;
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = hexadecimal.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let kind = number.and_then(|number| OuterKind::of(EtherType::new(number)));
    if kind.is_none() {
        let message = format!("tpid \"{}\" announces no outer tag", text.escape_debug());
        let remedy = "write 0x88a8 (802.1ad), 0x8100, or 0x9100";
        out.error(&node.place, message, remedy);
    }
    kind
}
