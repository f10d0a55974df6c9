//! What is known of the path to each host: the largest IPv6 packet that gets
//! there (RFC 8201).
//!
//! A cell per host, so the table is as bounded as the hosts are. Whichever
//! worker hears a router's Packet Too Big writes it, all read it with one load:
//! nothing of the configuration changes, so nothing is published.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use packet::ipv6::IPV6_MIN_MTU;
use vnet::compiled::HostId;

/// After so long the path may be tried again with larger packets (RFC 8201
/// §4 recommends ten minutes).
pub const AGE: Duration = Duration::from_mins(10);

/// The learned path MTUs, by [`HostId`].
#[derive(Debug, Default)]
pub struct PathMtus {
    /// Milliseconds of expiry in the upper 48 bits, bytes in the lower 16; 0:
    /// nothing learned.
    cells: Vec<Arc<Cells>>,
}

/// Of so many hosts with ids that follow each other.
type Cells = [AtomicU64; CELLS];

const CELLS: usize = 256;

/// What has been learned of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// The largest IPv6 packet that gets there, in bytes.
    pub mtu: u16,
    /// When that is forgotten, on the clock of the workers.
    pub until: Duration,
}

impl PathMtus {
    /// Nothing learned, of at least so many hosts.
    pub fn new(hosts: usize) -> Self {
        Self::default().with_room_for(hosts)
    }

    /// What has been learned, and is yet to be learned through either of the
    /// two, with room for at least so many hosts.
    #[must_use]
    pub fn with_room_for(&self, hosts: usize) -> Self {
        let mut cells = self.cells.clone();
        let blocks = hosts.div_ceil(CELLS).max(cells.len());
        cells.resize_with(blocks, || Arc::new([const { AtomicU64::new(0) }; CELLS]));
        Self { cells }
    }

    /// The host that had this id has gone: nothing of its path is true of the
    /// next one's.
    pub fn forget(&self, host: HostId) {
        if let Some(cell) = self.cell(host) {
            cell.store(0, Ordering::Relaxed);
        }
    }

    fn cell(&self, host: HostId) -> Option<&AtomicU64> {
        let at = host.0 as usize;
        self.cells.get(at / CELLS)?.get(at % CELLS)
    }

    /// What has been learned of the path to a host and is not too old.
    pub fn learned(&self, host: HostId, now: Duration) -> Option<Learned> {
        let cell = self.cell(host)?.load(Ordering::Relaxed);
        let [a, b, c, d, e, f, high, low] = cell.to_be_bytes();
        let learned = Learned {
            mtu: u16::from_be_bytes([high, low]),
            until: Duration::from_millis(u64::from_be_bytes([0, 0, a, b, c, d, e, f])),
        };
        (cell != 0 && now < learned.until).then_some(learned)
    }

    /// A router said that no larger packets than these get to the host. True
    /// if that is news: a path MTU is only ever lowered by messages, and never
    /// below what every IPv6 link carries (RFC 8201 §4).
    pub fn lower(&self, host: HostId, mtu: u16, now: Duration) -> bool {
        let known = self.learned(host, now);
        let Some(cell) = self.cell(host) else {
            return false;
        };
        if mtu < IPV6_MIN_MTU || known.is_some_and(|known| known.mtu <= mtu) {
            return false;
        }
        let until = u64::try_from((now + AGE).as_millis()).unwrap_or(u64::MAX);
        cell.store(until << 16 | u64::from(mtu), Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostId = HostId(1);

    #[test]
    fn a_path_only_narrows_until_it_is_forgotten() {
        let paths = PathMtus::new(2);
        let at = Duration::from_secs;
        assert_eq!(paths.learned(HOST, at(0)), None);
        assert!(paths.lower(HOST, 1400, at(5)));
        assert!(!paths.lower(HOST, 1450, at(6)));
        assert!(!paths.lower(HOST, 1400, at(6)));
        let learned = paths.learned(HOST, at(7)).unwrap();
        assert_eq!((learned.mtu, learned.until), (1400, at(605)));
        assert_eq!(paths.learned(HOST, at(605)), None);
        assert!(paths.lower(HOST, 1450, at(700)));
        assert_eq!(paths.learned(HostId(0), at(700)), None);
    }

    #[test]
    fn more_hosts_share_what_is_known_and_a_gone_one_is_forgotten() {
        let before = PathMtus::new(2);
        let after = before.with_room_for(300);
        let learned = |paths: &PathMtus, host| {
            let learned = paths.learned(host, Duration::ZERO);
            learned.map(|learned| learned.mtu)
        };
        assert!(before.lower(HOST, 1400, Duration::ZERO));
        assert!(after.lower(HostId(299), 1300, Duration::ZERO));
        assert_eq!(learned(&after, HOST), Some(1400));
        assert_eq!(learned(&before, HostId(299)), None);
        after.forget(HOST);
        assert_eq!(learned(&before, HOST), None);
    }

    #[test]
    fn less_than_ipv6s_least_mtu_is_no_news() {
        let paths = PathMtus::new(2);
        assert!(!paths.lower(HOST, 1279, Duration::ZERO));
        assert!(paths.lower(HOST, 1280, Duration::ZERO));
        assert!(!paths.lower(HostId(256), 1400, Duration::ZERO));
    }
}
