//! Does an interface claim an address that was not drawn as its own?
//!
//! Whoever may (the table of claims says it, the same on every host) does so by
//! what it would do on a real LAN: an announcement (gratuitous ARP, RFC 5227
//! §2.3), a VRRP advertisement, the first packet from an address, a DHCP
//! server's word. A worker checks that it may, remembers it for the commit
//! thread, which changes the mapping, and lets the announcement pass as the
//! broadcast that it is: so other hosts hear of it, and so do the neighbours.
//!
//! Called by `admit` for what nodes of this host send, and by `translate` for
//! what the fabric has brought, whose sender `prove` has found. Where nobody may
//! claim anything, neither calls it.
//!
//! * [`behalf`]: what is said for an interface, and asked of one.
//! * [`lease`]: what DHCP servers and their clients say.
//! * [`vrrp`]: what virtual routers say.

pub mod behalf;
pub mod lease;
pub mod vrrp;

use core::time::Duration;

use arrayvec::ArrayVec;
use packet::arp::ArpPacket;
use packet::ethernet::{ETHERNET_LEN, EthernetHeader};
use packet::{IpProtocol, MacAddr, PacketBuf, SegmentId, VirtualAddr};
use vnet::compiled::{Claimant, InterfaceId};
use zerocopy::FromBytes;

use super::answer::limit::{CLAIMS, InterfaceLimit};
use super::batch::{IpTuple, Packet, Sender};
use super::verdict::DropReason;
use crate::tables::{Destination, Interface, MappingKey, Right, Tables};

/// Where announcements go that are for switches alone: the address nearest to
/// them, which no bridge passes on (IEEE 802.1Q §8.6.3). It tells other hosts
/// again what they should know, and moves nothing.
pub const SWITCHES: MacAddr = MacAddr::new([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e]);

/// What an interface claims, or gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The segment.
    pub segment: SegmentId,
    /// The address.
    pub address: VirtualAddr,
    /// The MAC by which neighbours are to know it.
    pub mac: MacAddr,
    /// Who: the first address that the drawing gives it, or its anchor.
    pub by: VirtualAddr,
    /// By what.
    pub how: How,
}

/// By what an address is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was announced: the neighbours have heard it.
    Announced,
    /// The claimant's host says again what it has said before.
    Repeated,
    /// The claimant has sent from it.
    Used,
    /// A VRRP advertisement names it.
    Advertised,
    /// A DHCP server has given it, for so many seconds.
    Leased(u32),
    /// It was given back to the DHCP server, or refused.
    Released,
    /// The claimant's host says that it has it no more.
    Withdrawn,
}

/// Most claims of a burst; what is more is claimed again.
const MOST: usize = 32;

/// The claims that a worker has seen in a burst.
#[derive(Debug)]
pub struct Claims {
    seen: ArrayVec<Claim, MOST>,
    limit: InterfaceLimit,
}

impl Claims {
    /// Those of one of `workers`.
    pub fn new(workers: u16) -> Self {
        Self {
            seen: ArrayVec::new(),
            limit: InterfaceLimit::new(CLAIMS, workers),
        }
    }

    /// Takes out what was seen.
    pub fn drain(&mut self) -> impl Iterator<Item = Claim> + '_ {
        self.seen.drain(..)
    }

    fn note(&mut self, claim: Claim) {
        // What has no room is claimed again: all of this is repeated.
        let _ = self.seen.try_push(claim);
    }
}

/// Who asks on this host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'t> {
    pub(super) id: InterfaceId,
    pub(super) interface: &'t Interface,
    pub(super) tables: &'t Tables,
    pub(super) now: Duration,
}

impl Asker<'_> {
    fn claimant(&self) -> Option<&Claimant> {
        let of = self.interface;
        self.tables.drawn.claims.claimant(of.segment, of.identity)
    }

    /// Whoever has the address.
    fn owner(&self, address: VirtualAddr) -> Option<Destination> {
        self.tables.destination(self.interface.segment, address)
    }

    fn has(&self, owner: Option<&Destination>) -> bool {
        owner.is_some_and(|owner| owner.interface() == Some(self.id))
    }

    /// Notes a claim that may be made.
    fn claim(
        &self,
        address: VirtualAddr,
        mac: MacAddr,
        how: How,
        claims: &mut Claims,
    ) -> Result<(), DropReason> {
        if !claims.limit.allows(self.id, self.now) {
            return Err(DropReason::ClaimRateLimited);
        }
        claims.note(Claim {
            segment: self.interface.segment,
            address,
            mac,
            by: self.interface.identity,
            how,
        });
        Ok(())
    }
}

/// May the claimant send ARP from an address that was not drawn as its own? The
/// frame's source MAC is one of those that it may send from.
///
/// # Errors
/// `spoofed-arp`, `claim-rate-limited`.
pub(super) fn admit_arp(
    asker: &Asker<'_>,
    arp: &ArpPacket,
    to_many: bool,
    claims: &mut Claims,
) -> Result<(), DropReason> {
    let (address, mac) = (arp.sender_address(), arp.sender_mac);
    let claimant = asker.claimant().filter(|_| !address.is_anchor());
    let claimant = claimant.ok_or(DropReason::SpoofedArp)?;
    let right = asker.tables.drawn.claims.right(claimant, address, mac);
    let announces = to_many && is_announcement(arp);
    let owner = asker.owner(address);
    let how = if announces { How::Announced } else { How::Used };
    if asker.has(owner.as_ref()) {
        return match (right, announces) {
            (Some(_), true) => asker.claim(address, mac, how, claims),
            // That it is still there: as often as the limit allows.
            (Some(_), false) => asker.claim(address, mac, how, claims).or(Ok(())),
            // Systems ask from the address by the MAC of the device below.
            (None, false) if mac == asker.interface.mac => Ok(()),
            (None, _) => Err(DropReason::SpoofedArp),
        };
    }
    let is_free = owner.is_none();
    match right {
        Some(Right::Shared) if announces && may_move(owner.as_ref()) => {
            asker.claim(address, mac, how, claims)
        }
        Some(Right::Learned) if is_free => asker.claim(address, mac, how, claims),
        _ => Err(DropReason::SpoofedArp),
    }
}

/// May the claimant send an IPv4 packet from an address that was not drawn as
/// its own? Gives the MAC by which neighbours know it.
///
/// # Errors
/// `spoofed-address`; `address-claimed`, where it takes the address by this;
/// `claim-rate-limited`.
pub(super) fn admit_source(
    asker: &Asker<'_>,
    source: VirtualAddr,
    claims: &mut Claims,
) -> Result<MacAddr, DropReason> {
    let owner = asker.owner(source);
    if let Some(owner) = owner.filter(|owner| asker.has(Some(owner)) && !source.is_anchor()) {
        return Ok(owner.mac());
    }
    let claimant = asker.claimant().ok_or(DropReason::SpoofedAddress)?;
    let mac = asker.interface.mac;
    match asker.tables.drawn.claims.right(claimant, source, mac) {
        Some(Right::Learned) if owner.is_none() => {
            asker.claim(source, mac, How::Used, claims)?;
            Err(DropReason::AddressClaimed)
        }
        _ => Err(DropReason::SpoofedAddress),
    }
}

/// What a claimant's IPv4 packet says about addresses, which it may send: the
/// advertisement of a virtual router, a message to or from a DHCP server.
pub(super) fn heard_from_node<B: PacketBuf>(
    asker: &Asker<'_>,
    ip: &IpTuple,
    packet: &Packet<B>,
    claims: &mut Claims,
) {
    let payload = payload(packet, ip);
    let Some(claimant) = asker.claimant() else {
        return;
    };
    if vrrp::is_advertisement(ip) {
        if claims.limit.allows(asker.id, asker.now) {
            advertised(claimant, payload, asker.tables, claims);
        }
    } else if lease::is_to_server(ip)
        && let Some(address) = lease::given_back(payload)
        && claims.limit.allows(asker.id, asker.now)
    {
        claims.note(Claim {
            segment: claimant.segment,
            address,
            mac: claimant.mac,
            by: claimant.identity,
            how: How::Released,
        });
    }
}

/// What a packet says that the fabric has brought for this host's segment.
pub(super) fn heard_from_substrate<B: PacketBuf>(
    from: &Sender,
    to: SegmentId,
    ip: &IpTuple,
    packet: &Packet<B>,
    tables: &Tables,
    claims: &mut Claims,
) {
    if vrrp::is_advertisement(ip) {
        let table = &tables.drawn.claims;
        let claimant = from.address.and_then(|a| table.claimant(from.segment, a));
        if let Some(claimant) = claimant {
            advertised(claimant, payload(packet, ip), tables, claims);
        }
    } else if lease::is_to_client(ip) {
        leased(to, payload(packet, ip), tables, claims);
    }
}

/// The addresses of an advertisement that the claimant shares.
fn advertised(claimant: &Claimant, payload: &[u8], tables: &Tables, claims: &mut Claims) {
    let table = &tables.drawn.claims;
    for address in vrrp::addresses(payload) {
        let mac = table.mac_of(claimant, address);
        if table.right(claimant, address, mac) == Some(Right::Shared) {
            claims.note(Claim {
                segment: claimant.segment,
                address,
                mac,
                by: claimant.identity,
                how: How::Advertised,
            });
        }
    }
}

/// A server's message to a client: if it gives an address to an interface of
/// this host that takes what it is given, that is its.
pub(super) fn leased(segment: SegmentId, payload: &[u8], tables: &Tables, claims: &mut Claims) {
    let Some(lease) = lease::given(payload) else {
        return;
    };
    let table = &tables.drawn.claims;
    let client = table.with_mac(segment, lease.client);
    let Some(client) = client.filter(|client| client.interface.is_some()) else {
        return;
    };
    if table.right(client, lease.address, client.mac) == Some(Right::Leased) {
        claims.note(Claim {
            segment,
            address: lease.address,
            mac: client.mac,
            by: client.identity,
            how: How::Leased(lease.seconds),
        });
    }
}

/// ARP that the fabric has brought: an announcement by one who may have the
/// address, or it is not let in.
///
/// # Errors
/// `raw-not-proven`, `ethertype-not-allowed`.
pub(super) fn announced(
    frame: &[u8],
    from: &Sender,
    tables: &Tables,
    claims: &mut Claims,
) -> Result<(), DropReason> {
    let table = &tables.drawn.claims;
    let claimant = from.address.and_then(|a| table.claimant(from.segment, a));
    // No other ARP crosses the fabric.
    let claimant = claimant.ok_or(DropReason::EtherTypeNotAllowed)?;
    let ethernet = EthernetHeader::read_from_prefix(frame);
    let arp = ArpPacket::read_from_prefix(frame.get(ETHERNET_LEN..).unwrap_or_default());
    let (Ok((ethernet, _)), Ok((arp, _))) = (ethernet, arp) else {
        return Err(DropReason::RawMalformed);
    };
    let (address, mac) = (arp.sender_address(), arp.sender_mac);
    let right = table.right(claimant, address, mac);
    let right = right.ok_or(DropReason::RawNotProven)?;
    let owner = tables.destination(from.segment, address);
    let owner = owner.as_ref();
    let is_its = owner.is_some_and(|owner| owner.host() == claimant.host && owner.mac() == mac);
    // Who learns takes only what is free; what a server gives, it may give to
    // another.
    let is_taken = right == Right::Learned && owner.is_some() && !is_its;
    let for_switches = ethernet.destination == SWITCHES;
    let withdraws = for_switches && is_its && arp.target_address() == NOBODY;
    let how = match (is_announcement(&arp), for_switches) {
        (true, true) => How::Repeated,
        (true, false) => How::Announced,
        (false, _) if withdraws => How::Withdrawn,
        (false, _) => return Err(DropReason::RawNotProven),
    };
    if ethernet.source != mac || !may_move(owner) || is_taken {
        return Err(DropReason::RawNotProven);
    }
    claims.note(Claim {
        segment: from.segment,
        address,
        mac,
        by: claimant.identity,
        how,
    });
    Ok(())
}

/// No address: who withdraws one announces that.
const NOBODY: VirtualAddr = VirtualAddr::from_bits(0);

/// What was drawn, or what a client has loaded, stays where it is.
fn may_move(owner: Option<&Destination>) -> bool {
    owner.is_none_or(Destination::is_learned)
}

/// RFC 5227 §1.1: it names its sender twice; of either operation (§3).
pub(super) fn is_announcement(arp: &ArpPacket) -> bool {
    arp.operation().is_some() && arp.sender_address() == arp.target_address()
}

fn payload<'p, B: PacketBuf>(packet: &'p Packet<B>, ip: &IpTuple) -> &'p [u8] {
    let payload = packet.buf.data();
    let payload = payload.get(ETHERNET_LEN + usize::from(ip.header_len)..);
    payload.unwrap_or_default()
}

impl Claim {
    /// Segment and address.
    pub const fn key(&self) -> MappingKey {
        MappingKey::new(self.segment, self.address)
    }
}

/// Is it worth asking what an IPv4 packet says about addresses?
pub(super) fn may_tell(ip: &IpTuple) -> bool {
    ip.protocol == IpProtocol::VRRP || lease::is_to_client(ip) || lease::is_to_server(ip)
}
