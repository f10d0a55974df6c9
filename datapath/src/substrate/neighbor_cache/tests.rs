use core::net::Ipv6Addr;

use super::*;

const NOW: Duration = Duration::from_secs(100);
const SECOND: Duration = Duration::from_secs(1);

fn at(last: u16) -> LinkAddress {
    LinkAddress {
        uplink: UplinkIndex(0),
        address: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last),
    }
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn with_next_hops(hops: &[u16], max_learned: usize) -> (NeighborCache, Random) {
    let mut cache = NeighborCache::new(max_learned);
    cache.set_next_hops(&hops.iter().map(|h| at(*h)).collect(), NOW);
    (cache, Random::new(9))
}

fn ids(cache: &NeighborCache) -> Vec<Option<LinkAddress>> {
    cache.next_hops().map(|hop| Some(hop?.0)).collect()
}

fn answer(cache: &mut NeighborCache, from: u16, random: &mut Random) {
    let told = Told {
        mac: Some(mac(1)),
        solicited: true,
        overrides: true,
        router: false,
    };
    assert!(cache.advertised(at(from), told, NOW, random));
}

#[test]
fn next_hops_keep_their_numbers() {
    let (mut cache, _) = with_next_hops(&[1, 2, 3], 8);
    assert_eq!(ids(&cache), [Some(at(1)), Some(at(2)), Some(at(3))]);
    cache.set_next_hops(&[at(1), at(3)].into(), NOW);
    assert_eq!(ids(&cache), [Some(at(1)), None, Some(at(3))]);
    assert_eq!(cache.take_events(), [CacheEvent::Failed(NextHopId(1))]);
    cache.set_next_hops(&[at(1), at(3), at(4)].into(), NOW);
    assert_eq!(ids(&cache), [Some(at(1)), Some(at(4)), Some(at(3))]);
    assert_eq!(cache.learned(), 0);
}

#[test]
fn a_next_hop_that_is_known_becomes_learned_and_back() {
    let (mut cache, mut random) = with_next_hops(&[1], 8);
    answer(&mut cache, 1, &mut random);
    cache.set_next_hops(&BTreeSet::new(), NOW);
    assert_eq!(cache.learned(), 1);
    assert_eq!(cache.get(at(1)).unwrap().neighbor.mac(), Some(mac(1)));
    cache.set_next_hops(&[at(1)].into(), NOW);
    assert_eq!(cache.learned(), 0);
    assert_eq!(cache.get(at(1)).unwrap().neighbor.mac(), Some(mac(1)));
}

#[test]
fn nobody_is_sought_before_it_can_be() {
    let (mut cache, mut random) = with_next_hops(&[1], 8);
    assert_eq!(cache.deadline(), None);
    cache.seek_next_hops(UplinkIndex(1), NOW, &mut random);
    assert_eq!(cache.deadline(), None);
    cache.seek_next_hops(UplinkIndex(0), NOW, &mut random);
    cache.timeouts(NOW);
    let neighbor = at(1);
    let expect = [CacheEvent::Solicit { neighbor, at: None }];
    assert_eq!(cache.take_events(), expect);
    assert_eq!(cache.deadline(), Some(NOW + SECOND));
}

#[test]
fn a_big_installation_does_not_ask_all_at_once() {
    let hops: Vec<u16> = (0..500).collect();
    let (mut cache, mut random) = with_next_hops(&hops, 8);
    cache.seek_next_hops(UplinkIndex(0), NOW, &mut random);
    cache.timeouts(NOW);
    assert!(cache.take_events().len() <= AT_ONCE + 5);
    cache.timeouts(NOW + SPREAD);
    assert!(cache.take_events().len() >= 500 - AT_ONCE - 5);
}

#[test]
fn what_waits_is_sent_to_the_mac_that_is_found() {
    let (mut cache, mut random) = with_next_hops(&[], 8);
    let frame = |n| vec![n; 20];
    for n in 0..3 {
        assert_eq!(cache.send(at(1), frame(n), NOW), Queued::Held);
    }
    let queued = cache.send(at(1), frame(3), NOW);
    assert_eq!(queued, Queued::HeldInsteadOfOlder);
    cache.timeouts(NOW);
    assert_eq!(cache.take_events().len(), 1, "one solicitation");
    answer(&mut cache, 1, &mut random);
    let sent: Vec<_> = cache.take_events().into_iter().collect();
    assert_eq!(sent.len(), 3);
    for (event, n) in sent.iter().zip(1..) {
        let CacheEvent::Send { frame, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!(frame[..6], mac(1).octets());
        assert_eq!(frame[6..], [n; 14]);
    }
    assert_eq!(cache.send(at(1), frame(9), NOW), Queued::Sent);
}

#[test]
fn a_learned_neighbor_that_fails_is_refused_then_forgotten() {
    let (mut cache, _) = with_next_hops(&[], 8);
    cache.send(at(1), vec![0; 20], NOW);
    for second in 0..4 {
        cache.timeouts(NOW + SECOND * second);
    }
    let events = cache.take_events();
    assert_eq!(events.len(), 4);
    assert_eq!(events.last(), Some(&CacheEvent::GaveUp(1)));
    let soon = NOW + SECOND * 3;
    assert_eq!(cache.send(at(1), vec![0; 20], soon), Queued::Unreachable);
    cache.timeouts(NOW + SECOND * 4);
    assert_eq!(cache.learned(), 0);
    assert_eq!(cache.deadline(), None);
    assert_eq!(cache.send(at(1), vec![0; 20], soon), Queued::Held);
}

#[test]
fn the_longest_stale_learned_neighbor_makes_room() {
    let (mut cache, mut random) = with_next_hops(&[100], 3);
    for n in 1..=3 {
        cache.heard(at(n), mac(1), NOW + SECOND * u32::from(4 - n));
    }
    // The oldest, 3, is in use now; 2 is next.
    answer(&mut cache, 3, &mut random);
    cache.heard(at(4), mac(4), NOW + SECOND * 9);
    let known: Vec<_> = cache.iter().map(|(at, _)| at).collect();
    assert_eq!(known, [at(1), at(3), at(4), at(100)]);
}

#[test]
fn neighbors_in_use_are_not_driven_out() {
    let (mut cache, _) = with_next_hops(&[], 2);
    for n in 1..=2 {
        assert_eq!(cache.send(at(n), vec![0; 20], NOW), Queued::Held);
    }
    assert_eq!(cache.send(at(3), vec![0; 20], NOW), Queued::TableFull);
    cache.heard(at(4), mac(4), NOW);
    assert_eq!(cache.learned(), 2);
}

#[test]
fn a_lost_link_fails_its_next_hops_and_forgets_the_others() {
    let (mut cache, mut random) = with_next_hops(&[1], 8);
    answer(&mut cache, 1, &mut random);
    cache.heard(at(7), mac(7), NOW);
    cache.take_events();
    cache.lose(UplinkIndex(0), NOW);
    assert_eq!(cache.take_events(), [CacheEvent::Failed(NextHopId(0))]);
    assert_eq!(cache.iter().count(), 1);
    cache.timeouts(NOW + SECOND * 99);
    assert_eq!(cache.take_events(), [], "nobody is sought on a dead link");
    cache.restore(UplinkIndex(0), NOW);
    let state = cache.get(at(1)).unwrap().neighbor.state();
    assert_eq!(state, NeighborState::Incomplete);
}

#[test]
fn only_next_hops_change_the_table() {
    let (mut cache, _) = with_next_hops(&[1], 8);
    assert!(cache.take_changed());
    cache.heard(at(7), mac(7), NOW);
    assert!(!cache.take_changed());
    cache.heard(at(1), mac(1), NOW);
    assert!(cache.take_changed());
    cache.heard(at(1), mac(1), NOW);
    assert!(!cache.take_changed());
}
