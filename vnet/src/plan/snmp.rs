//! What of a network's SNMP is not as it was? Its community is not shown.

use crate::compiled::Snmp;

/// In words; empty: all is.
pub(super) fn differences(old: Option<&Snmp>, new: Option<&Snmp>) -> Vec<String> {
    let (old, new) = match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(_)) => return vec!["snmp added".to_owned()],
        (Some(_), None) => return vec!["snmp removed".to_owned()],
        (Some(old), Some(new)) => (old, new),
    };
    let parts = [
        ("community", old.community != new.community),
        ("contact", old.contact != new.contact),
        ("location", old.location != new.location),
    ];
    let parts = parts.iter().filter(|(_, differs)| *differs);
    parts
        .map(|(what, _)| format!("snmp {what} changed"))
        .collect()
}
