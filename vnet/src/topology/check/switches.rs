//! Has each segment one logical switch at most?

use std::collections::HashMap;

use super::super::text::SwitchText;
use super::super::{SegmentIndex, Switch};
use super::Rooms;
use crate::yaml::Located;

impl Rooms<'_> {
    pub(super) fn switches(&mut self, texts: Vec<SwitchText>) -> Vec<Switch> {
        let mut first: HashMap<SegmentIndex, Located<String>> = HashMap::new();
        let mut switches = Vec::new();
        for text in texts {
            let name = text.station.segment.as_ref();
            let segment = name.and_then(|name| self.names.find(self.network, name, self.out));
            let Some(segment) = segment else { continue };
            if let Some(before) = first.get(&segment) {
                let place = before.place.seen_from(&text.name.place);
                let message = format!(
                    "the segment of switch \"{}\" has switch \"{}\" already, at {place}",
                    text.name.value, before.value
                );
                let remedy = "a segment is one switch: remove one of the two";
                self.out.error(&text.name.place, message, remedy);
                continue;
            }
            first.insert(segment, text.name.clone());
            let owner = format!("switch \"{}\"", text.name.value);
            let station = match text.station.addresses.as_slice() {
                [] => None,
                _ => self.station(&text.station, &owner),
            };
            switches.push(Switch {
                name: text.name,
                segment,
                station,
            });
        }
        switches
    }
}
