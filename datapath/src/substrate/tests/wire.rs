//! Hosts on one wire, with a clock of their own.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::nd::Solicitation;
use vnet::compiled::{HostId, PortId};

use super::super::address::solicited_node;
use super::super::frame::Outgoing;
use super::super::testing::{config, locator, mac, uplink};
use super::super::{
    AddressInfo, AddressKind, AddressState, Announce, Effect, Held, HeldAddress, HeldNeighbor,
    NeighborState, NextHopId, SubstrateConfig, SubstrateHost,
};
use super::judge::{Seen, What, read};

const SECOND: Duration = Duration::from_secs(1);
const PORT: PortId = PortId(0);
const HOP: NextHopId = NextHopId(0);

/// Every frame of one host reaches all others, at once, unless the wire is cut.
struct Wire {
    hosts: Vec<SubstrateHost>,
    now: Duration,
    cut: bool,
    /// Effects other than frames, with who caused them.
    seen: Vec<(usize, Effect)>,
}

impl Wire {
    fn new(configs: Vec<SubstrateConfig>) -> Self {
        let now = Duration::from_secs(100);
        let host = |config| SubstrateHost::new(config, now).unwrap();
        Self {
            hosts: configs.into_iter().map(host).collect(),
            now,
            cut: false,
            seen: Vec::new(),
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = { self.hosts.iter() }.filter_map(SubstrateHost::next_deadline);
            let Some(at) = next.min().filter(|at| *at <= end) else {
                break;
            };
            self.now = at.max(self.now);
            for index in 0..self.hosts.len() {
                let effects = self.hosts[index].tick(self.now);
                self.carry_out(index, effects);
            }
        }
        self.now = end;
    }

    fn carry_out(&mut self, from: usize, effects: Vec<Effect>) {
        let mut todo: Vec<_> = effects.into_iter().map(|e| (from, e)).collect();
        let mut steps = 0;
        while !todo.is_empty() {
            steps += 1;
            assert!(steps < 1000, "the hosts answer each other for ever");
            let (from, effect) = todo.remove(0);
            let Effect::Send { frame, .. } = &effect else {
                self.seen.push((from, effect));
                continue;
            };
            read(frame);
            if self.cut {
                continue;
            }
            for to in (0..self.hosts.len()).filter(|to| *to != from) {
                if !self.is_punted(to, frame) {
                    continue;
                }
                let handled = self.hosts[to].handle(PORT, frame, self.now);
                todo.extend(handled.effects.into_iter().map(|e| (to, e)));
            }
        }
    }

    /// What the fast path would let through to the host.
    fn is_punted(&self, to: usize, frame: &[u8]) -> bool {
        let seen = read(frame);
        let table = self.hosts[to].snapshot();
        let heard = seen.to.is_group() || seen.to == table.uplinks[0].mac;
        let next_header = packet::IpProtocol(frame[20]);
        let own = &table.own;
        heard
            && (own.is_for_host(seen.destination)
                || own.is_neighbor_discovery(seen.destination, next_header, frame[54]))
    }

    fn state(&self, host: usize) -> NeighborState {
        self.hosts[host].snapshot().next_hops[HOP.index()].state
    }

    fn addresses(&self, host: usize) -> Vec<AddressState> {
        let addresses = self.hosts[host].addresses();
        addresses.iter().map(|a| a.state).collect()
    }

    fn use_hop(&mut self, host: usize) {
        let effects = self.hosts[host].mark_used(HOP, self.now);
        self.carry_out(host, effects);
    }
}

/// Host 0 is `fd00:0:0:a::/64`, host 1 `b`; both on-link for each other.
fn pair() -> Vec<SubstrateConfig> {
    let host = |own: u16, peer: u16, seed| {
        let to = format!("fd00:0:0:{peer:x}::/64");
        let mut link = uplink(0, &[(&to, &[])]);
        link.mac = mac(u8::try_from(own).unwrap());
        link.address = format!("fd00:0:0:ff::{own:x}").parse().unwrap();
        let mut config = config(&format!("fd00:0:0:{own:x}::/64"), vec![link]);
        config.announce = Announce::OnLink;
        config.peers = vec![(HostId(u32::from(peer) - 10), locator(&to))];
        config.seed = seed;
        config
    };
    vec![host(10, 11, 1), host(11, 10, 2)]
}

fn settled_pair() -> Wire {
    let mut wire = Wire::new(pair());
    wire.run(SECOND * 5);
    assert_eq!(wire.addresses(0), [AddressState::Preferred; 3]);
    assert_eq!(wire.addresses(1), [AddressState::Preferred; 3]);
    wire
}

#[test]
fn two_hosts_find_each_other() {
    let wire = settled_pair();
    for (host, peer, peer_mac) in [(0, HostId(1), 11), (1, HostId(0), 10)] {
        let table = wire.hosts[host].snapshot();
        let hop = table.next_hop(peer, 77).unwrap();
        assert_eq!(hop.destination_mac, Some(mac(peer_mac)));
        assert_ne!(hop.state, NeighborState::Incomplete);
        assert_eq!(hop.source_mac, table.uplinks[0].mac);
        assert!(
            wire.seen
                .contains(&(host, Effect::Resolved { next_hop: HOP }))
        );
        let counts = wire.hosts[host].counts();
        assert_eq!(counts.handled, counts.used + refusals(&wire.hosts[host]));
    }
}

fn refusals(host: &SubstrateHost) -> u64 {
    let received = super::super::Reason::ALL
        .iter()
        .filter(|r| !r.is_of_answers());
    received.map(|reason| host.counts().of(*reason)).sum()
}

#[test]
fn idle_it_goes_stale_and_stays_known_used_it_is_probed() {
    let mut wire = settled_pair();
    wire.run(SECOND * 60);
    assert_eq!(wire.state(0), NeighborState::Stale);
    wire.run(SECOND * 3600);
    assert_eq!(wire.state(0), NeighborState::Stale);
    assert!(wire.hosts[0].next_deadline().is_none(), "idle is free");
    wire.use_hop(0);
    assert_eq!(wire.state(0), NeighborState::Delay);
    wire.run(SECOND * 4);
    assert_eq!(wire.state(0), NeighborState::Delay);
    wire.run(SECOND);
    assert_eq!(
        wire.state(0),
        NeighborState::Reachable,
        "probed and answered"
    );
}

#[test]
fn a_cut_is_noticed_in_use_and_so_is_its_mending() {
    let mut wire = settled_pair();
    wire.run(SECOND * 60);
    wire.cut = true;
    wire.use_hop(0);
    wire.run(SECOND * 6);
    assert_eq!(wire.state(0), NeighborState::Probe);
    wire.seen.clear();
    wire.run(SECOND * 2);
    assert_eq!(wire.state(0), NeighborState::Failed);
    assert!(wire.seen.contains(&(0, Effect::Failed { next_hop: HOP })));
    let table = wire.hosts[0].snapshot();
    assert_eq!(table.next_hops[0].destination_mac, None);
    assert_eq!(table.by_host[1].as_slice(), [HOP], "shown, as failed");
    wire.run(SECOND * 600);
    wire.cut = false;
    wire.seen.clear();
    wire.run(SECOND * 17);
    assert_eq!(wire.state(0), NeighborState::Reachable);
    assert!(wire.seen.contains(&(0, Effect::Resolved { next_hop: HOP })));
}

#[test]
fn a_new_mac_is_believed_when_it_is_announced() {
    let mut wire = settled_pair();
    let mut config = pair().remove(1);
    config.uplinks[0].mac = mac(0x99);
    wire.hosts[1] = SubstrateHost::new(config, wire.now).unwrap();
    wire.run(SECOND * 3);
    let hop = wire.hosts[0].snapshot().next_hops[0];
    assert_eq!(hop.destination_mac, Some(mac(0x99)));
}

#[test]
fn of_two_that_want_one_address_the_first_keeps_it() {
    let mut configs = pair();
    configs[1].uplinks[0].address = configs[0].uplinks[0].address;
    let late = configs.remove(1);
    let mut wire = Wire::new(configs);
    wire.run(SECOND * 5);
    wire.hosts.push(SubstrateHost::new(late, wire.now).unwrap());
    wire.run(SECOND * 5);
    assert_eq!(wire.addresses(0), [AddressState::Preferred; 3]);
    assert_eq!(wire.addresses(1)[0], AddressState::Duplicate);
    // It works all the same, from its link-local address.
    assert_eq!(wire.state(1), NeighborState::Reachable);
}

#[test]
fn of_two_that_want_one_address_at_once_one_gets_it_at_most() {
    for seed in 0..50 {
        let mut configs = pair();
        configs[1].uplinks[0].address = configs[0].uplinks[0].address;
        configs[0].seed = seed;
        configs[1].seed = seed.pow(2) / 2;
        let mut wire = Wire::new(configs);
        wire.run(SECOND * 5);
        let states = [wire.addresses(0)[0], wire.addresses(1)[0]];
        assert!(states.contains(&AddressState::Duplicate), "{states:?}");
        assert!(!states.contains(&AddressState::Tentative), "{states:?}");
    }
}

#[test]
fn a_locator_that_another_host_announces_is_not_announced() {
    let mut configs = pair();
    configs[1].locator = configs[0].locator;
    let late = configs.remove(1);
    let mut wire = Wire::new(configs);
    wire.run(SECOND * 5);
    wire.hosts.push(SubstrateHost::new(late, wire.now).unwrap());
    wire.run(SECOND * 5);
    let last = *wire.hosts[1].addresses().last().unwrap();
    assert_eq!(last.kind, AddressKind::Locator);
    assert_eq!(last.state, AddressState::Duplicate);
    assert_eq!(wire.addresses(0), [AddressState::Preferred; 3]);
}

#[test]
fn a_link_that_goes_down_and_up_starts_anew() {
    let mut wire = settled_pair();
    wire.seen.clear();
    let effects = wire.hosts[0].set_link(PORT, false, wire.now);
    wire.carry_out(0, effects);
    assert_eq!(wire.seen[0], (0, Effect::TableChanged));
    assert_eq!(wire.seen[1], (0, Effect::Failed { next_hop: HOP }));
    assert_eq!(wire.state(0), NeighborState::Failed);
    assert!(!wire.hosts[0].snapshot().uplinks[0].up);
    wire.run(SECOND * 100);
    assert_eq!(wire.hosts[0].next_deadline(), None, "nothing is tried");
    let effects = wire.hosts[0].set_link(PORT, true, wire.now);
    wire.carry_out(0, effects);
    assert_eq!(wire.addresses(0), [AddressState::Tentative; 3]);
    wire.run(SECOND * 5);
    assert_eq!(wire.addresses(0), [AddressState::Preferred; 3]);
    assert_eq!(wire.state(0), NeighborState::Reachable);
    assert_eq!(wire.hosts[0].set_link(PORT, true, wire.now), []);
}

/// What host 1 had when it ended.
fn held_by(wire: &Wire) -> Held {
    let held = |own: AddressInfo| HeldAddress {
        mac: mac(11),
        address: own.address,
    };
    let hop = wire.hosts[1].snapshot().next_hops[HOP.index()];
    Held {
        addresses: wire.hosts[1].addresses().into_iter().map(held).collect(),
        neighbors: vec![HeldNeighbor {
            uplink: hop.source_mac,
            address: hop.address,
            mac: hop.destination_mac.unwrap(),
        }],
    }
}

/// Host 1 starts again with what it had.
fn start_again(wire: &mut Wire, held: Held) {
    let config = SubstrateConfig {
        held,
        ..pair().remove(1)
    };
    wire.hosts[1] = SubstrateHost::new(config, wire.now).unwrap();
}

/// What host 1 sends at once, though a packet waits for its next hop.
fn first_words(wire: &mut Wire) -> Vec<Seen> {
    let mut effects = wire.hosts[1].tick(wire.now);
    effects.extend(wire.hosts[1].resolve(HOP, wire.now));
    let seen = effects.iter().filter_map(|effect| match effect {
        Effect::Send { frame, .. } => Some(read(frame)),
        _ => None,
    });
    let seen = seen.collect();
    wire.carry_out(1, effects);
    seen
}

#[test]
fn who_starts_again_goes_on_at_once() {
    let mut wire = settled_pair();
    let held = held_by(&wire);
    start_again(&mut wire, held);
    assert_eq!(wire.addresses(1), [AddressState::Preferred; 3]);
    let table = wire.hosts[1].snapshot();
    assert_eq!(table.next_hops[HOP.index()].destination_mac, Some(mac(10)));
    wire.run(SECOND * 5);
    assert_eq!(wire.addresses(0), [AddressState::Preferred; 3]);
    assert_eq!(wire.addresses(1), [AddressState::Preferred; 3]);
    assert_eq!(
        wire.state(1),
        NeighborState::Reachable,
        "it was asked since"
    );
}

/// RFC 4429 §3.3: no Neighbor Solicitation comes from an Optimistic Address.
#[test]
fn who_starts_again_asks_for_its_addresses_and_for_nobody() {
    let mut wire = settled_pair();
    let held = Held {
        neighbors: Vec::new(),
        ..held_by(&wire)
    };
    let own: Vec<_> = held.addresses.iter().map(|held| held.address).collect();
    start_again(&mut wire, held);
    let mut asked = Vec::new();
    for seen in first_words(&mut wire) {
        match seen.what {
            What::Solicitation(target, None) if seen.source.is_unspecified() => asked.push(target),
            What::Report(_) => {}
            _ => panic!("{seen:?}"),
        }
    }
    assert_eq!(asked, own);
    wire.run(SECOND * 2);
    let hop = &wire.hosts[1].snapshot().next_hops[HOP.index()];
    assert_eq!(hop.destination_mac, Some(mac(10)), "sought once proved");
}

/// RFC 4429 §3.2: nor does an advertisement of one override.
#[test]
fn who_starts_again_overrides_nobody_before_its_address_is_proved() {
    let mut wire = settled_pair();
    let held = held_by(&wire);
    let own = held.addresses[0].address;
    start_again(&mut wire, held);
    first_words(&mut wire);
    let flags = |wire: &mut Wire| {
        let asker = pair()[0].uplinks[0].address;
        let question = Solicitation {
            target: own,
            source_mac: Some(mac(10)),
            nonce: None,
        };
        let packet = Outgoing::discovery(asker, own);
        let frame = packet.frame(mac(10), mac(11), &question.emit());
        let effects = wire.hosts[1].handle(PORT, &frame, wire.now).effects;
        let answers = effects.iter().filter_map(|effect| match effect {
            Effect::Send { frame, .. } => Some(read(frame).what),
            _ => None,
        });
        let flags = answers.filter_map(|what| match what {
            What::Advertisement(_, _, flags) => Some(flags),
            _ => None,
        });
        flags.collect::<Vec<_>>()
    };
    assert_eq!(flags(&mut wire), ["S"]);
    wire.run(SECOND * 5);
    assert_eq!(flags(&mut wire), ["SO"]);
}

#[test]
fn what_was_held_at_another_mac_is_proved_first() {
    let mut wire = settled_pair();
    let mut held = held_by(&wire);
    for held in &mut held.addresses {
        held.mac = mac(12);
    }
    start_again(&mut wire, held);
    assert_eq!(wire.addresses(1), [AddressState::Tentative; 3]);
    let hop = &wire.hosts[1].snapshot().next_hops[HOP.index()];
    assert_eq!(hop.destination_mac, None, "nor is anybody known there");
}

#[test]
fn who_starts_again_gives_up_what_another_has_taken() {
    let mut wire = settled_pair();
    let held = held_by(&wire);
    let mut other = pair().remove(0);
    other.uplinks[0].address = held.addresses[0].address;
    wire.hosts[0] = SubstrateHost::new(other, wire.now).unwrap();
    let absent = pair().remove(1);
    wire.hosts.pop();
    wire.run(SECOND * 5);
    wire.hosts
        .push(SubstrateHost::new(absent, wire.now).unwrap());
    start_again(&mut wire, held);
    wire.run(Duration::ZERO);
    assert_eq!(wire.addresses(1)[0], AddressState::Duplicate);
    wire.run(SECOND * 5);
    assert_eq!(wire.addresses(0), [AddressState::Preferred; 3]);
    assert_eq!(wire.addresses(1)[1], AddressState::Preferred);
}

/// RFC 4429 §3.4: who asks for it just now is not answered, but given way to.
#[test]
fn who_starts_again_gives_way_to_who_asks_for_the_same() {
    let mut wire = settled_pair();
    let held = held_by(&wire);
    let own = held.addresses[0].address;
    start_again(&mut wire, held);
    first_words(&mut wire);
    let question = Solicitation {
        target: own,
        source_mac: None,
        nonce: None,
    };
    let packet = Outgoing::discovery(Ipv6Addr::UNSPECIFIED, solicited_node(own));
    let frame = packet.frame(mac(9), mac(9), &question.emit());
    let effects = wire.hosts[1].handle(PORT, &frame, wire.now).effects;
    let sends = |effect: &Effect| matches!(effect, Effect::Send { .. });
    assert!(!effects.iter().any(sends), "{effects:?}");
    assert_eq!(wire.addresses(1)[0], AddressState::Duplicate);
}

#[test]
fn the_first_packet_waits_no_longer_than_it_must() {
    let mut configs = pair();
    for config in &mut configs {
        config.dad_transmits = 0;
    }
    let mut wire = Wire::new(configs);
    wire.run(Duration::ZERO);
    for host in &wire.hosts {
        assert!(
            host.snapshot().next_hops[HOP.index()]
                .destination_mac
                .is_some()
        );
    }
}
