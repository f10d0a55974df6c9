//! The host: takes frames, time and uses; gives effects, and a table for the
//! fast path.

use core::net::Ipv6Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use packet::icmp::v6;
use packet::nd::{self, Solicitation};
use packet::{Locator, MacAddr, mld};
use vnet::compiled::{HostId, PortId};

use super::address::{is_solicited_node, solicited_node};
use super::config::{Announce, Limits, SubstrateConfig, SubstrateConfigError};
use super::dad::{AddressDue, AddressKind, MAX_FIRST_DELAY, OwnAddress};
use super::effect::{Effect, Handled};
use super::frame::{Outgoing, Received};
use super::neighbor::NeighborState;
use super::neighbor_cache::{CacheEvent, NeighborCache, Queued, earlier};
use super::random::Random;
use super::rate::RateLimit;
use super::reason::{Counts, Reason};
use super::routes::{LinkAddress, Routes, UplinkIndex};
use super::snapshot::{
    NextHopEntry, NextHopId, NextHops, OwnAddresses, UplinkTable, is_segment_zero,
};
use super::uplink::Uplink;

/// The IPv6 host that a vswitch is on its uplinks.
///
/// It does nothing by itself: call [`Self::tick`] at [`Self::next_deadline`],
/// [`Self::handle`] with every frame that is for it, and carry out the
/// effects that come back. `now` is the time since any fixed moment; it must
/// not run backwards.
#[derive(Debug)]
pub struct SubstrateHost {
    pub(super) locator: Locator,
    announce: Announce,
    pub(super) hop_limit: u8,
    dad_transmits: u8,
    limits: Limits,
    pub(super) uplinks: Vec<Uplink>,
    routes: Routes,
    /// Each peer's next hops, in the order of its routes.
    peers: Vec<(HostId, Vec<NextHopId>)>,
    /// Groups in which tenants' addresses are solicited.
    tenant_groups: BTreeSet<Ipv6Addr>,
    pub(super) neighbors: NeighborCache,
    pub(super) echo_limit: RateLimit,
    pub(super) advertisement_limit: RateLimit,
    pub(super) random: Random,
    counts: Counts,
    revision: u64,
    changed: bool,
    effects: Vec<Effect>,
}

impl SubstrateHost {
    /// A host on uplinks that are up. Its first messages are due within a
    /// second.
    ///
    /// # Errors
    /// What [`SubstrateConfig::check`] finds.
    pub fn new(config: SubstrateConfig, now: Duration) -> Result<Self, SubstrateConfigError> {
        config.check()?;
        let mut random = Random::new(config.seed);
        let announced = (config.announce == Announce::OnLink).then_some(config.locator);
        let uplinks = config
            .uplinks
            .iter()
            .map(|uplink| {
                let first = first_message(now, config.dad_transmits, &mut random);
                let mut uplink = Uplink::new(uplink, announced, now, first);
                let groups = uplink.solicited_groups(&BTreeSet::new());
                uplink.listener.listen(groups, first);
                uplink
            })
            .collect();
        let limits = config.limits;
        let mut host = Self {
            locator: config.locator,
            announce: config.announce,
            hop_limit: config.hop_limit,
            dad_transmits: config.dad_transmits,
            limits,
            uplinks,
            routes: Routes::new(&config),
            peers: Vec::new(),
            tenant_groups: BTreeSet::new(),
            neighbors: NeighborCache::new(limits.learned_neighbors),
            echo_limit: RateLimit::new(limits.echo_replies_per_second, now),
            advertisement_limit: RateLimit::new(limits.advertisements_per_second, now),
            random,
            counts: Counts::default(),
            revision: 1,
            changed: false,
            effects: Vec::new(),
        };
        host.lead_to(&config.peers, now);
        host.neighbors.take_changed();
        Ok(host)
    }

    /// A frame that came in by a port and is for the host:
    /// [`OwnAddresses::is_for_host`], or [`OwnAddresses::is_neighbor_discovery`].
    pub fn handle(&mut self, port: PortId, frame: &[u8], now: Duration) -> Handled {
        self.counts.handled += 1;
        let refused = self.receive(port, frame, now).err();
        match refused {
            None => self.counts.used += 1,
            Some(reason) => self.counts.add(reason, 1),
        }
        Handled {
            effects: self.finish(),
            refused,
        }
    }

    /// Does everything that is due.
    pub fn tick(&mut self, now: Duration) -> Vec<Effect> {
        for index in 0..self.uplinks.len() {
            self.tick_uplink(UplinkIndex(index), now);
        }
        self.neighbors.timeouts(now);
        self.finish()
    }

    /// When [`Self::tick`] wants to be called next; at times a little early.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.uplinks
            .iter()
            .map(Uplink::deadline)
            .fold(self.neighbors.deadline(), earlier)
    }

    /// A packet waits for this next hop: seeks it, unless that goes on anyway.
    pub fn resolve(&mut self, next_hop: NextHopId, now: Duration) -> Vec<Effect> {
        let hop = self.neighbors.next_hops().nth(next_hop.index()).flatten();
        let uplink = hop.and_then(|(at, _)| self.uplink(at.uplink).ok());
        // Before an address is proved, nobody can be asked; then all are.
        if uplink.is_some_and(|u| u.up && u.source_for(Ipv6Addr::UNSPECIFIED).is_some()) {
            self.neighbors.seek(next_hop, now);
            self.neighbors.timeouts(now);
        }
        self.finish()
    }

    /// The fast path sent something to this next hop since the last mark.
    /// Wanted for next hops in state [`NeighborState::Stale`]; harmless for
    /// others.
    pub fn mark_used(&mut self, next_hop: NextHopId, now: Duration) -> Vec<Effect> {
        self.neighbors.used(next_hop, now);
        self.finish()
    }

    /// The hosts whose next hops must be known from now.
    pub fn set_peers(&mut self, peers: &[(HostId, Locator)], now: Duration) -> Vec<Effect> {
        self.lead_to(peers, now);
        for index in (0..self.uplinks.len()).map(UplinkIndex) {
            self.seek_next_hops(index, now);
        }
        self.neighbors.timeouts(now);
        self.finish()
    }

    /// The tenants' addresses on this host, in its locator. Where the locator
    /// is on-link, the groups in which they are solicited are joined (up to
    /// [`Limits::tenant_groups`]), so that switches that filter multicast let
    /// solicitations through.
    pub fn set_tenants(&mut self, addresses: &[Ipv6Addr], now: Duration) -> Vec<Effect> {
        let Some(locator) = self.announced_locator() else {
            return Vec::new();
        };
        self.tenant_groups = addresses
            .iter()
            .filter(|address| locator.contains(**address))
            .map(|address| solicited_node(*address))
            .collect();
        while self.tenant_groups.len() > self.limits.tenant_groups {
            self.tenant_groups.pop_last();
        }
        for index in (0..self.uplinks.len()).map(UplinkIndex) {
            self.update_groups(index, now);
        }
        self.changed = true;
        self.finish()
    }

    /// An uplink's link went up or down.
    pub fn set_link(&mut self, port: PortId, up: bool, now: Duration) -> Vec<Effect> {
        let found = self.uplinks.iter().position(|uplink| uplink.port == port);
        let Some(index) = found.map(UplinkIndex) else {
            return Vec::new();
        };
        let first = first_message(now, self.dad_transmits, &mut self.random);
        let Some(uplink) = self.uplinks.get_mut(index.0).filter(|u| u.up != up) else {
            return Vec::new();
        };
        uplink.up = up;
        self.changed = true;
        if up {
            uplink.listener.repeat(first);
            for own in &mut uplink.addresses {
                own.restart(now, first);
            }
            self.neighbors.restore(index, now);
            self.update_groups(index, first);
        } else {
            uplink.listener.suspend();
            for own in &mut uplink.addresses {
                own.suspend(now);
            }
            self.neighbors.lose(index, now);
        }
        self.finish()
    }

    /// Rises with every change of [`Self::snapshot`].
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What became of the frames.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What the fast path needs to know now.
    pub fn snapshot(&self) -> UplinkTable {
        let next_hops = self.neighbors.next_hops().zip(0..);
        let next_hops: Vec<_> = next_hops
            .map(|(hop, id)| self.next_hop_entry(NextHopId(id), hop))
            .collect();
        let hosts = self.peers.iter().map(|(host, _)| host.0 as usize + 1);
        let mut by_host = vec![NextHops::new(); hosts.max().unwrap_or(0)];
        for (host, hops) in &self.peers {
            if let Some(entry) = by_host.get_mut(host.0 as usize) {
                *entry = best_of(hops, &next_hops);
            }
        }
        UplinkTable {
            revision: self.revision,
            hop_limit: self.hop_limit,
            uplinks: self.uplinks.iter().map(Uplink::facts).collect(),
            next_hops,
            by_host,
            own: self.own_addresses(),
        }
    }

    fn next_hop_entry(
        &self,
        id: NextHopId,
        hop: Option<(LinkAddress, &super::neighbor_cache::Entry)>,
    ) -> NextHopEntry {
        let uplink = hop.and_then(|(at, _)| self.uplink(at.uplink).ok());
        NextHopEntry {
            id,
            port: uplink.map_or(PortId(u16::MAX), |uplink| uplink.port),
            mtu: uplink.map_or(0, |uplink| uplink.mtu),
            source_mac: uplink.map_or(MacAddr::ZERO, |uplink| uplink.mac),
            destination_mac: hop.and_then(|(_, entry)| entry.neighbor.mac()),
            state: hop.map_or(NeighborState::Failed, |(_, entry)| entry.neighbor.state()),
            address: hop.map_or(Ipv6Addr::UNSPECIFIED, |(at, _)| at.address),
        }
    }

    fn own_addresses(&self) -> OwnAddresses {
        let uplinks = self.uplinks.iter();
        let listened = |own: &&OwnAddress| own.state() != super::AddressState::Duplicate;
        let addresses = uplinks
            .clone()
            .flat_map(|uplink| uplink.addresses.iter().filter(listened))
            .map(|own| own.address)
            .collect();
        let groups = uplinks.flat_map(|uplink| uplink.listener.groups());
        OwnAddresses::new(
            self.locator,
            self.announce == Announce::OnLink,
            addresses,
            groups.copied().collect(),
        )
    }

    fn receive(&mut self, port: PortId, frame: &[u8], now: Duration) -> Result<(), Reason> {
        let found = self.uplinks.iter().position(|uplink| uplink.port == port);
        let at = UplinkIndex(found.ok_or(Reason::NotAnUplink)?);
        let frame = Received::parse(frame, self.uplink(at)?.mac)?;
        if self.is_own_mac(frame.source_mac) {
            return Err(Reason::LoopedBack);
        }
        let for_host = self.is_for_host(at, frame.destination());
        let announced = self.announced_locator();
        let for_tenant = announced.is_some_and(|l| l.contains(frame.destination()));
        if !for_host && !for_tenant {
            return Err(Reason::NotForThisHost);
        }
        let (kind, message) = frame.icmp()?;
        match kind {
            nd::NEIGHBOR_SOLICITATION => self.solicited(at, &frame, message, now),
            nd::NEIGHBOR_ADVERTISEMENT => self.advertised(at, &frame, message, now),
            _ if !for_host => Err(Reason::NotForThisHost),
            v6::ECHO_REQUEST => self.pinged(at, &frame, message, now),
            v6::ECHO_REPLY => Err(Reason::EchoReply),
            mld::QUERY => self.queried(at, &frame, message, now),
            mld::V1_REPORT | mld::V1_DONE | mld::V2_REPORT => Err(Reason::ListenerReport),
            nd::ROUTER_SOLICITATION => Err(Reason::RouterSolicitation),
            nd::ROUTER_ADVERTISEMENT => Err(Reason::RouterAdvertisement),
            nd::REDIRECT => Err(Reason::Redirect),
            kind if v6::is_error(kind) => Err(Reason::IcmpError),
            _ => Err(Reason::IcmpUnknown),
        }
    }

    /// Addresses other than link-local ones are the host's, whichever uplink a
    /// packet takes.
    fn is_for_host(&self, at: UplinkIndex, destination: Ipv6Addr) -> bool {
        let here = self.uplink(at).is_ok_and(|u| u.listens_to(destination));
        let solicits = self.announce == Announce::OnLink && is_solicited_node(destination);
        let elsewhere = !destination.is_unicast_link_local() && self.has_in_use(destination);
        here || solicits || elsewhere || is_segment_zero(self.locator, destination)
    }

    fn tick_uplink(&mut self, at: UplinkIndex, now: Duration) {
        let Ok((uplink, random)) = self.uplink_and_random(at) else {
            return;
        };
        if !uplink.up {
            return;
        }
        let (mac, mtu) = (uplink.mac, uplink.mtu);
        let link_local = uplink.usable(AddressKind::LinkLocal);
        let source = link_local.unwrap_or(Ipv6Addr::UNSPECIFIED);
        // Groups are joined before the addresses in them are asked for
        // (RFC 4862 §5.4.2).
        for report in uplink.listener.timeouts(now, mtu, random) {
            let frame = Outgoing::mld(source, report.to, mac, &report.message);
            self.send(at, frame);
        }
        let count = self.uplink(at).map_or(0, |uplink| uplink.addresses.len());
        for index in 0..count {
            self.tick_address(at, index, now);
        }
    }

    fn tick_address(&mut self, at: UplinkIndex, index: usize, now: Duration) {
        let transmits = self.dad_transmits;
        let Ok((uplink, random)) = self.uplink_and_random(at) else {
            return;
        };
        let mac = uplink.mac;
        let Some(own) = uplink.addresses.get_mut(index) else {
            return;
        };
        if own.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let (address, kind) = (own.address, own.kind);
        match own.timeout(now, transmits, random) {
            Some(AddressDue::Solicit(nonce)) => {
                let message = Solicitation {
                    target: address,
                    source_mac: None,
                    nonce: Some(nonce),
                };
                let to = solicited_node(address);
                let packet = Outgoing::discovery(Ipv6Addr::UNSPECIFIED, to);
                self.send(at, packet.frame(mac, mac, &message.emit()));
            }
            Some(AddressDue::Usable) => {
                self.announce(at, address, kind);
                self.became_usable(at, kind, now);
            }
            Some(AddressDue::Announce) => self.announce(at, address, kind),
            None => {}
        }
    }

    fn became_usable(&mut self, at: UplinkIndex, kind: AddressKind, now: Duration) {
        self.changed = true;
        if kind == AddressKind::LinkLocal {
            if let Some(uplink) = self.uplinks.get_mut(at.0) {
                uplink.listener.repeat(now);
            }
        }
        self.seek_next_hops(at, now);
    }

    fn seek_next_hops(&mut self, at: UplinkIndex, now: Duration) {
        let uplink = self.uplink(at);
        if uplink.is_ok_and(|u| u.up && u.source_for(Ipv6Addr::UNSPECIFIED).is_some()) {
            self.neighbors.seek_next_hops(at, now, &mut self.random);
        }
    }

    /// Somebody else has an address that we were about to use.
    pub(super) fn claimed(&mut self, at: UplinkIndex, address: Ipv6Addr, now: Duration) {
        let Some(uplink) = self.uplinks.get_mut(at.0) else {
            return;
        };
        if !uplink.own_mut(address).is_some_and(|own| own.claimed(now)) {
            return;
        }
        self.changed = true;
        if uplink.is_mute() {
            self.neighbors.lose(at, now);
        }
        self.update_groups(at, now);
    }

    fn update_groups(&mut self, at: UplinkIndex, when: Duration) {
        let announced = self.announced_locator();
        let none = BTreeSet::new();
        let Some(uplink) = self.uplinks.get_mut(at.0) else {
            return;
        };
        // Where the locator is somebody else's, its tenants are as well.
        let host = announced.and_then(|l| uplink.own(super::address::host_of(l)));
        let ours = host.is_some_and(|own| own.state() != super::AddressState::Duplicate);
        let tenants = if ours { &self.tenant_groups } else { &none };
        let groups = uplink.solicited_groups(tenants);
        uplink.listener.listen(groups, when);
    }

    /// Finds the next hops of every peer, and makes them known to the cache.
    fn lead_to(&mut self, peers: &[(HostId, Locator)], now: Duration) {
        let others = peers.iter().filter(|(_, locator)| *locator != self.locator);
        let hops: Vec<_> = others
            .map(|(host, locator)| (*host, self.routes.to_locator(*locator)))
            .collect();
        let mut wanted: BTreeSet<LinkAddress> = self.routes.gateways().collect();
        wanted.extend(hops.iter().flat_map(|(_, hops)| hops));
        self.neighbors.set_next_hops(&wanted, now);
        let id = |at: &LinkAddress| self.neighbors.get(*at)?.next_hop;
        self.peers = hops
            .iter()
            .map(|(host, hops)| (*host, hops.iter().filter_map(id).collect()))
            .collect();
        self.changed = true;
    }

    /// The neighbour through which an answer to this address leaves: over the
    /// uplink that the question took, if that is as good as any.
    pub(super) fn next_hop_to(&self, to: Ipv6Addr, came_by: UplinkIndex) -> Option<LinkAddress> {
        if to.is_unicast_link_local() {
            return Some(LinkAddress {
                uplink: came_by,
                address: to,
            });
        }
        let rank = |at: &LinkAddress| {
            let entry = self.neighbors.get(*at);
            let state = entry.map(|entry| entry.neighbor.state());
            let known = entry.is_some_and(|entry| entry.neighbor.mac().is_some());
            (
                state == Some(NeighborState::Failed),
                !known,
                at.uplink != came_by,
            )
        };
        let up = |at: &LinkAddress| self.uplink(at.uplink).is_ok_and(|uplink| uplink.up);
        let hops = self.routes.to_address(to).into_iter().filter(up);
        hops.min_by_key(rank)
    }

    /// Sends a frame of the host's own to a neighbour, at once or when its MAC
    /// is known.
    pub(super) fn send_to(
        &mut self,
        neighbor: LinkAddress,
        frame: Vec<u8>,
        now: Duration,
    ) -> Result<(), Reason> {
        let queued = self.neighbors.send(neighbor, frame, now);
        self.neighbors.timeouts(now);
        match queued {
            Queued::Sent | Queued::Held => Ok(()),
            Queued::HeldInsteadOfOlder => {
                self.counts.add(Reason::HeldTooMany, 1);
                Ok(())
            }
            Queued::TableFull => Err(Reason::NeighborTableFull),
            Queued::Unreachable => Err(Reason::NeighborFailed),
        }
    }

    /// Sends a frame as it is.
    pub(super) fn send(&mut self, at: UplinkIndex, frame: Vec<u8>) {
        if let Some(uplink) = self.uplinks.get(at.0).filter(|uplink| uplink.up) {
            self.counts.sent += 1;
            let port = uplink.port;
            self.effects.push(Effect::Send { port, frame });
        }
    }

    fn solicit(&mut self, neighbor: LinkAddress, at: Option<MacAddr>) {
        let Ok(uplink) = self.uplink(neighbor.uplink) else {
            return;
        };
        let Some(source) = uplink.source_for(neighbor.address) else {
            return;
        };
        let message = Solicitation {
            target: neighbor.address,
            source_mac: Some(uplink.mac),
            nonce: None,
        };
        let (to, mac) = match at {
            Some(mac) => (neighbor.address, mac),
            None => (solicited_node(neighbor.address), uplink.mac),
        };
        let packet = Outgoing::discovery(source, to);
        let frame = packet.frame(uplink.mac, mac, &message.emit());
        self.send(neighbor.uplink, frame);
    }

    /// The effects of all that was done since the last call.
    fn finish(&mut self) -> Vec<Effect> {
        for event in self.neighbors.take_events() {
            match event {
                CacheEvent::Solicit { neighbor, at } => self.solicit(neighbor, at),
                CacheEvent::Send { uplink, frame } => self.send(uplink, frame),
                CacheEvent::Resolved(next_hop) => self.effects.push(Effect::Resolved { next_hop }),
                CacheEvent::Failed(next_hop) => self.effects.push(Effect::Failed { next_hop }),
                CacheEvent::GaveUp(count) => {
                    self.counts.add(Reason::HeldInVain, count as u64);
                }
            }
        }
        let mut effects = core::mem::take(&mut self.effects);
        if self.neighbors.take_changed() | core::mem::take(&mut self.changed) {
            self.revision += 1;
            effects.insert(0, Effect::TableChanged);
        }
        effects
    }

    pub(super) fn is_own_mac(&self, mac: MacAddr) -> bool {
        self.uplinks.iter().any(|uplink| uplink.mac == mac)
    }

    /// The locator, if it is announced on the links.
    pub(super) fn announced_locator(&self) -> Option<Locator> {
        (self.announce == Announce::OnLink).then_some(self.locator)
    }

    pub(super) fn uplink(&self, at: UplinkIndex) -> Result<&Uplink, Reason> {
        self.uplinks.get(at.0).ok_or(Reason::NotAnUplink)
    }

    pub(super) fn uplink_and_random(
        &mut self,
        at: UplinkIndex,
    ) -> Result<(&mut Uplink, &mut Random), Reason> {
        let uplink = self.uplinks.get_mut(at.0).ok_or(Reason::NotAnUplink)?;
        Ok((uplink, &mut self.random))
    }
}

/// When a link's first message goes out: at random within a second, so that
/// hosts that start together do not speak together (RFC 4862 §5.4.2). Without
/// duplicate detection nothing depends on the order: at once.
fn first_message(now: Duration, dad_transmits: u8, random: &mut Random) -> Duration {
    if dad_transmits == 0 {
        now
    } else {
        now.saturating_add(random.up_to(MAX_FIRST_DELAY))
    }
}

/// Those of a host's next hops that are best known: with a MAC; else, not
/// failed; else all.
fn best_of(hops: &[NextHopId], entries: &[NextHopEntry]) -> NextHops {
    let which = |good: fn(&NextHopEntry) -> bool| -> NextHops {
        let is_good = |id: &NextHopId| entries.get(id.index()).is_some_and(good);
        let ids = hops.iter().copied().filter(is_good);
        ids.take(super::snapshot::MAX_ECMP).collect()
    };
    let ways: [fn(&NextHopEntry) -> bool; 3] = [
        |entry| entry.destination_mac.is_some(),
        |entry| entry.state != NeighborState::Failed,
        |_| true,
    ];
    let mut found = ways.into_iter().map(which);
    found.find(|hops| !hops.is_empty()).unwrap_or_default()
}
