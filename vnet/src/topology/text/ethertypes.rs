//! `ethertypes:` of a segment: what may pass besides IPv4 and ARP?
//!
//! Each is a name of [`NAMES`] or a number in hexadecimal. Decimal is refused:
//! registries print hexadecimal, and `8863` that lacks its `0x` would quietly
//! be another protocol.

use std::collections::HashMap;

use packet::EtherType;

use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::nearest::did_you_mean;
use crate::yaml::{Fields, Node, fields};

/// The protocols that can be written by name.
const NAMES: [(&str, EtherType); 9] = [
    ("eapol", EtherType::new(0x888e)),
    ("fcoe", EtherType::new(0x8906)),
    ("lldp", EtherType::new(0x88cc)),
    ("macsec", EtherType::new(0x88e5)),
    ("mpls", EtherType::new(0x8847)),
    ("pppoe-discovery", EtherType::new(0x8863)),
    ("pppoe-session", EtherType::new(0x8864)),
    ("profinet", EtherType::new(0x8892)),
    ("ptp", EtherType::new(0x88f7)),
];

/// Those that nobody needs to list, or that listing cannot make pass.
const REFUSED: [(&str, EtherType, &str, &str); 5] = [
    ("ipv4", EtherType::IPV4, "IPv4 always passes", BESIDES),
    ("arp", EtherType::ARP, "ARP always passes", BESIDES),
    (
        "ipv6",
        EtherType::IPV6,
        "this version cannot carry nodes' IPv6",
        "remove it; such frames are dropped with the reason ipv6-not-yet",
    ),
    (
        "vlan",
        EtherType::DOT1Q,
        "that is a VLAN tag, not a protocol",
        "remove it, and write the node's link: { trunk: [SEGMENTS] }",
    ),
    (
        "qinq",
        EtherType::DOT1AD,
        "that is a service tag, not a protocol",
        "remove it, and write the node's link: { outer: VLAN, trunk: [SEGMENTS] }",
    ),
];

const BESIDES: &str = "remove it; list what may pass besides IPv4 and ARP";

/// The smallest number of a protocol; what is smaller is the length of an
/// IEEE 802.3 frame (§3.2.6).
const SMALLEST: EtherType = EtherType::new(0x0600);

/// Ordered by number, each once.
pub(super) fn read(fields: &mut Fields<'_>, out: &mut Diagnostics) -> Vec<EtherType> {
    let mut places: HashMap<EtherType, &Place> = HashMap::new();
    let mut allowed = Vec::new();
    for item in fields.list("ethertypes", out) {
        let Some(ether_type) = one(item, out) else {
            continue;
        };
        if let Some(before) = places.get(&ether_type) {
            let before = before.seen_from(&item.place);
            let message = format!("ethertype {ether_type:?} is already listed at {before}");
            out.error(&item.place, message, "list each ethertype once");
            continue;
        }
        places.insert(ether_type, &item.place);
        allowed.push(ether_type);
    }
    allowed.sort_unstable_by_key(|ether_type| ether_type.get());
    allowed
}

/// A protocol that may be listed; what is wrong with any other goes to `out`.
fn one(node: &Node, out: &mut Diagnostics) -> Option<EtherType> {
    let text = fields::text(node, "an ethertype", out)?.value;
    let word = text.as_str();
    let refused = REFUSED
        .iter()
        .map(|(name, ether_type, ..)| (*name, *ether_type));
    let named = NAMES
        .into_iter()
        .chain(refused)
        .find(|(name, _)| *name == word);
    let ether_type = match named {
        Some((_, ether_type)) => ether_type,
        None => number(word, &node.place, out)?,
    };
    let refused = REFUSED.iter().find(|(_, listed, ..)| *listed == ether_type);
    if let Some((_, _, why, remedy)) = refused {
        out.error(&node.place, format!("ethertype {word}: {why}"), *remedy);
        return None;
    }
    if ether_type.get() < SMALLEST.get() {
        let message = format!("ethertype {word} is the length of an 802.3 frame, not a protocol");
        out.error(&node.place, message, IN_RANGE);
        return None;
    }
    Some(ether_type)
}

const IN_RANGE: &str = "write a number from 0x0600 to 0xffff";

fn number(word: &str, place: &Place, out: &mut Diagnostics) -> Option<EtherType> {
    let hexadecimal = |digits: &str| {
        let digits_only = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        digits_only.then(|| u16::from_str_radix(digits, 16).ok())
    };
    let prefixed = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    match prefixed.and_then(hexadecimal) {
        Some(Some(number)) => return Some(EtherType::new(number)),
        Some(None) => {
            out.error(place, format!("ethertype {word} is out of range"), IN_RANGE);
            return None;
        }
        None => {}
    }
    let bare = hexadecimal(word).flatten().filter(|_| word.len() == 4);
    let decimal = word.bytes().all(|b| b.is_ascii_digit());
    let decimal: Option<u16> = word.parse().ok().filter(|_| decimal);
    let meant = match (bare, decimal) {
        (Some(bare), Some(decimal)) => {
            format!("0x{bare:04x}, or 0x{decimal:04x} if {word} is decimal")
        }
        (Some(number), None) | (None, Some(number)) => format!("0x{number:04x}"),
        (None, None) => {
            let message = format!("\"{}\" is not an ethertype", word.escape_debug());
            let names = NAMES.map(|(name, _)| name);
            let remedy = did_you_mean(word, names, || {
                let names = names.join(", ");
                format!("write a number in hexadecimal, e.g. 0x88cc, or one of: {names}")
            });
            out.error(place, message, remedy);
            return None;
        }
    };
    let message = format!("ethertype {word} is not in hexadecimal: it has no 0x");
    out.error(place, message, format!("write {meant}"));
    None
}
