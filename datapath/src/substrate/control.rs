//! What the host is told after its start: uses, peers, tenants, links; and how
//! it bears the loss of an address.

use core::net::Ipv6Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use packet::Locator;
use vnet::compiled::{HostId, PortId};

use super::address::{host_of, solicited_node};
use super::dad::AddressState;
use super::effect::Effect;
use super::host::SubstrateHost;
use super::neighbor::NeighborState;
use super::routes::{LinkAddress, UplinkIndex};
use super::snapshot::NextHopId;
use super::tick::first_message;

impl SubstrateHost {
    /// A packet waits for this next hop: seeks it, unless that goes on anyway.
    /// The answer, [`Effect::Resolved`] or [`Effect::Failed`], comes at once if
    /// it is known (the packet's worker may have read an older table), and
    /// otherwise within a few seconds of the uplink's having an address.
    pub fn resolve(&mut self, next_hop: NextHopId, now: Duration) -> Vec<Effect> {
        let hop = self.neighbors.next_hops().nth(next_hop.index()).flatten();
        let Some((at, entry)) = hop else {
            self.effects.push(Effect::Failed { next_hop });
            return self.finish();
        };
        let (state, mac) = (entry.neighbor.state(), entry.neighbor.mac());
        if mac.is_some() {
            self.effects.push(Effect::Resolved { next_hop });
        } else if state == NeighborState::Failed {
            self.effects.push(Effect::Failed { next_hop });
        } else if self.can_ask(at.uplink) {
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
    /// [`super::Limits::tenant_groups`]), so that switches that filter multicast let
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

    /// Finds the next hops of every peer, and makes them known to the cache.
    pub(super) fn lead_to(&mut self, peers: &[(HostId, Locator)], now: Duration) {
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

    pub(super) fn update_groups(&mut self, at: UplinkIndex, when: Duration) {
        let announced = self.announced_locator();
        let none = BTreeSet::new();
        let Some(uplink) = self.uplinks.get_mut(at.0) else {
            return;
        };
        // Where the locator is somebody else's, its tenants are as well.
        let host = announced.and_then(|l| uplink.own(host_of(l)));
        let ours = host.is_some_and(|own| own.state() != AddressState::Duplicate);
        let tenants = if ours { &self.tenant_groups } else { &none };
        let groups = uplink.solicited_groups(tenants);
        uplink.listener.listen(groups, when);
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
}
