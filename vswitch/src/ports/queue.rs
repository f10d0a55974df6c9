//! What a worker needs of a port: one receive and one transmit queue.

use arrayvec::ArrayVec;
pub use datapath::pipeline::BURST;

/// A burst of packets on its way between a port and the pipeline.
pub type Packets<B> = ArrayVec<B, BURST>;

/// One receive queue of a port, polled by exactly one worker.
pub trait RxQueue<B>: Send {
    /// Appends what has arrived to `into`, as far as there is room.
    fn receive(&mut self, into: &mut Packets<B>);

    /// True when nothing can ever arrive again (a capture file's end).
    fn is_exhausted(&self) -> bool {
        false
    }
}

/// One transmit queue of a port, fed by exactly one worker.
pub trait TxQueue<B>: Send {
    /// Sends from the front of `burst` what the port takes, and leaves in it,
    /// in order, what was not sent. The caller decides what becomes of that, and
    /// books what is neither sent nor left.
    fn transmit(&mut self, burst: &mut Packets<B>) -> Refused;
}

/// What a port can never send, and dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refused {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Refused {
    /// Nothing.
    pub const NONE: Self = Self {
        packets: 0,
        bytes: 0,
    };
}

impl core::ops::AddAssign for Refused {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}
