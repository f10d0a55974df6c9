//! Which line of the books is for whom.

use std::sync::Arc;

use hashbrown::HashMap;
use packet::{MacAddr, SegmentId};
use vnet::compiled::{Compiled, PortId};

use super::chunks::MOST;
use super::legs::LegLine;
use crate::tables::{PortEntry, PortRole};

/// A line of the books: an input port, and a segment on it or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RowId(pub u32);

/// An output port's line of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct OutputId(pub u32);

impl RowId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl OutputId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which (port, segment) each line is for.
///
/// A line belongs to a port's *name*, for the life of the process: a port that
/// is removed leaves its counts in the books, under its name; if a port of the
/// same name is added later, they go on; and whoever gets the number of the
/// port that is gone, gets none of its lines.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    register: Arc<Register>,
    /// The output line of each port that there is now.
    outputs: Vec<Option<OutputId>>,
}

/// All lines that ever were; only added to.
#[derive(Debug, Clone, Default)]
struct Register {
    ports: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, OutputId>,
    rows: Vec<(OutputId, Option<SegmentId>)>,
    index: HashMap<Key, RowId>,
    /// The lines of logical routers' legs: of another set.
    legs: HashMap<(SegmentId, MacAddr), LegLine>,
}

/// A port's name and a segment or none, as one number.
type Key = u64;

fn key(port: OutputId, segment: Option<SegmentId>) -> Key {
    u64::from(port.0) << 32 | u64::from(segment.map_or(0, SegmentId::get))
}

/// A line as listings show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowName<'rows> {
    /// The line.
    pub id: RowId,
    /// The port's name.
    pub port: &'rows str,
    /// The segment, or what could not be attributed to one.
    pub segment: Option<SegmentId>,
}

impl Rows {
    /// The lines of a first configuration: see [`Rows::extended`].
    pub fn new(compiled: &Compiled, ports: &[Option<PortEntry>]) -> Self {
        Self::default().extended(compiled, ports)
    }

    /// These lines, and those that the next configuration needs besides: one
    /// per port without segment (what could not be attributed), one per
    /// segment that a node port carries, and on uplinks one per segment that
    /// has an interface on this host. `ports` are in the order of their ids;
    /// `None` is one that is gone.
    ///
    /// There are 4 194 304 lines at most, those that are gone counted: what
    /// there is no line for is booked on the line of its port alone.
    #[must_use]
    pub fn extended(&self, compiled: &Compiled, ports: &[Option<PortEntry>]) -> Self {
        let mut register = Arc::clone(&self.register);
        let name = |port: &Option<PortEntry>| {
            let port = port.as_ref()?;
            let id = named(&mut register, &port.name)?;
            line(&mut register, id, None);
            Some(id)
        };
        let outputs: Vec<Option<OutputId>> = ports.iter().map(name).collect();
        let is_uplink = |port: &Option<PortEntry>| {
            let port = port.as_ref();
            port.is_some_and(|port| port.role == PortRole::Uplink)
        };
        let with_ids = ports.iter().zip(&outputs);
        let uplinks: Vec<OutputId> = with_ids
            .filter_map(|(port, id)| id.filter(|_| is_uplink(port)))
            .collect();
        for interface in &compiled.interfaces {
            let port = outputs.get(usize::from(interface.port.0)).copied();
            for port in uplinks.iter().copied().chain(port.flatten()) {
                line(&mut register, port, Some(interface.segment));
            }
        }
        for leg in compiled.routers.iter().flat_map(|router| &router.legs) {
            leg_line(&mut register, (leg.segment, leg.mac));
        }
        Self { register, outputs }
    }

    /// The line of a port and segment; that of the port alone, if the segment
    /// has no interface here; the first, if there is no such port.
    pub fn of(&self, port: PortId, segment: Option<SegmentId>) -> RowId {
        let index = &self.register.index;
        let line = self.output(port).and_then(|port| {
            let exact = index.get(&key(port, segment));
            exact.or_else(|| index.get(&key(port, None)))
        });
        line.copied().unwrap_or_default()
    }

    /// The line of the leg that has this MAC in a segment. Those that there was
    /// no room for share the first.
    pub fn leg(&self, segment: SegmentId, mac: MacAddr) -> LegLine {
        let line = self.register.legs.get(&(segment, mac)).copied();
        line.unwrap_or_default()
    }

    /// How many lines of legs there are.
    pub(super) fn legs(&self) -> usize {
        self.register.legs.len() + 1
    }

    /// A port's output line, if there is such a port.
    pub fn output(&self, port: PortId) -> Option<OutputId> {
        *self.outputs.get(usize::from(port.0))?
    }

    /// The input lines that ever were, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = RowName<'_>> + '_ {
        let ids = (0..).map(RowId);
        ids.zip(&self.register.rows)
            .map(|(id, (port, segment))| RowName {
                id,
                port: self.port_name(*port),
                segment: *segment,
            })
    }

    /// The output lines that ever were, in order of their ids, with the names
    /// of their ports.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (OutputId, &str)> + '_ {
        let names = self.register.ports.iter().map(|name| &**name);
        names
            .enumerate()
            .map(|(at, name)| (OutputId(u32::try_from(at).unwrap_or(u32::MAX)), name))
    }

    /// The input line of an output line's port, without segment.
    pub fn line_of(&self, output: OutputId) -> RowId {
        let index = &self.register.index;
        index.get(&key(output, None)).copied().unwrap_or_default()
    }

    fn port_name(&self, port: OutputId) -> &str {
        self.register
            .ports
            .get(port.index())
            .map_or("", |name| name)
    }

    /// How many input lines there are.
    pub fn len(&self) -> usize {
        self.register.rows.len()
    }

    /// How many ports there are now, those that are gone counted: the lowest
    /// number that none has.
    pub(super) fn ports(&self) -> usize {
        self.outputs.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.register.rows.is_empty()
    }
}

/// The output line of that name; a new one, if there is none.
fn named(register: &mut Arc<Register>, name: &Arc<str>) -> Option<OutputId> {
    if let Some(id) = register.by_name.get(name) {
        return Some(*id);
    }
    let id = next(register.ports.len()).map(OutputId)?;
    let register = Arc::make_mut(register);
    register.ports.push(Arc::clone(name));
    register.by_name.insert(Arc::clone(name), id);
    Some(id)
}

/// Sees to it that there is this line.
fn line(register: &mut Arc<Register>, port: OutputId, segment: Option<SegmentId>) {
    let key = key(port, segment);
    if register.index.contains_key(&key) {
        return;
    }
    let Some(id) = next(register.rows.len()).map(RowId) else {
        return;
    };
    // The first new line copies the register; nothing new shares it.
    let register = Arc::make_mut(register);
    register.index.insert(key, id);
    register.rows.push((port, segment));
}

/// Sees to it that the leg has a line; the first is of those that have none.
fn leg_line(register: &mut Arc<Register>, leg: (SegmentId, MacAddr)) {
    if register.legs.contains_key(&leg) {
        return;
    }
    if let Some(line) = next(register.legs.len() + 1) {
        Arc::make_mut(register).legs.insert(leg, LegLine(line));
    }
}

/// The number of one more, if there is room.
fn next(len: usize) -> Option<u32> {
    u32::try_from(len).ok().filter(|_| len < MOST)
}
