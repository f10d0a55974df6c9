//! A slow model of what tenants see, written from the product's description
//! and not from the code, against the pipeline: two hosts and a fabric must
//! deliver what one plain switch per segment, and the logical routers between
//! them, would have delivered, whatever the packet and whatever the sizes of the networks.
//!
//! * [`strategies`], [`draft`], [`sent`]: arbitrary packets, in arbitrary
//!   frames, over networks of several sizes.
//! * [`switch`], [`groups`], [`routers`], [`rules`], [`carriage`]: the model. [`ipv4`]: its own reader of IPv4.
//! * [`product`]: the hosts, observed from outside.
//! * [`compare`], [`copies`], [`wire`]: did both see the same, and was every packet on the
//!   fabric one that strangers can read?
//! * [`fabric_errors`]: what routers of the fabric say of our packets.
//! * [`device`]: what senders leave undone, and devices finish.
//!
//! `VSWITCH_PROPERTY_CASES` sets the number of cases per property (20 000 if not
//! set; a release is tried with 1 000 000, built with `--release`).
#![allow(
    unreachable_pub,
    reason = "what is public in a room is so for this house"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test ends where something is missing"
)]

#[path = "../bench/mod.rs"]
mod bench;

mod carriage;
mod compare;
mod copies;
mod device;
mod draft;
mod fabric_errors;
mod groups;
mod ipv4;
mod phantoms;
mod product;
mod routers;
mod rules;
mod sent;
mod strategies;
mod switch;
mod wire;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use carriage::Why;
use compare::{Hop, Met, Spread, judge};
use fabric_errors::complaints;
use product::World;
use sent::{Sent, Setting, anybodys, neighbourly, settings, to_many, to_routers, unfinished};
use switch::{fate, sender_of};

/// What a comparison found, or what is wrong.
type Judged<T = ()> = Result<T, String>;

fn ensure(holds: bool, fault: &str) -> Judged {
    holds.then_some(()).ok_or_else(|| fault.to_owned())
}

/// The beginning of a frame, and its length.
fn brief(frame: &[u8]) -> String {
    let hex = frame.iter().take(128).map(|byte| format!("{byte:02x}"));
    format!("{} ({} bytes)", hex.collect::<String>(), frame.len())
}

fn config() -> ProptestConfig {
    let cases = std::env::var("VSWITCH_PROPERTY_CASES");
    ProptestConfig {
        cases: cases.map_or(20_000, |text| text.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Sends it, and compares what happened with what should have.
fn check(setting: Setting, sent: &Sent) -> Judged<Met> {
    let frame = sent.frame();
    let sizes = setting.sizes();
    let fate = fate(sizes, sent.site, sent.port, &frame);
    let from = sender_of(sent.site, sent.port, &frame);
    World::with(setting, |world| {
        let seen = world.node_sends(sent.site, sent.port, &frame);
        judge(&fate, sizes, from, &seen, &mut world.ids).map_err(|fault| {
            let fate = fate.describe();
            format!("{fault}\nsent: {}\n{fate}\n{seen}", brief(&frame))
        })
    })
}

proptest! {
    #![proptest_config(config())]

    /// From host to host: what a plain switch would deliver, but for the
    /// identification of what is no fragment.
    #[test]
    fn the_fabric_is_transparent(setting in settings(), sent in neighbourly(false)) {
        check(setting, &sent).map_err(TestCaseError::fail)?;
    }

    /// Within a host: the same, byte for byte, and nothing on the fabric.
    #[test]
    fn one_host_behaves_identically(setting in settings(), sent in neighbourly(true)) {
        check(setting, &sent).map_err(TestCaseError::fail)?;
    }

    /// What is for logical routers goes where two Linux machines would send it,
    /// and is answered as they would.
    #[test]
    fn routers_are_as_machines_would_be(setting in settings(), sent in to_routers()) {
        check(setting, &sent).map_err(TestCaseError::fail)?;
    }

    /// What is for everybody, or for a group, everybody else in the segment gets
    /// once, and nobody hears an error about it.
    #[test]
    fn many_hear_what_is_for_many(setting in settings(), sent in to_many()) {
        check(setting, &sent).map_err(TestCaseError::fail)?;
    }

    /// What the fabric's routers complain of reaches whom it concerns, in
    /// IPv4's words, and then holds.
    #[test]
    fn the_fabric_is_never_seen(
        setting in settings(),
        sent in neighbourly(false),
        complaint in complaints(),
    ) {
        fabric_errors::check(setting, &sent, &complaint).map_err(TestCaseError::fail)?;
    }

    /// What a sender leaves to a device is finished by one, or by us, before it
    /// is on a wire.
    #[test]
    fn what_is_left_undone_arrives_finished(
        setting in settings(),
        (sent, left) in unfinished(),
    ) {
        device::check(setting, &sent, left).map_err(TestCaseError::fail)?;
    }

    /// Rules decide before anything else does, and the sender hears of it.
    #[test]
    fn rules_are_asked_of_everything(
        setting in settings(),
        sent in prop_oneof![
            neighbourly(false),
            neighbourly(true),
            to_routers(),
            to_many(),
            anybodys(),
        ],
    ) {
        check(setting.ruled(), &sent).map_err(TestCaseError::fail)?;
    }

    /// Any mix of senders, receivers, tags, MACs and addresses: the model says
    /// who gets what.
    #[test]
    fn everybody_gets_what_a_plain_switch_delivers(setting in settings(), sent in anybodys()) {
        check(setting, &sent).map_err(TestCaseError::fail)?;
    }
}

/// The mix is worth its time only if it gets everywhere.
#[test]
fn the_frames_of_the_model_meet_every_fate() {
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeMap::<Met, u32>::new();
    let mut draw = |case: fn(&mut TestRunner) -> Judged<Met>| {
        for _ in 0..6000 {
            let met = met.entry(case(&mut runner).unwrap_or_else(|fault| panic!("{fault}")));
            *met.or_default() += 1;
        }
    };
    draw(|runner| {
        check(
            drawn(runner, settings()),
            &drawn(runner, neighbourly(false)),
        )
    });
    draw(|runner| check(drawn(runner, settings()), &drawn(runner, neighbourly(true))));
    draw(|runner| check(drawn(runner, settings()), &drawn(runner, anybodys())));
    draw(|runner| check(drawn(runner, settings()), &drawn(runner, to_routers())));
    draw(|runner| check(drawn(runner, settings()), &drawn(runner, to_many())));
    draw(|runner| {
        let setting = drawn(runner, settings()).ruled();
        check(setting, &drawn(runner, neighbourly(false)))
    });
    draw(|runner| {
        let (setting, sent) = (drawn(runner, settings()), drawn(runner, neighbourly(false)));
        fabric_errors::check(setting, &sent, &drawn(runner, complaints()))
    });
    let raw = [
        Why::Options,
        Why::ReservedFlag,
        Why::FragmentOfIcmp,
        Why::FragmentLength,
        Why::FragmentEnd,
        Why::FragmentEmpty,
        Why::Protocol,
        Why::ChecksumAllOnes,
        Why::Icmp,
        Why::Nobodys,
        Why::NotIp,
    ];
    let others = [
        Met::Nothing,
        Met::Answered,
        Met::Local,
        Met::LocalCut,
        Met::Rewritten,
        Met::Fragment,
        Met::ErrorTranslated { textbook: true },
        Met::ErrorTranslated { textbook: false },
        Met::ErrorRaw,
        Met::Cut,
    ];
    let routed = [
        Hop::Local,
        Hop::Rewritten,
        Hop::Fragment,
        Hop::Raw,
        Hop::Error,
        Hop::Cut,
    ];
    let many = [
        Spread::Rewritten,
        Spread::Fragment,
        Spread::Raw,
        Spread::RawToAll,
        Spread::Error,
        Spread::Cut,
        Spread::HereOnly,
    ];
    // Net, host, protocol and port unreachable, fragmentation needed, source
    // route failed, prohibited; time exceeded.
    let unreachable = [0, 1, 2, 3, 4, 5, 13].map(|code| Met::Refused(3, code));
    let fates = raw.map(Met::Raw).into_iter().chain(others);
    let fates = fates
        .chain(routed.map(Met::Routed))
        .chain(many.map(Met::Many));
    let fates = fates.chain(unreachable);
    let fates = fates.chain([Met::Refused(11, 0), Met::RouterAnswered]);
    for fate in fates {
        let times = met.get(&fate).copied().unwrap_or(0);
        assert!(times >= 10, "{fate:?} only {times} times of {met:?}");
    }
}

#[test]
fn what_is_left_undone_meets_every_fate() {
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeMap::<Met, u32>::new();
    for _ in 0..2000 {
        let (setting, (sent, left)) = (
            drawn(&mut runner, settings()),
            drawn(&mut runner, unfinished()),
        );
        let fate = device::check(setting, &sent, left);
        let fate = met.entry(fate.unwrap_or_else(|fault| panic!("{fault}")));
        *fate.or_default() += 1;
    }
    let fates = [Met::Local, Met::LocalCut, Met::Rewritten, Met::Cut];
    for fate in fates.into_iter().chain([Met::Refused(3, 4)]) {
        let times = met.get(&fate).copied().unwrap_or(0);
        assert!(times >= 10, "{fate:?} only {times} times of {met:?}");
    }
}

fn drawn<T>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}
