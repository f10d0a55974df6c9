//! Whatever comes: no panic, bounded answers, bounded memory, and every frame
//! counted once.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::IpProtocol;
use packet::checksum::{Sum, pseudo_header_v6};
use packet::ipv6::Ipv6Header;
use vnet::compiled::{HostId, PortId};
use zerocopy::FromBytes;

use super::super::address::{ALL_NODES, link_local, solicited_node};
use super::super::frame::Outgoing;
use super::super::random::Random;
use super::super::testing::{address, locator, mac, uplink};
use super::super::{Announce, Effect, NextHopId, Reason};
use super::judge::read;
use super::*;

const FRAMES: u64 = 400_000;

/// A frame causes at most one answer, and one solicitation to deliver it, or
/// releases what was held for one neighbour.
const MOST_FRAMES_OUT: usize = 4;

struct Source(Random);

impl Source {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.bits() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.0.bits().to_be_bytes()[0]
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn address(&mut self) -> Ipv6Addr {
        let interesting = [
            HOST,
            ROUTER,
            link_local(host_mac()),
            ALL_NODES,
            Ipv6Addr::UNSPECIFIED,
            address("fe80::1"),
            address("fd00:0:0:a::1"),
            address("fd00:0:0:a:0:a001:a00:2"),
            address("fd00:0:0:b::1"),
            address("2001:db8::9"),
            solicited_node(HOST),
        ];
        match self.below(14) {
            0 => Ipv6Addr::from_bits(u128::from(self.0.bits()) << 64),
            1 => Ipv6Addr::new(0xfd00, 0, 0, 0xff, 0, 0, 0, self.byte().into()),
            2 => solicited_node(self.pick(&interesting)),
            _ => self.pick(&interesting),
        }
    }

    /// A frame that is right in most respects.
    fn valid(&mut self) -> Vec<u8> {
        let (source, target) = (self.address(), self.address());
        let to = match self.below(3) {
            0 => target,
            1 => solicited_node(target),
            _ => self.address(),
        };
        let from = self.byte();
        match self.below(5) {
            0 => solicitation(source, to, target, Some(from)),
            1 => solicitation(source, to, target, None),
            2 => {
                let solicited = self.below(2) == 0;
                advertisement(source, to, from, solicited)
            }
            3 => {
                let data = vec![from; self.below(1500)];
                ping(source, to, &data)
            }
            _ => {
                let mut query = packet::mld::v1_message(packet::mld::QUERY, target);
                query[5] = from;
                query.extend(vec![0; self.pick(&[0, 4, 20])]);
                Outgoing::mld(source, to, mac(from), &query)
            }
        }
    }

    fn frame(&mut self) -> Vec<u8> {
        if self.below(20) == 0 {
            let len = self.below(200);
            return (0..len).map(|_| self.byte()).collect();
        }
        let mut frame = self.valid();
        for _ in 0..self.below(4) {
            let at = self.below(frame.len());
            // More often in the headers than in the data.
            let at = if self.below(2) == 0 { at } else { at % 100 };
            let byte = self.byte();
            if let Some(hit) = frame.get_mut(at) {
                *hit = byte;
            }
        }
        match self.below(12) {
            0 => frame.truncate(self.below(frame.len())),
            1 => frame.extend(vec![0; self.below(64)]),
            2 => frame[20] = self.pick(&[0, 6, 43, 44, 58, 59, 60]),
            _ => {}
        }
        if self.below(4) != 0 {
            mend_checksum(&mut frame);
        }
        frame
    }
}

/// Gives mutated messages a right checksum, so that they get past that door.
fn mend_checksum(frame: &mut [u8]) {
    let at = if frame.get(20) == Some(&0) { 62 } else { 54 };
    let Some((headers, message)) = frame.split_at_mut_checked(at) else {
        return;
    };
    let (Some(field), Some(header)) = (
        message.get_mut(2..4),
        headers
            .get(14..)
            .and_then(|ip| Ipv6Header::ref_from_prefix(ip).ok()),
    ) else {
        return;
    };
    field.fill(0);
    let (header, _) = header;
    let len = (header.payload_len() + 54)
        .saturating_sub(at)
        .min(message.len());
    let pseudo = pseudo_header_v6(
        header.address_sum(),
        u32::try_from(len).unwrap(),
        IpProtocol::ICMPV6,
    );
    let sum = pseudo.and(Sum::of(&message[..len])).checksum();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
}

fn ordeal(announce: Announce, seed: u64) -> SubstrateHost {
    let mut source = Source(Random::new(seed));
    let (mut host, mut now) = settled(|config| {
        config.announce = announce;
        config.uplinks.push(uplink(1, &[("fd00:0:0:b::/64", &[])]));
        config.limits.learned_neighbors = 50;
    });
    for _ in 0..FRAMES / 2 {
        now += source.0.up_to(Duration::from_millis(30));
        let port = PortId(if source.below(50) == 0 { 7 } else { 0 });
        let effects = match source.below(1000) {
            0 => host.mark_used(NextHopId(source.byte().into()), now),
            1 => host.resolve(NextHopId(u32::from(source.byte()) % 3), now),
            2 => host.set_link(PortId(0), source.below(4) != 0, now),
            3 => {
                let b = (HostId(1), locator("fd00:0:0:b::/64"));
                let c = (HostId(2), locator("fd00:0:0:c::/64"));
                let peers = [b, c];
                host.set_peers(&peers[..source.below(3)], now)
            }
            _ => host.handle(port, &source.frame(), now).effects,
        };
        check(&effects, MOST_FRAMES_OUT);
        let mut rounds = 0;
        while host.next_deadline().is_some_and(|at| at <= now) {
            check(&host.tick(now), 200);
            rounds += 1;
            assert!(rounds < 20, "what is due stays due");
        }
        assert!(host.neighbors().len() <= 50 + 4);
    }
    let received = Reason::ALL.iter().filter(|r| !r.is_of_answers());
    let refused: u64 = received.map(|r| host.counts().of(*r)).sum();
    assert_eq!(host.counts().handled, host.counts().used + refused);
    host
}

/// Few frames, and each of them right.
fn check(effects: &[Effect], most: usize) {
    let frames = effects.iter().filter_map(|effect| match effect {
        Effect::Send { frame, .. } => Some(frame),
        _ => None,
    });
    assert!(frames.clone().count() <= most, "{effects:?}");
    for frame in frames {
        if frame.get(62) == Some(&131) || frame.get(62) == Some(&132) {
            continue;
        }
        read(frame);
    }
}

#[test]
fn a_routed_host_survives() {
    let host = ordeal(Announce::Routed, 1);
    assert_met(&host, &[]);
}

#[test]
fn an_on_link_host_survives() {
    let host = ordeal(Announce::OnLink, 2);
    assert_met(&host, &[Reason::TargetNotOurs, Reason::AddressConflict]);
}

/// The ordeal was one: it went through these doors, too.
fn assert_met(host: &SubstrateHost, more: &[Reason]) {
    let common = [
        Reason::NotAnUplink,
        Reason::Truncated,
        Reason::NotIpv6,
        Reason::SourceMacInvalid,
        Reason::NotForThisMac,
        Reason::BadIpHeader,
        Reason::NotForThisHost,
        Reason::BadHopByHop,
        Reason::Fragment,
        Reason::ExtensionHeader,
        Reason::ProtocolUnsupported,
        Reason::BadChecksum,
        Reason::NdMalformed,
        Reason::NdHopLimit,
        Reason::NdSource,
        Reason::AdvertisementUnwanted,
        Reason::QueryMalformed,
        Reason::QuerySource,
        Reason::EchoToGroup,
    ];
    for reason in common.iter().chain(more) {
        assert_ne!(host.counts().of(*reason), 0, "{}", reason.name());
    }
    assert!(host.counts().used > 1000, "{:?}", host.counts());
}
