//! What changes between two topologies.

/// The difference, for people; with how much of the tables it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What changes, in the order of the networks.
    pub lines: Vec<PlanLine>,
    /// Mappings that appear.
    pub mappings_added: u64,
    /// Mappings that change: another host, MAC, or interface.
    pub mappings_changed: u64,
    /// Mappings that disappear.
    pub mappings_removed: u64,
    /// The tenants whose networks change, each once, in order.
    pub entities: Vec<String>,
    /// Which packets are lost by the change, in words.
    pub losses: String,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// How.
    pub change: Change,
    /// What sort of thing: `network`, `segment`, `router`, `node`, `mapping`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// The network it belongs to.
    pub network: String,
    /// What changes of it, in words: `moves from host s to host t`.
    pub detail: String,
    /// How many mappings that concerns.
    pub mappings: u64,
}

/// How something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It appears.
    Added,
    /// It changes.
    Changed,
    /// It disappears.
    Removed,
}

impl Plan {
    /// Does nothing change?
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
