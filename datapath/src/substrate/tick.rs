//! What the host does because time passes.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::nd::Solicitation;

use super::address::solicited_node;
use super::dad::{AddressDue, AddressKind, MAX_FIRST_DELAY};
use super::effect::Effect;
use super::frame::Outgoing;
use super::host::SubstrateHost;
use super::neighbor_cache::earlier;
use super::random::Random;
use super::routes::UplinkIndex;
use super::uplink::Uplink;

impl SubstrateHost {
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
        let uplink = self.uplinks.get_mut(at.0);
        if let Some(uplink) = uplink.filter(|_| kind == AddressKind::LinkLocal) {
            uplink.listener.repeat(now);
        }
        self.seek_next_hops(at, now);
    }

    /// Can neighbours be solicited on this uplink?
    pub(super) fn can_ask(&self, at: UplinkIndex) -> bool {
        let uplink = self.uplink(at);
        uplink.is_ok_and(|u| u.up && u.asks_from(Ipv6Addr::UNSPECIFIED).is_some())
    }

    pub(super) fn seek_next_hops(&mut self, at: UplinkIndex, now: Duration) {
        if self.can_ask(at) {
            self.neighbors.seek_next_hops(at, now, &mut self.random);
        }
    }
}

/// When a link's first message goes out: at random within a second, so that
/// hosts that start together do not speak together (RFC 4862 §5.4.2). Without
/// duplicate detection nothing depends on the order: at once.
pub(super) fn first_message(now: Duration, dad_transmits: u8, random: &mut Random) -> Duration {
    if dad_transmits == 0 {
        now
    } else {
        now.saturating_add(random.up_to(MAX_FIRST_DELAY))
    }
}
