//! What the host answers and learns in neighbour discovery (RFC 4861 §7.2), and
//! what it hears of MLD queriers.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::mld::{MldError, Query};
use packet::nd::{Advertisement, NdError, Nonce, Solicitation};

use super::address::ALL_NODES;
use super::dad::{AddressKind, AddressState, OwnAddress};
use super::frame::{Outgoing, Received};
use super::host::SubstrateHost;
use super::neighbor::Told;
use super::reason::Reason;
use super::routes::{LinkAddress, UplinkIndex};
use super::snapshot::is_segment_zero;
use super::uplink::Uplink;

/// What the host has to do with the target of a solicitation.
enum Claim {
    /// It answers. `proved`: nobody can have it any more.
    Ours { overrides: bool, proved: bool },
    /// It asks the same itself.
    Tentative,
    /// Nothing.
    None,
}

impl SubstrateHost {
    /// "Who has the target?" (§7.2.3).
    pub(super) fn solicited(
        &mut self,
        at: UplinkIndex,
        frame: &Received<'_>,
        message: &[u8],
        now: Duration,
    ) -> Result<(), Reason> {
        let asked = Solicitation::parse(frame.header, message).map_err(discovery_reason)?;
        if asked.source_mac.is_some_and(|mac| self.is_own_mac(mac))
            || self.sent_nonce(asked.target, asked.nonce)
        {
            return Err(Reason::LoopedBack);
        }
        let asker = frame.source();
        if self.has_in_use(asker) {
            return Err(Reason::AddressConflict);
        }
        let probes = asker.is_unspecified();
        let overrides = match self.claim(at, asked.target)? {
            Claim::Ours { overrides, proved } if proved || !probes => overrides,
            // Two hosts want one address: neither gets it (RFC 4862 §5.4.3,
            // RFC 4429 §3.4).
            Claim::Ours { .. } | Claim::Tentative if probes => {
                self.claimed(at, asked.target, now);
                return Ok(());
            }
            _ => return Err(Reason::TargetNotOurs),
        };
        let neighbor = LinkAddress {
            uplink: at,
            address: asker,
        };
        if let Some(mac) = asked.source_mac {
            self.neighbors.heard(neighbor, mac, now);
        }
        // A scan of the tenants' addresses must not silence the host's own.
        let tenants =
            self.locator.contains(asked.target) && !is_segment_zero(self.locator, asked.target);
        let limit = if tenants {
            &mut self.tenant_advertisement_limit
        } else {
            &mut self.advertisement_limit
        };
        if !limit.allows(now) {
            return Err(Reason::RateLimited);
        }
        let uplink = self.uplink(at)?;
        let source = source_of(uplink, asked.target, asker).ok_or(Reason::TargetNotOurs)?;
        let answer = Advertisement {
            target: asked.target,
            target_mac: Some(uplink.mac),
            router: false,
            solicited: !probes,
            overrides,
        };
        let to = if probes { ALL_NODES } else { asker };
        let packet = Outgoing::discovery(source, to);
        let mac = asked.source_mac.unwrap_or_default();
        let bytes = packet.frame(uplink.mac, mac, &answer.emit());
        if probes || asked.source_mac.is_some() {
            self.send(at, bytes);
            Ok(())
        } else {
            self.send_to(neighbor, bytes, now)
        }
    }

    /// "The target is at this MAC" (§7.2.5).
    pub(super) fn advertised(
        &mut self,
        at: UplinkIndex,
        frame: &Received<'_>,
        message: &[u8],
        now: Duration,
    ) -> Result<(), Reason> {
        let told = Advertisement::parse(frame.header, message).map_err(discovery_reason)?;
        if told.target_mac.is_some_and(|mac| self.is_own_mac(mac)) {
            return Err(Reason::LoopedBack);
        }
        match self.claim(at, told.target)? {
            Claim::Ours { proved: true, .. } => return Err(Reason::AddressConflict),
            Claim::Ours { proved: false, .. } | Claim::Tentative => {
                self.claimed(at, told.target, now);
                return Ok(());
            }
            Claim::None => {}
        }
        let neighbor = LinkAddress {
            uplink: at,
            address: told.target,
        };
        let told = Told {
            mac: told.target_mac,
            solicited: told.solicited,
            overrides: told.overrides,
            router: told.router,
        };
        let wanted = self
            .neighbors
            .advertised(neighbor, told, now, &mut self.random);
        wanted.then_some(()).ok_or(Reason::AdvertisementUnwanted)
    }

    /// A multicast router asks what is listened to.
    pub(super) fn queried(
        &mut self,
        at: UplinkIndex,
        frame: &Received<'_>,
        message: &[u8],
        now: Duration,
    ) -> Result<(), Reason> {
        let query =
            Query::parse(frame.header, frame.router_alert, message).map_err(
                |error| match error {
                    MldError::HopLimit | MldError::Source | MldError::RouterAlert => {
                        Reason::QuerySource
                    }
                    MldError::Length | MldError::Group => Reason::QueryMalformed,
                },
            )?;
        let (uplink, random) = self.uplink_and_random(at)?;
        uplink.listener.asked(&query, now, random);
        Ok(())
    }

    /// Tells the link that an address is ours (§7.2.6).
    pub(super) fn announce(&mut self, at: UplinkIndex, address: Ipv6Addr, kind: AddressKind) {
        let overrides = kind != AddressKind::Locator || self.uplinks.len() == 1;
        let Ok(uplink) = self.uplink(at) else {
            return;
        };
        let message = Advertisement {
            target: address,
            target_mac: Some(uplink.mac),
            router: false,
            solicited: false,
            overrides,
        };
        let packet = Outgoing::discovery(address, ALL_NODES);
        let bytes = packet.frame(uplink.mac, uplink.mac, &message.emit());
        self.send(at, bytes);
    }

    /// With several uplinks on one link, each answers for the locator: as for
    /// an anycast address, the first answer counts and none overrides another
    /// (§7.2.7).
    fn claim(&self, at: UplinkIndex, target: Ipv6Addr) -> Result<Claim, Reason> {
        let uplink = self.uplink(at)?;
        let shared = self.uplinks.len() > 1;
        if let Some(own) = uplink.own(target) {
            return Ok(match own.state() {
                AddressState::Tentative => Claim::Tentative,
                AddressState::Preferred => Claim::Ours {
                    overrides: own.is_proved() && (own.kind != AddressKind::Locator || !shared),
                    proved: own.is_proved(),
                },
                AddressState::Duplicate => Claim::None,
            });
        }
        let announced = self.announced_locator();
        let host = announced
            .filter(|locator| locator.contains(target))
            .and_then(|locator| uplink.announces(locator));
        // A tenant's address is asked for by nobody who wants it (it is proved
        // with the locator's first), but neither does it override before then.
        Ok(match host {
            Some(host) => Claim::Ours {
                overrides: host.is_proved() && !shared,
                proved: true,
            },
            None => Claim::None,
        })
    }

    fn sent_nonce(&self, target: Ipv6Addr, nonce: Option<Nonce>) -> bool {
        let targets = self.uplinks.iter().filter_map(|uplink| uplink.own(target));
        { targets }.any(|own| own.sent_nonce(nonce))
    }

    /// Is this an address that the host uses, on any uplink?
    pub(super) fn has_in_use(&self, address: Ipv6Addr) -> bool {
        let owns = self.uplinks.iter().filter_map(|uplink| uplink.own(address));
        { owns }.any(OwnAddress::is_usable)
    }
}

/// An own address is advertised from itself; a tenant's from the uplink's.
fn source_of(uplink: &Uplink, target: Ipv6Addr, asker: Ipv6Addr) -> Option<Ipv6Addr> {
    match uplink.own(target) {
        Some(own) => Some(own.address),
        None => uplink.source_for(asker),
    }
}

fn discovery_reason(error: NdError) -> Reason {
    match error {
        NdError::HopLimit => Reason::NdHopLimit,
        NdError::Unspecified | NdError::SolicitedGroup => Reason::NdSource,
        NdError::Length | NdError::Code | NdError::Target | NdError::Option => Reason::NdMalformed,
    }
}
