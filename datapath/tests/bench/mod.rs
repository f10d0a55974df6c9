//! The test bench: the worked example as the tables of two hosts, with frames
//! pushed through the pipeline by hand and a fabric in between.
//!
//! * [`plan`]: who is where; [`names`]: their names as constants; [`moves`]: who has
//!   been elsewhere.
//! * [`rules`]: who may send what to whom; [`first_match`]: what that means.
//! * [`host`]: a host that frames are pushed into, and what came of them.
//! * [`fabric`]: what an IPv6 router between two hosts does to a packet.
//! * [`check`]: checksums, as an independent parser computes them; [`ends`]:
//!   how a packet may end.
//! * [`crowd`]: many others, who must not matter.
//! * [`random`]: numbers that a seed repeats; [`stew`]: frames made from them.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test binary uses its own part of the bench"
)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test ends where something is missing"
)]

pub mod check;
pub mod crowd;
pub mod ends;
pub mod fabric;
pub mod first_match;
pub mod host;
pub mod moves;
pub mod names;
pub mod plan;
pub mod random;
pub mod rules;
pub mod stew;

pub use fabric::{cross, over_the_fabric};
pub use host::Host;
pub use names::*;
pub use plan::{Plan, Site};
