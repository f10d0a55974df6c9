//! Which segments of a network come, go and change?

use std::collections::HashSet;

use super::join::{Joined, join_unordered};
use super::loss::Why;
use super::{Change, Differences, PlanLine, SEGMENT, dhcp, listed, multicast};
use crate::compiled::UnknownMac;
use crate::topology::Segment;

impl Differences<'_> {
    pub(super) fn segments(&mut self, before: &[&Segment], after: &[&Segment]) -> Vec<PlanLine> {
        let before = before.iter().map(|s| (s.name.value.as_str(), *s));
        let after = after.iter().map(|s| (s.name.value.as_str(), *s));
        let joined = join_unordered(before, after);
        let lines = joined.filter_map(|(name, joined)| self.segment(name, joined));
        lines.collect()
    }

    fn segment(&mut self, name: &str, joined: Joined<&Segment>) -> Option<PlanLine> {
        let (change, detail) = match joined {
            Joined::Before(old) => {
                self.losses.removed();
                (Change::Removed, old.id.to_string())
            }
            Joined::After(new) => (Change::Added, format!("{}, {}", new.id, new.subnet)),
            Joined::Both(old, new) => (Change::Changed, self.differences(old, new)?),
        };
        let (old, new) = match joined {
            // The nodes have lines of their own.
            Joined::Both(old, new) if old.id == new.id => (None, None),
            _ => joined.sides(),
        };
        let old = old.map_or(0, |segment| self.before.mappings_in(segment.id));
        let new = new.map_or(0, |segment| self.after.mappings_in(segment.id));
        Some(PlanLine {
            mappings: old.max(new),
            ..PlanLine::new(change, SEGMENT, name, detail)
        })
    }

    /// What about a segment is not as it was. `None`: all is.
    fn differences(&mut self, old: &Segment, new: &Segment) -> Option<String> {
        let mut parts = Vec::new();
        let mut loses = |why| self.losses.note(why, SEGMENT, &new.name.value);
        if old.id != new.id {
            parts.push(format!("id {} -> {}", old.id, new.id));
            loses(Why::SegmentId);
        }
        if old.subnet != new.subnet {
            parts.push(format!("subnet {} -> {}", old.subnet, new.subnet));
        }
        if old.vlan != new.vlan {
            parts.push(format!(
                "vlan {} -> {}",
                or_none(old.vlan),
                or_none(new.vlan)
            ));
        }
        if old.label != new.label {
            let (was, is) = (or_none(old.label), or_none(new.label));
            parts.push(format!("label {was} -> {is}"));
        }
        if old.mtu.value != new.mtu.value {
            parts.push(format!("mtu {} -> {}", old.mtu.value, new.mtu.value));
            if new.mtu.value < old.mtu.value {
                loses(Why::Mtu);
            }
        }
        if old.unknown_mac != new.unknown_mac {
            let word = |unknown| match unknown {
                UnknownMac::Drop => "drop",
                UnknownMac::Resolve => "resolve",
            };
            let (was, is) = (word(old.unknown_mac), word(new.unknown_mac));
            parts.push(format!("unknown-mac {was} -> {is}"));
            if new.unknown_mac == UnknownMac::Drop {
                loses(Why::UnknownMac);
            }
        }
        let (was, is) = (&old.ethertypes, &new.ethertypes);
        for (some, others, how) in [(is, was, "added"), (was, is, "removed")] {
            let others: HashSet<u16> = others.iter().map(|e| e.get()).collect();
            let only = some.iter().filter(|e| !others.contains(&e.get()));
            let only = only.map(|ethertype| format!("ethertype {ethertype:?} {how}"));
            let only: Vec<_> = only.collect();
            if how == "removed" && !only.is_empty() {
                loses(Why::Ethertypes);
            }
            parts.extend(listed(only, "ethertype", how));
        }
        parts.extend(dhcp::differences(old.dhcp.as_ref(), new.dhcp.as_ref()));
        parts.extend(multicast::differences(&old.multicast, &new.multicast));
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
