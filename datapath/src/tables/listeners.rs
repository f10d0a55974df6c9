//! Who has joined which group: the interfaces on this host, and the other hosts
//! that have some. What the slow path has learned of it (`crate::snooping`).

use std::sync::Arc;

use hashbrown::HashMap;
use packet::{SegmentId, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId};

use super::PortTable;

/// The listeners by segment. A segment that is not in it is not snooped, or
/// nobody has looked yet: there all members hear every group.
#[derive(Debug, Clone, Default)]
pub struct ListenerTable {
    segments: HashMap<SegmentId, Arc<SegmentListeners>>,
}

/// The listeners of one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentListeners {
    /// Those of each group that has some.
    pub groups: HashMap<VirtualAddr, Listeners>,
    /// Those who hear every group; they are among those of each, too.
    pub of_all: Listeners,
    /// The hosts that say what their interfaces listen to, in order: others hear
    /// every group.
    pub heard: Vec<HostId>,
}

/// Who listens to one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// On this host, by what is behind one port with one tag: one frame reaches
    /// all of that.
    pub here: Vec<Vec<Listener>>,
    /// The other hosts that have some, in order.
    pub hosts: Vec<HostId>,
}

/// An interface that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Which.
    pub interface: InterfaceId,
    /// To whom.
    pub sources: Sources,
}

/// Whose packets are listened to (RFC 3376 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// Everybody's.
    All,
    /// These only, in order.
    Only(Box<[VirtualAddr]>),
    /// All but these, in order.
    But(Box<[VirtualAddr]>),
}

impl Sources {
    /// Is this one's packet wanted?
    pub fn want(&self, source: VirtualAddr) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.binary_search(&source).is_ok(),
            Self::But(these) => these.binary_search(&source).is_err(),
        }
    }
}

impl ListenerTable {
    /// The listeners of a segment, if they are known.
    pub fn of(&self, segment: SegmentId) -> Option<&SegmentListeners> {
        self.segments.get(&segment).map(|listeners| &**listeners)
    }

    /// From now on these; `None`: nobody knows.
    pub fn set(&mut self, segment: SegmentId, listeners: Option<SegmentListeners>) {
        match listeners {
            Some(listeners) => self.segments.insert(segment, Arc::new(listeners)),
            None => self.segments.remove(&segment),
        };
    }
}

impl SegmentListeners {
    /// Those of a group.
    pub fn of(&self, group: VirtualAddr) -> &Listeners {
        self.groups.get(&group).unwrap_or(&self.of_all)
    }
}

impl Listeners {
    /// Those on this host who get a copy of what `source` sends in a segment by
    /// the interface `sender`: one of each wire, never the sender, and nobody
    /// who is no longer there.
    pub fn here_but<'t>(
        &'t self,
        segment: SegmentId,
        (sender, source): (Option<InterfaceId>, VirtualAddr),
        ports: &'t PortTable,
    ) -> impl Iterator<Item = InterfaceId> + use<'t> {
        self.here.iter().filter_map(move |wire| {
            let wants = |listener: &&Listener| {
                let there = ports.interface(listener.interface);
                Some(listener.interface) != sender
                    && listener.sources.want(source)
                    && there.is_some_and(|there| there.segment == segment)
            };
            wire.iter().find(wants).map(|listener| listener.interface)
        })
    }

    /// Has it a host among them?
    pub fn has(&self, host: HostId) -> bool {
        self.hosts.binary_search(&host).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_wanted_as_the_filter_says() {
        let address = VirtualAddr::from_bits;
        let these: Box<[_]> = [1, 3].map(address).into();
        for (filter, wanted) in [
            (Sources::All, [true; 3]),
            (Sources::Only(these.clone()), [true, false, true]),
            (Sources::But(these), [false, true, false]),
        ] {
            assert_eq!([1, 2, 3].map(|s| filter.want(address(s))), wanted);
        }
    }
}
