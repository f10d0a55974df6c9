//! Can a node stand for what it is to forward for?

use std::collections::HashMap;

use super::super::text::PhantomText;
use super::super::{Phantom, SegmentIndex};
use super::Rooms;
use crate::compiled::Ipv4Subnet;
use crate::diagnostic::Place;

impl Rooms<'_> {
    /// The prefixes of an interface in a segment. Those of several interfaces
    /// may overlap: each has a slot, by which all vswitches tell them apart.
    pub(super) fn phantom(
        &mut self,
        text: Option<&PhantomText>,
        owner: &str,
        segment: SegmentIndex,
    ) -> Option<Phantom> {
        let text = text?;
        let (name, subnet) = self.stations.segment(segment)?;
        let mut seen: HashMap<Ipv4Subnet, &Place> = HashMap::new();
        for prefix in &text.forwards {
            let (value, place) = (prefix.value, &prefix.place);
            if let Some(before) = seen.insert(value, place) {
                let before = before.seen_from(place);
                let message = format!("{owner} already forwards for {value} at {before}");
                self.out.error(place, message, "keep one of the two");
            } else if subnet.length() <= value.length() && subnet.contains(value.network().into()) {
                let message = format!(
                    "{owner} cannot forward for {value}: it lies in {subnet}, the subnet of \
                     segment \"{name}\" itself"
                );
                let remedy = "leave it out; what the node answers for in its own segment belongs \
                              to its addresses";
                self.out.error(place, message, remedy);
            } else if !holds_a_station(value) {
                let message = format!("{owner} cannot forward for {value}: no station is there");
                let remedy =
                    "leave it out; groups, loopback and this-host addresses have no router";
                self.out.error(place, message, remedy);
            }
        }
        Some(Phantom {
            forwards: text.forwards.iter().map(|prefix| prefix.value).collect(),
            slot: text.slot.clone(),
        })
    }
}

/// Can any address of it be a station's?
fn holds_a_station(prefix: Ipv4Subnet) -> bool {
    let first = prefix.network().octets()[0];
    match prefix.length() {
        // Half of all addresses, or all of them: 192.0.0.0/2 has some, too.
        0..=2 => true,
        3..=7 => first < 224,
        _ => first != 0 && first != 127 && first < 224,
    }
}
