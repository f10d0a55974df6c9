//! Which networks come, go and change?

use super::join::{Joined, join_unordered};
use super::snmp;
use super::{Change, Differences, NETWORK, PlanLine, Side, counted};
use crate::topology::{Network, Segment, Topology};

/// A network with its segments.
#[derive(Clone, Copy)]
pub(super) struct Drawn<'a, 's> {
    pub(super) network: &'a Network,
    pub(super) segments: &'s [&'a Segment],
}

impl<'a> Differences<'a> {
    pub(super) fn networks(&mut self) {
        let (before, after) = (self.before.compiled, self.after.compiled);
        let (before, after) = (&before.topology, &after.topology);
        let (old_segments, new_segments) = (segments_of_each(before), segments_of_each(after));
        let before = by_name(before, &old_segments);
        let after = by_name(after, &new_segments);
        for (name, joined) in join_unordered(before, after) {
            let mut lines = match joined {
                Joined::Before(old) => {
                    self.losses.removed();
                    vec![whole(old, Change::Removed, &self.before)]
                }
                Joined::After(new) => vec![whole(new, Change::Added, &self.after)],
                Joined::Both(old, new) => self.network(old, new),
            };
            if !lines.is_empty() {
                let (old, new) = joined.sides();
                let sides = old.into_iter().chain(new);
                self.entities
                    .extend(sides.map(|drawn| drawn.network.entity.as_str()));
            }
            for line in &mut lines {
                name.clone_into(&mut line.network);
            }
            self.lines.extend(lines);
        }
    }

    fn network(&mut self, old: Drawn<'a, '_>, new: Drawn<'a, '_>) -> Vec<PlanLine> {
        let mut lines = Vec::new();
        let mut parts = Vec::new();
        let (was, is) = (&old.network.entity, &new.network.entity);
        if was != is {
            parts.push(format!("entity {was} -> {is}"));
        }
        let (was, is) = (old.network.snmp.as_ref(), new.network.snmp.as_ref());
        parts.extend(snmp::differences(was, is));
        if !parts.is_empty() {
            let detail = parts.join(", ");
            lines.push(PlanLine::new(
                Change::Changed,
                NETWORK,
                &new.network.name.value,
                detail,
            ));
        }
        lines.extend(self.segments(old.segments, new.segments));
        lines.extend(self.routers(old.network, new.network));
        lines.extend(self.switches(old.network, new.network));
        lines.extend(self.nodes(old.network, new.network));
        lines.extend(self.static_mappings(old.network, new.network));
        lines.extend(self.shared(old.network, new.network));
        lines.extend(self.rules(old.network, new.network));
        lines
    }
}

impl PlanLine {
    /// A line for one thing, still without its network and mappings.
    pub(super) fn new(change: Change, what: &'static str, name: &str, detail: String) -> Self {
        Self {
            change,
            what,
            name: name.to_owned(),
            network: String::new(),
            detail,
            mappings: 0,
        }
    }
}

/// A network that is added or removed with all that is in it.
fn whole(drawn: Drawn<'_, '_>, change: Change, side: &Side<'_>) -> PlanLine {
    let Drawn { network, segments } = drawn;
    let parts = [
        (segments.len(), "segment"),
        (network.routers.len(), "router"),
        (network.switches.len(), "switch"),
        (network.nodes.len(), "node"),
        (network.mappings.len(), "static mapping"),
        (
            network
                .access
                .as_ref()
                .map_or(0, |access| access.rules.len()),
            "rule",
        ),
        (network.shared.len(), "shared address"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|&(count, what)| counted(count, what)).collect();
    let name = &network.name.value;
    let mappings = segments.iter().map(|segment| side.mappings_in(segment.id));
    PlanLine {
        mappings: mappings.sum(),
        ..PlanLine::new(change, NETWORK, name, parts.join(", "))
    }
}

/// The segments of each network, by its place in the topology.
fn segments_of_each(topology: &Topology) -> Vec<Vec<&Segment>> {
    let mut segments = vec![Vec::new(); topology.networks.len()];
    for segment in topology.segments.iter() {
        if let Some(of_network) = segments.get_mut(segment.network) {
            of_network.push(segment);
        }
    }
    segments
}

fn by_name<'a, 's>(
    topology: &'a Topology,
    segments: &'s [Vec<&'a Segment>],
) -> impl Iterator<Item = (&'a str, Drawn<'a, 's>)> {
    let networks = topology.networks.iter().zip(segments);
    networks.map(|(network, segments)| {
        let name = network.name.value.as_str();
        (name, Drawn { network, segments })
    })
}
