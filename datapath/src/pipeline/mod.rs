//! The itinerary: every stage, in the order in which a packet meets it.
//!
//! A stage asks one question of every packet of a burst that nobody has
//! decided about yet, and passes it on, answers it, punts it, or drops it with
//! a reason. What a stage drops stands under its file's name in
//! docs/drops.md. Nothing here allocates, locks, makes a system call or panics.

pub mod access;
pub mod admit;
pub mod answer;
pub mod batch;
pub mod classify;
pub mod mapping;
pub mod moved;
pub mod prove;
pub mod replicate;
pub mod settle;
pub mod topology;
pub mod translate;
pub mod transmit;
pub mod uplink;
pub mod verdict;

use packet::PacketBuf;

pub use batch::{BURST, Burst, Packet};
pub use settle::{Exits, Punted, settle};
pub use verdict::{Consumed, DropReason, Punt, Verdict};

use crate::tables::Tables;
use translate::Translator;

/// A burst that a node sent.
pub fn from_node<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, translator: &mut Translator) {
    classify::from_node(burst, tables);
    admit::process(burst, tables);
    answer::process(burst, tables);
    topology::process(burst, tables);
    mapping::process(burst, tables);
    access::process(burst, tables);
    replicate::process(burst);
    // Here the ways part: what stays on this host is never rewritten …
    topology::vlan::process(burst, tables);
    transmit::process(burst, tables);
    // … and what leaves it always is.
    translate::to_substrate(burst, tables, translator);
    uplink::process(burst, tables);
}

/// A burst that the substrate delivered.
pub fn from_substrate<B: PacketBuf>(
    burst: &mut Burst<B>,
    tables: &Tables,
    translator: &mut Translator,
) {
    classify::from_substrate(burst, tables);
    prove::process(burst, tables);
    moved::process(burst, tables);
    access::process(burst, tables);
    translate::from_substrate(burst, tables, translator);
    replicate::process(burst);
    topology::vlan::process(burst, tables);
    transmit::process(burst, tables);
}
