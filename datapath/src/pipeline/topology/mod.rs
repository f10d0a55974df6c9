//! Where does the drawn topology send this frame?
//!
//! * [`switch`]: the segment's switch, by destination MAC.
//! * [`vlan`]: the tag that the receiver's link wants.
//!
//! Logical routers have their room here; until they are built, what must be
//! routed is dropped as `router-not-yet`.
//!
//! Exits: on, with a target; dropped by a `topology` reason.

pub mod switch;
pub mod vlan;

pub use switch::process;
