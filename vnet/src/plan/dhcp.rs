//! What of a segment's DHCP is not as it was?

use core::fmt::Display;

use crate::compiled::Dhcp;

/// In words; empty: all is.
pub(super) fn differences(old: Option<&Dhcp>, new: Option<&Dhcp>) -> Vec<String> {
    let (old, new) = match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(_)) => return vec!["dhcp added".to_owned()],
        (Some(_), None) => return vec!["dhcp removed".to_owned()],
        (Some(old), Some(new)) => (old, new),
    };
    let mut parts = Vec::new();
    let mut differs = |what: &str, was: String, is: String| {
        if was != is {
            parts.push(format!("dhcp {what} {was} -> {is}"));
        }
    };
    let router = |dhcp: &Dhcp| or_else(dhcp.router, "default");
    differs("router", router(old), router(new));
    differs("dns", listed(&old.dns), listed(&new.dns));
    let domain = |dhcp: &Dhcp| or_else(dhcp.domain.as_ref(), "none");
    differs("domain", domain(old), domain(new));
    let lease = |dhcp: &Dhcp| format!("{} s", dhcp.lease);
    differs("lease", lease(old), lease(new));
    if old.routes != new.routes {
        parts.push("dhcp routes differ".to_owned());
    }
    parts
}

fn or_else(value: Option<impl Display>, instead: &str) -> String {
    value.map_or_else(|| instead.to_owned(), |value| value.to_string())
}

fn listed(values: &[impl Display]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    match values.as_slice() {
        [] => "none".to_owned(),
        several => several.join(" and "),
    }
}
