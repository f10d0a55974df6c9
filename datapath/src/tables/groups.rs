//! Who hears what is for all of a segment: the interfaces on this host, and the
//! other hosts that have some.

use std::sync::Arc;

use hashbrown::HashMap;
use packet::{SegmentId, Tags, VirtualAddr};
use vnet::compiled::{Compiled, HostId, InterfaceId, Multicast, PortId};

/// The segments' members.
#[derive(Debug, Default)]
pub struct GroupTable {
    segments: HashMap<SegmentId, Members>,
}

/// The members of a segment.
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// Those on this host.
    pub here: Vec<Wire>,
    /// The other hosts that have some.
    pub hosts: Vec<HostId>,
    /// The address that means all of them, besides 255.255.255.255.
    pub broadcast: Option<VirtualAddr>,
    /// How groups reach them.
    pub multicast: Multicast,
}

/// What is behind a port with the same tags: one frame reaches all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The port.
    pub port: PortId,
    /// What is on its frames.
    pub tags: Tags,
    /// The interfaces there, at least one.
    pub interfaces: Vec<InterfaceId>,
}

impl GroupTable {
    /// Of what was drawn; for what clients have loaded see [`LoadedHosts`].
    pub(super) fn new(compiled: &Compiled) -> Self {
        let mut table = Self::default();
        for segment in &compiled.segments {
            let members = table.segments.entry(segment.id).or_default();
            members.broadcast = segment.subnet.broadcast();
            members.multicast = segment.multicast.clone();
        }
        for interface in &compiled.interfaces {
            let members = table.segments.entry(interface.segment).or_default();
            let (port, tags) = (interface.port, interface.tags);
            let mut wires = members.here.iter_mut();
            match wires.find(|wire| (wire.port, wire.tags) == (port, tags)) {
                Some(wire) => wire.interfaces.push(interface.id),
                None => members.here.push(Wire {
                    port,
                    tags,
                    interfaces: vec![interface.id],
                }),
            }
        }
        for mapping in &compiled.mappings {
            let elsewhere = mapping.interface.is_none() && mapping.kind.is_node();
            if elsewhere && let Some(members) = table.segments.get_mut(&mapping.segment) {
                members.hosts.push(mapping.host);
            }
        }
        for members in table.segments.values_mut() {
            members.hosts.sort_unstable();
            members.hosts.dedup();
        }
        table
    }

    /// All segments.
    pub fn iter(&self) -> impl Iterator<Item = (SegmentId, &Members)> {
        let all = self.segments.iter();
        all.map(|(segment, members)| (*segment, members))
    }

    /// The members of a segment.
    pub fn of(&self, segment: SegmentId) -> Option<&Members> {
        self.segments.get(&segment)
    }
}

impl Members {
    /// Those who get a copy of what `sender` has sent: never the sender. A wire
    /// that it shares gets one for the others there.
    pub fn here_but(&self, sender: Option<InterfaceId>) -> impl Iterator<Item = InterfaceId> {
        self.here.iter().filter_map(move |wire| {
            let mut others = wire.interfaces.iter().copied();
            others.find(|interface| Some(*interface) != sender)
        })
    }
}

/// The hosts that mappings of clients lead to, by segment, each in order. One is
/// only ever added: a host without members drops what it is sent, and that is
/// cheaper than to count mappings that come and go.
#[derive(Debug, Clone, Default)]
pub struct LoadedHosts {
    segments: HashMap<SegmentId, Arc<[HostId]>>,
}

impl LoadedHosts {
    /// The hosts of a segment.
    pub fn of(&self, segment: SegmentId) -> &[HostId] {
        self.segments.get(&segment).map_or(&[], |hosts| hosts)
    }

    /// Adds a host; says whether it is new there.
    pub fn add(&mut self, segment: SegmentId, host: HostId) -> bool {
        let known = self.of(segment);
        let Err(at) = known.binary_search(&host) else {
            return false;
        };
        let (before, behind) = known.split_at(at);
        let hosts = before.iter().chain([&host]).chain(behind);
        let hosts = hosts.copied().collect();
        self.segments.insert(segment, hosts);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_host_is_known_in_its_segment_once() {
        let mut loaded = LoadedHosts::default();
        let segment = |id| SegmentId::new(id).unwrap();
        for (host, new) in [(7, true), (3, true), (7, false), (5, true)] {
            assert_eq!(loaded.add(segment(1), HostId(host)), new);
        }
        assert_eq!(loaded.of(segment(1)), [3, 5, 7].map(HostId));
        assert_eq!(loaded.of(segment(2)), []);
    }

    #[test]
    fn a_wire_gets_one_copy_and_the_sender_none() {
        let wire = |port, interfaces: &[u32]| Wire {
            port: PortId(port),
            tags: Tags::NONE,
            interfaces: interfaces.iter().copied().map(InterfaceId).collect(),
        };
        let members = Members {
            here: vec![wire(1, &[1]), wire(2, &[2, 3])],
            ..Members::default()
        };
        let copies = |sender: Option<u32>| {
            let sender = sender.map(InterfaceId);
            let copies = members.here_but(sender).map(|interface| interface.0);
            copies.collect::<Vec<_>>()
        };
        assert_eq!(copies(None), [1, 2]);
        assert_eq!(copies(Some(1)), [2]);
        assert_eq!(copies(Some(2)), [1, 3], "its neighbour on the wire");
    }
}
