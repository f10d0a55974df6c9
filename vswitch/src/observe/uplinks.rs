//! The host's own addresses on the fabric, uplink by uplink.

use std::time::Duration;

use datapath::substrate::{AddressState, NeighborInfo, NeighborState};
use vnet::compiled::PortId;

use super::Observer;
use crate::config;
use crate::control::source::{DuplicateAddress, LinkState, Uplink, UplinkAddress};
use crate::slow_path::SubstrateView;

impl Observer {
    fn link(&self, port: PortId) -> LinkState {
        let info = self.ports.now().get(port).and_then(|port| port.info());
        info.map_or(LinkState::Unknown, |info| info.link)
    }

    pub(super) fn shown_uplinks(&self) -> Vec<Uplink> {
        let now = self.started.elapsed();
        let substrate = &self.config.substrate;
        // The devices are asked first: they may be slow, the slow path is not
        // to wait for them.
        let links: Vec<LinkState> = substrate
            .uplinks
            .iter()
            .map(|u| self.link(u.port))
            .collect();
        let view = self.substrate.lock();
        let uplinks = substrate.uplinks.iter().zip(links);
        uplinks
            .map(|(uplink, link)| {
                let port = self.port_name(uplink.port);
                shown(uplink, port, link, substrate.announce, &view, now)
            })
            .collect()
    }

    pub(super) fn duplicate_addresses(&self) -> Vec<DuplicateAddress> {
        let view = self.substrate.lock();
        let duplicates = view
            .addresses
            .iter()
            .filter(|own| own.state == AddressState::Duplicate);
        duplicates
            .map(|own| DuplicateAddress {
                port: self.port_name(own.port),
                address: own.address,
            })
            .collect()
    }
}

fn shown(
    uplink: &config::Uplink,
    port: String,
    link: LinkState,
    announce: config::Announce,
    view: &SubstrateView,
    now: Duration,
) -> Uplink {
    let next_hops = || {
        let here = view.neighbors.iter().filter(|n| n.port == uplink.port);
        here.filter(|neighbor| neighbor.next_hop.is_some())
    };
    let resolved = |neighbor: &&NeighborInfo| {
        neighbor.mac.is_some() && neighbor.state != NeighborState::Failed
    };
    let own = view.addresses.iter().filter(|own| own.port == uplink.port);
    Uplink {
        port,
        mtu: uplink.mtu,
        link,
        announce,
        next_hops: count(next_hops()),
        next_hops_resolved: count(next_hops().filter(resolved)),
        addresses: own
            .map(|own| UplinkAddress {
                address: own.address,
                kind: own.kind,
                state: own.state,
                since: now.saturating_sub(own.since),
            })
            .collect(),
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use datapath::substrate::{AddressInfo, AddressKind, NextHopId};
    use packet::MacAddr;

    use super::*;

    const NOW: Duration = Duration::from_secs(60);

    fn uplink(port: u16) -> config::Uplink {
        config::Uplink {
            kernel: None,
            port: PortId(port),
            address: Ipv6Addr::LOCALHOST,
            prefix_length: 64,
            mtu: 9000,
            routes: Vec::new(),
        }
    }

    fn own(port: u16, state: AddressState) -> AddressInfo {
        AddressInfo {
            port: PortId(port),
            address: Ipv6Addr::LOCALHOST,
            kind: AddressKind::Configured,
            state,
            since: Duration::from_secs(48),
        }
    }

    fn neighbor(port: u16, state: NeighborState, next_hop: bool) -> NeighborInfo {
        NeighborInfo {
            port: PortId(port),
            address: Ipv6Addr::LOCALHOST,
            mac: (state != NeighborState::Incomplete).then_some(MacAddr::ZERO),
            state,
            since: Duration::ZERO,
            router: false,
            next_hop: next_hop.then_some(NextHopId(0)),
        }
    }

    #[test]
    fn each_uplink_shows_what_is_on_its_own_link() {
        let view = SubstrateView {
            neighbors: vec![
                neighbor(0, NeighborState::Reachable, true),
                neighbor(0, NeighborState::Incomplete, true),
                neighbor(0, NeighborState::Failed, true),
                neighbor(0, NeighborState::Stale, false),
                neighbor(1, NeighborState::Stale, true),
            ],
            addresses: vec![
                own(0, AddressState::Preferred),
                own(1, AddressState::Duplicate),
            ],
            ..SubstrateView::default()
        };
        let of = |port| {
            let uplink = uplink(port);
            shown(
                &uplink,
                String::new(),
                LinkState::Up,
                config::Announce::Routed,
                &view,
                NOW,
            )
        };
        let (first, second) = (of(0), of(1));
        assert_eq!((first.next_hops, first.next_hops_resolved), (3, 1));
        assert_eq!((second.next_hops, second.next_hops_resolved), (1, 1));
        assert_eq!(first.addresses.len(), 1);
        assert_eq!(first.addresses[0].state, AddressState::Preferred);
        assert_eq!(first.addresses[0].since, Duration::from_secs(12));
        assert_eq!(second.addresses[0].state, AddressState::Duplicate);
    }
}
