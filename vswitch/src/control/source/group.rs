//! Who listens to which group, as a listing shows it.

use core::time::Duration;

use datapath::snooping::How;
use datapath::tables::Sources;
use packet::VirtualAddr;

use super::SegmentLabel;

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The segment.
    pub segment: SegmentLabel,
    /// The group; `None`: every one.
    pub group: Option<VirtualAddr>,
    /// The host that it is on, by name.
    pub host: String,
    /// On this host: the node, by name.
    pub node: Option<String>,
    /// On this host: the port it is behind.
    pub port: Option<String>,
    /// How that is known.
    pub how: How,
    /// To whom it listens.
    pub sources: Sources,
    /// When it is forgotten, unless it is heard of again.
    pub expires: Duration,
}
