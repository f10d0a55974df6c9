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
pub mod claim;
pub mod classify;
pub mod cut;
pub mod fabric_error;
pub mod fit;
pub mod kernel;
pub mod mapping;
pub mod moved;
pub mod prove;
pub mod replicate;
pub mod settle;
pub mod snoop;
pub mod state;
pub mod topology;
pub mod translate;
pub mod transmit;
pub mod uplink;
pub mod verdict;

use packet::PacketBuf;

pub use batch::{BURST, Burst, Packet};
pub use claim::behalf::Word;
pub use claim::{Claim, How};
pub use settle::{Exits, Punted, Settling, settle};
pub use state::WorkerState;
pub use verdict::{Audience, Consumed, Cut, DropReason, Punt, Verdict};

use crate::tables::Tables;

/// A burst that a node sent.
pub fn from_node<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    classify::from_node(burst, tables);
    admit::process(burst, tables, state);
    answer::process(burst, tables, state);
    topology::process(burst, tables, state);
    mapping::process(burst, tables, state);
    access::process(burst, tables, state);
    replicate::process(burst, tables, state);
    uplink::route(burst, tables);
    onward(burst, tables, state);
}

/// A burst that the substrate delivered.
pub fn from_substrate<B: PacketBuf>(
    burst: &mut Burst<B>,
    tables: &Tables,
    state: &mut WorkerState,
) {
    classify::from_substrate(burst, tables);
    kernel::deliver(burst, tables, state);
    prove::process(burst, tables);
    fabric_error::process(burst, tables, state);
    moved::process(burst, tables);
    translate::from_substrate::process(burst, tables, state);
    topology::arrive::process(burst, tables);
    access::process(burst, tables, state);
    replicate::process(burst, tables, state);
    if !tables.moves.is_empty() {
        // What is for somebody who has moved away leaves this host again.
        uplink::route(burst, tables);
    }
    onward(burst, tables, state);
}

/// A burst with a word on an interface's behalf: see [`claim::behalf::burst`].
pub fn on_behalf<B: PacketBuf>(
    burst: &mut Burst<B>,
    word: &Word,
    tables: &Tables,
    state: &mut WorkerState,
) {
    for packet in burst.undecided() {
        // What is for nobody ends as such.
        let _ = word.begin(packet, tables);
    }
    if !matches!(word, Word::StillThere { .. }) {
        topology::process(burst, tables, state);
    }
    access::process(burst, tables, state);
    replicate::process(burst, tables, state);
    uplink::route(burst, tables);
    onward(burst, tables, state);
}

/// A burst that the kernel of this machine sent.
pub fn from_kernel<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    kernel::to_uplink(burst, tables);
}

/// A burst that the switch itself has made, with their destinations.
pub fn from_switch<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    uplink::route(burst, tables);
    onward(burst, tables, state);
}

/// Where every packet goes whose receiver is known, and every piece of one that
/// had to be cut.
fn onward<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables, state: &mut WorkerState) {
    fit::process(burst, tables, state);
    topology::hops::process(burst);
    // Here the ways part: what stays on this host is never rewritten …
    topology::vlan::process(burst, tables);
    transmit::process(burst, tables);
    // … and what leaves it always is.
    translate::to_substrate::process(burst, tables, state);
    uplink::send(burst, tables);
}
