//! The transition table of RFC 4861 appendix C, row by row.

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

/// A neighbour in the state, at MAC 1 where a MAC is known.
fn in_state(state: NeighborState) -> Neighbor {
    let known = !matches!(state, NeighborState::Incomplete | NeighborState::Failed);
    Neighbor {
        state,
        mac: known.then(|| mac(1)),
        router: false,
        since: NOW,
        deadline: Some(NOW),
        asked: 0,
    }
}

fn told(mac: Option<MacAddr>, flags: &str) -> Told {
    Told {
        mac,
        solicited: flags.contains('S'),
        overrides: flags.contains('O'),
        router: flags.contains('R'),
    }
}

use NeighborState::{Delay, Failed, Incomplete, Probe, Reachable, Stale};

/// State, flags, MAC in the advertisement → state, MAC.
type Row = (
    NeighborState,
    &'static str,
    Option<u8>,
    NeighborState,
    Option<u8>,
);

const ADVERTISEMENTS: &[Row] = &[
    // INCOMPLETE: the MAC counts, Override does not.
    (Incomplete, "", Some(1), Stale, Some(1)),
    (Incomplete, "O", Some(1), Stale, Some(1)),
    (Incomplete, "S", Some(1), Reachable, Some(1)),
    (Incomplete, "SO", Some(1), Reachable, Some(1)),
    (Incomplete, "SO", None, Incomplete, None),
    // What had failed and speaks again is as good as asked for.
    (Failed, "", Some(1), Stale, Some(1)),
    (Failed, "S", Some(1), Reachable, Some(1)),
    (Failed, "SO", None, Failed, None),
    // The same MAC, or none: only Solicited changes the state.
    (Reachable, "", Some(1), Reachable, Some(1)),
    (Reachable, "O", Some(1), Reachable, Some(1)),
    (Reachable, "S", None, Reachable, Some(1)),
    (Stale, "", Some(1), Stale, Some(1)),
    (Stale, "O", None, Stale, Some(1)),
    (Stale, "S", Some(1), Reachable, Some(1)),
    (Stale, "SO", Some(1), Reachable, Some(1)),
    (Stale, "S", None, Reachable, Some(1)),
    (Delay, "", Some(1), Delay, Some(1)),
    (Delay, "S", Some(1), Reachable, Some(1)),
    (Probe, "O", Some(1), Probe, Some(1)),
    (Probe, "S", Some(1), Reachable, Some(1)),
    (Probe, "S", None, Reachable, Some(1)),
    // Another MAC without Override: not believed, but no longer certain.
    (Reachable, "", Some(2), Stale, Some(1)),
    (Reachable, "S", Some(2), Stale, Some(1)),
    (Stale, "S", Some(2), Stale, Some(1)),
    (Delay, "S", Some(2), Delay, Some(1)),
    (Probe, "S", Some(2), Probe, Some(1)),
    // Another MAC with Override: believed; proved only if solicited.
    (Reachable, "O", Some(2), Stale, Some(2)),
    (Reachable, "SO", Some(2), Reachable, Some(2)),
    (Stale, "O", Some(2), Stale, Some(2)),
    (Stale, "SO", Some(2), Reachable, Some(2)),
    (Delay, "O", Some(2), Stale, Some(2)),
    (Probe, "O", Some(2), Stale, Some(2)),
    (Probe, "SO", Some(2), Reachable, Some(2)),
];

#[test]
fn advertisements_of_7_2_5() {
    let mut random = Random::new(1);
    for &(from, flags, given, to, known) in ADVERTISEMENTS {
        let mut neighbor = in_state(from);
        neighbor.advertised(told(given.map(mac), flags), NOW, &mut random);
        let found = (neighbor.state, neighbor.mac);
        assert_eq!(found, (to, known.map(mac)), "{from:?} {flags} {given:?}");
        if to == Reachable && flags.contains('S') {
            let time = neighbor.deadline.unwrap() - NOW;
            assert!(time >= REACHABLE_TIME / 2 && time <= REACHABLE_TIME * 3 / 2);
        }
    }
}

#[test]
fn the_router_flag_follows_what_is_believed() {
    let mut random = Random::new(1);
    let mut neighbor = in_state(Incomplete);
    neighbor.advertised(told(Some(mac(1)), "SR"), NOW, &mut random);
    assert!(neighbor.router);
    neighbor.advertised(told(Some(mac(2)), "S"), NOW, &mut random);
    assert!(neighbor.router, "not believed without Override");
    neighbor.advertised(told(None, ""), NOW, &mut random);
    assert!(!neighbor.router);
}

#[test]
fn solicitations_of_7_2_3() {
    for (from, given, to) in [
        (Incomplete, 1, Stale),
        (Failed, 1, Stale),
        (Reachable, 1, Reachable),
        (Reachable, 2, Stale),
        (Stale, 1, Stale),
        (Stale, 2, Stale),
        (Delay, 1, Delay),
        (Delay, 2, Stale),
        (Probe, 1, Probe),
        (Probe, 2, Stale),
    ] {
        let mut neighbor = in_state(from);
        neighbor.solicited(mac(given), NOW);
        assert_eq!(
            (neighbor.state, neighbor.mac),
            (to, Some(mac(given))),
            "{from:?} {given}"
        );
    }
}

#[test]
fn only_what_is_stale_is_moved_by_use() {
    for from in [Incomplete, Reachable, Stale, Delay, Probe, Failed] {
        let mut neighbor = in_state(from);
        neighbor.used(NOW);
        assert_eq!(neighbor.state, if from == Stale { Delay } else { from });
    }
}

#[test]
fn time_makes_reachable_stale_and_no_more() {
    let mut neighbor = in_state(Reachable);
    assert_eq!(neighbor.timeout(NOW, true), Due::Nothing);
    assert_eq!((neighbor.state, neighbor.deadline), (Stale, None));
}

#[test]
fn a_search_is_three_questions_a_second_apart_then_given_up() {
    let mut neighbor = Neighbor::unknown(NOW);
    assert_eq!(neighbor.deadline(), None);
    neighbor.seek(NOW);
    let mut now = NOW;
    for _ in 0..MAX_MULTICAST_SOLICIT {
        assert_eq!(neighbor.deadline(), Some(now));
        assert_eq!(neighbor.timeout(now, true), Due::Multicast);
        now += RETRANS_TIMER;
    }
    assert_eq!(neighbor.timeout(now, true), Due::GiveUp);
    assert_eq!((neighbor.state, neighbor.mac), (Failed, None));
}

#[test]
fn a_use_ends_in_three_probes_then_given_up() {
    let mut neighbor = in_state(Stale);
    neighbor.used(NOW);
    let mut now = NOW + DELAY_FIRST_PROBE_TIME;
    for _ in 0..MAX_UNICAST_SOLICIT {
        assert_eq!(neighbor.deadline(), Some(now));
        assert_eq!(neighbor.timeout(now, true), Due::Unicast(mac(1)));
        assert_eq!(neighbor.state, Probe);
        now += RETRANS_TIMER;
    }
    assert_eq!(neighbor.timeout(now, true), Due::GiveUp);
    assert_eq!((neighbor.state, neighbor.mac), (Failed, None));
}

#[test]
fn what_failed_is_forgotten_or_sought_ever_more_rarely() {
    let mut neighbor = in_state(Failed);
    assert_eq!(neighbor.timeout(NOW, false), Due::Forget);
    let mut now = NOW;
    for seconds in [2, 4, 8, 16, 16] {
        assert_eq!(neighbor.timeout(now, true), Due::Multicast);
        assert_eq!(neighbor.state, Failed);
        let next = neighbor.deadline().unwrap();
        assert_eq!(next - now, Duration::from_secs(seconds));
        now = next;
    }
}

#[test]
fn since_is_when_the_state_began() {
    let mut random = Random::new(1);
    let mut neighbor = in_state(Reachable);
    let later = NOW + Duration::from_secs(9);
    neighbor.advertised(told(Some(mac(1)), "S"), later, &mut random);
    assert_eq!(neighbor.since(), NOW, "it was reachable all along");
    neighbor.advertised(told(Some(mac(2)), "O"), later, &mut random);
    assert_eq!(neighbor.since(), later);
}
