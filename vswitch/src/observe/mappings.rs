//! Listings of mappings: out of a table without order, in order, while it
//! changes.

use datapath::tables::{MappingEntry, MappingKey, Origin};
use packet::SegmentId;
use vnet::compiled::HostId;

use super::Observer;
use crate::commit::InForce;
use crate::control::source::{Learned, Mapping, MappingOrigin};

impl Observer {
    pub(super) fn smallest_keys(
        &self,
        from: MappingKey,
        only: Option<SegmentId>,
        limit: usize,
    ) -> Vec<MappingKey> {
        let tables = self.publisher.lock().pin();
        let all = tables.mappings.iter(tables.version).map(|(key, _)| key);
        let wanted = all.filter(|key| *key >= from && only.is_none_or(|s| s == key.segment));
        smallest(wanted, limit)
    }

    pub(super) fn listed_mappings(&self, keys: &[MappingKey]) -> Vec<Mapping> {
        let in_force = self.show.in_force();
        let tables = self.publisher.lock().pin();
        let entries = keys.iter().map(|key| {
            let entry = tables.mapping(key.segment, key.address);
            (*key, entry)
        });
        let entries: Vec<_> = entries.collect();
        drop(tables);
        let listed = entries.into_iter();
        listed
            .filter_map(|(key, entry)| Some(self.mapping(&in_force, key, &entry?)))
            .collect()
    }

    fn mapping(&self, in_force: &InForce, key: MappingKey, entry: &MappingEntry) -> Mapping {
        let compiled = &in_force.compiled;
        let HostId(host) = entry.host;
        let host = in_force.hosts.get(host as usize);
        let interface = entry.interface.and_then(|id| compiled.interface(id));
        let known = self.show.learned.lock().get(&key).copied();
        let known = known.filter(|_| entry.origin == Origin::Learned);
        let by = known.map_or(key.address, |known| known.by);
        Mapping {
            segment: self.segment_label(key.segment),
            address: key.address,
            kind: entry.kind,
            name: compiled.names.get(&(key.segment, by)).cloned(),
            host: host.map(|host| host.name.clone()).unwrap_or_default(),
            locator: host.map_or(self.config.substrate.locator, |host| host.locator),
            slot: entry.slot,
            mac: entry.mac,
            port: interface.map(|interface| self.port_name(interface.port)),
            expires: known.and_then(|known| known.expires_in()),
            learned: known.map(|known| Learned {
                how: known.how,
                since: known.since,
                heard_ago: known.heard_ago(),
                moves: known.moves,
            }),
            origin: match entry.origin {
                Origin::Drawn => MappingOrigin::Drawn,
                Origin::Loaded => MappingOrigin::Loaded,
                Origin::Learned => MappingOrigin::Learned,
            },
        }
    }
}

/// The smallest, in order.
fn smallest<T: Ord>(all: impl Iterator<Item = T>, limit: usize) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in all {
        kept.push(item);
        if kept.len() >= 2 * limit {
            kept.select_nth_unstable(limit);
            kept.truncate(limit);
        }
    }
    kept.sort_unstable();
    kept.truncate(limit);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_are_found_at_every_length() {
        for count in [0, 1, 6, 7, 8, 13, 14, 15, 100_u32] {
            // 37 is prime: every number below 101 once, in disorder.
            let all = (0..count).map(|n| n * 37 % 101);
            let mut sorted: Vec<_> = all.clone().collect();
            sorted.sort_unstable();
            sorted.truncate(7);
            assert_eq!(smallest(all, 7), sorted, "of {count}");
        }
    }
}
