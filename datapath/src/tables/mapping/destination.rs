//! A mapping as look-ups find it: two words of the record, each part decoded
//! where it is asked for.
//!
//! ```text
//! owner   MAC, the first octet lowest, 48 | slot 6 | router 1 | loaded 1 | listed 1 | group 1
//!         | phantom 1 | forward 1 | relay 1 | learned 1
//! place   interface 32 (all ones: none) | host 32
//! ```

use core::fmt;

use packet::{MacAddr, SegmentId, Slot, VirtualAddr};
use vnet::compiled::{HostId, InterfaceId, MappingKind};

use super::{MappingEntry, MappingKey, Origin};

/// Where a virtual address is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    key: MappingKey,
    owner: u64,
    place: u64,
}

const SLOT_SHIFT: u32 = 48;
const SLOT_MASK: u64 = 0x3f;
const ROUTER: u64 = 1 << 54;
const LOADED: u64 = 1 << 55;
/// Not a mapping: a copy for a group.
const GROUP: u64 = 1 << 57;
/// A node that forwards for others.
const PHANTOM: u64 = 1 << 58;
/// Not a mapping: a phantom router, for an address that is not its own.
const FORWARD: u64 = 1 << 59;
/// Not a mapping: somebody who was here and has moved to that host.
const RELAY: u64 = 1 << 60;
/// Somebody claimed it.
const LEARNED: u64 = 1 << 61;
/// A logical switch's management address.
const SWITCH: u64 = 1 << 62;
/// The writer's own mark: the index of MACs leads here.
pub(super) const LISTED: u64 = 1 << 56;
const NO_INTERFACE: u32 = u32::MAX;

impl Destination {
    /// What a key maps to.
    pub fn new(key: MappingKey, entry: &MappingEntry) -> Self {
        let [a, b, c, d, e, f] = entry.mac.octets();
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let interface = entry.interface.map_or(NO_INTERFACE, |id| id.0);
        Self {
            key,
            owner: u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
                | u64::from(entry.slot.get()) << SLOT_SHIFT
                | flag(entry.kind == MappingKind::Router, ROUTER)
                | flag(entry.kind == MappingKind::Phantom, PHANTOM)
                | flag(entry.kind == MappingKind::Switch, SWITCH)
                | flag(entry.origin == Origin::Loaded, LOADED)
                | flag(entry.origin == Origin::Learned, LEARNED),
            place: u64::from(interface) << 32 | u64::from(entry.host.0),
        }
    }

    /// A group of a segment, by the MAC that its frames have: nobody's yet.
    pub fn group(key: MappingKey, mac: MacAddr) -> Self {
        let [a, b, c, d, e, f] = mac.octets();
        Self {
            key,
            owner: u64::from_le_bytes([a, b, c, d, e, f, 0, 0]) | GROUP,
            place: u64::from(NO_INTERFACE) << 32,
        }
    }

    /// The same, at an interface of this host.
    #[must_use]
    pub fn at_interface(self, InterfaceId(interface): InterfaceId) -> Self {
        let place = u64::from(interface) << 32;
        Self { place, ..self }
    }

    /// The same, at another host.
    #[must_use]
    pub fn at_host(self, HostId(host): HostId) -> Self {
        let place = u64::from(NO_INTERFACE) << 32 | u64::from(host);
        Self { place, ..self }
    }

    /// The same node for a packet to somebody else, which it is to pass on;
    /// `None`, if it forwards for nobody.
    #[must_use]
    pub fn forwarding(self, to: VirtualAddr) -> Option<Self> {
        let key = MappingKey::new(self.segment(), to);
        let owner = self.owner | FORWARD;
        (self.owner & PHANTOM != 0).then_some(Self { key, owner, ..self })
    }

    /// Is the address somebody else's, to whom this node passes packets on?
    pub const fn is_forwarding(&self) -> bool {
        self.owner & FORWARD != 0
    }

    /// The same, to whom its packets are sent on that came to where it was.
    #[must_use]
    pub const fn relayed(self) -> Self {
        let owner = self.owner | RELAY;
        Self { owner, ..self }
    }

    /// Has it moved away, and its packets are sent on?
    pub const fn is_relay(&self) -> bool {
        self.owner & RELAY != 0
    }

    /// Is it a group's, and no interface's own?
    pub const fn is_group(&self) -> bool {
        self.owner & GROUP != 0
    }

    pub(super) const fn of_words(key: MappingKey, owner: u64, place: u64) -> Self {
        let owner = owner & !LISTED;
        Self { key, owner, place }
    }

    pub(super) const fn words(&self) -> (u64, u64) {
        (self.owner, self.place)
    }

    /// Segment and address.
    pub const fn key(&self) -> MappingKey {
        self.key
    }

    /// The segment that it is in.
    pub const fn segment(&self) -> SegmentId {
        self.key.segment
    }

    /// Its virtual address.
    pub const fn address(&self) -> VirtualAddr {
        self.key.address
    }

    /// The MAC that the segment's nodes know it by.
    pub const fn mac(&self) -> MacAddr {
        let [a, b, c, d, e, f, ..] = self.owner.to_le_bytes();
        MacAddr::new([a, b, c, d, e, f])
    }

    /// The host it is on.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    pub const fn host(&self) -> HostId {
        HostId(self.place as u32)
    }

    /// The slot in its substrate address. A phantom router's own addresses
    /// need none: they say by themselves who it is.
    pub fn slot(&self) -> Slot {
        match self.owner & (PHANTOM | FORWARD) {
            PHANTOM => Slot::ZERO,
            _ => self.own_slot(),
        }
    }

    fn own_slot(&self) -> Slot {
        let slot = (self.owner >> SLOT_SHIFT & SLOT_MASK) as u8;
        Slot::new(slot).unwrap_or(Slot::ZERO)
    }

    /// The interface on this host that it is, if it is here.
    pub const fn interface(&self) -> Option<InterfaceId> {
        match (self.place >> 32) as u32 {
            NO_INTERFACE => None,
            id => Some(InterfaceId(id)),
        }
    }

    /// Is it a logical router's address?
    pub const fn is_router(&self) -> bool {
        self.owner & ROUTER != 0
    }

    /// Has somebody claimed it?
    pub const fn is_learned(&self) -> bool {
        self.owner & LEARNED != 0
    }

    /// Is it a logical switch's address?
    pub const fn is_switch(&self) -> bool {
        self.owner & SWITCH != 0
    }

    /// Is it a device's that only exists as configuration, and so is on no host?
    pub const fn is_device(&self) -> bool {
        self.owner & (ROUTER | SWITCH) != 0
    }

    /// Is it the same interface under another address, perhaps?
    pub fn is_same_interface(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.segment(), it.host(), it.slot(), it.mac());
        of(self) == of(other)
    }

    /// All of it, as those who administer the table have it.
    pub fn entry(&self) -> MappingEntry {
        MappingEntry {
            kind: match self.owner & (ROUTER | PHANTOM | SWITCH) {
                0 => MappingKind::Node,
                PHANTOM => MappingKind::Phantom,
                SWITCH => MappingKind::Switch,
                _ => MappingKind::Router,
            },
            mac: self.mac(),
            host: self.host(),
            slot: self.own_slot(),
            interface: self.interface(),
            origin: match self.owner & (LOADED | LEARNED) {
                0 => Origin::Drawn,
                LEARNED => Origin::Learned,
                _ => Origin::Loaded,
            },
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Destination");
        shown.field("key", &self.key).field("entry", &self.entry());
        shown.finish()
    }
}
