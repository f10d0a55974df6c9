//! The hosts that mappings point to, and their locators.

use core::net::Ipv6Addr;

use hashbrown::HashMap;
use packet::Locator;
use vnet::compiled::{Host, HostId};

/// The locators of hosts. Ids need not be without gaps: a host that is gone
/// leaves one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostTable {
    /// By id.
    locators: Vec<Option<Locator>>,
    /// The other way round.
    by_locator: HashMap<Locator, HostId>,
}

impl HostTable {
    /// The id of the host that the tables are for.
    pub const OWN: HostId = HostId(0);

    /// The hosts of a configuration, numbered as they stand in it.
    pub fn of(hosts: &[Host]) -> Self {
        let numbered = (0..).map(HostId).zip(hosts);
        numbered.map(|(id, host)| (id, host.locator)).collect()
    }

    /// The locator of a host.
    pub fn locator(&self, host: HostId) -> Option<Locator> {
        *self.locators.get(host.0 as usize)?
    }

    /// This host's own locator.
    pub fn own_locator(&self) -> Option<Locator> {
        self.locator(Self::OWN)
    }

    /// Under whose locator the address lies.
    pub fn at(&self, address: Ipv6Addr) -> Option<HostId> {
        self.by_locator.get(&Locator::of(address)).copied()
    }

    /// One more than the largest id: as many cells has a list by host.
    pub fn places(&self) -> usize {
        self.locators.len()
    }

    /// The hosts, by id.
    pub fn iter(&self) -> impl Iterator<Item = (HostId, Locator)> + '_ {
        let numbered = (0..).map(HostId).zip(&self.locators);
        numbered.filter_map(|(id, locator)| Some((id, (*locator)?)))
    }
}

impl FromIterator<(HostId, Locator)> for HostTable {
    /// Of hosts and their locators; a later one of the same id wins.
    fn from_iter<I: IntoIterator<Item = (HostId, Locator)>>(hosts: I) -> Self {
        let mut table = Self::default();
        for (id, locator) in hosts {
            let at = id.0 as usize;
            if table.locators.len() <= at {
                table.locators.resize(at + 1, None);
            }
            if let Some(place) = table.locators.get_mut(at) {
                *place = Some(locator);
            }
        }
        table.by_locator = table.iter().map(|(id, locator)| (locator, id)).collect();
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_by_id_and_by_locator_over_gaps() {
        let locator = |last: u16| Locator::of(Ipv6Addr::new(0xfd00, 0, 0, last, 0, 0, 0, 0));
        let table: HostTable = [(HostId(3), locator(3)), (HostId(0), locator(1))]
            .into_iter()
            .collect();
        assert_eq!(table.own_locator(), Some(locator(1)));
        assert_eq!(table.locator(HostId(3)), Some(locator(3)));
        assert_eq!(table.locator(HostId(1)), None);
        assert_eq!(table.locator(HostId(4)), None);
        let address = Ipv6Addr::new(0xfd00, 0, 0, 3, 1, 2, 3, 4);
        assert_eq!(table.at(address), Some(HostId(3)));
        assert_eq!(table.at(Ipv6Addr::LOCALHOST), None);
        assert_eq!(table.places(), 4);
        assert_eq!(table.iter().count(), 2);
    }
}
