//! What has addresses in segments, before and after: which addresses and
//! MACs come, go and change?

use std::collections::BTreeMap;

use packet::{MacAddr, SegmentId, VirtualAddr};

use super::join::{Joined, join};
use super::loss::{Losses, Why};
use super::{Differences, LISTED, Side, counted, listed};
use crate::topology::Station;

/// An address that a node, a router or a static mapping has, and what else
/// there is to know of its interface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attached<'a, M> {
    pub(super) segment: &'a str,
    pub(super) id: SegmentId,
    pub(super) address: VirtualAddr,
    pub(super) mac: MacAddr,
    pub(super) more: M,
}

impl<'a, M> Attached<'a, M> {
    fn key(&self) -> (&'a str, VirtualAddr) {
        (self.segment, self.address)
    }
}

/// The addresses of stations, ordered by segment and address.
pub(super) fn attached<'a, M: Copy>(
    side: &Side<'a>,
    stations: impl Iterator<Item = (&'a Station, M)>,
) -> Vec<Attached<'a, M>> {
    let mut all = Vec::new();
    for (station, more) in stations {
        let Some(segment) = side.compiled.topology.segment(station.segment) else {
            continue;
        };
        let addresses = station.addresses.iter().map(|&address| Attached {
            segment: segment.name.value.as_str(),
            id: segment.id,
            address,
            mac: station.mac,
            more,
        });
        all.extend(addresses);
    }
    all.sort_by_key(Attached::key);
    all
}

fn joined<'l, 'a, M>(
    was: &'l [Attached<'a, M>],
    is: &'l [Attached<'a, M>],
) -> impl Iterator<Item = ((&'a str, VirtualAddr), Joined<&'l Attached<'a, M>>)> {
    let keyed =
        |list: &'l [Attached<'a, M>]| list.iter().map(|attached| (attached.key(), attached));
    join(keyed(was), keyed(is))
}

/// Which addresses are added and removed, and which MACs change, in words.
pub(super) fn changes<M>(was: &[Attached<'_, M>], is: &[Attached<'_, M>]) -> Vec<String> {
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for (key, joined) in joined(was, is) {
        match joined {
            Joined::Before(_) => removed.push(key),
            Joined::After(_) => added.push(key),
            Joined::Both(..) => {}
        }
    }
    let mut parts = Vec::new();
    for (list, what) in [(added, "added"), (removed, "removed")] {
        let words = list.iter();
        let words = words.map(|(segment, a)| format!("address {a} in {segment} {what}"));
        parts.extend(listed(words.collect(), "address", what));
    }
    let macs = differing(was, is, |attached| attached.mac).into_iter();
    let macs = macs.map(|(segment, was, is)| format!("mac in {segment} {was} -> {is}"));
    parts.extend(listed(macs.collect(), "mac", "differ"));
    parts
}

/// What differs about the interfaces of addresses that stay: by segment, each
/// difference once.
pub(super) fn differing<'a, M, T: PartialEq + Copy>(
    was: &[Attached<'a, M>],
    is: &[Attached<'a, M>],
    what: impl Fn(&Attached<'a, M>) -> T,
) -> Vec<(&'a str, T, T)> {
    let mut found: BTreeMap<&str, Vec<(T, T)>> = BTreeMap::new();
    for ((segment, _), joined) in joined(was, is) {
        if let Joined::Both(old, new) = joined {
            let pair = (what(old), what(new));
            if pair.0 != pair.1 {
                let of_segment = found.entry(segment).or_default();
                if of_segment.last() != Some(&pair) {
                    of_segment.push(pair);
                }
            }
        }
    }
    let found = found.into_iter();
    found
        .flat_map(|(segment, pairs)| {
            let pairs = pairs.into_iter();
            pairs.map(move |(was, is)| (segment, was, is))
        })
        .collect()
}

/// What is lost where somebody's MAC changes, or an address goes.
pub(super) fn note_losses<M>(
    losses: &mut Losses,
    (what, name): (&'static str, &str),
    was: &[Attached<'_, M>],
    is: &[Attached<'_, M>],
) {
    if !differing(was, is, |attached| attached.mac).is_empty() {
        losses.note(Why::Mac, what, name);
    }
    if joined(was, is).any(|(_, joined)| matches!(joined, Joined::Before(_))) {
        losses.removed();
    }
}

/// `10.0.0.3`, or how many there are.
pub(super) fn addresses<M>(of: &[Attached<'_, M>]) -> String {
    if of.len() > LISTED {
        return counted(of.len(), "address");
    }
    let listed = of.iter().map(|attached| match attached.address {
        anchor if anchor.is_anchor() => "without address yet".to_owned(),
        address => address.to_string(),
    });
    let listed: Vec<String> = listed.collect();
    listed.join(" and ")
}

impl Differences<'_> {
    /// How many mappings of these addresses change.
    pub(super) fn mappings_of<M>(&self, was: &[Attached<'_, M>], is: &[Attached<'_, M>]) -> u64 {
        let (before, after) = (self.before.compiled, self.after.compiled);
        let mut count = 0;
        for (_, joined) in joined(was, is) {
            let (old, new) = joined.sides();
            let old = old.and_then(|a| before.mapping(a.id, a.address));
            let new = new.and_then(|a| after.mapping(a.id, a.address));
            count += u64::from(old != new);
        }
        count
    }
}
