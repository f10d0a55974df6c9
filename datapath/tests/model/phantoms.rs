//! The model of nodes that forward for others, F and G in `front`: what is sent to
//! their MAC they get, whoever it is for; and they send for those behind them.

use super::bench::plan::Station;
use super::bench::{BEHIND_F, BEHIND_G, F, G};
use super::bench::{FRONT, Ip, Node};
use super::switch::is;
use super::wire;

/// Who forwards, for whom: all that have these first three octets.
pub const PHANTOMS: [(Node, Ip); 2] = [(F, BEHIND_F), (G, BEHIND_G)];

/// Somebody who is behind it, if it forwards.
pub fn behind(station: &Station) -> Option<Ip> {
    let mut phantoms = PHANTOMS.iter();
    let found = phantoms.find(|(node, _)| station.4 == FRONT && station.2 == *node);
    found.map(|(_, behind)| *behind)
}

pub fn stands_for(station: &Station, ip: Ip) -> bool {
    behind(station).is_some_and(|behind| behind[..3] == ip[..3])
}

/// Does it get what is for this address, and not its own, when it is sent to its
/// MAC? As long as that can be a station's.
pub fn passes_on(station: &Station, to: Ip) -> bool {
    behind(station).is_some() && !is(station, to) && !matches!(to[0], 0 | 127 | 224..)
}

/// The address on the fabric of what it passes on: the slot (the last six bits of
/// its own address) and the forward bit before the segment id.
pub fn address(station: &Station, ip: Ip) -> [u8; 16] {
    let mut address = wire::address(station.1, station.4, ip);
    address[8] = station.2.ip[3] << 2 | 2;
    address
}
