//! `workers:` and `memory:` as written.

use vnet::diagnostic::Diagnostics;
use vnet::yaml::{Fields, Located, Node, Value, fields, scalar};

use crate::config::{Cores, Memory, Poll, Workers};

/// The highest core number.
const MAX_CORE: u16 = 1023;

/// The least hugepage memory: below, not even one port's buffers fit.
const MIN_HUGEPAGES: u64 = 64 << 20;

pub(super) fn read(fields: &mut Fields<'_>, out: &mut Diagnostics) -> (Workers, Vec<Located<u16>>) {
    let mut workers = Workers {
        cores: Cores::Auto,
        poll: Poll::default(),
    };
    let node = fields.get("workers", out);
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "workers", out)) else {
        return (workers, Vec::new());
    };
    let listed = fields.get("cores", out);
    let listed = listed.map_or_else(Vec::new, |node| cores(node, out));
    if !listed.is_empty() {
        workers.cores = Cores::List(listed.iter().map(|core| core.value).collect());
    }
    let choices = [("busy", Poll::Busy), ("adaptive", Poll::Adaptive)];
    if let Some(node) = fields.get("poll", out) {
        workers.poll = scalar::choice(node, "poll", &choices, out).unwrap_or_default();
    }
    fields.finish(out);
    (workers, listed)
}

fn cores(node: &Node, out: &mut Diagnostics) -> Vec<Located<u16>> {
    if let Value::Scalar(word) = &node.value {
        if word != "auto" {
            let message = format!("cores cannot be \"{}\"", word.escape_debug());
            out.error(&node.place, message, "write a list, e.g. [2, 3], or auto");
        }
        return Vec::new();
    }
    let items = fields::items(node, "cores", out);
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        let remedy = "list at least one core, e.g. [2], or write auto";
        out.error(
            &node.place,
            "cores is empty: nobody would move packets",
            remedy,
        );
    }
    let mut cores: Vec<Located<u16>> = Vec::new();
    for item in items {
        let Some(core) = scalar::number(item, "core", 0..=MAX_CORE, out) else {
            continue;
        };
        if cores.iter().any(|before| before.value == core.value) {
            let message = format!("core {} is listed twice", core.value);
            let remedy = "list each core once: two workers on one core would halve each other";
            out.error(&core.place, message, remedy);
            continue;
        }
        cores.push(core);
    }
    cores
}

/// `memory: none`, or `memory: { hugepages: size }`.
pub(super) fn memory(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Memory {
    let Some(node) = fields.get("memory", out) else {
        return Memory::None;
    };
    if let Value::Scalar(word) = &node.value {
        if word != "none" {
            let message = format!("memory cannot be \"{}\"", word.escape_debug());
            let remedy = "write none, or { hugepages: 512MiB }";
            out.error(&node.place, message, remedy);
        }
        return Memory::None;
    }
    let Some(mut fields) = Fields::of(node, "memory", out) else {
        return Memory::None;
    };
    let size = fields.need("hugepages", "512MiB", out);
    let size = size.and_then(|node| scalar::bytes(node, "hugepages", out));
    fields.finish(out);
    let Some(size) = size else {
        return Memory::None;
    };
    if size.value < MIN_HUGEPAGES {
        let (bytes, least) = (size.value, MIN_HUGEPAGES >> 20);
        let message = format!("hugepages: {bytes} bytes do not hold one port's packet buffers");
        let remedy = format!("write at least {least}MiB, or memory: none");
        out.error(&size.place, message, remedy);
    }
    Memory::Hugepages { bytes: size.value }
}
