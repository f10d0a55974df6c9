//! `snmp:` of a network as written.

use crate::compiled::Snmp;
use crate::diagnostic::Diagnostics;
use crate::secret::Secret;
use crate::yaml::{Fields, Located, fields};

/// The longest community, in bytes: as much as common tools and devices take.
const MAX_COMMUNITY: usize = 32;

/// The longest contact and location, in bytes (RFC 3418: DisplayString of 255).
const MAX_TEXT: usize = 255;

/// Reads it, if it is there.
pub(super) fn read(network: &mut Fields<'_>, out: &mut Diagnostics) -> Option<Snmp> {
    let node = network.get("snmp", out)?;
    let mut fields = Fields::of(node, format!("snmp of {}", network.what), out)?;
    let community = fields.need("community", "a word that only who may ask knows", out);
    let community = community.and_then(|node| fields::text(node, "community", out));
    let community = community.and_then(|text| secret(&text, out));
    let [contact, location] = ["contact", "location"].map(|key| {
        let node = fields.get(key, out)?;
        let text = fields::text(node, key, out)?;
        display(key, &text, out).then_some(text.value)
    });
    fields.finish(out);
    Some(Snmp {
        community: community?,
        contact: contact.unwrap_or_default(),
        location: location.unwrap_or_default(),
    })
}

/// What is wrong with it is said without saying it.
fn secret(text: &Located<String>, out: &mut Diagnostics) -> Option<Secret> {
    let value = &text.value;
    let printable = value.bytes().all(|b| b.is_ascii_graphic());
    if printable && (1..=MAX_COMMUNITY).contains(&value.len()) {
        return Some(Secret::new(value));
    }
    let message = "community is not a word that tools can send".to_owned();
    let remedy = format!("use 1 to {MAX_COMMUNITY} printable ASCII characters without spaces");
    out.error(&text.place, message, remedy);
    None
}

/// A DisplayString (RFC 2579): NVT ASCII.
fn display(what: &str, text: &Located<String>, out: &mut Diagnostics) -> bool {
    let ascii = text.value.bytes().all(|b| matches!(b, b' '..=b'~'));
    let right = ascii && text.value.len() <= MAX_TEXT;
    if !right {
        let message = format!("{what} is not a text that SNMP can show");
        let remedy = format!("use at most {MAX_TEXT} printable ASCII characters");
        out.error(&text.place, message, remedy);
    }
    right
}
