//! Do addresses lie in their segment's subnet, and is every address and every
//! MAC there only once?

use core::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use packet::{MacAddr, SegmentId, VirtualAddr};

use super::super::text::StationText;
use super::super::{Segment, SegmentIndex, Station, derive_mac};
use super::Rooms;
use crate::compiled::Ipv4Subnet;
use crate::diagnostic::{Diagnostics, Place};
use crate::yaml::Located;

/// How many addresses are tried when a free one is to be proposed.
const PROPOSALS: u32 = 4096;

/// What is known of each segment's stations.
#[derive(Debug)]
pub(super) struct Stations {
    rooms: Vec<Room>,
}

/// One segment.
#[derive(Debug)]
struct Room {
    name: String,
    id: SegmentId,
    subnet: Ipv4Subnet,
    /// Every address that the files mention, so that none of them is proposed
    /// as a free one.
    mentioned: HashSet<VirtualAddr>,
    /// The first address that is free, once somebody wanted to know.
    free: OnceCell<Option<VirtualAddr>>,
    addresses: HashMap<VirtualAddr, Claim>,
    macs: HashMap<MacAddr, Claim>,
    pool: Option<(VirtualAddr, VirtualAddr)>,
}

/// Who has it.
#[derive(Debug, Clone)]
struct Claim {
    owner: String,
    place: Place,
}

impl Stations {
    pub(super) fn new(segments: &[Segment]) -> Self {
        let rooms = segments.iter().map(|segment| Room {
            name: segment.name.value.clone(),
            id: segment.id,
            subnet: segment.subnet,
            mentioned: HashSet::new(),
            free: OnceCell::new(),
            addresses: HashMap::new(),
            macs: HashMap::new(),
            pool: segment.pool,
        });
        Self {
            rooms: rooms.collect(),
        }
    }

    pub(super) fn declare(&mut self, segment: SegmentIndex, addresses: &[Located<VirtualAddr>]) {
        if let Some(room) = self.rooms.get_mut(segment.0) {
            let addresses = addresses.iter().map(|address| address.value);
            room.mentioned.extend(addresses);
        }
    }

    /// The id of a segment.
    pub(super) fn id(&self, segment: SegmentIndex) -> Option<SegmentId> {
        self.rooms.get(segment.0).map(|room| room.id)
    }

    /// Name and subnet of a segment.
    pub(super) fn segment(&self, segment: SegmentIndex) -> Option<(&str, Ipv4Subnet)> {
        let room = self.rooms.get(segment.0)?;
        Some((&room.name, room.subnet))
    }
}

impl Rooms<'_> {
    /// Checks a station and makes its owner the owner of its addresses and
    /// its MAC. `owner` is for messages; it also tells stations apart where
    /// one MAC may have several entries.
    pub(super) fn station(&mut self, text: &StationText, owner: &str) -> Option<Station> {
        let segment = self
            .names
            .find(self.network, text.segment.as_ref()?, self.out)?;
        let room = self.stations.rooms.get_mut(segment.0)?;
        for address in &text.addresses {
            if room.admits(address, self.out) {
                room.claim_address(address, owner, self.out);
            }
        }
        let given = text.mac.as_ref().ok()?;
        let mac = match (given, text.addresses.first()) {
            (Some(mac), _) => mac.value,
            (None, Some(first)) => derive_mac(room.id, first.value),
            (None, None) => {
                if text.may_lack_address {
                    let message = format!("{owner} has neither mac nor address to tell it by");
                    let remedy = "add mac: the one that the node sends from";
                    self.out.error(&text.place, message, remedy);
                }
                return None;
            }
        };
        let place = given.as_ref().map_or(&text.place, |mac| &mac.place);
        room.claim_mac(mac, place, owner, given.is_some(), self.out);
        let mut addresses: Vec<_> = text.addresses.iter().map(|a| a.value).collect();
        if text.may_lack_address {
            let given = match room.pool.filter(|_| text.from_pool) {
                Some(pool) => room.of_pool(pool, mac, owner, &text.place, self.out)?,
                None => room.anchor(mac, owner, &text.place),
            };
            addresses.push(given);
        }
        // What could not be read has been reported.
        addresses.first()?;
        Some(Station {
            place: text.place.clone(),
            segment,
            addresses,
            mac,
        })
    }

    /// Checks an address that several share, and the MAC that goes with it.
    /// `owner` is for messages.
    pub(super) fn shared_station(
        &mut self,
        segment: SegmentIndex,
        address: &Located<VirtualAddr>,
        mac: Option<&Located<MacAddr>>,
        owner: &str,
    ) {
        let Some(room) = self.stations.rooms.get_mut(segment.0) else {
            return;
        };
        if room.admits(address, self.out) {
            room.claim_address(address, owner, self.out);
        }
        if let Some(mac) = mac {
            // A virtual router has one MAC and perhaps several addresses.
            room.claim_mac(mac.value, &mac.place, SHARED, true, self.out);
        }
    }
}

/// The owner of a MAC that goes with shared addresses.
const SHARED: &str = "shared addresses";

impl Room {
    fn admits(&self, address: &Located<VirtualAddr>, out: &mut Diagnostics) -> bool {
        let (subnet, name) = (self.subnet, &self.name);
        let value = address.value;
        let fault = if !subnet.contains(value) {
            format!("is outside {subnet}, the subnet of segment \"{name}\"")
        } else if subnet.broadcast() == Some(value) {
            format!("is the broadcast address of segment \"{name}\" ({subnet})")
        } else if subnet.length() < 31 && subnet.network() == value.ipv4() {
            format!("is the network address of segment \"{name}\" ({subnet})")
        } else {
            return true;
        };
        out.error(
            &address.place,
            format!("address {value} {fault}"),
            self.another(),
        );
        false
    }

    fn claim_address(
        &mut self,
        address: &Located<VirtualAddr>,
        owner: &str,
        out: &mut Diagnostics,
    ) {
        if let Some(Claim {
            owner: other,
            place,
        }) = self.addresses.get(&address.value)
        {
            let (name, value) = (&self.name, address.value);
            let place = place.seen_from(&address.place);
            let message = format!(
                "address {value} in segment \"{name}\" is already that of {other} at {place}"
            );
            out.error(&address.place, message, self.another());
            return;
        }
        let claim = Claim {
            owner: owner.to_owned(),
            place: address.place.clone(),
        };
        self.addresses.insert(address.value, claim);
    }

    /// What stands for an interface of this MAC that has no address: the same on
    /// every host that has read the same files.
    fn anchor(&mut self, mac: MacAddr, owner: &str, place: &Place) -> VirtualAddr {
        // A segment has no 16 million interfaces.
        let free = self.free_of(1, 0x00ff_ffff, mac, owner, place);
        free.unwrap_or(VirtualAddr::from_bits(1))
    }

    /// An address of the pool for an interface of this MAC: the same on every
    /// host, and mostly the same when others come and go.
    fn of_pool(
        &mut self,
        (first, last): (VirtualAddr, VirtualAddr),
        mac: MacAddr,
        owner: &str,
        place: &Place,
        out: &mut Diagnostics,
    ) -> Option<VirtualAddr> {
        let many = last.to_bits() - first.to_bits();
        let free = self.free_of(first.to_bits(), many.saturating_add(1), mac, owner, place);
        if free.is_none() {
            let message = format!(
                "the pool of segment \"{}\" ({first}-{last}) has no address for {owner}",
                self.name
            );
            let remedy = "make the pool larger, or give interfaces addresses of their own";
            out.error(place, message, remedy);
        }
        free
    }

    /// A free one of so many addresses, beginning where the MAC says.
    fn free_of(
        &mut self,
        first: u32,
        many: u32,
        mac: MacAddr,
        owner: &str,
        place: &Place,
    ) -> Option<VirtualAddr> {
        let [a, b, c, d, e, f] = mac.octets().map(u64::from);
        // Of MACs of one maker the lower half tells them apart.
        let begin = (d << 16 | e << 8 | f) ^ (a << 16 | b << 8 | c);
        let (first, many) = (u64::from(first), u64::from(many));
        let all = (0..many).map(|n| first + (begin + n) % many);
        let mut all =
            all.filter_map(|bits| Some(VirtualAddr::from_bits(u32::try_from(bits).ok()?)));
        let is_free = |address: &VirtualAddr| {
            !self.addresses.contains_key(address) && !self.mentioned.contains(address)
        };
        let free = all.find(is_free)?;
        let claim = Claim {
            owner: owner.to_owned(),
            place: place.clone(),
        };
        self.addresses.insert(free, claim);
        Some(free)
    }

    fn claim_mac(
        &mut self,
        mac: MacAddr,
        place: &Place,
        owner: &str,
        given: bool,
        out: &mut Diagnostics,
    ) {
        // An interface with several addresses may have several mappings.
        let several = owner.starts_with("a static mapping") || owner == SHARED;
        match self.macs.get(&mac) {
            Some(claim) if several && claim.owner == owner => {}
            Some(Claim {
                owner: other,
                place: before,
            }) => {
                let before = before.seen_from(place);
                let derived = if given { "" } else { " (derived)" };
                let message = format!(
                    "mac {mac}{derived} in segment \"{}\" is already that of {other} at {before}",
                    self.name
                );
                let remedy = if given {
                    "give each interface its own mac, or leave mac out, and one is derived"
                } else {
                    "set mac here to an address that nobody else has"
                };
                out.error(place, message, remedy);
            }
            None => {
                let claim = Claim {
                    owner: owner.to_owned(),
                    place: place.clone(),
                };
                self.macs.insert(mac, claim);
            }
        }
    }

    /// The remedy for an address that cannot be used.
    fn another(&self) -> String {
        let subnet = self.subnet;
        match self.free.get_or_init(|| self.first_free()) {
            Some(free) => format!("use a free address of {subnet}, e.g. {free}"),
            None => format!("use a free address of {subnet}"),
        }
    }

    fn first_free(&self) -> Option<VirtualAddr> {
        let subnet = self.subnet;
        let network = subnet.network().to_bits();
        let last = subnet
            .broadcast()
            .map_or(network.saturating_add(1), |b| b.to_bits() - 1);
        let mut candidates = (network.saturating_add(1)..=last).take(PROPOSALS as usize);
        candidates.find_map(|bits| {
            let address = VirtualAddr::from_bits(bits);
            let free = subnet.contains(address) && !self.mentioned.contains(&address);
            free.then_some(address)
        })
    }
}
