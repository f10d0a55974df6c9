//! `shared:` as written.

use packet::{MacAddr, VirtualAddr};

use super::Reported;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::{Fields, Located, Node, fields, scalar};

/// An address that several nodes share.
#[derive(Debug)]
pub(in super::super) struct SharedText {
    pub(in super::super) place: Place,
    pub(in super::super) segment: Option<Located<String>>,
    pub(in super::super) address: Option<Located<VirtualAddr>>,
    /// `Err`: what was written is no MAC.
    pub(in super::super) mac: Result<Option<Located<MacAddr>>, Reported>,
    pub(in super::super) nodes: Vec<Located<String>>,
}

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<SharedText> {
    let mut fields = Fields::of(node, "a shared address", out)?;
    let address = fields.need("address", "the IPv4 address that they share", out);
    let address = address.and_then(|node| super::address(node, out));
    if let Some(address) = &address {
        fields.what = format!("shared address {}", address.value);
    }
    let segment = fields.need("segment", "the segment's name", out);
    let segment = segment.and_then(|node| scalar::name(node, "segment", out));
    let mac = super::mac(&mut fields, out);
    let nodes = fields.need("nodes", "[the nodes that may have it]", out);
    let items = nodes.map_or(&[][..], |node| fields::items(node, "nodes", out));
    if let Some(node) = nodes.filter(|_| items.is_empty()) {
        let message = format!("{} is shared by nobody", fields.what);
        out.error(&node.place, message, "list the nodes that may have it");
    }
    let named = items.iter().filter_map(|n| scalar::name(n, "nodes", out));
    let nodes = named.collect();
    fields.finish(out);
    Some(SharedText {
        place: node.place.clone(),
        segment,
        address,
        mac,
        nodes,
    })
}
