//! One packet in, one packet out, by the sentences of the RFCs.

use core::net::Ipv6Addr;
use core::time::Duration;

use packet::MacAddr;
use vnet::compiled::{HostId, PortId};

use super::super::address::{ALL_NODES, link_local, solicited_node};
use super::super::frame::Outgoing;
use super::super::testing::{address, config, locator, mac, uplink};
use super::super::{
    AddressState, Announce, Effect, NeighborState, NextHopId, Reason, SubstrateHost,
};
use super::judge::{Seen, What, read, sent};
use super::*;

const PORT: PortId = PortId(0);
const SECOND: Duration = Duration::from_secs(1);
const OWN_LOCATOR_HOST: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xa, 0, 0, 0, 1);
/// Tenant A's address of the worked example.
const TENANT: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0xa, 0, 0xa001, 0xa00, 2);

fn refused(host: &mut SubstrateHost, frame: &[u8], now: Duration) -> Option<Reason> {
    let before = host.counts().clone();
    let handled = host.handle(PORT, frame, now);
    assert_eq!(sent(&handled.effects), [], "refused and answered");
    let reason = handled.refused?;
    assert_eq!(host.counts().of(reason), before.of(reason) + 1);
    assert_eq!(host.counts().handled, before.handled + 1);
    Some(reason)
}

fn on_link() -> (SubstrateHost, Duration) {
    settled(|config| config.announce = Announce::OnLink)
}

#[test]
fn a_start_joins_groups_then_asks_for_its_addresses_then_uses_them() {
    let config = config("fd00:0:0:a::/64", vec![uplink(0, &[])]);
    let mut host = SubstrateHost::new(config, NOW).unwrap();
    let first = host.next_deadline().unwrap();
    assert!(first >= NOW && first <= NOW + SECOND);
    let frames = sent(&host.tick(first));
    let own_link_local = link_local(mac(0xa0));
    let What::Report(records) = &frames[0].what else {
        panic!("{frames:?}")
    };
    let groups = [HOST, own_link_local].map(solicited_node);
    assert_eq!(records.len(), 2);
    assert!(groups.iter().all(|group| records.contains(&(4, *group))));
    assert_eq!(frames[0].source, Ipv6Addr::UNSPECIFIED);
    assert_eq!(frames[0].hop_limit, 1);
    assert_eq!(frames[0].destination.to_string(), "ff02::16");
    assert_eq!(frames[0].to.to_string(), "33:33:00:00:00:16");
    for (frame, target) in frames[1..].iter().zip([HOST, own_link_local]) {
        assert_eq!(frame.what, What::Solicitation(target, None));
        assert_eq!(frame.source, Ipv6Addr::UNSPECIFIED);
        assert_eq!(frame.destination, solicited_node(target));
        assert_eq!(frame.to, MacAddr::for_ipv6_multicast(frame.destination));
        assert_eq!((frame.hop_limit, frame.from), (255, mac(0xa0)));
    }
    assert_eq!(host.snapshot().uplinks[0].address, None);
    let later = run(&mut host, first + SECOND);
    assert!(later.contains(&Effect::TableChanged));
    let facts = &host.snapshot().uplinks[0];
    assert_eq!(facts.address, Some(HOST));
    assert_eq!(facts.link_local, Some(own_link_local));
    let told = |frame: &&Seen| matches!(frame.what, What::Advertisement(..));
    let announced: Vec<_> = sent(&later).iter().filter(told).cloned().collect();
    assert_eq!(announced.len(), 2);
    let expect = What::Advertisement(HOST, Some(mac(0xa0)), "O".into());
    assert_eq!(announced[0].what, expect);
    assert_eq!(announced[0].destination, ALL_NODES);
    // Routers ignore reports from `::`: all groups again, from the link-local.
    let mut rest = sent(&later);
    rest.extend(sent(&run(&mut host, first + SECOND * 9)));
    let repeated = |frame: &&Seen| {
        frame.source == own_link_local && matches!(&frame.what, What::Report(r) if r.len() == 2)
    };
    assert_eq!(rest.iter().filter(repeated).count(), 2);
    assert_eq!(host.next_deadline(), None, "then it rests");
}

#[test]
fn who_asks_for_an_own_address_is_told() {
    let (mut host, now) = settled(|_| ());
    for (target, to) in [
        (HOST, solicited_node(HOST)),
        (HOST, HOST),
        (link_local(mac(0xa0)), solicited_node(link_local(mac(0xa0)))),
    ] {
        let handled = host.handle(PORT, &solicitation(ROUTER, to, target, Some(1)), now);
        assert_eq!(handled.refused, None);
        let answer = Seen {
            from: mac(0xa0),
            to: mac(1),
            source: target,
            destination: ROUTER,
            class: 0,
            hop_limit: 255,
            what: What::Advertisement(target, Some(mac(0xa0)), "SO".into()),
        };
        assert_eq!(sent(&handled.effects), [answer]);
    }
    // The router is a next hop, and what it told is of use.
    let entry = host.snapshot().next_hops[0];
    assert_eq!(entry.destination_mac, Some(mac(1)));
    assert_eq!(entry.state, NeighborState::Stale);
}

#[test]
fn who_is_about_to_take_an_own_address_is_told_with_everyone() {
    let (mut host, now) = settled(|_| ());
    let probe = solicitation(Ipv6Addr::UNSPECIFIED, solicited_node(HOST), HOST, None);
    let frames = sent(&host.handle(PORT, &probe, now).effects);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].destination, ALL_NODES);
    let expect = What::Advertisement(HOST, Some(mac(0xa0)), "O".into());
    assert_eq!(frames[0].what, expect);
}

#[test]
fn who_asks_without_giving_a_mac_is_sought_first() {
    let (mut host, now) = settled(|_| ());
    let stranger = address("fd00:0:0:ff::77");
    let question = solicitation(stranger, HOST, HOST, None);
    let frames = sent(&host.handle(PORT, &question, now).effects);
    assert_eq!(frames.len(), 1);
    assert_eq!(
        frames[0].what,
        What::Solicitation(stranger, Some(mac(0xa0)))
    );
    assert_eq!(frames[0].source, HOST);
    let told = advertisement(stranger, HOST, 0x77, true);
    let frames = sent(&host.handle(PORT, &told, now).effects);
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].to, frames[0].destination), (mac(0x77), stranger));
    assert!(matches!(frames[0].what, What::Advertisement(HOST, _, _)));
}

#[test]
fn an_on_link_locator_is_answered_for_whole_a_routed_one_not() {
    let (mut host, now) = on_link();
    for target in [OWN_LOCATOR_HOST, TENANT, address("fd00:0:0:a:ffff::")] {
        for to in [solicited_node(target), target] {
            let question = solicitation(ROUTER, to, target, Some(1));
            let frames = sent(&host.handle(PORT, &question, now).effects);
            let expect = What::Advertisement(target, Some(mac(0xa0)), "SO".into());
            assert_eq!(frames[0].what, expect, "{target} {to}");
            assert_eq!((frames[0].to, frames[0].destination), (mac(1), ROUTER));
        }
    }
    let (mut host, now) = settled(|_| ());
    for target in [OWN_LOCATOR_HOST, TENANT] {
        let question = solicitation(ROUTER, solicited_node(target), target, Some(1));
        let reason = refused(&mut host, &question, now);
        assert_eq!(reason, Some(Reason::NotForThisHost));
    }
}

#[test]
fn uplinks_that_share_a_link_do_not_override_each_other() {
    let (mut host, now) = settled(|config| {
        config.announce = Announce::OnLink;
        config.uplinks.push(uplink(1, &[]));
    });
    let question = solicitation(ROUTER, TENANT, TENANT, Some(1));
    let frames = sent(&host.handle(PORT, &question, now).effects);
    let expect = What::Advertisement(TENANT, Some(mac(0xa0)), "S".into());
    assert_eq!(frames[0].what, expect);
    let mut own = advertisement(OWN_LOCATOR_HOST, ALL_NODES, 0xa1, false);
    own[..6].copy_from_slice(&[0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(refused(&mut host, &own, now), Some(Reason::LoopedBack));
}

#[test]
fn nobody_else_is_answered_for() {
    let (mut host, now) = on_link();
    let other = address("fd00:0:0:b::1");
    let question = solicitation(ROUTER, solicited_node(other), other, Some(1));
    assert_eq!(
        refused(&mut host, &question, now),
        Some(Reason::TargetNotOurs)
    );
    assert_eq!(host.neighbors().len(), 1, "nor is the asker learned");
}

#[test]
fn an_address_that_another_uses_is_never_used() {
    let config = config("fd00:0:0:a::/64", vec![uplink(0, &[])]);
    let mut host = SubstrateHost::new(config, NOW).unwrap();
    let now = host.next_deadline().unwrap();
    host.tick(now);
    let mut claim = advertisement(HOST, ALL_NODES, 9, false);
    claim[..6].copy_from_slice(&[0x33, 0x33, 0, 0, 0, 1]);
    let handled = host.handle(PORT, &claim, now);
    assert_eq!(handled.effects, [Effect::TableChanged]);
    run(&mut host, now + SECOND * 9);
    let states: Vec<_> = host.addresses().iter().map(|a| a.state).collect();
    assert_eq!(states, [AddressState::Duplicate, AddressState::Preferred]);
    let table = host.snapshot();
    assert_eq!(table.uplinks[0].address, None);
    assert!(!table.own.is_for_host(HOST));
    assert!(!table.own.is_for_host(solicited_node(HOST)));
    let question = ping(ROUTER, HOST, b"");
    assert_eq!(
        refused(&mut host, &question, now + SECOND * 9),
        Some(Reason::NotForThisHost)
    );
}

#[test]
fn another_who_asks_for_a_tentative_address_takes_it_from_both() {
    let config = config("fd00:0:0:a::/64", vec![uplink(0, &[])]);
    let mut host = SubstrateHost::new(config, NOW).unwrap();
    let now = host.next_deadline().unwrap();
    let effects = host.tick(now);
    // Our own solicitation, looped back by the link, is no other's.
    let own = effects.iter().find_map(|effect| match effect {
        Effect::Send { frame, .. } => {
            matches!(read(frame).what, What::Solicitation(HOST, _)).then(|| frame.clone())
        }
        _ => None,
    });
    let mut looped = own.unwrap();
    assert_eq!(refused(&mut host, &looped, now), Some(Reason::LoopedBack));
    looped[6..12].copy_from_slice(&mac(9).octets());
    assert_eq!(
        refused(&mut host, &looped, now),
        Some(Reason::LoopedBack),
        "the nonce is ours, whatever a bridge did to the MAC"
    );
    // Someone resolving it does not have it.
    let resolving = solicitation(ROUTER, solicited_node(HOST), HOST, Some(1));
    assert_eq!(
        refused(&mut host, &resolving, now),
        Some(Reason::TargetNotOurs)
    );
    assert_eq!(host.addresses()[0].state, AddressState::Tentative);
    let probe = solicitation(Ipv6Addr::UNSPECIFIED, solicited_node(HOST), HOST, None);
    assert_eq!(host.handle(PORT, &probe, now).refused, None);
    assert_eq!(host.addresses()[0].state, AddressState::Duplicate);
}

#[test]
fn a_conflict_over_an_address_in_use_is_counted_not_yielded_to() {
    let (mut host, now) = settled(|_| ());
    let mut claim = advertisement(HOST, ALL_NODES, 9, false);
    claim[..6].copy_from_slice(&[0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(
        refused(&mut host, &claim, now),
        Some(Reason::AddressConflict)
    );
    let asks_as_us = solicitation(HOST, solicited_node(HOST), HOST, Some(9));
    assert_eq!(
        refused(&mut host, &asks_as_us, now),
        Some(Reason::AddressConflict)
    );
    assert_eq!(host.snapshot().uplinks[0].address, Some(HOST));
}

#[test]
fn discovery_from_beyond_the_link_is_refused() {
    let (mut host, now) = settled(|_| ());
    let mut packet = Outgoing::discovery(ROUTER, HOST);
    packet.hop_limit = 254;
    let message = packet::nd::Solicitation {
        target: HOST,
        source_mac: Some(mac(9)),
        nonce: None,
    };
    let frame = packet.frame(mac(9), host_mac(), &message.emit());
    assert_eq!(refused(&mut host, &frame, now), Some(Reason::NdHopLimit));
}

#[test]
fn unwanted_advertisements_are_not_learned() {
    let (mut host, now) = settled(|_| ());
    let stranger = address("fd00:0:0:ff::77");
    let frame = advertisement(stranger, HOST, 0x77, true);
    assert_eq!(
        refused(&mut host, &frame, now),
        Some(Reason::AdvertisementUnwanted)
    );
    assert_eq!(host.neighbors().len(), 1);
}

fn with_router(change: impl FnOnce(&mut super::SubstrateConfig)) -> (SubstrateHost, Duration) {
    let (mut host, now) = settled(change);
    let told = advertisement(ROUTER, HOST, 1, true);
    let handled = host.handle(PORT, &told, now);
    let next_hop = NextHopId(0);
    let expect = [Effect::TableChanged, Effect::Resolved { next_hop }];
    assert_eq!(handled.effects, expect);
    (host, now)
}

#[test]
fn ping_is_answered_from_the_address_that_was_asked() {
    let (mut host, now) = with_router(|_| ());
    let far = address("2001:db8::9");
    let data: Vec<u8> = (0..57).collect();
    let segment_zero = address("fd00:0:0:a:fc00:0:1234:5678");
    for own in [HOST, OWN_LOCATOR_HOST, segment_zero] {
        let handled = host.handle(PORT, &ping(far, own, &data), now);
        let reply = Seen {
            from: mac(0xa0),
            to: mac(1),
            source: own,
            destination: far,
            class: 0xb9,
            hop_limit: 64,
            what: What::EchoReply(0x1234, 7, data.clone()),
        };
        assert_eq!(sent(&handled.effects), [reply]);
    }
    // From the link-local address, over the link.
    let own = link_local(mac(0xa0));
    let asker = address("fe80::1");
    let frames = sent(&host.handle(PORT, &ping(asker, own, b"x"), now).effects);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].what, What::Solicitation(asker, Some(mac(0xa0))));
    assert_eq!(frames[0].source, own);
}

#[test]
fn ping_that_cannot_be_answered_says_why() {
    let (mut host, now) = with_router(|config| config.uplinks[0].mtu = 1280);
    let far = address("2001:db8::9");
    let good = ping(far, HOST, b"data");
    let mut check = |change: &dyn Fn(&mut Vec<u8>), expect| {
        let mut frame = good.clone();
        change(&mut frame);
        assert_eq!(refused(&mut host, &frame, now), Some(expect));
    };
    check(&|f| f.truncate(65), Reason::Truncated);
    check(&|f| f.truncate(13), Reason::Truncated);
    check(&|f| f[60] ^= 1, Reason::BadChecksum);
    check(&|f| f[20] = 44, Reason::Fragment);
    check(&|f| f[20] = 43, Reason::ExtensionHeader);
    check(&|f| f[20] = 6, Reason::ProtocolUnsupported);
    check(&|f| f[20] = 0, Reason::BadHopByHop);
    check(&|f| f[14] = 0x40, Reason::BadIpHeader);
    check(&|f| f[22] = 0xff, Reason::BadIpHeader);
    check(&|f| f[53] = 0xb, Reason::NotForThisHost);
    check(&|f| f[0] ^= 4, Reason::NotForThisMac);
    check(&|f| f[6] |= 1, Reason::SourceMacInvalid);
    check(&|f| f[12] = 8, Reason::NotIpv6);
    check(
        &|f| f[6..12].copy_from_slice(&mac(0xa0).octets()),
        Reason::LoopedBack,
    );
    let mut check = |frame: Vec<u8>, expect| {
        assert_eq!(refused(&mut host, &frame, now), Some(expect));
    };
    check(ping(far, ALL_NODES, b""), Reason::EchoToGroup);
    check(ping(far, HOST, &[0; 1233]), Reason::EchoTooBig);
    check(ping(HOST, HOST, b""), Reason::AddressConflict);
    check(ping(Ipv6Addr::UNSPECIFIED, HOST, b""), Reason::BadIpHeader);
    let padded = [good, vec![0; 9]].concat();
    assert_eq!(host.handle(PORT, &padded, now).refused, None);
    let nowhere = host.handle(PortId(7), &padded, now);
    assert_eq!(nowhere.refused, Some(Reason::NotAnUplink));
}

#[test]
fn ping_without_a_route_back_is_refused() {
    let (mut host, now) = settled(|config| config.uplinks[0].routes.clear());
    let frame = ping(address("2001:db8::9"), HOST, b"");
    assert_eq!(refused(&mut host, &frame, now), Some(Reason::NoRoute));
}

#[test]
fn messages_that_a_host_ignores_are_counted_by_name() {
    let (mut host, now) = settled(|_| ());
    for (kind, reason) in [
        (133, Reason::RouterSolicitation),
        (134, Reason::RouterAdvertisement),
        (137, Reason::Redirect),
        (129, Reason::EchoReply),
        (1, Reason::IcmpError),
        (131, Reason::ListenerReport),
        (143, Reason::ListenerReport),
        (200, Reason::IcmpUnknown),
    ] {
        let packet = Outgoing::discovery(address("fe80::1"), HOST);
        let mut message = [0; 24];
        message[0] = kind;
        let frame = packet.frame(mac(1), host_mac(), &message);
        assert_eq!(refused(&mut host, &frame, now), Some(reason), "{kind}");
    }
}

#[test]
fn too_many_questions_are_refused_by_name() {
    let (mut host, now) = with_router(|config| {
        config.limits.echo_replies_per_second = 3;
        config.limits.advertisements_per_second = 2;
    });
    let question = ping(address("2001:db8::9"), HOST, b"");
    let mut answered = 0;
    while host.handle(PORT, &question, now).refused.is_none() {
        answered += 1;
    }
    assert_eq!(answered, 3);
    assert_eq!(host.counts().of(Reason::RateLimited), 1);
    let question = solicitation(ROUTER, HOST, HOST, Some(1));
    let mut answered = 0;
    while host.handle(PORT, &question, now).refused.is_none() {
        answered += 1;
    }
    assert_eq!(answered, 2);
    assert_eq!(host.handle(PORT, &question, now + SECOND).refused, None);
}

#[test]
fn a_scan_of_tenants_addresses_does_not_silence_the_hosts_own() {
    let (mut host, now) = settled(|config| {
        config.announce = Announce::OnLink;
        config.limits.advertisements_per_second = 2;
    });
    let scan = solicitation(ROUTER, TENANT, TENANT, Some(1));
    while host.handle(PORT, &scan, now).refused.is_none() {}
    assert_eq!(refused(&mut host, &scan, now), Some(Reason::RateLimited));
    let own = solicitation(ROUTER, HOST, HOST, Some(1));
    assert_eq!(host.handle(PORT, &own, now).refused, None);
}

#[test]
fn queriers_are_answered_in_their_time() {
    let (mut host, now) = settled(|_| ());
    let now = now + SECOND * 60;
    run(&mut host, now);
    let mut query = packet::mld::v1_message(packet::mld::QUERY, Ipv6Addr::UNSPECIFIED);
    query[4..6].copy_from_slice(&1000_u16.to_be_bytes());
    query.extend([2, 125, 0, 0]);
    let frame = Outgoing::mld(address("fe80::1"), ALL_NODES, mac(1), &query);
    assert_eq!(host.handle(PORT, &frame, now).refused, None);
    let frames = sent(&run(&mut host, now + SECOND));
    let report = |frame: &&Seen| matches!(frame.what, What::Report(_));
    let reports: Vec<_> = frames.iter().filter(report).collect();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].source, link_local(mac(0xa0)));
    let What::Report(records) = &reports[0].what else {
        unreachable!()
    };
    assert!(records.iter().all(|(kind, _)| *kind == 2));
    assert_eq!(records.len(), 2);
    let far = Outgoing::mld(address("fd00::1"), ALL_NODES, mac(1), &query);
    assert_eq!(refused(&mut host, &far, now), Some(Reason::QuerySource));
    let short = Outgoing::mld(address("fe80::1"), ALL_NODES, mac(1), &query[..20]);
    assert_eq!(
        refused(&mut host, &short, now),
        Some(Reason::QueryMalformed)
    );
}

#[test]
fn tenants_groups_are_joined_where_the_locator_is_on_link() {
    let (mut host, now) = on_link();
    let now = now + SECOND * 60;
    run(&mut host, now);
    let elsewhere = address("fd00:0:0:b::b:a00:9");
    host.set_tenants(&[TENANT, elsewhere], now);
    let frames = sent(&host.tick(now));
    assert_eq!(
        frames[0].what,
        What::Report(vec![(4, solicited_node(TENANT))])
    );
    host.set_tenants(&[], now);
    let frames = sent(&run(&mut host, now + SECOND * 2));
    assert_eq!(
        frames.last().unwrap().what,
        What::Report(vec![(3, solicited_node(TENANT))])
    );
    let (mut routed, now) = settled(|_| ());
    assert_eq!(routed.set_tenants(&[TENANT], now), []);
}

#[test]
fn the_fast_path_knows_what_is_for_the_host() {
    let (host, _) = on_link();
    let own = host.snapshot().own;
    let link_local = link_local(mac(0xa0));
    for yes in [HOST, link_local, OWN_LOCATOR_HOST, ALL_NODES] {
        assert!(own.is_for_host(yes), "{yes}");
    }
    assert!(own.is_for_host(solicited_node(TENANT)));
    assert!(!own.is_for_host(TENANT) && !own.is_for_host(ROUTER));
    assert!(!own.is_for_host(address("ff02::2")));
    let icmp = packet::IpProtocol::ICMPV6;
    assert!(own.is_neighbor_discovery(TENANT, icmp, 135));
    assert!(!own.is_neighbor_discovery(TENANT, icmp, 128));
    assert!(!own.is_neighbor_discovery(TENANT, packet::IpProtocol::UDP, 135));
    let (routed, _) = settled(|_| ());
    let own = routed.snapshot().own;
    assert!(!own.is_for_host(solicited_node(TENANT)));
    assert!(own.is_for_host(solicited_node(HOST)));
    assert!(!own.is_neighbor_discovery(TENANT, icmp, 135));
}

#[test]
fn flows_go_by_next_hops_that_are_known() {
    let second = address("fd00:0:0:ff::2");
    let (mut host, now) = settled(|config| {
        let gateways: &[&str] = &["fd00:0:0:ff::1", "fd00:0:0:ff::2"];
        config.uplinks[0] = uplink(0, &[("::/0", gateways)]);
    });
    let peer = HostId(1);
    let hops = |host: &SubstrateHost| host.snapshot().by_host[1].to_vec();
    assert_eq!(hops(&host), [NextHopId(0), NextHopId(1)], "both failed");
    host.handle(PORT, &advertisement(second, HOST, 2, true), now);
    assert_eq!(hops(&host), [NextHopId(1)]);
    host.handle(PORT, &advertisement(ROUTER, HOST, 1, true), now);
    assert_eq!(hops(&host), [NextHopId(0), NextHopId(1)]);
    let table = host.snapshot();
    let by = |hash| table.next_hop(peer, hash).unwrap().address;
    assert_eq!([by(0), by(1), by(2)], [ROUTER, second, ROUTER]);
    assert_eq!(table.next_hop(HostId(0), 0), None);
    assert_eq!(table.next_hop(HostId(9), 0), None);
}

#[test]
fn peers_come_and_go() {
    let (mut host, now) = with_router(|config| {
        let gateway: &[&str] = &["fd00:0:0:ff::1"];
        let routes: &[(&str, &[&str])] = &[("::/0", gateway), ("fd00:0:0:c::/64", &[])];
        config.uplinks[0] = uplink(0, routes);
    });
    let revision = host.revision();
    let c = (HostId(2), locator("fd00:0:0:c::/64"));
    let own = (HostId(0), host.locator);
    let effects = host.set_peers(&[own, c], now);
    assert_eq!(effects[0], Effect::TableChanged);
    assert!(host.revision() > revision);
    let frames = sent(&effects);
    let expect = What::Solicitation(address("fd00:0:0:c::1"), Some(mac(0xa0)));
    assert_eq!(frames[0].what, expect);
    let table = host.snapshot();
    assert_eq!(table.by_host[0].len(), 0, "this host");
    assert_eq!(table.by_host[1].len(), 0, "no peer any more");
    assert_eq!(table.by_host[2].as_slice(), [NextHopId(1)]);
    let effects = host.set_peers(&[], now);
    let next_hop = NextHopId(1);
    assert!(effects.contains(&Effect::Failed { next_hop }));
}

#[test]
fn whoever_waits_for_a_next_hop_is_told_at_once_what_is_known() {
    let next_hop = NextHopId(0);
    let config = config(
        "fd00:0:0:a::/64",
        vec![uplink(0, &[("::/0", &["fe80::1"])])],
    );
    let mut host = SubstrateHost::new(config, NOW).unwrap();
    assert_eq!(host.resolve(next_hop, NOW), [], "no address to ask from");
    let nobody = NextHopId(7);
    let failed = [Effect::Failed { next_hop: nobody }];
    assert_eq!(host.resolve(nobody, NOW), failed);
    let now = NOW + SECOND * 3;
    run(&mut host, now);
    assert_eq!(host.resolve(next_hop, now), [], "being asked");
    let now = NOW + SECOND * 9;
    let effects = run(&mut host, now);
    let failed = Effect::Failed { next_hop };
    assert!(effects.contains(&failed));
    assert_eq!(host.resolve(next_hop, now), [failed]);
    let router = address("fe80::1");
    host.handle(PORT, &advertisement(router, HOST, 1, true), now);
    let resolved = [Effect::Resolved { next_hop }];
    assert_eq!(host.resolve(next_hop, now), resolved);
}

#[test]
fn an_answer_leaves_by_the_uplink_that_works() {
    let (mut host, now) = settled(|config| {
        config
            .uplinks
            .push(uplink(1, &[("::/0", &["fd00:0:0:fe::1"])]));
    });
    let far = address("2001:db8::9");
    // Its own router failed to answer; the other uplink's is there.
    let other = address("fd00:0:0:fe::1");
    let mut told = advertisement(other, address("fd00:0:0:fe::a"), 1, true);
    told[..6].copy_from_slice(&mac(0xa1).octets());
    host.handle(PortId(1), &told, now);
    let frames = sent(&host.handle(PORT, &ping(far, HOST, b""), now).effects);
    assert_eq!((frames[0].from, frames[0].to), (mac(0xa1), mac(1)));
    assert_eq!(frames[0].source, HOST);
    // With both there, it leaves the way the question came.
    host.handle(PORT, &advertisement(ROUTER, HOST, 2, true), now);
    let frames = sent(&host.handle(PORT, &ping(far, HOST, b""), now).effects);
    assert_eq!((frames[0].from, frames[0].to), (mac(0xa0), mac(2)));
    let failover = host.set_link(PORT, false, now);
    assert!(failover.contains(&Effect::TableChanged));
    assert_eq!(host.snapshot().by_host[1].len(), 1);
    assert_eq!(
        host.snapshot().next_hop(HostId(1), 5).unwrap().port,
        PortId(1)
    );
}
