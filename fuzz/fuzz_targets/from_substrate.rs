//! One frame that the substrate delivered.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../datapath/tests/bench/mod.rs"]
mod bench;

use bench::ends::ends_well;
use bench::host::Way;
use bench::{Plan, Site};

fuzz_target!(|frame: &[u8]| {
    thread_local! {
        static HOST: std::cell::RefCell<bench::Host> = Plan::of(Site::R).paths(3).host().into();
    }
    HOST.with_borrow_mut(|host| {
        let outcome = host.substrate_delivers(frame);
        ends_well(Way::FromSubstrate, outcome.cx.verdict, &outcome.frame);
    });
});
