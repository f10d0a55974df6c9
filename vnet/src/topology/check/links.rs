//! Does a node's link carry its interfaces' segments, and with which tags?

use std::collections::HashMap;

use packet::{InnerTag, OuterKind, OuterTag, Tags};

use super::super::SegmentIndex;
use super::super::text::{By, Lanes, NodeText, Reported, StationText};
use super::Rooms;
use super::segments::Marks;
use crate::compiled::LinkType;
use crate::diagnostic::Diagnostics;
use crate::yaml::Located;

/// A link whose segments are known.
#[derive(Debug)]
pub(super) struct Checked {
    lanes: CheckedLanes,
    /// The provider's tag on all its frames.
    outer: Option<OuterTag>,
}

/// What it carries.
#[derive(Debug)]
enum CheckedLanes {
    Access,
    Trunk {
        /// `None`: no tag is known, which was reported.
        tagged: HashMap<SegmentIndex, Option<InnerTag>>,
        native: Option<SegmentIndex>,
        /// A name could not be resolved, which was reported.
        incomplete: bool,
        names: String,
    },
}

impl Rooms<'_> {
    /// Checks a node's link. `None` if that could not be read.
    pub(super) fn link(&mut self, node: &NodeText) -> Option<Checked> {
        let link = &node.link.as_ref()?.value;
        let lanes = match &link.lanes {
            Lanes::Access => {
                self.one_interface(node);
                CheckedLanes::Access
            }
            Lanes::Trunk { tagged, native, by } => self.trunk(tagged, native.as_ref(), *by),
        };
        if let Some(outer) = &link.outer {
            self.outer(outer, &lanes);
        }
        Some(Checked {
            lanes,
            outer: link.outer.as_ref().map(|outer| outer.value),
        })
    }

    /// One 802.1Q tag alone is a trunk's, whoever put it on: an outer tag of that
    /// kind is known by the other inside of it.
    fn outer(&mut self, outer: &Located<OuterTag>, lanes: &CheckedLanes) {
        if outer.value.kind != OuterKind::Customer {
            return;
        }
        let is_vlan = |tag: &Option<InnerTag>| matches!(tag, Some(InnerTag::Vlan(_)) | None);
        let all_vlans = match lanes {
            CheckedLanes::Access => false,
            CheckedLanes::Trunk { tagged, native, .. } => {
                native.is_none() && tagged.values().all(is_vlan)
            }
        };
        if !all_vlans {
            let message = "an outer tag of tpid 0x8100 needs an 802.1Q tag inside of it on every \
                           frame, and this link has frames without";
            let remedy = "write tpid: 0x88a8, or a trunk by VLAN ids without native";
            self.out.error(&outer.place, message, remedy);
        }
    }

    fn one_interface(&mut self, node: &NodeText) {
        let Some(second) = node.interfaces.get(1) else {
            return;
        };
        let mut segments: Vec<&str> = Vec::new();
        // What is listed for the remedy need not be more than can be read.
        for interface in node.interfaces.iter().take(64) {
            if let Some(segment) = &interface.station.segment
                && !segments.contains(&segment.value.as_str())
            {
                segments.push(&segment.value);
            }
        }
        let message = format!(
            "node \"{}\" has {} interfaces, but an access link carries one",
            node.name.value,
            node.interfaces.len()
        );
        let remedy = match segments.as_slice() {
            [] | [_] => "list all addresses in one interface: addresses: [...]".to_owned(),
            several => format!("write link: {{ trunk: [{}] }}", several.join(", ")),
        };
        self.out.error(&second.station.place, message, remedy);
    }

    fn trunk(
        &mut self,
        tagged: &[Located<String>],
        native: Option<&Located<String>>,
        by: Option<By>,
    ) -> CheckedLanes {
        let mut incomplete = false;
        let mut list = HashMap::new();
        for name in tagged {
            let Some(segment) = self.names.find(self.network, name, self.out) else {
                incomplete = true;
                continue;
            };
            if list.contains_key(&segment) {
                let message = format!("trunk lists segment \"{}\" twice", name.value);
                self.out.error(&name.place, message, "remove one");
                continue;
            }
            let tag = inner(self.names.marks(segment), by);
            if let Ok(None) = tag {
                let name_text = &name.value;
                let (what, remedy) = match by {
                    Some(By::Label) => ("label", "add label: (16 to 1048575)"),
                    _ => ("vlan", "add vlan: (1 to 4094)"),
                };
                let message =
                    format!("segment \"{name_text}\" has no {what}, so a trunk cannot tag it");
                let remedy =
                    format!("{remedy} to segment \"{name_text}\", or make it the trunk's native");
                self.out.error(&name.place, message, remedy);
            }
            list.insert(segment, tag.ok().flatten());
        }
        let native = native.and_then(|name| {
            let segment = self.names.find(self.network, name, self.out);
            incomplete |= segment.is_none();
            if let Some(segment) = segment
                && list.contains_key(&segment)
            {
                let message = format!("segment \"{}\" is both tagged and native", name.value);
                let remedy = format!("remove \"{}\" from trunk, or remove native", name.value);
                self.out.error(&name.place, message, remedy);
            }
            segment
        });
        let names: Vec<&str> = tagged.iter().map(|name| name.value.as_str()).collect();
        CheckedLanes::Trunk {
            tagged: list,
            native,
            incomplete,
            names: names.join(", "),
        }
    }
}

impl Checked {
    /// How frames of an interface in that segment are tagged.
    pub(super) fn tagging(
        &self,
        segment: SegmentIndex,
        text: &StationText,
        owner: &str,
        out: &mut Diagnostics,
    ) -> Option<(LinkType, Tags)> {
        let outer = self.outer;
        let with = |inner| Tags { outer, inner };
        let CheckedLanes::Trunk {
            tagged,
            native,
            incomplete,
            names,
        } = &self.lanes
        else {
            return Some((LinkType::Access, with(None)));
        };
        if *native == Some(segment) {
            return Some((LinkType::TrunkNative, with(None)));
        }
        if let Some(tag) = tagged.get(&segment) {
            return tag.map(|tag| (LinkType::Trunk, with(Some(tag))));
        }
        if let Some(name) = text.segment.as_ref().filter(|_| !incomplete) {
            let message = format!(
                "{owner} has an interface in segment \"{0}\", which its link does not carry",
                name.value
            );
            let remedy = format!("write trunk: [{names}, {0}], or native: {0}", name.value);
            out.error(&name.place, message, remedy);
        }
        None
    }
}

/// What identifies a segment on a trunk.
fn inner(marks: Marks, by: Option<By>) -> Result<Option<InnerTag>, Reported> {
    let vlan = || Ok(marks.vlan?.map(InnerTag::Vlan));
    let label = || Ok(marks.label?.map(InnerTag::Label));
    match by {
        Some(By::Vlan) => vlan(),
        Some(By::Label) => label(),
        None => match vlan()? {
            Some(vlan) => Ok(Some(vlan)),
            None => label(),
        },
    }
}
