//! Which segments are there, and which one does a name mean?

use std::collections::{BTreeMap, HashMap};

use packet::{SegmentId, VlanId};

use super::super::text::{Reported, SegmentText};
use super::super::{Segment, SegmentIndex};
use super::dhcp;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;
use crate::yaml::nearest::did_you_mean;

/// How many names are compared with one that does not exist.
const COMPARED: usize = 1000;

/// The segments by network and name.
#[derive(Debug)]
pub(super) struct Names {
    /// `None`: there is such a segment, but what it is could not be read.
    known: HashMap<usize, BTreeMap<String, Option<SegmentIndex>>>,
    ids: HashMap<SegmentId, (String, Place)>,
    /// Each segment's VLAN id.
    vlans: Vec<Result<Option<VlanId>, Reported>>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            known: HashMap::new(),
            ids: HashMap::new(),
            vlans: Vec::new(),
        }
    }

    /// Adds the segments of a network to `segments`.
    pub(super) fn define(
        &mut self,
        network: usize,
        texts: &[SegmentText],
        segments: &mut Vec<Segment>,
        out: &mut Diagnostics,
    ) {
        let highest = texts.iter().filter_map(|text| text.id.as_ref());
        let highest = highest.map(|id| id.value.get()).max().unwrap_or(0);
        let mut once = super::Once::new("segment");
        let mut vlans: HashMap<VlanId, (&str, &Place)> = HashMap::new();
        for text in texts {
            once.claim(&text.name, "give one of them another name", out);
            self.claim_id(text, highest, out);
            if let Ok(Some(vlan)) = &text.vlan {
                claim_vlan(&mut vlans, text, vlan, out);
            }
            let index = SegmentIndex(segments.len());
            let known = self.known.entry(network).or_default();
            let slot = known.entry(text.name.value.clone()).or_insert(None);
            if let (None, Some(id), Some(subnet)) = (&slot, &text.id, &text.subnet) {
                *slot = Some(index);
                let vlan = text
                    .vlan
                    .as_ref()
                    .map(|vlan| vlan.as_ref().map(|v| v.value));
                let dhcp = text.dhcp.as_ref();
                let dhcp = dhcp.map(|dhcp| dhcp::check(dhcp, &text.name.value, subnet.value, out));
                self.vlans.push(vlan.map_err(|&reported| reported));
                segments.push(Segment {
                    name: text.name.clone(),
                    network,
                    id: id.value,
                    subnet: subnet.value,
                    vlan: vlan.ok().flatten(),
                    mtu: text.mtu.clone(),
                    unknown_mac: text.unknown_mac,
                    ethertypes: text.ethertypes.clone(),
                    dhcp,
                });
            }
        }
    }

    fn claim_id(&mut self, text: &SegmentText, highest: u32, out: &mut Diagnostics) {
        let Some(id) = &text.id else { return };
        if let Some((name, place)) = self.ids.get(&id.value) {
            let place = place.seen_from(&id.place);
            let message = format!(
                "segment id {} is already that of segment \"{name}\" at {place}",
                id.value
            );
            let remedy = match SegmentId::new(highest + 1) {
                Ok(free) if !self.ids.contains_key(&free) => {
                    format!("ids are unique in the whole installation; use another, e.g. {free}")
                }
                _ => "ids are unique in the whole installation; use another".to_owned(),
            };
            out.error(&id.place, message, remedy);
            return;
        }
        let owner = (text.name.value.clone(), id.place.clone());
        self.ids.insert(id.value, owner);
    }

    /// The VLAN id of a segment, if it has one.
    pub(super) fn vlan(&self, segment: SegmentIndex) -> Result<Option<VlanId>, Reported> {
        self.vlans.get(segment.0).copied().unwrap_or(Err(Reported))
    }

    /// The segment of that name; reported if there is none.
    pub(super) fn find(
        &self,
        network: usize,
        name: &Located<String>,
        out: &mut Diagnostics,
    ) -> Option<SegmentIndex> {
        let known = self.known.get(&network);
        if let Some(found) = known.and_then(|known| known.get(&name.value)) {
            return *found;
        }
        let names = || known.into_iter().flatten().map(|(name, _)| name.as_str());
        let message = format!("there is no segment \"{}\" in this network", name.value);
        let remedy = did_you_mean(&name.value, names().take(COMPARED), || {
            let shown: Vec<&str> = names().take(8).collect();
            if shown.is_empty() {
                return "define it under segments".to_owned();
            }
            format!(
                "define it under segments, or use one of: {}",
                shown.join(", ")
            )
        });
        out.error(&name.place, message, remedy);
        None
    }

    /// Is there a segment of that name, readable or not?
    pub(super) fn is_known(&self, network: usize, name: &str) -> bool {
        let known = self.known.get(&network);
        known.is_some_and(|known| known.contains_key(name))
    }

    /// The names of a network's segments.
    pub(super) fn all(&self, network: usize) -> impl Iterator<Item = &str> {
        let known = self.known.get(&network).into_iter().flatten();
        known.map(|(name, _)| name.as_str())
    }

    /// The same, without a report: for a look ahead.
    pub(super) fn silently(
        &self,
        network: usize,
        name: Option<&Located<String>>,
    ) -> Option<SegmentIndex> {
        *self.known.get(&network)?.get(&name?.value)?
    }
}

fn claim_vlan<'t>(
    vlans: &mut HashMap<VlanId, (&'t str, &'t Place)>,
    text: &'t SegmentText,
    vlan: &'t Located<VlanId>,
    out: &mut Diagnostics,
) {
    let (id, name) = (vlan.value, text.name.value.as_str());
    if let Some((other, place)) = vlans.get(&id) {
        let place = place.seen_from(&vlan.place);
        let message = format!("vlan {id} is already that of segment \"{other}\" at {place}");
        let free = (id.get()..4095)
            .chain(1..id.get())
            .filter_map(|n| VlanId::new(n).ok());
        let free = free
            .into_iter()
            .find(|candidate| !vlans.contains_key(candidate));
        let example = free.map_or_else(String::new, |free| format!(", e.g. {free}"));
        let remedy = format!("give segment \"{name}\" another VLAN id{example}");
        out.error(&vlan.place, message, remedy);
        return;
    }
    vlans.insert(id, (name, &vlan.place));
}
