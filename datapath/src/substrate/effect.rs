//! What the substrate side wants done: values, carried out by its driver.

use vnet::compiled::PortId;

use super::snapshot::NextHopId;

/// Something for the driver to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send this Ethernet frame (without check sequence).
    Send {
        /// The uplink.
        port: PortId,
        /// The frame.
        frame: Vec<u8>,
    },
    /// The fast path's table changed: fetch [`super::SubstrateHost::snapshot`].
    /// At most one per call, and the first effect of it.
    TableChanged,
    /// The next hop's MAC is known now: send what was held for it.
    Resolved {
        /// Which.
        next_hop: NextHopId,
    },
    /// The next hop does not answer: drop what was held for it.
    Failed {
        /// Which.
        next_hop: NextHopId,
    },
}

/// What came of a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handled {
    /// What to do.
    pub effects: Vec<Effect>,
    /// Why the frame was of no use, if it was not.
    pub refused: Option<super::Reason>,
}
