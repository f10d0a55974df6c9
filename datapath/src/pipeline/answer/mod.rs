//! Does the switch itself answer this, on behalf of somebody else?
//!
//! Answers are values: the question's buffer is turned into the answer, and
//! sending it is another room's work.
//!
//! Exits: on (not a question for us); `Reply`; consumed; dropped by an
//! `answer` reason.

pub mod arp;

use packet::{EtherType, PacketBuf};

use super::batch::Burst;
use super::verdict::Verdict;
use crate::tables::Tables;

/// The stage.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    for packet in burst.undecided() {
        if packet.cx.tuple.ether_type == EtherType::ARP {
            packet.cx.verdict = match arp::answer(packet, tables) {
                Ok(verdict) => verdict,
                Err(reason) => Verdict::Drop(reason),
            };
        }
    }
}
