//! The host: what it knows, and what becomes of a frame that is for it.

use core::net::Ipv6Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use packet::icmp::v6;
use packet::{Locator, MacAddr, mld, nd};
use vnet::compiled::{HostId, PortId};

use super::address::is_solicited_node;
use super::config::{Announce, HeldNeighbor, Limits, SubstrateConfig, SubstrateConfigError};
use super::effect::{Effect, Handled};
use super::frame::Received;
use super::neighbor_cache::NeighborCache;
use super::random::Random;
use super::rate::RateLimit;
use super::reason::{Counts, Reason};
use super::routes::{LinkAddress, Routes, UplinkIndex};
use super::snapshot::{NextHopId, is_segment_zero};
use super::tick::first_message;
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
    pub(super) announce: Announce,
    pub(super) hop_limit: u8,
    pub(super) dad_transmits: u8,
    pub(super) limits: Limits,
    pub(super) uplinks: Vec<Uplink>,
    pub(super) routes: Routes,
    /// Each peer's next hops, in the order of its routes.
    pub(super) peers: Vec<(HostId, Vec<NextHopId>)>,
    /// Groups in which tenants' addresses are solicited.
    pub(super) tenant_groups: BTreeSet<Ipv6Addr>,
    pub(super) neighbors: NeighborCache,
    pub(super) echo_limit: RateLimit,
    pub(super) advertisement_limit: RateLimit,
    pub(super) tenant_advertisement_limit: RateLimit,
    pub(super) random: Random,
    pub(super) counts: Counts,
    pub(super) revision: u64,
    pub(super) changed: bool,
    pub(super) effects: Vec<Effect>,
}

impl SubstrateHost {
    /// A host on uplinks that are up. Its first messages are due within a
    /// second; where its addresses were held before, at once.
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
                let mut uplink = Uplink::new(uplink, announced, &config.held.addresses, now, first);
                let groups = uplink.solicited_groups(&BTreeSet::new());
                // A process that starts again is no link that comes up.
                let first = if uplink.is_resumed() { now } else { first };
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
            tenant_advertisement_limit: RateLimit::new(limits.advertisements_per_second, now),
            random,
            counts: Counts::default(),
            revision: 1,
            changed: false,
            effects: Vec::new(),
        };
        host.lead_to(&config.peers, now);
        for known in &config.held.neighbors {
            host.recall(known, now);
        }
        host.neighbors.take_changed();
        host.changed = false;
        Ok(host)
    }

    /// A next hop that was known goes on to be used, where solicitations have to
    /// wait until an address is proved.
    fn recall(&mut self, known: &HeldNeighbor, now: Duration) {
        let resumed = |uplink: &Uplink| uplink.mac == known.uplink && uplink.is_resumed();
        if let Some(index) = self.uplinks.iter().position(resumed) {
            let neighbor = LinkAddress {
                uplink: UplinkIndex(index),
                address: known.address,
            };
            self.neighbors.recall(neighbor, known.mac, now);
        }
    }

    /// A frame that came in by a port and is for the host:
    /// [`super::OwnAddresses::is_for_host`], or
    /// [`super::OwnAddresses::is_neighbor_discovery`].
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

    /// Rises with every change of [`Self::snapshot`].
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What became of the frames.
    pub const fn counts(&self) -> &Counts {
        &self.counts
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
