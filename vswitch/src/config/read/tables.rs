//! `tables:` as written.

use vnet::diagnostic::Diagnostics;
use vnet::yaml::{Fields, Node, fields, scalar};

use crate::config::TableLimits;

/// More than the index of a table can count.
const MAX_MAPPINGS: u32 = 1 << 30;

/// Fewer would not be worth the table.
const MIN_FLOWS: u32 = 64;
/// More than sixteen gigabytes.
const MAX_FLOWS: u32 = 1 << 28;

pub(super) fn read(outer: &mut Fields<'_>, out: &mut Diagnostics) -> TableLimits {
    let mut limits = TableLimits::default();
    let node = outer.get("tables", out);
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "tables", out)) else {
        return limits;
    };
    if let Some(node) = fields.get("mappings", out)
        && let Some(mappings) = scalar::number(node, "mappings", 1..=MAX_MAPPINGS, out)
    {
        limits.mappings = mappings.value;
    }
    if let Some(node) = fields.get("flows", out)
        && let Some(flows) = scalar::number(node, "flows", MIN_FLOWS..=MAX_FLOWS, out)
    {
        limits.flows = flows.value;
    }
    if let Some(node) = fields.get("alarm", out) {
        limits.alarm_percent = alarm(node, out);
    }
    fields.finish(out);
    limits
}

/// `80%`, or `none`.
fn alarm(node: &Node, out: &mut Diagnostics) -> Option<u8> {
    let text = fields::text(node, "alarm", out)?;
    if text.value == "none" {
        return None;
    }
    let digits = text.value.strip_suffix('%');
    let percent = digits.and_then(|digits| digits.parse().ok());
    let percent = percent.filter(|percent| (1..=100).contains(percent));
    if percent.is_none() {
        let message = format!("alarm \"{}\" is no share", text.value.escape_debug());
        out.error(&node.place, message, "write 1% to 100%, or none");
    }
    percent
}
