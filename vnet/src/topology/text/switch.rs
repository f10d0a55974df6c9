//! `switches:` as written.

use super::StationText;
use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Located, Node, scalar};

#[derive(Debug)]
pub(in super::super) struct SwitchText {
    pub(in super::super) name: Located<String>,
    /// Its segment; and its address and MAC, if it can be reached.
    pub(in super::super) station: StationText,
}

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<SwitchText> {
    let mut fields = Fields::of(node, "a switch", out)?;
    let name = fields.need("name", "a name, unique in the network", out);
    let name = name.and_then(|node| scalar::name(node, "switch", out));
    if let Some(name) = &name {
        fields.what = format!("switch \"{}\"", name.value);
    }
    let segment = fields.need("segment", "the segment's name", out);
    let segment = segment.and_then(|node| scalar::name(node, "segment", out));
    let address = fields.get("address", out);
    let has_address = address.is_some();
    let address = address.and_then(|node| super::address(node, out));
    let mac = super::mac(&mut fields, out);
    if let (Ok(Some(mac)), false) = (&mac, has_address) {
        let message = format!("{} has a mac, but no address", fields.what);
        out.error(&mac.place, message, "give it an address, or remove the mac");
    }
    let station = StationText {
        place: node.place.clone(),
        segment,
        addresses: address.into_iter().collect(),
        may_lack_address: true,
        from_pool: false,
        mac,
    };
    fields.finish(out);
    Some(SwitchText {
        name: name?,
        station,
    })
}
