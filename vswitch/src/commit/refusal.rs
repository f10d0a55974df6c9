//! Why a change was refused. Nothing of it is in force then.

use datapath::tables::TableFull;
use vnet::diagnostic::Diagnostic;

use super::order::Revision;

/// Why a change was refused, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A value is out of its range.
    #[error("{message}")]
    Invalid {
        /// What is wrong with which value.
        message: String,
        /// The change at fault.
        change: Option<usize>,
    },
    /// The text of a port has faults.
    #[error("{}", in_lines(.0))]
    Faults(Vec<Diagnostic>),
    /// A mapping's segment is not drawn here.
    #[error(
        "there is no segment {segment}: apply a topology that draws it first (vswitchctl apply -f)"
    )]
    NoSuchSegment {
        /// Its id.
        segment: packet::SegmentId,
        /// The change at fault.
        change: usize,
    },
    /// The topology says where the address is.
    #[error(
        "{address} in segment {segment} belongs to the topology; change it there \
         (vswitchctl apply -f), not as a mapping"
    )]
    Drawn {
        /// The segment.
        segment: packet::SegmentId,
        /// The address.
        address: packet::VirtualAddr,
        /// The change at fault.
        change: usize,
    },
    /// Something changed since the client looked.
    #[error(
        "expected revision {expected}, but the {what} is at {is}: look again at what is there, \
         then try again"
    )]
    Stale {
        /// What is at another revision: `vswitch` or `topology`.
        what: &'static str,
        /// What the client expected.
        expected: Revision,
        /// What there is.
        is: Revision,
    },
    /// A table is full.
    #[error(
        "table {table} is full: {used} of {capacity} are used and {wanted} more were asked for; \
         remove some, or raise tables.{table} in the configuration and restart"
    )]
    TableFull {
        /// Its name.
        table: &'static str,
        /// Entries in use.
        used: u64,
        /// Entries that fit.
        capacity: u64,
        /// Entries asked for.
        wanted: u64,
    },
    /// There is nothing of that name or number.
    #[error("{0}")]
    NotFound(String),
    /// The state of things does not allow it.
    #[error("{0}")]
    NotNow(String),
    /// The state file cannot be written.
    #[error("nothing was changed, because it could not be made durable: {0}")]
    NotDurable(String),
    /// The daemon hands over to another.
    #[error("another vswitch is taking over from this one: try again in a moment")]
    TakenOver,
}

impl Refusal {
    /// The table of mappings has no room for so many more.
    pub(super) fn full(full: TableFull, used: u64, wanted: u64) -> Self {
        match full {
            TableFull::Capacity { capacity } => Self::TableFull {
                table: "mappings",
                used,
                capacity: capacity as u64,
                wanted,
            },
            TableFull::Waiting { .. } => Self::NotNow(full.to_string()),
        }
    }

    /// The place of the change at fault among those of the transaction.
    pub const fn change(&self) -> Option<usize> {
        match self {
            Self::Invalid { change, .. } => *change,
            Self::NoSuchSegment { change, .. } | Self::Drawn { change, .. } => Some(*change),
            _ => None,
        }
    }
}

fn in_lines(faults: &[Diagnostic]) -> String {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
