//! Which addresses that several nodes share come, go and change?

use packet::VirtualAddr;

use super::join::{Joined, join_unordered};
use super::{Change, Differences, PlanLine, Side};
use crate::topology::{Network, SharedAddress};

/// What a plan calls one.
const SHARED: &str = "shared address";

impl<'a> Differences<'a> {
    pub(super) fn shared(&self, before: &'a Network, after: &'a Network) -> Vec<PlanLine> {
        let joined = join_unordered(keyed(&self.before, before), keyed(&self.after, after));
        let lines = joined.filter_map(|((segment, address), joined)| {
            let (change, detail) = match joined {
                Joined::Before(_) => (Change::Removed, String::new()),
                Joined::After(new) => (Change::Added, format!("between {}", nodes(new, after))),
                Joined::Both(old, new) => {
                    let mut parts = Vec::new();
                    let (was, is) = (nodes(old, before), nodes(new, after));
                    if was != is {
                        parts.push(format!("between {was} -> {is}"));
                    }
                    let (was, is) = (mac(old), mac(new));
                    if was != is {
                        parts.push(format!("mac {was} -> {is}"));
                    }
                    if parts.is_empty() {
                        return None;
                    }
                    (Change::Changed, parts.join(", "))
                }
            };
            let name = format!("{address} in {segment}");
            Some(PlanLine::new(change, SHARED, &name, detail))
        });
        lines.collect()
    }
}

fn keyed<'a>(
    side: &Side<'a>,
    network: &'a Network,
) -> Vec<((&'a str, VirtualAddr), &'a SharedAddress)> {
    let topology = &side.compiled.topology;
    let keyed = network.shared.iter().filter_map(|shared| {
        let segment = topology.segment(shared.segment)?;
        Some(((segment.name.value.as_str(), shared.address), shared))
    });
    keyed.collect()
}

fn nodes(shared: &SharedAddress, network: &Network) -> String {
    let nodes = shared.nodes.iter();
    let nodes = nodes.filter_map(|node| network.nodes.get(*node));
    let names: Vec<&str> = nodes.map(|node| node.name.value.as_str()).collect();
    names.join(" and ")
}

fn mac(shared: &SharedAddress) -> String {
    let mac = shared.mac;
    mac.map_or_else(|| "of who has it".to_owned(), |mac| mac.to_string())
}
