//! Which segments are there, and which one does a name mean?

use std::collections::{BTreeMap, HashMap};

use packet::{MplsLabel, SegmentId, VlanId};

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
    /// What identifies each segment on a link.
    marks: Vec<Marks>,
}

/// What identifies a segment on a link; `Err`: what was written could not be
/// read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    pub(super) vlan: Result<Option<VlanId>, Reported>,
    pub(super) label: Result<Option<MplsLabel>, Reported>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            known: HashMap::new(),
            ids: HashMap::new(),
            marks: Vec::new(),
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
        let mut labels: HashMap<MplsLabel, (&str, &Place)> = HashMap::new();
        for text in texts {
            once.claim(&text.name, "give one of them another name", out);
            self.claim_id(text, highest, out);
            if let Ok(Some(vlan)) = &text.vlan {
                claim_vlan(&mut vlans, text, vlan, out);
            }
            if let Ok(Some(label)) = &text.label {
                claim_label(&mut labels, text, label, out);
            }
            let index = SegmentIndex(segments.len());
            let known = self.known.entry(network).or_default();
            let slot = known.entry(text.name.value.clone()).or_insert(None);
            if let (None, Some(id), Some(subnet)) = (&slot, &text.id, &text.subnet) {
                *slot = Some(index);
                let marks = Marks {
                    vlan: value(&text.vlan),
                    label: value(&text.label),
                };
                let dhcp = text.dhcp.as_ref();
                let pool = dhcp.and_then(|dhcp| dhcp.pool.as_ref());
                let pool = pool.map(|pool| pool.value);
                let dhcp = dhcp.map(|dhcp| dhcp::check(dhcp, &text.name.value, subnet.value, out));
                self.marks.push(marks);
                segments.push(Segment {
                    name: text.name.clone(),
                    network,
                    id: id.value,
                    subnet: subnet.value,
                    vlan: marks.vlan.ok().flatten(),
                    label: marks.label.ok().flatten(),
                    mtu: text.mtu.clone(),
                    unknown_mac: text.unknown_mac,
                    ethertypes: text.ethertypes.clone(),
                    dhcp,
                    pool,
                    multicast: text.multicast.clone(),
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

    /// What identifies a segment on a link.
    pub(super) fn marks(&self, segment: SegmentIndex) -> Marks {
        let unread = Marks {
            vlan: Err(Reported),
            label: Err(Reported),
        };
        self.marks.get(segment.0).copied().unwrap_or(unread)
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

fn value<T: Copy>(written: &Result<Option<Located<T>>, Reported>) -> Result<Option<T>, Reported> {
    let written = written.as_ref().map_err(|&reported| reported)?;
    Ok(written.as_ref().map(|written| written.value))
}

fn claim_label<'t>(
    labels: &mut HashMap<MplsLabel, (&'t str, &'t Place)>,
    text: &'t SegmentText,
    label: &'t Located<MplsLabel>,
    out: &mut Diagnostics,
) {
    let name = text.name.value.as_str();
    if let Some((other, place)) = labels.get(&label.value) {
        let place = place.seen_from(&label.place);
        let label_text = label.value;
        let message =
            format!("label {label_text} is already that of segment \"{other}\" at {place}");
        let remedy = format!("give segment \"{name}\" another label, 16 to 1048575");
        out.error(&label.place, message, remedy);
        return;
    }
    labels.insert(label.value, (name, &label.place));
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
