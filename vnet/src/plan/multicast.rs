//! What of a segment's multicasts is not as it was?

use crate::compiled::{Ipv4Subnet, Multicast, Snooping};

/// In words; empty: all is.
pub(super) fn differences(old: &Multicast, new: &Multicast) -> Vec<String> {
    let mut parts = Vec::new();
    match (old.snooping, new.snooping) {
        (None, Some(_)) => parts.push("multicast snooping added".to_owned()),
        (Some(_), None) => parts.push("multicast snooping removed".to_owned()),
        (
            Some(Snooping {
                query_interval: was,
            }),
            Some(Snooping { query_interval: is }),
        ) if was != is => {
            parts.push(format!("multicast query-interval {was} s -> {is} s"));
        }
        _ => {}
    }
    let only = |some: &[Ipv4Subnet], others: &[Ipv4Subnet]| {
        let only = some.iter().filter(|prefix| !others.contains(prefix));
        only.map(ToString::to_string).collect::<Vec<_>>()
    };
    let (was, is) = (&old.withheld, &new.withheld);
    for (some, others, how) in [(is, was, "withheld"), (was, is, "no longer withheld")] {
        let prefixes = only(some, others);
        if !prefixes.is_empty() {
            parts.push(format!("multicast {} {how}", prefixes.join(" and ")));
        }
    }
    parts
}
