//! Can the nodes that are to share an address have it?

use super::super::text::SharedText;
use super::super::{Node, SharedAddress};
use super::Rooms;
use crate::yaml::Located;
use crate::yaml::nearest::did_you_mean;

impl Rooms<'_> {
    /// Checks the shared addresses of a network with these nodes.
    pub(super) fn shared(&mut self, texts: Vec<SharedText>, nodes: &[Node]) -> Vec<SharedAddress> {
        let mut shared = Vec::new();
        for text in texts {
            if self.out.full() {
                break;
            }
            shared.extend(self.shared_address(&text, nodes));
        }
        shared
    }

    fn shared_address(&mut self, text: &SharedText, nodes: &[Node]) -> Option<SharedAddress> {
        let name = text.segment.as_ref()?;
        let segment = self.names.find(self.network, name, self.out)?;
        let address = text.address.as_ref()?;
        let mac = text.mac.as_ref().ok()?.as_ref();
        let what = format!("shared address {}", address.value);
        self.shared_station(segment, address, mac, &what);
        let mut found = Vec::new();
        for named in &text.nodes {
            let Some(node) = self.node_named(named, nodes) else {
                continue;
            };
            if found.contains(&node) {
                let message = format!("{what} lists node \"{}\" twice", named.value);
                self.out.error(&named.place, message, "remove one");
                continue;
            }
            let interfaces = nodes.get(node).map_or(&[][..], |node| &node.interfaces);
            let mut stations = interfaces.iter().map(|interface| &interface.station);
            if !stations.any(|station| station.segment == segment) {
                let message = format!(
                    "node \"{}\" cannot have {what}: it is not in segment \"{}\"",
                    named.value, name.value
                );
                let remedy = "give it an interface there, or remove it from nodes";
                self.out.error(&named.place, message, remedy);
                continue;
            }
            found.push(node);
        }
        Some(SharedAddress {
            place: text.place.clone(),
            segment,
            address: address.value,
            mac: mac.map(|mac| mac.value),
            nodes: found,
        })
    }

    fn node_named(&mut self, name: &Located<String>, nodes: &[Node]) -> Option<usize> {
        let found = nodes.iter().position(|node| node.name.value == name.value);
        if found.is_none() {
            let message = format!("there is no node \"{}\" in this network", name.value);
            let known = nodes.iter().map(|node| node.name.value.as_str());
            let remedy = did_you_mean(&name.value, known, || "define it under nodes".to_owned());
            self.out.error(&name.place, message, remedy);
        }
        found
    }
}
