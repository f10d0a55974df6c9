//! Which slot has each phantom router?
//!
//! Every vswitch must find the same ones, from the same drawing. A slot that is
//! given is kept; an interface without one gets that of its first address's last
//! six bits, or the next that is free in its segment on its host. So those that
//! come and go rarely move those that stay.

use std::collections::HashMap;

use packet::{Slot, VirtualAddr};

use crate::compiled::HostId;
use crate::diagnostic::{Diagnostics, Place};
use crate::topology::{Phantom, SegmentIndex, Station};

/// How many slots there are in a segment on a host.
const SLOTS: u8 = 64;

/// The slots, by segment and first address.
pub(super) type Slots = HashMap<(SegmentIndex, VirtualAddr), Slot>;

/// A phantom router, and where it is.
pub(super) struct Asking<'a> {
    pub(super) host: HostId,
    pub(super) station: &'a Station,
    pub(super) phantom: &'a Phantom,
}

/// Gives each its slot. `names` says what a host and a segment are called.
pub(super) fn assign(
    mut all: Vec<Asking<'_>>,
    names: impl Fn(HostId, SegmentIndex) -> (String, String),
    out: &mut Diagnostics,
) -> Slots {
    let mut slots = Slots::new();
    let mut taken: HashMap<(HostId, SegmentIndex, Slot), &Place> = HashMap::new();
    // Those that are given first, then by address: the order of the files does
    // not matter.
    all.sort_by_key(|one| (one.phantom.slot.is_none(), one.first()));
    for one in &all {
        let Some(first) = one.first() else {
            continue; // It could not be read, which was reported.
        };
        let (host, segment) = (one.host, one.station.segment);
        let slot = match &one.phantom.slot {
            Some(given) => {
                if let Some(before) = taken.get(&(host, segment, given.value)) {
                    let (host, segment) = names(host, segment);
                    let message = format!(
                        "slot {} of segment \"{segment}\" on host \"{host}\" is already taken at {}",
                        given.value,
                        before.seen_from(&given.place)
                    );
                    let remedy = "give it another slot, or leave slot out, and a free one is found";
                    out.error(&given.place, message, remedy);
                    continue;
                }
                Some(given.value)
            }
            None => (candidates(first)).find(|slot| !taken.contains_key(&(host, segment, *slot))),
        };
        let Some(slot) = slot else {
            let (host, segment) = names(host, segment);
            let message = format!(
                "host \"{host}\" has more than {SLOTS} interfaces that forward in segment \"{segment}\""
            );
            let remedy = "move some of these nodes to another host, or into another segment";
            out.error(&one.station.place, message, remedy);
            continue;
        };
        taken.insert((host, segment, slot), &one.station.place);
        slots.insert((segment, first), slot);
    }
    slots
}

impl Asking<'_> {
    fn first(&self) -> Option<VirtualAddr> {
        self.station.addresses.first().copied()
    }
}

/// All slots, beginning with the last six bits of an address.
fn candidates(address: VirtualAddr) -> impl Iterator<Item = Slot> {
    let [.., last] = address.ipv4().octets();
    let numbers = (0..SLOTS).map(move |step| (last % SLOTS + step) % SLOTS);
    numbers.filter_map(|number| Slot::new(number).ok())
}
