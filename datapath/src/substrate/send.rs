//! How the host's own packets leave: by which neighbour, now or later.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::MacAddr;
use packet::nd::Solicitation;

use super::address::solicited_node;
use super::effect::Effect;
use super::frame::Outgoing;
use super::host::SubstrateHost;
use super::neighbor::NeighborState;
use super::neighbor_cache::{CacheEvent, Queued};
use super::reason::Reason;
use super::routes::{LinkAddress, UplinkIndex};

impl SubstrateHost {
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
        let Some(source) = uplink.asks_from(neighbor.address) else {
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
    pub(super) fn finish(&mut self) -> Vec<Effect> {
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
}
