//! Who has moved lately, and from where: for a grace time both places are known.
//!
//! Hosts take note of a move one after the other. Meanwhile the old place still
//! gets what others send there, and what was sent from it is still under way.

use core::time::Duration;

use hashbrown::HashMap;
use packet::{SegmentId, Slot};
use vnet::compiled::{Compiled, HostId, PhantomRouter};

use super::mapping::MappingKey;

/// The moves of the last while. Times are on the clock of the workers.
#[derive(Debug, Clone, Default)]
pub struct MoveTable {
    /// Where who has an address now was before.
    nodes: HashMap<MappingKey, Until<HostId>>,
    /// Which phantom router had a slot that is not its own any more.
    phantoms: HashMap<(HostId, SegmentId, Slot), Until<Box<PhantomRouter>>>,
}

/// What is true until then, and no longer.
#[derive(Debug, Clone)]
struct Until<T> {
    what: T,
    end: Duration,
}

impl<T> Until<T> {
    fn at(&self, now: Duration) -> Option<&T> {
        (now < self.end).then_some(&self.what)
    }
}

impl MoveTable {
    /// The host where an address was before its node has moved.
    pub fn from(&self, key: MappingKey, now: Duration) -> Option<HostId> {
        self.nodes.get(&key)?.at(now).copied()
    }

    /// The phantom router that had a slot before it has moved.
    pub fn phantom(
        &self,
        host: HostId,
        segment: SegmentId,
        slot: Slot,
        now: Duration,
    ) -> Option<&PhantomRouter> {
        let found = self.phantoms.get(&(host, segment, slot))?;
        found.at(now).map(|phantom| &**phantom)
    }

    /// How many moves it holds, over or not.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.phantoms.len()
    }

    /// Does it hold none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The moves of a change that takes effect now, and those that are not over.
    #[must_use]
    pub fn followed_by(
        &self,
        before: &Compiled,
        after: &Compiled,
        now: Duration,
        grace: Duration,
    ) -> Self {
        let mut table = self.clone();
        table.nodes.retain(|_, moved| now < moved.end);
        table.phantoms.retain(|_, moved| now < moved.end);
        let end = now.saturating_add(grace);
        if grace.is_zero() {
            return Self::default();
        }
        for change in vnet::plan::mapping_changes(before, after) {
            let key = MappingKey::new(change.segment, change.address);
            let (Some(was), Some(is)) = (change.before, change.after) else {
                table.nodes.remove(&key);
                continue;
            };
            let same = was.mac == is.mac && was.kind.is_node() && is.kind.is_node();
            if !same {
                table.nodes.remove(&key);
            } else if was.host != is.host {
                let what = was.host;
                table.nodes.insert(key, Until { what, end });
            }
        }
        let of = |one: &PhantomRouter| (one.host, one.segment, one.slot);
        let stays: HashMap<_, _> = (after.phantoms.iter())
            .map(|one| (of(one), one.mac))
            .collect();
        for one in &before.phantoms {
            let is = one.addresses.first().and_then(|first| {
                let is = after.mapping(one.segment, *first)?;
                (is.mac == one.mac && is.kind.is_node()).then_some(is)
            });
            if is.is_some() && !stays.contains_key(&of(one)) {
                let what = Box::new(one.clone());
                table.phantoms.insert(of(one), Until { what, end });
            }
        }
        table
    }
}
