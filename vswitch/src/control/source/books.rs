//! The books, as the control socket shows them.

use super::SegmentLabel;

/// Where every packet went. All numbers are packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Books {
    /// What came in, per port and segment.
    pub inputs: Vec<InputBook>,
    /// What went out, per port.
    pub outputs: Vec<OutputBook>,
    /// The daemon as a whole.
    pub whole: WholeBook,
}

/// received + extra fragments + copies = forwarded + answered + punted + held + dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputBook {
    /// The input port.
    pub port: String,
    /// The segment; `None`: packets that were never placed in one.
    pub segment: Option<SegmentLabel>,
    /// Packets received.
    pub received: u64,
    /// Pieces beyond the first of packets cut here: IPv4 fragments, and the TCP
    /// segments of super-frames.
    pub extra_fragments: u64,
    /// Copies beyond the first of packets to many.
    pub copies: u64,
    /// Passed on to an output port; pieces and copies count each for itself.
    pub forwarded: u64,
    /// Consumed by an answer made here (ARP, echo).
    pub answered: u64,
    /// Consumed by the slow path.
    pub punted: u64,
    /// Waiting for a mapping or a neighbour.
    pub held: u64,
    /// Dropped, by any reason.
    pub dropped: u64,
}

/// offered = sent + tx-dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputBook {
    /// The output port.
    pub port: String,
    /// Packets given to the port.
    pub offered: u64,
    /// Packets that its device took.
    pub sent: u64,
    /// Packets that its device did not take, or could not send.
    pub tx_dropped: u64,
}

/// received + generated + copies + extra fragments
/// = sent + consumed + held + dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WholeBook {
    /// Packets received on all ports.
    pub received: u64,
    /// Packets made here: answers, neighbour discovery, errors.
    pub generated: u64,
    /// Copies beyond the first of packets to many.
    pub copies: u64,
    /// Pieces beyond the first of packets cut here: IPv4 fragments, and the TCP
    /// segments of super-frames.
    pub extra_fragments: u64,
    /// Packets that the devices took.
    pub sent: u64,
    /// Packets that ended here: answered or punted.
    pub consumed: u64,
    /// Packets waiting for a mapping or a neighbour.
    pub held: u64,
    /// Packets dropped, transmit drops included.
    pub dropped: u64,
}
