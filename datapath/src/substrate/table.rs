//! Fills the fast path's table from what the host knows.

use core::net::Ipv6Addr;

use packet::MacAddr;
use vnet::compiled::PortId;

use super::config::Announce;
use super::dad::{AddressState, OwnAddress};
use super::host::SubstrateHost;
use super::neighbor::NeighborState;
use super::neighbor_cache::Entry;
use super::routes::LinkAddress;
use super::snapshot::{MAX_ECMP, NextHopEntry, NextHopId, NextHops, OwnAddresses, UplinkTable};
use super::uplink::Uplink;

impl SubstrateHost {
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

    fn next_hop_entry(&self, id: NextHopId, hop: Option<(LinkAddress, &Entry)>) -> NextHopEntry {
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
        let listened = |own: &&OwnAddress| own.state() != AddressState::Duplicate;
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
}

/// Those of a host's next hops that are best known: with a MAC; else, not
/// failed; else all.
fn best_of(hops: &[NextHopId], entries: &[NextHopEntry]) -> NextHops {
    let which = |good: fn(&NextHopEntry) -> bool| -> NextHops {
        let is_good = |id: &NextHopId| entries.get(id.index()).is_some_and(good);
        let ids = hops.iter().copied().filter(is_good);
        ids.take(MAX_ECMP).collect()
    };
    let ways: [fn(&NextHopEntry) -> bool; 3] = [
        |entry| entry.destination_mac.is_some(),
        |entry| entry.state != NeighborState::Failed,
        |_| true,
    ];
    let mut found = ways.into_iter().map(which);
    found.find(|hops| !hops.is_empty()).unwrap_or_default()
}
