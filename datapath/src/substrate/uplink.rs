//! One uplink: a link, the host's addresses on it, and the groups it listens
//! to there.

use core::net::Ipv6Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use packet::{Locator, MacAddr};
use vnet::compiled::PortId;

use super::address::{ALL_NODES, host_of, link_local, solicited_node};
use super::config::{HeldAddress, UplinkConfig};
use super::dad::{AddressKind, AddressState, OwnAddress};
use super::mld::Listener;
use super::neighbor_cache::earlier;
use super::snapshot::{KernelPath, UplinkFacts};

#[derive(Debug)]
pub(super) struct Uplink {
    pub(super) port: PortId,
    pub(super) mac: MacAddr,
    pub(super) mtu: u16,
    pub(super) kernel: Option<KernelPath>,
    pub(super) up: bool,
    pub(super) addresses: Vec<OwnAddress>,
    pub(super) listener: Listener,
}

impl Uplink {
    /// An uplink that is up; its addresses are proved from `first` on, those
    /// that were `held` at once. `locator`: the one to announce on the link.
    pub(super) fn new(
        config: &UplinkConfig,
        locator: Option<Locator>,
        held: &[HeldAddress],
        now: Duration,
        first: Duration,
    ) -> Self {
        let named = [
            Some((config.address, AddressKind::Configured)),
            Some((link_local(config.mac), AddressKind::LinkLocal)),
            // The configured address may be just that one.
            locator
                .map(|locator| (host_of(locator), AddressKind::Locator))
                .filter(|(address, _)| *address != config.address),
        ];
        let addresses = named.into_iter().flatten().map(|(address, kind)| {
            let mac = config.mac;
            if held.contains(&HeldAddress { mac, address }) {
                OwnAddress::resumed(address, kind, now)
            } else {
                OwnAddress::new(address, kind, now, first)
            }
        });
        Self {
            port: config.port,
            mac: config.mac,
            mtu: config.mtu,
            kernel: config.kernel,
            up: true,
            addresses: addresses.collect(),
            listener: Listener::default(),
        }
    }

    pub(super) fn own(&self, address: Ipv6Addr) -> Option<&OwnAddress> {
        self.addresses.iter().find(|own| own.address == address)
    }

    pub(super) fn own_mut(&mut self, address: Ipv6Addr) -> Option<&mut OwnAddress> {
        self.addresses.iter_mut().find(|own| own.address == address)
    }

    /// The address of this kind, if it may be used.
    pub(super) fn usable(&self, kind: AddressKind) -> Option<Ipv6Addr> {
        let usable = |own: &&OwnAddress| own.kind == kind && own.is_usable();
        self.addresses.iter().find(usable).map(|own| own.address)
    }

    /// The address to answer `other` from: of the same scope, if possible
    /// (RFC 6724 rule 2).
    pub(super) fn source_for(&self, other: Ipv6Addr) -> Option<Ipv6Addr> {
        self.source_among(other, OwnAddress::is_usable)
    }

    /// The address to solicit `other` from: never one that is not proved
    /// (RFC 4429 §3.3).
    pub(super) fn asks_from(&self, other: Ipv6Addr) -> Option<Ipv6Addr> {
        self.source_among(other, OwnAddress::is_proved)
    }

    fn source_among(&self, other: Ipv6Addr, may: fn(&OwnAddress) -> bool) -> Option<Ipv6Addr> {
        let find = |kind: AddressKind| {
            let found = self
                .addresses
                .iter()
                .find(|own| own.kind == kind && may(own));
            found.map(|own| own.address)
        };
        let link_local = find(AddressKind::LinkLocal);
        let global = find(AddressKind::Configured);
        if other.is_unicast_link_local() {
            link_local.or(global)
        } else {
            global.or(link_local)
        }
    }

    /// No address can be used, nor will one soon: nobody can be asked.
    pub(super) fn is_mute(&self) -> bool {
        self.addresses
            .iter()
            .filter(|own| own.kind != AddressKind::Locator)
            .all(|own| own.state() == AddressState::Duplicate)
    }

    /// The address that stands for the locator, if that is announced here and
    /// nobody else's.
    pub(super) fn announces(&self, locator: Locator) -> Option<&OwnAddress> {
        let host = self.own(host_of(locator));
        host.filter(|host| host.is_usable())
    }

    /// Is a packet to this address, come in here, for the host itself?
    pub(super) fn listens_to(&self, destination: Ipv6Addr) -> bool {
        destination == ALL_NODES
            || self.listener.groups().contains(&destination)
            || self
                .own(destination)
                .is_some_and(|own| own.state() != AddressState::Duplicate)
    }

    /// The groups in which the host is solicited here; `tenants`: in which its
    /// tenants are.
    pub(super) fn solicited_groups(&self, tenants: &BTreeSet<Ipv6Addr>) -> BTreeSet<Ipv6Addr> {
        let valid = |own: &&OwnAddress| own.state() != AddressState::Duplicate;
        let mut groups: BTreeSet<_> = self
            .addresses
            .iter()
            .filter(valid)
            .map(|own| solicited_node(own.address))
            .collect();
        groups.extend(tenants);
        groups
    }

    /// Nothing has to be proved before the link is used.
    pub(super) fn is_resumed(&self) -> bool {
        self.addresses.iter().all(OwnAddress::is_usable)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        if !self.up {
            return None;
        }
        self.addresses
            .iter()
            .map(OwnAddress::deadline)
            .fold(self.listener.deadline(), earlier)
    }

    pub(super) fn facts(&self) -> UplinkFacts {
        UplinkFacts {
            port: self.port,
            mac: self.mac,
            mtu: self.mtu,
            kernel: self.kernel,
            address: self.usable(AddressKind::Configured),
            link_local: self.usable(AddressKind::LinkLocal),
            up: self.up,
        }
    }
}
