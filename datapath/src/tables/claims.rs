//! Who may come to have an address that was not drawn as its own?
//!
//! What each of them has now is in the table of mappings, like everything else
//! that is somewhere.

use hashbrown::HashMap;
use packet::{MacAddr, SegmentId, VirtualAddr};
use vnet::compiled::{AddressPolicy, Claimant, Compiled, Ipv4Subnet, Shared};

/// The claimants of all segments, on whichever host.
#[derive(Debug, Default)]
pub struct ClaimTable {
    segments: HashMap<SegmentId, Claims>,
}

/// The claimants of a segment.
#[derive(Debug)]
struct Claims {
    subnet: Ipv4Subnet,
    claimants: Vec<Claimant>,
    /// By what was drawn of each, its identity included: a place in `claimants`.
    by_address: HashMap<VirtualAddr, usize>,
    by_mac: HashMap<MacAddr, usize>,
    shared: HashMap<VirtualAddr, Shared>,
}

/// By what right an interface may have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// It is declared as one of those that share it: the last to claim it has it.
    Shared,
    /// It may take what is free.
    Learned,
    /// It may take what a DHCP server gives it.
    Leased,
}

impl ClaimTable {
    pub(super) fn new(compiled: &Compiled) -> Self {
        let mut table = Self::default();
        for claimant in &compiled.claimants {
            let Some(segment) = compiled.segment(claimant.segment) else {
                continue;
            };
            let of_segment = table.segments.entry(segment.id);
            let claims = of_segment.or_insert_with(|| Claims {
                subnet: segment.subnet,
                claimants: Vec::new(),
                by_address: HashMap::new(),
                by_mac: HashMap::new(),
                shared: HashMap::new(),
            });
            let at = claims.claimants.len();
            let addresses = claimant.addresses.iter();
            claims
                .by_address
                .extend(addresses.map(|address| (*address, at)));
            claims.by_mac.insert(claimant.mac, at);
            claims.claimants.push(claimant.clone());
        }
        for shared in &compiled.shared {
            if let Some(claims) = table.segments.get_mut(&shared.segment) {
                claims.shared.insert(shared.address, shared.clone());
            }
        }
        table
    }

    /// May nobody claim anything?
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The claimant that has this address by the drawing.
    pub fn claimant(&self, segment: SegmentId, drawn: VirtualAddr) -> Option<&Claimant> {
        let claims = self.segments.get(&segment)?;
        claims.claimants.get(*claims.by_address.get(&drawn)?)
    }

    /// The claimant with this MAC.
    pub fn with_mac(&self, segment: SegmentId, mac: MacAddr) -> Option<&Claimant> {
        let claims = self.segments.get(&segment)?;
        claims.claimants.get(*claims.by_mac.get(&mac)?)
    }

    /// By what right the claimant may have an address, known to its neighbours
    /// by this MAC; `None`: by none. Whether somebody has it is not asked here.
    pub fn right(&self, claimant: &Claimant, address: VirtualAddr, mac: MacAddr) -> Option<Right> {
        let claims = self.segments.get(&claimant.segment)?;
        if let Some(shared) = claims.shared.get(&address) {
            let is_its = shared.mac.unwrap_or(claimant.mac) == mac
                && shared.claimants.contains(&claimant.identity);
            return is_its.then_some(Right::Shared);
        }
        let right = match claimant.policy {
            AddressPolicy::Fixed => return None,
            AddressPolicy::Learn(_) => Right::Learned,
            AddressPolicy::Dhcp => Right::Leased,
        };
        (mac == claimant.mac && is_of_a_station(address, claims.subnet)).then_some(right)
    }

    /// The MAC by which neighbours know the claimant under an address.
    pub fn mac_of(&self, claimant: &Claimant, address: VirtualAddr) -> MacAddr {
        let claims = self.segments.get(&claimant.segment);
        let shared = claims.and_then(|claims| claims.shared.get(&address));
        let shared = shared.and_then(|shared| shared.mac);
        shared.unwrap_or(claimant.mac)
    }
}

/// Can a station of the subnet have it?
fn is_of_a_station(address: VirtualAddr, subnet: Ipv4Subnet) -> bool {
    let is_the_network = subnet.length() < 31 && subnet.network() == address.ipv4();
    subnet.contains(address) && subnet.broadcast() != Some(address) && !is_the_network
}
