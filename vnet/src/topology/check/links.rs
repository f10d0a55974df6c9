//! Does a node's link carry its interfaces' segments, and with which tag?

use std::collections::HashMap;

use packet::VlanId;

use super::super::SegmentIndex;
use super::super::text::{Link, NodeText, StationText};
use super::Rooms;
use crate::compiled::LinkType;
use crate::diagnostic::Diagnostics;
use crate::yaml::Located;

/// A link whose segments are known.
#[derive(Debug)]
pub(super) enum Checked {
    Access,
    Trunk {
        /// `None`: no tag is known, which was reported.
        tagged: HashMap<SegmentIndex, Option<VlanId>>,
        native: Option<SegmentIndex>,
        /// A name could not be resolved, which was reported.
        incomplete: bool,
        names: String,
    },
}

impl Rooms<'_> {
    /// Checks a node's link. `None` if that could not be read.
    pub(super) fn link(&mut self, node: &NodeText) -> Option<Checked> {
        match &node.link.as_ref()?.value {
            Link::Access => {
                self.one_interface(node);
                Some(Checked::Access)
            }
            Link::Trunk { tagged, native } => Some(self.trunk(tagged, native.as_ref())),
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

    fn trunk(&mut self, tagged: &[Located<String>], native: Option<&Located<String>>) -> Checked {
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
            let vlan = self.names.vlan(segment);
            if let Ok(None) = vlan {
                let name_text = &name.value;
                let message =
                    format!("segment \"{name_text}\" has no vlan, so a trunk cannot tag it");
                let remedy = format!(
                    "add vlan: (1 to 4094) to segment \"{name_text}\", or make it the trunk's native"
                );
                self.out.error(&name.place, message, remedy);
            }
            list.insert(segment, vlan.ok().flatten());
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
        Checked::Trunk {
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
    ) -> Option<(LinkType, Option<VlanId>)> {
        let Self::Trunk {
            tagged,
            native,
            incomplete,
            names,
        } = self
        else {
            return Some((LinkType::Access, None));
        };
        if *native == Some(segment) {
            return Some((LinkType::TrunkNative, None));
        }
        if let Some(vlan) = tagged.get(&segment) {
            return vlan.map(|vlan| (LinkType::Trunk, Some(vlan)));
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
