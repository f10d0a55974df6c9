//! Counters with one writer, and sets of them.

use core::sync::atomic::{AtomicU64, Ordering};

use zerocopy::FromZeros;

/// A counter with one writer.
#[derive(Debug, Default, FromZeros)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `n` more. Only the ledger's owner may.
    pub fn add(&self, n: u64) {
        // One writer: a load and a store, no locked instruction.
        self.set(self.get().wrapping_add(n));
    }

    pub(super) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// The count, as of some moment not long ago.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Declares a set of counters once: the cells that a writer counts in, and the
/// plain numbers that a reader gets.
macro_rules! counters {
    ($(#[$doc:meta])* $cells:ident, $numbers:ident { $( #[$what:meta] $name:ident, )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Default, FromZeros)]
        pub struct $cells { $( #[$what] pub $name: Counter, )+ }

        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub struct $numbers { $( #[$what] pub $name: u64, )+ }

        impl $cells {
            #[allow(dead_code, reason = "not every set is copied")]
            pub(super) fn take(&self, other: &Self) {
                $( self.$name.set(other.$name.get()); )+
            }

            #[allow(dead_code, reason = "not every set is added to whole")]
            pub(super) fn add(&self, more: &$numbers) {
                $( self.$name.add(more.$name); )+
            }

            pub(super) fn read(&self) -> $numbers {
                $numbers { $( $name: self.$name.get(), )+ }
            }
        }

        impl core::ops::AddAssign for $numbers {
            fn add_assign(&mut self, other: Self) {
                $( self.$name += other.$name; )+
            }
        }
    };
}

counters! {
    /// What happened to the packets of one line, drops apart.
    RowCells, RowNumbers {
        /// Packets received.
        received,
        /// Bytes received, frames without check sequence.
        received_bytes,
        /// Pieces that packets were cut into, beyond the packets themselves.
        pieces,
        /// Copies of packets to many, beyond the packets themselves.
        copies,
        /// Packets, pieces and copies that went on to a port.
        forwarded,
        /// Questions that an answer was made from.
        answered,
        /// Packets that ended here, having done their work.
        consumed,
        /// Packets handed up to the slow path.
        punted,
        /// Of those consumed: a DHCP client declined its address.
        declined,
        /// Of those forwarded: their receiver has moved to another host.
        relayed,
    }
}

counters! {
    /// What happened at one output port.
    OutputCells, OutputNumbers {
        /// Packets that were to go out.
        offered,
        /// Packets that the port took.
        sent,
        /// Bytes that the port took.
        sent_bytes,
        /// Packets that the port did not take: dropped as `port-full`.
        port_full,
        /// Packets that the port took and threw away: dropped as `port-refused`.
        refused,
    }
}

impl OutputNumbers {
    /// So many packets, for which the port had no room.
    pub fn not_taken(packets: u64) -> Self {
        Self {
            offered: packets,
            port_full: packets,
            ..Self::default()
        }
    }

    /// So many packets, which the port takes and throws away.
    pub fn thrown_away(packets: u64) -> Self {
        Self {
            offered: packets,
            refused: packets,
            ..Self::default()
        }
    }

    /// Packets that were not sent.
    pub const fn dropped(&self) -> u64 {
        self.port_full + self.refused
    }
}

counters! {
    /// What one interface of a logical router did, as far as this thread has done
    /// its work. Octets are those of Ethernet frames without tag and check
    /// sequence.
    LegCells, LegNumbers {
        /// Packets that came in by it.
        in_packets,
        /// Their octets.
        in_octets,
        /// Packets that left by it.
        out_packets,
        /// Their octets.
        out_octets,
        /// Packets that were to leave by it, and could not.
        out_discards,
    }
}

counters! {
    /// The sums over all lines of a thread.
    TotalCells, TotalNumbers {
        /// Packets received.
        received,
        /// Pieces beyond the packets that they were cut from.
        pieces,
        /// Copies beyond the packets that they are of.
        copies,
        /// Packets, pieces and copies that went on to a port.
        forwarded,
        /// Questions that an answer was made from.
        answered,
        /// Packets that ended here, having done their work.
        consumed,
        /// Packets handed up to the slow path.
        punted,
        /// Packets dropped, for whatever reason, before they came to a port.
        dropped,
        /// Packets that ports took.
        sent,
        /// Packets that ports did not take, or threw away.
        not_sent,
    }
}

counters! {
    /// What a thread did besides.
    WorkCells, WorkNumbers {
        /// Packets that were made here: answers, neighbour discovery.
        generated,
        /// Packets given to a worker to send, by a thread without a queue there.
        handed_on,
        /// Packets taken over to send (by a worker).
        taken_over,
        /// Turns of the loop.
        polls,
        /// Turns that found nothing to do.
        idle_polls,
    }
}
