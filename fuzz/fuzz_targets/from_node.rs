//! One frame that a node sent: the first byte chooses the port.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../datapath/tests/bench/mod.rs"]
mod bench;

use bench::ends::ends_well;
use bench::host::Way;
use bench::{Plan, Site};

fuzz_target!(|input: &[u8]| {
    thread_local! {
        static HOST: std::cell::RefCell<bench::Host> = Plan::of(Site::R).paths(3).host().into();
    }
    if let Some((port, frame)) = input.split_first() {
        HOST.with_borrow_mut(|host| {
            let outcome = host.node_sends(u16::from(*port % 9), frame);
            ends_well(Way::FromNode, outcome.cx.verdict, &outcome.frame);
        });
    }
});
