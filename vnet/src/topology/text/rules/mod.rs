//! `rules:`, `groups:` and `defaults:` of a network as written.
//!
//! * `peers`: who sends, and to whom.
//! * `services`: what.
//! * `window`: when.

mod peers;
mod services;
mod window;

use core::ops::RangeInclusive;

use crate::compiled::{Action, Refusal, Service, Window};
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::{Fields, Located, Node, fields, scalar};

pub(in super::super) use peers::{PeerKind, PeerText};

/// What a network says of who may talk.
#[derive(Debug, Default)]
pub(in super::super) struct AccessText {
    pub(in super::super) groups: Vec<GroupText>,
    pub(in super::super) rules: Vec<RuleText>,
    /// There is `rules:`, perhaps without any.
    pub(in super::super) has_rules: bool,
    pub(in super::super) inside: Option<Action>,
    pub(in super::super) between: Option<Action>,
    pub(in super::super) refusal: Option<Refusal>,
    pub(in super::super) replies: Option<Action>,
}

/// Nodes and ranges that go by one name.
#[derive(Debug)]
pub(in super::super) struct GroupText {
    pub(in super::super) name: Located<String>,
    pub(in super::super) members: Vec<PeerText>,
}

#[derive(Debug)]
pub(in super::super) struct RuleText {
    pub(in super::super) place: Place,
    pub(in super::super) name: Option<Located<String>>,
    pub(in super::super) from: Vec<PeerText>,
    pub(in super::super) to: Vec<PeerText>,
    pub(in super::super) services: Vec<Service>,
    pub(in super::super) size: Option<RangeInclusive<u16>>,
    pub(in super::super) when: Option<Window>,
    pub(in super::super) action: Action,
    /// What it says, in one spelling.
    pub(in super::super) text: String,
}

const ACTIONS: [(&str, Action); 2] = [("allow", Action::Allow), ("deny", Action::Deny)];

pub(super) fn read(fields: &mut Fields<'_>, out: &mut Diagnostics) -> AccessText {
    let mut access = AccessText {
        has_rules: fields.has("rules"),
        ..AccessText::default()
    };
    for item in fields.list("groups", out) {
        access.groups.extend(group(item, out));
        if out.full() {
            return access;
        }
    }
    for item in fields.list("rules", out) {
        access.rules.extend(rule(item, out));
        if out.full() {
            return access;
        }
    }
    if let Some(node) = fields.get("defaults", out) {
        defaults(node, &mut access, out);
    }
    access
}

fn defaults(node: &Node, access: &mut AccessText, out: &mut Diagnostics) {
    let Some(mut fields) = Fields::of(node, "defaults", out) else {
        return;
    };
    let mut action = |key, out: &mut Diagnostics| {
        let node = fields.get(key, out)?;
        scalar::choice(node, key, &ACTIONS, out)
    };
    access.inside = action("inside", out);
    access.between = action("between", out);
    access.replies = action("replies", out);
    let choices = [("silence", Refusal::Silence), ("reject", Refusal::Reject)];
    let refused = fields.get("refused", out);
    access.refusal = refused.and_then(|node| scalar::choice(node, "refused", &choices, out));
    fields.finish(out);
}

fn group(node: &Node, out: &mut Diagnostics) -> Option<GroupText> {
    let mut fields = Fields::of(node, "a group", out)?;
    let name = fields.need("name", "a name, unique in the network", out);
    let name = name.and_then(|node| scalar::name(node, "group", out));
    if let Some(name) = &name {
        fields.what = format!("group \"{}\"", name.value);
    }
    let members = fields.need("members", "a list of nodes, segments and prefixes", out);
    let members = members.map(|node| peers::read(node, "a member", out));
    fields.finish(out);
    Some(GroupText {
        name: name?,
        members: members.unwrap_or_default(),
    })
}

fn rule(node: &Node, out: &mut Diagnostics) -> Option<RuleText> {
    let mut fields = Fields::of(node, "a rule", out)?;
    let name = fields.get("name", out);
    let name = name.and_then(|node| scalar::name(node, "rule", out));
    if let Some(name) = &name {
        fields.what = format!("rule \"{}\"", name.value);
    }
    let (from, to) = ends(&mut fields, out);
    let decided = decision(&mut fields, out);
    let size = fields.get("size", out);
    let size = size.and_then(|node| size_of_packet(node, out));
    let when = fields.get("when", out);
    let when = when.and_then(|node| window::read(node, out));
    fields.finish(out);
    let (action, services) = decided?;
    let mut rule = RuleText {
        place: node.place.clone(),
        name,
        from: from?,
        to: to?,
        services,
        size,
        when,
        action,
        text: String::new(),
    };
    rule.text = spelled(&rule);
    Some(rule)
}

type Ends = (Option<Vec<PeerText>>, Option<Vec<PeerText>>);

/// `from` and `to`; or an interface's view of it: `at`, `direction`, `peer`.
fn ends(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Ends {
    let of = |node: Option<&Node>, what, out: &mut Diagnostics| {
        Some(peers::read(node?, what, out)).filter(|peers| !peers.is_empty())
    };
    if !fields.has("at") {
        let from = fields.need("from", "any, or a segment, node, group or prefix", out);
        let from = of(from, "from", out);
        let to = fields.need("to", "any, or a segment, node, group or prefix", out);
        let to = of(to, "to", out);
        // Known, for what finish() proposes.
        let _ = (
            fields.get("at", out),
            fields.get("direction", out),
            fields.get("peer", out),
        );
        return (from, to);
    }
    for key in ["from", "to"] {
        if let Some(node) = fields.get(key, out) {
            let message = format!("{} has both at and {key}", fields.what);
            let remedy = "write from and to; or at, direction and peer";
            out.error(&node.place, message, remedy);
        }
    }
    let at = fields.get("at", out);
    let at = of(at, "at", out);
    let directions = [("in", true), ("out", false)];
    let direction = fields.need("direction", "in (to it) or out (from it)", out);
    let inwards = direction.and_then(|n| scalar::choice(n, "direction", &directions, out));
    let peer = match fields.get("peer", out) {
        Some(node) => of(Some(node), "peer", out),
        None => Some(vec![PeerText::any(fields.place)]),
    };
    match inwards {
        Some(true) => (peer, at),
        Some(false) => (at, peer),
        None => (None, None),
    }
}

/// `allow:` or `deny:`, and what.
fn decision(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Option<(Action, Vec<Service>)> {
    let both = fields.has("allow") && fields.has("deny");
    let (action, node) = if fields.has("deny") {
        // Known, for what finish() proposes.
        let _ = fields.get("allow", out);
        (Action::Deny, fields.get("deny", out))
    } else {
        let allow = fields.need("allow", "any, icmp, tcp/443, ...; or deny: ...", out);
        let _ = fields.get("deny", out);
        (Action::Allow, allow)
    };
    let node = node?;
    if both {
        let message = format!("{} has both allow and deny", fields.what);
        out.error(&node.place, message, "make two rules of it");
        return None;
    }
    let services = services::read(node, out);
    (!services.is_empty()).then_some((action, services))
}

/// `64`, or `0-1500`: of the IPv4 packet, in bytes.
fn size_of_packet(node: &Node, out: &mut Diagnostics) -> Option<RangeInclusive<u16>> {
    let text = fields::text(node, "size", out)?;
    let range = services::range(&text.value);
    if range.is_none() {
        let message = format!("size \"{}\" is no range", text.value.escape_debug());
        out.error(
            &node.place,
            message,
            "write bytes of the IPv4 packet, from-to, e.g. 0-576",
        );
    }
    range.map(|(first, last)| first..=last)
}

/// `front -> far allow icmp, tcp/443 size 0-576 when mon-fri 08:00-18:00`
fn spelled(rule: &RuleText) -> String {
    let action = match rule.action {
        Action::Allow => "allow",
        Action::Deny => "deny",
    };
    let services: Vec<String> = rule.services.iter().map(services::spelled).collect();
    let mut text = format!(
        "{} -> {} {action} {}",
        peers::spelled(&rule.from),
        peers::spelled(&rule.to),
        services.join(", ")
    );
    if let Some(size) = &rule.size {
        text += &format!(" size {}-{}", size.start(), size.end());
    }
    if let Some(when) = &rule.when {
        text += &format!(" when {}", window::spelled(when));
    }
    text
}
