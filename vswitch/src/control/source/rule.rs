//! Access rules and flows, as listings show them.

use core::time::Duration;

use datapath::tables::flows::Phase;
use packet::{IpProtocol, VirtualAddr};

use super::SegmentLabel;

/// A line of the list of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The virtual network.
    pub network: String,
    /// The tenant that owns the network.
    pub entity: String,
    /// What it is.
    pub kind: RuleKind,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// What it says.
    pub text: String,
    /// What it does.
    pub action: RuleAction,
    /// How many packets it has decided about here.
    pub packets: u64,
}

/// What a line of the list of rules is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// The rule at that place, from 1.
    Rule(usize),
    /// What passes as a reply.
    Replies,
    /// What becomes of the rest inside a segment.
    Inside,
    /// The same between segments.
    Between,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleAction {
    /// It passes.
    Allow,
    /// It is refused in silence.
    Deny,
    /// It is refused, and its sender hears of it.
    Reject,
}

/// Where a listing of flows goes on: a place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowPlace(pub usize);

/// Two that talk to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Who has begun.
    pub from: FlowEnd,
    /// Who replies.
    pub to: FlowEnd,
    /// What they speak.
    pub protocol: IpProtocol,
    /// Rules permit both to begin.
    pub both_ways: bool,
    /// How far it has come.
    pub phase: Phase,
    /// In how long it will be forgotten.
    pub expires: Duration,
}

/// An end of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEnd {
    /// Its segment.
    pub segment: SegmentLabel,
    /// Its address.
    pub address: VirtualAddr,
    /// Its port, or what stands for one.
    pub port: u16,
}
