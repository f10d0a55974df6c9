//! `multicast:` of a segment as written.

use packet::VirtualAddr;

use crate::compiled::{Ipv4Subnet, Multicast, Snooping};
use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Located, Node, fields, scalar};

/// The shortest time between two queries, in seconds: a member has half of it
/// to answer.
const MIN_INTERVAL: u32 = 4;
/// The longest, in seconds: a day.
const MAX_INTERVAL: u32 = 86_400;

/// The most prefixes that one segment withholds: each packet to a group is held
/// against all of them.
const MAX_WITHHELD: usize = 64;

/// `owner` is the segment, for messages.
pub(super) fn read(node: &Node, owner: &str, out: &mut Diagnostics) -> Option<Multicast> {
    let mut fields = Fields::of(node, format!("multicast of {owner}"), out)?;
    let snooping = fields.get("snooping", out);
    let snooping = snooping.and_then(|node| scalar::boolean(node, "snooping", out));
    let interval = fields.get("query-interval", out);
    let bounds = MIN_INTERVAL..=MAX_INTERVAL;
    let interval = interval.and_then(|node| scalar::seconds(node, "query-interval", bounds, out));
    if let (Some(false), Some(interval)) = (snooping, &interval) {
        let message = format!("{} has a query-interval, but no snooping", fields.what);
        out.error(&interval.place, message, "remove it: nobody is asked");
    }
    let mut snoops = Snooping::default();
    if let Some(interval) = interval {
        snoops.query_interval = interval.value;
    }
    let withheld = fields.get("withhold", out).map(fields::one_or_many);
    let withheld = withheld.unwrap_or_default();
    if let Some(beyond) = withheld.get(MAX_WITHHELD) {
        let message = format!(
            "{} withholds more than {MAX_WITHHELD} prefixes",
            fields.what
        );
        out.error(&beyond.place, message, "write fewer, larger ones");
    }
    let withheld = withheld.iter().filter_map(|node| groups(node, out));
    let mut withheld: Vec<_> = withheld.collect();
    withheld.sort_by_key(|prefix| (prefix.network(), prefix.length()));
    withheld.dedup();
    fields.finish(out);
    Some(Multicast {
        snooping: snooping.unwrap_or(true).then_some(snoops),
        withheld,
    })
}

/// A prefix of group addresses.
fn groups(node: &Node, out: &mut Diagnostics) -> Option<Ipv4Subnet> {
    let prefix: Located<Ipv4Subnet> = super::subnet(node, "withhold", out)?;
    let first = VirtualAddr::new(prefix.value.network()).ipv4();
    if first.is_multicast() && prefix.value.length() >= 4 {
        return Some(prefix.value);
    }
    let message = format!(
        "withhold: {} has addresses that are no groups",
        prefix.value
    );
    out.error(
        &prefix.place,
        message,
        "write a prefix of 224.0.0.0/4, e.g. 224.1.0.0/16",
    );
    None
}
