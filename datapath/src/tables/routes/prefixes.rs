//! A router's longest prefix for an address: one hash table for all routers,
//! asked once per prefix length that the router has, the longest first. Most
//! routers have two or three.

use hashbrown::HashMap;
use packet::VirtualAddr;
use vnet::compiled::{Ipv4Subnet, LegId, NextHop, RouterId};

/// Where a router sends what a prefix holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// It is an address of its own.
    Own,
    /// Into the segment of a leg.
    Linked(LegId),
    /// To a next hop.
    Via(Hop),
    /// To one of several.
    ViaOneOf(Box<[Hop]>),
    /// Nowhere: none of its next hops exists.
    Nowhere,
}

/// A next hop, and the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hop {
    /// Who it is.
    pub(super) to: NextHop,
    /// The leg by which the router sends; `None`: a link that is no segment.
    pub(super) by: Option<LegId>,
}

/// The prefixes of all routers.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    reach: HashMap<u64, Reach>,
}

impl Reach {
    pub(super) fn via(hops: &[Hop]) -> Self {
        match hops {
            [] => Self::Nowhere,
            [one] => Self::Via(*one),
            several => Self::ViaOneOf(several.into()),
        }
    }
}

impl Prefixes {
    /// Adds a prefix of a router; returns its length as a bit. What comes later
    /// wins: a segment over a route to the same prefix.
    pub(super) fn insert(&mut self, router: RouterId, to: Ipv4Subnet, reach: Reach) -> u64 {
        let network = to.network().to_bits();
        self.reach.insert(key(router, network, to.length()), reach);
        1 << to.length()
    }

    /// Adds an address; the router's own wins over everything.
    pub(super) fn insert_address(
        &mut self,
        router: RouterId,
        address: VirtualAddr,
        reach: Reach,
    ) -> u64 {
        let key = key(router, address.to_bits(), 32);
        if reach == Reach::Own || self.reach.get(&key) != Some(&Reach::Own) {
            self.reach.insert(key, reach);
        }
        1 << 32
    }

    /// What the longest prefix says that holds the address, among those with
    /// these lengths.
    pub(super) fn longest(
        &self,
        router: RouterId,
        mut lengths: u64,
        address: VirtualAddr,
    ) -> Option<&Reach> {
        while lengths != 0 {
            let length = 63 - lengths.leading_zeros();
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let length = u8::try_from(length).unwrap_or(32);
            let found = self
                .reach
                .get(&key(router, address.to_bits() & mask, length));
            if found.is_some() {
                return found;
            }
            lengths &= !(1 << length);
        }
        None
    }
}

/// Router 26 bits | length 6 | network 32. More routers than that have no room
/// in a topology file.
fn key(router: RouterId, network: u32, length: u8) -> u64 {
    u64::from(router.0) << 38 | u64::from(length) << 32 | u64::from(network)
}
