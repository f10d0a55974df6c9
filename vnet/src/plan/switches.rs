//! Which logical switches of a network come, go and change?

use super::join::{Joined, join_unordered};
use super::stations::{self, Attached};
use super::{Change, Differences, PlanLine, SWITCH, Side};
use crate::topology::{Network, SegmentIndex, Switch};

impl<'a> Differences<'a> {
    pub(super) fn switches(&mut self, before: &'a Network, after: &'a Network) -> Vec<PlanLine> {
        let by_name = |switch: &'a Switch| (switch.name.value.as_str(), switch);
        let joined = join_unordered(
            before.switches.iter().map(by_name),
            after.switches.iter().map(by_name),
        );
        let lines = joined.filter_map(|(name, joined)| {
            let (old, new) = joined.sides();
            let was = old.map(|s| addresses(&self.before, s)).unwrap_or_default();
            let is = new.map(|s| addresses(&self.after, s)).unwrap_or_default();
            let of = |side: &Side<'a>, segment| named(side, segment);
            let (change, detail) = match joined {
                Joined::Before(old) => {
                    self.losses.removed();
                    (
                        Change::Removed,
                        format!("in {}", of(&self.before, old.segment)),
                    )
                }
                Joined::After(new) => (
                    Change::Added,
                    format!("in {}", of(&self.after, new.segment)),
                ),
                Joined::Both(old, new) => {
                    let (old, new) = (of(&self.before, old.segment), of(&self.after, new.segment));
                    let moves = (old != new).then(|| format!("segment {old} -> {new}"));
                    let mut parts: Vec<String> = moves.into_iter().collect();
                    parts.extend(stations::changes(&was, &is));
                    stations::note_losses(&mut self.losses, (SWITCH, name), &was, &is);
                    if parts.is_empty() {
                        return None;
                    }
                    (Change::Changed, parts.join(", "))
                }
            };
            Some(PlanLine {
                mappings: self.mappings_of(&was, &is),
                ..PlanLine::new(change, SWITCH, name, detail)
            })
        });
        lines.collect()
    }
}

fn addresses<'a>(side: &Side<'a>, switch: &'a Switch) -> Vec<Attached<'a, ()>> {
    let stations = switch.station.iter();
    stations::attached(side, stations.map(|station| (station, ())))
}

fn named<'a>(side: &Side<'a>, segment: SegmentIndex) -> &'a str {
    let segment = side.compiled.topology.segment(segment);
    segment.map_or("", |segment| segment.name.value.as_str())
}
