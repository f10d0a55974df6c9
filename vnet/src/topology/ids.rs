//! Which number has a host or an interface in every table, and keeps it from
//! one compiled form to the next?

use std::collections::{HashMap, HashSet};

use packet::{Locator, MacAddr, SegmentId, Tags};

use super::Surroundings;
use crate::compiled::{Compiled, Host, HostId, InterfaceId, PortId};

/// The hosts: numbered as they appear, and never again forgotten.
#[derive(Debug)]
pub(super) struct HostIds<'a> {
    hosts: Vec<Host>,
    by_locator: HashMap<Locator, HostId>,
    /// Those that files may name.
    by_name: HashMap<&'a str, HostId>,
}

impl<'a> HostIds<'a> {
    /// The hosts of `before`, then those of the surroundings that it has not.
    pub(super) fn new(around: &'a Surroundings, before: Option<&Compiled>) -> Self {
        let mut ids = Self {
            hosts: Vec::new(),
            by_locator: HashMap::new(),
            by_name: HashMap::new(),
        };
        let _ = ids.at(around.this.locator);
        for host in before.map_or(&[][..], |before| &before.hosts) {
            // Whoever is not named in the surroundings any more has no name.
            let _ = ids.at(host.locator);
        }
        for host in core::iter::once(&around.this).chain(&around.others) {
            let Some(id) = ids.at(host.locator) else {
                continue;
            };
            if let Some(known) = ids.hosts.get_mut(id.0 as usize) {
                known.name.clone_from(&host.name);
            }
            ids.by_name.insert(&host.name, id);
        }
        ids
    }

    /// The host of that name.
    pub(super) fn named(&self, name: &str) -> Option<HostId> {
        self.by_name.get(name).copied()
    }

    /// What a host is called.
    pub(super) fn name(&self, HostId(id): HostId) -> &str {
        self.hosts.get(id as usize).map_or("", |host| &host.name)
    }

    /// The host with that locator, which becomes known with it. `None` if
    /// there are more than can be counted.
    pub(super) fn at(&mut self, locator: Locator) -> Option<HostId> {
        if let Some(&id) = self.by_locator.get(&locator) {
            return Some(id);
        }
        let id = HostId(u32::try_from(self.hosts.len()).ok()?);
        self.hosts.push(Host {
            name: locator.to_string(),
            locator,
        });
        self.by_locator.insert(locator, id);
        Some(id)
    }

    /// All of them, by id.
    pub(super) fn into_hosts(self) -> Vec<Host> {
        self.hosts
    }
}

/// What makes an interface the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct InterfaceKey {
    pub(super) port: PortId,
    pub(super) tags: Tags,
    pub(super) mac: MacAddr,
    pub(super) segment: SegmentId,
}

/// The interfaces' numbers.
#[derive(Debug)]
pub(super) struct InterfaceIds {
    known: HashMap<InterfaceKey, InterfaceId>,
    /// Given out in the form before, whether or not they still are: what is
    /// under way for one interface must not reach another.
    taken: HashSet<InterfaceId>,
    next: u32,
}

impl InterfaceIds {
    /// Those of `before`.
    pub(super) fn new(before: Option<&Compiled>) -> Self {
        let interfaces = before.map_or(&[][..], |before| &before.interfaces);
        let key = |interface: &crate::compiled::Interface| InterfaceKey {
            port: interface.port,
            tags: interface.tags,
            mac: interface.mac,
            segment: interface.segment,
        };
        Self {
            known: interfaces.iter().map(|i| (key(i), i.id)).collect(),
            taken: interfaces.iter().map(|i| i.id).collect(),
            next: 0,
        }
    }

    /// The number of an interface: the one it had, or the lowest that is
    /// free. `None` if all are taken. Asked once for each interface.
    pub(super) fn of(&mut self, key: InterfaceKey) -> Option<InterfaceId> {
        if let Some(&id) = self.known.get(&key) {
            return Some(id);
        }
        while self.taken.contains(&InterfaceId(self.next)) {
            self.next = self.next.checked_add(1)?;
        }
        let id = InterfaceId(self.next);
        self.next = self.next.checked_add(1)?;
        Some(id)
    }
}
