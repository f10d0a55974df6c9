//! The logical switches, as a listing shows them.

use packet::{MacAddr, VirtualAddr};

use super::SegmentLabel;
use crate::snmp::ports::Traffic;

/// A logical switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Its name, unique in its network.
    pub name: String,
    /// The segment whose interfaces are its ports, with its network.
    pub segment: SegmentLabel,
    /// Its address and MAC, if it can be reached.
    pub management: Option<(VirtualAddr, MacAddr)>,
    /// The interfaces that are attached to this host.
    pub ports: Vec<SwitchPort>,
}

/// An interface that is a switch's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchPort {
    /// Its node.
    pub node: String,
    /// The vswitch's port that it is behind.
    pub port: String,
    /// Its MAC.
    pub mac: MacAddr,
    /// What has passed it.
    pub traffic: Traffic,
}
