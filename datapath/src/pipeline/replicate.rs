//! Who else gets a copy?
//!
//! Groups come later: until then broadcast and multicast are dropped in
//! `topology`, group addresses in `prove`, and this stage makes no copies. It
//! is in the itinerary so that the path already leads through its room.

use packet::PacketBuf;

use super::batch::Burst;

/// The stage: nobody, so far.
pub fn process<B: PacketBuf>(_burst: &mut Burst<B>) {}
